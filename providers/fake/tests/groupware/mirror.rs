//! Whoever follows the deltas has what is there: stories by lot, of two people with two clients each.

use std::collections::BTreeMap;

use postrider_fake::groupware::{Habits, Somebody};
use postrider_model::{
    Activity, ActivityKind, CollectionKey, CollectionKind, Contact, ItemCursor, ItemKey, Moment, Occurrence,
    Own, Participant, Person, Response, Scope, ShowAs, Timestamp,
};
use postrider_remote::{
    ActivityChange, CalendarRemote, ContactChange, ContactRemote, RemoteActivity, RemoteContact,
};

use super::harness::{Fake, GUEST, OUTSIDER, START, USER};

/// Numbers that look drawn by lot (Knuth's linear congruence), the same for each seed.
struct Lot(u64);

impl Lot {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len())])
    }
}

struct Mirror<T> {
    collection: CollectionKey,
    cursor: Option<ItemCursor>,
    items: BTreeMap<ItemKey, T>,
}

impl<T> Mirror<T> {
    fn of(collection: CollectionKey) -> Self {
        Self { collection, cursor: None, items: BTreeMap::new() }
    }

    fn begin(&mut self, scope: Scope) {
        if scope == Scope::Full {
            self.items.clear();
        }
    }
}

async fn follow_contacts(mirror: &mut Mirror<RemoteContact>, head: &dyn ContactRemote) {
    let mut feed = head.changes(&mirror.collection, mirror.cursor.as_ref()).await.unwrap();
    let mut changes = Vec::new();
    while let Some(page) = feed.next().await.unwrap() {
        changes.extend(page.changes);
        if page.cursor.is_some() {
            mirror.begin(page.scope);
            mirror.cursor = page.cursor;
        }
    }
    for change in changes {
        match change {
            ContactChange::Put(mut is) => {
                for former in std::mem::take(&mut is.former_keys) {
                    mirror.items.remove(&former);
                }
                mirror.items.insert(is.key.clone(), *is);
            }
            ContactChange::Gone { key, .. } => drop(mirror.items.remove(&key)),
        }
    }
}

async fn follow_activities(mirror: &mut Mirror<RemoteActivity>, head: &dyn CalendarRemote) {
    let mut feed = head.changes(&mirror.collection, mirror.cursor.as_ref()).await.unwrap();
    let mut changes = Vec::new();
    while let Some(page) = feed.next().await.unwrap() {
        changes.extend(page.changes);
        if page.cursor.is_some() {
            mirror.begin(page.scope);
            mirror.cursor = page.cursor;
        }
    }
    for change in changes {
        match change {
            ActivityChange::Put(is) => drop(mirror.items.insert(is.key.clone(), *is)),
            ActivityChange::Gone { key } => {
                mirror.items.retain(|other, is| *other != key && is.master.as_ref() != Some(&key));
            }
            ActivityChange::Series { master, occurrences } => mirror
                .items
                .retain(|key, is| is.master.as_ref() != Some(&master) || occurrences.contains(key)),
        }
    }
}

fn at(hours: i64) -> Moment {
    let local = chrono::DateTime::from_timestamp(START.seconds() + hours * 3_600, 0).unwrap().naive_utc();
    Moment::At { local, zone: Some("UTC".to_owned()) }
}

fn activity(lot: &mut Lot, number: usize) -> Activity {
    let mut activity = Activity::new(ActivityKind::Appointment, format!("a{number}"));
    let hours = lot.below(48) as i64;
    (activity.timing.start, activity.timing.end) = (Some(at(hours)), Some(at(hours + 1)));
    if lot.below(3) == 0 {
        activity.timing.rules.push("FREQ=DAILY".to_owned());
    }
    activity
}

fn guests(lot: &mut Lot, of: &str) -> Vec<Participant> {
    let all = [USER, GUEST, OUTSIDER].into_iter().filter(|email| *email != of);
    let person = |email: &str| Person { email: email.to_owned(), name: None };
    all.filter(|_| lot.below(2) == 0)
        .map(|email| Participant { person: person(email), ..Participant::default() })
        .collect()
}

/// Any act of a client. What the server refuses is as good as any.
fn act_on_activities(lot: &mut Lot, who: &Somebody, address: &str, number: usize) {
    let calendar = who.own_collection(CollectionKind::Calendar).unwrap();
    let all = who.activities();
    let picked = lot.of(&all).cloned();
    let notify = lot.below(2) == 0;
    let Some(is) = picked.filter(|_| lot.below(4) > 0) else {
        let mut new = activity(lot, number);
        new.people.participants = guests(lot, address);
        who.add_activity(&calendar, &new, &Own::default(), notify).ok();
        return;
    };
    let start = is.activity.timing.start.clone();
    let first = match (&start, is.activity.recurs()) {
        (Some(Moment::At { local, .. }), true) => Some(Timestamp::from_seconds(local.and_utc().timestamp())),
        _ => None,
    };
    let days = lot.below(5) as i64;
    let time = first.map(|first| Occurrence::At(Timestamp(first.0 + days * 86_400_000_000)));
    let time = time.filter(|_| lot.below(3) > 0);
    let title = format!("title {number}");
    match lot.below(8) {
        0 | 1 => {
            who.change_activity(&is.key, time, |is| is.content.title = title, notify).ok();
        }
        2 => {
            let hours = lot.below(48) as i64;
            let retime = |is: &mut Activity| {
                (is.timing.start, is.timing.end) = (Some(at(hours)), Some(at(hours + 1)));
            };
            who.change_activity(&is.key, time, retime, notify).ok();
        }
        3 => {
            let new = guests(lot, address);
            who.change_activity(&is.key, time, |is| is.people.participants = new, notify).ok();
        }
        4 => {
            let response = *lot.of(&[Response::Accepted, Response::Declined, Response::Tentative]).unwrap();
            who.respond(&is.key, time, response).ok();
        }
        5 => {
            who.change_own(&is.key, |own| own.show_as = ShowAs::Free).ok();
        }
        6 => drop(who.delete_activity(&is.key, time)),
        _ => drop(who.cancel(&is.key, time)),
    }
}

fn act_on_contacts(lot: &mut Lot, who: &Somebody, books: &[CollectionKey], number: usize) {
    let book = lot.of(books).unwrap();
    let other = lot.of(books).unwrap();
    let all = who.contacts(book);
    let name = format!("name {number}");
    let picked = lot.of(&all).map(|is| is.key.clone()).filter(|_| lot.below(3) > 0);
    let Some(key) = picked else {
        who.add_contact(book, &Contact { display_name: name, ..Contact::default() }).unwrap();
        return;
    };
    match lot.below(6) {
        5 => drop(who.rekey_contact(&key)),
        0 | 1 => who.change_contact(book, &key, |is| is.display_name = name).unwrap(),
        2 => who.delete_contact(book, &key).unwrap(),
        3 => drop(who.leave(book, &key)),
        _ => {
            who.join(other, &key).ok();
            who.move_contact(&key, other).ok();
        }
    }
}

async fn story(habits: Habits, seed: u64) {
    let mut lot = Lot(seed);
    let lag_ms = habits.contacts_lag_ms;
    let fake = Fake::new(habits);
    let people = [(fake.user.clone(), USER), (fake.guest.clone(), GUEST)];
    let own = fake.user.own_collection(CollectionKind::AddressBook).unwrap();
    let books = [own, fake.user.make_collection(CollectionKind::AddressBook, "Second").unwrap()];
    let mut calendars: Vec<_> = people
        .iter()
        .map(|(who, _)| Mirror::<RemoteActivity>::of(who.own_collection(CollectionKind::Calendar).unwrap()))
        .collect();
    let mut contacts: Vec<_> = books.iter().cloned().map(Mirror::<RemoteContact>::of).collect();
    for number in 0..60 {
        fake.clock.pass(1_000);
        let (who, address) = lot.of(&people).unwrap();
        act_on_activities(&mut lot, who, address, number);
        act_on_contacts(&mut lot, &fake.user, &books, number);
        if lot.below(4) > 0 {
            continue;
        }
        if lot.below(6) == 0 {
            fake.server.expire_cursors();
        }
        for (mirror, (who, address)) in calendars.iter_mut().zip(&people) {
            follow_activities(mirror, &fake.server.calendars(address)).await;
            let there: BTreeMap<_, _> = who.activities().into_iter().map(|is| (is.key.clone(), is)).collect();
            assert_eq!(mirror.items, there, "seed {seed}, act {number}");
        }
        // Contacts are followed while listings lag, too.
        let head = fake.server.contacts(USER);
        for mirror in &mut contacts {
            follow_contacts(mirror, &head).await;
        }
        if lot.below(2) == 0 {
            fake.clock.pass(lag_ms);
            for mirror in &mut contacts {
                follow_contacts(mirror, &head).await;
                let there = fake.user.contacts(&mirror.collection).into_iter();
                let there: BTreeMap<_, _> = there.map(|is| (is.key.clone(), is)).collect();
                assert_eq!(mirror.items, there, "seed {seed}, act {number}");
            }
        }
    }
    assert_eq!(fake.server.violations(), Vec::<String>::new(), "seed {seed}");
}

#[tokio::test]
async fn a_mirror_that_follows_the_deltas_has_what_is_there() {
    for seed in 0..60 {
        story(Habits::google(), seed).await;
        story(Habits::exchange(), seed).await;
    }
}
