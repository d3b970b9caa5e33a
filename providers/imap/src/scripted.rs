//! A server that follows a script: `S:` lines it says, `C:` lines it expects, in that order.
//!
//! `$` stands for a tag: in `C: $ NOOP` for the next command's, in `S: $ OK` for that of the oldest command without an end. An `S:` line
//! whose text goes on with `\r\n` (literals) writes it so. `hang` says nothing any more until the client leaves.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use postrider_model::{Clock, Timestamp};
use postrider_net::{Dialer, Endpoint, Io, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::Credential;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

use crate::{ClientName, ImapRemote, ImapSettings};

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Hands out wires in memory, one a call.
#[derive(Debug)]
pub(crate) struct Wires(Mutex<VecDeque<DuplexStream>>);

#[async_trait]
impl Dialer for Wires {
    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
        match self.0.lock().unwrap().pop_front() {
            Some(wire) => Ok(Box::new(wire)),
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// Settings for a scripted server.
pub(crate) fn settings() -> ImapSettings {
    ImapSettings {
        endpoint: Endpoint::new("imap.test", 143),
        security: Security::None,
        allow_plaintext: true,
        login_name: "me".to_owned(),
        credential: Credential::Password("s3cret".into()),
        tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
        limits: Limits { line: 1 << 20, literal: 1_000 },
        timeouts: Timeouts::default(),
        max_connections: 2,
        max_watches: 2,
        client: ClientName { name: "postrider".to_owned(), version: "1".to_owned() },
        compress: true,
    }
}

/// Lets the client act against one scripted connection after the other, and tells what it got. Every line of every script
/// that was begun has to be reached.
pub(crate) async fn play<T>(scripts: &[&str], act: impl AsyncFnOnce(ImapRemote) -> T) -> T {
    play_with(settings(), scripts, act).await
}

/// The same with other settings.
pub(crate) async fn play_with<T>(
    settings: ImapSettings,
    scripts: &[&str],
    act: impl AsyncFnOnce(ImapRemote) -> T,
) -> T {
    let (ours, theirs): (VecDeque<_>, Vec<_>) = scripts.iter().map(|_| tokio::io::duplex(512)).unzip();
    let mut servers = tokio::task::JoinSet::new();
    for (number, (wire, script)) in theirs.into_iter().zip(scripts).enumerate() {
        servers.spawn(serve(number, wire, (*script).to_owned()));
    }
    let remote = ImapRemote::new(settings, Arc::new(Wires(Mutex::new(ours))));
    let outcome = act(remote).await;
    while let Some(served) = servers.join_next().await {
        served.unwrap();
    }
    outcome
}

async fn serve(number: usize, wire: DuplexStream, script: String) {
    let mut wire = BufReader::new(wire);
    let mut tags = VecDeque::new();
    for line in script.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        match line.split_at(line.len().min(3)) {
            ("S: ", text) => say(&mut wire, text, &mut tags).await,
            ("C: ", text) => hear(&mut wire, text, &mut tags, number).await,
            _ if line == "hang" => drop(wire.read_to_end(&mut Vec::new()).await),
            _ => panic!("script {number}: {line}"),
        }
    }
}

async fn say(wire: &mut BufReader<DuplexStream>, text: &str, tags: &mut VecDeque<String>) {
    let mut line = text.replace("\\r\\n", "\r\n");
    if line.contains('$') {
        let tag = tags.front().cloned().expect("a command to answer");
        if line.starts_with('$') {
            tags.pop_front();
        }
        line = line.replacen('$', &tag, 1);
    }
    // A client that left does not hear; what it missed shows in its outcome.
    let _ = wire.write_all(format!("{line}\r\n").as_bytes()).await;
}

async fn hear(wire: &mut BufReader<DuplexStream>, text: &str, tags: &mut VecDeque<String>, number: usize) {
    let mut line = String::new();
    wire.read_line(&mut line).await.unwrap();
    let heard = line.trim_end_matches("\r\n");
    let Some(expected) = text.strip_prefix("$ ") else {
        assert_eq!(heard, text, "connection {number}");
        return;
    };
    let (tag, command) = heard.split_once(' ').unwrap_or((heard, ""));
    assert_eq!(command, expected, "connection {number}");
    tags.push_back(tag.to_owned());
}
