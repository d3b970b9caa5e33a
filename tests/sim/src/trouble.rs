//! What goes wrong with servers and wires while a run is on, drawn for each connection.
//!
//! | kind | such as |
//! |---|---|
//! | refusals and silence | NO, BAD, BYE, nothing, half a literal, a wire that is cut |
//! | oddities that are lawful | untagged responses that nobody asked for, literals, ranges from high to low |
//! | changes in the middle | mail comes, goes and moves between two commands, a folder gets another UIDVALIDITY |
//! | lies | nothing where there is something, mod-sequences and UIDNEXT that are not so |
//!
//! Left out, because no client could tell them from the truth: an empty answer to a FETCH of changes (CHANGEDSINCE), which is
//! what an expunged change looks like, and to a SEARCH of a period, which may hold nothing.

use postrider_fake::{Action, Bend, FakeDialer, Fault, FaultPlan, Then, Trigger, faults::codes};

use crate::{chance::Chance, machine::Mailbox, mail::internal_date, person::People, trace::Trace};

/// Commands that faults are aimed at.
const COMMANDS: [&str; 16] = [
    "LOGIN",
    "CAPABILITY",
    "LIST",
    "STATUS",
    "EXAMINE",
    "UID SEARCH",
    "UID FETCH",
    "ENABLE",
    "SELECT",
    "UID STORE",
    "UID STORE",
    "UID MOVE",
    "UID COPY",
    "APPEND",
    "UID EXPUNGE",
    "UID MOVE",
];
/// Commands that change something.
const WRITES: [&str; 5] = ["UID STORE", "UID MOVE", "UID COPY", "APPEND", "UID EXPUNGE"];
/// Connections of one run that may have a fault each.
const CONNECTIONS: usize = 6;

/// What was wrong in a run, for those who check it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// A server told what was not so.
    pub lies: bool,
    /// Somebody else was at the mail meanwhile.
    pub meanwhile: bool,
}

/// Draws what goes wrong with that account's server in the next run. Where a mailbox `was_restored` and not looked at since,
/// nothing arrives meanwhile: a UID that is given a second time could be told by nobody.
pub fn brew(
    net: &FakeDialer,
    mailbox: &Mailbox,
    was_restored: bool,
    people: &People,
    chance: &mut Chance,
    trace: &Trace,
) -> Trouble {
    let mut trouble = Trouble::default();
    if chance.percent(5) {
        trace.step(|| format!("{} refuses connections", mailbox.at));
        net.refuse(&mailbox.at, true);
        return trouble;
    }
    let dialled = net.dialled(&mailbox.at);
    for nth in 1..=CONNECTIONS {
        if chance.percent(60) {
            let mut drawn = Trouble::default();
            let plan = plan(mailbox, people, chance, &mut drawn);
            if was_restored && drawn.meanwhile {
                continue;
            }
            trouble.lies |= drawn.lies;
            trouble.meanwhile |= drawn.meanwhile;
            trace.step(|| format!("{} connection {nth}: {plan:?}", mailbox.at));
            net.plan(&mailbox.at, dialled + nth, plan);
        }
    }
    trouble
}

/// Ends all trouble.
pub fn calm(net: &FakeDialer, mailbox: &Mailbox) {
    net.refuse(&mailbox.at, false);
    let dialled = net.dialled(&mailbox.at);
    for nth in 1..=CONNECTIONS {
        net.plan(&mailbox.at, dialled + nth, FaultPlan::none());
    }
}

/// The faults of one connection; `trouble` is told which.
pub fn plan(mailbox: &Mailbox, people: &People, chance: &mut Chance, trouble: &mut Trouble) -> FaultPlan {
    let then = if chance.percent(50) { Then::Close } else { Then::Hang };
    match chance.below(13) {
        10.. => {
            let command = chance.pick(&WRITES).copied().unwrap_or("UID MOVE");
            FaultPlan::none().on(Trigger::Named(command, chance.between(1, 2) as usize), lost(chance, then))
        }
        0 => FaultPlan::none().cut_output(chance.below(6_000), then),
        1 => FaultPlan::none().cut_input(chance.below(1_500), then),
        _ => {
            let Fault { when, action } = fault(mailbox, people, chance, then);
            trouble.lies |= matches!(&action, Action::Bend(bend) if is_lie(*bend));
            trouble.meanwhile |= matches!(&action, Action::Meanwhile(_));
            FaultPlan::none().on(when, action)
        }
    }
}

fn fault(mailbox: &Mailbox, people: &People, chance: &mut Chance, then: Then) -> Fault {
    let command = chance.pick(&COMMANDS).copied().unwrap_or("LIST");
    let when = match chance.below(4) {
        0 => Trigger::Nth(chance.between(1, 12) as usize),
        1 => Trigger::Every(command),
        _ => Trigger::Named(command, chance.between(1, 4) as usize),
    };
    let action = match chance.below(23) {
        0 => Action::No(codes::UNAVAILABLE),
        1 => Action::No(codes::THROTTLED),
        2 => Action::No("no reason at all"),
        3 => Action::Bad,
        4 => Action::Bye("going down"),
        5 => Action::GarbageLine,
        6 => Action::HalfLiteral(then),
        7 => Action::Silence(then),
        8 => Action::LoseAnswer(then),
        9 => Action::LongLine(2 << 20),
        10 | 11 => return empty(mailbox, when),
        12 => Action::Bend(Bend::ReversedVanished),
        13 => Action::Bend(Bend::Sprinkle),
        14 => Action::Bend(Bend::Literals),
        15..=17 => meanwhile(mailbox, people, chance),
        _ => Action::Bend(lie(chance)),
    };
    Fault { when, action }
}

/// Nobody hears what became of a write, or not where it put things.
fn lost(chance: &mut Chance, then: Then) -> Action {
    match chance.below(8) {
        0..4 => Action::LoseAnswer(then),
        4 => Action::Bend(Bend::HalfMove),
        5 => Action::Bend(Bend::NoNewUid),
        6 => Action::Bend(Bend::NoEcho),
        _ => Action::Bend(Bend::EchoWithoutUid),
    }
}

fn lie(chance: &mut Chance) -> Bend {
    match chance.below(7) {
        0 => Bend::ModSeqBack(chance.between(1, 30)),
        1 => Bend::ModSeqZero,
        2 => Bend::NoModSeq,
        3 => Bend::ModSeqMissing,
        4 => Bend::UidNext([0, 1, 2, 50, 4_000_000_000][chance.below(5) as usize]),
        5 => Bend::UidValidityMidway,
        _ => Bend::Nil,
    }
}

/// Somebody else is at the mail while the run is on.
fn meanwhile(mailbox: &Mailbox, people: &People, chance: &mut Chance) -> Action {
    let folders: Vec<String> = mailbox.other.snapshot().into_keys().collect();
    let (other, people) = (mailbox.other.clone(), people.clone());
    let (from, to) = (chance.pick(&folders).cloned(), chance.pick(&folders).cloned());
    let (Some(from), Some(to)) = (from, to) else { return Action::GarbageLine };
    let (what, number, date) = (chance.below(6), chance.number(), internal_date(chance));
    // What cannot be done where it is to be done is not done: a message that is gone, a folder that holds none.
    Action::meanwhile(move |_| {
        let uids: Vec<u32> = other
            .snapshot()
            .get(&from)
            .map_or(Vec::new(), |view| view.messages.iter().map(|m| m.uid).collect());
        let one =
            uids.get(usize::try_from(number % (uids.len() as u64 + 1)).unwrap_or(0)).copied().unwrap_or(1);
        people.edit_beside(|| {
            let _ = match what {
                0 => other.expunge(&from, &[one]).map(|_| ()),
                1 => other
                    .append(&from, format!("Subject: meanwhile {number}\r\n\r\n").into_bytes(), &[], date)
                    .map(|_| ()),
                2 => other.add_flags(&from, one, &["\\Flagged"]),
                3 if from != to => other.move_messages(&from, &[one], &to).map(|_| ()),
                4 => other.bump_uid_validity(&from).map(|_| ()),
                _ => other.copy(&from, &[one], &to).map(|_| ()),
            };
            Ok(())
        });
    })
}

/// Emptiness that can be told from the truth: where there is something, something else says so.
fn empty(mailbox: &Mailbox, when: Trigger) -> Fault {
    let may_be_true = |command: &str| match command {
        "UID FETCH" => true,
        "UID SEARCH" => mailbox.period != "all",
        _ => false,
    };
    let when = match when {
        Trigger::Nth(_) => Trigger::Named("EXAMINE", 1),
        Trigger::Named(command, nth) if may_be_true(command) => Trigger::Named("EXAMINE", nth),
        Trigger::Every(command) if may_be_true(command) => Trigger::Every("EXAMINE"),
        other => other,
    };
    Fault { when, action: Action::Bend(Bend::Empty) }
}

/// Whether it says what is not so, apart from being odd.
const fn is_lie(bend: Bend) -> bool {
    !matches!(
        bend,
        Bend::ReversedVanished
            | Bend::Sprinkle
            | Bend::Literals
            | Bend::HalfMove
            | Bend::NoNewUid
            | Bend::NoEcho
            | Bend::EchoWithoutUid
    )
}
