//! A home with several users and accounts, their servers, and the hands on both sides.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use postrider::{
    config::{ItemServer, ProviderKind},
    service::{
        ActivityChanges, ActivityQuery, Environment, Extent, NewActivity, RunRequest, Service, WhenChange,
    },
    sync::Silent,
    world::{EndlessDisk, ItemServers, NoLoopback, NoUnixUsers, World},
};
use postrider_fake::{
    FakeDialer,
    groupware::{Groupware, Habits, SetClock, Somebody},
};
use postrider_formats::icalendar::Item;
use postrider_model::{
    AccountReport, AccountStatus, Activity, ActivityId, ActivityKind, CollectionKind, Entropy, Fault,
    ItemKey, Moment, Own, Participant, ParticipantRole, Person, Response, Timestamp,
};
use postrider_remote::{CalendarRemote, ContactRemote, RemoteActivity};

use crate::life::{Life, MortalCalendars, MortalContacts, MortalThreads};

/// 2026-03-02T08:00:00Z.
const START: Timestamp = Timestamp::from_seconds(1_772_438_400);
/// So many runs bring everything everywhere.
const RUNS: usize = 6;

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
    of_address: BTreeMap<String, Groupware>,
    life: Arc<Life>,
}

impl ItemServers for Servers {
    fn kinds(&self) -> &[ProviderKind] {
        &[ProviderKind::Google, ProviderKind::Exchange]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault> {
        let inner = Box::new(self.of_address[&server.address].contacts(&server.address));
        Ok(Box::new(MortalContacts { inner, life: self.life.clone() }))
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault> {
        let inner = Box::new(self.of_address[&server.address].calendars(&server.address));
        Ok(Box::new(MortalCalendars { inner, life: self.life.clone() }))
    }
}

/// A server, as Google's or as Exchange's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Google,
    Exchange,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Exchange => "exchange",
        }
    }

    pub fn habits(self) -> Habits {
        match self {
            Self::Google => Habits::google(),
            Self::Exchange => Habits::exchange(),
        }
    }
}

/// How a run of one account went.
pub struct Ran {
    pub report: AccountReport,
    /// Transactions that changed something, but for the run's own row.
    pub commits: u64,
}

impl Ran {
    /// Pulled, pushed, deleted.
    pub fn counts(&self) -> [u64; 3] {
        let counts = self.report.activities.unwrap_or_default();
        [counts.pulled, counts.pushed, counts.deleted]
    }
}

pub struct Town {
    home: tempfile::TempDir,
    pub clock: SetClock,
    entropy: Arc<Counted>,
    servers: BTreeMap<&'static str, Groupware>,
    of_address: BTreeMap<String, Groupware>,
    accounts: Vec<String>,
}

impl Town {
    /// Users, each with an address of their own.
    pub fn new(users: &[&str]) -> Self {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let town = Self {
            home: tempfile::Builder::new().prefix("postrider-meetings-").tempdir_in(base).unwrap(),
            clock: SetClock::at(START),
            entropy: Arc::default(),
            servers: BTreeMap::new(),
            of_address: BTreeMap::new(),
            accounts: Vec::new(),
        };
        for name in ["config/accounts.d", "config/providers.d"] {
            let path = town.home.path().join(name);
            DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
        }
        let store = town.home.path().join("store").display().to_string();
        town.write(
            "postrider.toml",
            &format!(
                "[store]\npath = {store:?}\n[activities]\ntime_zone = \"Europe/Berlin\"\nreminders = []\n"
            ),
        );
        let user = |name: &&str| {
            format!(
                "[[user]]\nname = \"{name}\"\nunix_user = \"{name}\"\naddresses = [\"{name}@example.org\"]\n"
            )
        };
        town.write("users.toml", &users.iter().map(user).collect::<String>());
        town
    }

    /// Users with one account each on one server.
    pub fn on_one(kind: Kind, users: &[&str]) -> Self {
        let mut town = Self::new(users);
        for user in users {
            town.account(user, user, &format!("{user}@example.org"), kind, "");
        }
        town
    }

    /// One account on the server of that kind.
    pub fn account(&mut self, name: &str, user: &str, address: &str, kind: Kind, activities: &str) {
        let provider = kind.name();
        let server = self
            .servers
            .entry(provider)
            .or_insert_with(|| Groupware::new(kind.habits(), Arc::new(self.clock.clone())));
        server.add_account(address);
        self.of_address.insert(address.to_owned(), server.clone());
        let text = match kind {
            Kind::Google => "auth = \"basic\"\n[imap]\nhost = \"imap.example.com\"\n",
            Kind::Exchange => "server = \"mail.example.com\"\n",
        };
        self.write(&format!("providers.d/{provider}.toml"), &format!("type = \"{provider}\"\n{text}"));
        self.accounts.push(name.to_owned());
        self.configure(name, user, address, kind, activities);
    }

    /// Writes an account anew.
    pub fn configure(&self, name: &str, user: &str, address: &str, kind: Kind, activities: &str) {
        let provider = kind.name();
        let text = format!(
            "user = \"{user}\"\naddress = \"{address}\"\nprovider = \"{provider}\"\n[mail]\nload = false\nsend = false\n[activities]\n{activities}"
        );
        self.write(&format!("accounts.d/{name}.toml"), &text);
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
            items: Arc::new(Servers { of_address: self.of_address.clone(), life: life.clone() }),
        }
    }

    fn service_in(&self, life: &Arc<Life>) -> Service {
        let environment = Environment {
            config_dir: self.home.path().join("config"),
            default_store: self.home.path().join("store"),
            default_socket: self.home.path().join("store/api.sock"),
            home: None,
            path: String::new(),
            credentials: None,
            uid: fs::metadata(self.home.path()).unwrap().uid(),
            time_zone: None,
            user: "keeper".to_owned(),
            machine_id: Some("a machine".to_owned()),
        };
        Service::open(self.world(life), environment).unwrap()
    }

    /// The program between two runs, for a person's commands. A moment passes with each.
    pub fn service(&self) -> Service {
        self.clock.pass(1_000);
        self.service_in(&Life::new(None))
    }

    /// One run of that account; `None` where it died.
    pub fn live(&self, account: &str, life: &Arc<Life>) -> Option<AccountReport> {
        self.clock.pass(1_000);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut service = self.service_in(life);
            let caller = service.owner();
            let request =
                RunRequest { accounts: vec![account.to_owned()], activities: true, ..RunRequest::default() };
            let run = service.sync_now(&caller, &request, Arc::new(Silent));
            let outcome = tokio::select! {
                biased;
                () = life.over() => return None,
                outcome = run => outcome,
            };
            (!life.is_dead()).then(|| outcome.unwrap().report.accounts.into_iter().next())?
        })
    }

    /// One run, whatever comes of it.
    pub fn try_run(&self, account: &str) -> Ran {
        let life = Life::new(None);
        let report = self.live(account, &life).unwrap();
        Ran { report, commits: life.commits().saturating_sub(1) }
    }

    /// One run in which nothing fails and nothing waits.
    pub fn run(&self, account: &str) -> Ran {
        let ran = self.try_run(account);
        let told = format!("{account}: {:?} {:?}", ran.report.error, ran.report.warnings);
        assert_eq!(ran.report.status, AccountStatus::Ok, "{told}");
        self.is_lawful();
        ran
    }

    /// Runs of all accounts, one after another, until nothing is left to do; and then nothing is written on either side.
    pub fn settle(&self) {
        for _ in 0..RUNS {
            let still: Vec<bool> = self
                .accounts
                .iter()
                .map(|name| {
                    let ran = self.run(name);
                    (ran.counts(), ran.commits) == ([0, 0, 0], 0)
                })
                .collect();
            if still.iter().all(|still| *still) {
                self.is_still();
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// A run of each account that is still: nothing is written on either side.
    pub fn is_still(&self) {
        for name in &self.accounts {
            self.servers.values().for_each(|server| drop(server.take_steps()));
            let ran = self.run(name);
            assert_eq!((ran.counts(), ran.commits), ([0, 0, 0], 0), "{name}: {:?}", ran.report.warnings);
            for server in self.servers.values() {
                let written: Vec<_> =
                    server.take_steps().into_iter().filter(|step| step.name.contains("apply")).collect();
                assert!(written.is_empty(), "{written:?}");
            }
        }
    }

    pub fn is_lawful(&self) {
        for server in self.servers.values() {
            assert_eq!(server.violations(), Vec::<String>::new());
        }
    }

    /// How many were mailed by servers since the beginning.
    pub fn mailed(&self) -> usize {
        self.servers.values().map(|server| server.sent_mail().len()).sum()
    }

    pub fn server(&self, kind: Kind) -> &Groupware {
        &self.servers[kind.name()]
    }

    // What people do here.

    /// Makes an appointment on that day at ten, for an hour.
    pub fn make(&self, user: &str, title: &str, day: &str, guests: &[&str]) -> ActivityId {
        self.make_with(user, title, day, guests, None)
    }

    pub fn make_with(
        &self,
        user: &str,
        title: &str,
        day: &str,
        guests: &[&str],
        rule: Option<&str>,
    ) -> ActivityId {
        let fields = meeting(title, day, guests, rule);
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer: None };
        service.add_activity(&caller, &new).unwrap()
    }

    pub fn try_edit(
        &self,
        user: &str,
        id: ActivityId,
        extent: Extent,
        changes: ActivityChanges,
    ) -> Result<ActivityId, Fault> {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.edit_activity(&caller, id, &extent, &changes, None)
    }

    pub fn edit(&self, user: &str, id: ActivityId, changes: ActivityChanges) {
        self.try_edit(user, id, Extent::Whole, changes).unwrap();
    }

    pub fn title(&self, user: &str, id: ActivityId, title: &str) {
        self.edit(user, id, ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() });
    }

    pub fn title_one(&self, user: &str, id: ActivityId, day: &str, title: &str) -> ActivityId {
        let changes = ActivityChanges { title: Some(title.to_owned()), ..ActivityChanges::default() };
        self.try_edit(user, id, Extent::One(day.to_owned()), changes).unwrap()
    }

    pub fn move_to(&self, user: &str, id: ActivityId, extent: Extent, start: &str) -> ActivityId {
        let when = WhenChange { start: Some(start.to_owned()), ..WhenChange::default() };
        self.try_edit(user, id, extent, ActivityChanges { when, ..ActivityChanges::default() }).unwrap()
    }

    pub fn cancel(&self, user: &str, id: ActivityId, extent: Extent) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.cancel_activity(&caller, id, &extent).unwrap()
    }

    pub fn respond(&self, user: &str, id: ActivityId, extent: Extent, response: Response) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.respond(&caller, id, &extent, response).unwrap()
    }

    // The same, of which others are to hear.

    pub fn make_telling(&self, user: &str, title: &str, day: &str, guests: &[&str]) -> ActivityId {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let fields = meeting(title, day, guests, None);
        let new = NewActivity { kind: ActivityKind::Appointment, fields, organizer: None };
        service.add_activity_and_tell(&caller, &new).unwrap()
    }

    pub fn edit_telling(&self, user: &str, id: ActivityId, changes: ActivityChanges) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.edit_activity_and_tell(&caller, id, &Extent::Whole, &changes, None).unwrap();
    }

    pub fn cancel_telling(&self, user: &str, id: ActivityId) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.cancel_activity_and_tell(&caller, id, &Extent::Whole).unwrap();
    }

    pub fn respond_telling(&self, user: &str, id: ActivityId, response: Response) {
        let mut service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.respond_and_mail(&caller, id, &Extent::Whole, response).unwrap();
    }

    pub fn allow(&self, plan: &str) {
        let mut service = self.service();
        let caller = service.owner();
        service.allow(&caller, plan).unwrap();
    }

    /// What an activity says here.
    pub fn says(&self, id: ActivityId) -> Activity {
        let service = self.service();
        let found = service.activity(&service.owner(), id).unwrap();
        Item::read(found.stored.doc.text.as_bytes()).unwrap().activity()
    }

    pub fn is_deleted(&self, id: ActivityId) -> bool {
        let service = self.service();
        service.activity(&service.owner(), id).unwrap().stored.record.deleted.is_some()
    }

    pub fn stand_in(&self, id: ActivityId) -> Option<String> {
        let service = self.service();
        service.activity(&service.owner(), id).unwrap().stored.stand_in
    }

    /// What a user has of it for themselves.
    pub fn own(&self, user: &str, id: ActivityId) -> Own {
        let service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        service.activity(&caller, id).unwrap().own
    }

    /// What a user sees, by title.
    pub fn here(&self, user: &str) -> Vec<(String, ActivityId)> {
        let service = self.service();
        let caller = service.caller_of_user(user, user).unwrap();
        let query = ActivityQuery { limit: 1_000, ..ActivityQuery::default() };
        let found = service.activities(&caller, &query).unwrap().activities;
        found.into_iter().map(|one| (one.title, one.id)).collect()
    }

    pub fn id_of(&self, user: &str, title: &str) -> ActivityId {
        let here = self.here(user);
        here.iter().find(|one| one.0 == title).unwrap_or_else(|| panic!("{title} is not among {here:?}")).1
    }

    /// How many activities there are here at all; the times of a series are none.
    pub fn count(&self) -> usize {
        let service = self.service();
        let query = ActivityQuery { limit: 1_000, ..ActivityQuery::default() };
        let found = service.activities(&service.owner(), &query).unwrap().activities;
        let series = found.iter().map(|one| service.activity(&service.owner(), one.id).unwrap().stored);
        series.map(|one| one.master.unwrap_or(one.id)).collect::<BTreeSet<_>>().len()
    }

    // What somebody does there.

    pub fn there(&self, address: &str) -> Somebody {
        self.of_address[address].somebody(address)
    }

    pub fn titles(&self, address: &str) -> Vec<String> {
        let mut titles: Vec<_> =
            self.there(address).activities().into_iter().map(|one| one.activity.content.title).collect();
        titles.sort();
        titles
    }

    pub fn item(&self, address: &str, title: &str) -> RemoteActivity {
        let all = self.there(address).activities();
        all.iter()
            .find(|one| one.activity.content.title == title)
            .unwrap_or_else(|| panic!("no {title} among {:?}", self.titles(address)))
            .clone()
    }

    pub fn add_there(&self, address: &str, activity: &Activity) -> ItemKey {
        self.clock.pass(1_000);
        let there = self.there(address);
        let kind = match activity.kind {
            ActivityKind::Appointment => CollectionKind::Calendar,
            ActivityKind::Task => CollectionKind::TaskList,
        };
        let calendar = there.own_collection(kind).unwrap();
        there.add_activity(&calendar, activity, &Own::default(), true).unwrap()
    }

    pub fn edit_there(&self, address: &str, title: &str, change: impl FnOnce(&mut Activity)) {
        self.clock.pass(1_000);
        let key = self.item(address, title).key;
        self.there(address).change_activity(&key, None, change, true).unwrap();
    }

    pub fn delete_there(&self, address: &str, title: &str) {
        self.clock.pass(1_000);
        let key = self.item(address, title).key;
        self.there(address).delete_activity(&key, None).unwrap();
    }
}

/// An appointment on that day at ten, for an hour.
fn meeting(title: &str, day: &str, guests: &[&str], rule: Option<&str>) -> ActivityChanges {
    ActivityChanges {
        title: Some(title.to_owned()),
        when: WhenChange {
            start: Some(format!("{day} 10:00")),
            end: Some(format!("{day} 11:00")),
            rules: rule.map(|rule| vec![rule.to_owned()]),
            ..WhenChange::default()
        },
        participants: (!guests.is_empty()).then(|| guests.iter().map(|guest| asked(guest)).collect()),
        ..ActivityChanges::default()
    }
}

fn asked(email: &str) -> (Person, ParticipantRole) {
    (Person { email: email.to_owned(), name: None }, ParticipantRole::Required)
}

pub fn at(day: u32, hour: u32) -> Moment {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    Moment::At { local: day.and_hms_opt(hour, 0, 0).unwrap(), zone: Some("Europe/Berlin".to_owned()) }
}

/// An appointment on that day of March at ten, for an hour.
pub fn appointment(uid: &str, title: &str, day: u32, organizer: Option<&str>, guests: &[&str]) -> Activity {
    let mut one = Activity::new(ActivityKind::Appointment, uid);
    one.content.title = title.to_owned();
    (one.timing.start, one.timing.end) = (Some(at(day, 10)), Some(at(day, 11)));
    one.people.organizer = organizer.map(|email| Person { email: email.to_owned(), name: None });
    for guest in guests {
        let person = Person { email: (*guest).to_owned(), name: None };
        one.people.participants.push(Participant { person, ..Participant::default() });
    }
    one
}
