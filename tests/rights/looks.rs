//! What is noted of looks and of changes, and of what nothing is noted.

use postrider::config::AccountDraft;
use postrider::secrets::SecretSource;
use postrider::service::{ExportForm, ExportRequest, FlagEdit, MailFilter, NewAccount, NewLogin, Reach};
use postrider_model::{ErrorClass, PlacementId};
use postrider_store::AuditFilter;

use crate::{
    house::{House, WORD, caller},
    matrix::HOUSE,
};

fn house() -> (House, crate::house::Mailbox) {
    let house = House::new(&HOUSE);
    house.account("support", Some("holder"));
    let mailbox = house.fill("support", 3);
    (house, mailbox)
}

/// The log, the oldest first, as `actor user what object outcome`.
fn log(house: &House) -> Vec<String> {
    let rows = house.store.reader().unwrap().audit(&AuditFilter::default()).unwrap();
    let said = rows.iter().rev().map(|row| {
        let one = &row.entry;
        format!("{} {} {} {} {}", one.actor, one.user, one.what, one.object, one.outcome)
    });
    said.collect()
}

#[test]
fn ones_own_reading_is_not_noted_and_anothers_is() {
    let (house, mailbox) = house();
    let id = mailbox.live[0];
    for name in ["owner", "holder", "reader", "deputy for sender"] {
        let service = house.service();
        let caller = caller(&service, name, true);
        service.text(&caller, id).unwrap();
        let filter =
            MailFilter { query: WORD.into(), limit: 2, reach: Reach::Readable, ..MailFilter::default() };
        assert_eq!(service.mail(&caller, &filter).unwrap().rows.len(), 2, "{name}");
    }
    let object = id.to_string();
    assert_eq!(
        log(&house),
        [
            format!("reader reader mail.read {object} done"),
            "reader reader mail.list 2 messages done".to_owned(),
            format!("deputy sender mail.read {object} done"),
            "deputy sender mail.list 2 messages done".to_owned(),
        ]
    );
}

#[test]
fn looks_into_anothers_outbox_and_folders_and_what_is_exported_of_them_are_noted() {
    let (house, mailbox) = house();
    for name in ["owner", "holder", "sender"] {
        let service = house.service();
        let caller = caller(&service, name, true);
        assert_eq!(service.outbox(&caller, None, true).unwrap().len(), 1, "{name}");
        service.entry(&caller, mailbox.outgoing).unwrap();
        assert_eq!(service.folders(&caller, None).unwrap().len(), 1, "{name}");
        assert_eq!(
            service.export_page(&caller, "support", "INBOX", PlacementId(0)).unwrap().len(),
            3,
            "{name}"
        );
    }
    assert_eq!(
        log(&house),
        [
            "sender sender outbox.show 1 entries done".to_owned(),
            format!("sender sender outbox.show {} done", mailbox.outgoing),
            "sender sender mail.list 1 folders done".to_owned(),
            "sender sender mail.export 3 messages of INBOX done".to_owned(),
        ]
    );
}

#[test]
fn a_change_is_noted_with_its_ids_and_what_changes_nothing_is_not() {
    let (house, mailbox) = house();
    let mut service = house.service();
    let sender = caller(&service, "sender", true);
    let edit = FlagEdit::parse(["+seen"]).unwrap();
    let before = service.flag_mail(&sender, &mailbox.live[..2], &edit).unwrap();
    assert!(before.iter().all(|one| one.changed));
    service.flag_mail(&sender, &mailbox.live[..2], &edit).unwrap();
    let ids = format!("{} {}", mailbox.live[0], mailbox.live[1]);
    assert_eq!(log(&house), [format!("sender sender mail.flag {ids} done")]);
}

#[tokio::test]
async fn an_export_writes_files_of_the_owner_and_is_therefore_the_owners_alone() {
    let (house, _) = house();
    let request = ExportRequest {
        account: "support".into(),
        folders: Vec::new(),
        form: ExportForm::Eml,
        to: house.path().join("export"),
    };
    let service = house.service();
    let refused = service.export(&caller(&service, "holder", true), &request).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::NotPermitted);
    assert!(!request.to.exists());
    let owner = service.owner();
    let for_reader = service.act_as(&owner, "reader").unwrap();
    assert_eq!(service.export(&for_reader, &request).await.unwrap().written, 3);
    let for_stranger = service.act_as(&owner, "stranger").unwrap();
    assert_eq!(service.export(&for_stranger, &request).await.unwrap_err().class, ErrorClass::NotFound);
    assert_eq!(
        log(&house),
        [
            "holder holder mail.export all folders refused",
            "u-owner reader mail.export all folders done",
            "u-owner stranger mail.export  refused",
        ]
    );
}

#[test]
fn a_message_that_one_may_not_read_cannot_be_passed_on() {
    use postrider::service::{MailParts, NewMail};
    let (house, mailbox) = house();
    house.account("own", Some("stranger"));
    let mut service = house.service();
    let stranger = caller(&service, "stranger", true);
    for (reply_to, forward) in [(Some(mailbox.live[0]), None), (None, Some(mailbox.live[0]))] {
        let parts = MailParts { to: vec!["a@example.org".into()], reply_to, forward, ..MailParts::default() };
        let refused = service.queue_mail(&stranger, "own", NewMail::Parts(Box::new(parts))).unwrap_err();
        assert!(refused.message().contains("there is none of that id"), "{refused}");
    }
}

#[tokio::test]
async fn nobody_but_an_administrator_names_a_file_or_a_program_or_another_user() {
    struct Nobody;
    #[async_trait::async_trait]
    impl postrider::service::Person for Nobody {
        fn open_link(&self, _url: &str) {}
        fn type_code(&self, _code: &postrider::service::DeviceCode) {}
        async fn pasted(&self) -> Result<String, postrider_model::Fault> {
            unreachable!("nobody is asked")
        }
    }
    let (house, _) = house();
    let draft = |user: Option<&str>| AccountDraft {
        address: "new@example.com".into(),
        user: user.map(Into::into),
        ..AccountDraft::default()
    };
    let stored = || NewLogin::Store("a password".to_owned().into());
    let file = || NewLogin::From(SecretSource::File("/etc/shadow".into()));
    let command = || NewLogin::From(SecretSource::Command(vec!["/bin/cat".into()]));
    let credential = || NewLogin::From(SecretSource::SystemdCredential("mail".into()));
    // Nothing answers at the provider: what is let through fails there.
    type Case = (&'static str, Option<&'static str>, fn() -> NewLogin, bool);
    let table: [Case; 8] = [
        ("stranger", None, stored, true),
        ("stranger", Some("stranger"), stored, true),
        ("stranger", Some("holder"), stored, false),
        ("stranger", None, file, false),
        ("stranger", None, command, false),
        ("stranger", None, credential, false),
        ("administrator", None, credential, true),
        ("administrator", Some("holder"), stored, true),
    ];
    for (name, user, login, is_let_through) in table {
        let mut service = house.service();
        let caller = caller(&service, name, true);
        let new = NewAccount { name: Some("new".into()), draft: draft(user), login: login() };
        let fault = service.add_account(&caller, new, &Nobody).await.unwrap_err();
        assert_eq!(fault.class != ErrorClass::NotPermitted, is_let_through, "{name} for {user:?}: {fault}");
    }
    // What is left of an account that was removed does not fall to whoever takes its name.
    house.fill("left", 1);
    let mut service = house.service();
    let stranger = caller(&service, "stranger", true);
    let new = NewAccount { name: Some("left".into()), draft: draft(None), login: stored() };
    let taken = service.add_account(&stranger, new, &Nobody).await.unwrap_err();
    assert!(taken.message().contains("there is one of that name already"), "{taken}");
}
