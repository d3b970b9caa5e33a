//! The key under which the store keeps secrets: a systemd credential, or a file that nobody but the store's owner can read.
//!
//! A key is made only where there is none and nothing was sealed yet. A key that cannot be read, or that is another than the
//! one that sealed, is an error, and nothing is overwritten.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use postrider_model::{Entropy, ErrorClass, Fault};
use zeroize::Zeroizing;

use super::{
    file::{read_credential, read_private},
    ring::KeyRing,
};

/// The name of the systemd credential that holds the key.
pub const KEY_CREDENTIAL: &str = "store.key";
/// The name of the file that holds the key, in the store's folder.
pub const KEY_FILE: &str = "store.key";

/// The context of the derivation of a key's id (BLAKE3, `derive_key`).
const ID_CONTEXT: &str = "postrider 2026-11 store key id";

/// What a key is called: so much of a hash that two keys are told apart, and so little that it says nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl KeyId {
    /// Reads what it prints: 16 hexadecimal digits.
    ///
    /// # Errors
    /// The text is none, so that whoever wrote it is not to be trusted with what it stands beside.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut octets = [0; 8];
        match read_hex(text.as_bytes(), &mut octets) {
            true => Ok(Self(octets)),
            false => {
                let cause = format!("{text:?} is not 16 hexadecimal digits");
                Err(Fault::new(ErrorClass::Permanent, "read the id of a stored key", cause)
                    .hint("the store is damaged: `postrider doctor` looks at it"))
            }
        }
    }
}

/// Where the key may be. The credential is looked for first.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    /// The folder of systemd credentials, where the process was given one.
    pub credentials: Option<PathBuf>,
    /// The file, which is made on first need.
    pub file: PathBuf,
    /// The uid of the store's owner.
    pub owner_uid: u32,
}

/// The key. It cannot be printed and is wiped when dropped.
pub struct StoreKey {
    octets: Zeroizing<[u8; 32]>,
    id: KeyId,
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKey").field("id", &self.id.to_string()).finish_non_exhaustive()
    }
}

impl StoreKey {
    /// The key, where there is one.
    ///
    /// # Errors
    /// There is one and it cannot be read, is another user's, may be read by others, or is no key.
    pub fn load(place: &KeyPlace) -> Result<Option<Self>, Fault> {
        if let Some(folder) = place.credentials.as_ref().filter(|folder| exists(&folder.join(KEY_CREDENTIAL)))
        {
            let octets = read_credential(Some(folder), KEY_CREDENTIAL)?;
            return Self::from_text(&octets, &format!("use the systemd credential {KEY_CREDENTIAL}"))
                .map(Some);
        }
        if !exists(&place.file) {
            return Ok(None);
        }
        let action = format!("use the key file {}", place.file.display());
        let octets = read_private(&place.file, place.owner_uid, &action)?;
        Self::from_text(&octets, &action).map(Some)
    }

    /// The key for opening and sealing where `in_use` are the ids of the keys under which something is sealed already.
    ///
    /// # Errors
    /// As [`StoreKey::load`]; the key is none of those in use; something is sealed and there is no key; the new key cannot be
    /// written.
    pub fn load_or_create(place: &KeyPlace, in_use: &[KeyId], entropy: &dyn Entropy) -> Result<Self, Fault> {
        match KeyRing::load(place)?.take(in_use)? {
            Some(key) => Ok(key),
            None if in_use.is_empty() => Self::create(place, entropy),
            None => Err(Fault::new(
                ErrorClass::Permanent,
                "open the stored passwords",
                format!("their key is gone: there is neither a systemd credential {KEY_CREDENTIAL} nor {}", place.file.display()),
            )
            .hint("put the key back from where it was saved, or give each password anew by `postrider account login`")),
        }
    }

    /// The key's id.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself, for the cipher alone.
    pub(super) fn octets(&self) -> &[u8; 32] {
        &self.octets
    }

    fn from_octets(octets: Zeroizing<[u8; 32]>) -> Self {
        let derived = blake3::derive_key(ID_CONTEXT, octets.as_slice());
        let mut id = [0; 8];
        id.iter_mut().zip(derived).for_each(|(to, from)| *to = from);
        Self { octets, id: KeyId(id) }
    }

    pub(super) fn from_text(text: &[u8], action: &str) -> Result<Self, Fault> {
        let digits = text.strip_suffix(b"\n").unwrap_or(text);
        let mut octets = Zeroizing::new([0; 32]);
        let read = read_hex(digits, octets.as_mut_slice());
        match read {
            true => Ok(Self::from_octets(octets)),
            false => Err(Fault::new(ErrorClass::Permanent, action, "it is no key, which is 64 hexadecimal digits")
                .hint("put the key back from where it was saved; where there was none, `openssl rand -hex 32` makes one")),
        }
    }

    /// Writes a new key beside its place and links it there, so that a crash leaves either no key or a whole one, and a key
    /// that another process made at the same time is taken instead.
    pub(super) fn create(place: &KeyPlace, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let mut octets = Zeroizing::new([0; 32]);
        entropy.fill(octets.as_mut_slice());
        let key = Self::from_octets(octets);
        let fault = |error: io::Error| {
            let action = format!("make the key file {}", place.file.display());
            Fault::new(ErrorClass::Permanent, action, error.to_string())
        };
        let draft = place.file.with_extension(format!("{:016x}.new", entropy.next_u64()));
        let linked = key.write_new(&draft).and_then(|()| fs::hard_link(&draft, &place.file));
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => sync_folder(&place.file).map_err(fault).map(|()| key),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && exists(&place.file) => {
                Self::load(place)?.ok_or_else(|| fault(error))
            }
            Err(error) => Err(fault(error)),
        }
    }

    fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut text = Zeroizing::new(String::with_capacity(65));
        for octet in self.octets.iter() {
            for digit in [octet >> 4, octet & 0xf] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        text.push('\n');
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }
}

/// The key that there is, is not the one that sealed.
pub(super) fn wrong_key(found: KeyId, in_use: &[KeyId]) -> Fault {
    let sealed_by: Vec<String> = in_use.iter().map(ToString::to_string).collect();
    let cause = format!("they are sealed by the key {}, and the key here is {found}", sealed_by.join(" or "));
    Fault::new(ErrorClass::Permanent, "open the stored passwords", cause)
        .hint("put the right key back, or give the passwords anew; nothing was changed")
}

/// Reads two digits an octet; false where they are too few, too many or none.
fn read_hex(digits: &[u8], octets: &mut [u8]) -> bool {
    digits.len() == octets.len() * 2
        && octets.iter_mut().zip(digits.chunks_exact(2)).all(|(octet, pair)| match hex_pair(pair) {
            Some(value) => {
                *octet = value;
                true
            }
            None => false,
        })
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    match pair {
        [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()
        }
        _ => None,
    }
}

pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::secrets::test_entropy::Counting;

    fn place(dir: &tempfile::TempDir) -> KeyPlace {
        let owner_uid = rustix::process::geteuid().as_raw();
        KeyPlace { credentials: None, file: dir.path().join(KEY_FILE), owner_uid }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        assert!(StoreKey::load(&place).unwrap().is_none());
        let made = StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap();
        let text = fs::read(&place.file).unwrap();
        assert_eq!((text.len(), mode(&place.file)), (65, 0o600));
        let found = StoreKey::load_or_create(&place, &[made.id()], &Counting::new(9)).unwrap();
        assert_eq!((found.id(), found.octets()), (made.id(), made.octets()));
        assert_eq!(fs::read(&place.file).unwrap(), text);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn another_key_is_refused_and_nothing_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let key = StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap();
        let before = fs::read(&place.file).unwrap();
        let fault = StoreKey::load_or_create(&place, &[KeyId([0xab; 8])], &Counting::new(2)).unwrap_err();
        assert_eq!(
            fault.message(),
            format!(
                "cannot open the stored passwords: they are sealed by the key abababababababab, and the key here is {}",
                key.id()
            )
        );
        assert_eq!(fs::read(&place.file).unwrap(), before);
    }

    #[test]
    fn no_key_is_made_where_something_is_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let fault = StoreKey::load_or_create(&place, &[KeyId([1; 8])], &Counting::new(2)).unwrap_err();
        assert!(fault.cause.starts_with("their key is gone: "), "{fault}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap();
        fs::set_permissions(&place.file, fs::Permissions::from_mode(0o640)).unwrap();
        let fault = StoreKey::load(&place).unwrap_err();
        assert_eq!(fault.cause, "its mode is 0640, so that others can read or write it");
        fs::set_permissions(&place.file, fs::Permissions::from_mode(0o600)).unwrap();
        let digits = "0".repeat(62);
        for text in
            ["", "\n", &digits, &format!("{digits}+1"), &format!("{digits}000"), &format!("{digits}zz")]
        {
            fs::write(&place.file, text).unwrap();
            let fault = StoreKey::load(&place).unwrap_err();
            assert_eq!(fault.cause, "it is no key, which is 64 hexadecimal digits", "{text:?}");
            assert!(!fault.message().contains("000"), "{fault}");
        }
    }

    #[test]
    fn a_credential_comes_before_the_file() {
        let (dir, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut place = place(&dir);
        let in_file = StoreKey::load_or_create(&place, &[], &Counting::new(1)).unwrap();
        place.credentials = Some(credentials.path().to_owned());
        assert_eq!(StoreKey::load(&place).unwrap().map(|key| key.id()), Some(in_file.id()));
        fs::write(credentials.path().join(KEY_CREDENTIAL), "0F".repeat(32)).unwrap();
        let credential = StoreKey::load(&place).unwrap().unwrap();
        assert_eq!(credential.octets(), &[0x0f; 32]);
    }

    #[test]
    fn a_key_that_another_process_made_meanwhile_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(&dir);
        let theirs = StoreKey::create(&place, &Counting::new(1)).unwrap();
        let mine = StoreKey::create(&place, &Counting::new(50)).unwrap();
        assert_eq!(mine.id(), theirs.id());
    }

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = KeyId([0, 1, 0x7f, 0x80, 0xff, 0xab, 0xcd, 9]);
        assert_eq!(id.to_string(), "00017f80ffabcd09");
        assert_eq!(KeyId::parse("00017f80ffabcd09"), Ok(id));
        for text in ["", "00017f80ffabcd0", "00017f80ffabcd0900", "00017f80ffabcdg9", "+0017f80ffabcd09"] {
            let fault = KeyId::parse(text).unwrap_err();
            assert_eq!(
                fault.message(),
                format!("cannot read the id of a stored key: {text:?} is not 16 hexadecimal digits")
            );
        }
    }

    #[test]
    fn a_key_prints_its_id_alone() {
        let key = StoreKey::from_octets(Zeroizing::new([7; 32]));
        assert_eq!(format!("{key:?}"), format!("StoreKey {{ id: \"{}\", .. }}", key.id()));
        assert_eq!(key.id(), StoreKey::from_octets(Zeroizing::new([7; 32])).id());
        assert_ne!(key.id(), StoreKey::from_octets(Zeroizing::new([8; 32])).id());
    }
}
