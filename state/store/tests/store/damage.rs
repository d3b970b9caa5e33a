//! Damage that only readers meet: another process's listing, a search, an export (F10.2).

use std::{fs, os::unix::fs::FileExt};

use postrider_model::{MessageId, PlacementId};
use postrider_store::{AuditFilter, Filter, HeldId, Reader, SearchQuery, Store, StoreError};

use crate::fixture::{Fixture, message};

/// Makes nonsense of every table and index but what opening needs.
fn tear(store: &Store) {
    let path = store.dir().join("store.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let size: u32 = conn.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 AND tbl_name <> 'meta'";
    let mut statement = conn.prepare(sql).unwrap();
    let pages: Vec<u32> =
        statement.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    drop(statement);
    conn.close().unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    for page in pages {
        file.write_all_at(&vec![0xAA; size as usize], u64::from(page - 1) * u64::from(size)).unwrap();
    }
}

#[test]
fn damage_that_only_a_reader_meets_leaves_the_mark_too_whatever_was_read() {
    let mut f = Fixture::new();
    let (store, account, inbox) = (f.store.clone(), f.account, f.inbox);
    let id = f.insert(inbox, &[message(1, "a")])[0];
    tear(&store);
    type Read<'a> = (&'a str, &'a dyn Fn(&mut Reader) -> postrider_store::Result<()>);
    let place = id.placement;
    let reads: [Read<'_>; 28] = [
        ("list", &|reader| reader.list(&Filter::default()).map(drop)),
        ("search", &|reader| reader.search(&SearchQuery::default()).map(drop)),
        ("show", &|reader| reader.show(place, None).map(drop)),
        ("account_of", &|reader| reader.account_of(place).map(drop)),
        ("body", &|reader| reader.body(place, &mut Vec::new()).map(drop)),
        ("message_body", &|reader| reader.message_body(id.message, &mut Vec::new()).map(drop)),
        ("messages_after", &|reader| reader.messages_after(MessageId(0), 9).map(drop)),
        ("history", &|reader| reader.history(place).map(drop)),
        ("export_page", &|reader| reader.export_page(account, None, PlacementId(0), 9).map(drop)),
        ("accounts", &|reader| reader.accounts().map(drop)),
        ("folders", &|reader| reader.folders(account).map(drop)),
        ("counts", &|reader| reader.counts(account).map(drop)),
        ("runs", &|reader| reader.runs().map(drop)),
        ("outbox", &|reader| reader.outbox(None, true).map(drop)),
        ("held", &|reader| reader.held(account).map(drop)),
        ("account_of_plan", &|reader| reader.account_of_plan(HeldId(1)).map(drop)),
        ("stored_accounts", &|reader| reader.stored_accounts().map(drop)),
        ("stored_providers", &|reader| reader.stored_providers().map(drop)),
        ("stored_mailboxes", &|reader| reader.stored_mailboxes().map(drop)),
        ("domain_provider", &|reader| reader.domain_provider("x.test", "anna").map(drop)),
        ("domains", &|reader| reader.domains().map(drop)),
        ("secret", &|reader| reader.secret("a", "password").map(drop)),
        ("tokens", &|reader| reader.tokens("a").map(drop)),
        ("secret_keys", &|reader| reader.secret_keys().map(drop)),
        ("sealed_rows", &|reader| reader.sealed_rows().map(drop)),
        ("api_tokens", &|reader| reader.api_tokens().map(drop)),
        ("audit", &|reader| reader.audit(&AuditFilter { limit: 9, ..AuditFilter::default() }).map(drop)),
        ("check_bodies", &|reader| reader.check_bodies(None, |_, _| {}).map(drop)),
    ];
    for (name, read) in reads {
        let done = read(&mut store.reader().unwrap());
        assert!(
            matches!(&done, Err(StoreError::Damaged { file, .. }) if file == "store.db"),
            "{name}: {done:?}"
        );
        assert!(store.refuse_damaged().is_err(), "{name}");
        store.note_sound().unwrap();
    }
}
