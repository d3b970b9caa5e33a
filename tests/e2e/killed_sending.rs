//! Runs that are killed while they send: no message goes out twice, and what nobody knows is said (F2.6).

use std::thread;
use std::time::{Duration, Instant};

use crate::moments::{Whole, kill_at};
use crate::scene::{run_in, text};
use crate::sending::Post;

/// Moments at which a run is killed that sends two messages.
const DEATHS: usize = 60;

struct Entry {
    id: String,
    message_id: String,
}

fn queue(post: &Post) -> Vec<Entry> {
    let entries = ["bert@example.org", "carl@example.org"].map(|to| {
        let entry = post.send(&["--to", to, "--text", "x", "--later"]).ok().json();
        Entry { id: text(&entry["id"]), message_id: text(&entry["message_id"]) }
    });
    entries.into()
}

/// How often a message was delivered.
fn delivered(post: &Post, message_id: &str) -> usize {
    let all = post.postfix.delivered().unwrap();
    all.iter().filter(|one| String::from_utf8_lossy(&one.message).contains(message_id)).count()
}

/// How often it stands in Sent, by another client.
fn filed(post: &Post, message_id: &str) -> usize {
    let mut client = post.dovecot.client(crate::scene::USER).unwrap();
    client.select("Sent").unwrap();
    let answer = client.command(&format!("UID SEARCH HEADER Message-ID \"{message_id}\"")).unwrap();
    let lines = answer.lines();
    let found = lines.iter().find_map(|line| line.strip_prefix("SEARCH ")).unwrap_or_default();
    found.split_whitespace().count()
}

fn settled(post: &Post, entry: &Entry, at: &str) -> bool {
    let shown = run_in(&post.home, &["--json", "outbox", "show", &entry.id]).ok().json();
    // What was handed over is delivered a little later.
    let deadline = Instant::now() + Duration::from_secs(30);
    while shown["state"] == "sent" && delivered(post, &entry.message_id) == 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    let (out, copies) = (delivered(post, &entry.message_id), filed(post, &entry.message_id));
    match shown["state"].as_str() {
        Some("sent") => {
            assert_eq!((out, copies), (1, 1), "{at}: {shown}");
            true
        }
        // Nothing here knows whether it went out; it may have, once.
        Some("uncertain") => {
            assert!(out <= 1, "{at}: it went out {out} times: {shown}");
            assert_eq!(copies, 0, "{at}: what is filed is certain: {shown}");
            run_in(&post.home, &["outbox", "drop", &entry.id]).ok();
            false
        }
        _ => panic!("{at}: {shown}"),
    }
}

#[test]
fn a_run_killed_at_any_of_60_moments_sends_nothing_twice() {
    let post = Post::new();
    post.run(&["--sync-now"]).ok();
    queue(&post);
    post.proxy.reset();
    let started = Instant::now();
    post.run(&["--sync-now"]).ok();
    let whole = Whole { elapsed: started.elapsed(), answers: post.proxy.to_client() / 2 };
    let (mut under_way, mut certain, mut uncertain) = (0, 0, 0);
    let mut all = Vec::new();
    for nth in 0..DEATHS {
        let (entries, moment) = (queue(&post), whole.moment(nth));
        under_way += usize::from(kill_at(&post.home, &post.proxy, moment, &whole));
        for _ in 0..2 {
            post.run(&["--sync-now"]);
        }
        let at = format!("killed at {moment:?} of {whole:?}");
        for entry in entries {
            match settled(&post, &entry, &at) {
                true => certain += 1,
                false => uncertain += 1,
            }
            all.push(entry);
        }
    }
    for entry in &all {
        assert!(delivered(&post, &entry.message_id) <= 1, "{} went out twice", entry.message_id);
    }
    println!(
        "{under_way} of {DEATHS} runs were killed under way; {certain} messages were sent, {uncertain} are uncertain"
    );
    assert!(under_way >= DEATHS / 2, "most runs are to be under way when they are killed: {under_way} were");
    assert!(certain > DEATHS / 2 && uncertain > 0, "{certain} certain, {uncertain} uncertain");
}
