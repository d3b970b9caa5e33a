//! When an activity takes place: a series with what differs of it, between two instants.
//!
//! Listings, free/busy and the decision which occurrence is which after a series was moved ask the same question, and get the same answer.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use postrider_model::{Activity, Moment, Occurrence, Status, Timestamp, Timing};

use crate::recurrence::{Instance, RuleError, Rules, Series, Start};

/// What holds where an activity does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// The place whose clocks tell days, and times that are meant wherever one is.
    pub zone: Tz,
    /// How long an appointment takes that has no end.
    pub duration: TimeDelta,
}

/// One time at which an activity takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which of a series it is; `None` of what does not recur.
    pub occurrence: Option<Occurrence>,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it is over; not before it begins.
    pub end: DateTime<Utc>,
    /// Which of the activities that differ from the series says what it is; `None` for the series itself.
    pub differing: Option<usize>,
}

/// When an activity takes place within a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occurrences {
    /// By their beginnings.
    pub placed: Vec<Placed>,
    /// The work was cut off: later ones may be missing.
    pub is_cut: bool,
}

/// The instant that is meant; of a day its midnight. `default` is the place whose clocks tell what names no place, or none that is known.
/// A time that clocks skip is told by the offset before, and of one that they show twice it is the first (RFC 5545, section 3.3.5).
pub fn instant(moment: &Moment, default: Tz) -> DateTime<Utc> {
    let (local, zone) = match moment {
        Moment::Day(day) => (day.and_time(NaiveTime::MIN), default),
        Moment::At { local, zone } => (*local, zone_of(zone.as_deref()).unwrap_or(default)),
    };
    Start::At { local, zone }.instant()
}

fn zone_of(name: Option<&str>) -> Option<Tz> {
    name.and_then(|name| name.parse().ok())
}

/// What of an activity lies between two instants: all that is not over at `from` and begins before `to`. `differing` are the activities
/// that differ from the series `master`; those that are cancelled take their occurrences out of it. One that the series does not have any
/// more takes place all the same. `is_over` is asked after each step of a series: whoever waits says so when it has been long enough.
///
/// # Errors
/// A rule that cannot be followed.
pub fn occurrences(
    master: &Activity,
    differing: &[Activity],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    defaults: Defaults,
    is_over: &dyn Fn() -> bool,
) -> Result<Occurrences, RuleError> {
    let mut found = Occurrences::default();
    let by_occurrence: BTreeMap<Occurrence, usize> =
        differing.iter().enumerate().filter_map(|(at, one)| Some((one.occurrence?, at))).collect();
    let is_within =
        |(start, end): (DateTime<Utc>, DateTime<Utc>)| start < to && (end > from || start >= from);
    let mut add = |occurrence, (start, end), differing| {
        if is_within((start, end)) {
            found.placed.push(Placed { occurrence, start, end, differing });
        }
    };
    let mut is_cut = false;
    if !master.recurs() {
        if let Some(span) = span(&master.timing, defaults) {
            add(master.occurrence, span, None);
        }
    } else if let Some(series) = Regular::new(&master.timing, defaults)? {
        let (starts, cut) = series.between(from, to, is_over);
        is_cut = cut;
        for one in starts.into_iter().filter(|one| !by_occurrence.contains_key(one)) {
            if let Some(span) = series.span(one) {
                add(Some(one), span, None);
            }
        }
    }
    for at in by_occurrence.values() {
        if let Some(one) = differing.get(*at).filter(|one| one.content.status != Status::Cancelled)
            && let Some(span) = span(&one.timing, defaults)
        {
            add(one.occurrence, span, Some(*at));
        }
    }
    found.placed.sort_by_key(|one| (one.start, one.end, one.occurrence));
    Ok(Occurrences { is_cut, ..found })
}

/// When something that takes place once begins and is over. What has only an end, as a task that is due, is there.
fn span(timing: &Timing, defaults: Defaults) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let zone = defaults.zone;
    let (start, end) = match (&timing.start, &timing.end) {
        (Some(start), end) => (start, end.as_ref()),
        (None, Some(end)) => (end, Some(end)),
        (None, None) => return None,
    };
    let begins = instant(start, zone);
    let over = match (start, end) {
        // Whatever takes a day takes all of it.
        (Moment::Day(day), end) => {
            let next = Moment::Day(day.checked_add_days(Days::new(1))?);
            instant(&next, zone).max(end.map_or(begins, |end| instant(end, zone)))
        }
        (Moment::At { .. }, Some(end)) => instant(end, zone),
        (Moment::At { .. }, None) => begins.checked_add_signed(defaults.duration)?,
    };
    Some((begins, over.max(begins)))
}

/// A series that can be expanded, and how long each of its occurrences takes.
struct Regular {
    series: Series,
    takes: Takes,
    /// Where the series tells times that are meant wherever one is, as if they were UTC: whose clocks tell them.
    floating: Option<Tz>,
    zone: Tz,
}

enum Takes {
    /// So many whole days.
    Days(u64),
    /// So long.
    Time(TimeDelta),
}

impl Regular {
    fn new(timing: &Timing, defaults: Defaults) -> Result<Option<Self>, RuleError> {
        let Some(first) = timing.start.as_ref().or(timing.end.as_ref()) else { return Ok(None) };
        let Some((begins, over)) = span(timing, defaults) else { return Ok(None) };
        let takes = match (first, &timing.end) {
            (Moment::Day(day), Some(Moment::Day(end))) => {
                Takes::Days(u64::try_from((*end - *day).num_days()).unwrap_or_default().max(1))
            }
            (Moment::Day(_), _) => Takes::Days(1),
            (Moment::At { .. }, _) => Takes::Time(over - begins),
        };
        let floating = match first {
            Moment::At { zone, .. } if zone_of(zone.as_deref()).is_none() => Some(defaults.zone),
            _ => None,
        };
        let rules = Rules {
            rules: timing.rules.clone(),
            dates: timing.further.iter().map(start_of).collect(),
            exceptions: Vec::new(),
        };
        let series = Series::new(&start_of(first), &rules)?;
        Ok(Some(Self { series, takes, floating, zone: defaults.zone }))
    }

    /// The occurrences that may touch that span, and whether some may be missing.
    fn between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        is_over: &dyn Fn() -> bool,
    ) -> (Vec<Occurrence>, bool) {
        // Days, and times wherever one is, are told as if they were UTC: no clock is a day and a half away from that.
        let slack = TimeDelta::hours(36);
        let longest = match self.takes {
            Takes::Days(days) => TimeDelta::try_days(i64::try_from(days).unwrap_or(i64::MAX)),
            Takes::Time(time) => Some(time),
        };
        let begin = longest.and_then(|longest| from.checked_sub_signed(longest)?.checked_sub_signed(slack));
        let end = to.checked_add_signed(slack).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let expansion = self.series.between(begin.unwrap_or(DateTime::<Utc>::MIN_UTC), end, is_over);
        let starts = expansion.starts.into_iter().map(|one| match one {
            Instance::Day(day) => Occurrence::Day(day),
            Instance::At(at) => Occurrence::At(Timestamp(at.timestamp_micros())),
        });
        (starts.collect(), expansion.is_cut)
    }

    fn span(&self, one: Occurrence) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let begins = match one {
            Occurrence::Day(day) => instant(&Moment::Day(day), self.zone),
            Occurrence::At(at) => {
                let at = DateTime::from_timestamp_micros(at.0)?;
                self.floating.map_or(at, |zone| Start::At { local: at.naive_utc(), zone }.instant())
            }
        };
        let over = match (&self.takes, one) {
            (Takes::Days(days), Occurrence::Day(day)) => {
                instant(&Moment::Day(day.checked_add_days(Days::new(*days))?), self.zone)
            }
            (Takes::Days(days), Occurrence::At(_)) => begins.checked_add_days(Days::new(*days))?,
            (Takes::Time(time), _) => begins.checked_add_signed(*time)?,
        };
        Some((begins, over))
    }
}

/// A start as series have it: what names no place is told as if it were UTC.
fn start_of(moment: &Moment) -> Start {
    match moment {
        Moment::Day(day) => Start::Day(*day),
        Moment::At { local, zone } => {
            Start::At { local: *local, zone: zone_of(zone.as_deref()).unwrap_or(Tz::UTC) }
        }
    }
}

/// An instant as the clocks of a place show it.
pub fn local(at: DateTime<Utc>, zone: Tz) -> Moment {
    Moment::At {
        local: zone.from_utc_datetime(&at.naive_utc()).naive_local(),
        zone: Some(zone.name().to_owned()),
    }
}

#[cfg(test)]
mod tests;
