//! Which time of a series a person means, and what becomes of those that differ when the series changes.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use postrider_formats::{
    icalendar::Item,
    occurrences::{Defaults, instant, local, occurrences},
};
use postrider_model::{Activity, ErrorClass, Fault, Moment, Occurrence, Timestamp};
use postrider_reconcile::activities::Start;
use postrider_store::{ChangedGroups, Context, StoreError, StoredActivity, Tx};

use super::doc::doc_of;

/// The times of a series from its first one on, up to that instant, as its rules have them.
pub(super) fn starts(
    series: &Activity,
    until: DateTime<Utc>,
    defaults: Defaults,
) -> Result<Vec<Start>, Fault> {
    let first = series.timing.start.as_ref().or(series.timing.end.as_ref());
    let Some(first) = first else { return Ok(Vec::new()) };
    let from = instant(first, defaults.zone) - TimeDelta::days(2);
    let placed = occurrences(series, &[], (from, until), defaults, &|| false)
        .map_err(|error| Fault::new(ErrorClass::Permanent, "expand the series", error.to_string()))?;
    let moments = placed.placed.into_iter().filter_map(|one| {
        let occurrence = one.occurrence?;
        let (start, end) = match (occurrence, first) {
            (Occurrence::Day(day), _) => {
                let end = one.end.with_timezone(&defaults.zone).date_naive();
                (Moment::Day(day), Moment::Day(end))
            }
            (Occurrence::At(at), Moment::At { zone: None, .. }) => {
                // Wherever one is: told as if it were UTC.
                let begins = DateTime::from_timestamp_micros(at.0)?.naive_utc();
                let floating = |local: NaiveDateTime| Moment::At { local, zone: None };
                (floating(begins), floating(begins.checked_add_signed(one.end - one.start)?))
            }
            (Occurrence::At(_), Moment::At { zone: Some(zone), .. }) => {
                let zone: Tz = zone.parse().unwrap_or(defaults.zone);
                (local(one.start, zone), local(one.end, zone))
            }
            (Occurrence::At(_), Moment::Day(_)) => return None,
        };
        Some(Start { occurrence, start, end: series.timing.end.is_some().then_some(end) })
    });
    Ok(moments.collect())
}

/// The time of a series that a person means by a day, or by a day and a time as its clocks show it.
pub(super) fn meant(series: &Activity, text: &str, defaults: Defaults) -> Result<Start, Fault> {
    let refuse = |cause: &str| {
        Fault::new(ErrorClass::Config, format!("find the time {text:?} of the series"), cause)
            .hint("`postrider activity list` prints when it takes place")
    };
    let day = NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d").map_err(|_| {
        refuse("it is written as 2026-12-01, or 2026-12-01 10:00 where there are several on a day")
    })?;
    let time = text.get(10..).map(|rest| rest.trim_start_matches([' ', 'T'])).filter(|rest| !rest.is_empty());
    let until = instant(&Moment::Day(day), defaults.zone) + TimeDelta::days(3);
    let mut found: Vec<Start> = starts(series, until, defaults)?;
    found.retain(|start| match &start.start {
        Moment::Day(on) => *on == day,
        Moment::At { local, .. } => {
            local.date() == day && time.is_none_or(|time| local.format("%H:%M").to_string() == time)
        }
    });
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(refuse("it does not take place then")),
        _ => Err(refuse("it takes place several times on that day: name the time too")),
    }
}

/// That time of a series, as its rules have it, as an activity of its own.
pub(super) fn apart(series: &Activity, at: &Start) -> Activity {
    let mut one = series.clone();
    one.occurrence = Some(at.occurrence);
    one.timing.start = Some(at.start.clone());
    one.timing.end.clone_from(&at.end);
    one.timing.rules.clear();
    one.timing.further.clear();
    one
}

/// The last instant that those which differ from a series reach, with some room behind it.
pub(super) fn reach(differing: &[Activity], defaults: Defaults) -> DateTime<Utc> {
    let last = differing.iter().filter_map(|one| match one.occurrence? {
        Occurrence::Day(day) => Some(instant(&Moment::Day(day), defaults.zone)),
        Occurrence::At(Timestamp(at)) => DateTime::from_timestamp_micros(at),
    });
    last.max().unwrap_or(DateTime::<Utc>::MIN_UTC).checked_add_signed(TimeDelta::days(8)).unwrap_or_default()
}

/// Brings those that differ from a series to what it is now: they follow what they had in common with it, and belong to its new times;
/// those that belong to none any more are deleted, and can be restored.
pub(super) fn follow(
    tx: &mut Tx<'_>,
    differing: &[(StoredActivity, Item)],
    was: &Activity,
    is: &Activity,
    times: &(Vec<Start>, Vec<Start>),
    defaults: Defaults,
    context: &Context,
) -> Result<(), StoreError> {
    let followed: Vec<Activity> = differing
        .iter()
        .map(|(_, item)| postrider_reconcile::activities::inherit(was, is, &item.activity()))
        .collect();
    let rekeyed = match was.timing == is.timing {
        true => postrider_reconcile::activities::Rekeyed { kept: followed.clone(), superseded: Vec::new() },
        false => postrider_reconcile::activities::rekey(&followed, &times.0, &times.1),
    };
    let context_of_loss =
        Context { why: "its series takes place at other times".to_owned(), ..context.clone() };
    let mut kept = rekeyed.kept.into_iter();
    for ((stored, item), one) in differing.iter().zip(&followed) {
        if rekeyed.superseded.contains(one) {
            tx.delete_record(stored.id, &context_of_loss)?;
        } else if let Some(now) = kept.next() {
            let item = item.with(&now, &item.own());
            let changed = ChangedGroups { content: true, timing: true, people: true };
            tx.change_activity(stored.id, &doc_of(&item, defaults), changed, context)?;
        }
    }
    Ok(())
}
