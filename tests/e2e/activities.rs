//! Appointments and tasks, by the program alone on an empty home (F4.1, F4.2, F4.5, F4.7, F5.2).

use std::fs;
use std::path::PathBuf;

use postrider_test_support::Home;
use serde_json::Value;

use crate::scene::{Answer, run_in, text};

/// A house in Berlin with three users, each with an address; the owner is one of them.
fn house() -> Home {
    let home = Home::new().unwrap();
    home.write_config(
        "postrider.toml",
        "[activities]\ntime_zone = \"Europe/Berlin\"\nreminders = [\"15m\"]\n",
    )
    .unwrap();
    let owner = owner();
    let users: Vec<String> = [owner.as_str(), "anna", "boris"]
        .iter()
        .map(|name| format!("[[user]]\nname = \"{name}\"\naddresses = [\"{name}@example.com\"]\n"))
        .collect();
    home.write_config("users.toml", &users.concat()).unwrap();
    home
}

/// The user who runs this.
fn owner() -> String {
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

fn done(home: &Home, arguments: &[&str]) -> Answer {
    run_in(home, arguments).ok()
}

fn added(home: &Home, arguments: &[&str]) -> String {
    text(&done(home, &[&["activity", "add", "--json"], arguments].concat()).json()["id"])
}

/// When each begins, and its title, from the first of that month for so long.
fn placed(home: &Home, options: &[&str]) -> Vec<String> {
    let span = ["activity", "list", "--json", "--from", "2027-03-01", "--to", "2027-05-01"];
    let listed = done(home, &[&span, options].concat()).json();
    let line = |one: &Value| format!("{} {}", text(&one["starts"]), text(&one["title"]));
    listed.as_array().unwrap().iter().map(line).collect()
}

fn weekly(home: &Home) -> String {
    let rule = "FREQ=WEEKLY;BYDAY=MO;COUNT=6";
    added(home, &["Standup", "--start", "2027-03-15 10:00", "--duration", "30m", "--rule", rule])
}

#[test]
fn a_series_keeps_its_hour_when_clocks_change_and_its_exceptions_when_it_is_moved() {
    let home = house();
    let id = weekly(&home);
    let mondays = ["15 10:00", "22 10:00", "29 10:00"].map(|day| format!("2027-03-{day} Standup"));
    assert_eq!(placed(&home, &[])[..3], mondays, "summer time begins on 28 March");
    let listed =
        done(&home, &["activity", "list", "--json", "--from", "2027-03-22", "--to", "2027-03-30"]).json();
    assert_eq!(listed[0]["start"], "2027-03-22T09:00:00Z");
    assert_eq!(listed[1]["start"], "2027-03-29T08:00:00Z");

    done(&home, &["activity", "edit", &id, "--occurrence", "2027-03-22", "--start", "2027-03-22 15:00"]);
    done(&home, &["activity", "edit", &id, "--occurrence", "2027-03-29", "--title", "Retrospective"]);
    done(&home, &["activity", "cancel", &id, "--occurrence", "2027-04-05"]);
    let with_exceptions = placed(&home, &[]);
    assert_eq!(
        with_exceptions,
        [
            "2027-03-15 10:00 Standup",
            "2027-03-22 15:00 Standup",
            "2027-03-29 10:00 Retrospective",
            "2027-04-12 10:00 Standup",
            "2027-04-19 10:00 Standup"
        ]
    );

    // Another hour: what was moved by hand stays where it was put, what was not moves along; another title reaches what had the old one.
    done(&home, &["activity", "edit", &id, "--start", "2027-03-15 11:00", "--title", "Daily"]);
    assert_eq!(
        placed(&home, &[]),
        [
            "2027-03-15 11:00 Daily",
            "2027-03-22 15:00 Daily",
            "2027-03-29 11:00 Retrospective",
            "2027-04-12 11:00 Daily",
            "2027-04-19 11:00 Daily"
        ]
    );

    // Other days: exceptions of days that are none any more are kept aside.
    done(
        &home,
        &["activity", "edit", &id, "--start", "2027-03-16 11:00", "--rule", "FREQ=WEEKLY;BYDAY=TU;COUNT=3"],
    );
    let tuesdays = ["2027-03-16 11:00 Daily", "2027-03-23 11:00 Daily", "2027-03-30 11:00 Daily"];
    assert_eq!(placed(&home, &[]), tuesdays);
    let versions = done(&home, &["conflicts", "list", "--all", "--json"]).json();
    let aside: Vec<&Value> =
        versions.as_array().unwrap().iter().filter(|one| one["what"] == "deleted").collect();
    assert_eq!(aside.len(), 3, "{versions}");
}

#[test]
fn this_and_following_is_another_series_from_then_on() {
    let home = house();
    let id = weekly(&home);
    done(&home, &["activity", "edit", &id, "--occurrence", "2027-04-12", "--place", "Room 5"]);
    let answer = done(
        &home,
        &["activity", "edit", "--json", &id, "--occurrence", "2027-03-29", "--following", "--title", "Sync"],
    );
    let other = text(&answer.json()["id"]);
    assert_ne!(other, id);
    let expected = [
        "03-15 10:00 Standup",
        "03-22 10:00 Standup",
        "03-29 10:00 Sync",
        "04-05 10:00 Sync",
        "04-12 10:00 Sync",
        "04-19 10:00 Sync",
    ];
    assert_eq!(placed(&home, &[]), expected.map(|line| format!("2027-{line}")));
    let shown = done(&home, &["activity", "show", &other, "--json"]).json();
    assert_eq!(shown["differing"][0]["says"]["place"], "Room 5");
    assert_eq!(
        run_in(&home, &["activity", "edit", &id, "--occurrence", "2027-03-30", "--title", "x"]).code,
        2
    );
}

#[test]
fn what_is_the_organizers_is_refused_to_an_attendee_who_answers_and_has_their_own() {
    let home = house();
    let id = added(
        &home,
        &[
            "Review",
            "--start",
            "2027-03-15 10:00",
            "--participant",
            "anna@example.com",
            "--participant",
            "optional:out@example.org",
        ],
    );
    assert_eq!(placed(&home, &["--as", "anna"]), ["2027-03-15 10:00 Review"]);
    assert_eq!(placed(&home, &["--as", "boris"]), [""; 0]);
    for refused in [
        &["activity", "edit", &id, "--title", "x", "--as", "anna"][..],
        &["activity", "edit", &id, "--start", "2027-03-15 11:00", "--as", "anna"],
        &["activity", "edit", &id, "--add-participant", "boris@example.com", "--as", "anna"],
        &["activity", "cancel", &id, "--as", "anna"],
    ] {
        let answer = run_in(&home, refused);
        assert_eq!(answer.code, 5, "{refused:?}: {answer:?}");
        assert!(answer.err.contains("organizer"), "{answer:?}");
    }
    let absent = run_in(&home, &["activity", "respond", &id, "accepted", "--as", "boris"]);
    assert_eq!(absent.code, 2, "what one does not see is not there: {absent:?}");
    done(&home, &["activity", "respond", &id, "accepted", "--as", "anna"]);
    done(&home, &["activity", "edit", &id, "--remind", "1h", "--category", "Work", "--as", "anna"]);
    let anna = done(&home, &["activity", "show", &id, "--json", "--as", "anna"]).json();
    assert_eq!(
        (&anna["own"]["response"], &anna["own"]["categories"][0]),
        (&"accepted".into(), &"Work".into())
    );
    let owner = done(&home, &["activity", "show", &id, "--json"]).json();
    assert_eq!(owner["says"]["participants"][0]["response"], "accepted");
    assert_eq!(owner["own"]["reminders"], serde_json::json!([{ "before_start_s": 900, "by_mail": false }]));
    assert_eq!(owner["own"]["categories"], serde_json::json!([]));

    // Who is asked to come at another time has not answered for that one alone.
    done(&home, &["activity", "cancel", &id]);
    let listed = done(
        &home,
        &["activity", "list", "--json", "--from", "2027-03-15", "--to", "2027-03-16", "--as", "anna"],
    )
    .json();
    assert_eq!(listed[0]["status"], "cancelled", "it stays to be seen: {listed}");
    // Nothing was put into any outbox.
    assert_eq!(done(&home, &["outbox", "list", "--all", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn free_and_busy_is_told_of_users_without_a_word_of_what_it_is() {
    let home = house();
    added(&home, &["Dentist", "--start", "2027-03-15 10:00", "--duration", "1h", "--as", "anna"]);
    added(&home, &["Focus", "--start", "2027-03-15 10:30", "--duration", "1h", "--as", "anna"]);
    let free = added(&home, &["Lunch", "--start", "2027-03-15 12:00", "--duration", "1h", "--as", "anna"]);
    done(&home, &["activity", "edit", &free, "--show-as", "free", "--as", "anna"]);
    let span = ["--from", "2027-03-15", "--to", "2027-03-16"];
    let asked =
        [&["activity", "freebusy", "anna", "out@example.org", "--json", "--as", "boris"][..], &span].concat();
    let busy = done(&home, &asked).json();
    let anna = &busy[0]["busy"];
    assert_eq!(
        (anna.as_array().unwrap().len(), &anna[0]["starts"], &anna[0]["ends"]),
        (1, &"2027-03-15 10:00".into(), &"2027-03-15 11:30".into())
    );
    assert_eq!((&busy[1]["is_user"], &busy[1]["busy"]), (&false.into(), &serde_json::json!([])));
    assert!(!busy.to_string().contains("Dentist"));
}

#[test]
fn what_is_private_shows_others_only_when_it_is() {
    let home = house();
    let id = added(
        &home,
        &[
            "Dentist",
            "--start",
            "2027-03-15 10:00",
            "--place",
            "Elm Street",
            "--privacy",
            "private",
            "--visible",
            "all",
            "--as",
            "anna",
        ],
    );
    let seen = done(&home, &["activity", "show", &id, "--json", "--as", "boris"]).out;
    assert!(!seen.contains("Dentist") && !seen.contains("Elm"), "{seen}");
    assert_eq!(placed(&home, &["--as", "boris"]), ["2027-03-15 10:00 "]);
    assert_eq!(placed(&home, &["--as", "anna"]), ["2027-03-15 10:00 Dentist"]);
    let exported = done(&home, &["activity", "export", "--to", "-", "--as", "boris"]).out;
    assert!(!exported.contains("Dentist"), "{exported}");
}

#[test]
fn what_came_in_goes_out_with_the_same_meaning_and_comes_in_once() {
    let home = house();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/icalendar");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "ics"));
    files.sort();
    assert!(files.len() >= 5);
    for path in &files {
        let path = path.to_str().unwrap();
        let first = done(&home, &["activity", "import", path, "--json"]).json();
        let count = first["added"].as_array().unwrap().len();
        let second = done(&home, &["activity", "import", path, "--json"]).json();
        assert_eq!(
            (count > 0, second["unchanged"].as_u64(), &second["changed"]),
            (true, Some(count as u64), &serde_json::json!([])),
            "{path}: {second}"
        );
    }
    let file = home.path().join("all.ics");
    let file = file.to_str().unwrap();
    done(&home, &["activity", "export", "--to", file]);
    let other = house();
    done(&other, &["activity", "import", file]);
    let all = |home: &Home| {
        let span =
            ["activity", "list", "--json", "--from", "2026-01-01", "--to", "2028-01-01", "--limit", "5000"];
        let mut listed = done(home, &span).json();
        for one in listed.as_array_mut().unwrap() {
            for field in ["id", "differing"] {
                one[field].take();
            }
        }
        listed
    };
    let (here, there) = (all(&home), all(&other));
    assert!(here.as_array().unwrap().len() > 5);
    assert_eq!(here, there);
}

#[test]
fn a_task_is_done_and_what_is_deleted_or_overwritten_is_brought_back() {
    let home = house();
    let id = added(&home, &["Write report", "--task", "--due", "2027-03-20", "--priority", "1"]);
    done(&home, &["activity", "edit", &id, "--percent", "100"]);
    let shown = done(&home, &["activity", "show", &id, "--json"]).json();
    assert_eq!((&shown["says"]["status"], &shown["in_schedule"]), (&"completed".into(), &false.into()));
    assert!(shown["says"]["completed"].is_string());
    assert_eq!(run_in(&home, &["activity", "edit", &id]).code, 2, "nothing is to be different");
    let versions = done(&home, &["conflicts", "list", "--all", "--json", &id]).json();
    done(&home, &["conflicts", "restore", versions[0]["id"].as_str().unwrap()]);
    assert_eq!(done(&home, &["activity", "show", &id, "--json"]).json()["says"]["status"], "open");
    done(&home, &["activity", "cancel", &id]);
    assert_eq!(placed(&home, &[]), [""; 0]);
    done(&home, &["activity", "restore", &id]);
    assert_eq!(placed(&home, &["--tasks"]), ["2027-03-20 Write report"]);
}

/// A calendar file of that text, each line with the end that iCalendar has.
fn calendar(home: &Home, name: &str, lines: &[&str]) -> String {
    let frame =
        [&["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Tests//EN"], lines, &["END:VCALENDAR", ""]];
    let path = home.path().join(name);
    fs::write(&path, frame.concat().join("\r\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn what_one_sees_goes_out_and_comes_in_again_as_nothing_new() {
    let home = house();
    let participant = ["--participant", "anna@example.com"];
    added(&home, &[&["Review", "--start", "2027-03-15 10:00"], &participant[..]].concat());
    added(&home, &["Party", "--start", "2027-03-16 18:00", "--visible", "all", "--as", "boris"]);
    let rule = "FREQ=DAILY;COUNT=4";
    let own = added(&home, &["Swim", "--start", "2027-03-17 07:00", "--rule", rule, "--as", "anna"]);
    done(&home, &["activity", "edit", &own, "--occurrence", "2027-03-18", "--title", "Dive", "--as", "anna"]);
    let seen = placed(&home, &["--as", "anna"]);
    assert_eq!(seen.len(), 6);
    let file = home.path().join("anna.ics");
    let file = file.to_str().unwrap();
    done(&home, &["activity", "export", "--to", file, "--as", "anna"]);
    let again = done(&home, &["activity", "import", file, "--json", "--as", "anna"]).json();
    assert_eq!(
        (&again["added"], &again["changed"]),
        (&serde_json::json!([]), &serde_json::json!([])),
        "{again}"
    );
    let mut remarks: Vec<String> = again["remarks"].as_array().unwrap().iter().map(text).collect();
    remarks.sort();
    let expected =
        ["Party is boris's, and is here already", &format!("Review is {}'s, and is here already", owner())];
    assert_eq!(remarks, expected);
    assert_eq!(placed(&home, &["--as", "anna"]), seen);
    // Whoever sees none of another's has one of their own.
    let unseen = ["activity", "import", file, "--json", "--as", "boris"];
    assert_eq!(done(&home, &unseen).json()["added"].as_array().unwrap().len(), 2);
}

#[test]
fn an_invitation_to_one_time_of_a_series_is_listed_by_that_time_and_takes_it() {
    let home = house();
    let file = calendar(
        &home,
        "one.ics",
        &[
            "BEGIN:VEVENT",
            "UID:one-of-many@example.org",
            "DTSTAMP:20270101T000000Z",
            "RECURRENCE-ID:20270315T090000Z",
            "DTSTART:20270315T090000Z",
            "DTEND:20270315T100000Z",
            "SUMMARY:One of many",
            "ORGANIZER:mailto:out@example.org",
            "ATTENDEE:mailto:anna@example.com",
            "END:VEVENT",
        ],
    );
    done(&home, &["activity", "import", &file, "--as", "anna"]);
    assert_eq!(placed(&home, &["--as", "anna"]), ["2027-03-15 10:00 One of many"]);
    assert_eq!(busy(&home, "anna"), ["2027-03-15 10:00"]);
    let later = ["activity", "list", "--json", "--from", "2027-06-01", "--to", "2027-07-01", "--as", "anna"];
    assert_eq!(done(&home, &later).json(), serde_json::json!([]));
}

#[test]
fn a_time_of_a_series_that_is_private_is_hidden_by_itself() {
    let home = house();
    let rule = "FREQ=DAILY;COUNT=2";
    let id = added(
        &home,
        &["Run", "--start", "2027-03-15 10:00", "--rule", rule, "--visible", "all", "--as", "anna"],
    );
    done(
        &home,
        &[
            "activity",
            "edit",
            &id,
            "--occurrence",
            "2027-03-16",
            "--title",
            "Doctor",
            "--privacy",
            "private",
            "--as",
            "anna",
        ],
    );
    assert_eq!(placed(&home, &["--as", "boris"]), ["2027-03-15 10:00 Run", "2027-03-16 10:00 "]);
    assert_eq!(placed(&home, &["--as", "anna"]), ["2027-03-15 10:00 Run", "2027-03-16 10:00 Doctor"]);
    let shown = done(&home, &["activity", "show", &id, "--json", "--as", "boris"]);
    assert!(shown.out.contains("Run") && !shown.out.contains("Doctor"), "{shown:?}");
    assert_eq!(shown.json()["differing"].as_array().unwrap().len(), 1);
}

/// When somebody has no time in March 2027, by the beginnings.
fn busy(home: &Home, who: &str) -> Vec<String> {
    let told =
        done(home, &["activity", "freebusy", who, "--json", "--from", "2027-03-01", "--to", "2027-04-01"]);
    told.json()[0]["busy"].as_array().unwrap().iter().map(|one| text(&one["starts"])).collect()
}

#[test]
fn what_is_shown_to_all_makes_nobody_busy_but_those_who_take_part() {
    let home = house();
    let add = |title: &str, start: &str, others: &[&str]| {
        added(&home, &[&[title, "--start", start, "--visible", "all", "--as", "boris"], others].concat())
    };
    add("Party", "2027-03-10 10:00", &[]);
    add("Meeting", "2027-03-11 10:00", &["--participant", "out@example.org"]);
    let asked = add("Review", "2027-03-12 10:00", &["--participant", "anna@example.com"]);
    let all = ["2027-03-10 10:00", "2027-03-11 10:00", "2027-03-12 10:00"];
    assert_eq!(busy(&home, "boris"), all);
    assert_eq!(busy(&home, "anna"), ["2027-03-12 10:00"]);
    assert_eq!(busy(&home, "out@example.org"), ["2027-03-11 10:00"]);
    done(&home, &["activity", "respond", &asked, "declined", "--as", "anna"]);
    assert_eq!(busy(&home, "anna"), [""; 0]);
    done(&home, &["activity", "cancel", &asked, "--as", "boris"]);
    assert_eq!(busy(&home, "boris"), all[..2]);
    let crowd: Vec<String> = (0..101).map(|number| format!("a{number}@example.org")).collect();
    let mut asked = vec!["activity", "freebusy"];
    asked.extend(crowd.iter().map(String::as_str));
    let refused = run_in(&home, &asked);
    assert!(refused.code != 0 && refused.err.contains("fewer people"), "{refused:?}");
}

#[test]
fn more_times_than_can_be_listed_are_told_of() {
    let home = house();
    for number in 0..11 {
        let title = format!("Tick {number}");
        added(&home, &[&title, "--start", "2027-03-01", "--rule", "FREQ=DAILY"]);
    }
    let span =
        ["activity", "list", "--json", "--from", "2027-03-01", "--to", "2032-03-15", "--limit", "5000"];
    let listed = done(&home, &span);
    assert!(listed.err.contains("shorter span"), "{}", listed.err);
}

#[test]
fn the_machines_clocks_are_asked_where_tz_names_no_zone() {
    let home = Home::new().unwrap();
    let id = added(&home, &["Call", "--start", "2027-03-15T10:00Z"]);
    let begins = |tz: &str| {
        let mut command = home.command(crate::scene::postrider());
        command
            .args(["activity", "list", "--json", "--from", "2027-03-15", "--to", "2027-03-16"])
            .env("TZ", tz);
        let listed = crate::scene::answer_of(command).ok().json();
        assert_eq!(listed[0]["id"], id.as_str());
        text(&listed[0]["starts"])
    };
    for tz in ["Europe/Berlin", ":Europe/Berlin"] {
        assert_eq!(begins(tz), "2027-03-15 11:00", "{tz}");
    }
    let none = begins("no zone's name");
    assert_eq!(begins("XYZ-3"), none);
    assert_eq!(begins(""), none);
}

#[test]
fn what_takes_too_long_is_listed_in_part_and_no_time_told_as_free() {
    let home = house();
    let series = (0..200).map(|number| {
        let lines =
            ["BEGIN:VEVENT", &format!("UID:{number}@example.org"), "DTSTAMP:20270101T000000Z"].join("\r\n");
        format!("{lines}\r\nDTSTART:20270301T000000Z\r\nRRULE:FREQ=SECONDLY\r\nSUMMARY:Tick\r\nEND:VEVENT")
    });
    let series: Vec<String> = series.collect();
    let lines: Vec<&str> = series.iter().map(String::as_str).collect();
    let file = calendar(&home, "ticks.ics", &lines);
    done(&home, &["activity", "import", &file, "--as", "anna"]);
    let span = ["--from", "2027-04-01", "--to", "2027-04-02", "--as", "anna"];
    let listed = done(&home, &[&["activity", "list"][..], &span].concat());
    assert!(listed.err.contains("not all could be looked at within 2 s"), "{}", listed.err);
    let busy = run_in(&home, &[&["activity", "freebusy", "anna"][..], &span].concat());
    assert!(busy.code != 0 && busy.err.contains("fewer people or a shorter span"), "{busy:?}");
}
