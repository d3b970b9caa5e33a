//! Which files are believed (F8.3): those of root or of the store's owner that nobody else can write, in folders of the same kind.
//!
//! Commands, paths and hosts come from these files, so whoever can write them can run programs as the store's owner and can
//! have passwords sent anywhere. The open file is judged, not its name, so that nothing can be swapped in between.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::error::ConfigError;

/// The largest file that is read, in octets.
const MAX_FILE: u64 = 1024 * 1024;
/// Write permission of group and others.
const FOREIGN_WRITE: u32 = 0o022;

/// Opens a regular file for reading without ever waiting for a writer, as opening a FIFO would.
///
/// # Errors
/// As the operating system reports them; `InvalidInput` for what is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata)),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// Judges files by the uid that owns the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trust {
    /// The uid of the store's owner.
    pub(super) owner_uid: u32,
}

impl Trust {
    /// The text of a file. `None` where there is no file.
    ///
    /// # Errors
    /// What is wrong with the file: not readable, not regular, too large, not UTF-8, of another owner, writable by others; or
    /// with the folder that it really stands in.
    pub(super) fn read(self, path: &Path, label: &str) -> Result<Option<String>, ConfigError> {
        let (file, metadata) = match open_regular(path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => return Ok(None),
            Err(error) => return Err(unreadable(label, &error, "a readable, regular file")),
        };
        self.judge(path, label, &metadata, "a file")?;
        self.judge_link_target(path, label)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(label, &error, "a readable file"))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(ConfigError::file(label, "more than 1 MiB", "a file of settings"));
        }
        String::from_utf8(bytes).map(Some).map_err(|error| not_utf8(label, &error))
    }

    /// The names of a folder's files that end in `.toml`, in the order of names. Empty where there is no folder.
    ///
    /// # Errors
    /// What is wrong with the folder: not readable, of another owner, writable by others.
    pub(super) fn list(self, path: &Path, label: &str) -> Result<Vec<PathBuf>, ConfigError> {
        if !self.folder(path, label)? {
            return Ok(Vec::new());
        }
        let unreadable = |error: io::Error| unreadable(label, &error, "a readable folder");
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if !is_hidden && Path::new(&name).extension().is_some_and(|extension| extension == "toml") {
                files.push(path.join(name));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Whether the folder is there.
    ///
    /// # Errors
    /// As [`Trust::list`].
    pub(super) fn folder(self, path: &Path, label: &str) -> Result<bool, ConfigError> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_link(path) => return Ok(false),
            Err(error) => return Err(unreadable(label, &error, "a readable folder")),
        };
        if !metadata.is_dir() {
            return Err(ConfigError::file(label, "something that is not a folder", "a folder"));
        }
        self.judge(path, label, &metadata, "a folder")?;
        Ok(true)
    }

    /// A link's target stands in a folder of its own, and who can write that folder can swap the target.
    fn judge_link_target(self, path: &Path, label: &str) -> Result<(), ConfigError> {
        if !is_link(path) {
            return Ok(());
        }
        let target =
            path.canonicalize().map_err(|error| unreadable(label, &error, "a link that leads to a file"))?;
        let Some(folder) = target.parent() else { return Ok(()) };
        let metadata =
            fs::metadata(folder).map_err(|error| unreadable(label, &error, "a link that leads to a file"))?;
        self.judge(folder, label, &metadata, "a link into a folder")
    }

    fn judge(self, path: &Path, label: &str, metadata: &Metadata, what: &str) -> Result<(), ConfigError> {
        let (uid, mode) = (metadata.uid(), metadata.permissions().mode() & 0o7777);
        let shown = path.display();
        if uid != 0 && uid != self.owner_uid {
            let expected = match self.owner_uid {
                0 => format!("{what} of root"),
                owner => format!("{what} of root or of uid {owner}, the owner of the store"),
            };
            return Err(ConfigError::file(label, format!("owner uid {uid}"), expected)
                .hint(format!("check its contents, then `chown {} {shown}`", self.owner_uid)));
        }
        if mode & FOREIGN_WRITE != 0 {
            let expected =
                format!("{what} that only its owner can write, since commands and hosts come from it");
            return Err(ConfigError::file(label, format!("mode {mode:04o}"), expected)
                .hint(format!("check its contents, then `chmod go-w {shown}`")));
        }
        Ok(())
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn unreadable(label: &str, error: &io::Error, expected: &str) -> ConfigError {
    let found = match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        io::ErrorKind::NotFound => "a link that leads nowhere".to_owned(),
        io::ErrorKind::InvalidInput => "something that is not a regular file".to_owned(),
        _ => format!("an error when reading it ({error})"),
    };
    ConfigError::file(label, found, expected)
}

fn not_utf8(label: &str, error: &std::string::FromUtf8Error) -> ConfigError {
    let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
    let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut not_utf8 = ConfigError::file(label, "an octet that is not UTF-8", "text in UTF-8");
    not_utf8.line = u32::try_from(line).ok();
    not_utf8
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mine() -> Trust {
        Trust { owner_uid: rustix::process::geteuid().as_raw() }
    }

    fn folder_with(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("work.toml");
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o644);
        (dir, path)
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn an_own_file_is_read_and_an_absent_one_is_none() {
        let (dir, path) = folder_with(b"x = 1\n");
        assert_eq!(mine().read(&path, "work.toml"), Ok(Some("x = 1\n".into())));
        assert_eq!(mine().read(&dir.path().join("absent.toml"), "absent.toml"), Ok(None));
    }

    #[test]
    fn what_others_can_write_is_refused_with_the_remedy() {
        let (_dir, path) = folder_with(b"");
        for mode in [0o664, 0o646] {
            set_mode(&path, mode);
            let refused = mine().read(&path, "work.toml").unwrap_err();
            assert_eq!(
                refused.to_string(),
                format!(
                    "work.toml: found mode {mode:04o}, expected a file that only its owner can write, since commands \
                     and hosts come from it"
                )
            );
            assert_eq!(
                refused.hint,
                Some(format!("check its contents, then `chmod go-w {}`", path.display()))
            );
        }
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let (dir, _path) = folder_with(b"");
        set_mode(dir.path(), 0o777);
        let refused = mine().list(dir.path(), "accounts.d").unwrap_err();
        assert_eq!(refused.found, "mode 0777");
        assert_eq!(
            refused.expected,
            "a folder that only its owner can write, since commands and hosts come from it"
        );
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let (open, target) = folder_with(b"");
        let (dir, _path) = folder_with(b"");
        let link = dir.path().join("link.toml");
        symlink(&target, &link).unwrap();
        assert_eq!(mine().read(&link, "link.toml"), Ok(Some(String::new())));
        set_mode(open.path(), 0o777);
        assert_eq!(mine().read(&link, "link.toml").unwrap_err().found, "mode 0777");
        fs::remove_file(&target).unwrap();
        assert_eq!(mine().read(&link, "link.toml").unwrap_err().found, "a link that leads nowhere");
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let (_dir, path) = folder_with(b"");
        if !rustix::process::geteuid().is_root() {
            // Only root can give a file away; for anyone else the same rule is seen from the other side.
            let refused = Trust { owner_uid: u32::MAX - 1 }.read(&path, "work.toml").unwrap_err();
            assert!(refused.found.starts_with("owner uid "), "{refused}");
            return;
        }
        std::os::unix::fs::chown(&path, Some(4_321), None).unwrap();
        let refused = Trust { owner_uid: 998 }.read(&path, "work.toml").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "work.toml: found owner uid 4321, expected a file of root or of uid 998, the owner of the store"
        );
        assert_eq!(refused.hint, Some(format!("check its contents, then `chown 998 {}`", path.display())));
        assert_eq!(Trust { owner_uid: 4_321 }.read(&path, "work.toml"), Ok(Some(String::new())));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let (dir, path) = folder_with(b"a = 1\n\xff\n");
        let refused = mine().read(&path, "work.toml").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "work.toml:2: found an octet that is not UTF-8, expected text in UTF-8"
        );
        fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
        assert_eq!(mine().read(&path, "work.toml").unwrap_err().found, "more than 1 MiB");
        assert_eq!(
            mine().read(dir.path(), "work.toml").unwrap_err().found,
            "something that is not a regular file"
        );
    }

    #[test]
    fn a_listing_is_sorted_and_leaves_out_what_editors_leave_behind() {
        let (dir, path) = folder_with(b"");
        for name in ["a.toml", ".work.toml.swp", ".hidden.toml", "work.toml~", "b.toml.bak", "README"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(mine().list(dir.path(), "accounts.d"), Ok(vec![dir.path().join("a.toml"), path]));
        assert_eq!(mine().list(&dir.path().join("absent"), "absent"), Ok(Vec::new()));
    }
}
