//! Stores that are not this user's, open to others, of a later version, or damaged.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use postrider_test_support::{Dovecot, Home};
use rustix::process::geteuid;

use super::teller::{PASSWORD, Told, USER, home, tell, tell_of};

/// Debian's `nobody`.
const NOBODY: u32 = 65_534;
const STORE: &str = "HOME/.local/share/postrider";

/// A server with one message, and a home into which it was brought.
fn filled() -> (Dovecot, Home) {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    server.client(USER).unwrap().append("INBOX", "", "", b"Subject: one\r\n\r\nx\r\n").unwrap();
    let home = home(server.imap_addr(), "none", None);
    assert_eq!(tell(&home, &["--sync-now", "-q"], &[]), Told::new(0, "", ""));
    (server, home)
}

fn database(home: &Home) -> PathBuf {
    home.store().join("store.db")
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn refused(exit: i32, message: &str, hint: &str) -> Told {
    Told::new(exit, "", &format!("error: {message}\nhint: {hint}\n"))
}

/// Each of the commands that open the store says the same.
fn whoever_opens_it(home: &Home, expected: &Told) {
    for command in [&["--sync-now"][..], &["mail", "list"], &["status"]] {
        assert_eq!(tell(home, command, &[]), *expected, "{command:?}");
    }
}

/// What is said where another user's store is neither opened nor asked for.
fn nobody_opens_it(why: &str) -> (String, String) {
    let hint = "start the daemon, which lets in whom users.toml names, or run this as the store's owner";
    let message =
        format!("cannot work on the store: the store is another user's, and no daemon answers ({why})");
    (message, hint.to_owned())
}

/// Only root can give a folder away; for anyone else the root folder is another user's.
#[test]
fn a_store_of_another_user() {
    let (_server, home) = filled();
    let me = geteuid().as_raw();
    if geteuid().is_root() {
        give(home.path(), 1);
        let mut command = home.command(&program_for_all(&home));
        command.arg("--sync-now").uid(NOBODY).gid(NOBODY);
        let told = tell_of(&home, command, &[]);
        assert_eq!((told.exit, told.out.as_str()), (Some(5), ""), "{told:?}");
        let message = "error: cannot work on the store: the store is another user's, and no daemon answers";
        assert!(told.err.starts_with(message), "{told:?}");
        return;
    }
    home.write_config("postrider.toml", "[store]\npath = \"/\"\n").unwrap();
    let why = format!("cannot open the store: / belongs to user id 0, and this process runs as user id {me}");
    let (message, hint) = nobody_opens_it(&why);
    assert_eq!(tell(&home, &["--sync-now"], &[]), refused(5, &message, &hint));
}

/// Nothing in a store comes to belong to root because root looked (F7.5). Whoever is not root and runs this looks at a store of their own,
/// in which all stays theirs.
#[test]
fn root_works_as_the_stores_owner() {
    let (_server, home) = filled();
    let owner = match geteuid().is_root() {
        true => {
            give(home.path(), NOBODY);
            NOBODY
        }
        false => {
            println!(
                "skipped: root in another's store, in root_works_as_the_stores_owner (this is not root)"
            );
            geteuid().as_raw()
        }
    };
    // Those that a run makes.
    for file in ["search.db", "search.db-wal", "search.db-shm", "store.db-wal", "store.db-shm", "store.lock"]
    {
        let _ = fs::remove_file(home.store().join(file));
    }
    assert_eq!(tell(&home, &["--sync-now", "-q"], &[]), Told::new(0, "", ""));
    assert!(home.store().join("search.db").exists());
    for entry in fs::read_dir(home.store()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), owner, "{:?}", entry.path());
    }
}

/// A folder with all that is in it.
fn give(folder: &Path, to: u32) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        chown(&path, Some(to), Some(to)).unwrap();
        if path.is_dir() {
            give(&path, to);
        }
    }
    chown(folder, Some(to), Some(to)).unwrap();
}

/// The program where everybody can run it.
fn program_for_all(home: &Home) -> PathBuf {
    let program = home.path().join("postrider");
    fs::copy(env!("CARGO_BIN_EXE_postrider"), &program).unwrap();
    mode(&program, 0o755);
    mode(home.path(), 0o711);
    program
}

#[test]
fn a_store_that_others_could_open() {
    let (_server, home) = filled();
    mode(&home.store(), 0o755);
    let message = format!("cannot open the store: {STORE} is open to other users (mode 0755, expected 0700)");
    whoever_opens_it(&home, &refused(2, &message, &format!("run: chmod 700 {STORE}")));
    mode(&home.store(), 0o700);
    mode(&database(&home), 0o640);
    let message =
        format!("cannot open the store: {STORE}/store.db is open to other users (mode 0640, expected 0600)");
    whoever_opens_it(&home, &refused(2, &message, &format!("run: chmod 600 {STORE}/store.db")));
}

#[test]
fn a_link_in_the_stores_place() {
    let (_server, home) = filled();
    let elsewhere = home.path().join("elsewhere.db");
    fs::rename(database(&home), &elsewhere).unwrap();
    symlink(&elsewhere, database(&home)).unwrap();
    let message = format!("cannot open the store: {STORE}/store.db is not a plain file");
    let hint = format!("move {STORE}/store.db away, or choose another [store] path in postrider.toml");
    whoever_opens_it(&home, &refused(2, &message, &hint));
}

#[test]
fn a_store_of_a_later_version_is_left_as_it_is() {
    let (_server, home) = filled();
    let mut bytes = fs::read(database(&home)).unwrap();
    let known = u32::from_be_bytes(bytes[60..64].try_into().unwrap());
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(database(&home), &bytes).unwrap();
    let message = format!(
        "cannot open the store: {STORE}/store.db has schema 99, and this version knows schemas up to {known}"
    );
    let hint = "install the version that wrote the store, or a later one; nothing was changed";
    whoever_opens_it(&home, &refused(1, &message, hint));
    assert_eq!(fs::read(database(&home)).unwrap(), bytes);
}

#[test]
fn a_damaged_store_is_never_made_anew() {
    let (_server, home) = filled();
    let whole = fs::read(database(&home)).unwrap();
    let hint = "nothing is sent any more; `postrider store check` tells what is wrong, and `postrider store restore FILE` puts a \
                backup in its place and keeps this one aside";
    let mut torn = whole.clone();
    torn[..16].fill(0);
    let table = [
        (b"".to_vec(), "it does not begin as a database does"),
        (b"mail, mail, mail".repeat(400), "it does not begin as a database does"),
        (whole[..40].to_vec(), "it ends within its header"),
        (whole[..5_000].to_vec(), "database disk image is malformed"),
        (torn, "it does not begin as a database does"),
    ];
    for (bytes, detail) in table {
        fs::write(database(&home), &bytes).unwrap();
        let message = format!("cannot open the store: store.db is damaged: {detail}");
        whoever_opens_it(&home, &refused(1, &message, hint));
        assert_eq!(fs::read(database(&home)).unwrap(), bytes, "it is left as it is");
    }
}

#[test]
fn damage_inside_is_found_by_the_doctor() {
    let (_server, home) = filled();
    let mut bytes = fs::read(database(&home)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    fs::write(database(&home), &bytes).unwrap();
    let told = tell(&home, &["doctor", "--offline"], &[]);
    let text = format!("{told:?}");
    assert!(text.contains("exit: Some(1)") && text.contains("error: store: "), "{text}");
    assert!(text.contains("`postrider store check` tells"), "{text}");
    assert_eq!(fs::read(database(&home)).unwrap(), bytes, "it is left as it is");
}
