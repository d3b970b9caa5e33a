//! Months in minutes: many accounts on a real Dovecot and a real Postfix while mail arrives, is flagged and moved on both sides and is
//! sent, while servers stop and start, connections end or fall silent, and the daemon is killed and started again in another time zone.
//! In the end each store equals its server, no letter is lost or there twice, and none went out twice.
//!
//! Two minutes as it stands; `POSTRIDER_SOAK_MINUTES` makes it longer, `POSTRIDER_SOAK_SEED` another one.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::imaplib;
use postrider_test_support::{Certs, Daemon, Delivery, Dovecot, Home, Postfix, Proxy, postfix};
use serde_json::Value;

use super::many::{PASSWORD, address, name};
use crate::scene::{Answer, postrider, run_in, text};

const ACCOUNTS: usize = 20;
const KILLS: u32 = 20;
const FOLDERS: [&str; 3] = ["INBOX", "Work", "Archive"];
const ZONES: [&str; 5] =
    ["UTC", "Pacific/Kiritimati", "America/St_Johns", "Asia/Kathmandu", "Pacific/Pago_Pago"];
const SETTLE: Duration = Duration::from_secs(300);
const SPECIAL: &str = "namespace inbox {\n  inbox = yes\n  mailbox Sent {\n    special_use = \\Sent\n    auto = create\n  }\n  \
                       mailbox Work {\n    auto = create\n  }\n  mailbox Archive {\n    auto = create\n  }\n}\n";

/// Chance from a seed (splitmix64, <https://prng.di.unimi.it/splitmix64.c>).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What was done so far.
#[derive(Debug, Default)]
struct Done {
    arrived: u32,
    flagged_there: u32,
    moved_there: u32,
    flagged_here: u32,
    moved_here: u32,
    sent: u32,
    cuts: u32,
    silences: u32,
    stops: u32,
    kills: u32,
}

struct Soak {
    server: Dovecot,
    post: Postfix,
    wires: Vec<Proxy>,
    _certs: Certs,
    home: Home,
    daemon: Option<Daemon>,
    chance: Chance,
    done: Done,
    /// Message-IDs that must be there once, by account.
    letters: Vec<Vec<String>>,
    /// Entries of the outbox and their Message-IDs.
    outgoing: Vec<(String, String)>,
    silent_until: Vec<Option<Instant>>,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let builder = (0..ACCOUNTS)
            .fold(Dovecot::builder(), |builder, number| builder.user(&address(number), PASSWORD));
        let server = builder.extra(&format!("{}{SPECIAL}", postfix::AUTH_LISTENER)).start().unwrap();
        let certs = Certs::new().unwrap();
        let post = Postfix::builder(&server).tls(&certs.good).start().unwrap();
        let home = Home::new().unwrap();
        let store = home.store();
        let settings = format!("[daemon]\ninterval = \"10s\"\n[store]\npath = {store:?}\n");
        home.write_config("postrider.toml", &settings).unwrap();
        let mut wires = Vec::new();
        for number in 0..ACCOUNTS {
            let wire = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
            configure(&home, number, &wire, &post, &certs);
            let first = (0..5).map(|nth| Delivery::new(letter(number, &format!("first-{nth}"))));
            server.fill(&address(number), "INBOX", first).unwrap();
            wires.push(wire);
        }
        let first = |number| (0..5).map(move |nth| message_id(number, &format!("first-{nth}"))).collect();
        Self {
            server,
            post,
            wires,
            _certs: certs,
            home,
            daemon: None,
            chance: Chance(seed),
            done: Done::default(),
            letters: (0..ACCOUNTS).map(first).collect(),
            outgoing: Vec::new(),
            silent_until: vec![None; ACCOUNTS],
        }
    }

    /// Starts the daemon in whatever zone it is now.
    fn start(&mut self) {
        let mut command: Command = self.home.command(postrider());
        command.env("TZ", self.chance.of(&ZONES));
        let mut daemon = Daemon::launch(command).unwrap();
        daemon.wait_for("READY=1", Duration::from_secs(60)).unwrap();
        self.daemon = Some(daemon);
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    fn one_thing(&mut self) {
        self.end_silences();
        let number = self.chance.below(ACCOUNTS);
        match self.chance.below(100) {
            0..30 => self.arrive(number),
            30..45 => self.change_there(number, false),
            45..55 => self.change_there(number, true),
            55..70 => self.flag_here(number),
            70..82 => self.move_here(number),
            82..92 => self.send(number),
            92..97 => {
                self.wires[number].cut();
                self.done.cuts += 1;
            }
            97..99 => {
                let seconds = 1 + self.chance.below(4) as u64;
                self.wires[number].set_silent(true);
                self.silent_until[number] = Some(Instant::now() + Duration::from_secs(seconds));
                self.done.silences += 1;
            }
            _ => {
                self.server.stop();
                thread::sleep(Duration::from_millis(500 + self.chance.below(2_000) as u64));
                self.server.start().unwrap();
                self.done.stops += 1;
            }
        }
    }

    fn end_silences(&mut self) {
        for (wire, until) in self.wires.iter().zip(&mut self.silent_until) {
            if until.is_some_and(|until| until < Instant::now()) {
                wire.set_silent(false);
                *until = None;
            }
        }
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
            daemon.kill().unwrap();
        }
        self.done.kills += 1;
        self.start();
    }

    fn arrive(&mut self, number: usize) {
        self.done.arrived += 1;
        let tag = format!("new-{}", self.done.arrived);
        let mut client = self.server.client(&address(number)).unwrap();
        client.append("INBOX", "", "01-Mar-2024 12:00:00 +0000", &letter(number, &tag)).unwrap();
        self.letters[number].push(message_id(number, &tag));
    }

    /// Another client flags or moves. It moves only letters of an odd size, a person here only even ones: where both move one letter in
    /// one moment either place is right, and two.
    fn change_there(&mut self, number: usize, moves: bool) {
        let mut client = self.server.client(&address(number)).unwrap();
        let from = *self.chance.of(&FOLDERS);
        client.select(from).unwrap();
        let mut uids = client.uids().unwrap();
        if moves {
            let sizes = client.command("UID FETCH 1:* (RFC822.SIZE)").unwrap().lines();
            uids.retain(|uid| {
                sizes.iter().any(|line| line.contains(&format!("UID {uid} ")) && size_in(line) % 2 == 1)
            });
        }
        if uids.is_empty() {
            return;
        }
        let uid = self.chance.of(&uids).to_string();
        if moves {
            let to = *self.chance.of(&FOLDERS);
            if to != from {
                client.move_to(&uid, to).unwrap();
                self.done.moved_there += 1;
            }
        } else {
            let flag = *self.chance.of(&["\\Flagged", "\\Seen", "Todo"]);
            let how = *self.chance.of(&["+FLAGS", "-FLAGS"]);
            client.store(&uid, how, flag).unwrap();
            self.done.flagged_there += 1;
        }
    }

    fn here(&mut self, number: usize) -> Option<Value> {
        let rows = self.run(&["mail", "list", "--json", "--limit", "10000", "--account", &name(number)]);
        if rows.code != 0 {
            // Nothing of it has come in yet.
            return None;
        }
        let rows = rows.json();
        let rows: Vec<&Value> =
            rows.as_array().unwrap().iter().filter(|row| row["folder"] != "Sent").collect();
        (!rows.is_empty()).then(|| (*self.chance.of(&rows)).clone())
    }

    fn flag_here(&mut self, number: usize) {
        let Some(row) = self.here(number) else { return };
        let flag =
            *self.chance.of(&["+seen", "-seen", "+flagged", "-flagged", "+Todo", "-Todo", "+answered"]);
        let edited = self.run(&["mail", "flag", &text(&row["id"]), flag]);
        // It may have gone from the list since.
        assert!(edited.code == 0 || edited.code == 2, "{edited:?}");
        self.done.flagged_here += u32::from(edited.code == 0);
    }

    fn move_here(&mut self, number: usize) {
        let Some(row) = self.here(number).filter(|row| row["size"].as_u64().unwrap() % 2 == 0) else {
            return;
        };
        let to = *self.chance.of(&FOLDERS);
        let edited = self.run(&["mail", "move", &text(&row["id"]), "--to", to]);
        assert!(edited.code == 0 || edited.code == 2, "{edited:?}");
        self.done.moved_here += u32::from(edited.code == 0);
    }

    fn send(&mut self, number: usize) {
        let to = format!("reader{}@example.org", self.done.sent);
        let account = name(number);
        let sent = self.run(&[
            "--json",
            "mail",
            "send",
            "--account",
            &account,
            "--to",
            &to,
            "--subject",
            "soak",
            "--text",
            "x",
            "--later",
        ]);
        let entry = sent.ok().json();
        self.outgoing.push((text(&entry["id"]), text(&entry["message_id"])));
        self.done.sent += 1;
    }

    /// With all trouble over: how each account differs from its server, in words.
    fn differences(&self) -> Vec<String> {
        (0..ACCOUNTS)
            .filter_map(|number| {
                let (there, here) = (self.there(number), self.stored(number));
                (there != here).then(|| {
                    let only = |one: &Rows, other: &Rows| -> Vec<String> {
                        one.iter().filter(|row| !other.contains(row)).map(|row| format!("{row:?}")).collect()
                    };
                    let (there, here) = (only(&there, &here), only(&here, &there));
                    format!("{}: only there {there:?}; only here {here:?}", name(number))
                })
            })
            .collect()
    }

    fn there(&self, number: usize) -> Rows {
        let folders = imaplib::dump(self.server.imap_addr(), &address(number), PASSWORD).unwrap();
        let mut rows = Rows::new();
        for (folder, dumped) in folders {
            for message in dumped.messages {
                let bytes = String::from_utf8_lossy(&message.bytes).into_owned();
                let id = bytes.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap_or_default();
                let mut flags: Vec<String> = message
                    .flags
                    .iter()
                    .map(|flag| flag.trim_start_matches('\\').to_lowercase())
                    .filter(|flag| flag != "recent")
                    .collect();
                flags.sort();
                let id = id.trim().trim_matches(['<', '>']).to_owned();
                rows.push((folder.clone(), u64::from(message.uid), id, message.bytes.len() as u64, flags));
            }
        }
        rows.sort();
        rows
    }

    fn stored(&self, number: usize) -> Rows {
        let listed =
            self.run(&["mail", "list", "--json", "--limit", "100000", "--account", &name(number)]).ok();
        let words = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(words) => words.iter().map(text).collect(),
                other => text(other).split_whitespace().map(str::to_owned).collect(),
            }
        };
        let mut rows: Rows = listed
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let mut flags = words(&row["flags"]);
                flags.extend(words(&row["keywords"]));
                let mut flags: Vec<String> =
                    flags.iter().map(|flag| flag.trim_start_matches('\\').to_lowercase()).collect();
                flags.sort();
                (
                    text(&row["folder"]),
                    row["uid"].as_u64().unwrap_or(0),
                    text(&row["message_id"]).trim_matches(['<', '>']).to_owned(),
                    row["size"].as_u64().unwrap(),
                    flags,
                )
            })
            .collect();
        rows.sort();
        rows
    }

    fn nothing_waits(&self) -> bool {
        let open = self.run(&["--json", "outbox", "list"]).ok().json();
        open.as_array().unwrap().iter().all(|entry| entry["state"] == "uncertain")
    }

    /// Each letter once, wherever it stands by now.
    fn nothing_is_lost_or_twice(&self) {
        for (number, letters) in self.letters.iter().enumerate() {
            let mut found: BTreeMap<String, usize> = BTreeMap::new();
            for (_, _, id, _, _) in self.stored(number) {
                *found.entry(id).or_default() += 1;
            }
            for letter in letters {
                assert_eq!(found.get(letter), Some(&1), "{}: {letter}", name(number));
            }
            assert!(
                found.values().all(|count| *count == 1),
                "{}: something is there twice: {found:?}",
                name(number)
            );
        }
    }

    /// What is told as sent went out once; of what nobody knows, once at most.
    fn nothing_went_out_twice(&self) -> usize {
        let delivered = self.post.delivered().unwrap();
        let mut uncertain = 0;
        for (id, message_id) in &self.outgoing {
            let shown = self.run(&["--json", "outbox", "show", id]).ok().json();
            let out = delivered
                .iter()
                .filter(|one| String::from_utf8_lossy(&one.message).contains(message_id.as_str()))
                .count();
            match shown["state"].as_str() {
                Some("sent") => assert_eq!(out, 1, "{shown}"),
                Some("uncertain") => {
                    assert!(out <= 1, "{shown}");
                    uncertain += 1;
                }
                _ => panic!("after all it is neither sent nor uncertain: {shown}"),
            }
        }
        uncertain
    }
}

/// Folder, UID, Message-ID, size, flags.
type Rows = Vec<(String, u64, String, u64, Vec<String>)>;

fn configure(home: &Home, number: usize, wire: &Proxy, post: &Postfix, certs: &Certs) {
    let provider = format!(
        "type = \"imap\"\nlogin = \"email\"\nauth = \"basic\"\n[imap]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \
         \"none\"\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"starttls\"\n[tls]\nca_file = {:?}\n",
        wire.addr().port(),
        post.submission_addr().port(),
        certs.ca_file()
    );
    home.write_config(&format!("providers.d/p{number}.toml"), &provider).unwrap();
    let password = home.write_config(&format!("secrets/a{number}"), PASSWORD).unwrap();
    let account = format!(
        "address = \"{}\"\nprovider = \"p{number}\"\n[credentials]\npassword_file = {password:?}\n\
         [mail]\nperiod = \"all\"\nfolders = \"all\"\n",
        address(number)
    );
    home.write_config(&format!("accounts.d/a{number}.toml"), &account).unwrap();
}

fn message_id(number: usize, tag: &str) -> String {
    format!("{tag}.{number}@soak.example.org")
}

/// A letter of an odd or an even size, as its tag has it.
fn letter(number: usize, tag: &str) -> Vec<u8> {
    let of = |end: &str| {
        format!(
            "From: Bert <bert@example.org>\r\nTo: {}\r\nSubject: {tag}\r\nDate: Fri, 01 Mar 2024 12:00:00 +0000\r\n\
             Message-ID: <{}>\r\n\r\nThe text{end}.\r\n",
            address(number),
            message_id(number, tag)
        )
    };
    let wanted = tag.bytes().map(usize::from).sum::<usize>() % 2;
    let letter = of("");
    if letter.len() % 2 == wanted { letter } else { of("!") }.into_bytes()
}

fn size_in(line: &str) -> u64 {
    let (_, after) = line.split_once("RFC822.SIZE ").unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

#[expect(clippy::disallowed_methods, reason = "how long and from which seed is the caller's to say")]
fn asked(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn months_in_minutes() {
    let (minutes, seed) = (asked("POSTRIDER_SOAK_MINUTES", 2), asked("POSTRIDER_SOAK_SEED", 1));
    println!("{minutes} minutes from seed {seed}");
    let mut soak = Soak::new(seed);
    soak.start();
    let length = Duration::from_secs(minutes * 60);
    let begun = Instant::now();
    // On a busy machine a start takes its time, and so do twenty.
    while begun.elapsed() < length || soak.done.kills < KILLS {
        soak.one_thing();
        if begun.elapsed() > length / (KILLS + 1) * (soak.done.kills + 1) && soak.done.kills < KILLS {
            soak.kill();
        }
    }
    for wire in &soak.wires {
        wire.set_silent(false);
    }
    let calm = Instant::now();
    let mut differences = soak.differences();
    while !(differences.is_empty() && soak.nothing_waits()) {
        assert!(
            calm.elapsed() < SETTLE,
            "{seed}: after {SETTLE:?} of calm: {differences:?}\n{:?}",
            soak.done
        );
        thread::sleep(Duration::from_secs(2));
        differences = soak.differences();
    }
    println!("in step {:?} after the trouble was over", calm.elapsed());
    soak.nothing_is_lost_or_twice();
    let uncertain = soak.nothing_went_out_twice();
    println!("{:?}; {uncertain} messages are uncertain", soak.done);
    assert_eq!(soak.done.kills, KILLS);
    if let Some(daemon) = soak.daemon.take() {
        let log = daemon.log();
        assert_eq!(daemon.stop().unwrap().code(), Some(0), "{log}");
    }
}
