//! The audit log: any line that is changed, taken out, put in or moved is found (F7.7).

use postrider_model::Timestamp;
use postrider_store::{AuditEntry, AuditFilter, Outcome, StoreError};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::fixture::Fixture;

const DAY_S: i64 = 86_400;

fn line(second: i64, account: &str, object: &str) -> AuditEntry {
    AuditEntry {
        at: Timestamp::from_seconds(second),
        actor: "anna".to_owned(),
        user: "boris".to_owned(),
        account: account.to_owned(),
        what: "mail.flag".to_owned(),
        object: object.to_owned(),
        outcome: Outcome::Done,
        detail: String::new(),
    }
}

fn filled(count: i64) -> Fixture {
    let mut f = Fixture::new();
    (1..=count).for_each(|at| f.tx(|tx| tx.audit(line(at, "work", &format!("m{at}")))));
    f
}

fn wrong(f: &Fixture) -> Option<i64> {
    f.reader().verify_audit().unwrap().wrong.map(|fault| fault.id)
}

/// What somebody does to the file who can open it.
fn tamper(f: &Fixture, sql: &str) {
    Connection::open(f.store.dir().join("store.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn lines_are_listed_newest_first_and_bounded() {
    let mut f = filled(4);
    f.tx(|tx| tx.audit(line(5, "home", "m9")));
    let objects = |filter: AuditFilter| -> Vec<String> {
        f.reader().audit(&filter).unwrap().into_iter().map(|row| row.entry.object).collect()
    };
    let all = AuditFilter::default();
    assert_eq!(objects(all.clone()), ["m9", "m4", "m3", "m2", "m1"]);
    assert_eq!(objects(AuditFilter { limit: 2, ..all.clone() }), ["m9", "m4"]);
    assert_eq!(objects(AuditFilter { account: Some("work".into()), limit: 1, ..all.clone() }), ["m4"]);
    assert_eq!(objects(AuditFilter { since: Some(Timestamp::from_seconds(4)), ..all }), ["m9", "m4"]);
    let read = f.reader().audit(&AuditFilter::default()).unwrap();
    assert_eq!((read[0].id, &read[0].entry), (5, &line(5, "home", "m9")));
    let verified = f.reader().verify_audit().unwrap();
    assert_eq!((verified.lines, verified.wrong), (5, None));
}

#[test]
fn a_line_lives_and_dies_with_its_transaction() {
    let mut f = filled(1);
    let failed = f.writer.transaction(|tx| {
        tx.audit(line(2, "work", "m2"))?;
        Err::<(), _>(StoreError::Stopped)
    });
    assert!(failed.is_err());
    f.tx(|tx| tx.audit(line(3, "work", "m3")));
    let ids: Vec<i64> = f.reader().audit(&AuditFilter::default()).unwrap().iter().map(|row| row.id).collect();
    assert_eq!((ids, wrong(&f)), (vec![2, 1], None));
}

#[test]
fn an_end_is_noted_in_the_name_of_whoever_began() {
    let mut f = Fixture::new();
    let begun = AuditEntry { what: "mail.send".into(), outcome: Outcome::Begun, ..line(1, "work", "o1") };
    f.tx(|tx| tx.audit(begun));
    let at = Timestamp::from_seconds(9);
    f.tx(|tx| tx.audit_end(at, "mail.send", "o1", Outcome::Failed, "permanent"));
    f.tx(|tx| tx.audit_end(at, "mail.send", "o2", Outcome::Done, ""));
    let rows = f.reader().audit(&AuditFilter::default()).unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.entry.actor.as_str(), row.entry.account.as_str(), row.entry.outcome))
        .collect();
    assert_eq!(
        said,
        [
            ("postrider", "", Outcome::Done),
            ("anna", "work", Outcome::Failed),
            ("anna", "work", Outcome::Begun)
        ]
    );
}

#[test]
fn only_the_oldest_expire_and_the_rest_still_verifies() {
    let mut f = Fixture::new();
    for day in 0..10 {
        f.tx(|tx| tx.audit(line(day * DAY_S, "work", &format!("m{day}"))));
    }
    let now = Timestamp::from_seconds(10 * DAY_S);
    let mut expire = |day: i64| f.tx(|tx| tx.expire_audit(Timestamp::from_seconds(day * DAY_S), now));
    assert_eq!(expire(1), 0, "within a day of the limit nothing goes");
    assert_eq!(expire(4), 4);
    assert_eq!(expire(4), 0);
    assert_eq!(expire(5), 0);
    let verified = f.reader().verify_audit().unwrap();
    assert_eq!((verified.lines, verified.wrong), (7, None), "six that are kept and one that says so");

    // All of it is past its time, and the line that says so is what the next hangs on.
    let gone = f.tx(|tx| tx.expire_audit(Timestamp::from_seconds(99 * DAY_S), now));
    assert_eq!(gone, 6);
    f.tx(|tx| tx.audit(line(99 * DAY_S, "work", "m99")));
    assert_eq!(wrong(&f), None);
    tamper(&f, "DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)");
    assert!(wrong(&f).is_some(), "whoever takes the oldest away leaves no line that says so");
}

#[test]
fn the_end_of_the_log_cannot_be_cut_off() {
    let f = filled(3);
    tamper(&f, "DELETE FROM audit WHERE id = 3");
    assert_eq!(wrong(&f), Some(3));
    tamper(&f, "DELETE FROM audit");
    assert_eq!(wrong(&f), Some(1));
}

#[test]
fn an_outcome_that_nobody_writes_is_told_and_not_stumbled_over() {
    let f = filled(3);
    tamper(&f, "PRAGMA ignore_check_constraints = 1; UPDATE audit SET outcome = 'perhaps' WHERE id = 2");
    assert_eq!(wrong(&f), Some(2));
}

/// One change by somebody who does not write the hashes anew.
#[derive(Debug, Clone)]
enum Tamper {
    Change { column: &'static str, value: &'static str },
    Remove,
    Swap { with: i64 },
    Insert,
    Shift,
}

fn tampers() -> impl Strategy<Value = Tamper> {
    let changes = [
        ("at_us", "at_us + 1"),
        ("actor", "'mallory'"),
        ("user", "user || ' '"),
        ("account", "''"),
        ("what", "'mail.read'"),
        ("object", "object || '0'"),
        ("outcome", "'refused'"),
        ("detail", "'x'"),
        ("before", "zeroblob(31) || x'01'"),
        ("chain", "before"),
        // The same octets, cut elsewhere.
        ("actor = actor || substr(user, 1, 1), user", "substr(user, 2)"),
    ];
    prop_oneof![
        4 => prop::sample::select(changes.to_vec()).prop_map(|(column, value)| Tamper::Change { column, value }),
        2 => Just(Tamper::Remove),
        2 => (1_i64..12).prop_map(|with| Tamper::Swap { with }),
        1 => Just(Tamper::Insert),
        1 => Just(Tamper::Shift),
    ]
}

impl Tamper {
    fn sql(&self, id: i64, count: i64) -> String {
        match self {
            Self::Change { column, value } => format!("UPDATE audit SET {column} = cast({value} AS {}) WHERE id = {id}", kind(column)),
            Self::Remove => format!("DELETE FROM audit WHERE id = {id}"),
            Self::Swap { with } => {
                let other = (id - 1 + with % count.max(2)) % count + 1;
                let other = if other == id { id % count + 1 } else { other };
                format!(
                    "UPDATE audit SET id = -1 WHERE id = {id}; UPDATE audit SET id = {id} WHERE id = {other};
                     UPDATE audit SET id = {other} WHERE id = -1"
                )
            }
            Self::Insert => format!(
                "UPDATE audit SET id = -id WHERE id > {id}; UPDATE audit SET id = 1 - id WHERE id < 0;
                 INSERT INTO audit SELECT {id} + 1, at_us, actor, user, account, what, object, outcome, detail, before, chain
                 FROM audit WHERE id = {id}"
            ),
            Self::Shift => format!("UPDATE audit SET id = -id WHERE id >= {id}; UPDATE audit SET id = 1 - id WHERE id < 0"),
        }
    }
}

fn kind(column: &str) -> &'static str {
    match column {
        "at_us" => "INTEGER",
        "before" | "chain" => "BLOB",
        _ => "TEXT",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_done_to_one_line_is_found(count in 2_i64..9, which in any::<u8>(), tampers in tampers()) {
        let f = filled(count);
        prop_assert_eq!(wrong(&f), None);
        let id = i64::from(which) % count + 1;
        tamper(&f, &tampers.sql(id, count));
        let found = wrong(&f);
        prop_assert!(found.is_some(), "{:?} of line {}", tampers, id);
        prop_assert!(found.is_some_and(|at| at <= id + 1 || matches!(tampers, Tamper::Swap { .. })), "{:?}", found);
    }
}
