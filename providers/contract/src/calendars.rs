//! The cases for reading calendars and task lists, and for activities in which nobody else takes part.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use postrider_model::{
    Activity, ActivityKind, CollectionKey, CollectionKind, ErrorClass, ItemKey, Moment, Own, Scope, ShowAs,
    Timestamp,
};
use postrider_remote::{
    Access, ActivityChange, CalendarOp, CalendarRemote, Making, Reach, RemoteActivity, Standing, Target,
};

use crate::{
    contacts::mark,
    following::Held,
    items::{CalendarHarness, Deed, Ill, Who},
    meetings, planning, series,
};

/// All cases, one after another, each in collections of its own.
pub async fn calendar_suite(harness: &mut dyn CalendarHarness) {
    collections_are_listed_made_and_renamed(harness).await;
    a_first_reading_is_full_and_has_all(harness).await;
    each_change_is_told_once(harness).await;
    a_fetch_answers_for_each_key(harness).await;
    a_cursor_that_holds_no_more_gives_a_full_listing(harness).await;
    a_failure_is_not_emptiness(harness).await;
    busy_times_are_told_and_nothing_else(harness).await;
    planning::suite(harness).await;
    series::suite(harness).await;
    meetings::suite(harness).await;
}

/// A day of March 2026.
pub(crate) fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

/// A time of that day, on the clocks of a place.
pub(crate) fn at(of: u32, hour: u32, zone: &str) -> Moment {
    let local = NaiveDateTime::new(day(of), NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    Moment::At { local, zone: Some(zone.to_owned()) }
}

/// The same in UTC, as an instant.
pub(crate) fn instant(of: u32, hour: u32) -> Timestamp {
    let local = NaiveDateTime::new(day(of), NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    Timestamp::from_seconds(local.and_utc().timestamp())
}

/// An appointment of one hour on that day of March 2026, from 10 to 11 UTC, that every server can hold as it is.
pub(crate) fn appointment(uid: &str, on: u32) -> Activity {
    let mut activity = Activity::new(ActivityKind::Appointment, format!("{uid}@postrider.test"));
    activity.content.title = uid.to_owned();
    activity.content.place = Some("Room 1".to_owned());
    activity.timing.start = Some(at(on, 10, "UTC"));
    activity.timing.end = Some(at(on, 11, "UTC"));
    activity
}

/// The same activity but for what servers number themselves.
pub(crate) fn same(one: &Activity, other: &Activity) -> bool {
    let bare = |activity: &Activity| Activity { uid: String::new(), sequence: 0, ..activity.clone() };
    bare(one) == bare(other)
}

pub(crate) fn item(is: &RemoteActivity) -> Target {
    Target::Item { key: is.key.clone(), version: is.version.clone() }
}

pub(crate) fn create(activity: &Activity, notify: bool) -> CalendarOp {
    CalendarOp::Create { activity: Box::new(activity.clone()), own: Box::new(Own::default()), notify }
}

/// A change of an item from what it is.
pub(crate) fn update(was: &RemoteActivity, notify: bool, change: impl FnOnce(&mut Activity)) -> CalendarOp {
    let mut activity = was.activity.clone();
    change(&mut activity);
    CalendarOp::Update {
        target: item(was),
        was: Box::new(was.activity.clone()),
        activity: Box::new(activity),
        notify,
    }
}

pub(crate) async fn held(remote: &dyn CalendarRemote, collection: &CollectionKey) -> Held<RemoteActivity> {
    let mut held = Held::<RemoteActivity>::nothing_of(collection.clone());
    held.follow(remote).await;
    held
}

/// An item as it is now; `None` where it is gone.
pub(crate) async fn now(
    remote: &dyn CalendarRemote,
    collection: &CollectionKey,
    key: &ItemKey,
) -> Option<RemoteActivity> {
    match remote.fetch(collection, std::slice::from_ref(key)).await.unwrap().pop() {
        Some(ActivityChange::Put(is)) => Some(*is),
        Some(ActivityChange::Gone { .. }) => None,
        other => panic!("each key is answered for, and not {other:?}"),
    }
}

/// A calendar of its own with some appointments in it.
pub(crate) async fn calendar(
    harness: &mut dyn CalendarHarness,
    name: &str,
    count: u32,
) -> (CollectionKey, Vec<ItemKey>) {
    let calendar = harness.make(CollectionKind::Calendar, name).await;
    let mut keys = Vec::new();
    for number in 1..=count {
        let activity = appointment(&format!("{name}{number}"), number);
        keys.push(harness.add(Who::User, &calendar, &activity, &Own::default()).await);
    }
    harness.settle().await;
    (calendar, keys)
}

async fn collections_are_listed_made_and_renamed(harness: &mut dyn CalendarHarness) {
    let remote = harness.remote(Who::User);
    let kinds = remote.capabilities().kinds;
    for kind in [CollectionKind::Calendar, CollectionKind::TaskList] {
        let made = remote.make_collection(kind, "Made here", mark(100)).await;
        if !kinds.contains(&kind) {
            assert_eq!(made.unwrap_err().reach, Reach::NotDone);
            continue;
        }
        let Making::Made(made) = made.unwrap() else { panic!("there was none of that name") };
        let Making::Taken(same) = remote.make_collection(kind, "Made here", mark(100)).await.unwrap() else {
            panic!("it is never made twice");
        };
        assert_eq!((&same, made.kind, made.access), (&made, kind, Access::Write));
        remote.rename_collection(&made.key, "Renamed here").await.unwrap();
        let listed = remote.collections().await.unwrap();
        assert_eq!(listed.iter().filter(|one| one.is_default && one.kind == kind).count(), 1);
        let found = listed.iter().find(|one| one.key == made.key).expect("a new name leaves its key");
        assert_eq!(found.name, "Renamed here");
        if harness.ill(Some(Ill::AnswersLost)).await {
            let failed = remote.make_collection(kind, "Unheard", mark(138)).await.unwrap_err();
            assert_eq!(failed.reach, Reach::Unknown);
            harness.ill(None).await;
            let listed = remote.collections().await.unwrap();
            let found = listed.iter().find(|one| one.kind == kind && one.name == "Unheard");
            assert!(found.expect("it was made").mark.is_none_or(|is| is == mark(138)));
        }
        harness.delete(&made.key).await;
        let listed = remote.collections().await.unwrap();
        assert!(listed.iter().all(|one| one.key != made.key));
    }
    remote.close().await;
}

async fn a_first_reading_is_full_and_has_all(harness: &mut dyn CalendarHarness) {
    let (first, keys) = calendar(harness, "First", 9).await;
    let remote = harness.remote(Who::User);
    let mut held = Held::<RemoteActivity>::nothing_of(first);
    let reading = held.follow(&*remote).await;
    assert_eq!((reading.scope, held.items.len()), (Scope::Full, 9));
    for (number, key) in (1..).zip(&keys) {
        let is = &held.items[key];
        assert!(same(&is.activity, &appointment(&format!("First{number}"), number)), "{is:?}");
        assert!(!is.activity.uid.is_empty() && is.changed.is_some());
        assert_eq!((is.standing, &is.master, is.mark), (Standing::Organizer, &None, None));
        assert!(!is.guests_hidden && !is.is_free_busy_only && !is.is_read_only);
    }
    let reading = held.follow(&*remote).await;
    assert!(reading.scope == Scope::Delta && reading.is_empty());
    remote.close().await;
}

async fn each_change_is_told_once(harness: &mut dyn CalendarHarness) {
    let (changing, keys) = calendar(harness, "Changing", 6).await;
    let remote = harness.remote(Who::User);
    let mut held = held(&*remote, &changing).await;
    let before = held.clone();
    let mut moved = before.items[&keys[1]].activity.clone();
    (moved.timing.start, moved.timing.end) = (Some(at(20, 12, "UTC")), Some(at(20, 13, "UTC")));
    assert!(harness.act(Who::User, &keys[1], Deed::Change(None, Box::new(moved.clone()))).await);
    assert!(harness.act(Who::User, &keys[4], Deed::Delete(None)).await);
    let new = harness.add(Who::User, &changing, &appointment("Added", 9), &Own::default()).await;
    harness.settle().await;
    let reading = held.follow(&*remote).await;
    let mut put = vec![keys[1].clone(), new];
    put.sort();
    assert_eq!(
        (reading.scope, &reading.put, reading.gone_keys()),
        (Scope::Delta, &put, vec![keys[4].clone()])
    );
    let is = &held.items[&keys[1]];
    assert!(same(&is.activity, &moved) && is.activity.uid == moved.uid);
    assert_ne!(is.version, before.items[&keys[1]].version);
    assert!(is.changed > before.items[&keys[1]].changed);
    assert!(held.follow(&*remote).await.is_empty());
    let mut again = before;
    again.follow(&*remote).await;
    assert_eq!(again.items, held.items, "the old cursor still tells all of it");
    remote.close().await;
}

async fn a_fetch_answers_for_each_key(harness: &mut dyn CalendarHarness) {
    let (fetched, keys) = calendar(harness, "Fetched", 3).await;
    let remote = harness.remote(Who::User);
    held(&*remote, &fetched).await;
    assert!(harness.act(Who::User, &keys[0], Deed::Delete(None)).await);
    let answers = remote.fetch(&fetched, &keys).await.unwrap();
    assert_eq!(answers.len(), 3);
    assert!(answers.contains(&ActivityChange::Gone { key: keys[0].clone() }));
    for key in &keys[1..] {
        assert!(answers.iter().any(|one| matches!(one, ActivityChange::Put(is) if is.key == *key)));
    }
    remote.close().await;
}

async fn a_cursor_that_holds_no_more_gives_a_full_listing(harness: &mut dyn CalendarHarness) {
    let (expired, keys) = calendar(harness, "Expired", 5).await;
    let remote = harness.remote(Who::User);
    let mut held = held(&*remote, &expired).await;
    assert!(harness.act(Who::User, &keys[2], Deed::Delete(None)).await);
    if harness.expire_cursors().await {
        let reading = held.follow(&*remote).await;
        assert_eq!((reading.scope, reading.gone_keys()), (Scope::Full, vec![keys[2].clone()]));
        assert!(held.follow(&*remote).await.is_empty());
    }
    remote.close().await;
}

async fn a_failure_is_not_emptiness(harness: &mut dyn CalendarHarness) {
    let (failing, keys) = calendar(harness, "Failing", 9).await;
    let remote = harness.remote(Who::User);
    let mut held = held(&*remote, &failing).await;
    let is = held.clone();
    let ills = [
        (Ill::Unavailable, ErrorClass::Transient),
        (Ill::Throttled, ErrorClass::Throttled),
        (Ill::LoginRefused, ErrorClass::Login),
        (Ill::AnswersLost, ErrorClass::Transient),
        (Ill::BreaksOff, ErrorClass::Transient),
    ];
    for (ill, class) in ills {
        if !harness.ill(Some(ill)).await {
            continue;
        }
        held.cursor = None;
        let failed = held.try_follow(&*remote).await.unwrap_err();
        assert_eq!(failed.class, class, "{ill:?}: {failed}");
        if ill != Ill::BreaksOff {
            assert_eq!(remote.collections().await.unwrap_err().class, class);
            assert_eq!(remote.fetch(&failing, &keys).await.unwrap_err().class, class);
            let people = [harness.address(Who::Guest)];
            let asked = remote.free_busy(&people, instant(1, 0), instant(2, 0)).await;
            assert_eq!(asked.unwrap_err().class, class);
        }
        harness.ill(None).await;
    }
    held.follow(&*remote).await;
    assert_eq!(held.items, is.items);
    harness.delete(&failing).await;
    for cursor in [None, held.cursor.clone()] {
        held.cursor = cursor;
        assert_eq!(held.try_follow(&*remote).await.unwrap_err().class, ErrorClass::Permanent);
    }
    let failed = remote.apply(&failing, mark(101), &create(&appointment("Nowhere", 1), false)).await;
    assert_eq!(failed.unwrap_err().reach, Reach::NotDone);
    remote.close().await;
}

async fn busy_times_are_told_and_nothing_else(harness: &mut dyn CalendarHarness) {
    let theirs = harness.own_calendar(Who::Guest).await;
    let free = Own { show_as: ShowAs::Free, ..Own::default() };
    let key = harness.add(Who::Guest, &theirs, &appointment("Secret", 25), &Own::default()).await;
    harness.add(Who::Guest, &theirs, &appointment("Idle", 26), &free).await;
    harness.add(Who::Guest, &theirs, &appointment("Later", 28), &Own::default()).await;
    harness.settle().await;
    let remote = harness.remote(Who::User);
    let people = [harness.address(Who::Guest), "nobody@nowhere.test".to_owned()];
    let (from, until) = (instant(25, 0), instant(28, 0));
    let told = remote.free_busy(&people, from, until).await.unwrap();
    assert_eq!(told.iter().map(|one| &one.email).collect::<Vec<_>>(), people.iter().collect::<Vec<_>>());
    let times = told[0].times.clone().expect("they are told");
    let times: Vec<_> = times.iter().map(|time| (time.from, time.until)).collect();
    assert_eq!(times, [(instant(25, 10), instant(25, 11))]);
    assert!(told[1].times.is_err(), "who is not known is not free");
    if let Some(lent) = harness.lend_free_busy(&theirs).await {
        let listed = remote.collections().await.unwrap();
        let found = listed.iter().find(|one| one.key == lent).expect("it is listed");
        assert_eq!(found.access, Access::FreeBusy);
        let held = held(&*remote, &lent).await;
        let is = held.items.values().find(|is| is.key == key).expect("it is told");
        assert!(is.is_free_busy_only && is.activity.content.title.is_empty());
        assert!(is.activity.content.place.is_none() && is.activity.people.participants.is_empty());
        assert_eq!(is.activity.timing, appointment("Secret", 25).timing);
        let failed = remote.apply(&lent, mark(135), &create(&appointment("Intruder", 1), false)).await;
        assert_eq!(failed.unwrap_err().reach, Reach::NotDone);
    }
    remote.close().await;
}
