//! Held deletions (F5.4, I7).

use postrider_model::Timestamp;
use postrider_store::{Discard, Filter, HeldId, Side, StoreError};

use crate::fixture::{Fixture, at};

#[test]
fn what_is_held_stays_in_sight_until_it_is_allowed() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let ids = f.fill(inbox, 1..=30);
    let plan = f.tx(|tx| tx.hold(inbox, Side::Server, "more than 25", &ids[..27], 30, Timestamp(5)));
    let held = f.reader().held(account).unwrap();
    assert_eq!((held.len(), held[0].id, held[0].deletions, held[0].total), (1, plan, 27, 30));
    assert_eq!(
        (held[0].folder.as_str(), held[0].why.as_str(), held[0].since),
        ("INBOX", "more than 25", Timestamp(5))
    );
    assert_eq!(f.reader().list(&Filter::default()).unwrap().len(), 30);
    assert_eq!(f.tx(|tx| tx.known_uids(inbox)).len(), 30);
    assert_eq!(f.reader().counts(account).unwrap().held, 27);
    assert_eq!(f.tx(|tx| tx.allow(plan, &at(9))).0, 27);
    assert_eq!(f.reader().list(&Filter::default()).unwrap().len(), 3);
    assert!(f.reader().held(account).unwrap().is_empty());
    assert_eq!(f.reader().history(ids[0]).unwrap()[0].what, "deleted");
    let again = f.writer.transaction(|tx| tx.allow(plan, &at(10))).unwrap_err();
    assert!(matches!(again, StoreError::NoSuchPlan(found) if found == plan));
}

/// "If it grew meanwhile, it is held again": the word that was given for the smaller plan does not let the larger one through.
#[test]
fn a_plan_that_grew_has_another_name() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let ids = f.fill(inbox, 1..=9);
    let small = f.tx(|tx| tx.hold(inbox, Side::Server, "why", &ids[..4], 9, Timestamp(1)));
    let before = f.writer.commits();
    let reversed: Vec<_> = ids[..4].iter().rev().copied().collect();
    assert_eq!(f.tx(|tx| tx.hold(inbox, Side::Server, "why", &reversed, 9, Timestamp(2))), small);
    assert_eq!(f.writer.commits(), before, "the same plan again writes nothing");
    let large = f.tx(|tx| tx.hold(inbox, Side::Server, "why", &ids[2..], 9, Timestamp(3)));
    assert_ne!(large, small);
    assert!(f.writer.transaction(|tx| tx.allow(small, &at(9))).is_err());
    let held = f.reader().held(account).unwrap();
    assert_eq!((held.len(), held[0].deletions), (1, 7));
    assert_eq!(f.tx(|tx| tx.allow(large, &at(9))).0, 7);
    assert_eq!(f.reader().list(&Filter::default()).unwrap().len(), 2, "the first two were released");
}

#[test]
fn a_plan_goes_when_nothing_waits_in_it() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let ids = f.fill(inbox, 1..=3);
    let plan = f.tx(|tx| tx.hold(inbox, Side::Server, "why", &ids, 3, Timestamp(1)));
    f.tx(|tx| tx.unhold(&ids[..1]));
    assert_eq!(f.reader().held(account).unwrap()[0].deletions, 2);
    f.tx(|tx| tx.delete_placements(&ids[1..2], &at(2)));
    f.tx(|tx| tx.unhold(&ids[2..]));
    assert!(f.reader().held(account).unwrap().is_empty());
    assert!(f.writer.transaction(|tx| tx.allow(plan, &at(3))).is_err());
    let next = f.tx(|tx| tx.hold(inbox, Side::Server, "why", &ids[..1], 3, Timestamp(4)));
    assert!(next > plan && matches!(next, HeldId(_)), "names are not given again");
}

#[test]
fn folders_have_plans_of_their_own() {
    let mut f = Fixture::new();
    let (inbox, archive, account) = (f.inbox, f.folder("Archive"), f.account);
    let (here, there) = (f.fill(inbox, 1..=2), f.fill(archive, 1..=2));
    let plans = f.tx(|tx| {
        Ok([
            tx.hold(inbox, Side::Server, "why", &here, 2, Timestamp(1))?,
            // One of another folder does not get into the plan.
            tx.hold(archive, Side::Server, "why", &[there[0], here[0]], 2, Timestamp(1))?,
        ])
    });
    let held = f.reader().held(account).unwrap();
    assert_eq!(
        held.iter().map(|one| (one.id, one.deletions)).collect::<Vec<_>>(),
        [(plans[0], 2), (plans[1], 1)]
    );
}

#[test]
fn deletions_made_here_wait_apart_from_those_made_there() {
    let mut f = Fixture::new();
    let (inbox, account) = (f.inbox, f.account);
    let ids = f.fill(inbox, 1..=6);
    for id in &ids[..3] {
        f.tx(|tx| tx.discard(*id, Discard::Expunge, &at(1)));
    }
    let here = f.tx(|tx| tx.hold(inbox, Side::Here, "many", &ids[..4], 6, Timestamp(1)));
    let there = f.tx(|tx| tx.hold(inbox, Side::Server, "many", &ids[2..], 6, Timestamp(1)));
    let held = f.tx(|tx| tx.held(account));
    let told: Vec<_> = held.iter().map(|plan| (plan.id, plan.deletions)).collect();
    assert_eq!(told, [(here, 3), (there, 3)], "each only what is its own");
    assert_eq!(f.tx(|tx| tx.held_placements(inbox)).len(), 3);
    assert_eq!(f.tx(|tx| tx.allow(here, &at(2))).0, 3);
    let allowed = f.tx(|tx| tx.unsent(account));
    assert!(allowed.len() == 3 && allowed.iter().all(|one| one.allowed && one.placement.held.is_none()));
    assert_eq!(f.tx(|tx| tx.held(account)).len(), 1);
    f.tx(|tx| tx.release(inbox, Side::Server));
    assert_eq!((f.tx(|tx| tx.held(account)), f.tx(|tx| tx.count_live(inbox))), (vec![], 3));
}
