//! Days, times and durations, read and written (RFC 5545, sections 3.3.4 to 3.3.9).

use std::sync::Arc;

use calcard::{common::IanaParse, icalendar::ICalendarDuration};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use postrider_model::{Moment, Occurrence, Timestamp};

use super::{
    clocks,
    line::{Line, Param, split_list},
    named::{Named, Zones},
};
use crate::occurrences::instant;

const TIME: &str = "%Y%m%dT%H%M%S";
const DAY: &str = "%Y%m%d";

/// What a value of that line says. A zone that nobody knows makes it a time that is meant wherever one is.
pub(super) fn read(line: &Line, value: &str, zones: &Zones) -> Option<Moment> {
    let value = value.trim();
    let is_day = line.param("VALUE").is_some_and(|kind| kind.eq_ignore_ascii_case("DATE"));
    if is_day || !value.contains(['T', 't']) {
        return day(value).map(Moment::Day);
    }
    let local = local_time(value)?;
    let zone = if value.ends_with(['Z', 'z']) {
        Some(Tz::UTC)
    } else {
        line.param("TZID").and_then(|name| zones.get(name)?.zone)
    };
    Some(Moment::At { local, zone: zone.map(|zone| zone.name().to_owned()) })
}

/// What a line says that has one value.
pub(super) fn of_line(line: &Line, zones: &Zones) -> Option<Moment> {
    read(line, &line.value, zones)
}

/// The values of a line that has several, each with what it says; of a period it is the start.
pub(super) fn each<'a>(line: &'a Line, zones: &'a Zones) -> impl Iterator<Item = (&'a str, Option<Moment>)> {
    split_list(&line.value).into_iter().filter(|value| !value.trim().is_empty()).map(move |value| {
        let start = value.split('/').next().unwrap_or_default();
        (value, read(line, start, zones))
    })
}

/// An instant, where a line tells one; a time without a zone is taken for one in UTC.
pub(super) fn timestamp(line: &Line, zones: &Zones) -> Option<Timestamp> {
    Some(stamp(instant(&of_line(line, zones)?, Tz::UTC)))
}

/// Which occurrence something is that would have begun then.
pub(super) fn occurrence(moment: &Moment) -> Occurrence {
    match moment {
        Moment::Day(day) => Occurrence::Day(*day),
        at @ Moment::At { .. } => Occurrence::At(stamp(instant(at, Tz::UTC))),
    }
}

pub(super) fn stamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp(at.timestamp_micros())
}

/// The instant of a timestamp, to the second; `None` beyond the years that a calendar can write.
pub(super) fn utc(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds(), 0).filter(|at| (0..=9999).contains(&at.year()))
}

fn day(text: &str) -> Option<NaiveDate> {
    let digits = text.get(..8).filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()))?;
    let is_all = text.len() == 8 || text.get(8..9).is_some_and(|next| next.eq_ignore_ascii_case("T"));
    is_all.then(|| NaiveDate::parse_from_str(digits, DAY).ok()).flatten()
}

/// What clocks show: `20260320T090000`, also without seconds, also with a `Z` behind it.
pub(super) fn local_time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    let day = day(text)?;
    let time = text.get(9..)?;
    if !matches!(time.len(), 4 | 6) || !time.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| time.get(at..at + 2).map_or(Some(0), |pair| pair.parse::<u32>().ok());
    // A leap second has no place in any program's clock.
    let time = NaiveTime::from_hms_opt(pair(0)?, pair(2)?, pair(4)?.min(59))?;
    Some(day.and_time(time))
}

/// A duration of weeks, days and less, in seconds.
pub(super) fn duration_s(text: &str) -> Option<i64> {
    ICalendarDuration::parse(text.trim().as_bytes()).map(|duration| duration.as_seconds())
}

/// When something is over that begins then and takes so long: days as calendars count them, hours as they pass (RFC 5545, section
/// 3.3.6).
pub(super) fn after(start: &Moment, duration: &str) -> Option<Moment> {
    let duration = ICalendarDuration::parse(duration.trim().as_bytes()).filter(|duration| !duration.neg)?;
    let days = Days::new(u64::from(duration.weeks) * 7 + u64::from(duration.days));
    let whole = TimeDelta::seconds(i64::from(duration.hours) * 3600)
        + TimeDelta::seconds(i64::from(duration.minutes) * 60)
        + TimeDelta::seconds(duration.seconds.into());
    match start {
        Moment::Day(day) => {
            // Hours of a whole day are days, begun ones too.
            let more = u64::try_from((whole.num_seconds() + 86_399) / 86_400).unwrap_or_default();
            Some(Moment::Day(day.checked_add_days(days)?.checked_add_days(Days::new(more))?))
        }
        Moment::At { local, zone } => {
            let local = local.checked_add_days(days)?;
            let place = zone.as_deref().and_then(|name| name.parse::<Tz>().ok()).filter(|_| !whole.is_zero());
            let local = match place {
                Some(place) => {
                    let at = Moment::At { local, zone: zone.clone() };
                    let over = instant(&at, place).checked_add_signed(whole)?;
                    place.from_utc_datetime(&over.naive_utc()).naive_local()
                }
                None => local.checked_add_signed(whole)?,
            };
            Some(Moment::At { local, zone: zone.clone() })
        }
    }
}

/// So many seconds as a duration (RFC 5545, section 3.3.6).
pub(super) fn duration_text(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let left = seconds.unsigned_abs();
    let (days, hours, minutes, seconds) = (left / 86_400, left / 3600 % 24, left / 60 % 60, left % 60);
    let mut text = format!("{sign}P");
    if days > 0 {
        text.push_str(&format!("{days}D"));
    }
    let parts = [(hours, 'H'), (minutes, 'M'), (seconds, 'S')];
    if days == 0 || parts.iter().any(|(count, _)| *count > 0) {
        text.push('T');
    }
    for (count, unit) in parts {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if left == 0 {
        text.push_str("0S");
    }
    text
}

/// An instant in UTC.
pub(super) fn instant_text(at: Timestamp) -> String {
    utc(at).unwrap_or_default().format("%Y%m%dT%H%M%SZ").to_string()
}

/// A line of that name that says when. A zone that no line of the item names yet is named from now on.
pub(super) fn line(name: &str, moment: &Moment, zones: &mut Zones) -> Line {
    match moment {
        Moment::Day(day) => Line::new(name, vec![Param::new("VALUE", "DATE")], day.format(DAY).to_string()),
        Moment::At { local, zone: None } => Line::new(name, Vec::new(), local.format(TIME).to_string()),
        Moment::At { local, zone: Some(zone) } if zone == "UTC" => {
            Line::new(name, Vec::new(), local.format("%Y%m%dT%H%M%SZ").to_string())
        }
        Moment::At { local, zone: Some(zone) } => {
            let params = vec![Param::new("TZID", tzid(zone, local.year(), zones))];
            Line::new(name, params, local.format(TIME).to_string())
        }
    }
}

/// The name by which an item's lines call a zone; from that year on it is said how its clocks are set.
fn tzid(zone: &str, begins: i32, zones: &mut Zones) -> String {
    let known: Option<Tz> = zone.parse().ok();
    let named = zones.iter().find(|(_, named)| known.is_some() && named.zone == known);
    if let Some((name, _)) = named {
        return name.clone();
    }
    let given = known.map(|known| Arc::new(clocks::timezone(zone, known, begins)));
    zones.insert(zone.to_owned(), Named { given, zone: known });
    zone.to_owned()
}

/// The line that says which occurrence it is, told by the clocks by which it begins now.
pub(super) fn occurrence_line(
    name: &str,
    one: Occurrence,
    start: Option<&Moment>,
    zones: &mut Zones,
) -> Line {
    let moment = match one {
        Occurrence::Day(day) => Moment::Day(day),
        Occurrence::At(at) => {
            let utc = utc(at).unwrap_or_default().naive_utc();
            match start {
                Some(Moment::At { zone: None, .. }) => Moment::At { local: utc, zone: None },
                Some(Moment::At { zone: Some(zone), .. }) => in_zone(utc, zone),
                _ => Moment::At { local: utc, zone: Some("UTC".to_owned()) },
            }
        }
    };
    line(name, &moment, zones)
}

/// An instant by the clocks of that zone; in UTC where these show it a second time, since what they show would mean the first.
fn in_zone(utc: NaiveDateTime, zone: &str) -> Moment {
    let in_utc = Moment::At { local: utc, zone: Some("UTC".to_owned()) };
    let Ok(place) = zone.parse::<Tz>() else { return in_utc };
    let there =
        Moment::At { local: place.from_utc_datetime(&utc).naive_local(), zone: Some(zone.to_owned()) };
    if instant(&there, place).naive_utc() == utc { there } else { in_utc }
}
