//! The matrix, over the use cases: by uid and by name.

use std::{io, path::Path, sync::Arc, time::Duration};

use postrider::{
    config::{ProviderDraft, ProviderKind, Security, ServerDraft},
    service::{
        AccountChanges, AccountView, CalendarChange, CalendarName, Caller, Change, FlagEdit, MailFilter,
        MailParts, NewMail, Reach, Service,
    },
    sync::{Disk, Room},
    world::World,
};
use postrider_model::{CollectionKind, ContactId, ErrorClass, Fault, OutboxId, PlacementId, Visibility};
use postrider_store::{AuditFilter, Outcome};

use crate::{
    house::{House, WORD, caller},
    matrix::{CALLERS, DOINGS, Doing, Expected, HOUSE, NO_CALENDARS, expected},
};

/// The account that everybody tries.
const ACCOUNT: &str = "support";
/// A message and an entry that are not there, and an account: of the same lengths as those that are.
const NOWHERE: (i64, &str) = (99_999, "zupport");

/// What everybody tries it with.
struct Objects {
    live: PlacementId,
    deleted: PlacementId,
    contact: ContactId,
    private: ContactId,
    outgoing: OutboxId,
}

impl Objects {
    /// As those that are there, and are not.
    const NOWHERE: Self = Self {
        live: PlacementId(NOWHERE.0),
        deleted: PlacementId(NOWHERE.0),
        contact: ContactId(NOWHERE.0),
        private: ContactId(NOWHERE.0),
        outgoing: OutboxId(NOWHERE.0),
    };

    /// A text with `ID` in the place of each.
    fn hide(&self, text: String) -> String {
        let ids = [
            self.live.to_string(),
            self.deleted.to_string(),
            self.contact.to_string(),
            self.private.to_string(),
        ];
        let is_part = |c: char| c.is_ascii_alphanumeric();
        let words = text.split_inclusive(|c| !is_part(c));
        let hidden = words.map(|word| {
            let (bare, rest) = word.split_at(word.trim_end_matches(|c| !is_part(c)).len());
            if ids.iter().any(|id| id == bare) { format!("ID{rest}") } else { word.to_owned() }
        });
        hidden.collect()
    }
}

fn house() -> (House, Objects) {
    let house = House::new(&HOUSE);
    house.account(ACCOUNT, Some("holder"));
    house.account("private", Some("stranger"));
    house.fill("private", 3);
    let mailbox = house.fill(ACCOUNT, 4);
    let objects = Objects {
        live: mailbox.live[0],
        deleted: mailbox.deleted,
        contact: house.contact("holder", &Visibility::All),
        private: house.contact("holder", &Visibility::Private),
        outgoing: mailbox.outgoing,
    };
    (house, objects)
}

/// Does it, with the shared mailbox or with what is not there.
fn attempt(
    service: &mut Service,
    caller: &Caller,
    doing: Doing,
    account: &str,
    objects: &Objects,
) -> Result<bool, Fault> {
    let (live, deleted) = (objects.live, objects.deleted);
    let listed = |service: &Service, filter: MailFilter| {
        service.mail(caller, &filter).map(|found| found.rows.iter().any(|row| row.account == account))
    };
    let filter = MailFilter { limit: 50, ..MailFilter::default() };
    match doing {
        Doing::Read => service.raw_message(caller, live).map(|_| true),
        Doing::ListNamed => listed(service, MailFilter { account: Some(account.to_owned()), ..filter }),
        Doing::Search => listed(service, MailFilter { query: WORD.into(), reach: Reach::Readable, ..filter }),
        Doing::BesideContact => listed(service, MailFilter { contact: Some(objects.contact), ..filter }),
        Doing::BesidePrivate => listed(service, MailFilter { contact: Some(objects.private), ..filter }),
        Doing::ListOwn => listed(service, filter),
        Doing::Folders => {
            service.folders(caller, None).map(|all| all.iter().any(|one| one.account == account))
        }
        Doing::Flag => {
            let edit = FlagEdit::parse(["+seen"]).unwrap();
            service.flag_mail(caller, &[live], &edit).map(|_| true)
        }
        Doing::Purge => service.purge_mail(caller, &[deleted]).map(|_| true),
        Doing::Send => {
            let parts = MailParts { to: vec!["anna@example.org".into()], ..MailParts::default() };
            service.queue_mail(caller, account, NewMail::Parts(Box::new(parts))).map(|_| true)
        }
        Doing::Outbox => {
            service.outbox(caller, None, true).map(|all| all.iter().any(|one| one.account == account))
        }
        Doing::Configure => service.set_account(caller, account, a_month()).map(|()| true),
        Doing::Introduce => service.set_account(caller, account, introduced()).map(|()| true),
        Doing::ChangeHost => service.add_provider(caller, "other", &provider()).map(|_| true),
        Doing::SeeAccount => Ok(service.accounts(caller).iter().any(|one| one.name == account)
            && service.account(caller, account).is_ok()),
        Doing::Audit => service.audit(caller, &AuditFilter::default()).map(|_| true),
        Doing::SeeCalendars => or_none(waited(service.calendars(caller, Some(account)))),
        Doing::RenameCalendar => {
            let which = CalendarName {
                account: account.to_owned(),
                kind: CollectionKind::Calendar,
                name: "Calendar".into(),
            };
            let change = CalendarChange { name: Some("Service".into()), comes_in: None };
            or_none(waited(service.edit_calendar(caller, &which, &change)))
        }
    }
}

fn waited<T>(doing: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(doing)
}

/// Whoever may is told that there are none.
fn or_none<T>(found: Result<T, Fault>) -> Result<bool, Fault> {
    match found {
        Err(fault) if fault.message().contains(NO_CALENDARS) => Ok(true),
        found => found.map(|_| true),
    }
}

fn a_month() -> AccountChanges {
    AccountChanges { period: Change::To("1M".parse().unwrap()), ..AccountChanges::default() }
}

fn introduced() -> AccountChanges {
    AccountChanges {
        alias: Change::To("Customer Service".into()),
        interval: Change::To(Duration::from_secs(90)),
        signature: Change::To("Customer Service\nweekdays 9 to 17\n".into()),
        ..AccountChanges::default()
    }
}

fn provider() -> ProviderDraft {
    let imap = ServerDraft { host: "imap.example.net".into(), port: None, security: Some(Security::Tls) };
    ProviderDraft { kind: Some(ProviderKind::Imap), imap: Some(imap), ..ProviderDraft::default() }
}

/// What became of it. What is absent answers exactly as what was never there.
fn outcome(house: &House, name: &str, by_uid: bool, doing: Doing, objects: &Objects) -> Expected {
    let mut service = house.service();
    let caller = caller(&service, name, by_uid);
    match attempt(&mut service, &caller, doing, ACCOUNT, objects) {
        Ok(true) => Expected::Done,
        Ok(false) => Expected::Absent,
        Err(fault) if fault.class == ErrorClass::NotPermitted => Expected::Refused,
        Err(fault) => {
            let other = attempt(&mut service, &caller, doing, NOWHERE.1, &Objects::NOWHERE).unwrap_err();
            let as_if = |text: &str| Objects::NOWHERE.hide(objects.hide(text.replace(NOWHERE.1, ACCOUNT)));
            let said =
                |fault: &Fault| as_if(&format!("{:?} {} {:?}", fault.class, fault.message(), fault.hint));
            assert_eq!(said(&fault), said(&other), "{name}, {doing:?}");
            Expected::Absent
        }
    }
}

fn holds(by_uid: bool) {
    for name in CALLERS {
        // A house for each: what one may do must not change what the next finds.
        let (house, objects) = house();
        for doing in DOINGS {
            let before = refusals(&house).len();
            let found = outcome(&house, name, by_uid, doing, &objects);
            assert_eq!(found, expected(name, doing), "{name}, {doing:?}, by uid: {by_uid}");
            let noted = refusals(&house).split_off(before);
            let is_listing = matches!(
                doing,
                Doing::Search
                    | Doing::BesideContact
                    | Doing::ListOwn
                    | Doing::Folders
                    | Doing::Outbox
                    | Doing::SeeAccount
            );
            let count = usize::from(found != Expected::Done && !is_listing);
            assert_eq!(noted.len(), count, "{name}, {doing:?}: {noted:?}");
            for (actor, user) in noted {
                let (by, of) = name.split_once(" for ").unwrap_or((name, name));
                assert_eq!((actor.as_str(), user.as_str()), (by, of), "{doing:?}");
            }
        }
        let verified = house.service().verify_audit(&house.service().owner()).unwrap();
        assert_eq!(verified.wrong, None, "{name}");
    }
}

/// Who was refused something, in whose name, the oldest first.
fn refusals(house: &House) -> Vec<(String, String)> {
    let filter = AuditFilter { limit: 10_000, ..AuditFilter::default() };
    let rows = house.store.reader().unwrap().audit(&filter).unwrap();
    let refused = rows.into_iter().rev().filter(|row| row.entry.outcome == Outcome::Refused);
    refused.map(|row| (row.entry.actor, row.entry.user)).collect()
}

#[test]
fn the_matrix_holds_for_callers_by_uid() {
    holds(true);
}

#[test]
fn the_matrix_holds_for_callers_by_name() {
    holds(false);
}

#[test]
fn a_changed_file_holds_for_the_next_call() {
    let (house, ids) = house();
    let ids = &ids;
    assert_eq!(outcome(&house, "stranger", true, Doing::Read, ids), Expected::Absent);
    house.write(
        "shared-mailboxes.d/support.toml",
        "account = \"support\"\n[[grant]]\nuser = \"stranger\"\nread = true\n",
    );
    assert_eq!(outcome(&house, "stranger", true, Doing::Read, ids), Expected::Done);
    assert_eq!(outcome(&house, "reader", true, Doing::Read, ids), Expected::Absent);
}

#[test]
fn an_unknown_uid_is_refused_and_noted() {
    let (house, _) = house();
    let service = house.service();
    assert_eq!(service.caller_of_uid(79_999).unwrap_err().class, ErrorClass::NotPermitted);
    assert_eq!(service.caller_of_user("nobody", "token crm").unwrap_err().class, ErrorClass::NotPermitted);
    let reader = caller(&service, "reader", true);
    assert_eq!(service.act_as(&reader, "holder").unwrap_err().class, ErrorClass::NotPermitted);
    let owner = service.owner();
    let rows = service.audit(&owner, &AuditFilter::default()).unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.entry.actor.as_str(), row.entry.user.as_str(), row.entry.what.as_str()))
        .collect();
    assert_eq!(
        said,
        [("reader", "holder", "act-as"), ("token crm", "nobody", "call"), ("uid 79999", "", "call")]
    );
}

#[test]
fn what_is_to_be_sent_is_there_for_senders_alone() {
    let (house, mailbox) = house();
    for (name, sees) in [("sender", true), ("holder", true), ("reader", false), ("administrator", false)] {
        let mut service = house.service();
        let caller = caller(&service, name, true);
        assert_eq!(service.entry(&caller, mailbox.outgoing).is_ok(), sees, "{name}");
        assert_eq!(service.outgoing_bytes(&caller, mailbox.outgoing).is_ok(), sees, "{name}");
        if !sees {
            let said = |id| service.entry(&caller, id).unwrap_err().message().replace(&id.to_string(), "ID");
            assert_eq!(said(mailbox.outgoing), said(OutboxId(NOWHERE.0)));
            assert!(service.drop_outgoing(&caller, mailbox.outgoing).is_err());
        }
    }
    let entry = house.service().entry(&house.service().owner(), mailbox.outgoing).unwrap();
    assert_eq!(entry.state, "queued");
}

#[test]
fn a_change_that_is_made_is_not_answered_as_an_error_where_a_file_has_become_wrong_meanwhile() {
    let (house, _) = house();
    let mut service = house.service();
    let holder = caller(&service, "holder", true);
    house.write("users.toml", "this is no TOML");
    service.set_account(&holder, ACCOUNT, a_month()).unwrap();
    let period = service.account(&holder, ACCOUNT).unwrap().period;
    assert_eq!(period.as_deref(), Some("1M"), "what was changed holds, by the files that were in force");
}

#[test]
fn whoever_configures_changes_what_is_theirs_to_change_and_nothing_else_of_it() {
    let (house, _) = house();
    let mut service = house.service();
    let (configurer, owner) = (caller(&service, "configurer", true), service.owner());
    let before = service.account(&owner, ACCOUNT).unwrap();
    service.set_account(&configurer, ACCOUNT, introduced()).unwrap();
    let after = service.account(&configurer, ACCOUNT).unwrap();
    let said = [&after.alias, &after.interval, &after.signature].map(Option::as_deref);
    let signature = "Customer Service\nweekdays 9 to 17\n";
    assert_eq!(said, [Some("Customer Service"), Some("90s"), Some(signature)]);
    let (alias, interval, signature) = (None, Some("5m".to_owned()), None);
    let reset = AccountChanges {
        alias: Change::Reset,
        interval: Change::Reset,
        signature: Change::Reset,
        ..AccountChanges::default()
    };
    assert_eq!(AccountView { alias, interval, signature, ..after }, before, "nothing else is another");
    service.set_account(&configurer, ACCOUNT, reset).unwrap();
    assert_eq!(service.account(&owner, ACCOUNT).unwrap(), before, "and there is a way back");

    for (changes, key) in [
        (AccountChanges { alias: Change::To("a\nb".into()), ..AccountChanges::default() }, "mail.alias"),
        (
            AccountChanges { interval: Change::To(Duration::ZERO), ..AccountChanges::default() },
            "sync.interval",
        ),
        (
            AccountChanges { signature: Change::To("\u{1b}[2J".into()), ..AccountChanges::default() },
            "mail.signature",
        ),
    ] {
        let fault = service.set_account(&configurer, ACCOUNT, changes).unwrap_err();
        assert_eq!(fault.class, ErrorClass::Config);
        assert!(fault.message().contains(key), "{fault}");
    }
    assert_eq!(service.account(&owner, ACCOUNT).unwrap(), before);
}

/// A disk that has so much room.
struct Small(u64);

impl Disk for Small {
    fn room(&self, _dir: &Path) -> io::Result<Room> {
        Ok(Room { free: self.0, size: 10 << 30 })
    }
}

#[test]
fn what_senders_write_does_not_use_up_the_room_that_is_kept_for_outcomes() {
    let (house, _) = house();
    let letter = |octets| {
        let text = Some("x".repeat(octets));
        NewMail::Parts(Box::new(MailParts {
            to: vec!["anna@example.org".into()],
            text,
            ..MailParts::default()
        }))
    };
    let disk = Arc::new(Small((34 << 20) + house.store.log_octets()));
    let mut service = house.service_in(World { disk, ..World::real() });
    let sender = caller(&service, "sender", true);
    service.queue_mail(&sender, ACCOUNT, letter(1_000)).unwrap();
    let said = [
        service.queue_mail(&sender, ACCOUNT, letter(2 << 20)).map(drop),
        service.draft_mail(&sender, ACCOUNT, letter(2 << 20)).map(drop),
    ];
    let actions = ["send from account support", "keep a draft in account support"];
    for (said, action) in said.into_iter().zip(actions) {
        let fault = said.unwrap_err();
        assert_eq!((fault.class, fault.action.as_str()), (ErrorClass::Transient, action));
        assert!(fault.message().contains("the disk is nearly full"), "{fault}");
    }
    assert_eq!(service.outbox(&sender, None, true).unwrap().len(), 2, "the small one, and one from before");
}

#[test]
fn a_token_is_made_and_taken_back_in_ones_own_name_and_another_has_one_of_who_may_act_as_them() {
    let (house, _) = house();
    let both = "[[grant]]\nuser = \"holder\"\noperations = [\"administer\", \"act-as\"]\n";
    house.write("users.toml", &format!("{}{both}", HOUSE[0].1));
    let table = [
        ("reader", None, true),
        ("reader", Some("sender"), false),
        ("administrator", Some("sender"), false),
        ("deputy", Some("sender"), false),
        ("deputy for sender", None, false),
        ("deputy for administrator", None, false),
        ("owner for sender", None, false),
        ("holder", Some("sender"), true),
        ("holder", Some("u-owner"), false),
        ("owner", Some("sender"), true),
    ];
    for (number, (name, user, is_made)) in table.into_iter().enumerate() {
        let mut service = house.service();
        let caller = caller(&service, name, true);
        let before = refusals(&house).len();
        let made = service.create_api_token(&caller, &format!("token{number}"), user, 1);
        let class = made.err().map(|fault| fault.class);
        assert_eq!(class, (!is_made).then_some(ErrorClass::NotPermitted), "{name} for {user:?}");
        assert_eq!(refusals(&house).len() - before, usize::from(!is_made), "{name} for {user:?}");
    }
    let mut service = house.service();
    for (name, is_gone) in [("deputy for reader", false), ("owner for reader", false), ("reader", true)] {
        let caller = caller(&service, name, true);
        assert_eq!(service.revoke_api_token(&caller, "token0").is_ok(), is_gone, "{name}");
    }
}
