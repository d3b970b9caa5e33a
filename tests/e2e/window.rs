//! How much of the past comes in (F2.1), to the letter: by internal date, and by UID above the highest seen.

use std::time::SystemTime;

use chrono::{DateTime, Duration, Utc};

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{Scene, letter, number};
use crate::stored;

const HIGHEST_SEEN: &str = "10 hours old";

/// Ages in hours, oldest first as a server has them. None is within a day of a period's bound: SEARCH SINCE knows days only (RFC 3501,
/// section 6.4.4).
const AGES: [(i64, &str); 6] = [
    (24 * 400, "400 days old"),
    (24 * 40, "40 days old"),
    (24 * 9, "9 days old"),
    (24 * 5, "5 days old"),
    (24 * 3, "3 days old"),
    (10, HIGHEST_SEEN),
];

fn append(scene: &Scene, folder: &str, hours: i64, subject: &str) -> u32 {
    let date = (DateTime::<Utc>::from(SystemTime::now()) - Duration::hours(hours))
        .format("%d-%b-%Y %H:%M:%S +0000")
        .to_string();
    // The Date header of `letter` is years old, whatever the internal date: it must not count.
    scene.client().append(folder, "", &date, &letter(subject)).unwrap()
}

fn furnished(period: &str) -> Scene {
    let scene = Scene::new();
    for (hours, subject) in AGES {
        append(&scene, "INBOX", hours, subject);
    }
    scene.configure(period, &[]);
    scene
}

/// The live subjects, in the order of their UIDs.
fn here(scene: &Scene) -> Vec<String> {
    let mut rows: Vec<_> =
        stored::mail(&scene.home.store()).into_iter().filter(stored::Stored::is_live).collect();
    rows.sort_by_key(|row| row.uid);
    rows.into_iter().map(|row| row.subject).collect()
}

fn youngest(count: usize) -> Vec<String> {
    AGES[AGES.len() - count..].iter().map(|(_, subject)| (*subject).to_owned()).collect()
}

#[test]
fn the_first_load_covers_the_period_by_internal_date() {
    for (period, count) in [("1d", 1), ("1w", 3), ("1M", 4), ("1y", 5), ("all", 6)] {
        let scene = furnished(period);
        let report = scene.sync();
        assert_eq!(number(&report["mail"]["pulled"]), count as u64, "{period}: {report}");
        assert_eq!(here(&scene), youngest(count), "{period}");
        assert_still(&scene, period);
    }
}

#[test]
fn without_a_period_it_is_a_week() {
    let scene = furnished("1w");
    let file = scene.home.config().join("accounts.d/work.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("period")).collect();
    scene.home.write_config("accounts.d/work.toml", &lines.join("\n")).unwrap();
    scene.sync();
    assert_eq!(here(&scene), youngest(3));
}

#[test]
fn new_is_what_has_a_higher_uid_however_old_it_is() {
    let withheld: [&[&str]; 3] = [&[], &["QRESYNC"], &["QRESYNC", "CONDSTORE"]];
    for missing in withheld {
        let scene = Scene::without(missing);
        for (hours, subject) in AGES {
            append(&scene, "INBOX", hours, subject);
        }
        scene.configure("1w", &[]);
        scene.sync();
        assert_eq!(here(&scene), youngest(3));
        append(&scene, "INBOX", 24 * 3000, "moved in from an archive");
        let report = scene.sync();
        assert_eq!(number(&report["mail"]["pulled"]), 1, "{missing:?}: {report}");
        let mut expected = youngest(3);
        expected.push("moved in from an archive".to_owned());
        assert_eq!(here(&scene), expected, "{missing:?}");
        assert_still(&scene, "an old message came in");

        // Flags of what is not here, and its deletion, are nobody's business; of what is here they are.
        let mut client = scene.client();
        client.select("INBOX").unwrap();
        client.store("1:2", "+FLAGS", "\\Flagged").unwrap();
        client.expunge("2").unwrap();
        let report = scene.sync();
        let counts = ["pulled", "deleted", "bytes"].map(|key| number(&report["mail"][key]));
        assert_eq!(
            counts, [0; 3],
            "{missing:?}: older mail is neither loaded nor taken for deleted: {report}"
        );
        assert_eq!(here(&scene), expected, "{missing:?}");
        client.expunge("4").unwrap();
        assert_eq!(number(&scene.sync()["mail"]["deleted"]), 1);
        assert_eq!(here(&scene), expected[1..], "{missing:?}");
        assert_still(&scene, "older mail changed");
    }
}

#[test]
fn a_longer_period_loads_the_rest_and_nothing_twice() {
    let scene = furnished("1d");
    scene.sync();
    assert_eq!(here(&scene), youngest(1));
    let id = stored::mail(&scene.home.store())[0].id.clone();
    for (period, count, more) in [("1w", 3, 2), ("1y", 5, 2), ("all", 6, 1)] {
        scene.configure(period, &[]);
        let report = scene.sync();
        assert_eq!(number(&report["mail"]["pulled"]), more, "{period}: {report}");
        assert_eq!(here(&scene), youngest(count), "{period}");
        assert_still(&scene, period);
    }
    let first =
        stored::mail(&scene.home.store()).into_iter().find(|row| row.subject == HIGHEST_SEEN).unwrap();
    assert_eq!(first.id, id);
    assert_in_step(&scene);
}

#[test]
fn a_shorter_period_deletes_nothing_and_keeps_following() {
    let scene = furnished("all");
    scene.sync();
    scene.configure("1d", &[]);
    assert_still(&scene, "a shorter period");
    assert_in_step(&scene);
    // What is here is followed, though the period would not load it any more.
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1", "+FLAGS", "\\Seen Kept").unwrap();
    client.expunge("2").unwrap();
    scene.sync();
    assert_in_step(&scene);
}

#[test]
fn an_empty_folder_and_one_with_only_old_mail_are_known_and_still() {
    let scene = Scene::new();
    scene.client().create("Empty").unwrap();
    scene.client().create("Old").unwrap();
    append(&scene, "Old", 24 * 700, "older than the period");
    scene.configure("1w", &[]);
    assert_eq!(number(&scene.sync()["mail"]["pulled"]), 0);
    assert_still(&scene, "nothing to load");
    append(&scene, "Old", 24 * 700, "as old, and new");
    append(&scene, "Empty", 24 * 700, "old, and the first");
    assert_eq!(number(&scene.sync()["mail"]["pulled"]), 2);
    let mut subjects = here(&scene);
    subjects.sort();
    assert_eq!(subjects, ["as old, and new", "old, and the first"]);
}
