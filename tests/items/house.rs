//! A home with one account, its server, and the hands on both sides.

use std::{
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use postrider::{
    config::{ItemServer, ProviderKind},
    daemon::keep,
    service::{
        ContactChanges, ContactQuery, Environment, LabelName, Labelled, NewContact, RunRequest, Service,
    },
    sync::{Observer, Plan, Silent},
    world::{EndlessDisk, ItemServers, NoLoopback, NoUnixUsers, World},
};
use postrider_fake::{
    FakeDialer,
    groupware::{Groupware, Habits, SetClock, Somebody},
};
use postrider_model::{
    AccountReport, AccountStatus, CollectionKey, CollectionKind, Contact, ContactId, Entropy, Fault,
    LabelKind, LabelScope, PersonName, Point, Timestamp,
};
use postrider_remote::{CalendarRemote, ContactRemote, RemoteContact};
use postrider_store::{Options, Store};

use crate::life::{Life, MortalCalendars, MortalContacts, MortalThreads};

pub const USER: &str = "anna@example.com";
/// The tag by which contacts are kept in step.
pub const TAG: &str = "sync";
/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_772_438_400);

/// Chance that is none.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, buffer: &mut [u8]) {
        let nth = self.0.fetch_add(1, Relaxed) + 1;
        let octets = nth.to_be_bytes();
        for (at, octet) in buffer.iter_mut().rev().enumerate() {
            *octet = octets.iter().rev().nth(at % 8).copied().unwrap_or(0);
        }
    }
}

struct Servers {
    server: Groupware,
    life: Arc<Life>,
}

impl ItemServers for Servers {
    fn kinds(&self) -> &[ProviderKind] {
        &[ProviderKind::Google, ProviderKind::Exchange]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault> {
        let inner = Box::new(self.server.contacts(&server.address));
        Ok(Box::new(MortalContacts { inner, life: self.life.clone() }))
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault> {
        let inner = Box::new(self.server.calendars(&server.address));
        Ok(Box::new(MortalCalendars { inner, life: self.life.clone() }))
    }
}

/// A contact as one is told of in one line.
pub fn person(given: &str, family: &str) -> Contact {
    Contact {
        display_name: format!("{given} {family}"),
        name: PersonName { given: given.to_owned(), family: family.to_owned(), ..PersonName::default() },
        emails: vec![Point { value: format!("{}@example.org", given.to_lowercase()), ..Point::default() }],
        ..Contact::default()
    }
}

/// How a run went.
pub struct Ran {
    pub report: AccountReport,
    /// Transactions that changed something, but for the run's own row.
    pub commits: u64,
}

impl Ran {
    /// Pulled, pushed, unlinked.
    pub fn counts(&self) -> [u64; 3] {
        let counts = self.report.contacts.unwrap_or_default();
        [counts.pulled, counts.pushed, counts.unlinked]
    }
}

pub struct House {
    home: tempfile::TempDir,
    clock: SetClock,
    entropy: Arc<Counted>,
    lag_ms: u64,
    pub server: Groupware,
    pub there: Somebody,
}

impl House {
    pub fn google() -> Self {
        let contacts = format!("tag = \"{TAG}\"\n");
        Self::new("google", Habits::google(), &contacts)
    }

    pub fn exchange(contacts: &str) -> Self {
        Self::new("exchange", Habits::exchange(), contacts)
    }

    pub fn new(kind: &str, habits: Habits, contacts: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let home = tempfile::Builder::new().prefix("postrider-items-").tempdir_in(base).unwrap();
        let clock = SetClock::at(START);
        let lag_ms = habits.contacts_lag_ms;
        let server = Groupware::new(habits, Arc::new(clock.clone()));
        let there = server.add_account(USER);
        let house = Self { home, clock, entropy: Arc::default(), lag_ms, server, there };
        for name in ["config/accounts.d", "config/providers.d"] {
            let path = house.home.path().join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
        }
        let store = house.home.path().join("store").display().to_string();
        house.write("postrider.toml", &format!("[store]\npath = {store:?}\n"));
        let server = match kind {
            "exchange" => "server = \"mail.example.com\"\n",
            _ => "auth = \"basic\"\n[imap]\nhost = \"imap.example.com\"\n",
        };
        house.write("providers.d/there.toml", &format!("type = \"{kind}\"\n{server}"));
        house.configure(contacts);
        house
    }

    /// Declares users, of whom one is the account's.
    pub fn declare(&self, users: &str, user: &str) {
        self.write("users.toml", users);
        self.write_account(&format!("user = \"{user}\"\n"), "");
    }

    /// Writes `[contacts]` of the account anew.
    pub fn configure(&self, contacts: &str) {
        self.write_account("", contacts);
    }

    fn write_account(&self, user: &str, contacts: &str) {
        let text = format!(
            "{user}address = \"{USER}\"\nprovider = \"there\"\n[mail]\nload = false\nsend = false\n[contacts]\n{contacts}"
        );
        self.write("accounts.d/work.toml", &text);
    }

    /// Has the account added by command, with these tables, in the place of its file.
    pub fn store_account(&self, tables: &str) {
        fs::remove_file(self.home.path().join("config/accounts.d/work.toml")).unwrap();
        let text = format!(
            "address = \"{USER}\"\nprovider = \"there\"\n[mail]\nload = false\nsend = false\n{tables}"
        );
        let options = Options::new(self.home.path().join("store"), [7; 16], START);
        let options = Options { machine_id: Some("a machine".to_owned()), ..options };
        let store = Store::open(&options).unwrap();
        let added = store.writer().unwrap().transaction(|tx| tx.add_stored_account("work", &text, false));
        assert!(added.unwrap(), "it is new");
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join("config").join(name);
        let mut open = fs::OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn world(&self, life: &Arc<Life>) -> World {
        World {
            clock: Arc::new(self.clock.clone()),
            entropy: self.entropy.clone(),
            dialer: Arc::new(FakeDialer::new()),
            loopback: Arc::new(NoLoopback),
            disk: Arc::new(EndlessDisk),
            threads: Arc::new(MortalThreads(life.clone())),
            unix_users: Arc::new(NoUnixUsers),
            items: Arc::new(Servers { server: self.server.clone(), life: life.clone() }),
        }
    }

    fn service_in(&self, life: &Arc<Life>) -> Service {
        Service::open(self.world(life), self.environment()).unwrap()
    }

    /// The daemon, for so long.
    pub fn follow(&self, observer: Arc<dyn Observer>, lasting: Duration) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let until = tokio::time::sleep;
        runtime.block_on(async {
            keep(self.world(&Life::new(None)), self.environment(), observer, until(lasting)).await.unwrap();
        });
    }

    fn environment(&self) -> Environment {
        Environment {
            config_dir: self.home.path().join("config"),
            default_store: self.home.path().join("store"),
            default_socket: self.home.path().join("store/api.sock"),
            home: None,
            path: String::new(),
            credentials: None,
            uid: fs::metadata(self.home.path()).unwrap().uid(),
            time_zone: None,
            user: "anna".to_owned(),
            machine_id: Some("a machine".to_owned()),
        }
    }

    /// The program between two runs, for a person's commands. A moment passes with each.
    pub fn service(&self) -> Service {
        self.clock.pass(1_000);
        self.service_in(&Life::new(None))
    }

    /// A moment that is long enough for listings to show what was written.
    pub fn wait(&self) {
        self.clock.pass(self.lag_ms + 1_000);
    }

    /// So much time.
    pub fn pass(&self, millis: u64) {
        self.clock.pass(millis);
    }

    /// One run; `None` where it died.
    pub fn live(&self, request: &RunRequest, life: &Arc<Life>) -> Option<(AccountReport, Plan)> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut service = self.service_in(life);
            let caller = service.owner();
            let run = service.sync_now(&caller, request, Arc::new(Silent));
            let outcome = tokio::select! {
                biased;
                () = life.over() => return None,
                outcome = run => outcome,
            };
            if life.is_dead() {
                return None;
            }
            let outcome = outcome.unwrap();
            Some((outcome.report.accounts.into_iter().next()?, outcome.plans.into_iter().next()?))
        })
    }

    /// One run, whatever comes of it, once listings show all that was written.
    pub fn try_run(&self) -> Ran {
        self.wait();
        self.run_now()
    }

    /// One run at once.
    pub fn run_now(&self) -> Ran {
        let life = Life::new(None);
        let request = RunRequest { contacts: true, ..RunRequest::default() };
        let (report, _) = self.live(&request, &life).unwrap();
        // The run's row for `status`, which every run writes.
        Ran { report, commits: life.commits().saturating_sub(1) }
    }

    /// One run in which nothing fails and nothing waits.
    pub fn run(&self) -> Ran {
        let ran = self.try_run();
        let told = format!("{:?} {:?}", ran.report.error, ran.report.warnings);
        assert_eq!(ran.report.status, AccountStatus::Ok, "{told}");
        self.is_lawful();
        ran
    }

    /// What would be done.
    pub fn foresee(&self) -> Plan {
        self.wait();
        let request = RunRequest { contacts: true, dry_run: true, ..RunRequest::default() };
        let life = Life::new(None);
        let (_, plan) = self.live(&request, &life).unwrap();
        assert_eq!(life.commits(), 0, "a dry run writes nothing");
        plan
    }

    /// A run that is still: nothing is written on either side, and nobody is mailed.
    pub fn is_still(&self) {
        self.server.take_steps();
        let ran = self.run();
        let steps = self.server.take_steps();
        let written: Vec<_> =
            steps.iter().filter(|step| step.name.contains("apply") || step.name.contains("make")).collect();
        assert_eq!((ran.counts(), ran.commits), ([0, 0, 0], 0), "{:?}", ran.report.warnings);
        assert!(written.is_empty(), "{written:?}");
        assert!(steps.len() <= 6, "{steps:?}");
    }

    pub fn is_lawful(&self) {
        assert_eq!(self.server.violations(), Vec::<String>::new());
        assert_eq!(self.server.sent_mail().len(), 0, "nobody is mailed of a contact");
    }

    /// What no command does to the store.
    pub fn meddle<T>(
        &self,
        act: impl FnOnce(&mut postrider_store::Tx<'_>) -> Result<T, postrider_store::StoreError>,
    ) -> T {
        let options = postrider_store::Options::new(self.home.path().join("store"), [1; 16], START);
        let options = postrider_store::Options { machine_id: Some("a machine".to_owned()), ..options };
        let store = postrider_store::Store::open_existing(&options).unwrap().unwrap();
        store.writer().unwrap().transaction(act).unwrap()
    }

    /// Takes the account away, as one that was added by command.
    pub fn remove_account(&self) {
        let file = self.home.path().join("config/accounts.d/work.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        self.meddle(|tx| tx.add_stored_account("work", &text, false));
        let mut service = self.service();
        let caller = service.owner();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(service.remove_account(&caller, "work")).unwrap();
    }

    // What a person does here.

    pub fn add(&self, contact: &Contact) -> ContactId {
        let fields = ContactChanges {
            display_name: Some(contact.display_name.clone()),
            given: Some(contact.name.given.clone()),
            family: Some(contact.name.family.clone()),
            emails: Some(contact.emails.clone()),
            phones: Some(contact.phones.clone()),
            role: contact.role.clone(),
            organization: Some(contact.organization.name.clone()),
            ..ContactChanges::default()
        };
        let mut service = self.service();
        let caller = service.owner();
        service.add_contact(&caller, &NewContact { fields }).unwrap()
    }

    pub fn edit(&self, id: ContactId, changes: ContactChanges) {
        let mut service = self.service();
        let caller = service.owner();
        service.edit_contact(&caller, id, &changes, None).unwrap();
    }

    pub fn title(&self, id: ContactId, title: &str) {
        self.edit(id, ContactChanges { job_title: Some(title.to_owned()), ..ContactChanges::default() });
    }

    pub fn label(&self, id: ContactId, kind: LabelKind, name: &str, scope: LabelScope, on: bool) {
        let mut service = self.service();
        let caller = service.owner();
        let label = LabelName { kind, name, scope: Some(scope) };
        if kind == LabelKind::Contacts {
            // It may be there already.
            let _ = service.add_label(&caller, label);
        }
        service.label_records(&caller, &[Labelled::Contact(id)], label, on).unwrap();
    }

    pub fn tag(&self, id: ContactId, on: bool) {
        self.label(id, LabelKind::Tag, TAG, LabelScope::Personal, on);
    }

    pub fn add_tagged(&self, given: &str, family: &str) -> ContactId {
        let id = self.add(&person(given, family));
        self.tag(id, true);
        id
    }

    pub fn delete(&self, id: ContactId) {
        let mut service = self.service();
        let caller = service.owner();
        service.delete_contacts(&caller, &[id]).unwrap();
    }

    pub fn allow(&self, plan: &str) {
        let mut service = self.service();
        let caller = service.owner();
        service.allow(&caller, plan).unwrap();
    }

    /// What a contact says here.
    pub fn contact(&self, id: ContactId) -> Contact {
        let service = self.service();
        let stored = service.contact(&service.owner(), id).unwrap();
        postrider_formats::vcard::Card::read(stored.doc.card.as_bytes()).unwrap().contact()
    }

    pub fn is_deleted(&self, id: ContactId) -> bool {
        let service = self.service();
        service.contact(&service.owner(), id).unwrap().record.deleted.is_some()
    }

    pub fn has_tag(&self, id: ContactId) -> bool {
        let service = self.service();
        let labels = service.contact(&service.owner(), id).unwrap().labels;
        labels.iter().any(|label| label.kind == LabelKind::Tag && label.name == TAG)
    }

    /// The contacts that are here, by name.
    pub fn here(&self) -> Vec<(String, ContactId)> {
        let service = self.service();
        let query = ContactQuery { limit: 1_000, ..ContactQuery::default() };
        let rows = service.contacts(&service.owner(), &query).unwrap();
        rows.into_iter().map(|row| (row.name, row.id)).collect()
    }

    pub fn id_of(&self, name: &str) -> ContactId {
        let here = self.here();
        here.iter().find(|one| one.0 == name).unwrap_or_else(|| panic!("{name} is not among {here:?}")).1
    }

    // What somebody does there.

    pub fn group(&self) -> CollectionKey {
        self.book("Postrider")
    }

    pub fn book(&self, name: &str) -> CollectionKey {
        self.there.collection(CollectionKind::AddressBook, name).unwrap()
    }

    /// The account's own address book, or the group that all of its contacts are in.
    pub fn own(&self) -> CollectionKey {
        self.there.own_collection(CollectionKind::AddressBook).unwrap()
    }

    pub fn members(&self, book: &CollectionKey) -> Vec<String> {
        let mut names: Vec<_> =
            self.there.contacts(book).into_iter().map(|one| one.contact.display_name).collect();
        names.sort();
        names
    }

    pub fn item(&self, book: &CollectionKey, name: &str) -> RemoteContact {
        let all = self.there.contacts(book);
        all.into_iter()
            .find(|one| one.contact.display_name == name)
            .unwrap_or_else(|| panic!("no {name} there"))
    }

    pub fn add_there(&self, book: &CollectionKey, contact: &Contact) {
        self.clock.pass(1_000);
        self.there.add_contact(book, contact).unwrap();
    }

    pub fn edit_there(&self, book: &CollectionKey, name: &str, change: impl FnOnce(&mut Contact)) {
        self.clock.pass(1_000);
        let key = self.item(book, name).key;
        self.there.change_contact(book, &key, change).unwrap();
    }

    pub fn delete_there(&self, book: &CollectionKey, name: &str) {
        self.clock.pass(1_000);
        let key = self.item(book, name).key;
        self.there.delete_contact(book, &key).unwrap();
    }

    pub fn leave_there(&self, book: &CollectionKey, name: &str) {
        self.clock.pass(1_000);
        let key = self.item(book, name).key;
        self.there.leave(book, &key).unwrap();
    }
}
