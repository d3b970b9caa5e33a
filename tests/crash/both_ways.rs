//! Runs that die while mail goes both ways: after forty operations, here, there and on both sides, the one that was killed and the
//! ones after it come to what no death would have come to. No message is lost, none is there twice, no flag is undone.

use std::collections::{BTreeMap, BTreeSet};

use postrider_fake::Capabilities;
use postrider_sim::{
    crash::CrashAt,
    equal::{equals_servers, found_and_read, nothing_waits},
    laws::{Circumstances, Laws},
    machine::{Ended, Lived, Machine, everything},
    stored::standings,
};

use crate::{
    deaths::{on_one_thread, points, power_losses, undisturbed},
    scene::take_store,
    story::{EXPECTED, empty, offers, play_here, play_there, seats, told},
};

/// A machine whose store is that one's, and at whose server somebody else was since.
fn ready(offered: &Capabilities, edited: &Machine) -> Machine {
    let machine = empty(offered);
    // The servers of two machines are the same to the last UID, so that the store of the one fits the other.
    take_store(&machine, edited);
    play_there(&machine);
    machine
}

/// What is sent is read back by the next run; what was put off is sent by a later one.
async fn settle(machine: &Machine) -> Lived {
    let first = undisturbed(machine).await;
    undisturbed(machine).await;
    undisturbed(machine).await;
    first
}

/// What the operations come to when nobody dies.
struct Whole {
    /// On which they were done here, and nothing was sent.
    edited: Machine,
    lived: Lived,
    told: Vec<String>,
    known: BTreeSet<i64>,
    seats: BTreeMap<i64, String>,
}

async fn whole(offered: &Capabilities) -> Whole {
    let edited = empty(offered);
    undisturbed(&edited).await;
    let known = standings(&edited.store()).unwrap().iter().map(|one| one.id).collect();
    play_here(&edited);
    let machine = ready(offered, &edited);
    let lived = settle(&machine).await;
    is_right(&machine, "without a death");
    let told = told(&machine);
    assert_eq!(told, EXPECTED.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    Whole { edited, lived, told, seats: seats(&machine, &known), known }
}

fn is_right(machine: &Machine, at: &str) {
    let now = standings(&machine.store()).unwrap();
    equals_servers(machine, &now).unwrap_or_else(|differs| panic!("{at}: {differs:#}"));
    nothing_waits(machine, &now).unwrap_or_else(|waits| panic!("{at}: {waits:#}"));
    let violations = machine.mailboxes.first().unwrap().server.violations();
    assert!(violations.is_empty(), "{at}: {violations:?}");
}

async fn die_and_resume(
    offered: &Capabilities,
    at: CrashAt,
    power: Option<u64>,
    whole: &Whole,
) -> Result<(), String> {
    let machine = ready(offered, &whole.edited);
    let mut laws = Laws::default();
    laws.edited(standings(&machine.store()).unwrap());
    let lived = match power {
        None => machine.run(&everything(), Some(at)).await,
        Some(kept) => machine.run_to_power_loss(&everything(), at, kept).await,
    };
    let lived = lived.unwrap();
    assert!(matches!(lived.ended, Ended::Crashed), "{at}: {:?}", lived.ended);
    let mut hold = || {
        let now = standings(&machine.store()).unwrap();
        laws.hold(&machine, now, Circumstances::default()).map_err(|broken| format!("{broken:#}"))
    };
    hold()?;
    settle(&machine).await;
    hold()?;
    let told = told(&machine);
    let more: Vec<&String> = told.iter().filter(|one| !whole.told.contains(one)).collect();
    let less: Vec<&String> = whole.told.iter().filter(|one| !told.contains(one)).collect();
    if told != whole.told {
        return Err(format!(
            "there is too much: {more:?}, and too little: {less:?}; {} messages",
            told.len()
        ));
    }
    if seats(&machine, &whole.known) != whole.seats {
        return Err("ids stand elsewhere than without a death".to_owned());
    }
    is_right(&machine, &at.to_string());
    let now = standings(&machine.store()).unwrap();
    found_and_read(&machine, &laws, &now).map_err(|unread| format!("{unread:#}"))
}

fn dies_anywhere(nth: usize) {
    let (name, offered) = offers().into_iter().nth(nth).unwrap();
    on_one_thread(async {
        let whole = whole(&offered).await;
        let (points, mut failed) = (points(&whole.lived), Vec::new());
        for at in &points {
            if let Err(why) = die_and_resume(&offered, *at, None, &whole).await {
                failed.push(format!("{at}: {why}"));
            }
        }
        let deaths = points.len();
        eprintln!("both ways, {name}: {deaths} deaths");
        assert!(failed.is_empty(), "{} of {deaths} deaths: {failed:#?}", failed.len());
        // Of five such tests, so that there are 400 and more.
        assert!(deaths >= 80, "there are to be at least 80 deaths, and there were {deaths}");
    });
}

#[test]
fn mail_both_ways_survives_any_death_with_everything() {
    dies_anywhere(0);
}

#[test]
fn mail_both_ways_survives_any_death_without_move() {
    dies_anywhere(1);
}

#[test]
fn mail_both_ways_survives_any_death_without_uidplus() {
    dies_anywhere(2);
}

#[test]
fn mail_both_ways_survives_any_death_without_uidplus_and_move() {
    dies_anywhere(3);
}

#[test]
fn mail_both_ways_survives_any_death_with_nothing() {
    dies_anywhere(4);
}

#[test]
fn mail_both_ways_survives_power_losses() {
    let (_, offered) = offers().into_iter().next().unwrap();
    on_one_thread(async {
        let whole = whole(&offered).await;
        let losses: Vec<_> = power_losses(&whole.lived).collect();
        for (at, kept) in &losses {
            let held = die_and_resume(&offered, *at, Some(*kept), &whole).await;
            held.unwrap_or_else(|why| panic!("{at}, {kept} kept: {why}"));
        }
        eprintln!("both ways: {} power losses", losses.len());
    });
}
