//! What a run of activities is told of its account and of all others.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use postrider_reconcile::Selection;
use postrider_remote::{CalendarRemote, ContactRemote};

use super::*;
use crate::{
    config::ItemServer,
    service::Environment,
    world::{ItemServers, NoItemServers, World},
};

/// A world in which Google and Exchange are reached, though nobody answers.
struct Reached;

impl ItemServers for Reached {
    fn kinds(&self) -> &[ProviderKind] {
        &[ProviderKind::Google, ProviderKind::Exchange]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault> {
        NoItemServers.contacts(server)
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault> {
        NoItemServers.calendars(server)
    }
}

const PROVIDERS: [(&str, &str); 3] = [
    ("providers.d/corp.toml", "type = \"exchange\"\nserver = \"mail.example.com\"\n"),
    ("providers.d/goo.toml", "type = \"google\"\nauth = \"basic\"\n[imap]\nhost = \"imap.example.com\"\n"),
    ("providers.d/plain.toml", "type = \"imap\"\n[imap]\nhost = \"imap.example.com\"\n"),
];

const SETTINGS: &str = "[activities]\ntime_zone = \"Europe/Berlin\"\ndefault_duration = \"45m\"\n";

/// The use cases over these accounts, each with its provider, its address, its user and its tables.
fn service(users: &str, accounts: &[(&str, &str, &str, &str, &str)]) -> Service {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("postrider.toml", SETTINGS);
    if !users.is_empty() {
        write("users.toml", users);
    }
    PROVIDERS.iter().for_each(|(name, text)| write(name, text));
    for (name, provider, address, user, tables) in accounts {
        let user = if user.is_empty() { String::new() } else { format!("user = \"{user}\"\n") };
        let mail = "[mail]\nload = false\nsend = false\n";
        let text = format!("address = \"{address}\"\nprovider = \"{provider}\"\n{user}{mail}{tables}");
        write(&format!("accounts.d/{name}.toml"), &text);
    }
    let env = environment(home.path());
    let config = Service::read_config(&env);
    Service::with_config(World { items: Arc::new(Reached), ..World::real() }, env, config)
}

fn environment(home: &Path) -> Environment {
    Environment {
        config_dir: home.to_owned(),
        default_store: home.join("store"),
        default_socket: home.join("api.sock"),
        home: None,
        path: String::new(),
        credentials: None,
        uid: rustix::process::geteuid().as_raw(),
        user: "vera".to_owned(),
        machine_id: None,
        time_zone: None,
    }
}

fn rules(service: &Service, account: &str) -> ActivityRules {
    service.activity_rules(&service.config.ready_activities(account).unwrap().unwrap())
}

#[test]
fn what_an_account_says_of_activities_is_what_its_run_is_told() {
    let tables = "[activities]\nsince = \"2026-07-01\"\ncalendars = [\"Work\"]\ncalendar = \"Out\"\ntask_lists = [\"T\"]\n\
                  groups = [\"Sales\"]\nimport_appointments = false\n";
    let service = service("", &[("work", "corp", "V@Example.com", "", tables)]);
    let rules = rules(&service, "work");
    assert_eq!(rules.server, ServerKind::CalendarAndTasks);
    assert_eq!((rules.appointments, rules.tasks, rules.export), (false, true, true));
    // 2026-07-01T00:00 in Berlin, where it is summer.
    assert_eq!(rules.since, Some(Timestamp::from_seconds(1_782_856_800)));
    assert_eq!(rules.calendars, Selection::Names(vec!["Work".to_owned()]));
    assert_eq!(rules.task_lists, Selection::Names(vec!["T".to_owned()]));
    assert_eq!((rules.calendar.as_deref(), rules.groups), (Some("Out"), Some(vec!["Sales".to_owned()])));
    assert_eq!(
        (rules.address.as_str(), rules.addresses),
        ("V@example.com", vec!["v@example.com".to_owned()])
    );
    assert_eq!(rules.defaults.zone, chrono_tz::Europe::Berlin);
    assert_eq!(rules.defaults.duration, chrono::TimeDelta::minutes(45));
}

#[test]
fn a_google_account_has_a_calendar_alone() {
    let service = service("", &[("home", "goo", "v@example.org", "", "[activities]\n")]);
    let rules = rules(&service, "home");
    assert_eq!((rules.server, rules.appointments, rules.tasks), (ServerKind::CalendarOnly, true, false));
    assert_eq!((rules.since, rules.calendars, rules.groups), (None, Selection::All, None));
}

#[test]
fn whoever_sends_activities_out_is_known_to_all_runs_in_an_order_that_stays() {
    let users = "[[user]]\nname = \"vera\"\naddresses = [\"v@example.net\"]\n[[user]]\nname = \"anna\"\n";
    let (on, off) = ("[activities]\n", "[activities]\nexport = false\n");
    let service = service(
        users,
        &[
            ("a", "corp", "v@example.com", "vera", on),
            ("b", "goo", "anna@example.com", "anna", on),
            ("c", "goo", "v@example.org", "vera", on),
            ("d", "goo", "anna@example.org", "anna", off),
            ("e", "plain", "anna@example.net", "anna", on),
            ("f", "corp", "x@example.net", "anna", ""),
        ],
    );
    let syncing = rules(&service, "d").syncing;
    assert_eq!(syncing, rules(&service, "a").syncing);
    let told: Vec<_> = syncing
        .iter()
        .map(|one| {
            let accounts: Vec<_> = one.accounts.iter().map(|(name, _)| name.as_str()).collect();
            (one.user.as_str(), accounts)
        })
        .collect();
    assert_eq!(told, [("vera", vec!["a", "c"]), ("anna", vec!["b"])]);
    assert_eq!(syncing[0].addresses, ["v@example.com", "v@example.net", "v@example.org"]);
    assert_eq!(syncing[0].accounts[1].1, "v@example.org");
}
