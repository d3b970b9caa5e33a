//! The store's directory: its own user's alone, and on a local disk (F7.5, F10.2).
//!
//! What is found otherwise is refused and never put right here: somebody meant it so, or somebody was there.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{DAMAGE_FILE, LOCK_FILE, SEARCH_FILE, STORE_FILE};
use crate::{Result, StoreError};

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// `f_type` of statfs(2) for the network file systems that are told by it.
const NETWORK: [(u32, &str); 4] =
    [(0x6969, "NFS"), (0x517b, "SMB"), (0xff53_4d42, "CIFS"), (0xfe53_4d42, "SMB2")];

/// Makes the directory where there is none, and checks it.
pub(crate) fn prepare_dir(dir: &Path, user: u32) -> Result<()> {
    if let Err(error) = DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(StoreError::io("make the directory", dir)(error));
    }
    let found = fs::metadata(dir).map_err(StoreError::io("look at", dir))?;
    if !found.is_dir() {
        return Err(StoreError::WrongKind { path: dir.to_owned(), expected: "a directory" });
    }
    check_access(dir, &found, user, DIR_MODE)?;
    check_file_system(dir)
}

/// Checks the store's files that are there.
pub(crate) fn check_files(dir: &Path, user: u32) -> Result<()> {
    for name in [STORE_FILE, SEARCH_FILE, LOCK_FILE, DAMAGE_FILE] {
        let path = dir.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => {
                return Err(StoreError::WrongKind { path, expected: "a plain file" });
            }
            Ok(found) => check_access(&path, &found, user, FILE_MODE)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("look at", path)(error)),
        }
    }
    Ok(())
}

/// Opens a file of the store for reading and writing; made with the right mode where there is none.
pub(crate) fn private_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(StoreError::io("open", path))
}

/// That so many octets are free on the disk of that path, for what is to be done.
pub(crate) fn need_room(path: &Path, action: &'static str, needed: u64) -> Result<()> {
    let stat =
        rustix::fs::statvfs(path).map_err(|e| StoreError::io("look at the disk of", path)(e.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    match free < needed {
        true => Err(StoreError::NoRoom { action, path: path.to_owned(), needed, free }),
        false => Ok(()),
    }
}

fn check_access(path: &Path, found: &fs::Metadata, user: u32, expected: u32) -> Result<()> {
    if found.uid() != user {
        return Err(StoreError::ForeignOwner { path: path.to_owned(), owner: found.uid(), user });
    }
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StoreError::LooseMode { path: path.to_owned(), mode, expected });
    }
    Ok(())
}

fn check_file_system(dir: &Path) -> Result<()> {
    let stat =
        rustix::fs::statfs(dir).map_err(|e| StoreError::io("look at the file system of", dir)(e.into()))?;
    match network_kind(stat.f_type) {
        Some(kind) => Err(StoreError::NetworkFileSystem { path: dir.to_owned(), kind }),
        None => Ok(()),
    }
}

/// `f_type` is of another width on every machine; the magic numbers have 32 bits.
#[allow(clippy::cast_possible_truncation)]
fn network_kind(f_type: rustix::fs::FsWord) -> Option<&'static str> {
    NETWORK.into_iter().find(|(magic, _)| f_type as u32 == *magic).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn me() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn network_file_systems_are_told_by_their_number() {
        let table = [(0x6969, Some("NFS")), (0xff53_4d42, Some("CIFS")), (0xef53, None), (0x0102_1994, None)];
        for (magic, expected) in table {
            assert_eq!(network_kind(magic), expected, "{magic:x}");
        }
    }

    #[test]
    fn a_directory_is_made_for_its_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a/b");
        prepare_dir(&dir, me()).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        prepare_dir(&dir, me()).unwrap();
    }

    #[test]
    fn what_others_can_open_is_refused_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        for mode in [0o750, 0o701, 0o770] {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
            let refused = prepare_dir(home.path(), me()).unwrap_err();
            assert!(
                matches!(refused, StoreError::LooseMode { mode: found, .. } if found == mode),
                "{refused}"
            );
            assert_eq!(fs::metadata(home.path()).unwrap().mode() & 0o777, mode);
        }
    }

    #[test]
    fn what_belongs_to_another_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let refused = prepare_dir(home.path(), me() + 1).unwrap_err();
        assert!(
            matches!(refused, StoreError::ForeignOwner { owner, user, .. } if (owner, user) == (me(), me() + 1))
        );
    }

    #[test]
    fn files_are_checked_without_following_links() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(STORE_FILE);
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert!(matches!(check_files(home.path(), me()), Err(StoreError::WrongKind { .. })));
        fs::remove_file(&path).unwrap();
        drop(private_file(&path).unwrap());
        check_files(home.path(), me()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(check_files(home.path(), me()), Err(StoreError::LooseMode { mode: 0o640, .. })));
    }

    #[test]
    fn a_file_in_the_directorys_place_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(prepare_dir(&path, me()).is_err());
    }
}
