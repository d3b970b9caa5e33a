//! How soon a message is committed of which the server told: from the answer that told it to the end of the transaction, as the
//! program itself measures it.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use postrider_test_support::corpus::Corpus;
use serde_json::Value;

use super::stage::{ONE, Stage};
use super::table::{Row, Unit};

/// Messages that arrive, one after another.
const MESSAGES: usize = 200;
const PAUSE: Duration = Duration::from_secs(1);
/// The largest time but for one in twenty.
const PERCENTILE: f64 = 0.95;

/// The program while it watches; ended when dropped.
struct Watching {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    /// The next event of that name.
    fn next(&mut self, name: &str) -> Result<Value> {
        for line in self.events.by_ref() {
            let event: Value = serde_json::from_str(&line?)?;
            match event["event"].as_str() {
                Some("failed") => bail!("the watch failed: {event}"),
                Some(told) if told == name => return Ok(event),
                _ => {}
            }
        }
        bail!("the watch ended by itself")
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Messages arrive in a folder that is watched; the 95th percentile of the times. It takes minutes, since the server tells of a
/// change half a second later at the soonest, so it is done once.
pub(super) fn watch(stage: &Stage, corpus: &Corpus) -> Result<Row> {
    let what = format!("EXISTS read to committed, {MESSAGES} messages into {}, p95", stage.messages);
    let mut row = Row::new(&what, Unit::Seconds, Some(0.050));
    eprintln!("watch");
    let home = stage.home(ONE)?;
    let settings = fs::read_to_string(home.config().join("postrider.toml"))?;
    home.write_config("postrider.toml", &format!("{settings}[daemon]\ninterval = \"1d\"\n"))?;
    let mut command = home.command(&stage.program);
    command.args(["--json", "watch"]).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run the watch")?;
    let events = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut watching = Watching { child, events };
    watching.next("watching")?;
    let mut client = stage.server.client(ONE)?;
    let mut times = Vec::with_capacity(MESSAGES);
    let marked = corpus.unique(stage.messages + 100_000 + MESSAGES).skip(stage.messages + 100_000);
    for message in marked {
        // What came before is settled, so that nothing but the watch takes this one in.
        sleep(PAUSE);
        client.append("INBOX", "", "", &message)?;
        let event = watching.next("followed")?;
        ensure!(event["folder"] == "INBOX" && event["messages"] == 1, "it followed something else: {event}");
        times.push(event["micros"].as_f64().context("no time in the event")? / 1e6);
    }
    times.sort_by(f64::total_cmp);
    times
        .get((times.len() as f64 * PERCENTILE) as usize)
        .into_iter()
        .for_each(|time| row.samples.push(*time));
    Ok(row)
}
