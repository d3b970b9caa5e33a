//! The suite fails for each provider that does one thing wrong: a suite that lets one of them pass proves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use postrider_contract::{calendar_suite, contact_suite};
use postrider_fake::groupware::Habits;

use super::bent::{BentContacts, Defect, Defect as D};
use super::bent_calendars::BentCalendars;
use super::harness::Fake;

/// Where a defect can be seen at all: with a server like Google, with one like Exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Both,
    Google,
    Exchange,
}

const OF_CONTACTS: [(Defect, Seen); 30] = [
    (D::CursorOnEveryPage, Seen::Both),
    (D::CursorOnNone, Seen::Both),
    (D::FullCalledDelta, Seen::Both),
    (D::DeltaCalledFull, Seen::Both),
    (D::TombstonesDropped, Seen::Both),
    (D::OneItemLost, Seen::Both),
    (D::OldCursorAgain, Seen::Both),
    (D::NoServerTime, Seen::Both),
    (D::BreakingOffTakenForTheEnd, Seen::Both),
    (D::FailureTakenForEmptiness, Seen::Both),
    (D::VanishedTakenForEmpty, Seen::Both),
    // Who leaves a folder is told as deleted there.
    (D::LeftToldDeleted, Seen::Google),
    (D::StaleWrittenOver, Seen::Both),
    (D::GoneToldStale, Seen::Both),
    (D::MarkNotFound, Seen::Both),
    (D::MarkNotCarried, Seen::Both),
    (D::AnotherMarkEachTime, Seen::Both),
    (D::UnknownToldNotDone, Seen::Both),
    (D::NotDoneToldUnknown, Seen::Both),
    (D::AnswersWhatWasSent, Seen::Both),
    (D::VersionStays, Seen::Both),
    (D::GoneNotFetched, Seen::Both),
    (D::NoPauseTold, Seen::Both),
    (D::LoginToldTransient, Seen::Both),
    (D::LeavingDeletes, Seen::Both),
    (D::TakenToldMade, Seen::Both),
    (D::HoldsAllFields, Seen::Both),
    (D::ChangedNotTold, Seen::Both),
    // Exchange's keys stay.
    (D::FormerKeysNotTold, Seen::Google),
    (D::NotifiesAlways, Seen::Both),
];

const OF_CALENDARS: [(Defect, Seen); 41] = [
    (D::CursorOnEveryPage, Seen::Both),
    (D::CursorOnNone, Seen::Both),
    (D::FullCalledDelta, Seen::Both),
    (D::DeltaCalledFull, Seen::Both),
    (D::TombstonesDropped, Seen::Both),
    (D::OneItemLost, Seen::Both),
    (D::OldCursorAgain, Seen::Both),
    (D::BreakingOffTakenForTheEnd, Seen::Both),
    (D::FailureTakenForEmptiness, Seen::Both),
    (D::VanishedTakenForEmpty, Seen::Both),
    (D::StaleWrittenOver, Seen::Both),
    (D::GoneToldStale, Seen::Both),
    (D::MarkNotFound, Seen::Both),
    (D::MarkNotCarried, Seen::Both),
    (D::AnotherMarkEachTime, Seen::Both),
    (D::UnknownToldNotDone, Seen::Both),
    (D::NotDoneToldUnknown, Seen::Both),
    (D::RefusalTakenForDone, Seen::Both),
    // Exchange takes what is one's own as it is.
    (D::AnswersWhatWasSent, Seen::Google),
    (D::VersionStays, Seen::Both),
    (D::GoneNotFetched, Seen::Both),
    (D::LoginToldTransient, Seen::Both),
    (D::TakenToldMade, Seen::Both),
    (D::HoldsAllFields, Seen::Both),
    (D::ChangedNotTold, Seen::Both),
    (D::NotifiesAlways, Seen::Both),
    (D::NotifiesNever, Seen::Both),
    (D::MasterNotTold, Seen::Both),
    (D::OccurrenceNotTold, Seen::Both),
    (D::TakenOutToldGone, Seen::Both),
    // Google tells each time apart.
    (D::SeriesNotTold, Seen::Exchange),
    (D::StandingNotTold, Seen::Both),
    (D::HiddenGuestsNotTold, Seen::Both),
    (D::FreeBusyNotTold, Seen::Both),
    (D::FrozenNotTold, Seen::Both),
    (D::StrangerTakenForFree, Seen::Both),
    (D::ExpressesAll, Seen::Both),
    // Exchange keeps the uid that it is given.
    (D::GivenUidKept, Seen::Google),
    (D::OwnResponseLost, Seen::Both),
    (D::DeliversToldWrong, Seen::Both),
    (D::RenamingDoesNothing, Seen::Both),
];

/// Whether a suite fails.
fn fails<F: Future<Output = ()>>(suite: impl FnOnce() -> F) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(suite()))).is_err()
}

fn contacts_fail(habits: Habits, defect: Defect) -> bool {
    fails(|| async move {
        let mut fake = Fake::new(habits);
        fake.contacts = Box::new(move |remote| Box::new(BentContacts::new(remote, defect)));
        contact_suite(&mut fake).await;
    })
}

fn calendars_fail(habits: Habits, defect: Defect) -> bool {
    fails(|| async move {
        let mut fake = Fake::new(habits);
        fake.calendars = Box::new(move |remote| Box::new(BentCalendars::new(remote, defect)));
        calendar_suite(&mut fake).await;
    })
}

fn unnoticed(table: &[(Defect, Seen)], fails: impl Fn(Habits, Defect) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (defect, seen) in table {
        for (flavour, habits) in [(Seen::Google, Habits::google()), (Seen::Exchange, Habits::exchange())] {
            let expected = *seen == Seen::Both || *seen == flavour;
            if fails(habits, *defect) != expected {
                let what = if expected { "passes" } else { "is noticed" };
                wrong.push(format!("{defect:?} {what} on {flavour:?}"));
            }
        }
    }
    wrong
}

#[test]
fn each_defect_of_contacts_is_noticed() {
    // A defect that contacts do not have shows that the wrapper by itself breaks nothing.
    let (none, defects) = OF_CONTACTS.split_last().unwrap();
    assert!(!contacts_fail(Habits::google(), none.0) && !contacts_fail(Habits::exchange(), none.0));
    assert_eq!(unnoticed(defects, contacts_fail), Vec::<String>::new());
}

#[test]
fn each_defect_of_calendars_is_noticed() {
    for habits in [Habits::google(), Habits::exchange()] {
        assert!(!calendars_fail(habits, D::LeavingDeletes), "a defect that calendars do not have");
    }
    assert_eq!(unnoticed(&OF_CALENDARS, calendars_fail), Vec::<String>::new());
}
