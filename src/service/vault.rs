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
use postrider_store::Store;
use secrecy::SecretString;

use crate::secrets::{KeyId, Resolver, SealedSecret, StoreKey, TOKENS_FIELD};

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
    pub fn seal(&self, account: &str, field: &str, secret: &SecretString) -> Result<SealedSecret, Fault> {
        let in_use = self
            .store
            .reader()?
            .secret_keys()?
            .iter()
            .map(|id| KeyId::parse(id))
            .collect::<Result<Vec<_>, _>>()?;
        let key = StoreKey::load_or_create(&self.resolver.key_place(), &in_use, &*self.entropy)?;
        SealedSecret::seal(&key, account, field, secret, &*self.entropy)
    }

    /// The tokens of that account.
    pub fn tokens_of(self, account: &str) -> TokenVault {
        TokenVault { vault: self, account: account.to_owned() }
    }
}

/// One account's tokens in the store.
#[derive(Clone)]
pub(super) struct TokenVault {
    vault: Vault,
    account: String,
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
        let secret = self.vault.resolver.open(&self.account, TOKENS_FIELD, &kept.sealed)?;
        let tokens = StoredTokens::from_secret(&secret)?;
        Ok(Some(Kept { generation: kept.generation, tokens }))
    }

    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool, Fault> {
        let sealed = self.vault.seal(&self.account, TOKENS_FIELD, &new.to_secret()?)?;
        let mut writer = self.vault.store.writer()?;
        writer.durable(true)?;
        let key_id = sealed.key_id().to_string();
        Ok(writer.transaction(|tx| tx.replace_tokens(&self.account, seen, &key_id, &sealed.to_bytes()))?)
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
        Vault { store, resolver, entropy: Arc::new(Counter(0.into())) }.tokens_of("work")
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
        assert!(vault.vault.resolver.open("home", TOKENS_FIELD, &sealed).is_err());
        assert!(vault.vault.resolver.open("work", "password", &sealed).is_err());
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
