//! Filling a Maildir directly, as a delivery agent would: unique names, sizes in the name so that Dovecot
//! need not read the file (`S=`, `W=`), the internal date as the file's time. Format:
//! <https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/maildir/>. Never touches Dovecot's own files.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use super::{Storage, own};

/// 2024-03-01 12:00:00 UTC: the internal date where none is given.
const DEFAULT_RECEIVED: u64 = 1_709_294_400;

/// Numbers files within this process; with the process id no name comes twice.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A message to put into a Maildir.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Maildir's letters of flags, sorted: `D` draft, `F` flagged, `R` answered, `S` seen, `T` deleted.
    pub flags: String,
    /// The internal date, in seconds since 1970.
    pub received_secs: u64,
}

impl Delivery {
    /// An unseen message with a fixed internal date.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, flags: String::new(), received_secs: DEFAULT_RECEIVED }
    }
}

/// The path of a folder below a user's home, as a list from the Maildir's root down to it: each must exist.
pub(super) fn path(home: &Path, folder: &str, storage: Storage) -> Vec<PathBuf> {
    let root = home.join("Maildir");
    let mut all = vec![root.clone()];
    if folder.eq_ignore_ascii_case("INBOX") {
        return all;
    }
    if storage == Storage::MaildirPlusPlus {
        all.push(root.join(format!(".{}", folder.replace('/', "."))));
        return all;
    }
    let mut at = root;
    for level in folder.split('/') {
        at.push(level);
        all.push(at.clone());
    }
    all
}

pub(super) fn fill(
    home: &Path,
    folders: &[PathBuf],
    messages: impl IntoIterator<Item = Delivery>,
) -> Result<usize> {
    make(home)?;
    for folder in folders {
        make(folder)?;
        for part in ["cur", "new", "tmp"] {
            make(&folder.join(part))?;
        }
    }
    let folder = folders.last().context("a folder has a path")?;
    let mut count = 0;
    for message in messages {
        write(folder, &message)?;
        count += 1;
    }
    Ok(count)
}

fn make(path: &Path) -> Result<()> {
    if !path.is_dir() {
        fs::create_dir(path).with_context(|| format!("cannot make {}", path.display()))?;
        own(path)?;
    }
    Ok(())
}

fn write(folder: &Path, message: &Delivery) -> Result<()> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let size = message.bytes.len();
    let virtual_size = size + bare_line_feeds(&message.bytes);
    // Sorted by name within one second, so that UIDs follow the order of delivery.
    let name = format!(
        "{}.M{number:012}P{}.private,S={size},W={virtual_size}:2,{}",
        message.received_secs,
        process::id(),
        message.flags
    );
    let path = folder.join("cur").join(name);
    let mut file = File::create_new(&path)?;
    file.write_all(&message.bytes)?;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(message.received_secs))?;
    own(&path)
}

/// Each becomes two bytes when Dovecot serves the file.
fn bare_line_feeds(bytes: &[u8]) -> usize {
    let mut before = b'\n';
    let mut count = 0;
    for byte in bytes {
        if *byte == b'\n' && before != b'\r' {
            count += 1;
        }
        before = *byte;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_the_paths_that_dovecot_gives_them() {
        let home = Path::new("/h");
        let last = |folder, storage| path(home, folder, storage).pop().unwrap();
        assert_eq!(last("inbox", Storage::Maildir), Path::new("/h/Maildir"));
        assert_eq!(last("A/B", Storage::Maildir), Path::new("/h/Maildir/A/B"));
        assert_eq!(last("A/B", Storage::MaildirPlusPlus), Path::new("/h/Maildir/.A.B"));
        assert_eq!(path(home, "A/B", Storage::Maildir).len(), 3);
    }

    #[test]
    fn only_line_feeds_without_carriage_return_count() {
        for (bytes, expected) in [(&b"a\r\nb\r\n"[..], 0), (b"a\nb\r\n", 1), (b"\n\n", 2), (b"", 0)] {
            assert_eq!(bare_line_feeds(bytes), expected, "{bytes:?}");
        }
    }
}
