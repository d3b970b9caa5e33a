//! The description that is shipped, and the numbers that scrapers read.

use std::{fs, path::Path};

use crate::scene::{Scene, get};

#[test]
fn the_description_that_is_shipped_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let current = serde_json::to_string_pretty(&postrider::api::describe()).unwrap() + "\n";
    let shipped = fs::read_to_string(file).unwrap_or_default();
    assert!(shipped == current, "write it anew: postrider api describe > docs/openapi.json");
}

#[test]
fn the_server_gives_the_same_description() {
    let scene = Scene::new(&[]);
    let said = scene.say(&get("/v1/openapi.json", ""));
    assert_eq!(said.status, 200);
    assert_eq!(said.json(), postrider::api::describe());
}

#[test]
fn numbers_are_in_the_form_that_prometheus_reads_and_name_no_correspondent() {
    let scene = Scene::new(&["Secret-subject"]);
    let said = scene.say(&get("/metrics", ""));
    assert_eq!(said.status, 200, "{said:?}");
    assert!(said.head.contains("content-type: text/plain; version=0.0.4"), "{}", said.head);
    for line in [
        "postrider_accounts{status=\"ok\"} 1",
        "postrider_messages{account=\"work\"} 1",
        "postrider_last_run_ok{account=\"work\"} 1",
        "postrider_last_run_pulled{account=\"work\"} 1",
        "postrider_outbox{account=\"work\"} 0",
    ] {
        assert!(said.body.lines().any(|one| one == line), "{line}: {}", said.body);
    }
    for line in said.body.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok() && series.starts_with("postrider_"), "{line}");
    }
    for word in ["Secret", "bert", "INBOX", "example.com"] {
        assert!(!said.body.contains(word), "{word}: {}", said.body);
    }
}
