//! The keys that there are while one takes another's place (F8.1), and the order in which that goes.
//!
//! 1. A new key is written beside the old one, whole and on the disk (`store.key.next`).
//! 2. All that is sealed is sealed anew by it, in one transaction of the store: that is the moment of the change.
//! 3. The new key takes the old one's name.
//!
//! Whoever dies between two of these leaves both keys, and what is sealed says which of them opened it: both are read, and the next
//! rotation goes on from where that one stopped. Where systemd passes the key, whoever rotates passes the new one as `store.key` and the
//! old one as `store.key.old`, and only the second step is to be done.

use std::{
    fs,
    path::{Path, PathBuf},
};

use postrider_model::{Entropy, ErrorClass, Fault};

use super::{
    file::read_credential,
    key::{KEY_CREDENTIAL, KeyId, KeyPlace, StoreKey, exists, sync_folder, wrong_key},
};

/// The name of the systemd credential that holds the key of before, while a rotation is to be done.
pub const OLD_KEY_CREDENTIAL: &str = "store.key.old";

/// The keys that there are, the one in force first.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<StoreKey>,
    /// Whether the first comes from systemd.
    is_given: bool,
}

impl KeyRing {
    /// All keys of that place.
    ///
    /// # Errors
    /// One of them cannot be read, is another user's, may be read by others, or is no key.
    pub fn load(place: &KeyPlace) -> Result<Self, Fault> {
        let mut keys: Vec<StoreKey> = StoreKey::load(place)?.into_iter().collect();
        let is_given = place.has_credential(KEY_CREDENTIAL);
        if is_given && place.has_credential(OLD_KEY_CREDENTIAL) {
            let octets = read_credential(place.credentials.as_deref(), OLD_KEY_CREDENTIAL)?;
            let action = format!("use the systemd credential {OLD_KEY_CREDENTIAL}");
            keys.push(StoreKey::from_text(&octets, &action)?);
        }
        if !is_given {
            keys.extend(StoreKey::load(&next(place))?);
        }
        Ok(Self { keys, is_given })
    }

    /// The key of that id.
    pub fn find(&self, id: KeyId) -> Option<&StoreKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// The key in force.
    pub fn first(&self) -> Option<&StoreKey> {
        self.keys.first()
    }

    /// The key by which is to be sealed beside what is sealed by the keys `in_use`; `None` where there is no key at all.
    ///
    /// # Errors
    /// There are keys, and none of those in use is among them.
    pub fn take(self, in_use: &[KeyId]) -> Result<Option<StoreKey>, Fault> {
        let first = self.first().map(StoreKey::id);
        let mut keys = self.keys.into_iter();
        match (in_use, first) {
            ([], _) => Ok(keys.next()),
            (_, None) => Ok(None),
            (_, Some(first)) => match keys.find(|key| in_use.contains(&key.id())) {
                Some(key) => Ok(Some(key)),
                None => Err(wrong_key(first, in_use)),
            },
        }
    }

    /// The key by which all is to be sealed from now on: the one that systemd passes, or else the next one, made where there is none.
    ///
    /// # Errors
    /// A key in use is not among these; the new key cannot be written; systemd passes no other key than the one in use.
    pub fn successor(
        mut self,
        place: &KeyPlace,
        in_use: &[KeyId],
        entropy: &dyn Entropy,
    ) -> Result<Self, Fault> {
        let Some(first) = self.first().map(StoreKey::id) else { return Err(no_key(place)) };
        if in_use.iter().any(|id| self.find(*id).is_none()) {
            return Err(wrong_key(first, in_use));
        }
        match self.is_given {
            true if in_use.iter().all(|id| *id == first) => Err(given()),
            true => Ok(self),
            false => {
                if self.keys.len() < 2 {
                    self.keys.push(StoreKey::create(&next(place), entropy)?);
                }
                self.keys.rotate_left(1);
                Ok(self)
            }
        }
    }

    /// The last step: the next key takes the name of the one in force. Nothing, where systemd passes the key.
    ///
    /// # Errors
    /// The file cannot be renamed.
    pub fn settle(&self, place: &KeyPlace) -> Result<(), Fault> {
        if self.is_given {
            return Ok(());
        }
        let moved = fs::rename(next(place).file, &place.file).and_then(|()| sync_folder(&place.file));
        moved.map_err(|error| {
            let action = format!("put the new key in the place of {}", place.file.display());
            Fault::new(ErrorClass::Permanent, action, error.to_string())
                .hint("both keys are there and all is readable; `postrider key rotate` ends it")
        })
    }
}

/// Where the next key is while it is not in force.
fn next(place: &KeyPlace) -> KeyPlace {
    let mut name = place.file.as_os_str().to_owned();
    name.push(".next");
    KeyPlace { credentials: None, file: PathBuf::from(name), owner_uid: place.owner_uid }
}

fn no_key(place: &KeyPlace) -> Fault {
    let cause = format!(
        "there is none yet: neither a systemd credential {KEY_CREDENTIAL} nor {}",
        place.file.display()
    );
    Fault::new(ErrorClass::Config, "change the key", cause)
        .hint("it is made when the first password is stored: `postrider account login ACCOUNT`")
}

fn given() -> Fault {
    let cause = format!("it comes from the systemd credential {KEY_CREDENTIAL}, and all is sealed by it");
    Fault::new(ErrorClass::Config, "change the key", cause).hint(format!(
        "pass a new key (`openssl rand -hex 32`) as {KEY_CREDENTIAL} and this one as {OLD_KEY_CREDENTIAL}, restart the service, and \
         rotate in it"
    ))
}

impl KeyPlace {
    fn has_credential(&self, name: &str) -> bool {
        self.credentials.as_deref().is_some_and(|folder: &Path| exists(&folder.join(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{KEY_FILE, test_entropy::Counting};

    fn place(dir: &tempfile::TempDir) -> KeyPlace {
        let owner_uid = rustix::process::geteuid().as_raw();
        KeyPlace { credentials: None, file: dir.path().join(KEY_FILE), owner_uid }
    }

    fn ids(ring: &KeyRing) -> Vec<KeyId> {
        ring.keys.iter().map(StoreKey::id).collect()
    }

    #[test]
    fn both_keys_are_there_until_the_new_one_has_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let old = StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap().id();
        let ring = KeyRing::load(&place).unwrap().successor(&place, &[old], &Counting::new(9)).unwrap();
        let new = ring.first().unwrap().id();
        assert_eq!((ids(&ring).len(), ring.find(old).is_some()), (2, true));
        // Stopped here, before or after all was sealed anew: each finds the key that it needs, and the rotation goes on with the same.
        for in_use in [old, new] {
            assert_eq!(KeyRing::load(&place).unwrap().take(&[in_use]).unwrap().unwrap().id(), in_use);
            let again =
                KeyRing::load(&place).unwrap().successor(&place, &[in_use], &Counting::new(70)).unwrap();
            assert_eq!(again.first().unwrap().id(), new);
        }
        ring.settle(&place).unwrap();
        assert_eq!(ids(&KeyRing::load(&place).unwrap()), [new]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_wrong_key_makes_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap();
        let before = fs::read(&place.file).unwrap();
        let fault = KeyRing::load(&place)
            .unwrap()
            .successor(&place, &[KeyId([0xab; 8])], &Counting::new(9))
            .unwrap_err();
        assert!(fault.cause.starts_with("they are sealed by the key abababababababab, "), "{fault}");
        assert_eq!((fs::read(&place.file).unwrap(), fs::read_dir(dir.path()).unwrap().count()), (before, 1));
    }

    #[test]
    fn systemd_passes_both_keys() {
        let (dir, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = KeyPlace { credentials: Some(credentials.path().to_owned()), ..place(&dir) };
        fs::write(credentials.path().join(KEY_CREDENTIAL), "0a".repeat(32)).unwrap();
        let [new] = ids(&KeyRing::load(&place).unwrap())[..] else { panic!("one key") };
        let fault = KeyRing::load(&place).unwrap().successor(&place, &[new], &Counting::new(1)).unwrap_err();
        assert!(fault.cause.starts_with("it comes from the systemd credential store.key"), "{fault}");
        fs::write(credentials.path().join(OLD_KEY_CREDENTIAL), "0b".repeat(32)).unwrap();
        let [_, old] = ids(&KeyRing::load(&place).unwrap())[..] else { panic!("two keys") };
        let ring = KeyRing::load(&place).unwrap().successor(&place, &[old], &Counting::new(1)).unwrap();
        assert_eq!(ids(&ring), [new, old]);
        ring.settle(&place).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
