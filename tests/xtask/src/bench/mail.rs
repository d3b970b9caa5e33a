//! The mail rows of "Numbers to reach" that need no writing and no daemon. Programs that are compared run
//! in turn, round by round; the ratio is taken within a round.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use postrider_test_support::corpus::{self, Corpus};
use postrider_test_support::dovecot::capabilities_without;
use postrider_test_support::{Home, Proxy, programs};

use super::Options;
use super::search::search;
use super::stage::{FOLDERS, LARGE, LARGE_BYTES, LARGER, MANY, ONE, Stage, Sync, point_mbsync_to, point_to};
use super::table::{Row, Unit};
use super::watch::watch;
use crate::packages;
use crate::steps::cargo;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
const ROUND_TRIP: Duration = Duration::from_millis(50);
const CHANGED_FLAGS: usize = 100;
const NEW_MESSAGES: usize = 10;

/// What `--only` may name.
const GROUPS: [&str; 6] = ["load", "memory", "search", "watch", "unchanged", "changed"];

/// Measures all rows, or those whose group is asked for.
pub(crate) fn measure(options: &Options) -> Result<Vec<Row>> {
    packages::ensure(&[packages::DOVECOT, packages::MBSYNC])?;
    cargo(&["build", "--release", "-p", "postrider"])?;
    let corpus = corpus::load()?;
    if !corpus.real {
        eprintln!("skipped by name: real mail ({} is not set), the mail is generated", corpus::VARIABLE);
    }
    if options.messages != 48_000 {
        eprintln!("the bars hold for 48,000 messages, these are {}", options.messages);
    }
    let mut stage = Stage::new(&programs::find_postrider("release")?, options.messages)?;
    let wanted = |group: &str| options.only.as_deref().is_none_or(|only| group.contains(only));
    let mut rows = Vec::new();
    if !GROUPS.iter().any(|group| wanted(group)) {
        bail!("nothing is called so: there are {}", GROUPS.join(", "));
    }
    if wanted("load") || wanted("unchanged") || wanted("changed") || wanted("search") || wanted("watch") {
        stage.fill(ONE, &corpus)?;
    }
    if wanted("load") {
        rows.extend(first_load(&stage, options)?);
    }
    if wanted("memory") {
        rows.push(peak_memory(&stage, &corpus, options, LARGE, options.messages)?);
    }
    if wanted("memory") && options.long {
        rows.push(peak_memory(&stage, &corpus, options, LARGER, options.messages * 10)?);
    }
    if wanted("search") && !corpus.real {
        eprintln!("skipped by name: search, which wants the words of real mail");
    } else if wanted("search") {
        rows.push(search(&stage, &corpus, options)?);
    }
    if wanted("watch") {
        rows.push(watch(&stage, &corpus)?);
    }
    if wanted("unchanged") {
        stage.fill(MANY, &corpus)?;
        rows.extend(unchanged(&stage, options, ONE, [1.0, 1.0])?);
        rows.extend(unchanged(&stage, options, MANY, [1.0, 0.05])?);
    }
    if wanted("changed") {
        rows.push(few_changes(&stage, &corpus, options, "with QRESYNC", 16.0 * 1024.0)?);
        stage.server.stop();
        stage.server.set_capability(Some(capabilities_without(&["QRESYNC", "CONDSTORE"])));
        stage.server.start()?;
        rows.push(few_changes(&stage, &corpus, options, "without CONDSTORE", 1.5 * MEBIBYTE)?);
    }
    Ok(rows)
}

fn first_load(stage: &Stage, options: &Options) -> Result<Vec<Row>> {
    let name = |what: &str| format!("first load of {}: {what}", stage.messages);
    let mut against_raw = Row::new(&name("durable / raw read"), Unit::Times, Some(5.0));
    let mut against_mbsync = Row::new(&name("durable / mbsync"), Unit::Times, Some(1.0));
    let mut searchable = Row::new(&name("searchable / durable"), Unit::Times, Some(1.5));
    let mut seconds = Row::new(&name("durable"), Unit::Seconds, None);
    let mut raw_seconds = Row::new(&name("raw read"), Unit::Seconds, None);
    for round in 1..=options.rounds {
        eprintln!("first load, round {round}");
        let raw = stage.raw_read(ONE)?.as_secs_f64();
        let (_home, sync) = stage.first_load(ONE, stage.messages)?;
        let mbsync = stage.mbsync(ONE)?;
        let yardstick = mbsync.run()?.as_secs_f64();
        let brought = mbsync.messages()?;
        ensure!(brought == stage.messages, "mbsync brought {brought} messages");
        let durable = sync.durable_secs();
        against_raw.samples.push(durable / raw);
        against_mbsync.samples.push(durable / yardstick);
        sync.searchable_secs().into_iter().for_each(|secs| searchable.samples.push(secs / durable));
        seconds.samples.push(durable);
        raw_seconds.samples.push(raw);
    }
    Ok(vec![against_raw, against_mbsync, searchable, seconds, raw_seconds])
}

fn peak_memory(stage: &Stage, corpus: &Corpus, options: &Options, user: &str, count: usize) -> Result<Row> {
    stage.fill(user, corpus)?;
    let what = format!("first load of {count} and one of 100 MB: peak memory beyond that one");
    let mut row = Row::new(&what, Unit::Mebibytes, Some(96.0 * MEBIBYTE));
    // Memory varies little, and ten times the mail takes long.
    let rounds = if user == LARGER { 1 } else { options.rounds };
    for round in 1..=rounds {
        eprintln!("memory, round {round}");
        let (_home, sync) = stage.first_load(user, count + 1)?;
        row.samples.push(sync.run.peak_bytes as f64 - LARGE_BYTES as f64);
    }
    Ok(row)
}

/// Nothing has changed: times against mbsync, directly and over a long line, and bytes. `bars`: of the
/// ratio directly, and over the long line.
fn unchanged(stage: &Stage, options: &Options, user: &str, bars: [f64; 2]) -> Result<Vec<Row>> {
    let folders = if user == MANY { FOLDERS } else { 1 };
    let name = |what: &str| format!("nothing changed, folders: {folders}: {what}");
    let mut direct = Row::new(&name("run / mbsync"), Unit::Times, Some(bars[0]));
    let mut far = Row::new(&name("run / mbsync, 50 ms away"), Unit::Times, Some(bars[1]));
    let mut far_seconds = Row::new(&name("run, 50 ms away"), Unit::Seconds, None);
    let per_folder_bar = (user == MANY).then_some(200.0);
    let mut per_folder = Row::new(&name("bytes on the wire a folder"), Unit::Bytes, per_folder_bar);
    let mut mbsync_bytes = Row::new(&name("bytes of mbsync a folder"), Unit::Bytes, None);

    let home = stage.home(user)?;
    let mbsync = stage.mbsync(user)?;
    ensure!(stage.sync(&home)?.count("pulled").is_some_and(|pulled| pulled > 0), "the first load is empty");
    mbsync.run()?;
    for round in 1..=options.rounds {
        eprintln!("nothing changed in {folders} folders, round {round}");
        let run = quiet(stage, &home)?.run.elapsed.as_secs_f64();
        direct.samples.push(run / mbsync.run()?.as_secs_f64());
    }
    let proxy = Proxy::start(stage.server.imap_addr(), ROUND_TRIP)?;
    point_to(&home, proxy.addr())?;
    point_mbsync_to(&mbsync, user, proxy.addr())?;
    for round in 1..=options.rounds {
        eprintln!("nothing changed in {folders} folders, 50 ms away, round {round}");
        proxy.reset();
        let run = quiet(stage, &home)?.run.elapsed.as_secs_f64();
        per_folder.samples.push(traffic(&proxy) / folders as f64);
        proxy.reset();
        far.samples.push(run / mbsync.run()?.as_secs_f64());
        mbsync_bytes.samples.push(traffic(&proxy) / folders as f64);
        far_seconds.samples.push(run);
    }
    Ok(vec![direct, far, far_seconds, per_folder, mbsync_bytes])
}

/// A run that must find nothing to do.
fn quiet(stage: &Stage, home: &Home) -> Result<Sync> {
    let sync = stage.sync(home)?;
    for count in ["pulled", "pushed", "deleted"] {
        let number = sync.count(count).unwrap_or(0);
        ensure!(number == 0, "nothing changed, and {number} were {count}");
    }
    Ok(sync)
}

fn few_changes(stage: &Stage, corpus: &Corpus, options: &Options, how: &str, bar: f64) -> Result<Row> {
    let what = format!("{CHANGED_FLAGS} flags and {NEW_MESSAGES} new among {}, {how}: bytes", stage.messages);
    let mut row = Row::new(&what, Unit::Bytes, Some(bar));
    let proxy = Proxy::start(stage.server.imap_addr(), Duration::ZERO)?;
    let home = stage.home(ONE)?;
    stage.sync(&home)?;
    point_to(&home, proxy.addr())?;
    for round in 1..=options.rounds {
        eprintln!("few changes {how}, round {round}");
        let new_bytes = change(stage, corpus, round as usize)?;
        proxy.reset();
        let sync = stage.sync(&home)?;
        let pulled = sync.count("pulled").unwrap_or(0);
        ensure!(pulled >= NEW_MESSAGES as u64, "{NEW_MESSAGES} came, and {pulled} were pulled");
        row.samples.push(traffic(&proxy) - new_bytes);
    }
    Ok(row)
}

/// Changes flags, scattered over the folder and others in each round, and appends new messages, whose bytes
/// are returned.
fn change(stage: &Stage, corpus: &Corpus, round: usize) -> Result<f64> {
    let mut client = stage.server.client(ONE)?;
    client.select("INBOX")?;
    let uids = client.uids()?;
    let stride = (uids.len() / CHANGED_FLAGS).max(1);
    for at in 0..CHANGED_FLAGS {
        let uid = uids.get(at * stride + round * 7 % stride).context("too few messages")?;
        let fetched = client.command(&format!("UID FETCH {uid} FLAGS"))?.lines();
        let how = if fetched.iter().any(|line| line.contains("\\Flagged")) { "-FLAGS" } else { "+FLAGS" };
        client.store(&uid.to_string(), how, "\\Flagged")?;
    }
    let mut bytes = 0;
    for message in corpus.unique(uids.len() + NEW_MESSAGES).skip(uids.len()) {
        client.append("INBOX", "", "", &message)?;
        bytes += message.len();
    }
    Ok(bytes as f64)
}

/// Bytes that passed in both directions.
fn traffic(proxy: &Proxy) -> f64 {
    (proxy.to_server() + proxy.to_client()) as f64
}
