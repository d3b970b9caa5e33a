//! What the store keeps of an activity beside its text: when it is, who takes part, and what is looked for in it.

use chrono::{DateTime, Utc};
use postrider_formats::{
    icalendar::{Item, meeting_uid},
    occurrences::{Defaults, instant, occurrences},
    words::unique_words_of,
};
use postrider_model::{Activity, Timestamp};
use postrider_store::{ActivityDoc, ChangedGroups};

/// Years beyond these are no times of a calendar, as for series.
pub(crate) const YEARS: std::ops::RangeInclusive<i32> = 1600..=2999;

/// When an activity that does not recur begins and is over; of a series when it begins first.
pub(crate) fn span(activity: &Activity, defaults: Defaults) -> (Option<Timestamp>, Option<Timestamp>) {
    let first = activity.timing.start.as_ref().or(activity.timing.end.as_ref());
    let Some(first) = first else { return (None, None) };
    let start = instant(first, defaults.zone);
    if activity.recurs() {
        return (Some(of(start)), None);
    }
    let whole = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let placed = occurrences(activity, &[], whole, defaults, &|| false).unwrap_or_default().placed;
    match placed.first() {
        Some(one) => (Some(of(one.start)), Some(of(one.end))),
        None => (Some(of(start)), Some(of(start))),
    }
}

pub(crate) fn of(at: DateTime<Utc>) -> Timestamp {
    Timestamp(at.timestamp_micros())
}

/// That instant as a calendar has it; the first or the last there is where it lies beyond.
pub(crate) fn instant_of(at: Timestamp) -> DateTime<Utc> {
    let bounded = DateTime::from_timestamp_micros(at.0);
    bounded.unwrap_or(if at.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
}

/// The groups of fields in which both differ.
pub(crate) fn groups(was: &Activity, is: &Activity) -> ChangedGroups {
    ChangedGroups {
        content: was.content != is.content,
        timing: was.timing != is.timing,
        people: was.people != is.people,
    }
}

/// What the store keeps of that item.
pub(crate) fn doc_of(item: &Item, defaults: Defaults) -> ActivityDoc {
    let activity = item.activity();
    let (start, end) = span(&activity, defaults);
    let people = activity.people.participants.iter().map(|one| &one.person).chain(&activity.people.organizer);
    let mut texts = vec![activity.content.title.as_str()];
    texts.extend(
        [&activity.content.place, &activity.content.description].into_iter().flatten().map(String::as_str),
    );
    texts.extend(people.flat_map(|one| [Some(one.email.as_str()), one.name.as_deref()]).flatten());
    let mut words = String::new();
    unique_words_of(texts, &mut words);
    ActivityDoc {
        text: item.text(),
        kind: activity.kind,
        uid: meeting_uid(&activity.uid),
        occurrence: activity.occurrence,
        title: activity.content.title.clone(),
        words,
        organizer: activity.people.organizer.as_ref().map(|one| one.email.to_lowercase()),
        participants: lower_case(activity.people.participants),
        status: activity.content.status,
        start,
        end,
        private: activity.content.privacy != postrider_model::Privacy::Normal,
        recurs: !activity.timing.rules.is_empty() || !activity.timing.further.is_empty(),
    }
}

/// Participants as the store has them: the addresses in lower case, a name that is none left out.
fn lower_case(mut all: Vec<postrider_model::Participant>) -> Vec<postrider_model::Participant> {
    for one in &mut all {
        one.person.email = one.person.email.to_lowercase();
        one.person.name = one.person.name.take().filter(|name| !name.is_empty());
    }
    all
}

#[cfg(test)]
mod tests {
    use postrider_model::{ActivityKind, Person};

    use super::*;

    #[test]
    fn only_what_differs_counts_as_changed() {
        let was = Activity::new(ActivityKind::Appointment, "u");
        assert_eq!(groups(&was, &was.clone()), ChangedGroups::default());
        let mut is = was.clone();
        is.content.title = "Review".to_owned();
        assert_eq!(groups(&was, &is), ChangedGroups { content: true, ..ChangedGroups::default() });
        is.content = was.content.clone();
        is.people.organizer = Some(Person { email: "anna@example.com".to_owned(), name: None });
        assert_eq!(groups(&was, &is), ChangedGroups { people: true, ..ChangedGroups::default() });
    }

    #[test]
    fn instants_beyond_any_calendar_are_its_ends() {
        assert_eq!(instant_of(Timestamp(i64::MAX)), DateTime::<Utc>::MAX_UTC);
        assert_eq!(instant_of(Timestamp(i64::MIN)), DateTime::<Utc>::MIN_UTC);
        assert_eq!(of(instant_of(Timestamp(7))), Timestamp(7));
    }
}
