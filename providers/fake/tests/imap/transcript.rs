//! Plays transcripts against a server in memory.
//!
//! A script is a line a step:
//! - `C: text`: the client sends the line; `C> text`: without a line end; `\r\n` and `\xNN` are octets in both.
//! - `S: text`: the server's next line; `text...` matches its beginning.
//! - `S: ...`: lines are passed over up to the tagged answer to the last command, which must be OK.
//! - `O: act mailbox arguments`: the other client acts.
//! - `V: text`: one more violation than before, with this text in it.
//! - `E:`: the server closes the connection.
//!
//! At the end the server must have no violation that the script did not name, and nothing more to say.

use std::time::Duration;

use chrono::DateTime;
use postrider_fake::{
    Capabilities, Capability, FaultPlan, InternalDate, OtherClient, Server, ServerConfig, serve,
};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::JoinSet;

pub fn date(text: &str) -> InternalDate {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// A server with everything, the user `anna` with the password `secret`.
pub fn server(capabilities: Capabilities) -> (Server, OtherClient) {
    let now = date("2024-05-01T12:00:00+02:00");
    let server = Server::new(ServerConfig { capabilities, now, ..ServerConfig::default() });
    let anna = server.add_user("anna", "secret");
    (server, anna)
}

/// With three messages `one`, `two`, `three` in INBOX, UIDs 1 to 3, mod-sequences 2 to 4.
pub fn three(capabilities: Capabilities) -> (Server, OtherClient) {
    let (server, anna) = server(capabilities);
    for (day, word) in [(1, "one"), (2, "two"), (3, "three")] {
        let text = format!("From: {word}@example.com\r\nSubject: {word}\r\n\r\nbody {word}\r\n");
        anna.append("INBOX", text.into_bytes(), &[], date(&format!("2024-01-0{day}T10:00:00+00:00")))
            .unwrap();
    }
    (server, anna)
}

/// Everything, and no literal that waits.
pub fn all() -> Capabilities {
    Capabilities::all()
}

pub fn only<const N: usize>(some: [Capability; N]) -> Capabilities {
    Capabilities::bare().with(some)
}

struct Player {
    server: Server,
    anna: OtherClient,
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    tag: String,
    violations: usize,
}

/// Plays a script on one connection of its own.
pub async fn play(server: &Server, plan: FaultPlan, script: &str) {
    let (client, side) = tokio::io::duplex(1 << 22);
    let (read, write) = tokio::io::split(client);
    let mut tasks = JoinSet::new();
    let served = server.clone();
    tasks.spawn(async move { serve(&served, side, plan).await.unwrap() });
    let violations = server.violations().len();
    let anna = server.other_client("anna");
    let read = BufReader::new(read);
    let mut player = Player { server: server.clone(), anna, read, write, tag: String::new(), violations };
    for (number, line) in script.lines().enumerate() {
        let line = line.trim_start();
        if !line.is_empty() {
            player.step(number + 1, line).await;
        }
    }
    player.nothing_left().await;
}

/// Plays a script behind a login, on a server without faults.
pub async fn logged_in(server: &Server, script: &str) {
    let script = format!("S: * OK ...\nC: login LOGIN anna secret\nS: ...\n{script}");
    play(server, FaultPlan::none(), &script).await;
}

/// Plays a script behind a login and a SELECT of INBOX.
pub async fn selected(server: &Server, script: &str) {
    logged_in(server, &format!("C: select SELECT INBOX\nS: ...\n{script}")).await;
}

fn octets(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\r\\n") {
            out.extend_from_slice(b"\r\n");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\n") {
            out.push(b'\n');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\x") {
            out.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        } else {
            out.extend_from_slice(c.to_string().as_bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

impl Player {
    async fn step(&mut self, number: usize, line: &str) {
        let (kind, text) = line.split_at(2);
        let text = text.strip_prefix(' ').unwrap_or(text);
        match kind {
            "C:" => {
                text.split(' ').next().unwrap_or_default().clone_into(&mut self.tag);
                self.send(&[octets(text), b"\r\n".to_vec()].concat()).await;
            }
            "C>" => self.send(&octets(text)).await,
            "S:" if text == "..." => self.pass_over(number).await,
            "S:" => {
                let got =
                    self.line().await.unwrap_or_else(|| panic!("line {number}: closed instead of {text:?}"));
                let fits = text.strip_suffix("...").map_or(got == text, |start| got.starts_with(start));
                assert!(fits, "line {number}:\n got {got:?}\nwant {text:?}");
            }
            "O:" => self.act(text),
            "V:" => {
                let all = self.server.violations();
                let new = all.get(self.violations).unwrap_or_else(|| panic!("line {number}: no violation"));
                assert!(new.contains(text), "line {number}:\n got {new:?}\nwant {text:?}");
                self.violations += 1;
            }
            "E:" => assert_eq!(self.line().await, None, "line {number}: not closed"),
            other => panic!("line {number}: unknown step {other:?}"),
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).await.unwrap();
    }

    /// The next line, or `None` when the connection is closed. A server that says nothing for a minute fails.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = self.read.read_until(b'\n', &mut line);
        let count = tokio::time::timeout(Duration::from_secs(60), read)
            .await
            .expect("the server says nothing")
            .unwrap();
        let text = String::from_utf8_lossy(&line);
        (count > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn pass_over(&mut self, number: usize) {
        let tagged = format!("{} ", self.tag);
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("line {number}: closed"));
            if let Some(verdict) = line.strip_prefix(&tagged) {
                assert!(verdict.starts_with("OK"), "line {number}: {line:?}");
                return;
            }
        }
    }

    fn act(&self, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        let uid = |at: usize| words[at].parse::<u32>().unwrap();
        let (anna, mailbox) = (&self.anna, words[1]);
        match words[0] {
            "append" => {
                let text = words[2].as_bytes().to_vec();
                anna.append(mailbox, text, &[], date("2024-02-01T00:00:00Z")).map(|_| ())
            }
            "flag" => anna.add_flags(mailbox, uid(2), &words[3..]),
            "expunge" => anna.expunge(mailbox, &(2..words.len()).map(uid).collect::<Vec<_>>()).map(|_| ()),
            "create" => anna.create_mailbox(mailbox),
            "delete" => anna.delete_mailbox(mailbox),
            "renumber" => anna.bump_uid_validity(mailbox).map(|_| ()),
            "forget" => anna.forget_tombstones(mailbox),
            "no-mod-seq" => anna.set_no_mod_seq(mailbox, true),
            "no-select" => anna.set_no_select(mailbox, true),
            "use" => anna.set_special_use(mailbox, &words[2..]),
            "read-only" => anna.set_read_only(mailbox, true),
            "no-keywords" => anna.set_keywords_allowed(mailbox, false),
            other => panic!("unknown act {other:?}"),
        }
        .unwrap();
    }

    async fn nothing_left(&mut self) {
        let all = self.server.violations();
        assert_eq!(all[self.violations..], Vec::<String>::new(), "violations that the script did not name");
        let mut line = String::new();
        let more = tokio::time::timeout(Duration::from_secs(1), self.read.read_line(&mut line)).await;
        assert!(more.is_err() || line.is_empty(), "the server had more to say: {line:?}");
    }
}
