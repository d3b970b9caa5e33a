//! The log itself: without it nothing is changed or sent, and the journal has a copy of what it has (F7.7).

use std::{
    io,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use postrider::{
    service::{AccountChanges, Change, FlagEdit, MailFilter, MailParts, NewMail, Reach, RunRequest},
    sync::Silent,
};
use postrider_model::{ErrorClass, Timestamp};
use postrider_store::{AuditEntry, AuditFilter, Outcome};
use postrider_test_support::programs;

use crate::{
    house::{House, Mailbox, WORD, caller},
    matrix::HOUSE,
};

fn house() -> (House, Mailbox) {
    let house = House::new(&HOUSE);
    house.account("support", Some("holder"));
    let mailbox = house.fill("support", 3);
    (house, mailbox)
}

/// From now on no line can be written.
fn close_log(house: &House) {
    let mut python = Command::new(programs::python().unwrap());
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\
                  c.execute(\"CREATE TRIGGER shut BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'shut'); END\")\nc.commit()";
    python.args(["-c", script]).arg(house.store.dir().join("store.db"));
    assert!(python.status().unwrap().success());
}

#[test]
fn where_the_log_cannot_be_written_nothing_is_changed_or_sent_and_looking_goes_on() {
    let (house, mailbox) = house();
    close_log(&house);
    let mut service = house.service();
    let (sender, holder) = (caller(&service, "sender", true), caller(&service, "holder", true));
    let id = mailbox.live[0];
    let edit = FlagEdit::parse(["+seen"]).unwrap();
    assert!(service.flag_mail(&sender, &[id], &edit).is_err());
    assert!(service.delete_mail(&holder, &[id], false).is_err());
    assert!(service.purge_mail(&holder, &[mailbox.deleted]).is_err());
    let month = AccountChanges { period: Change::To("1M".parse().unwrap()), ..AccountChanges::default() };
    assert!(service.set_account(&holder, "support", month).is_err());
    let parts = MailParts { to: vec!["anna@example.org".into()], ..MailParts::default() };
    assert!(service.queue_mail(&sender, "support", NewMail::Parts(Box::new(parts))).is_err());
    assert!(service.drop_outgoing(&sender, mailbox.outgoing).is_err());

    let owner = service.owner();
    let row = service.message(&owner, id).unwrap().row;
    assert_eq!((row.flags.to_string().as_str(), row.folder.as_str(), row.deleted), ("", "INBOX", None));
    assert_eq!(service.account(&owner, "support").unwrap().period.as_deref(), Some("1w"));
    let outbox = service.outbox(&owner, None, true).unwrap();
    assert_eq!(outbox.iter().map(|entry| entry.state).collect::<Vec<_>>(), ["queued"]);

    let reader = caller(&service, "reader", true);
    service.text(&reader, id).unwrap();
    let filter = MailFilter { query: WORD.into(), limit: 9, reach: Reach::Readable, ..MailFilter::default() };
    assert_eq!(service.mail(&reader, &filter).unwrap().rows.len(), 3);
    let refused = service.flag_mail(&reader, &[id], &edit).unwrap_err();
    assert_eq!(refused.class, ErrorClass::NotPermitted, "{refused}");
}

/// What the journal would be given.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<u8>>>);

impl Journal {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl io::Write for Journal {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_journal_has_a_copy_of_what_was_committed_and_of_nothing_else() {
    let (house, mailbox) = house();
    let journal = Journal::default();
    let writer = journal.clone();
    let lines = tracing_subscriber::fmt()
        .json()
        .with_env_filter("error,postrider::audit=info")
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(lines, || {
        let mut service = house.service();
        let sender = caller(&service, "sender", true);
        let reader = caller(&service, "reader", true);
        let edit = FlagEdit::parse(["+seen"]).unwrap();
        service.flag_mail(&sender, &mailbox.live[..1], &edit).unwrap();
        service.flag_mail(&reader, &mailbox.live[..1], &edit).unwrap_err();
        // It is rolled back: the second message is not deleted and cannot be restored.
        service.restore(&sender, &[mailbox.deleted, mailbox.live[1]]).unwrap_err();
    });
    let told: Vec<serde_json::Value> =
        journal.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fields = |line: &serde_json::Value| {
        ["actor", "account", "what", "object", "outcome"]
            .map(|name| line["fields"][name].as_str().unwrap_or_default().to_owned())
    };
    let rows = house.store.reader().unwrap().audit(&AuditFilter::default()).unwrap();
    let written: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| &row.entry)
        .map(|one| {
            let outcome = one.outcome.to_string();
            [one.actor.clone(), one.account.clone(), one.what.clone(), one.object.clone(), outcome]
        })
        .collect();
    assert_eq!(told.iter().map(fields).collect::<Vec<_>>(), written);
    assert_eq!(written.len(), 2);
    assert!(told.iter().all(|line| line["target"] == "postrider::audit"), "{told:?}");
}

/// In the year 2100.
const LATER: Timestamp = Timestamp(4_102_444_800_000_000);

#[tokio::test]
async fn what_is_past_its_time_goes_with_a_run_and_the_next_run_writes_nothing() {
    let house = House::new(&HOUSE);
    let line = |at: Timestamp, object: &str| AuditEntry {
        at,
        actor: "anna".to_owned(),
        user: "anna".to_owned(),
        account: String::new(),
        what: "provider.add".to_owned(),
        object: object.to_owned(),
        outcome: Outcome::Done,
        detail: String::new(),
    };
    for (at, object) in [(Timestamp(0), "old"), (LATER, "new")] {
        house.store.writer().unwrap().transaction(|tx| tx.audit(line(at, object))).unwrap();
    }
    for _ in 0..2 {
        let mut service = house.service();
        let owner = service.owner();
        let request = RunRequest { mail: true, ..RunRequest::default() };
        service.sync_now(&owner, &request, Arc::new(Silent)).await.unwrap();
        let rows = service.audit(&owner, &AuditFilter::default()).unwrap();
        let said: Vec<_> = rows.iter().map(|row| (row.id, row.entry.what.as_str())).collect();
        assert_eq!(said, [(3, "audit.expire"), (2, "provider.add")]);
        assert_eq!(service.verify_audit(&owner).unwrap().wrong, None);
    }
}
