//! Another key for what the store keeps sealed (F8.1): `key rotate`. The order of the steps, and why it may end between any two of them,
//! stands in `secrets::ring`.

use postrider_model::{ErrorClass, Fault};
use postrider_store::SealedRow;
use serde::Serialize;

use super::{Caller, Service, vault::Vault};
use crate::{
    access::Act,
    secrets::{KeyRing, Purpose, SealedSecret, TOKENS_FIELD},
};

/// So often what is sealed may change while it is sealed anew.
const TRIES: u32 = 8;

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The id of the key that is in force now.
    pub key: String,
    /// Secrets and tokens that it seals.
    pub sealed: usize,
}

impl Service {
    /// Seals everything anew by a new key, or ends a rotation that was cut off.
    ///
    /// # Errors
    /// Where there is no key yet; a key that is not the one that sealed, or a secret that does not open: nothing is changed then.
    pub fn rotate_key(&mut self, caller: &Caller) -> Result<Rotated, Fault> {
        self.permit_operation(caller, Act::ManageStore, "key")?;
        let store = self.store()?;
        let vault = self.vault(&store);
        let begun = self.begin(caller, Act::ManageStore, "", "key")?;
        let rotated = vault.rotate();
        self.end(begun, rotated)
    }
}

impl Vault {
    fn rotate(&self) -> Result<Rotated, Fault> {
        let ring = self.successor()?;
        let rotated = self.seal_anew(&ring)?;
        ring.settle(&self.resolver.key_place())?;
        Ok(rotated)
    }

    /// All keys, the new one first. It is on the disk then, and seals nothing yet.
    fn successor(&self) -> Result<KeyRing, Fault> {
        let place = self.resolver.key_place();
        KeyRing::load(&place)?.successor(&place, &self.keys_in_use()?, &*self.entropy)
    }

    /// Seals all by the first key of the ring, in one transaction.
    fn seal_anew(&self, ring: &KeyRing) -> Result<Rotated, Fault> {
        let mut writer = self.store.writer()?;
        writer.durable(true)?;
        for _ in 0..TRIES {
            let rows = self.store.reader()?.sealed_rows()?;
            let new = rows.iter().map(|row| self.reseal(row, ring)).collect::<Result<Vec<_>, _>>()?;
            let Some(key) = ring.first().map(|key| key.id().to_string()) else { break };
            if writer.transaction(|tx| tx.reseal(&rows, &new, &key))? {
                return Ok(Rotated { key, sealed: rows.len() });
            }
        }
        let cause = "what is sealed was changed again and again meanwhile";
        Err(Fault::new(ErrorClass::Busy, "change the key", cause)
            .hint("try again; both keys are kept until then"))
    }

    fn reseal(&self, row: &SealedRow, ring: &KeyRing) -> Result<Vec<u8>, Fault> {
        let field = row.field.as_deref().unwrap_or(TOKENS_FIELD);
        let purpose = Purpose { account: &row.account, field, given_for: row.given_for.as_deref() };
        let secret = self.resolver.open(purpose, &row.sealed)?;
        match ring.first() {
            Some(key) => Ok(SealedSecret::seal(key, purpose, &secret, &*self.entropy)?.to_bytes()),
            None => Ok(row.sealed.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use postrider_model::{Entropy, Timestamp};
    use postrider_store::{NewTokens, Options, Secret, Store};
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::secrets::{CommandContext, KEY_FILE, PASSWORD_FIELD, Resolver};

    #[derive(Debug)]
    struct Counter(std::sync::atomic::AtomicU8);

    impl Entropy for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    const GIVEN: Option<&str> = Some("anna at imap.example.com");

    fn purpose(field: &'static str) -> Purpose<'static> {
        Purpose { account: "work", field, given_for: GIVEN }
    }

    /// A store with a password and tokens.
    fn vault(home: &tempfile::TempDir) -> Vault {
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let resolver = Resolver {
            credentials: None,
            owner_uid: rustix::process::geteuid().as_raw(),
            command: CommandContext { path: "/usr/bin:/bin".into(), home: None },
            key_file: home.path().join("store").join(KEY_FILE),
        };
        let vault = Vault { store, resolver, entropy: Arc::new(Counter(0.into())) };
        keep(&vault, "hunter2");
        vault
    }

    fn keep(vault: &Vault, password: &str) {
        let sealed = |field, text: &str| vault.seal(purpose(field), &SecretString::from(text)).unwrap();
        let password = sealed(PASSWORD_FIELD, password);
        let tokens = sealed(TOKENS_FIELD, "a-token");
        let given_for = GIVEN.map(ToOwned::to_owned);
        let secret = Secret {
            account: "work".to_owned(),
            field: PASSWORD_FIELD.to_owned(),
            key_id: password.key_id().to_string(),
            sealed: password.to_bytes(),
            given_for,
        };
        let (key_id, bytes) = (tokens.key_id().to_string(), tokens.to_bytes());
        let new = NewTokens { key_id: &key_id, sealed: &bytes, given_for: GIVEN };
        let mut writer = vault.store.writer().unwrap();
        writer.transaction(|tx| tx.put_secret(&secret).and_then(|()| tx.put_tokens("work", new))).unwrap();
    }

    fn is_readable(vault: &Vault) {
        let reader = vault.store.reader().unwrap();
        let password = reader.secret("work", PASSWORD_FIELD).unwrap().unwrap().sealed;
        let tokens = reader.tokens("work").unwrap().unwrap();
        let open = |field, sealed: &[u8]| {
            vault.resolver.open(purpose(field), sealed).unwrap().expose_secret().to_owned()
        };
        assert_eq!(open(PASSWORD_FIELD, &password), "hunter2");
        assert_eq!((open(TOKENS_FIELD, &tokens.sealed), tokens.generation), ("a-token".to_owned(), 1));
    }

    /// Ends a rotation that was cut off: all is sealed by the one key that is there.
    fn goes_on(vault: &Vault) {
        is_readable(vault);
        let rotated = vault.rotate().unwrap();
        is_readable(vault);
        assert_eq!(
            (rotated.sealed, vault.store.reader().unwrap().secret_keys().unwrap()),
            (2, vec![rotated.key])
        );
        let keys = fs::read_dir(vault.store.dir())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("store.key"));
        assert_eq!(keys.count(), 1);
    }

    #[test]
    fn a_rotation_seals_all_by_a_key_that_was_not_there_before() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let (file, before) = (home.path().join("store/store.key"), vault.keys_in_use().unwrap());
        let old = fs::read(&file).unwrap();
        goes_on(&vault);
        assert_ne!(vault.keys_in_use().unwrap(), before);
        assert_ne!(fs::read(&file).unwrap(), old);
    }

    #[test]
    fn one_that_ends_before_anything_is_sealed_anew_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        vault.successor().unwrap();
        goes_on(&vault);
    }

    #[test]
    fn one_that_ends_before_the_key_has_its_name_goes_on() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let before = vault.keys_in_use().unwrap();
        let ring = vault.successor().unwrap();
        vault.seal_anew(&ring).unwrap();
        let between = vault.keys_in_use().unwrap();
        assert_ne!(between, before);
        // What is stored in between is sealed by the new key.
        vault.store.writer().unwrap().transaction(|tx| tx.erase_tokens("work")).unwrap();
        assert_eq!(
            vault.seal(purpose(PASSWORD_FIELD), &SecretString::from("x")).unwrap().key_id(),
            between[0]
        );
        let tokens = vault.seal(purpose(TOKENS_FIELD), &SecretString::from("a-token")).unwrap().to_bytes();
        let key_id = between[0].to_string();
        let new = NewTokens { key_id: &key_id, sealed: &tokens, given_for: GIVEN };
        let put = vault.store.writer().unwrap().transaction(|tx| tx.put_tokens("work", new));
        put.unwrap();
        let open = |sealed: &[u8]| vault.resolver.open(purpose(TOKENS_FIELD), sealed).is_ok();
        assert!(open(&vault.store.reader().unwrap().tokens("work").unwrap().unwrap().sealed));
        let rotated = vault.rotate().unwrap();
        assert_eq!((rotated.key, rotated.sealed), (key_id, 2));
        assert!(open(&vault.store.reader().unwrap().tokens("work").unwrap().unwrap().sealed));
    }

    #[test]
    fn what_was_sealed_by_the_old_key_meanwhile_is_refused_and_sealed_again() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let late = vault.seal(purpose(PASSWORD_FIELD), &SecretString::from("late")).unwrap();
        vault.rotate().unwrap();
        let secret = Secret {
            account: "work".to_owned(),
            field: PASSWORD_FIELD.to_owned(),
            key_id: late.key_id().to_string(),
            sealed: late.to_bytes(),
            given_for: GIVEN.map(ToOwned::to_owned),
        };
        let refused = vault.store.writer().unwrap().transaction(|tx| tx.put_secret(&secret)).unwrap_err();
        assert_eq!(refused.to_string(), "the key by which secrets are sealed was changed meanwhile");
        is_readable(&vault);
    }

    #[test]
    fn a_secret_that_does_not_open_stops_it_and_nothing_is_changed() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let mut writer = vault.store.writer().unwrap();
        let broken = vault.seal(("other", "password").into(), &SecretString::from("x")).unwrap();
        let secret = Secret {
            account: "home".to_owned(),
            field: PASSWORD_FIELD.to_owned(),
            key_id: broken.key_id().to_string(),
            sealed: broken.to_bytes(),
            given_for: None,
        };
        writer.transaction(|tx| tx.put_secret(&secret)).unwrap();
        let before = vault.store.reader().unwrap().sealed_rows().unwrap();
        let fault = vault.seal_anew(&vault.successor().unwrap()).unwrap_err();
        assert!(fault.message().starts_with("cannot open the stored password of account home: "), "{fault}");
        assert_eq!(vault.store.reader().unwrap().sealed_rows().unwrap(), before);
        is_readable(&vault);
    }
}
