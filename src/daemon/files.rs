//! Whether the configuration's files changed. They are looked at, a few at a time, instead of being watched: that works on every file
//! system, with every editor, and for a folder that is not there yet.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The folders below the configuration's own.
const FOLDERS: [&str; 3] = ["accounts.d", "providers.d", "shared-mailboxes.d"];

/// What tells one state of the files from another: of each its name, when it was changed, its size and which file it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fingerprint(Vec<(PathBuf, [i64; 6])>);

/// The state of the files now. What cannot be read counts as not there: whoever reads them says why.
pub(super) fn fingerprint(dir: &Path) -> Fingerprint {
    let mut files = Vec::new();
    for folder in std::iter::once(dir.to_owned()).chain(FOLDERS.map(|name| dir.join(name))) {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_setting = path.extension().is_some_and(|extension| extension == "toml");
            // Through links: what they lead to is what is read.
            if let Some(metadata) = fs::metadata(&path).ok().filter(|_| is_setting) {
                files.push((path, marks(&metadata)));
            }
        }
        if let Ok(metadata) = fs::metadata(&folder) {
            files.push((folder, [i64::from(metadata.mode()), i64::from(metadata.uid()), 0, 0, 0, 0]));
        }
    }
    files.sort_unstable();
    Fingerprint(files)
}

fn marks(metadata: &Metadata) -> [i64; 6] {
    [
        metadata.ctime(),
        metadata.ctime_nsec(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.size().cast_signed(),
        metadata.ino().cast_signed(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_setting_is_seen_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let absent = fingerprint(&dir.join("absent"));
        assert_eq!(absent, Fingerprint::default());
        fs::create_dir(dir.join("accounts.d")).unwrap();
        let mut before = fingerprint(dir);
        let mut differs = |what: &str, expected: bool| {
            let now = fingerprint(dir);
            assert_eq!(now != before, expected, "{what}");
            before = now;
        };
        differs("nothing", false);
        fs::write(dir.join("accounts.d/work.toml"), "a").unwrap();
        differs("a new file", true);
        fs::write(dir.join("accounts.d/.work.toml.swp"), "a").unwrap();
        differs("an editor's file", false);
        fs::write(dir.join("new"), "b").unwrap();
        fs::rename(dir.join("new"), dir.join("accounts.d/work.toml")).unwrap();
        differs("a file of the same size in its place", true);
        fs::create_dir(dir.join("shared-mailboxes.d")).unwrap();
        differs("a new folder", true);
        fs::remove_file(dir.join("accounts.d/work.toml")).unwrap();
        differs("a file less", true);
    }
}
