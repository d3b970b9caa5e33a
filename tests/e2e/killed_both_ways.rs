//! Runs that are killed while mail goes both ways, on a real server: after some forty operations, here, there and on both sides, the
//! run that was killed and those after it come to what no death would have come to. No message is lost, none is there twice, no flag
//! is undone (I1, I3, I4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use postrider_test_support::home::{Account, Provider};
use postrider_test_support::{Dovecot, Home, Proxy, imaplib};

use crate::both_ways::{Story, told};
use crate::moments::{Whole, copy, kill_at};
use crate::scene::{ACCOUNT, PASSWORD, USER, number, run_in, text};
use crate::stored;

/// Of each kind of server.
const DEATHS: usize = 50;

#[test]
fn by_a_server_that_has_everything() {
    dies_at_any_moment(&[]);
}

#[test]
fn by_a_server_without_move() {
    dies_at_any_moment(&["MOVE"]);
}

#[test]
fn by_a_server_without_uidplus() {
    dies_at_any_moment(&["UIDPLUS"]);
}

#[test]
fn by_a_server_without_condstore() {
    dies_at_any_moment(&["QRESYNC", "CONDSTORE"]);
}

#[test]
fn by_a_server_without_any_of_it() {
    dies_at_any_moment(&["QRESYNC", "CONDSTORE", "UIDPLUS", "MOVE", "ESEARCH", "LIST-STATUS", "LITERAL+"]);
}

/// A mailbox and a store as they are when all is edited and nothing sent, of which there are as many as there are deaths.
struct Life<'a> {
    server: &'a Dovecot,
    user: String,
    proxy: Proxy,
    home: Home,
}

/// What a life comes to.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Every message on the server that carries no mark for deletion.
    there: Vec<String>,
    /// Where the messages stand that were here before, by their id.
    seats: BTreeMap<String, String>,
}

impl<'a> Life<'a> {
    fn of(story: &'a Story, number: usize) -> Self {
        let (server, user) = (&story.scene.server, user(number));
        copy(server.maildir(USER).parent().unwrap(), server.maildir(&user).parent().unwrap());
        let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
        let home = Home::new().unwrap();
        home.provider("here", &Provider::plain(proxy.addr())).unwrap();
        home.account(ACCOUNT, &Account::all_mail("here", &user, PASSWORD)).unwrap();
        copy(&story.scene.home.store(), &home.store());
        Self { server, user, proxy, home }
    }

    /// What is sent is read back by the next run, and the one after that has nothing to do.
    fn run_until_still(&self) {
        let mut pushed_and_pulled = 0;
        for _ in 0..3 {
            let report = run_in(&self.home, &["--sync-now", "--json"]).ok().json();
            let mail = &report["accounts"][0]["mail"];
            pushed_and_pulled =
                ["pulled", "pushed", "deleted", "bytes"].map(|key| number(&mail[key])).iter().sum();
        }
        assert_eq!(pushed_and_pulled, 0, "the third run has nothing to do");
        let status = run_in(&self.home, &["--json", "status"]).ok().json();
        assert_eq!(number(&status[0]["unsent"]), 0, "{status}");
    }

    /// Both sides are equal; what they are.
    fn end(&self, known: &BTreeSet<String>) -> End {
        let dump = imaplib::dump(self.server.imap_addr(), &self.user, PASSWORD).unwrap();
        let there = told(&dump).into_iter().filter(|line| !line.contains("deleted")).collect();
        let mut on_server = BTreeMap::new();
        for (folder, messages) in &dump {
            for message in
                messages.messages.iter().filter(|one| !one.flags.iter().any(|flag| flag == "\\Deleted"))
            {
                on_server.insert((folder.clone(), message.uid), flags_there(&message.flags));
            }
        }
        let live: Vec<_> =
            stored::mail(&self.home.store()).into_iter().filter(stored::Stored::is_live).collect();
        let here: BTreeMap<_, _> =
            live.iter().map(|row| ((row.folder.clone(), row.uid.unwrap()), flags_here(row))).collect();
        assert_eq!(here.len(), live.len(), "a message is here twice");
        assert_eq!(here, on_server, "both sides are to be equal");
        let mine = live.into_iter().filter(|row| known.contains(&row.id));
        End { there, seats: mine.map(|row| (row.id, row.folder)).collect() }
    }
}

fn user(number: usize) -> String {
    format!("life{number}@example.com")
}

fn flags_there(flags: &[String]) -> BTreeSet<String> {
    flags.iter().map(|flag| flag.trim_start_matches('\\').to_lowercase()).collect()
}

fn flags_here(row: &stored::Stored) -> BTreeSet<String> {
    let system = ["seen", "answered", "flagged", "deleted", "draft"].into_iter().enumerate();
    let system = system.filter(|(bit, _)| row.flags & (1 << bit) != 0).map(|(_, name)| name.to_owned());
    system.chain(row.keywords.split_whitespace().map(str::to_lowercase)).collect()
}

fn dies_at_any_moment(withheld: &[&str]) {
    let users =
        (0..DEATHS + 2).fold(Dovecot::builder(), |builder, number| builder.user(&user(number), PASSWORD));
    let mut story = Story::on(users, withheld);
    story.scene.sync();
    let known: BTreeSet<String> = story.scene.listed().iter().map(|row| text(&row["id"])).collect();
    story.only_here();
    story.only_there();
    story.the_same_messages_on_both_sides();
    story.changed_and_taken_back();
    story.here(&["delete", &story.id("INBOX 25"), "--expunge"]);

    // The first reading is Dovecot's own first, and slower.
    let mut undisturbed = (0..2).map(|nth| {
        let life = Life::of(&story, DEATHS + nth);
        let started = Instant::now();
        run_in(&life.home, &["--sync-now"]).ok();
        let whole = Whole { elapsed: started.elapsed(), answers: life.proxy.to_client() / 2 };
        life.run_until_still();
        (whole, life.end(&known))
    });
    let (_, first) = undisturbed.next().unwrap();
    let (whole, expected) = undisturbed.next().unwrap();
    assert_eq!(first, expected);
    assert_eq!(expected.there.len(), 39, "{expected:?}");

    let mut under_way = 0;
    for nth in 0..DEATHS {
        let (life, moment) = (Life::of(&story, nth), whole.moment(nth));
        under_way += usize::from(kill_at(&life.home, &life.proxy, moment, &whole));
        life.run_until_still();
        assert_eq!(life.end(&known), expected, "killed at {moment:?} of {whole:?}");
    }
    println!("{under_way} of {DEATHS} runs were killed under way, without {withheld:?}");
    assert!(under_way >= DEATHS / 2, "most runs are to be under way when they are killed: {under_way} were");
}
