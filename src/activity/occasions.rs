//! Which time of a series a person means, and what becomes of those that differ when the series changes.

use std::cell::Cell;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use postrider_formats::{
    icalendar::Item,
    occurrences::{Defaults, instant, local, occurrences},
};
use postrider_model::{Activity, ErrorClass, Fault, Moment, Occurrence, Timestamp};
use postrider_reconcile::activities::Start;
use postrider_store::{Context, StoreError, StoredActivity, Tx};

use super::doc::{YEARS, doc_of, groups};

/// So many times of a series are followed from its first one on: of a daily one, 54 years. Steps are counted, not time: what becomes of those
/// that differ from a series is the same on a slow machine.
const MOST_STEPS: u32 = 20_000;

/// The times of a series from its first one on, up to that instant, as its rules have them: all of them, or none.
///
/// # Errors
/// A rule that cannot be followed, or not that far.
pub(crate) fn starts(
    series: &Activity,
    until: DateTime<Utc>,
    defaults: Defaults,
) -> Result<Vec<Start>, Fault> {
    let first = series.timing.start.as_ref().or(series.timing.end.as_ref());
    let Some(first) = first else { return Ok(Vec::new()) };
    let first_instant = instant(first, defaults.zone);
    let from = first_instant.checked_sub_signed(TimeDelta::days(2)).unwrap_or(first_instant);
    let steps = Cell::new(0);
    let is_over = || steps.replace(steps.get() + 1) >= MOST_STEPS;
    let placed = occurrences(series, &[], (from, until), defaults, &is_over)
        .map_err(|error| Fault::new(ErrorClass::Permanent, "expand the series", error.to_string()))?;
    if placed.is_cut {
        let cause = "it recurs too often to be followed that far";
        return Err(Fault::new(ErrorClass::Permanent, "expand the series", cause)
            .hint("a rule with an UNTIL or a COUNT, or a later start, makes it shorter"));
    }
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
pub(crate) fn meant(series: &Activity, text: &str, defaults: Defaults) -> Result<Start, Fault> {
    let refuse = |cause: &str| {
        Fault::new(ErrorClass::Config, format!("find the time {text:?} of the series"), cause)
            .hint("`postrider activity list` prints when it takes place")
    };
    let unwritten =
        || refuse("it is written as 2026-12-01, or 2026-12-01 10:00 where there are several on a day");
    let (day, time) = text.split_at_checked(10).ok_or_else(unwritten)?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| unwritten())?;
    if !YEARS.contains(&day.year()) {
        return Err(refuse("it is in no year of a calendar"));
    }
    let time = Some(time.trim_start_matches([' ', 'T'])).filter(|time| !time.is_empty());
    let midnight = instant(&Moment::Day(day), defaults.zone);
    let until = midnight.checked_add_signed(TimeDelta::days(3)).ok_or_else(unwritten)?;
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
pub(crate) fn apart(series: &Activity, at: &Start) -> Activity {
    let mut one = series.clone();
    one.occurrence = Some(at.occurrence);
    one.timing.start = Some(at.start.clone());
    one.timing.end.clone_from(&at.end);
    one.timing.rules.clear();
    one.timing.further.clear();
    one
}

/// The last instant that those which differ from a series reach, with some room behind it.
pub(crate) fn reach(differing: &[Activity], defaults: Defaults) -> DateTime<Utc> {
    let last = differing.iter().filter_map(|one| match one.occurrence? {
        Occurrence::Day(day) => Some(instant(&Moment::Day(day), defaults.zone)),
        Occurrence::At(Timestamp(at)) => DateTime::from_timestamp_micros(at),
    });
    let last = last.max().unwrap_or(DateTime::<Utc>::MIN_UTC);
    last.checked_add_signed(TimeDelta::days(8)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Brings those that differ from a series to what it is now: they follow what they had in common with it, and belong to its new times;
/// those that belong to none any more are deleted, and can be restored.
pub(crate) fn follow(
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
            let changed = groups(&item.activity(), &now);
            let item = item.with(&now, &item.own());
            tx.change_activity(stored.id, &doc_of(&item, defaults), changed, context)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use postrider_model::ActivityKind;

    use super::*;

    const DEFAULTS: Defaults = Defaults { zone: Tz::Europe__Berlin, duration: TimeDelta::minutes(30) };

    fn series(rule: &str) -> Activity {
        let mut series = Activity::new(ActivityKind::Appointment, "u");
        let local = "2026-12-01T10:00:00".parse().unwrap();
        series.timing.start = Some(Moment::At { local, zone: Some("Europe/Berlin".to_owned()) });
        series.timing.rules = vec![rule.to_owned()];
        series
    }

    #[test]
    fn a_time_is_meant_by_its_day_and_hostile_texts_mean_none() {
        let daily = series("FREQ=DAILY");
        for text in ["2026-12-03", "2026-12-03 10:00", "2026-12-03T10:00"] {
            assert_eq!(meant(&daily, text, DEFAULTS).unwrap().date().to_string(), "2026-12-03", "{text}");
        }
        let hostile = [
            "+262142-\u{2003}12-31",
            "+262142-12-31",
            "-262143-01-01",
            "9999-12-31",
            "0000-01-01",
            "1599-12-31",
            "3000-01-01",
            "2026-12-0\u{e9}",
            "2026-12-03 \u{2003}",
            "2026-12-03 99:99",
            "\u{2003}",
            "",
        ];
        for text in hostile {
            assert!(meant(&daily, text, DEFAULTS).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_recurs_too_often_is_refused_and_not_told_in_part() {
        let until = "2027-06-01T00:00:00Z".parse().unwrap();
        let refused = starts(&series("FREQ=SECONDLY"), until, DEFAULTS).unwrap_err();
        assert!(refused.to_string().contains("recurs too often to be followed that far"), "{refused}");
        assert_eq!(starts(&series("FREQ=DAILY"), until, DEFAULTS).unwrap().len(), 182);
        let beyond = starts(&series("FREQ=DAILY"), DateTime::<Utc>::MAX_UTC, DEFAULTS);
        assert!(beyond.is_err());
    }

    #[test]
    fn what_differs_at_the_end_of_all_times_is_reached() {
        let mut one = series("FREQ=DAILY");
        one.occurrence = Some(Occurrence::Day(NaiveDate::MAX.pred_opt().unwrap()));
        assert!(reach(&[one], DEFAULTS) > "2999-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }
}
