//! The daemon keeps contacts and activities in step by itself, each on its own interval (F6.1), with mail or without.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use postrider::sync::{Event, Observer};
use postrider_fake::groupware::Habits;

use crate::house::House;

/// Counts runs, by what of the account they were.
#[derive(Debug, Default)]
struct Runs(Mutex<BTreeMap<&'static str, u64>>);

impl Observer for Runs {
    fn event(&self, event: Event<'_>) {
        let Event::Ran { report, .. } = event else { return };
        let kinds = [
            ("contacts", report.contacts.is_some()),
            ("activities", report.activities.is_some()),
            ("failed", report.error.is_some()),
        ];
        for (kind, _) in kinds.into_iter().filter(|(_, ran)| *ran) {
            *self.0.lock().unwrap().entry(kind).or_default() += 1;
        }
    }
}

/// How often each kind ran within an hour.
fn within_an_hour(tables: &str) -> BTreeMap<&'static str, u64> {
    let house = House::new("exchange", Habits::exchange(), tables);
    let runs = Arc::new(Runs::default());
    house.follow(runs.clone(), Duration::from_secs(3_600));
    runs.0.lock().unwrap().clone()
}

#[test]
fn each_kind_runs_at_once_and_then_on_its_own_interval() {
    let runs =
        within_an_hour("[activities]\n[sync]\ncontacts_interval = \"10m\"\nactivities_interval = \"30m\"\n");
    // Intervals are shorter by a tenth at most.
    assert!((7..=8).contains(&runs["contacts"]), "{runs:?}");
    assert_eq!(runs["activities"], 3, "{runs:?}");
    assert!(!runs.contains_key("failed"), "{runs:?}");
}

#[test]
fn what_is_not_to_run_by_itself_does_not() {
    let runs = within_an_hour("auto = false\n[activities]\n[sync]\ninterval = \"1h\"\n");
    assert_eq!(runs.into_iter().collect::<Vec<_>>(), [("activities", 2)]);
    assert!(within_an_hour("auto = false\n[activities]\nauto = false\n").is_empty());
}

#[test]
fn status_tells_what_failed_of_each_kind_until_that_kind_runs_well() {
    let house = House::new("exchange", Habits::exchange(), "[activities]\n[sync]\ninterval = \"1h\"\n");
    house.follow(Arc::new(Runs::default()), Duration::from_secs(60));
    let status = |house: &House| {
        let service = house.service();
        service.status(&service.owner()).unwrap().remove(0)
    };
    let told = status(&house);
    let kinds: Vec<_> = told.kinds.iter().map(|one| (one.kind.as_str(), one.status)).collect();
    assert_eq!((told.status.as_str(), kinds), ("ok", vec![("activities", "ok"), ("contacts", "ok")]));
}
