//! One account's trouble is no other's, and each is told in a sentence with what to do.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::home::Provider;
use postrider_test_support::{Daemon, Proxy};

use super::many::{Many, address};
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
    // Several intervals later, and whoever asks for a run, it is still not tried again.
    thread::sleep(Duration::from_secs(4));
    for _ in 0..2 {
        let asked = many.run(&["--sync-now", "--json"]);
        assert_eq!(asked.code, 3, "{asked:?}");
        assert_eq!(asked.json()["accounts"][0]["status"], "login_needed", "{asked:?}");
    }
    assert_eq!(many.proxies[0].connections(), tried, "{}", daemon.log());

    many.home.write_config("secrets/a0", super::many::PASSWORD).unwrap();
    eventually("its mail comes in", || many.status(0)["status"] == "ok");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// Neither what holds for all accounts nor a setting of its own that no server hears of makes a refused login, or a server that asked
/// for patience, worth another try.
#[test]
fn a_reload_that_changes_nothing_for_the_servers_asks_none_of_them_again() {
    let many = Many::new(2, "1h");
    many.home.write_config("secrets/a0", "wrong").unwrap();
    let busy = Busy::start();
    many.home.provider("p1", &Provider { domain: "d1.example".into(), ..Provider::plain(busy.at) }).unwrap();
    let mut daemon = Daemon::start(&many.home, postrider()).unwrap();
    daemon
        .wait_for("STATUS=following 2 accounts, 1 tried again later, 1 waiting for a person", SOON)
        .unwrap();
    // From now on it is left alone for ten seconds and more.
    eventually("patience has grown", || busy.came.load(Relaxed) == 3);
    let tried = || (many.proxies[0].connections(), busy.came.load(Relaxed));
    let before = tried();
    assert_eq!(before.0, 1, "{}", daemon.log());

    let settings = |days: u32| {
        let store = many.home.store();
        format!("[daemon]\ninterval = \"2h\"\n[store]\npath = {store:?}\nkeep_deleted = \"{days}d\"\n")
    };
    many.home.write_config("postrider.toml", &settings(80)).unwrap();
    many.run(&["reload"]).ok();
    let file = many.home.config().join("accounts.d/a0.toml");
    let account = std::fs::read_to_string(&file).unwrap();
    many.home
        .write_config("accounts.d/a0.toml", &account.replace("[mail]\n", "[mail]\nalias = \"Anna\"\n"))
        .unwrap();
    many.run(&["reload"]).ok();
    many.home.write_config("accounts.d/a0.toml", &format!("{account}[sync]\ninterval = \"30m\"\n")).unwrap();
    many.run(&["reload"]).ok();
    assert_eq!(many.run(&["--sync-now", "a0"]).code, 3, "whoever asks is told as before");
    thread::sleep(Duration::from_secs(1));
    assert_eq!(tried(), before, "{}", daemon.log());
    assert_eq!([0, 1].map(|number| many.status(number)["phase"].clone()), ["stopped", "paused"]);

    // Another server is asked at once, with the same password.
    let elsewhere = Proxy::start(many.server.imap_addr(), Duration::ZERO).unwrap();
    many.home
        .provider("p0", &Provider { domain: "d0.example".into(), ..Provider::plain(elsewhere.addr()) })
        .unwrap();
    many.run(&["reload"]).ok();
    eventually("the other server is asked", || elsewhere.connections() == 1);
    many.home.write_config("secrets/a0", super::many::PASSWORD).unwrap();
    many.home.write_config("postrider.toml", &settings(70)).unwrap();
    many.run(&["reload"]).ok();
    eventually("another password is tried at once", || many.status(0)["status"] == "ok");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

/// The connection that is logged in goes on for a while; the next one is refused, and that is what `status` has to tell.
#[test]
fn a_password_that_is_changed_at_the_server_is_told() {
    let mut many = Many::new(1, "1s");
    let daemon = Daemon::start(&many.home, postrider()).unwrap();
    eventually("it has run", || many.status(0)["status"] == "ok");
    many.server.add_user(&address(0), "another one").unwrap();
    eventually("the refusal is told", || many.status(0)["status"] == "login_needed");
    let status = many.status(0);
    assert!(status["error"]["hint"].is_string(), "{status}");
    assert_eq!(status["phase"], "stopped", "{status}");
    many.home.write_config("secrets/a0", "another one").unwrap();
    eventually("it goes on", || many.status(0)["status"] == "ok");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}

#[test]
fn a_stop_waits_for_no_server() {
    let many = Many::new(2, "1s");
    let daemon = Daemon::start(&many.home, postrider()).unwrap();
    for number in [0, 1] {
        eventually("each has run once", || many.status(number)["status"] == "ok");
    }
    many.proxies.iter().for_each(|proxy| proxy.set_silent(true));
    // Each is in the middle of a run that nobody answers.
    thread::sleep(Duration::from_secs(2));
    assert_eq!(daemon.stop().unwrap().code(), Some(0), "within the time that a service manager gives");
}

/// A server that lets nobody in for now, and counts who comes.
struct Busy {
    at: SocketAddr,
    came: Arc<AtomicUsize>,
}

impl Busy {
    /// It answers until the process ends.
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (at, came) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = came.clone();
        let answer = move || {
            for mut connection in listener.incoming().flatten() {
                counted.fetch_add(1, Relaxed);
                let _ = connection.write_all(b"* BYE Too many connections\r\n");
            }
        };
        thread::Builder::new().name("busy".into()).spawn(answer).unwrap();
        Self { at, came }
    }
}

/// A server that hangs, a wrong password, a server that asks for patience: the fourth account keeps its interval, and each is told in a
/// sentence with what to do.
#[test]
fn the_others_keep_their_interval() {
    let many = Many::new(4, "2s");
    many.home.write_config("secrets/a1", "wrong").unwrap();
    let busy = Busy::start();
    many.home.provider("p2", &Provider { domain: "d2.example".into(), ..Provider::plain(busy.at) }).unwrap();
    let daemon = Daemon::start(&many.home, postrider()).unwrap();
    for number in [0, 3] {
        eventually("each has run once", || many.status(number)["status"] == "ok");
    }
    many.proxies[0].set_silent(true);
    let (mut runs, begun) = (Vec::new(), Instant::now());
    while runs.len() <= 10 && begun.elapsed() < SOON {
        let run = text(&many.status(3)["run"]);
        if runs.last() != Some(&run) {
            runs.push(run);
        }
        thread::sleep(Duration::from_millis(100));
    }
    // Ten intervals of two seconds; what is left is for a machine that has more to do.
    assert!(runs.len() > 10, "only {} runs of the account without trouble: {}", runs.len(), daemon.log());
    println!("ten intervals of 2 s took {:?} beside a server that hangs", begun.elapsed());
    let mut client = many.server.client(&address(3)).unwrap();
    client.append("INBOX", "", "01-Mar-2024 12:00:00 +0000", &letter("meanwhile")).unwrap();
    eventually("its mail arrives", || many.status(3)["messages"] == 2);
    // A connection that falls silent in a run is noticed within a minute, and then another one is tried, which has its own time.
    within(SILENCE, "who hangs is told", || many.status(0)["status"] == "failed");
    let error = |number: usize| {
        let status = many.status(number);
        assert!(status["error"]["message"].is_string() && status["error"]["hint"].is_string(), "{status}");
        text(&status["error"]["class"])
    };
    assert_eq!([0, 1, 2].map(error), ["transient", "login", "throttled"]);
    assert_eq!(many.proxies[1].connections(), 1, "the wrong password was tried once");
    let came = busy.came.load(Relaxed);
    assert!((1..10).contains(&came), "the server that asked for patience was asked {came} times");

    // And each goes on by itself once its trouble is over.
    many.proxies[0].set_silent(false);
    within(SILENCE, "who hung goes on", || many.status(0)["status"] == "ok");
    assert_eq!(daemon.stop().unwrap().code(), Some(0));
}
