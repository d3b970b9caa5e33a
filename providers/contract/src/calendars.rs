//! The cases for reading calendars and task lists, and for activities in which nobody else takes part.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use postrider_model::{
    Activity, ActivityField, ActivityKind, CollectionKey, CollectionKind, ErrorClass, ItemKey, Moment, Own,
    Reminder, ReminderBy, ReminderTime, Scope, ShowAs, Status, Timestamp,
};
use postrider_remote::{
    Access, ActivityChange, CalendarOp, CalendarRemote, ItemApplied, Making, Reach, RemoteActivity, Standing,
    Target,
};

use crate::{
    contacts::mark,
    following::Held,
    items::{CalendarHarness, Deed, Ill, Who},
    meetings, series,
};

/// All cases, one after another, each in collections of its own.
pub async fn calendar_suite(harness: &mut dyn CalendarHarness) {
    collections_are_listed_made_and_renamed(harness).await;
    a_first_reading_is_full_and_has_all(harness).await;
    each_change_is_told_once(harness).await;
    a_fetch_answers_for_each_key(harness).await;
    a_cursor_that_holds_no_more_gives_a_full_listing(harness).await;
    a_failure_is_not_emptiness(harness).await;
    what_is_made_is_there_once_and_carries_its_mark(harness).await;
    a_change_is_made_to_the_newest_state_alone(harness).await;
    what_is_ones_own_is_changed_apart(harness).await;
    whole_days_are_days(harness).await;
    what_cannot_be_said_is_refused(harness).await;
    tasks_are_kept_in_lists(harness).await;
    what_is_frozen_is_told_so(harness).await;
    busy_times_are_told_and_nothing_else(harness).await;
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
async fn calendar(
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

async fn what_is_made_is_there_once_and_carries_its_mark(harness: &mut dyn CalendarHarness) {
    let (made, _) = calendar(harness, "Made", 2).await;
    let remote = harness.remote(Who::User);
    let mut held = held(&*remote, &made).await;
    assert_eq!(remote.find(&made, mark(102)).await.unwrap(), None);
    let new = appointment("Fresh", 5);
    let done =
        remote.apply(&made, mark(102), &create(&new, false)).await.unwrap().done().expect("it is made");
    assert!(same(&done.activity, &new) && !done.activity.uid.is_empty());
    assert_eq!((done.mark, done.standing), (Some(mark(102)), Standing::Organizer));
    assert_eq!(now(&*remote, &made, &done.key).await.as_ref(), Some(&done));
    harness.settle().await;
    assert_eq!(remote.find(&made, mark(102)).await.unwrap().as_ref(), Some(&done));
    assert_eq!(held.follow(&*remote).await.put, [done.key.clone()]);
    assert_eq!(held.items[&done.key], done);
    match remote.apply(&made, mark(102), &create(&new, false)).await {
        Ok(answered) => assert_eq!(answered.done(), Some(done)),
        Err(refused) => assert_eq!(refused.reach, Reach::NotDone, "{refused}"),
    }
    assert!(held.follow(&*remote).await.is_empty(), "it is there once");
    // Where its answer is lost, it is found.
    if harness.ill(Some(Ill::AnswersLost)).await {
        let failed = remote.apply(&made, mark(103), &create(&appointment("Unheard", 6), false)).await;
        assert_eq!(failed.unwrap_err().reach, Reach::Unknown);
        harness.ill(None).await;
        harness.settle().await;
        let found = remote.find(&made, mark(103)).await.unwrap().expect("it was made");
        assert_eq!(found.activity.content.title, "Unheard");
    }
    remote.close().await;
}

async fn a_change_is_made_to_the_newest_state_alone(harness: &mut dyn CalendarHarness) {
    let (raced, keys) = calendar(harness, "Raced", 3).await;
    let remote = harness.remote(Who::User);
    let held = held(&*remote, &raced).await;
    let was = held.items[&keys[0]].clone();
    let ours = update(&was, false, |is| is.content.place = Some("Ours".to_owned()));
    let done = remote.apply(&raced, mark(104), &ours).await.unwrap().done().unwrap();
    assert_eq!((&done.key, done.activity.content.place.as_deref()), (&was.key, Some("Ours")));
    assert_eq!((&done.activity.uid, &done.activity.timing), (&was.activity.uid, &was.activity.timing));
    assert!(done.version != was.version && done.changed >= was.changed);
    assert_eq!(remote.apply(&raced, mark(105), &ours).await, Ok(ItemApplied::Stale));
    let mut theirs = done.activity.clone();
    theirs.content.title = "Theirs".to_owned();
    assert!(harness.act(Who::User, &keys[0], Deed::Change(None, Box::new(theirs.clone()))).await);
    let late = update(&done, false, |is| is.content.title = "Late".to_owned());
    assert_eq!(remote.apply(&raced, mark(106), &late).await, Ok(ItemApplied::Stale));
    let delete = |was: &RemoteActivity| CalendarOp::Delete { target: item(was), notify: false };
    assert_eq!(remote.apply(&raced, mark(107), &delete(&done)).await, Ok(ItemApplied::Stale));
    assert_eq!(now(&*remote, &raced, &keys[0]).await.unwrap().activity.content.title, "Theirs");
    let other = held.items[&keys[1]].clone();
    assert_eq!(remote.apply(&raced, mark(108), &delete(&other)).await, Ok(ItemApplied::Removed));
    assert_eq!(remote.apply(&raced, mark(109), &delete(&other)).await, Ok(ItemApplied::Gone));
    let late = update(&other, false, |is| is.content.title = "Late".to_owned());
    assert_eq!(remote.apply(&raced, mark(110), &late).await, Ok(ItemApplied::Gone));
    // What is written as it is changes nothing.
    let is = now(&*remote, &raced, &keys[2]).await.unwrap();
    let again = remote.apply(&raced, mark(111), &update(&is, false, |_| ())).await.unwrap();
    assert_eq!(again.done(), Some(is));
    remote.close().await;
}

async fn what_is_ones_own_is_changed_apart(harness: &mut dyn CalendarHarness) {
    let (owned, keys) = calendar(harness, "Owned", 2).await;
    let remote = harness.remote(Who::User);
    let can = remote.capabilities().fields;
    let was = now(&*remote, &owned, &keys[0]).await.unwrap();
    let reminder = Reminder { at: ReminderTime::BeforeStart(900), by: ReminderBy::Display };
    let own = Own {
        response: was.own.response,
        reminders: vec![reminder.clone()],
        show_as: ShowAs::OutOfOffice,
        categories: vec!["Travel".to_owned()],
    };
    let (before, wanted) = (Box::new(was.own.clone()), Box::new(own.clone()));
    let op = CalendarOp::UpdateOwn { target: item(&was), was: before, own: wanted };
    let done = remote.apply(&owned, mark(112), &op).await.unwrap().done().unwrap();
    assert_eq!(done.activity, was.activity, "nothing of what all share changes with it");
    let more = can.contains(&ActivityField::ShowAsMore);
    assert_eq!(done.own.show_as, if more { ShowAs::OutOfOffice } else { ShowAs::Busy });
    assert_eq!(done.own.categories.is_empty(), !can.contains(&ActivityField::Categories));
    assert_eq!(
        done.own.reminders,
        if can.contains(&ActivityField::Reminders) { vec![reminder] } else { vec![] }
    );
    assert_eq!(now(&*remote, &owned, &keys[0]).await.unwrap(), done);
    // What another client did meanwhile is seen, and the old state is stale.
    let own = Own { show_as: ShowAs::Free, ..done.own.clone() };
    assert!(harness.act(Who::User, &keys[0], Deed::ChangeOwn(own)).await);
    assert_eq!(remote.apply(&owned, mark(113), &op).await, Ok(ItemApplied::Stale));
    assert_eq!(now(&*remote, &owned, &keys[0]).await.unwrap().own.show_as, ShowAs::Free);
    remote.close().await;
}

async fn whole_days_are_days(harness: &mut dyn CalendarHarness) {
    let (days, _) = calendar(harness, "Days", 0).await;
    let remote = harness.remote(Who::User);
    let mut trip = appointment("Trip", 1);
    (trip.timing.start, trip.timing.end) = (Some(Moment::Day(day(3))), Some(Moment::Day(day(6))));
    let done = remote.apply(&days, mark(114), &create(&trip, false)).await.unwrap().done().unwrap();
    assert!(same(&done.activity, &trip) && done.activity.is_all_day());
    assert_eq!(now(&*remote, &days, &done.key).await, Some(done));
    remote.close().await;
}

async fn what_cannot_be_said_is_refused(harness: &mut dyn CalendarHarness) {
    let (strange, _) = calendar(harness, "Strange", 0).await;
    let remote = harness.remote(Who::User);
    let rules: [&[&str]; 5] = [
        &["FREQ=SECONDLY"],
        &["FREQ=MINUTELY;INTERVAL=5"],
        &["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"],
        &["FREQ=DAILY", "FREQ=YEARLY"],
        &["FREQ=WEEKLY;BYDAY=MO"],
    ];
    for (number, rules) in (0..).zip(rules) {
        let mut odd = appointment(&format!("Odd{number}"), 2);
        odd.timing.rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        let done = remote.apply(&strange, mark(120 + number), &create(&odd, false)).await;
        match remote.expresses(&odd) {
            Ok(()) => assert!(same(&done.unwrap().done().unwrap().activity, &odd), "what it says it means"),
            Err(why) => {
                assert!(!why.is_empty());
                let failed = done.unwrap_err();
                assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
            }
        }
    }
    let mut weekly = appointment("Weekly", 2);
    weekly.timing.rules = vec!["FREQ=WEEKLY;BYDAY=MO".to_owned()];
    assert_eq!(remote.expresses(&weekly), Ok(()), "the plainest of all rules");
    let mut endless = appointment("Endless", 2);
    endless.timing.end = None;
    endless.timing.start = None;
    let failed = remote.apply(&strange, mark(130), &create(&endless, false)).await.unwrap_err();
    assert_eq!(failed.reach, Reach::NotDone, "an appointment has a time");
    remote.close().await;
}

async fn tasks_are_kept_in_lists(harness: &mut dyn CalendarHarness) {
    let remote = harness.remote(Who::User);
    if !remote.capabilities().kinds.contains(&CollectionKind::TaskList) {
        return;
    }
    let list = harness.make(CollectionKind::TaskList, "Chores").await;
    let mut task = Activity::new(ActivityKind::Task, "task@postrider.test");
    task.content.title = "Write it down".to_owned();
    task.timing.end = Some(Moment::Day(day(9)));
    let done = remote.apply(&list, mark(131), &create(&task, false)).await.unwrap().done().unwrap();
    assert!(same(&done.activity, &task) && done.standing == Standing::Organizer);
    let finished = update(&done, false, |is| {
        is.content.status = Status::Completed;
        is.content.percent = Some(100);
        is.content.completed = Some(instant(8, 9));
    });
    let done = remote.apply(&list, mark(132), &finished).await.unwrap().done().unwrap();
    assert_eq!((done.activity.content.status, done.activity.content.percent), (Status::Completed, Some(100)));
    assert_eq!(held(&*remote, &list).await.items[&done.key], done);
    // Each kind has its place.
    let failed =
        remote.apply(&list, mark(133), &create(&appointment("Misplaced", 1), false)).await.unwrap_err();
    assert_eq!(failed.reach, Reach::NotDone);
    remote.close().await;
}

async fn what_is_frozen_is_told_so(harness: &mut dyn CalendarHarness) {
    let (frozen, keys) = calendar(harness, "Frozen", 1).await;
    let remote = harness.remote(Who::User);
    if harness.act(Who::User, &keys[0], Deed::Freeze).await {
        let is = now(&*remote, &frozen, &keys[0]).await.unwrap();
        assert!(is.is_read_only);
        let change = update(&is, false, |is| is.content.title = "Thawed".to_owned());
        let failed = remote.apply(&frozen, mark(134), &change).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
        assert_eq!(now(&*remote, &frozen, &keys[0]).await, Some(is));
    }
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
