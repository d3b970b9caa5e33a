use std::path::PathBuf;

use super::*;

fn path() -> PathBuf {
    PathBuf::from("/srv/store")
}

/// Each text is what a person reads: what was being done, why it failed, what to do.
#[test]
fn every_error_says_what_to_do() {
    let sqlite = |code| {
        let text = rusqlite::ffi::code_to_str(code).to_owned();
        StoreError::from(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(text)))
    };
    let table = [
        (
            StoreError::NetworkFileSystem { path: path(), kind: "NFS" },
            ErrorClass::Config,
            "cannot open the store: /srv/store is on a network file system (NFS), where file locks cannot be relied on",
            "keep the store on a local disk: [store] path in postrider.toml",
        ),
        (
            StoreError::ForeignOwner { path: path(), owner: 990, user: 1000 },
            ErrorClass::NotPermitted,
            "cannot open the store: /srv/store belongs to user id 990, and this process runs as user id 1000",
            "run postrider as user id 990, or give the store to this user: chown -R 1000 /srv/store",
        ),
        (
            StoreError::LooseMode { path: path(), mode: 0o755, expected: 0o700 },
            ErrorClass::Config,
            "cannot open the store: /srv/store is open to other users (mode 0755, expected 0700)",
            "run: chmod 700 /srv/store",
        ),
        (
            StoreError::Busy { pid: Some(42) },
            ErrorClass::Busy,
            "cannot open the store: another postrider (process 42) is syncing this store",
            "wait until it ends, or stop it",
        ),
        (
            StoreError::Busy { pid: None },
            ErrorClass::Busy,
            "cannot open the store: another postrider is syncing this store",
            "wait until it ends, or stop it",
        ),
        (
            sqlite(rusqlite::ffi::SQLITE_BUSY),
            ErrorClass::Busy,
            "cannot open the store: another process kept the store locked for more than 5 seconds",
            "try again; if it lasts, find the process that has store.db open",
        ),
        (
            StoreError::NewerSchema { path: path(), found: 7, known: 1 },
            ErrorClass::Permanent,
            "cannot open the store: /srv/store has schema 7, and this version knows schemas up to 1",
            "install the version that wrote the store, or a later one; nothing was changed",
        ),
        (
            StoreError::NoRoom { action: "upgrade the store", path: path(), needed: 2000, free: 10 },
            ErrorClass::Transient,
            "cannot upgrade the store: it needs 2000 bytes free on the disk of /srv/store, and there are 10",
            "free some space and start again; the store was not changed",
        ),
        (
            sqlite(rusqlite::ffi::SQLITE_FULL),
            ErrorClass::Transient,
            "cannot write to the store: the disk is full",
            "free some space; the next run goes on where this one stopped",
        ),
        (
            sqlite(rusqlite::ffi::SQLITE_NOTADB),
            ErrorClass::Permanent,
            "cannot open the store: store.db is damaged: file is not a database",
            "nothing is sent any more; `postrider store check` tells what is wrong, and `postrider store restore FILE` puts a \
             backup in its place and keeps this one aside",
        ),
        (
            sqlite(rusqlite::ffi::SQLITE_CORRUPT).about("search.db"),
            ErrorClass::Permanent,
            "cannot open the store: search.db is damaged: database disk image is malformed",
            "delete search.db: it is made again from store.db by the next run",
        ),
        (
            StoreError::TimedOut { limit_ms: 2000 },
            ErrorClass::Transient,
            "cannot search the store: the search took longer than 2000 ms",
            "ask for rarer words, or for one folder or period",
        ),
        (
            StoreError::NoSuchMessage(PlacementId(7)),
            ErrorClass::NotFound,
            "cannot find the message: there is no message m7",
            "`postrider mail list` prints the ids; what was purged is gone",
        ),
        (
            StoreError::NoSuchPlan(HeldId(3)),
            ErrorClass::NotFound,
            "cannot allow the plan: there is no held plan p3",
            "`postrider status` names the plans that wait now; one that grew has a new name",
        ),
    ];
    for (error, class, message, hint) in table {
        let fault = Fault::from(error);
        assert_eq!(
            (fault.class, fault.message().as_str(), fault.hint.as_deref()),
            (class, message, Some(hint))
        );
    }
}

#[test]
fn a_full_disk_is_one_whoever_says_it() {
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
        let error = StoreError::io("write", path())(io::Error::from(kind));
        assert!(matches!(error, StoreError::DiskFull), "{error}");
    }
    let error = StoreError::io("write", path())(io::Error::from(io::ErrorKind::PermissionDenied));
    assert_eq!(error.to_string(), "write /srv/store: permission denied");
}
