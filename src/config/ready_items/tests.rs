//! Contacts and activities of accounts, without files.

use std::path::Path;

use super::*;
use crate::config::LoadContext;

/// One account `work` without mail at a provider of that kind, whose contacts and activities are reached.
fn of(kind: &str, tables: &str) -> Config {
    let context = LoadContext { owner_uid: 0, home: None, default_store: "/var/lib/postrider".into() };
    let mut config = Config::load(Path::new("/nonexistent/postrider"), &context);
    let servers = match kind {
        "exchange" => "",
        _ => "[imap]\nhost = \"imap.a.example\"\n",
    };
    assert!(config.merge_stored_provider("corp", &format!("type = \"{kind}\"\nauth = \"basic\"\n{servers}")));
    let mail = "[mail]\nload = false\nsend = false\n";
    let account = format!("address = \"e@a.example\"\nprovider = \"corp\"\n{mail}{tables}");
    assert!(config.merge_stored_account("work", &account));
    config.reach_items_of(&[ProviderKind::Google, ProviderKind::Exchange]);
    config
}

fn told(errors: &[ConfigError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn contacts_of_a_server_that_is_reached_need_no_mail_and_a_tag_where_there_are_groups() {
    let exchange = of("exchange", "[contacts]\ndeletions = \"propagate\"\n");
    assert!(exchange.is_without_mail("work"));
    let ready = exchange.ready_contacts("work").unwrap().unwrap();
    assert_eq!((ready.server.address.as_str(), ready.server.kind), ("e@a.example", ProviderKind::Exchange));
    let off = of("exchange", "[contacts]\nimport = false\nexport = false\n");
    assert_eq!(off.ready_contacts("work").unwrap(), None);
    let mut google = of("google", "[contacts]\n");
    google.reach_items_of(&[ProviderKind::Exchange]);
    assert!(!google.is_without_mail("work"), "nobody reaches it");
    assert!(google.ready_contacts("work").is_err());
    google.reach_items_of(&[ProviderKind::Google]);
    let errors = google.ready_contacts("work").unwrap_err();
    assert!(errors[0].to_string().contains("contacts.tag: found nothing"), "{}", errors[0]);
    assert_eq!(google.wrong_with("work"), errors);
}

#[test]
fn activities_of_a_server_that_is_reached_need_no_mail() {
    let ready = of("exchange", "[activities]\ncalendars = [\"Calendar\"]\n").ready_activities("work");
    let ready = ready.unwrap().unwrap();
    assert_eq!((ready.server.address.as_str(), ready.server.kind), ("e@a.example", ProviderKind::Exchange));
    assert_eq!(ready.activities.calendars, Choice::Listed(vec!["Calendar".to_owned()]));
    assert!(ready.activities.import_tasks && ready.activities.export);
    assert_eq!(of("exchange", "").ready_activities("work").unwrap(), None);
    let off = "[activities]\nimport_appointments = false\nimport_tasks = false\nexport = false\n";
    assert_eq!(of("exchange", off).ready_activities("work").unwrap(), None);
    let mut unreached = of("exchange", "[activities]\n");
    assert_eq!(unreached.wrong_with("work"), []);
    unreached.reach_items_of(&[]);
    assert!(unreached.ready_activities("work").is_err());
}

#[test]
fn a_server_without_task_lists_is_asked_for_none() {
    let google = of("google", "[activities]\n");
    let ready = google.ready_activities("work").unwrap().unwrap();
    assert!(!ready.activities.import_tasks && ready.activities.import_appointments);
    assert_eq!(google.wrong_with("work"), []);
    let tasks_alone = "[activities]\nimport_appointments = false\nexport = false\n";
    assert_eq!(of("google", tasks_alone).ready_activities("work").unwrap(), None);
    assert!(of("google", "[activities]\nimport_tasks = false\n").ready_activities("work").is_ok());
    let wrong = of("google", "[activities]\nimport_tasks = true\ntask_lists = [\"Tasks\"]\n");
    let errors = wrong.ready_activities("work").unwrap_err();
    assert_eq!(
        told(&errors),
        [
            "stored account work:7: activities.import_tasks: found true, expected false, since corp is of type google, which \
             has no task lists",
            "stored account work:8: activities.task_lists: found a list, expected nothing, since corp is of type google, \
             which has no task lists",
        ]
    );
    assert_eq!(wrong.wrong_with("work"), errors, "told once");
    assert!(
        of("exchange", "[activities]\nimport_tasks = true\ntask_lists = [\"Tasks\"]\n")
            .ready_activities("work")
            .is_ok()
    );
}

#[test]
fn an_interval_is_that_of_the_kind_or_of_the_account_or_of_the_daemon() {
    let table = [
        ("", 300, 300),
        ("[sync]\ninterval = \"1m\"\n", 60, 60),
        ("[sync]\ninterval = \"1m\"\ncontacts_interval = \"2m\"\n", 120, 60),
        ("[sync]\nactivities_interval = \"1h\"\n", 300, 3_600),
    ];
    for (keys, contacts, activities) in table {
        let config = of("exchange", &format!("[contacts]\n[activities]\n{keys}"));
        let ready_contacts = config.ready_contacts("work").unwrap().unwrap();
        let ready_activities = config.ready_activities("work").unwrap().unwrap();
        assert_eq!(ready_contacts.interval.as_secs(), contacts, "{keys}");
        assert_eq!(ready_activities.interval.as_secs(), activities, "{keys}");
    }
}
