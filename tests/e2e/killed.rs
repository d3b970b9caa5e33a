//! A first load that is killed at a random moment: the next run completes it, nothing is lost, nothing is there twice, and what
//! was committed is not fetched again (I3).

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::home::{Account, Provider};
use postrider_test_support::{Delivery, Dovecot, Home, Proxy};
use rustix::process::{Pid, Signal, kill_process};

use crate::in_step::assert_in_step;
use crate::moments::fraction;
use crate::scene::{ACCOUNT, Answer, PASSWORD, Scene, USER, letter, number, postrider, run_in};
use crate::stored::{self, Stored};

/// Moments at which the load is killed.
const KILLS: usize = 200;
/// Loads at a time: one a core of the smallest machine.
const AT_ONCE: usize = 2;
/// Folders of twenty short letters.
const FOLDERS: usize = 12;

/// What a message is without the numbers that its way into the store gave it.
fn essence(rows: &[Stored]) -> Vec<String> {
    let mut all: Vec<String> = rows
        .iter()
        .map(|row| {
            let numbers = Stored { id: String::new(), collection: 0, message: 0, body: 0, ..row.clone() };
            format!("{numbers:?}")
        })
        .collect();
    all.sort();
    all
}

/// So many letters that a load takes several commits, in folders that are read at a time and in one that alone takes several.
fn furnish(server: &Dovecot) -> usize {
    let mut count = 0;
    for folder in 0..FOLDERS {
        let mail = (0..20).map(|at| Delivery::new(sized(&format!("folder {folder} letter {at}"), 3_000)));
        count += server.fill(USER, &format!("Folder {folder}"), mail).unwrap();
    }
    let large = (0..40).map(|at| Delivery::new(sized(&format!("large {at}"), 120_000)));
    count + server.fill(USER, "INBOX", large).unwrap()
}

fn sized(subject: &str, size: usize) -> Vec<u8> {
    let mut bytes = letter(subject);
    let mut state = subject.len() as u32;
    while bytes.len() < size {
        let line: String = (0..70)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'a' + u8::try_from(state >> 24).unwrap() % 26)
            })
            .collect();
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn home_at(proxy: &Proxy) -> Home {
    let home = Home::new().unwrap();
    home.provider("here", &Provider::plain(proxy.addr())).unwrap();
    home.account(ACCOUNT, &Account::all_mail("here", USER, PASSWORD)).unwrap();
    home
}

/// What a load that nothing disturbs comes to.
struct Reference {
    essence: Vec<String>,
    /// Octets of all messages.
    octets: u64,
    /// Octets that came over the wire.
    wire: u64,
    elapsed: Duration,
}

fn undisturbed(server: &Dovecot, messages: usize) -> Reference {
    let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
    let home = home_at(&proxy);
    let started = Instant::now();
    run_in(&home, &["--sync-now"]).ok();
    let elapsed = started.elapsed();
    let rows = stored::mail(&home.store());
    assert_eq!(rows.len(), messages);
    let octets = rows.iter().map(|row| row.size).sum();
    Reference { essence: essence(&rows), octets, wire: proxy.to_client(), elapsed }
}

/// How much was committed when the process died, of how much.
struct Death {
    committed: usize,
    ended_by_itself: bool,
}

/// One load, killed after that long, and the run that completes it.
fn kill_and_resume(server: &Dovecot, reference: &Reference, after: Duration) -> Death {
    let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
    let home = home_at(&proxy);
    let mut command = home.command(postrider());
    let mut load = command.arg("--sync-now").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(after);
    let ended_by_itself = load.try_wait().unwrap().is_some();
    kill_process(Pid::from_child(&load), Signal::KILL).ok();
    load.wait().unwrap();

    let before = stored::mail(&home.store());
    let committed: u64 = before.iter().map(|row| row.size).sum();
    proxy.reset();
    let report = run_in(&home, &["--sync-now", "--json"]).ok().json();
    let mail = &report["accounts"][0]["mail"];
    let missing = (reference.essence.len() - before.len()) as u64;
    assert_eq!(
        number(&mail["pulled"]),
        missing,
        "killed after {after:?}: fetched is what was missing: {report}"
    );
    assert_eq!(number(&mail["bytes"]), reference.octets - committed, "killed after {after:?}: {report}");
    // The report might flatter itself; the wire does not. What is no message is a few hundred octets a message.
    let overhead = reference.wire - reference.octets + 200 * before.len() as u64 + 8_000;
    let limit = reference.octets - committed + overhead;
    assert!(
        proxy.to_client() <= limit,
        "killed after {after:?}: {} octets came, {limit} were missing",
        proxy.to_client()
    );

    let rows = stored::mail(&home.store());
    assert!(
        essence(&rows) == reference.essence,
        "killed after {after:?}: {} messages, not those of the server",
        rows.len()
    );
    for row in &before {
        assert!(rows.contains(row), "killed after {after:?}: {} changed afterwards", row.id);
    }
    let found = run_in(&home, &["mail", "search", "--json", "--limit", "10000", "letter"]).ok().json();
    assert_eq!(
        found.as_array().unwrap().len(),
        FOLDERS * 20,
        "killed after {after:?}: all of it can be searched"
    );
    Death { committed: before.len(), ended_by_itself }
}

#[test]
fn a_first_load_killed_at_any_of_200_moments_is_completed_by_the_next_run() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let messages = furnish(&server);
    // The first reading is Dovecot's own first, and slower.
    undisturbed(&server, messages);
    let reference = undisturbed(&server, messages);
    let next = AtomicUsize::new(0);
    let deaths: Vec<Death> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut deaths = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= KILLS {
                            return deaths;
                        }
                        deaths.push(kill_and_resume(
                            &server,
                            &reference,
                            reference.elapsed.mul_f64(fraction(number)),
                        ));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let partly = deaths.iter().filter(|death| death.committed > 0 && death.committed < messages).count();
    let late = deaths.iter().filter(|death| death.ended_by_itself).count();
    println!("{partly} of {KILLS} loads were killed with a part committed; {late} had ended by themselves");
    assert!(partly > KILLS / 10, "the moments are to meet commits: {partly} of {KILLS} did");
    assert!(late < KILLS / 2, "most loads are to be under way still: {late} of {KILLS} had ended");
}

#[test]
fn an_interrupted_run_says_so_ends_with_1_and_is_resumed() {
    for signal in [Signal::INT, Signal::TERM] {
        let scene = Scene::new();
        let messages = furnish(&scene.server);
        // Nothing passes after so many octets: the run is surely under way when the signal comes.
        scene.proxy.set_fault(postrider_test_support::proxy::Fault::SilentAfter(3_000_000));
        let mut command = scene.command(&["--sync-now"]);
        let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while stored::mail(&scene.home.store()).is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        kill_process(Pid::from_child(&run), signal).unwrap();
        let asked = Instant::now();
        let output = run.wait_with_output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(10), "it ends at once");
        let answer = Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert_eq!(answer.code, 1, "{answer:?}");
        assert_eq!(
            answer.err,
            "error: cannot finish the run: it was interrupted\nhint: what came in is stored; the next run goes on from there\n"
        );
        let before = stored::mail(&scene.home.store());
        assert!(!before.is_empty() && before.len() < messages, "{} messages are here", before.len());
        scene.proxy.set_fault(postrider_test_support::proxy::Fault::None);
        let report = scene.sync();
        assert_eq!(number(&report["mail"]["pulled"]), (messages - before.len()) as u64, "{report}");
        assert_in_step(&scene);
    }
}
