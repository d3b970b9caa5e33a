//! Whether the store is what the server is: folder by folder, message by message, byte for byte. And whether a run with nothing
//! to do does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use postrider_test_support::imaplib::{self, DumpedFolder, DumpedMessage};

use crate::scene::{ACCOUNT, PASSWORD, Scene, USER, number};
use crate::stored::{self, Stored};

/// What may differ between a store and a server, compared as one value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    /// Flags and keywords in lower case, sorted: the server folds their case.
    flags: BTreeSet<String>,
    internal_us: i64,
}

/// What Python's imaplib reads from the server.
pub fn on_server(scene: &Scene) -> BTreeMap<String, DumpedFolder> {
    imaplib::dump(scene.server.imap_addr(), USER, PASSWORD).unwrap()
}

/// The store holds exactly the server's folders, and in each exactly the server's messages.
pub fn assert_in_step(scene: &Scene) {
    let there = on_server(scene);
    let here = stored::mail(&scene.home.store());
    for row in here.iter().filter(|row| row.deleted == 0) {
        assert_eq!(
            (row.flags, &row.keywords),
            (row.base_flags, &row.base_keywords),
            "{} differs from its base, and nothing was changed here",
            row.id
        );
    }
    let files = exported(scene);
    for (name, folder) in &there {
        let rows: Vec<&Stored> = here.iter().filter(|row| row.is_live() && &row.folder == name).collect();
        assert_folder(name, folder, &rows, &files);
    }
    let strange: Vec<&Stored> =
        here.iter().filter(|row| row.is_live() && !there.contains_key(&row.folder)).collect();
    assert!(strange.is_empty(), "in folders that the server does not have: {strange:?}");
    let followed: BTreeSet<String> = followed_folders(scene);
    assert_eq!(
        followed,
        there.keys().cloned().collect(),
        "folders that are followed, and those of the server"
    );
}

/// A folder of the store holds exactly what the server's does.
pub fn assert_folder(name: &str, folder: &DumpedFolder, rows: &[&Stored], files: &BTreeMap<String, PathBuf>) {
    let there: BTreeMap<u32, Seen> =
        folder.messages.iter().map(|message| (message.uid, seen_there(message))).collect();
    let here: BTreeMap<u32, Seen> = rows.iter().map(|row| (row.uid.unwrap_or(0), seen_here(row))).collect();
    assert_eq!(here.len(), rows.len(), "{name}: two messages of one UID");
    assert_eq!(here, there, "{name}");
    for message in &folder.messages {
        let row = rows.iter().find(|row| row.uid == Some(message.uid)).unwrap();
        assert_bytes(&format!("{name}, UID {}", message.uid), &files[&row.id], &message.bytes);
    }
}

/// The file holds these bytes; a difference is told by its place, since messages are long.
pub fn assert_bytes(what: &str, file: &Path, expected: &[u8]) {
    let found = fs::read(file).unwrap();
    if found != expected {
        let at =
            found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
        panic!(
            "{what}: {} octets exported, {} on the server, different from octet {at}",
            found.len(),
            expected.len()
        );
    }
}

fn seen_there(message: &DumpedMessage) -> Seen {
    let date = message.internal_date.trim();
    let date = DateTime::parse_from_str(date, "%d-%b-%Y %H:%M:%S %z")
        .unwrap_or_else(|error| panic!("{date}: {error}"));
    let flags = message.flags.iter().map(|flag| flag.trim_start_matches('\\').to_lowercase()).collect();
    Seen { flags, internal_us: date.timestamp_micros() }
}

fn seen_here(row: &Stored) -> Seen {
    let names = ["seen", "answered", "flagged", "deleted", "draft"];
    let system = names
        .iter()
        .enumerate()
        .filter(|(bit, _)| row.flags & (1 << bit) != 0)
        .map(|(_, name)| (*name).to_owned());
    let flags = system.chain(row.keywords.split_whitespace().map(str::to_lowercase)).collect();
    Seen { flags, internal_us: row.internal_us }
}

fn followed_folders(scene: &Scene) -> BTreeSet<String> {
    let folders = scene.run(&["folder", "list", "--json"]).ok().json();
    let followed = folders.as_array().unwrap().iter().filter(|folder| folder["frozen"].is_null());
    followed.map(|folder| folder["folder"].as_str().unwrap().to_owned()).collect()
}

/// Exports everything as .eml into a new folder of the home; the files by message id.
pub fn exported(scene: &Scene) -> BTreeMap<String, PathBuf> {
    let to = tempfile::tempdir_in(scene.home.path()).unwrap().keep();
    scene
        .run(&["mail", "export", "--account", ACCOUNT, "--format", "eml", "--to", to.to_str().unwrap()])
        .ok();
    let mut files = BTreeMap::new();
    collect(&to, &mut files);
    files
}

fn collect(folder: &Path, files: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            assert_eq!(path.extension().and_then(|end| end.to_str()), Some("eml"), "{}", path.display());
            let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let twice = files.insert(id, path);
            assert_eq!(twice, None, "exported twice");
        }
    }
}

/// One more run finds nothing to do, and writes nothing but its own row (I8).
pub fn assert_still(scene: &Scene, what: &str) {
    let before = stored::tables(&scene.home.store());
    let report = scene.sync();
    let mail = &report["mail"];
    let counts = ["pulled", "pushed", "deleted", "bytes"].map(|key| number(&mail[key]));
    assert_eq!(counts, [0; 4], "{what}: {report}");
    stored::assert_same_tables(&before, &stored::tables(&scene.home.store()), what);
}
