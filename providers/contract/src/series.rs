//! The cases for what recurs: one item is the series, or one time of it that differs.

use postrider_model::{Activity, CollectionKey, CollectionKind, ItemKey, Moment, Occurrence, Own, Status};
use postrider_remote::{CalendarOp, CalendarRemote, ItemApplied, Reach, RemoteActivity, Target};

use crate::{
    calendars::{appointment, at, create, day, held, instant, item, now, same, update},
    contacts::mark,
    following::Held,
    items::{CalendarHarness, Deed, Who},
};

pub(crate) async fn suite(harness: &mut dyn CalendarHarness) {
    a_time_that_differs_is_an_item_of_its_series(harness).await;
    a_time_that_is_taken_out_is_told_as_such(harness).await;
    times_are_told_on_the_clocks_of_their_place(harness).await;
    what_somebody_else_does_to_times_is_told(harness).await;
    a_series_of_other_times_has_none_that_differ(harness).await;
    a_series_goes_with_its_times(harness).await;
}

fn weekly(uid: &str, zone: &str) -> Activity {
    let mut series = appointment(uid, 2);
    series.timing.start = Some(at(2, 10, zone));
    series.timing.end = Some(at(2, 11, zone));
    series.timing.rules = vec!["FREQ=WEEKLY;BYDAY=MO".to_owned()];
    series
}

fn on(of: u32) -> Occurrence {
    Occurrence::At(instant(of, 10))
}

fn of_series(series: &RemoteActivity, occurrence: Occurrence) -> Target {
    Target::Occurrence { master: series.key.clone(), version: series.version.clone(), occurrence }
}

/// That time of a weekly series, as the series has it.
fn time(series: &RemoteActivity, of: u32, zone: &str, occurrence: Occurrence) -> Activity {
    let mut time = series.activity.clone();
    time.occurrence = Some(occurrence);
    time.timing.rules.clear();
    (time.timing.start, time.timing.end) = (Some(at(of, 10, zone)), Some(at(of, 11, zone)));
    time
}

/// Gives one time of a series another title.
fn retitled(series: &RemoteActivity, was: Activity, title: &str) -> CalendarOp {
    let occurrence = was.occurrence.unwrap();
    let mut activity = was.clone();
    activity.content.title = title.to_owned();
    CalendarOp::Update {
        target: of_series(series, occurrence),
        was: Box::new(was),
        activity: Box::new(activity),
        notify: false,
    }
}

struct Scene {
    calendar: CollectionKey,
    remote: Box<dyn CalendarRemote>,
    series: RemoteActivity,
    held: Held<RemoteActivity>,
}

impl Scene {
    async fn new(harness: &mut dyn CalendarHarness, name: &str, zone: &str, intent: u64) -> Self {
        let calendar = harness.make(CollectionKind::Calendar, name).await;
        let remote = harness.remote(Who::User);
        let op = create(&weekly(name, zone), false);
        let series = remote.apply(&calendar, mark(intent), &op).await.unwrap().done().unwrap();
        harness.settle().await;
        let held = held(&*remote, &calendar).await;
        Self { calendar, remote, series, held }
    }

    async fn apply(&self, intent: u64, op: &CalendarOp) -> RemoteActivity {
        self.remote.apply(&self.calendar, mark(intent), op).await.unwrap().done().expect("it is done")
    }

    /// The newest state of the series, whose version may move with its times.
    async fn renew(&mut self) {
        self.series = now(&*self.remote, &self.calendar, &self.series.key).await.expect("it is there");
    }
}

async fn a_time_that_differs_is_an_item_of_its_series(harness: &mut dyn CalendarHarness) {
    let mut scene = Scene::new(harness, "Differing", "UTC", 200).await;
    assert!(same(&scene.series.activity, &weekly("Differing", "UTC")) && scene.series.activity.recurs());
    let was = time(&scene.series, 9, "UTC", on(9));
    let done = scene.apply(201, &retitled(&scene.series, was.clone(), "Only this once")).await;
    assert_eq!((done.master.as_ref(), done.activity.occurrence), (Some(&scene.series.key), Some(on(9))));
    assert_eq!((&done.activity.timing, &*done.activity.content.title), (&was.timing, "Only this once"));
    assert_eq!(done.activity.uid, scene.series.activity.uid);
    assert_ne!(done.key, scene.series.key);
    scene.held.follow(&*scene.remote).await;
    assert_eq!(scene.held.items.len(), 2);
    assert_eq!(scene.held.items[&done.key], done);
    // The series is as it was, and a time that has an item is changed as that.
    scene.renew().await;
    assert!(same(&scene.series.activity, &weekly("Differing", "UTC")));
    let twice = retitled(&scene.series, was, "Twice");
    assert_eq!(scene.remote.apply(&scene.calendar, mark(202), &twice).await, Ok(ItemApplied::Stale));
    let moved = scene
        .apply(
            203,
            &update(&done, false, |is| {
                (is.timing.start, is.timing.end) = (Some(at(10, 15, "UTC")), Some(at(10, 16, "UTC")));
            }),
        )
        .await;
    assert_eq!((&moved.key, moved.activity.occurrence), (&done.key, Some(on(9))), "however it is moved");
    // What is no time of the series is refused.
    scene.renew().await;
    let was = time(&scene.series, 1, "UTC", Occurrence::Day(day(1)));
    let failed = scene.remote.apply(&scene.calendar, mark(204), &retitled(&scene.series, was, "Never")).await;
    assert_eq!(failed.unwrap_err().reach, Reach::NotDone);
    scene.remote.close().await;
}

async fn a_time_that_is_taken_out_is_told_as_such(harness: &mut dyn CalendarHarness) {
    let mut scene = Scene::new(harness, "Holes", "UTC", 210).await;
    let target = of_series(&scene.series, on(16));
    let out = scene.apply(211, &CalendarOp::Cancel { target, notify: false }).await;
    let is_out = |is: &RemoteActivity, series: &ItemKey| {
        is.activity.content.status == Status::Cancelled && is.master.as_ref() == Some(series)
    };
    assert!(is_out(&out, &scene.series.key) && out.activity.occurrence == Some(on(16)));
    // One that differs can be taken out too.
    scene.renew().await;
    let was = time(&scene.series, 23, "UTC", on(23));
    let differing = scene.apply(212, &retitled(&scene.series, was, "Not for long")).await;
    let out = scene.apply(213, &CalendarOp::Delete { target: item(&differing), notify: false }).await;
    assert!(is_out(&out, &scene.series.key) && out.activity.occurrence == Some(on(23)));
    scene.held.follow(&*scene.remote).await;
    let outs = scene.held.items.values().filter(|is| is_out(is, &scene.series.key)).count();
    assert_eq!((scene.held.items.len(), outs), (3, 2));
    // A full listing tells the same.
    let all = held(&*scene.remote, &scene.calendar).await;
    assert_eq!(all.items, scene.held.items);
    scene.remote.close().await;
}

async fn times_are_told_on_the_clocks_of_their_place(harness: &mut dyn CalendarHarness) {
    // In Berlin clocks go forward on 2026-03-29, so that 10:00 is an hour earlier in UTC.
    let zone = "Europe/Berlin";
    let mut scene = Scene::new(harness, "Zoned", zone, 220).await;
    let [before, after] =
        [(23, instant(23, 9)), (30, instant(30, 8))].map(|(of, at)| (of, Occurrence::At(at)));
    for (intent, (of, occurrence)) in (221..).zip([before, after]) {
        let was = time(&scene.series, of, zone, occurrence);
        let done = scene.apply(intent, &retitled(&scene.series, was.clone(), "Zoned once")).await;
        assert_eq!((&done.activity.timing, done.activity.occurrence), (&was.timing, Some(occurrence)));
        scene.renew().await;
    }
    assert!(
        matches!(&scene.series.activity.timing.start, Some(Moment::At { zone: Some(is), .. }) if is == zone)
    );
    scene.remote.close().await;
}

async fn what_somebody_else_does_to_times_is_told(harness: &mut dyn CalendarHarness) {
    let mut scene = Scene::new(harness, "Theirs", "UTC", 230).await;
    let mut was = time(&scene.series, 9, "UTC", on(9));
    was.content.place = Some("Outside".to_owned());
    assert!(harness.act(Who::User, &scene.series.key, Deed::Change(Some(on(9)), Box::new(was))).await);
    assert!(harness.act(Who::User, &scene.series.key, Deed::Delete(Some(on(16)))).await);
    harness.settle().await;
    let reading = scene.held.follow(&*scene.remote).await;
    assert_eq!(reading.gone, []);
    let times: Vec<_> = scene.held.items.values().filter(|is| is.master.is_some()).collect();
    let of = |occurrence| times.iter().find(|is| is.activity.occurrence == Some(occurrence)).unwrap();
    assert_eq!((times.len(), of(on(9)).activity.content.place.as_deref()), (2, Some("Outside")));
    assert_eq!(of(on(16)).activity.content.status, Status::Cancelled);
    assert!(scene.held.follow(&*scene.remote).await.is_empty());
    scene.remote.close().await;
}

async fn a_series_of_other_times_has_none_that_differ(harness: &mut dyn CalendarHarness) {
    let mut scene = Scene::new(harness, "Recast", "UTC", 240).await;
    let was = time(&scene.series, 9, "UTC", on(9));
    let differing = scene.apply(241, &retitled(&scene.series, was, "Soon forgotten")).await;
    scene.held.follow(&*scene.remote).await;
    scene.renew().await;
    // Another title leaves it.
    let titled = update(&scene.series, false, |is| is.content.title = "Recast, titled".to_owned());
    scene.series = scene.apply(242, &titled).await;
    scene.held.follow(&*scene.remote).await;
    assert!(scene.held.items.contains_key(&differing.key));
    let recast = update(&scene.series, false, |is| {
        (is.timing.start, is.timing.end) = (Some(at(3, 10, "UTC")), Some(at(3, 11, "UTC")));
        is.timing.rules = vec!["FREQ=WEEKLY;BYDAY=TU".to_owned()];
    });
    scene.apply(243, &recast).await;
    harness.settle().await;
    let reading = scene.held.follow(&*scene.remote).await;
    let still = now(&*scene.remote, &scene.calendar, &differing.key).await;
    assert_eq!(
        still.is_some(),
        scene.held.items.contains_key(&differing.key),
        "what is told is what is there"
    );
    if still.is_none() {
        assert_eq!(reading.gone_keys(), [differing.key]);
    }
    scene.remote.close().await;
}

async fn a_series_goes_with_its_times(harness: &mut dyn CalendarHarness) {
    let mut scene = Scene::new(harness, "Going", "UTC", 250).await;
    let was = time(&scene.series, 9, "UTC", on(9));
    scene.apply(251, &retitled(&scene.series, was, "Going too")).await;
    let other = harness.add(Who::User, &scene.calendar, &appointment("Staying", 9), &Own::default()).await;
    scene.held.follow(&*scene.remote).await;
    scene.renew().await;
    let op = CalendarOp::Delete { target: item(&scene.series), notify: false };
    assert_eq!(scene.remote.apply(&scene.calendar, mark(252), &op).await, Ok(ItemApplied::Removed));
    harness.settle().await;
    scene.held.follow(&*scene.remote).await;
    assert_eq!(scene.held.items.keys().collect::<Vec<_>>(), [&other]);
    assert_eq!(held(&*scene.remote, &scene.calendar).await.items, scene.held.items);
    scene.remote.close().await;
}
