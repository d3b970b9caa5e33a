//! What the daemon costs while nothing happens: many accounts that are watched over TLS, each polled on its interval besides.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use postrider_test_support::dovecot::Builder;
use postrider_test_support::home::{Account, Provider};
use postrider_test_support::{Certs, Daemon, Delivery, Dovecot, Home, programs};

use super::table::{Row, Unit};
use crate::packages;
use crate::steps::cargo;

const PASSWORD: &str = "correct horse battery";
const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// Messages in each mailbox, in three folders.
const MESSAGES: usize = 30;
/// Longer than all accounts take to come in.
const START: Duration = Duration::from_secs(600);

/// How much is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Accounts; the bars hold for 200.
    #[arg(long, default_value_t = 200)]
    accounts: usize,
    /// Minutes for which they are followed.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

/// Memory and processor time of the daemon with so many accounts on IDLE over TLS.
pub(crate) fn measure(options: &Options) -> Result<Vec<Row>> {
    packages::ensure(&[packages::DOVECOT])?;
    cargo(&["build", "--release", "-p", "postrider"])?;
    if options.accounts != 200 || options.minutes != 10 {
        eprintln!("the bars hold for 200 accounts over 10 minutes");
    }
    let program = programs::find_postrider("release")?;
    let certs = Certs::new()?;
    let server = server(options.accounts, &certs)?;
    let home = home(options.accounts, &server, &certs)?;
    let daemon = Daemon::start(&home, &program)?;
    wait_until_watched(&daemon, options.accounts)?;
    // The first load's buffers are given back and its log is written back: what is measured is rest.
    sleep(Duration::from_secs(20));

    let begun = Instant::now();
    let before = processor_time(daemon.pid())?;
    let mut most = 0.0_f64;
    while begun.elapsed() < Duration::from_secs(options.minutes * 60) {
        sleep(Duration::from_secs(1));
        most = most.max(status_field(daemon.pid(), "VmRSS")?);
    }
    let used = (processor_time(daemon.pid())? - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    let peak = status_field(daemon.pid(), "VmHWM")?;
    let connections = connections(daemon.pid())?;
    let polled = daemon.log().matches("run ended").count();
    eprintln!(
        "{connections} connections, {polled} runs in all, {:.1} MiB at most since the start",
        peak / MEBIBYTE
    );
    ensure!(connections >= options.accounts, "only {connections} connections: not every account is watched");
    ensure!(daemon.stop()?.success(), "the daemon did not stop as it should");

    let what = |what: &str| {
        format!("daemon, {} accounts on IDLE over TLS, {} min: {what}", options.accounts, options.minutes)
    };
    let mut memory = Row::new(&what("memory"), Unit::Mebibytes, Some(120.0 * MEBIBYTE));
    memory.samples.push(most);
    let mut processor = Row::new(&what("of a core"), Unit::Percent, Some(0.02));
    processor.samples.push(used);
    Ok(vec![memory, processor])
}

fn address(number: usize) -> String {
    format!("user{number}@example.com")
}

fn server(accounts: usize, certs: &Certs) -> Result<Dovecot> {
    let builder = (0..accounts)
        .fold(Dovecot::builder(), |builder: Builder, number| builder.user(&address(number), PASSWORD));
    // One process serves all logins: it goes on carrying their TLS.
    let server = builder.tls(&certs.good).extra("service imap-login {\n  service_count = 0\n}").start()?;
    for number in 0..accounts {
        for folder in ["INBOX", "Sent", "Archive"] {
            let mail = (0..MESSAGES / 3).map(|nth| Delivery::new(letter(number, folder, nth)));
            server.fill(&address(number), folder, mail)?;
        }
    }
    Ok(server)
}

fn letter(number: usize, folder: &str, nth: usize) -> Vec<u8> {
    format!(
        "From: Bert <bert@example.org>\r\nTo: {}\r\nSubject: {folder} {nth}\r\nDate: Fri, 01 Mar 2024 12:00:00 +0000\r\n\
         Message-ID: <{number}.{folder}.{nth}@example.org>\r\n\r\nThe text.\r\n",
        address(number)
    )
    .into_bytes()
}

fn home(accounts: usize, server: &Dovecot, certs: &Certs) -> Result<Home> {
    let home = Home::new()?;
    let store = home.store();
    home.write_config("postrider.toml", &format!("[store]\npath = {store:?}\n[log]\nlevel = \"debug\"\n"))?;
    let provider =
        Provider { security: "tls", ca_file: Some(certs.ca_file()), ..Provider::plain(server.imaps_addr()) };
    home.provider("here", &provider)?;
    for number in 0..accounts {
        home.account(&format!("a{number}"), &Account::all_mail("here", &address(number), PASSWORD))?;
    }
    Ok(home)
}

/// Waits until every account is watched.
fn wait_until_watched(daemon: &Daemon, accounts: usize) -> Result<()> {
    let end = Instant::now() + START;
    while daemon.log().matches("the server will tell of changes").count() < accounts {
        if Instant::now() > end {
            bail!("not every account is watched after {START:?}: {}", daemon.log());
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// User's and system's time of a process so far (proc_pid_stat(5), fields 14 and 15).
fn processor_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace().collect();
    let ticks = |at: usize| -> Result<u64> { Ok(fields.get(at).context("too few fields in stat")?.parse()?) };
    // The kernel tells ticks of a hundredth of a second on every machine that Linux runs on (time(7), USER_HZ).
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// A field of /proc/PID/status that is in kB, as octets.
fn status_field(pid: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).context("no such field")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no value")?.parse()?;
    Ok(kib * 1024.0)
}

/// TCP connections that a process has open.
fn connections(pid: u32) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let target = fs::read_link(entry?.path());
        count += usize::from(target.is_ok_and(|target| target.to_string_lossy().starts_with("socket:")));
    }
    Ok(count)
}
