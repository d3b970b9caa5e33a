//! Invitations in mail: told, taken in by a person alone, answered, and sent (F4.7, I9), by a real Dovecot and a real Postfix.

use postrider_test_support::Delivery;
use serde_json::Value;

use crate::scene::{Answer, USER, text};
use crate::sending::Post;

const ORGANIZER: &str = "boris@example.org";

/// A message with a calendar in it.
fn mail(from: &str, number: u32, method: &str, calendar: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: {USER}\r\nSubject: {method} {number}\r\nDate: Fri, 01 Mar 2024 12:00:00 +0000\r\n\
         Message-ID: <{method}.{number}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSee the calendar.\r\n--b\r\nContent-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n\
         BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nMETHOD:{method}\r\n{calendar}END:VCALENDAR\r\n\r\n--b--\r\n"
    )
    .into_bytes()
}

/// The meeting as its organizer has it at that sequence, with more lines.
fn meeting(sequence: u32, title: &str, more: &str) -> String {
    format!(
        "BEGIN:VEVENT\r\nUID:review@example.org\r\nDTSTAMP:20260101T00000{sequence}Z\r\nSEQUENCE:{sequence}\r\n\
         DTSTART:20270315T090000Z\r\nDTEND:20270315T100000Z\r\nSUMMARY:{title}\r\nORGANIZER:mailto:{ORGANIZER}\r\n\
         ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{USER}\r\n{more}END:VEVENT\r\n"
    )
}

/// Mail that came in, by subject.
fn arrive(post: &Post, mail: Vec<u8>) -> String {
    post.run(&["--sync-now"]).ok();
    let before: Vec<String> = ids(post);
    post.dovecot.fill(USER, "INBOX", [Delivery::new(mail)]).unwrap();
    post.run(&["--sync-now"]).ok();
    let new: Vec<String> = ids(post).into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    new[0].clone()
}

fn ids(post: &Post) -> Vec<String> {
    let listed = post.run(&["mail", "list", "--json", "--folder", "INBOX"]).ok().json();
    listed.as_array().unwrap().iter().map(|row| text(&row["id"])).collect()
}

fn said(post: &Post, message: &str) -> Value {
    post.run(&["mail", "show", "--json", message]).ok().json()["invitations"][0].clone()
}

fn accept(post: &Post, message: &str) -> Answer {
    post.run(&["activity", "accept", "--json", message])
}

fn only(post: &Post) -> Value {
    let span = ["activity", "list", "--json", "--from", "2027-03-01", "--to", "2027-04-01"];
    let listed = post.run(&span).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    listed[0].clone()
}

/// That a message is shown, does nothing when a person would take it in, and why.
fn is_only_shown(post: &Post, mail: Vec<u8>, why: &str) {
    let before = (only(post), versions(post));
    let id = arrive(post, mail);
    let shown = said(post, &id);
    assert_eq!((&shown["offer"], text(&shown["in_words"]).contains(why)), (&Value::Null, true), "{shown}");
    let refused = accept(post, &id);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!((only(post), versions(post)), before, "{why}");
}

fn versions(post: &Post) -> usize {
    let listed = post.run(&["conflicts", "list", "--all", "--json"]).ok().json();
    listed.as_array().unwrap().len()
}

#[test]
fn what_is_forged_replayed_or_older_is_shown_and_never_applied() {
    let post = Post::new();
    let invitation = arrive(&post, mail(ORGANIZER, 1, "REQUEST", &meeting(1, "Review", "")));
    let nothing =
        post.run(&["activity", "list", "--json", "--from", "2027-03-01", "--to", "2027-04-01"]).ok();
    assert_eq!(nothing.json(), serde_json::json!([]), "nothing comes of mail by itself");
    assert_eq!(said(&post, &invitation)["offer"], "add");
    accept(&post, &invitation).ok();
    assert_eq!(
        (text(&only(&post)["title"]), text(&only(&post)["organizer"])),
        ("Review".into(), ORGANIZER.into())
    );

    let cancellation = |from: &str, number, sequence| {
        mail(from, number, "CANCEL", &meeting(sequence, "Review", "STATUS:CANCELLED\r\n"))
    };
    is_only_shown(&post, cancellation("mallory@example.net", 2, 9), "not who organizes it");
    is_only_shown(&post, cancellation(ORGANIZER, 3, 0), "nothing newer");
    is_only_shown(&post, cancellation(ORGANIZER, 4, 1), "nothing newer");
    let forged = meeting(9, "Review", "").replace(ORGANIZER, "mallory@example.net");
    is_only_shown(&post, mail("mallory@example.net", 5, "REQUEST", &forged), "not who organizes it");
    is_only_shown(&post, mail(ORGANIZER, 6, "REQUEST", &meeting(1, "Replayed", "")), "nothing newer");

    let changed = arrive(&post, mail(ORGANIZER, 7, "REQUEST", &meeting(2, "Review of all", "")));
    assert_eq!(text(&only(&post)["title"]), "Review", "before a person says so");
    accept(&post, &changed).ok();
    assert_eq!(text(&only(&post)["title"]), "Review of all");
    let off = arrive(&post, cancellation(ORGANIZER, 8, 3));
    assert_eq!(said(&post, &off)["offer"], "cancel");
    accept(&post, &off).ok();
    assert_eq!(only(&post)["status"], "cancelled");
    // The same mail once more, and the change that was before it.
    is_only_shown(&post, cancellation(ORGANIZER, 9, 3), "nothing newer");
    is_only_shown(&post, mail(ORGANIZER, 10, "REQUEST", &meeting(2, "Review of all", "")), "nothing newer");
    assert_eq!(
        post.run(&["outbox", "list", "--all", "--json"]).ok().json(),
        serde_json::json!([]),
        "nobody was mailed"
    );
}

#[test]
fn an_answer_goes_to_the_organizer_where_a_person_wants_it() {
    let post = Post::new();
    let invitation = arrive(&post, mail(ORGANIZER, 1, "REQUEST", &meeting(1, "Review", "")));
    let id = text(&accept(&post, &invitation).ok().json()[0]);
    post.run(&["activity", "respond", &id, "tentative"]).ok();
    let sent = || post.run(&["outbox", "list", "--all", "--json"]).ok().json();
    assert_eq!(sent(), serde_json::json!([]));
    post.run(&["activity", "respond", &id, "accepted", "--notify"]).ok();
    let queued = sent();
    assert_eq!(
        (&queued[0]["recipients"], &queued[0]["subject"]),
        (&serde_json::json!([ORGANIZER]), &"Accepted: Review".into())
    );
    assert_eq!(queued.as_array().unwrap().len(), 1);
    let raw = post.run(&["outbox", "show", queued[0]["id"].as_str().unwrap(), "--raw"]).ok().out;
    assert!(raw.contains("method=REPLY"), "{raw}");
    post.run(&["--sync-now"]).ok();
    let delivered = sent();
    assert_eq!((&delivered[0]["state"], delivered.as_array().unwrap().len()), (&"sent".into(), 1));
}

#[test]
fn who_takes_part_is_mailed_once_where_a_person_wants_it_and_their_answer_comes_back() {
    let post = Post::new();
    let start = ["--start", "2027-03-15 10:00", "--zone", "UTC"];
    let add = [&["activity", "add", "--json", "Review", "--participant", ORGANIZER, "--notify"][..], &start]
        .concat();
    let made = post.run(&add).ok().json();
    let id = text(&made["id"]);
    let sent = || post.run(&["outbox", "list", "--all", "--json"]).ok().json().as_array().unwrap().clone();
    assert_eq!(sent().iter().map(|one| text(&one["subject"])).collect::<Vec<_>>(), ["Invitation: Review"]);
    post.run(&["activity", "edit", &id, "--remind", "5m", "--notify"]).ok();
    assert_eq!(sent().len(), 1, "what is one's own is nobody else's business");
    post.run(&["activity", "edit", &id, "--title", "Review", "--notify"]).ok();
    assert_eq!(sent().len(), 1, "what is as it was is no news");

    let reply = format!(
        "BEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:20270101T000000Z\r\nDTSTART:20270315T100000Z\r\nORGANIZER:mailto:{USER}\r\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:{ORGANIZER}\r\nEND:VEVENT\r\n",
        text(&made["uid"])
    );
    let forged = arrive(&post, mail("mallory@example.net", 1, "REPLY", &reply));
    assert_eq!((&said(&post, &forged)["offer"], accept(&post, &forged).code), (&Value::Null, 2));
    let answer = arrive(&post, mail(ORGANIZER, 2, "REPLY", &reply));
    accept(&post, &answer).ok();
    let shown = post.run(&["activity", "show", "--json", &id]).ok().json();
    assert_eq!(shown["says"]["participants"][0]["response"], "accepted");
    assert_eq!(accept(&post, &answer).code, 2, "the same answer again");

    let of_one = reply
        .replace("DTSTAMP:20270101T000000Z", "DTSTAMP:20270102T000000Z\r\nRECURRENCE-ID:20270315T100000Z")
        .replace("ACCEPTED", "DECLINED");
    let of_one = arrive(&post, mail(ORGANIZER, 3, "REPLY", &of_one));
    assert_eq!(accept(&post, &of_one).code, 2, "an answer to one time is none to all");

    post.run(&["activity", "cancel", &id, "--notify"]).ok();
    post.run(&["activity", "cancel", &id, "--notify"]).ok();
    let subjects: Vec<String> = sent().iter().map(|one| text(&one["subject"])).collect();
    assert_eq!(subjects.iter().filter(|one| one.starts_with("Cancelled")).count(), 1, "{subjects:?}");

    // Without an account that could send, nothing is changed either.
    let refused = post.run(
        &[
            &[
                "activity",
                "add",
                "Other",
                "--participant",
                ORGANIZER,
                "--organizer",
                "else@example.com",
                "--notify",
            ][..],
            &start,
        ]
        .concat(),
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    let listed =
        post.run(&["activity", "list", "--json", "--from", "2027-03-01", "--to", "2027-04-01"]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
}
