//! What the server makes of what it is given: fields that it does not hold are gone, others are written its own way.
//!
//! Rule: writing the same a second time changes nothing.

use chrono::{Days, NaiveTime};
use postrider_model::{
    Activity, ActivityField, CollectionKind, Contact, ContactField, Moment, Own, Participant, Response,
    ShowAs, Status,
};

use super::Habits;
use super::state::{Refusal, breach, refused};
use super::zones;

/// A contact as it will be held.
pub(super) fn contact(habits: &Habits, mut contact: Contact) -> Contact {
    for field in ContactField::ALL.into_iter().filter(|field| !habits.contact_fields.contains(field)) {
        erase(&mut contact, field);
    }
    if !habits.keeps_uid {
        contact.uid = None;
    }
    if let Some(most) = habits.emails_max {
        contact.emails.truncate(most);
    }
    if habits.normalises_phones {
        for phone in &mut contact.phones {
            phone.value.retain(|c| !matches!(c, ' ' | '-' | '(' | ')'));
        }
    }
    if contact.display_name.is_empty() {
        let parts = [&contact.name.given, &contact.name.family];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        contact.display_name = parts.join(" ");
    }
    contact
}

fn erase(contact: &mut Contact, field: ContactField) {
    use ContactField as F;
    match field {
        F::DisplayName => contact.display_name.clear(),
        F::Name => contact.name = Default::default(),
        F::Nicknames => contact.nicknames.clear(),
        F::Organization => contact.organization = Default::default(),
        F::JobTitle => contact.job_title = None,
        F::Role => contact.role = None,
        F::Emails => contact.emails.clear(),
        F::Phones => contact.phones.clear(),
        F::Messengers => contact.messengers.clear(),
        F::Pages => contact.pages.clear(),
        F::Addresses => contact.addresses.clear(),
        F::Birthday => contact.birthday = None,
        F::Anniversary => contact.anniversary = None,
        F::OtherDates => contact.other_dates.clear(),
        F::Notes => contact.notes.clear(),
        F::Photo => contact.photo = None,
        F::Categories => contact.categories.clear(),
    }
}

/// An activity as it will be held in a collection of that kind; uid and sequence are others' matter.
pub(super) fn activity(habits: &Habits, mut activity: Activity) -> Activity {
    use ActivityField as F;
    let holds = |field| habits.activity_fields.contains(&field);
    let content = &mut activity.content;
    let keep = |text: &mut Option<String>, field| {
        if !holds(field) || text.as_deref() == Some("") {
            *text = None;
        }
    };
    keep(&mut content.place, F::Place);
    keep(&mut content.description, F::Description);
    keep(&mut content.join_url, F::JoinUrl);
    if !holds(F::Status) {
        content.status = Status::Open;
    }
    if !holds(F::Privacy) {
        content.privacy = Default::default();
    }
    content.priority = content.priority.filter(|_| holds(F::Priority));
    content.percent = content.percent.filter(|_| holds(F::Percent));
    content.completed = content.completed.filter(|_| holds(F::Completed));
    if !holds(F::Participants) {
        activity.people.participants.clear();
    }
    if habits.snaps_all_day {
        snap(&mut activity);
    }
    activity
}

/// Whole days end at midnight.
fn snap(activity: &mut Activity) {
    let Some(Moment::Day(first)) = activity.timing.start else { return };
    let next = |day: chrono::NaiveDate| day.checked_add_days(Days::new(1)).unwrap_or(day);
    let end = match &activity.timing.end {
        None => next(first),
        Some(Moment::Day(day)) if *day <= first => next(first),
        Some(Moment::Day(day)) => *day,
        Some(Moment::At { local, .. }) if local.time() == NaiveTime::MIN => local.date(),
        Some(Moment::At { local, .. }) => next(local.date()),
    };
    activity.timing.end = Some(Moment::Day(end));
}

/// What the user has, as it will be held. The response is not given, it is answered.
pub(super) fn own(habits: &Habits, mut own: Own, response: Option<Response>) -> Own {
    let holds = |field| habits.activity_fields.contains(&field);
    if !holds(ActivityField::Reminders) {
        own.reminders.clear();
    }
    if !holds(ActivityField::Categories) {
        own.categories.clear();
    }
    let is_more = !matches!(own.show_as, ShowAs::Busy | ShowAs::Free);
    if !holds(ActivityField::ShowAs) || is_more && habits.shows_only_busy_or_free {
        own.show_as = ShowAs::Busy;
    }
    own.response = response;
    own
}

/// Whether the server can say when that is; why not, else.
pub(super) fn expresses(habits: &Habits, activity: &Activity) -> Result<(), String> {
    let timing = &activity.timing;
    for moment in timing.start.iter().chain(&timing.end).chain(&timing.further) {
        match moment {
            Moment::At { zone: None, .. } => return Err("a time needs a zone".to_owned()),
            Moment::At { zone: Some(zone), .. } if !zones::is_known(zone) => {
                return Err(format!("the zone {zone} is not known"));
            }
            Moment::At { .. } | Moment::Day(_) => {}
        }
    }
    let says =
        |rule: &str, part: &str| rule.to_ascii_uppercase().split(';').any(|have| have.starts_with(part));
    for rule in &timing.rules {
        let frequencies = ["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"];
        if !frequencies.iter().any(|frequency| says(rule, frequency)) {
            return Err(format!("the shortest repetition is by days, and not {rule}"));
        }
        let parts = ["BYHOUR=", "BYMINUTE=", "BYSECOND=", "BYYEARDAY=", "BYWEEKNO=", "BYSETPOS="];
        if habits.only_patterns && parts.iter().any(|part| says(rule, part)) {
            return Err(format!("there is no pattern for {rule}"));
        }
    }
    if habits.only_patterns && (timing.rules.len() > 1 || !timing.further.is_empty()) {
        return Err("repetition is one rule without further dates".to_owned());
    }
    Ok(())
}

/// Whether an activity can be held at all.
pub(super) fn check(habits: &Habits, activity: &Activity, kind: CollectionKind) -> Result<(), Refusal> {
    use postrider_model::ActivityKind::{Appointment, Task};
    if (activity.kind == Task) != (kind == CollectionKind::TaskList) {
        return refused("the collection holds something else");
    }
    expresses(habits, activity).or_else(refused)?;
    let timing = &activity.timing;
    if activity.kind == Appointment {
        let Some(start) = &timing.start else { return refused("an appointment needs a start") };
        let end = match (&timing.end, start) {
            (Some(end), _) => end,
            (None, Moment::Day(_)) if habits.snaps_all_day => return Ok(()),
            (None, _) => return refused("an appointment needs an end"),
        };
        let is_mixed = matches!(start, Moment::Day(_)) != matches!(end, Moment::Day(_));
        if is_mixed && !habits.snaps_all_day {
            return refused("start and end are days or times, both");
        }
        if !is_mixed && zones::instant(start) > zones::instant(end) {
            return refused("it ends before it begins");
        }
    }
    if activity.kind == Task && !activity.people.participants.is_empty() {
        return refused("a task has no participants");
    }
    Ok(())
}

/// What people answered is theirs: of those whom the server knows the answers stay as they were; of others the organizer may say it,
/// where the server lets them.
pub(super) fn answers(
    was: &[Participant],
    becomes: &mut [Participant],
    organizer: &str,
    is_here: impl Fn(&str) -> bool,
    may_say: bool,
) -> Result<(), Refusal> {
    for person in becomes {
        let email = person.person.email.clone();
        if email.eq_ignore_ascii_case(organizer) {
            continue;
        }
        let before = was.iter().find(|old| old.person.is(&email));
        let answer = before.map(|old| old.response).unwrap_or_default();
        if person.response == answer {
            person.responded = before.and_then(|old| old.responded);
            continue;
        }
        if is_here(&email) {
            return breach(format!("the organizer answers for {email}"));
        }
        if !may_say {
            person.response = answer;
            person.responded = before.and_then(|old| old.responded);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use postrider_model::{ActivityKind, Point};

    use super::*;

    fn date(day: u32) -> chrono::NaiveDate {
        chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn at(day: u32, hour: u32) -> Moment {
        Moment::At { local: date(day).and_hms_opt(hour, 0, 0).unwrap(), zone: Some("UTC".to_owned()) }
    }

    #[test]
    fn a_second_rewriting_changes_nothing() {
        let odd = Contact {
            uid: Some("one".to_owned()),
            phones: vec![Point { value: "+49 (0) 12-34".to_owned(), ..Point::default() }],
            emails: vec![Point::default(); 5],
            role: Some("Speaker".to_owned()),
            ..Contact::default()
        };
        for habits in [Habits::google(), Habits::exchange()] {
            let once = contact(&habits, odd.clone());
            assert_eq!((&once.uid, &once.role), (&None, &None));
            assert_eq!(once.emails.len(), habits.emails_max.unwrap_or(5));
            assert_eq!(once.phones[0].value == "+4901234", habits.normalises_phones);
            assert_eq!(contact(&habits, once.clone()), once);
        }
    }

    #[test]
    fn whole_days_end_at_midnight_where_they_snap() {
        let ends = [
            (None, date(4)),
            (Some(Moment::Day(date(3))), date(4)),
            (Some(Moment::Day(date(6))), date(6)),
            (Some(at(5, 0)), date(5)),
            (Some(at(5, 17)), date(6)),
        ];
        for (end, expected) in ends {
            let mut trip = Activity::new(ActivityKind::Appointment, "trip");
            (trip.timing.start, trip.timing.end) = (Some(Moment::Day(date(3))), end.clone());
            let snapped = activity(&Habits::exchange(), trip.clone());
            assert_eq!(snapped.timing.end, Some(Moment::Day(expected)), "{end:?}");
            assert_eq!(activity(&Habits::exchange(), snapped.clone()), snapped);
            assert_eq!(activity(&Habits::google(), trip).timing.end, end);
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        let mut wrong = Activity::new(ActivityKind::Appointment, "wrong");
        let refuses =
            |activity: &Activity| check(&Habits::google(), activity, CollectionKind::Calendar).is_err();
        assert!(refuses(&wrong), "no start");
        wrong.timing.start = Some(at(3, 10));
        assert!(refuses(&wrong), "no end");
        wrong.timing.end = Some(at(3, 9));
        assert!(refuses(&wrong), "backwards");
        wrong.timing.end = Some(Moment::Day(date(4)));
        assert!(refuses(&wrong), "a day and a time");
        wrong.timing.end = Some(Moment::At { local: date(3).and_hms_opt(11, 0, 0).unwrap(), zone: None });
        assert!(refuses(&wrong), "nowhere");
        wrong.timing.end = Some(at(3, 11));
        assert!(!refuses(&wrong));
        assert!(check(&Habits::exchange(), &wrong, CollectionKind::TaskList).is_err(), "no task");
    }
}
