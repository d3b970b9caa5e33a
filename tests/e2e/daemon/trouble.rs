//! One account's trouble is no other's, and each is told in a sentence with what to do.

use std::thread;
use std::time::Duration;

use postrider_test_support::Daemon;

use super::many::{Many, address, name};
use super::{SOON, eventually, within};
use crate::scene::{letter, postrider, text};

/// Longer than a silent connection is believed.
const SILENCE: Duration = Duration::from_secs(150);

#[test]
fn a_wrong_password_is_tried_once_and_another_one_is_used_by_itself() {
    let many = Many::new(1, "1s");
    many.home.write_config("secrets/a0", "wrong").unwrap();
    let mut daemon = Daemon::start(&many.home, postrider()).unwrap();
    daemon.wait_for("STATUS=following 1 account, 1 waiting for a person", SOON).unwrap();
    let tried = many.proxies[0].connections();
    assert_eq!(tried, 1, "{}", daemon.log());
    let status = many.status(0);
    assert_eq!(status["status"], "login_needed", "{status}");
    assert!(status["error"]["hint"].is_string(), "{status}");
    // Several intervals and somebody's edits later it is still not tried again.
    thread::sleep(Duration::from_secs(4));
    assert_eq!(many.proxies[0].connections(), tried, "{}", daemon.log());

    many.home.write_config("secrets/a0", super::many::PASSWORD).unwrap();
    eventually("its mail comes in", || many.status(0)["status"] == "ok");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// A server that hangs, a wrong password, a server that asks for patience: the fourth account keeps its interval.
#[test]
fn the_others_keep_their_interval() {
    let many = Many::new(4, "2s");
    many.home.write_config("secrets/a1", "wrong").unwrap();
    let daemon = Daemon::start(&many.home, postrider()).unwrap();
    for number in [0, 2, 3] {
        eventually("each has run once", || many.status(number)["status"] == "ok");
    }
    many.proxies[0].set_silent(true);
    many.proxies[2].set_refuse(true);
    many.proxies[2].cut();
    let mut runs = Vec::new();
    for _ in 0..200 {
        let run = text(&many.status(3)["run"]);
        if runs.last() != Some(&run) {
            runs.push(run);
        }
        if runs.len() > 5 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!(runs.len() > 5, "only {} runs of the account without trouble: {}", runs.len(), daemon.log());
    let mut client = many.server.client(&address(3)).unwrap();
    client.append("INBOX", "", "01-Mar-2024 12:00:00 +0000", &letter("meanwhile")).unwrap();
    eventually("its mail arrives", || many.status(3)["messages"] == 2);
    // A server that went silent while it is only listened to is noticed within a minute, and then another
    // connection is tried, which has its own time.
    within(SILENCE, "who hangs is told", || many.status(0)["status"] == "failed");
    for number in [0, 1, 2] {
        let status = many.status(number);
        assert!(status["error"]["message"].is_string(), "{status}");
    }
    assert_eq!(many.status(1)["status"], "login_needed");
    assert_eq!(many.status(2)["status"], "failed");
    assert_eq!(many.proxies[1].connections(), 1, "the wrong password was tried once");

    // And each goes on by itself once its trouble is over.
    many.proxies[0].set_silent(false);
    many.proxies[2].set_refuse(false);
    for number in [0, 2] {
        within(SILENCE, &format!("{} goes on", name(number)), || many.status(number)["status"] == "ok");
    }
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}
