//! What is written is what is read, for activities of every kind.

use postrider_model::{Activity, Occurrence, Status};
use proptest::prelude::*;

use super::super::{Item, write_all};

#[path = "../../../tests/activities.rs"]
mod activities;

use activities::{activities, owns};

/// What somebody else's reader makes of our text: each line is a property, and each value is whole, but for the blanks before a fold,
/// which it loses.
fn another_reader_agrees(text: &str) {
    let theirs: Vec<_> = ical::IcalParser::new(text.as_bytes()).collect::<Result<_, _>>().unwrap();
    let [theirs] = theirs.as_slice() else { panic!("{} calendars in {text}", theirs.len()) };
    let properties =
        theirs.events.iter().map(|one| &one.properties).chain(theirs.todos.iter().map(|one| &one.properties));
    let unfolded = text.replace("\r\n ", "").replace(' ', "");
    for property in properties.flatten() {
        let value = property.value.as_deref().unwrap_or_default().replace(' ', "");
        assert!(unfolded.contains(&format!(":{value}\r\n")), "{property:?} in {text}");
    }
}

#[test]
fn what_no_calendar_can_say_is_left_out_and_changes_nothing_twice() {
    use postrider_model::{
        ActivityKind, Moment, Own, Participant, Person, Reminder, ReminderBy, ReminderTime, Timestamp,
    };
    let odd = Timestamp(1_700_000_000_123_456);
    let local = chrono::DateTime::from_timestamp_micros(odd.0).unwrap().naive_utc();
    let person = |email: &str, name: &str| Person { email: email.to_owned(), name: Some(name.to_owned()) };
    let mut activity = Activity::new(ActivityKind::Task, "1");
    activity.occurrence = Some(Occurrence::At(odd));
    activity.timing.start = Some(Moment::At { local, zone: None });
    activity.timing.end = Some(Moment::At { local, zone: Some("Nowhere/At_All".to_owned()) });
    activity.timing.rules = vec![" ".to_owned(), "FREQ=DAILY".to_owned()];
    activity.timing.further = vec![Moment::At { local, zone: None }; 2];
    activity.content.place = Some(" ".to_owned());
    activity.content.priority = Some(0);
    activity.content.percent = Some(200);
    activity.content.completed = Some(odd);
    activity.content.join_url = Some("tel:1".to_owned());
    activity.people.organizer = Some(person(" ", "Nobody"));
    let one = |email: &str, name: &str| Participant {
        person: person(email, name),
        responded: Some(odd),
        ..Participant::default()
    };
    activity.people.participants = vec![one("", "x"), one("/O=EXAMPLE/CN=ada", " "), one(" b@x.org ", " b ")];
    let reminder = Reminder { at: ReminderTime::At(odd), by: ReminderBy::Display };
    let own = Own {
        reminders: vec![reminder],
        categories: vec![String::new(), " a ".to_owned()],
        ..Own::default()
    };
    let item = Item::new(&activity, &own);
    assert_eq!(item.with(&activity, &own), item);
    assert_eq!(Item::read(item.text().as_bytes()).unwrap().text(), item.text());
    let said = item.activity();
    let people: Vec<(&str, Option<&str>)> = said
        .people
        .participants
        .iter()
        .map(|one| (one.person.email.as_str(), one.person.name.as_deref()))
        .collect();
    assert_eq!(people, [("/O=EXAMPLE/CN=ada", None), ("b@x.org", Some("b"))]);
    assert_eq!(said.content.completed, Some(Timestamp(1_700_000_000_000_000)));
    assert_eq!((said.timing.rules.len(), said.timing.further.len(), said.people.organizer), (1, 1, None));
    assert_eq!(
        (said.content.join_url, said.content.percent, item.own().categories),
        (None, None, vec!["a".to_owned()])
    );
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(one in activities(), own in owns(), other in activities(), others in owns()) {
        let item = Item::new(&one, &own);
        let text = item.text();
        another_reader_agrees(&text);
        prop_assert!(text.lines().all(|line| line.len() <= 75), "{}", text);
        let again = Item::read(text.as_bytes()).unwrap();
        prop_assert_eq!(&again.activity(), &one, "{}", text);
        prop_assert_eq!(&again.own(), &own, "{}", text);
        prop_assert_eq!(again.text(), text);
        prop_assert_eq!(&again.with(&one, &own), &again);
        let changed = again.with(&other, &others);
        let read = Item::read(changed.text().as_bytes()).unwrap();
        prop_assert_eq!(&read.activity(), &other, "{}", changed.text());
        prop_assert_eq!(&read.own(), &others, "{}", changed.text());
    }

    #[test]
    fn many_in_one_calendar_come_back_as_they_were(all in prop::collection::vec((activities(), owns()), 1..5)) {
        let items: Vec<Item> = all.iter().map(|(activity, own)| Item::new(activity, own)).collect();
        let text = write_all(&items);
        let again: Vec<Item> = Item::read_all(text.as_bytes()).into_iter().collect::<Result<_, _>>().unwrap();
        let sorted = |items: &[Item]| {
            let mut items: Vec<(Activity, _)> = items.iter().map(|item| (item.activity(), item.own())).collect();
            items.sort_by(|one, other| (&one.0.uid, one.0.occurrence).cmp(&(&other.0.uid, other.0.occurrence)));
            items
        };
        prop_assert_eq!(sorted(&again), sorted(&items), "{}", text);
        prop_assert_eq!(write_all(&again), text);
    }

    #[test]
    fn what_is_taken_out_of_a_series_is_taken_out_when_it_comes_back(series in activities(), days in prop::collection::btree_set(1i64..300, 0..5)) {
        prop_assume!(series.occurrence.is_none() && series.timing.start.is_some());
        let start = series.timing.start.clone().unwrap();
        let taken_out: Vec<Occurrence> = days.iter().map(|days| match super::super::moment::occurrence(&start) {
            Occurrence::Day(day) => Occurrence::Day(day + chrono::Days::new(*days as u64)),
            Occurrence::At(at) => Occurrence::At(at.plus_millis(*days as u64 * 86_400_000)),
        }).collect();
        let item = Item::new(&series, &postrider_model::Own::default());
        let mut items = vec![item.clone()];
        items.extend(taken_out.iter().map(|one| item.without(*one)));
        let text = write_all(&items);
        prop_assert_eq!(text.matches("BEGIN:V").count() - text.matches("BEGIN:VTIMEZONE").count(), 2);
        prop_assert_eq!(text.matches("\nEXDATE").count(), taken_out.len(), "{}", text);
        let again: Vec<Item> = Item::read_all(text.as_bytes()).into_iter().collect::<Result<_, _>>().unwrap();
        let read: Vec<(Option<Occurrence>, Status)> =
            again[1..].iter().map(|item| (item.activity().occurrence, item.activity().content.status)).collect();
        prop_assert_eq!(read, taken_out.iter().map(|one| (Some(*one), Status::Cancelled)).collect::<Vec<_>>(), "{}", text);
        prop_assert_eq!(again[0].activity(), series);
        prop_assert_eq!(write_all(&again), text);
    }

    #[test]
    fn whatever_comes_is_answered(text in "(BEGIN:(VEVENT|VTODO|VTIMEZONE|VALARM)\r\n|END:(VEVENT|VTODO|VTIMEZONE|VALARM)\r\n|UID:1\r\n|(DTSTART|DTEND|DUE|RDATE|EXDATE|RECURRENCE-ID|DURATION|ATTENDEE|TRIGGER|TZID)[;:=,.\"\\\\A-Zж0-9TZP-]{0,20}(:[0-9TZ/P,H]{0,20})?\r?\n ?){0,16}") {
        for item in Item::read_all(format!("BEGIN:VCALENDAR\r\n{text}").as_bytes()).into_iter().flatten() {
            let mut activity = item.activity();
            activity.content.title = "new".to_owned();
            let again = item.with(&activity, &item.own());
            prop_assert_eq!(again.activity(), activity);
            prop_assert_eq!(Item::read(again.text().as_bytes()).unwrap().activity().content.title, "new");
        }
    }
}
