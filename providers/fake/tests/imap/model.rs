//! A client that believes what it is told knows, at the end, what the server holds: message by message, in order,
//! flags and all, whatever it and others do in between (RFC 3501 sections 5.2, 7.3.1 and 7.4.1).

use postrider_fake::{Capabilities, FaultPlan, FlagChange, OtherClient, Server, serve};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

use crate::transcript::{date, three};

/// One step of the client or of someone else; numbers are taken modulo what is there.
#[derive(Clone, Debug)]
enum Step {
    OtherAppends,
    OtherExpunges(usize),
    OtherFlags(usize, &'static str, bool),
    Noop,
    FetchAll,
    Store { number: usize, flag: &'static str, adds: bool, silent: bool },
    Expunge,
    CopyToSelf(usize),
    Search,
}

fn step() -> impl Strategy<Value = Step> {
    let flag = prop_oneof![Just("\\Seen"), Just("\\Deleted"), Just("k")];
    let stored = (0..9_usize, flag.clone(), any::<bool>(), any::<bool>());
    prop_oneof![
        Just(Step::OtherAppends),
        (0..9_usize).prop_map(Step::OtherExpunges),
        (0..9_usize, flag, any::<bool>()).prop_map(|(at, flag, adds)| Step::OtherFlags(at, flag, adds)),
        Just(Step::Noop),
        Just(Step::FetchAll),
        stored.prop_map(|(number, flag, adds, silent)| Step::Store { number, flag, adds, silent }),
        Just(Step::Expunge),
        (0..9_usize).prop_map(Step::CopyToSelf),
        Just(Step::Search),
    ]
}

/// What the client believes: per message number the flags, if it was ever told.
struct Believer {
    stream: BufReader<DuplexStream>,
    tags: usize,
    believed: Vec<Option<Vec<String>>>,
}

fn sorted(flags: &str) -> Vec<String> {
    let mut flags: Vec<String> =
        flags.split(' ').filter(|f| !f.is_empty() && *f != "\\Recent").map(str::to_owned).collect();
    flags.sort();
    flags
}

impl Believer {
    /// Sends a command and believes everything up to its tagged answer; whether that was OK.
    async fn command(&mut self, text: &str) -> bool {
        self.tags += 1;
        let tag = format!("t{} ", self.tags);
        self.stream.write_all(format!("{tag}{text}\r\n").as_bytes()).await.unwrap();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            if let Some(verdict) = line.strip_prefix(&tag) {
                return verdict.starts_with("OK");
            }
            self.believe(line.trim_end());
        }
    }

    fn believe(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let Ok(number) = words[1].parse::<usize>() else { return };
        match words[2] {
            "EXISTS" => {
                assert!(number >= self.believed.len(), "EXISTS goes down: {line}");
                self.believed.resize(number, None);
            }
            "EXPUNGE" => {
                self.believed.remove(number - 1);
            }
            "FETCH" => {
                if let Some((_, rest)) = line.split_once("FLAGS (") {
                    self.believed[number - 1] = Some(sorted(rest.split(')').next().unwrap()));
                }
            }
            _ => {}
        }
    }

    async fn store(&mut self, number: usize, flag: &str, adds: bool, silent: bool) {
        let Some(at) = number.checked_rem(self.believed.len()) else { return };
        // What the client wants is what it believes, until it is told something else.
        if let Some(flags) = self.believed[at].as_mut().filter(|_| silent) {
            flags.retain(|held| held != flag);
            flags.extend(adds.then(|| flag.to_owned()));
            flags.sort();
        }
        let (sign, silent) = (if adds { '+' } else { '-' }, if silent { ".SILENT" } else { "" });
        self.command(&format!("STORE {} {sign}FLAGS{silent} ({flag})", at + 1)).await;
    }

    async fn take(&mut self, step: &Step, anna: &OtherClient) {
        let uid = |at: usize| {
            let inbox = &anna.snapshot()["INBOX"];
            Some(inbox.messages[at.checked_rem(inbox.messages.len())?].uid)
        };
        match *step {
            Step::OtherAppends => {
                anna.append("INBOX", &b"x"[..], &["k"], date("2024-01-01T00:00:00Z")).unwrap();
            }
            Step::OtherExpunges(at) => {
                anna.expunge("INBOX", uid(at).as_slice()).unwrap();
            }
            Step::OtherFlags(at, flag, adds) => {
                let change = if adds { FlagChange::Add } else { FlagChange::Remove };
                if let Some(uid) = uid(at) {
                    anna.change_flags("INBOX", uid, change, &[flag]).unwrap();
                }
            }
            Step::Noop => assert!(self.command("NOOP").await),
            Step::Expunge => assert!(self.command("EXPUNGE").await),
            Step::Search => assert!(self.command("SEARCH ALL").await),
            Step::FetchAll if self.believed.is_empty() => {}
            Step::FetchAll => {
                self.command("FETCH 1:* (FLAGS)").await;
            }
            Step::Store { number, flag, adds, silent } => self.store(number, flag, adds, silent).await,
            Step::CopyToSelf(number) => {
                if let Some(at) = number.checked_rem(self.believed.len()) {
                    assert!(self.command(&format!("COPY {} INBOX", at + 1)).await);
                }
            }
        }
    }
}

async fn run(server: &Server, anna: &OtherClient, steps: &[Step]) {
    let (client, side) = tokio::io::duplex(1 << 20);
    let mut client = Believer { stream: BufReader::new(client), tags: 0, believed: Vec::new() };
    let session = async {
        client.stream.read_line(&mut String::new()).await.unwrap();
        assert!(client.command("LOGIN anna secret").await);
        assert!(client.command("SELECT INBOX").await);
        assert!(client.command("FETCH 1:* (FLAGS)").await);
        for step in steps {
            client.take(step, anna).await;
        }
        assert!(client.command("NOOP").await);
        client.stream.shutdown().await.unwrap();
        client.believed
    };
    let (believed, served) = tokio::join!(session, serve(server, side, FaultPlan::none()));
    served.unwrap();
    let held: Vec<Vec<String>> =
        anna.snapshot()["INBOX"].messages.iter().map(|message| sorted(&message.flags.join(" "))).collect();
    assert_eq!(believed.len(), held.len());
    for (believed, held) in believed.iter().zip(&held) {
        assert!(believed.as_ref().is_none_or(|believed| believed == held), "{believed:?} is not {held:?}");
    }
    // It acts by numbers, as a careful client does not.
    let by_numbers = |breach: &String| {
        breach.ends_with("STORE by message numbers") || breach.ends_with("EXPUNGE without UIDs")
    };
    assert_eq!(
        server.violations().into_iter().filter(|breach| !by_numbers(breach)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

proptest! {
    #[test]
    fn a_client_that_believes_is_right(steps in proptest::collection::vec(step(), 0..40)) {
        let (server, anna) = three(Capabilities::bare());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(&server, &anna, &steps));
    }
}
