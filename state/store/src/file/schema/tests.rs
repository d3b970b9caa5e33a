use std::os::unix::fs::MetadataExt;

use super::*;
use crate::Store;

const LATER: &str = "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (5);";

/// All migrations there are, and these.
fn and(later: &[&'static str]) -> Vec<&'static str> {
    [MIGRATIONS, later].concat()
}

fn options(home: &tempfile::TempDir) -> Options {
    Options::new(home.path().join("store"), [9; 16], Timestamp(5))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_store_is_whole_private_and_alone() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&options(&home)).unwrap();
    assert_eq!((store.store_id(), store.machine_id(), store.created()), ([9; 16], None, Timestamp(5)));
    assert_eq!(names(store.dir()), ["store.db"]);
    assert_eq!(fs::metadata(store.dir().join("store.db")).unwrap().mode() & 0o7777, 0o600);
    let conn = connect(&store.dir().join(STORE_FILE)).unwrap();
    let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    let size: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), size, version(&conn).unwrap()), ("wal", PAGE_SIZE, number(MIGRATIONS)));
}

#[test]
fn opening_again_keeps_the_id_and_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let first = Store::open(&options(&home)).unwrap();
    let path = first.dir().join(STORE_FILE);
    let before = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().mtime_nsec());
    let again = Store::open(&Options { store_id: [1; 16], ..options(&home) }).unwrap();
    assert_eq!(again.store_id(), [9; 16]);
    assert_eq!((fs::read(&path).unwrap(), fs::metadata(&path).unwrap().mtime_nsec()), before);
}

#[test]
fn there_is_no_store_for_readers_until_one_was_made() {
    let home = tempfile::tempdir().unwrap();
    assert!(Store::open_existing(&options(&home)).unwrap().is_none());
    assert!(!options(&home).dir.exists());
    Store::open(&options(&home)).unwrap();
    assert!(Store::open_existing(&options(&home)).unwrap().is_some());
}

#[test]
fn of_two_that_make_a_store_at_once_the_first_wins() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&options(&home)).unwrap();
    create(&store.dir().join(STORE_FILE), &Options { store_id: [1; 16], ..options(&home) }).unwrap();
    assert_eq!(Store::open(&options(&home)).unwrap().store_id(), [9; 16]);
    assert_eq!(names(store.dir()), ["store.db"]);
}

#[test]
fn a_store_that_cannot_be_made_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let options = options(&home);
    let in_the_way = format!("store.new-{}-wal", std::process::id());
    fs::create_dir_all(options.dir.join(&in_the_way)).unwrap();
    create(&options.dir.join(STORE_FILE), &options).unwrap_err();
    assert_eq!(names(&options.dir), [in_the_way]);
}

#[test]
fn a_newer_schema_is_refused_untouched() {
    let home = tempfile::tempdir().unwrap();
    let path = Store::open(&options(&home)).unwrap().dir().join(STORE_FILE);
    connect(&path).unwrap().pragma_update(None, "user_version", number(MIGRATIONS) + 1).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = Store::open(&options(&home)).unwrap_err();
    assert!(
        matches!(refused, StoreError::NewerSchema { found, known, .. } if found == known + 1 && known == number(MIGRATIONS)),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(&options(&home).dir), ["store.db"]);
}

/// The newer number stands in the log alone, as after a crash of the newer version.
#[test]
fn a_newer_schema_in_the_log_is_refused_with_file_and_log_untouched() {
    let home = tempfile::tempdir().unwrap();
    let path = Store::open(&options(&home)).unwrap().dir().join(STORE_FILE);
    let crashed = connect(&path).unwrap();
    crashed.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    crashed.pragma_update(None, "user_version", number(MIGRATIONS) + 1).unwrap();
    drop(crashed);
    let wal = path.with_extension("db-wal");
    let before = (fs::read(&path).unwrap(), fs::read(&wal).unwrap());
    assert!(header_version(&path).unwrap() == number(MIGRATIONS) && !before.1.is_empty());
    assert!(matches!(Store::open(&options(&home)), Err(StoreError::NewerSchema { .. })));
    assert_eq!((fs::read(&path).unwrap(), fs::read(&wal).unwrap()), before);
}

#[test]
fn an_upgrade_keeps_a_copy_and_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let path = Store::open(&options(&home)).unwrap().dir().join(STORE_FILE);
    connect(&path).unwrap().execute("INSERT INTO account (name, address) VALUES ('a', 'b')", []).unwrap();
    let now = number(MIGRATIONS);
    let conn = upgrade(&path, &and(&[LATER])).unwrap();
    let (accounts, later): (i64, i64) = conn
        .query_row("SELECT (SELECT count(*) FROM account), x FROM later", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!((version(&conn).unwrap(), accounts, later), (now + 1, 1, 5));
    let copy = path.with_extension(format!("db.v{now}.bak"));
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o600);
    let copy = Connection::open(&copy).unwrap();
    let accounts: i64 = copy.query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap();
    assert_eq!((version(&copy).unwrap(), accounts), (now, 1));
}

#[test]
fn an_upgrade_that_fails_leaves_the_store_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let path = Store::open(&options(&home)).unwrap().dir().join(STORE_FILE);
    assert!(upgrade(&path, &and(&[LATER, "CREATE TABLE account (id INTEGER)"])).is_err());
    let conn = connect(&path).unwrap();
    assert_eq!(version(&conn).unwrap(), number(MIGRATIONS));
    assert!(!conn.table_exists(None, "later").unwrap());
    Store::open(&options(&home)).unwrap();
}

/// A store of the first schema, with mail in it, becomes what this version would have made.
#[test]
fn a_store_of_the_first_schema_is_upgraded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("old.db");
    drop(place::private_file(&path).unwrap());
    let conn = connect(&path).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    apply(&conn, 0, &MIGRATIONS[..1]).unwrap();
    conn.execute_batch(
        "INSERT INTO account (name, address) VALUES ('a', 'b');
         INSERT INTO collection (account, kind, remote_key, name) VALUES (1, 'mail', 'INBOX', 'INBOX');
         INSERT INTO body (hash, size) VALUES (x'00', 1);
         INSERT INTO message (account, body, has_attachment, subject, snippet, structure) VALUES (1, 1, 0, '', '', '');
         INSERT INTO placement (message, collection, uid, flags, keywords, base_flags, base_keywords, internal_us)
         VALUES (1, 1, 7, 0, '', 0, '', 5);",
    )
    .unwrap();
    drop(conn);
    let conn = upgrade(&path, MIGRATIONS).unwrap();
    let row: (i64, i64, i64) = conn
        .query_row("SELECT folder, allowed, (SELECT uid FROM v_messages) FROM placement", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((row, version(&conn).unwrap()), ((1, 0, 7), number(MIGRATIONS)));
}

#[test]
fn damage_is_told_and_never_made_anew() {
    let home = tempfile::tempdir().unwrap();
    let path = Store::open(&options(&home)).unwrap().dir().join(STORE_FILE);
    let whole = fs::read(&path).unwrap();
    let mut no_schema = whole.clone();
    no_schema[VERSION_AT..VERSION_AT + 4].fill(0);
    let mut torn_root = whole.clone();
    torn_root[HEADER..HEADER + 300].fill(0xff);
    let table = [
        ("empty", Vec::new()),
        ("no database", b"hello".repeat(100)),
        ("cut within the header", whole[..70].to_vec()),
        ("no schema", no_schema),
        ("torn", torn_root),
    ];
    for (what, bytes) in table {
        fs::write(&path, &bytes).unwrap();
        let refused = Store::open(&options(&home)).unwrap_err();
        assert!(
            matches!(&refused, StoreError::Damaged { file, .. } if file == "store.db"),
            "{what}: {refused}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
    }
}
