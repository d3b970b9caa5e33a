//! An account's source → its password.

use std::path::{Path, PathBuf};

use postrider_model::{ErrorClass, Fault};
use secrecy::SecretString;

use super::{
    PASSWORD_FIELD,
    command::{CommandContext, password_from_command},
    file::{client_secret_from_file, password_from_credential, password_from_file},
    key::KeyPlace,
    ring::KeyRing,
    sealed::{Purpose, SealedSecret},
    source::SecretSource,
};

/// Where sealed secrets are kept: the store.
pub trait SealedSecrets: Send + Sync {
    /// What is sealed for that field of that account.
    ///
    /// # Errors
    /// The store cannot be read.
    fn sealed(&self, account: &str, field: &str) -> Result<Option<Kept>, Fault>;
}

/// A sealed secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In the form of [`SealedSecret::to_bytes`].
    pub sealed: Vec<u8>,
    /// What it was given for.
    pub given_for: Option<String>,
}

/// All that getting a password depends on.
#[derive(Debug, Clone)]
pub struct Resolver {
    /// The folder of systemd credentials (`CREDENTIALS_DIRECTORY`), where the process was given one.
    pub credentials: Option<PathBuf>,
    /// The uid of the store's owner, whose password files are believed besides root's.
    pub owner_uid: u32,
    /// The environment of password commands.
    pub command: CommandContext,
    /// The file of the store's key.
    pub key_file: PathBuf,
}

impl Resolver {
    /// The password of an account, fetched anew.
    ///
    /// # Errors
    /// What is wrong with the source, in words that hold nothing secret; of class `login` where the store has no password yet.
    pub async fn password(
        &self,
        account: &str,
        source: &SecretSource,
        stored: &dyn SealedSecrets,
    ) -> Result<SecretString, Fault> {
        match source {
            SecretSource::SystemdCredential(name) => {
                password_from_credential(self.credentials.as_deref(), name)
            }
            SecretSource::Command(words) => password_from_command(words, &self.command).await,
            SecretSource::File(path) => password_from_file(path, self.owner_uid),
            SecretSource::Stored => self.stored_password(account, stored),
        }
    }

    /// The secret of an OAuth client, which its provider's file names.
    ///
    /// # Errors
    /// What is wrong with the file, in words that hold nothing secret.
    pub fn client_secret(&self, file: &Path) -> Result<SecretString, Fault> {
        client_secret_from_file(file, self.owner_uid)
    }

    /// Where the store's key may be.
    pub fn key_place(&self) -> KeyPlace {
        KeyPlace {
            credentials: self.credentials.clone(),
            file: self.key_file.clone(),
            owner_uid: self.owner_uid,
        }
    }

    /// Opens what is sealed for that purpose, in the form of [`SealedSecret::to_bytes`], by whichever key sealed it.
    ///
    /// # Errors
    /// There is no key, another one, or what is sealed is damaged.
    pub fn open<'a>(&self, purpose: impl Into<Purpose<'a>>, sealed: &[u8]) -> Result<SecretString, Fault> {
        let purpose = purpose.into();
        let Purpose { account, field, .. } = purpose;
        let sealed = SealedSecret::from_bytes(sealed)?;
        let ring = KeyRing::load(&self.key_place())?;
        let Some(key) = ring.find(sealed.key_id()).or(ring.first()) else {
            let action = format!("get the {field} of account {account} from the store");
            let cause = format!("it is sealed by the key {}, and there is no key here", sealed.key_id());
            let hint = format!(
                "put the key back at {}, or log in anew by `postrider account login {account}`",
                self.key_file.display()
            );
            return Err(Fault::new(ErrorClass::Permanent, action, cause).hint(hint));
        };
        sealed.open(key, purpose)
    }

    fn stored_password(&self, account: &str, stored: &dyn SealedSecrets) -> Result<SecretString, Fault> {
        match stored.sealed(account, PASSWORD_FIELD)? {
            Some(Kept { sealed, given_for }) => {
                let given_for = given_for.as_deref();
                self.open(Purpose { account, field: PASSWORD_FIELD, given_for }, &sealed)
            }
            None => {
                let action = format!("get the {PASSWORD_FIELD} of account {account} from the store");
                let fault = Fault::new(ErrorClass::Login, action, "the store has none for it");
                Err(fault.hint(format!("`postrider account login {account}` asks for it")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use secrecy::ExposeSecret;

    use super::*;
    use crate::secrets::{StoreKey, test_entropy::Counting};

    struct OneSecret(Option<Kept>);

    impl SealedSecrets for OneSecret {
        fn sealed(&self, account: &str, field: &str) -> Result<Option<Kept>, Fault> {
            Ok(self.0.clone().filter(|_| (account, field) == ("work", "password")))
        }
    }

    fn resolver(dir: &Path) -> Resolver {
        Resolver {
            credentials: Some(dir.to_owned()),
            owner_uid: rustix::process::geteuid().as_raw(),
            command: CommandContext { path: "/usr/bin:/bin".into(), home: None },
            key_file: dir.join("key"),
        }
    }

    #[tokio::test]
    async fn each_source_gives_its_password() {
        let dir = tempfile::tempdir().unwrap();
        let resolver = resolver(dir.path());
        let path = dir.path().join("work");
        fs::write(&path, "of the file\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let key = StoreKey::load_or_create(&resolver.key_place(), &[], &Counting::new(1)).unwrap();
        let secret = SecretString::from("of the store");
        let sealed = SealedSecret::seal(&key, ("work", PASSWORD_FIELD), &secret, &Counting::new(2)).unwrap();
        let store = OneSecret(Some(Kept { sealed: sealed.to_bytes(), given_for: None }));
        let table = [
            (SecretSource::File(path), "of the file"),
            (SecretSource::SystemdCredential("work".into()), "of the file"),
            (SecretSource::Command(vec!["echo".into(), "of the command".into()]), "of the command"),
            (SecretSource::Stored, "of the store"),
        ];
        for (source, expected) in table {
            let password = resolver.password("work", &source, &store).await.unwrap();
            assert_eq!(password.expose_secret(), expected, "{source}");
        }
    }

    #[tokio::test]
    async fn a_store_without_the_password_asks_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let fault =
            resolver(dir.path()).password("home", &SecretSource::Stored, &OneSecret(None)).await.unwrap_err();
        assert_eq!(
            fault.message(),
            "cannot get the password of account home from the store: the store has none for it"
        );
        assert_eq!(fault.class, ErrorClass::Login);
        assert_eq!(fault.hint.as_deref(), Some("`postrider account login home` asks for it"));
    }

    #[tokio::test]
    async fn a_sealed_password_without_a_key_is_told() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let theirs = resolver(elsewhere.path());
        let key = StoreKey::load_or_create(&theirs.key_place(), &[], &Counting::new(1)).unwrap();
        let secret = SecretString::from("hunter2");
        let sealed = SealedSecret::seal(&key, ("work", PASSWORD_FIELD), &secret, &Counting::new(2)).unwrap();
        let store = OneSecret(Some(Kept { sealed: sealed.to_bytes(), given_for: None }));
        let mine = resolver(dir.path());
        let fault = mine.password("work", &SecretSource::Stored, &store).await.unwrap_err();
        assert_eq!(fault.cause, format!("it is sealed by the key {}, and there is no key here", key.id()));
        assert!(!mine.key_file.exists(), "reading makes no key");
    }
}
