//! Clocks of places, as far as a server needs them.

use chrono::{DateTime, Duration, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use postrider_model::{Activity, Moment, Occurrence, Timestamp};

fn zone(name: Option<&str>) -> Option<Tz> {
    name.map_or(Some(Tz::UTC), |name| name.parse().ok())
}

/// Whether a place of this name is known.
pub(super) fn is_known(name: &str) -> bool {
    name.parse::<Tz>().is_ok()
}

/// When that is. A whole day begins, and a time that is meant wherever one is is reckoned, in UTC. A time that clocks skip is the one after
/// the gap, of two that they show the first.
pub(super) fn instant(moment: &Moment) -> Option<Timestamp> {
    let (local, name) = match moment {
        Moment::Day(day) => (day.and_time(NaiveTime::MIN), None),
        Moment::At { local, zone } => (*local, zone.as_deref()),
    };
    let zone = zone(name)?;
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(local + Duration::hours(1))).earliest())?;
    Some(Timestamp(found.timestamp_micros()))
}

fn shown(at: Timestamp, name: Option<&str>) -> Option<NaiveDateTime> {
    Some(DateTime::<Utc>::from_timestamp_micros(at.0)?.with_timezone(&zone(name)?).naive_local())
}

/// What the first time of a series is by its rule.
pub(super) fn first(series: &Activity) -> Option<Occurrence> {
    match series.timing.start.as_ref()? {
        Moment::Day(day) => Some(Occurrence::Day(*day)),
        moment @ Moment::At { .. } => instant(moment).map(Occurrence::At),
    }
}

/// That time of a series, as the series has it; `None` where it cannot be one.
pub(super) fn time_of(series: &Activity, occurrence: Occurrence) -> Option<Activity> {
    if !series.recurs() || first(series)? > occurrence {
        return None;
    }
    let mut activity = series.clone();
    activity.occurrence = Some(occurrence);
    activity.timing.rules.clear();
    activity.timing.further.clear();
    let begin = |moment: &Moment| match moment {
        Moment::Day(day) => day.and_time(NaiveTime::MIN),
        Moment::At { local, .. } => *local,
    };
    let start = series.timing.start.as_ref()?;
    let begins = match (start, occurrence) {
        (Moment::Day(_), Occurrence::Day(day)) => day.and_time(NaiveTime::MIN),
        (Moment::At { zone, .. }, Occurrence::At(at)) => shown(at, zone.as_deref())?,
        _ => return None,
    };
    let by = begins - begin(start);
    let moved = |moment: &Moment| match moment {
        Moment::Day(day) => Moment::Day(*day + by),
        Moment::At { local, zone } => Moment::At { local: *local + by, zone: zone.clone() },
    };
    activity.timing.start = Some(moved(start));
    activity.timing.end = series.timing.end.as_ref().map(moved);
    Some(activity)
}
