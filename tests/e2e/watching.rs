//! `postrider watch`: what happens on the server is here within moments, and the reverse; connections that end are replaced, those
//! that fall silent too.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::{Delivery, Home};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::in_step::{assert_in_step, on_server};
use crate::scene::{Scene, USER, letter, postrider, run_in, text};
use crate::sending::Post;

/// Longer than anything takes but noticing silence.
const SOON: Duration = Duration::from_secs(30);

/// The program, watching.
pub struct Watching {
    child: Child,
    events: Receiver<Value>,
}

impl Watching {
    pub fn start(scene: &Scene) -> Self {
        let watching = Self::run(scene.command(&["--json", "watch"]));
        watching.until(SOON, |event| event["event"] == "watching" && event["folders"] != 0);
        watching
    }

    fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, events) = channel();
        thread::Builder::new()
            .spawn(move || {
                for line in lines.map_while(Result::ok) {
                    if tell.send(serde_json::from_str(&line).unwrap()).is_err() {
                        return;
                    }
                }
            })
            .unwrap();
        Self { child, events }
    }

    /// Waits for an event of that kind; what comes before it is passed over.
    pub fn until(&self, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        let mut passed = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) if wanted(&event) => return event,
                Ok(event) => passed.push(event),
                Err(error) => panic!("not told within {limit:?} ({error}); told was {passed:?}"),
            }
        }
    }

    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn scene() -> Scene {
    let scene = Scene::new();
    let mail = (0..3).map(|number| Delivery::new(letter(&format!("first {number}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.server.fill(USER, "Work", [Delivery::new(letter("work"))]).unwrap();
    scene
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn append(scene: &Scene, subject: &str) {
    append_to(scene, "INBOX", subject);
}

fn append_to(scene: &Scene, folder: &str, subject: &str) {
    scene.client().append(folder, "", "01-Mar-2024 12:00:00 +0000", &letter(subject)).unwrap();
}

fn is_in_inbox(event: &Value) -> bool {
    event["event"] == "followed" && event["folder"] == "INBOX"
}

#[test]
fn both_sides_follow_each_other_within_moments() {
    let scene = scene();
    let watching = Watching::start(&scene);
    append(&scene, "new there");
    watching.until(SOON, is_in_inbox);
    eventually("search finds it", || scene.found(&["subject:new"]) == ["new there"]);

    let rows = scene.listed();
    let id_of = |subject: &str| text(&rows.iter().find(|row| row["subject"] == subject).unwrap()["id"]);
    scene.run(&["mail", "flag", &id_of("first 0"), "+seen", "+Todo"]).ok();
    scene.run(&["mail", "move", &id_of("first 1"), "--to", "Work"]).ok();
    eventually("a change made here is there", || {
        let there = on_server(&scene);
        let seen =
            there["INBOX"].messages.iter().any(|message| message.flags.iter().any(|flag| flag == "\\Seen"));
        seen && there["Work"].messages.len() == 2
    });
    let other = scene.run(&["--sync-now", "--json"]).json();
    assert_eq!(other["accounts"][0]["status"], "busy", "never two syncers on one store");
    watching.stop();
    scene.sync();
    assert_in_step(&scene);
}

#[test]
fn a_connection_that_ends_is_replaced() {
    let scene = scene();
    let watching = Watching::start(&scene);
    scene.proxy.cut();
    watching.until(SOON, |event| event["event"] == "failed" && event["class"] == "transient");
    append(&scene, "while nobody looked");
    watching.until(SOON, |event| event["event"] == "ran" && event["report"]["mail"]["pulled"] == 1);
    watching.until(SOON, |event| event["event"] == "watching");
    append(&scene, "and after");
    watching.until(SOON, is_in_inbox);
    watching.stop();
}

/// What a proxy swallows without ending the connection is noticed within a minute.
#[test]
fn a_connection_that_falls_silent_is_noticed_and_replaced() {
    let scene = scene();
    let watching = Watching::start(&scene);
    // Each folder is read once as the watch begins; then nothing is on its way but IDLE.
    thread::sleep(Duration::from_secs(3));
    scene.proxy.set_silent(true);
    watching.until(Duration::from_secs(60), |event| event["event"] == "failed");
    scene.proxy.set_silent(false);
    append(&scene, "after the silence");
    watching.until(SOON, |event| event["event"] == "ran" && event["report"]["mail"]["pulled"] == 1);
    watching.stop();
}

/// One folder's trouble keeps nothing from being followed in the others.
#[test]
fn a_folder_that_cannot_be_read_does_not_end_the_watch() {
    let scene = scene();
    scene.sync();
    append_to(&scene, "Work", "more work");
    let work = scene.server.maildir(USER).join("Work");
    fs::set_permissions(&work, Permissions::from_mode(0o000)).unwrap();
    let watching = Watching::run(scene.command(&["--json", "watch"]));
    let ran = watching.until(SOON, |event| event["event"] == "ran");
    assert_eq!(ran["report"]["status"], "failed", "{ran}");
    let told = watching.until(SOON, |event| event["event"] == "warning");
    assert_eq!(told["message"], ran["report"]["error"]["message"]);
    watching.until(SOON, |event| event["event"] == "watching" && event["folders"] != 0);
    append(&scene, "in the meantime");
    watching.until(SOON, is_in_inbox);
    watching.stop();
    fs::set_permissions(&work, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_is_refused_for_good_is_told_while_watching() {
    let post = Post::with(|builder| builder.refuse("gone@example.org", "550 5.1.1 no such user"));
    let mut command = post.home.command(postrider());
    command.args(["--json", "watch"]);
    let watching = Watching::run(command);
    watching.until(SOON, |event| event["event"] == "watching");
    post.send(&["--to", "gone@example.org", "--text", "x", "--later"]).ok();
    let told = watching
        .until(SOON, |event| event["event"] == "warning" && text(&event["message"]).contains("no such user"));
    assert_eq!(told["account"], "work");
    post.send(&["--to", "bert@example.org", "--text", "x", "--later"]).ok();
    assert_eq!(post.postfix.wait_for(1).unwrap()[0].to, "bert@example.org");
    watching.stop();
}

#[test]
fn a_wrong_password_is_tried_once() {
    let scene = scene();
    scene.home.write_config("secrets/work", "wrong").unwrap();
    let mut command = scene.command(&["--json", "watch"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let report = match event["event"].as_str() {
        Some("ran") => serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap(),
        _ => event,
    };
    assert_eq!(
        (&report["event"], &report["class"], &report["pause_ms"]),
        (&"failed".into(), &"login".into(), &Value::Null),
        "{report}"
    );
    assert_eq!(child.wait().unwrap().code(), Some(3), "nothing is left to follow");
    assert_eq!(scene.proxy.connections(), 1, "it was tried once");
}

#[test]
fn without_an_account_there_is_nothing_to_watch() {
    let home = Home::new().unwrap();
    let answer = run_in(&home, &["watch"]).ok();
    assert!(answer.err.contains("there are no accounts with mail yet; `postrider account add"), "{answer:?}");
}
