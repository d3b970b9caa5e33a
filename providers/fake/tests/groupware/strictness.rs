//! What the fake refuses though a real server might let it pass: each of our mistakes is kept in `violations`.

use postrider_fake::groupware::{Habits, Notice};
use postrider_model::{
    Activity, ActivityKind, CollectionKey, CollectionKind, Contact, ItemCursor, ItemKey, ItemVersion, Mark,
    Moment, Occurrence, Own, Participant, Person, Response, Status, Timestamp,
};
use postrider_remote::{
    ActivityChange, CalendarOp, CalendarRemote, ContactChange, ContactOp, ContactRemote, ItemApplied,
    RemoteActivity, Standing, Target, Written,
};

use super::harness::{Fake, GUEST, OUTSIDER, START, USER};

fn mark(intent: u64) -> Mark {
    Mark::new(1, intent)
}

fn contact(name: &str) -> Contact {
    Contact { display_name: name.to_owned(), ..Contact::default() }
}

fn when(seconds: i64) -> Moment {
    let local = chrono::DateTime::from_timestamp(START.seconds() + seconds, 0).unwrap().naive_utc();
    Moment::At { local, zone: Some("UTC".to_owned()) }
}

fn appointment(uid: &str, guests: &[&str]) -> Activity {
    let mut activity = Activity::new(ActivityKind::Appointment, uid);
    uid.clone_into(&mut activity.content.title);
    (activity.timing.start, activity.timing.end) = (Some(when(0)), Some(when(3_600)));
    let guest = |email: &&str| Participant {
        person: Person { email: (*email).to_owned(), name: None },
        ..Participant::default()
    };
    activity.people.participants = guests.iter().map(guest).collect();
    activity
}

fn create(activity: &Activity, notify: bool) -> CalendarOp {
    CalendarOp::Create { activity: Box::new(activity.clone()), own: Box::default(), notify }
}

fn item(is: &RemoteActivity) -> Target {
    Target::Item { key: is.key.clone(), version: is.version.clone() }
}

fn update(was: &RemoteActivity, notify: bool, change: impl FnOnce(&mut Activity)) -> CalendarOp {
    let mut activity = was.activity.clone();
    change(&mut activity);
    let was_it = Box::new(was.activity.clone());
    CalendarOp::Update { target: item(was), was: was_it, activity: Box::new(activity), notify }
}

fn flavours() -> [Fake; 2] {
    [Fake::new(Habits::google()), Fake::new(Habits::exchange())]
}

/// The account's calendar and the provider over it.
struct Desk<'a> {
    fake: &'a Fake,
    who: &'a str,
    calendar: CollectionKey,
}

impl<'a> Desk<'a> {
    fn of(fake: &'a Fake, who: &'a str) -> Self {
        let calendar = fake.server.somebody(who).own_collection(CollectionKind::Calendar).unwrap();
        Self { fake, who, calendar }
    }

    async fn apply(&self, intent: u64, op: &CalendarOp) -> Written<ItemApplied<RemoteActivity>> {
        self.fake.server.calendars(self.who).apply(&self.calendar, mark(intent), op).await
    }

    async fn done(&self, intent: u64, op: &CalendarOp) -> RemoteActivity {
        self.apply(intent, op).await.unwrap().done().unwrap()
    }

    fn copy(&self) -> Option<RemoteActivity> {
        self.fake.server.somebody(self.who).activities().into_iter().next()
    }
}

/// That it is refused, and kept.
fn assert_breach<T: std::fmt::Debug>(fake: &Fake, outcome: Written<T>, says: &str) {
    let cause = outcome.unwrap_err().fault.cause;
    assert!(cause.contains(says), "{cause}");
    let kept = fake.server.violations();
    assert!(kept.last().is_some_and(|last| last.contains(says)), "{kept:?}");
}

#[tokio::test]
async fn mail_that_no_person_asked_for_is_refused() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let meeting = appointment("unannounced", &[GUEST]);
        assert_breach(&fake, desk.apply(1, &create(&meeting, true)).await, "no person changed it");
        assert_eq!(desk.copy(), None, "nothing of it is done");
        fake.server.announce(USER, "alone");
        let alone = appointment("alone", &[]);
        assert_breach(&fake, desk.apply(2, &create(&alone, true)).await, "nobody to get it");
        let made = desk.done(5, &create(&alone, false)).await;
        let change = update(&made, true, |is| is.content.title = "still alone".to_owned());
        assert_breach(&fake, desk.apply(6, &change).await, "nobody to get it");
        // One change of a person's is one mail, whatever is done after it.
        fake.server.announce(USER, "announced");
        let made = desk.done(3, &create(&appointment("announced", &[GUEST]), true)).await;
        let again = update(&made, true, |is| is.content.title = "again".to_owned());
        assert_breach(&fake, desk.apply(4, &again).await, "no person changed it");
        // Nor is the same intent's mail sent twice.
        fake.server.announce(USER, "announced");
        assert_breach(&fake, desk.apply(3, &again).await, "twice by one intent");
        assert_eq!(fake.server.sent_mail().len(), 1);
        // The last who is asked no more is told of it.
        desk.done(7, &update(&made, true, |is| is.people.participants.clear())).await;
        assert_eq!(fake.server.sent_mail()[1].notice, Notice::Cancellation);
    }
}

/// The answer was lost, and another client called it off before anybody looked.
#[tokio::test]
async fn guests_are_asked_anew_to_what_is_made_anew() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        fake.server.announce(USER, "plans");
        let meeting = create(&appointment("plans", &[GUEST]), true);
        let made = desk.done(1, &meeting).await;
        fake.server.somebody(USER).cancel(&made.key, None).unwrap();
        desk.done(1, &meeting).await;
        let notices: Vec<_> = fake.server.sent_mail().iter().map(|mail| mail.notice).collect();
        assert_eq!(notices, [Notice::Invitation, Notice::Cancellation, Notice::Invitation]);
        assert_eq!(fake.server.violations(), Vec::<String>::new());
        let other = create(&appointment("others", &[GUEST]), true);
        assert_breach(&fake, desk.apply(2, &other).await, "no person changed it");
    }
}

#[tokio::test]
async fn nothing_is_made_for_somebody_to_whom_it_is_delivered() {
    for fake in flavours() {
        fake.server.announce(USER, "theirs");
        let made = Desk::of(&fake, USER).done(1, &create(&appointment("theirs", &[GUEST]), true)).await;
        let guest = Desk::of(&fake, GUEST);
        assert_eq!(guest.copy().unwrap().standing, Standing::Attendee);
        for uid in ["theirs", &made.activity.uid] {
            let copy = create(&appointment(uid, &[]), false);
            assert_breach(&fake, guest.apply(2, &copy).await, "to whom the server delivers it");
        }
        let mut named = appointment("named", &[]);
        named.people.organizer = Some(Person { email: USER.to_owned(), name: None });
        assert_breach(&fake, guest.apply(3, &create(&named, false)).await, "is made for");
        // Who takes no part may have it as an appointment of their own, and once.
        let third = fake.server.add_account("dora@example.com");
        let desk = Desk::of(&fake, "dora@example.com");
        desk.done(4, &create(&appointment("theirs", &[]), false)).await;
        assert_breach(
            &fake,
            desk.apply(5, &create(&appointment("theirs", &[]), false)).await,
            "a second activity with the uid",
        );
        assert_eq!(third.activities().len(), 1);
    }
}

#[tokio::test]
async fn a_change_from_what_it_was_not_is_refused() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let made = desk.done(1, &create(&appointment("one", &[]), false)).await;
        let mut wrong = made.clone();
        wrong.activity.content.title = "never".to_owned();
        let op = update(&wrong, false, |is| is.content.place = Some("there".to_owned()));
        assert_breach(&fake, desk.apply(2, &op).await, "reckoned from what it is not");
        let own = Own { categories: vec!["never".to_owned()], ..Own::default() };
        let op = CalendarOp::UpdateOwn { target: item(&made), was: Box::new(own), own: Box::default() };
        assert_breach(&fake, desk.apply(3, &op).await, "reckoned from what it is not");
        let op = update(&made, false, |is| is.uid = "another".to_owned());
        assert_breach(&fake, desk.apply(4, &op).await, "changed into something else");
        let op = update(&made, false, |is| is.content.status = Status::Cancelled);
        assert_breach(&fake, desk.apply(5, &op).await, "called off by a change");
        let (book, head) = (own_book(&fake), fake.server.contacts(USER));
        let op = ContactOp::Create { contact: Box::new(contact("Anna")) };
        let made = head.apply(&book, mark(6), &op).await.unwrap().done().unwrap();
        let (key, version) = (made.key, made.version);
        let (was, contact) = (Box::new(contact("Never")), Box::new(contact("Anna B")));
        let op = ContactOp::Update { key, version, was, contact };
        assert_breach(&fake, head.apply(&book, mark(7), &op).await, "reckoned from what it is not");
    }
}

fn own_book(fake: &Fake) -> CollectionKey {
    fake.user.own_collection(CollectionKind::AddressBook).unwrap()
}

#[tokio::test]
async fn nobody_answers_for_another() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let mut meeting = appointment("answered", &[GUEST]);
        meeting.people.participants[0].response = Response::Accepted;
        assert_breach(&fake, desk.apply(1, &create(&meeting, false)).await, "answers for boris");
        let made = desk.done(2, &create(&appointment("asked", &[GUEST, OUTSIDER]), false)).await;
        let accept =
            |of: usize| update(&made, false, |is| is.people.participants[of].response = Response::Accepted);
        assert_breach(&fake, desk.apply(3, &accept(0)).await, "answers for boris");
        // What an outsider wrote the organizer may say, where the server takes it.
        let said = desk.done(4, &accept(1)).await.activity.people.participants[1].response;
        let takes = fake.server.calendars(USER).capabilities().delivers_without_mail;
        assert_eq!(said, if takes { Response::Accepted } else { Response::NeedsAction });
        let own = Own { response: Some(Response::Accepted), ..Own::default() };
        let now = fake.user.activities().remove(0);
        let op =
            CalendarOp::UpdateOwn { target: item(&now), was: Box::new(now.own.clone()), own: Box::new(own) };
        assert_breach(&fake, desk.apply(5, &op).await, "answers by changing");
    }
}

#[tokio::test]
async fn a_meeting_is_called_off_and_not_deleted() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let made = desk.done(1, &create(&appointment("met", &[OUTSIDER]), false)).await;
        let delete = CalendarOp::Delete { target: item(&made), notify: false };
        assert_breach(&fake, desk.apply(2, &delete).await, "not called off");
        assert_eq!(desk.copy(), Some(made));
    }
}

#[tokio::test]
async fn keys_and_cursors_are_good_for_what_they_were_given_for() {
    for fake in flavours() {
        let (book, calendar) = (own_book(&fake), Desk::of(&fake, USER).calendar);
        let (contacts, calendars) = (fake.server.contacts(USER), fake.server.calendars(USER));
        let other = fake.user.make_collection(CollectionKind::AddressBook, "Other").unwrap();
        let cursor = cursor_of(&contacts, &book).await;
        assert!(contacts.changes(&other, Some(&cursor)).await.is_err());
        assert!(calendars.changes(&calendar, Some(&cursor)).await.is_err());
        let theirs = fake.guest.own_collection(CollectionKind::AddressBook).unwrap();
        assert!(fake.server.contacts(GUEST).changes(&theirs, Some(&cursor)).await.is_err());
        assert!(contacts.changes(&book, Some(&ItemCursor("made up".to_owned()))).await.is_err());
        assert_eq!(fake.server.violations().len(), 4);
        let never = [ItemKey("never".to_owned())];
        assert!(
            contacts.fetch(&book, &never).await.is_err() && calendars.fetch(&calendar, &never).await.is_err()
        );
        let (key, version) = (never[0].clone(), ItemVersion("1".to_owned()));
        let delete = ContactOp::Delete { key: key.clone(), version: version.clone() };
        let gone = contacts.apply(&book, mark(1), &delete);
        assert_breach(&fake, gone.await, "never was a contact");
        let delete = CalendarOp::Delete { target: Target::Item { key, version }, notify: false };
        let gone = calendars.apply(&calendar, mark(2), &delete);
        assert_breach(&fake, gone.await, "never was an activity");
    }
}

async fn cursor_of(head: &dyn ContactRemote, book: &CollectionKey) -> ItemCursor {
    let mut feed = head.changes(book, None).await.unwrap();
    let mut last = None;
    while let Some(page) = feed.next().await.unwrap() {
        last = page.cursor;
    }
    last.unwrap()
}

/// What is told at once after a cursor.
async fn told(
    head: &dyn ContactRemote,
    book: &CollectionKey,
    since: Option<&ItemCursor>,
) -> Vec<ContactChange> {
    let mut feed = head.changes(book, since).await.unwrap();
    let mut changes = Vec::new();
    while let Some(page) = feed.next().await.unwrap() {
        changes.extend(page.changes);
    }
    changes
}

#[tokio::test]
async fn listings_of_contacts_show_an_old_state_while_they_lag() {
    let fake = Fake::new(Habits::google());
    let (book, head) = (own_book(&fake), fake.server.contacts(USER));
    let lag_ms = head.capabilities().lag_ms;
    let key = fake.user.add_contact(&book, &contact("First")).unwrap();
    assert_eq!(told(&head, &book, None).await, [], "it is not listed yet");
    assert!(matches!(
        &head.fetch(&book, std::slice::from_ref(&key)).await.unwrap()[..],
        [ContactChange::Put(_)]
    ));
    let before = cursor_of(&head, &book).await;
    fake.clock.pass(lag_ms + 1);
    fake.user.change_contact(&book, &key, |is| is.display_name = "Second".to_owned()).unwrap();
    let old = told(&head, &book, Some(&before)).await;
    assert!(matches!(&old[..], [ContactChange::Put(is)] if is.contact.display_name == "First"), "{old:?}");
    fake.clock.pass(lag_ms + 1);
    let new = told(&head, &book, Some(&before)).await;
    assert!(matches!(&new[..], [ContactChange::Put(is)] if is.contact.display_name == "Second"));
    // What was made is not found meanwhile, and is there all the same.
    let op = ContactOp::Create { contact: Box::new(contact("Third")) };
    let made = head.apply(&book, mark(1), &op).await.unwrap().done().unwrap();
    assert_eq!(head.find(&book, mark(1)).await.unwrap(), None);
    assert_eq!(head.apply(&book, mark(1), &op).await.unwrap().done().as_ref(), Some(&made));
    fake.clock.pass(lag_ms + 1);
    assert_eq!(head.find(&book, mark(1)).await.unwrap(), Some(made));
}

#[tokio::test]
async fn a_cursor_holds_for_a_week_or_for_good() {
    for (fake, expected) in flavours().into_iter().zip([1, 0]) {
        let (book, head) = (own_book(&fake), fake.server.contacts(USER));
        fake.user.add_contact(&book, &contact("One")).unwrap();
        fake.clock.pass(600_000);
        let cursor = cursor_of(&head, &book).await;
        fake.clock.pass(7 * 86_400_000);
        assert_eq!(told(&head, &book, Some(&cursor)).await, []);
        fake.clock.pass(1);
        assert_eq!(told(&head, &book, Some(&cursor)).await.len(), expected, "all is listed anew");
        assert_eq!(fake.server.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_was_deleted_is_made_anew_under_its_mark() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let made = desk.done(1, &create(&appointment("one", &[]), false)).await;
        let delete = CalendarOp::Delete { target: item(&made), notify: false };
        assert_eq!(desk.apply(2, &delete).await, Ok(ItemApplied::Removed));
        let again = desk.done(1, &create(&appointment("one", &[]), false)).await;
        assert!(again.key != made.key && again.mark == Some(mark(1)));
        assert_eq!(fake.server.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn two_writes_of_contacts_at_a_time_are_kept() {
    for (fake, expected) in flavours().into_iter().zip([1, 0]) {
        let (book, head) = (own_book(&fake), fake.server.contacts(USER));
        let op = |name| ContactOp::Create { contact: Box::new(contact(name)) };
        let (one, two) = (op("One"), op("Two"));
        let (one, two) = tokio::join!(head.apply(&book, mark(1), &one), head.apply(&book, mark(2), &two));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(fake.server.violations().len(), expected);
        // One after the other is as it should be.
        head.apply(&book, mark(3), &op("Three")).await.unwrap();
        assert_eq!(fake.server.violations().len(), expected);
    }
}

#[tokio::test]
async fn one_time_of_a_series_can_be_shared_alone() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let mut series = appointment("series", &[]);
        series.timing.rules = vec!["FREQ=DAILY".to_owned()];
        let series = desk.done(1, &create(&series, false)).await;
        let second = Occurrence::At(Timestamp(START.0 + 86_400_000_000));
        let mut time = series.activity.clone();
        time.occurrence = Some(second);
        time.timing.rules.clear();
        (time.timing.start, time.timing.end) = (Some(when(86_400)), Some(when(90_000)));
        let was = Box::new(time.clone());
        time.people.participants = appointment("", &[GUEST]).people.participants;
        fake.server.announce(USER, &series.activity.uid);
        let target = Target::Occurrence {
            master: series.key.clone(),
            version: series.version.clone(),
            occurrence: second,
        };
        let op = CalendarOp::Update { target, was, activity: Box::new(time), notify: true };
        let invited = desk.done(2, &op).await;
        let copy = Desk::of(&fake, GUEST).copy().unwrap();
        assert_eq!((copy.activity.occurrence, &copy.activity.uid), (Some(second), &series.activity.uid));
        // Google names a series that is not there; Exchange has that time by itself.
        let names = fake.server.calendars(USER).capabilities().is_delete_conditional;
        assert_eq!(copy.master.is_some(), names);
        assert_ne!(copy.master, Some(series.key.clone()));
        // Taken out again, it says no more than when it would have been.
        fake.server.announce(USER, &series.activity.uid);
        let now = fake.user.activity(&invited.key).unwrap();
        let out = desk.done(3, &CalendarOp::Cancel { target: item(&now), notify: true }).await;
        assert_eq!((&*out.activity.content.title, &out.activity.timing.start), ("", &None));
        assert_eq!(out.activity.occurrence, Some(second));
        assert!(out.activity.people.participants.is_empty());
        let copy = Desk::of(&fake, GUEST).copy().unwrap();
        assert_eq!(copy.activity.content.status, Status::Cancelled);
        let notices: Vec<Notice> = fake.server.sent_mail().iter().map(|mail| mail.notice).collect();
        assert_eq!(notices, [Notice::Invitation, Notice::Cancellation]);
        assert_eq!(fake.server.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_matters_to_all_counts_in_the_sequence() {
    for fake in flavours() {
        let desk = Desk::of(&fake, USER);
        let made = desk.done(1, &create(&appointment("met", &[OUTSIDER]), false)).await;
        let titled = desk.done(2, &update(&made, false, |is| is.content.title = "titled".to_owned())).await;
        assert_eq!(titled.activity.sequence, made.activity.sequence);
        let fewer = desk.done(3, &update(&titled, false, |is| is.people.participants.clear())).await;
        assert_eq!(fewer.activity.sequence, made.activity.sequence + 1);
        let later = desk.done(4, &update(&fewer, false, |is| is.timing.end = Some(when(7_200)))).await;
        assert_eq!(later.activity.sequence, made.activity.sequence + 2);
    }
}

#[tokio::test]
async fn who_threw_a_meeting_out_gets_it_back_by_mail_alone() {
    for (fake, back) in flavours().into_iter().zip([false, true]) {
        fake.server.announce(USER, "met");
        let desk = Desk::of(&fake, USER);
        desk.done(1, &create(&appointment("met", &[GUEST]), true)).await;
        let copy = Desk::of(&fake, GUEST).copy().unwrap();
        fake.guest.delete_activity(&copy.key, None).unwrap();
        let now = fake.user.activities().remove(0);
        let told = now.activity.people.participants[0].response;
        assert_eq!(told, if back { Response::NeedsAction } else { Response::Declined });
        fake.server.announce(USER, &now.activity.uid);
        desk.done(2, &update(&now, true, |is| is.content.title = "met again".to_owned())).await;
        assert_eq!(Desk::of(&fake, GUEST).copy().is_some(), back);
    }
}

#[tokio::test]
async fn where_times_stand_within_a_series_all_move_with_each() {
    for (fake, moves) in flavours().into_iter().zip([false, true]) {
        let desk = Desk::of(&fake, USER);
        let mut series = appointment("series", &[]);
        series.timing.rules = vec!["FREQ=DAILY".to_owned()];
        let made = desk.done(1, &create(&series, false)).await;
        let on = |days: i64| Occurrence::At(Timestamp(START.0 + days * 86_400_000_000));
        let retitle = |is: &mut Activity| is.content.title = "once".to_owned();
        fake.user.change_activity(&made.key, Some(on(1)), retitle, false).unwrap();
        let versions = || -> Vec<ItemVersion> {
            fake.user
                .activities()
                .into_iter()
                .filter(|is| is.activity.occurrence != Some(on(2)))
                .map(|is| is.version)
                .collect()
        };
        let before = versions();
        fake.user.change_activity(&made.key, Some(on(2)), retitle, false).unwrap();
        assert_eq!(before != versions(), moves);
        let mut feed = fake.server.calendars(USER).changes(&desk.calendar, None).await.unwrap();
        let mut series = Vec::new();
        while let Some(page) = feed.next().await.unwrap() {
            series
                .extend(page.changes.into_iter().filter(|one| matches!(one, ActivityChange::Series { .. })));
        }
        assert_eq!(series.len(), usize::from(moves));
    }
}

#[tokio::test]
async fn what_one_has_alone_moves_the_time_of_the_last_change_or_does_not() {
    for (fake, moves) in flavours().into_iter().zip([false, true]) {
        let desk = Desk::of(&fake, USER);
        let made = desk.done(1, &create(&appointment("one", &[]), false)).await;
        fake.clock.pass(60_000);
        fake.user.change_own(&made.key, |own| own.show_as = postrider_model::ShowAs::Free).unwrap();
        let now = fake.user.activity(&made.key).unwrap();
        assert_ne!(now.version, made.version);
        assert_eq!(now.changed != made.changed, moves);
    }
}

#[tokio::test]
async fn the_same_calls_give_the_same_server() {
    async fn story(habits: Habits) -> String {
        let fake = Fake::new(habits);
        let desk = Desk::of(&fake, USER);
        fake.server.announce(USER, "met");
        let made = desk.done(1, &create(&appointment("met", &[GUEST, OUTSIDER]), true)).await;
        fake.clock.pass(1_000);
        let copy = Desk::of(&fake, GUEST).copy().unwrap();
        fake.guest.respond(&copy.key, None, Response::Accepted).unwrap();
        format!("{made:?} {:?} {:?}", fake.user.activities(), fake.server.sent_mail())
    }
    for habits in [Habits::google(), Habits::exchange()] {
        assert_eq!(story(habits.clone()).await, story(habits).await);
    }
}
