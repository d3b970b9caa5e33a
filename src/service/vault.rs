//! Secrets that the store keeps: sealed by its key on the way in, opened on the way out (F8.1).
//!
//! An account's tokens are guarded by a lock of the kernel on a file of their own, which dies with its process, and by the generation in
//! the store. The lock is asked for again and again and never waited for, since whoever has it may be a task of this very thread.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use postrider_model::{Entropy, ErrorClass, Fault};
use postrider_oauth::{Kept, StoredTokens, TokenLock, TokenStore};
use postrider_store::{NewTokens, Store, StoreError};
use secrecy::SecretString;

use super::Service;
use crate::{
    config::ReadyAccount,
    secrets::{GivenFor, KeyId, PASSWORD_FIELD, Purpose, Resolver, SealedSecret, StoreKey, TOKENS_FIELD},
};

/// So often a key may change while one secret is being kept.
const MOST_KEYS: u32 = 8;
/// How often the lock is asked for.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The store with its key.
#[derive(Clone)]
pub(super) struct Vault {
    pub store: Store,
    pub resolver: Resolver,
    pub entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// Seals a secret by the store's key, which is made where nothing was sealed before.
    pub fn seal(&self, purpose: Purpose<'_>, secret: &SecretString) -> Result<SealedSecret, Fault> {
        let in_use = self.keys_in_use()?;
        let key = StoreKey::load_or_create(&self.resolver.key_place(), &in_use, &*self.entropy)?;
        SealedSecret::seal(&key, purpose, secret, &*self.entropy)
    }

    /// The keys by which something is sealed.
    pub fn keys_in_use(&self) -> Result<Vec<KeyId>, Fault> {
        self.store.reader()?.secret_keys()?.iter().map(|id| KeyId::parse(id)).collect()
    }

    /// The tokens of that account; what is kept there is given for that.
    pub fn tokens_of(self, account: &str, given_for: Option<String>) -> TokenVault {
        TokenVault { vault: self, account: account.to_owned(), given_for }
    }
}

/// One account's tokens in the store.
#[derive(Clone)]
pub(super) struct TokenVault {
    vault: Vault,
    account: String,
    given_for: Option<String>,
}

impl TokenVault {
    fn lock_file(&self) -> PathBuf {
        self.vault.store.dir().join(format!("oauth-{}.lock", self.account))
    }
}

#[async_trait]
impl TokenStore for TokenVault {
    async fn lock(&self) -> Result<TokenLock, Fault> {
        let path = self.lock_file();
        let failed = |why: io::Error| {
            let action = format!("lock {}", path.display());
            Fault::new(ErrorClass::Permanent, action, why.to_string())
        };
        let file = private_file(&path).map_err(failed)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(why)) => return Err(failed(why)),
            }
        }
    }

    async fn load(&self) -> Result<Option<Kept>, Fault> {
        let Some(kept) = self.vault.store.reader()?.tokens(&self.account)? else { return Ok(None) };
        let given_for = kept.given_for.as_deref();
        let purpose = Purpose { account: &self.account, field: TOKENS_FIELD, given_for };
        let secret = self.vault.resolver.open(purpose, &kept.sealed)?;
        let tokens = StoredTokens::from_secret(&secret)?;
        Ok(Some(Kept { generation: kept.generation, tokens }))
    }

    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool, Fault> {
        let given_for = self.given_for.as_deref();
        let purpose = Purpose { account: &self.account, field: TOKENS_FIELD, given_for };
        let mut writer = self.vault.store.writer()?;
        writer.durable(true)?;
        let mut tries = 0;
        loop {
            let sealed = self.vault.seal(purpose, &new.to_secret()?)?;
            let (key_id, bytes) = (sealed.key_id().to_string(), sealed.to_bytes());
            let new = NewTokens { key_id: &key_id, sealed: &bytes, given_for };
            match writer.transaction(|tx| tx.replace_tokens(&self.account, seen, new)) {
                // The key was changed in between. What a server gave once is not to be lost for that.
                Err(StoreError::OtherKey) if tries < MOST_KEYS => tries += 1,
                replaced => return Ok(replaced?),
            }
        }
    }
}

impl Service {
    /// Whether what is stored for that account's login may be used for what its files name now (F8.2).
    pub(super) fn is_given_for(&self, account: &ReadyAccount) -> Result<bool, Fault> {
        Ok(self.given_for_others(account)?.is_none())
    }

    /// Erases what is stored for that account's login where its files name another host, or another login, than it was given for.
    ///
    /// # Errors
    /// Of class `login`, where that was so; the store's.
    pub(super) fn keep_to_its_hosts(&self, account: &ReadyAccount) -> Result<(), Fault> {
        let (Some(store), Some(given)) = (&self.store, self.given_for_others(account)?) else {
            return Ok(());
        };
        let mut writer = store.writer()?;
        writer.durable(true)?;
        writer.transaction(|tx| {
            tx.delete_secrets(&account.name, None)?;
            tx.erase_tokens(&account.name)
        })?;
        let action = format!("use what is stored for the login of account {}", account.name);
        let cause = format!("it was given for {given}, and its files name {}", account.given_for);
        Err(Fault::new(ErrorClass::Login, action, cause).hint(format!(
            "it was erased, so that it goes nowhere else; if the files are right, `postrider account login {}` gives it anew",
            account.name
        )))
    }

    /// What the account's secrets were given for, where that is not all that they would be used for.
    fn given_for_others(&self, account: &ReadyAccount) -> Result<Option<String>, Fault> {
        let Some(store) = &self.store else { return Ok(None) };
        let reader = store.reader()?;
        let password = reader.secret(&account.name, PASSWORD_FIELD)?.and_then(|secret| secret.given_for);
        let tokens = reader.tokens(&account.name)?.and_then(|tokens| tokens.given_for);
        let wrong = |text: String| match GivenFor::from_text(&text) {
            Some(given) if given.covers(&account.given_for) => None,
            Some(given) => Some(given.to_string()),
            None => Some("something else".to_owned()),
        };
        Ok([password, tokens].into_iter().flatten().find_map(wrong))
    }
}

/// A file that nobody else may open. It stays: removing it would let two processes lock two files of one name.
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use postrider_model::Timestamp;
    use postrider_store::Options;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::secrets::CommandContext;

    #[derive(Debug)]
    struct Counter(std::sync::atomic::AtomicU8);

    impl Entropy for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn vault(home: &Path) -> TokenVault {
        let store = Store::open(&Options::new(home.join("store"), [1; 16], Timestamp(0))).unwrap();
        let resolver = Resolver {
            credentials: None,
            owner_uid: rustix::process::geteuid().as_raw(),
            command: CommandContext { path: "/usr/bin:/bin".into(), home: None },
            key_file: home.join("store/store.key"),
        };
        Vault { store, resolver, entropy: Arc::new(Counter(0.into())) }
            .tokens_of("work", Some("anna".to_owned()))
    }

    fn tokens(access: &str) -> StoredTokens {
        StoredTokens {
            access: access.into(),
            refresh: Some("a-refresh-token-5678".into()),
            obtained_at: Timestamp(1),
            expires_at: None,
            scopes: Vec::new(),
            dead: false,
        }
    }

    #[tokio::test]
    async fn tokens_are_kept_sealed_under_generations() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        assert!(vault.load().await.unwrap().is_none());
        assert!(vault.replace(None, &tokens("an-access-token-1")).await.unwrap());
        assert!(!vault.replace(None, &tokens("an-access-token-2")).await.unwrap());
        let kept = vault.load().await.unwrap().unwrap();
        assert_eq!((kept.generation, kept.tokens.access.expose_secret()), (1, "an-access-token-1"));
        assert!(vault.replace(Some(1), &tokens("an-access-token-2")).await.unwrap());
        assert_eq!(vault.load().await.unwrap().unwrap().generation, 2);
        for name in ["store.db", "store.db-wal"] {
            let octets = std::fs::read(home.path().join("store").join(name)).unwrap_or_default();
            assert!(!octets.windows(12).any(|part| part == b"access-token"), "{name}");
        }
        // What belongs to one account opens for no other.
        let sealed = vault.vault.store.reader().unwrap().tokens("work").unwrap().unwrap().sealed;
        let opens = |account, field, given_for| {
            vault.vault.resolver.open(Purpose { account, field, given_for }, &sealed).is_ok()
        };
        assert!(opens("work", TOKENS_FIELD, Some("anna")));
        assert!(!opens("home", TOKENS_FIELD, Some("anna")));
        assert!(!opens("work", "password", Some("anna")));
        assert!(!opens("work", TOKENS_FIELD, Some("bert")) && !opens("work", TOKENS_FIELD, None));
    }

    #[tokio::test(start_paused = true)]
    async fn one_holds_the_lock_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let (first, second) = (vault(home.path()), vault(home.path()));
        let held = first.lock().await.unwrap();
        let mode = std::fs::metadata(first.lock_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let waiting = tokio::time::timeout(Duration::from_secs(5), second.lock()).await;
        assert!(waiting.is_err(), "it is held");
        drop(held);
        second.lock().await.unwrap();
    }
}
