//! The cases for changing activities in which nobody else takes part.

use std::collections::BTreeSet;

use postrider_model::{
    Activity, ActivityField, ActivityKind, CollectionKind, ErrorClass, Moment, Own, Privacy, Reminder,
    ReminderBy, ReminderTime, ShowAs, Status,
};
use postrider_remote::{CalendarOp, ItemApplied, Reach, RemoteActivity, Standing};

use crate::{
    calendars::{appointment, calendar, create, day, held, instant, item, now, same, update},
    contacts::mark,
    items::{CalendarHarness, Deed, Ill, Who},
};

pub(crate) async fn suite(harness: &mut dyn CalendarHarness) {
    what_is_made_is_there_once_and_carries_its_mark(harness).await;
    a_change_is_made_to_the_newest_state_alone(harness).await;
    what_is_ones_own_is_changed_apart(harness).await;
    what_a_server_does_not_hold_is_left_out(harness).await;
    whole_days_are_days(harness).await;
    what_cannot_be_said_is_refused(harness).await;
    tasks_are_kept_in_lists(harness).await;
    what_is_frozen_is_told_so(harness).await;
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
    assert_eq!(held.follow(&*remote).await.put, std::slice::from_ref(&done.key));
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
    let can = remote.capabilities();
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
    let shown = if can.shows_only_busy_or_free { ShowAs::Busy } else { ShowAs::OutOfOffice };
    assert_eq!(done.own.show_as, shown);
    let can = can.fields;
    assert_eq!(done.own.categories.is_empty(), !can.contains(&ActivityField::Categories));
    assert_eq!(
        done.own.reminders,
        if can.contains(&ActivityField::Reminders) { vec![reminder] } else { vec![] }
    );
    assert_eq!(now(&*remote, &owned, &keys[0]).await.unwrap(), done);
    // What is written as it is changes nothing.
    let same = Box::new(done.own.clone());
    let again = CalendarOp::UpdateOwn { target: item(&done), was: same.clone(), own: same };
    assert_eq!(remote.apply(&owned, mark(139), &again).await.unwrap().done().as_ref(), Some(&done));
    // What another client did meanwhile is seen, and the old state is stale.
    let own = Own { show_as: ShowAs::Free, ..done.own.clone() };
    assert!(harness.act(Who::User, &keys[0], Deed::ChangeOwn(own)).await);
    assert_eq!(remote.apply(&owned, mark(113), &op).await, Ok(ItemApplied::Stale));
    assert_eq!(now(&*remote, &owned, &keys[0]).await.unwrap().own.show_as, ShowAs::Free);
    remote.close().await;
}

/// What of an appointment a server holds, by what it says of itself.
fn held_of(can: &BTreeSet<ActivityField>, mut activity: Activity) -> Activity {
    use ActivityField as F;
    let content = &mut activity.content;
    content.place = content.place.take().filter(|_| can.contains(&F::Place));
    content.description = content.description.take().filter(|_| can.contains(&F::Description));
    content.join_url = content.join_url.take().filter(|_| can.contains(&F::JoinUrl));
    content.priority = content.priority.filter(|_| can.contains(&F::Priority));
    if !can.contains(&F::Status) {
        content.status = Status::Open;
    }
    if !can.contains(&F::Privacy) {
        content.privacy = Privacy::Normal;
    }
    activity
}

async fn what_a_server_does_not_hold_is_left_out(harness: &mut dyn CalendarHarness) {
    let (fields, _) = calendar(harness, "Fields", 0).await;
    let remote = harness.remote(Who::User);
    let can = remote.capabilities().fields;
    let mut full = appointment("Full", 4);
    full.content.description = Some("All of it.".to_owned());
    full.content.status = Status::Tentative;
    full.content.privacy = Privacy::Private;
    full.content.priority = Some(1);
    full.content.join_url = Some("https://meet.example.org/abc".to_owned());
    let done = remote.apply(&fields, mark(136), &create(&full, false)).await.unwrap().done().unwrap();
    assert!(same(&done.activity, &held_of(&can, full)), "{done:?}");
    assert_eq!(now(&*remote, &fields, &done.key).await.as_ref(), Some(&done));
    // A change of what is held leaves the rest of it.
    let change = update(&done, false, |is| is.content.title = "Full, titled".to_owned());
    let changed = remote.apply(&fields, mark(137), &change).await.unwrap().done().unwrap();
    let mut expected = done.activity;
    expected.content.title = "Full, titled".to_owned();
    assert!(same(&changed.activity, &expected), "{changed:?}");
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
