//! What of an activity a calendar can say. By this, and not by what it was given, an item is changed: else it would be another one each
//! time that it is told the same.

use chrono::DateTime;
use postrider_model::{Activity, Moment, Occurrence, Own, Person, ReminderTime, Timestamp};

use super::read;

/// The activity with times to the second, blanks as nothing, and nobody without an address.
pub(super) fn activity(given: &Activity) -> Activity {
    let mut said = given.clone();
    said.occurrence = given.occurrence.map(|one| match one {
        Occurrence::At(at) => Occurrence::At(whole(at)),
        day @ Occurrence::Day(_) => day,
    });
    let content = &mut said.content;
    for text in [&mut content.place, &mut content.description] {
        text.take_if(|text| text.trim().is_empty());
    }
    content.priority.take_if(|priority| !(1..=9).contains(priority));
    content.percent.take_if(|percent| *percent > 100);
    content.completed = content.completed.map(whole);
    content.join_url.take_if(|url| !read::is_of_web(url));
    let timing = &mut said.timing;
    for moment in timing.start.iter_mut().chain(&mut timing.end).chain(&mut timing.further) {
        to_the_second(moment);
    }
    timing.further.sort_unstable();
    timing.further.dedup();
    timing.rules.retain(|rule| !rule.trim().is_empty());
    let people = &mut said.people;
    people.organizer.take_if(|organizer| organizer.email.trim().is_empty());
    people.participants.retain(|one| !one.person.email.trim().is_empty());
    for one in &mut people.participants {
        one.responded = one.responded.map(whole);
    }
    let all = people.participants.iter_mut().map(|one| &mut one.person).chain(&mut people.organizer);
    all.for_each(named);
    said
}

/// The same of what is one user's.
pub(super) fn own(given: &Own) -> Own {
    let mut said = given.clone();
    for reminder in &mut said.reminders {
        if let ReminderTime::At(at) = &mut reminder.at {
            *at = whole(*at);
        }
    }
    said.categories.retain(|word| !word.trim().is_empty());
    for word in &mut said.categories {
        *word = word.trim().to_owned();
    }
    said
}

const fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.seconds())
}

fn to_the_second(moment: &mut Moment) {
    if let Moment::At { local, .. } = moment {
        *local = DateTime::from_timestamp(local.and_utc().timestamp(), 0).map_or(*local, |at| at.naive_utc());
    }
}

fn named(person: &mut Person) {
    person.email = person.email.trim().to_owned();
    person.name = person.name.take().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
}
