//! What is said of a zone (`VTIMEZONE`, RFC 5545, section 3.6.5) where a calendar does not say it: how clocks were set since 2000, or
//! since something in the calendar began, and by what rules they are set from then on.

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::{OffsetComponents, OffsetName, Tz};

use super::{
    component::{Component, Part},
    line::Line,
};

/// What a calendar says of clocks begins here, or earlier where something in it does.
const SINCE: i32 = 2000;
/// Up to here clocks are looked at. A rule that holds so long is one for ever: within 28 years each weekday has been each date.
const UNTIL: i32 = 2050;
/// What clocks did before this nobody needs.
const EARLIEST: i32 = 1900;

/// What is said of that zone under that name, from the year on in which something begins.
pub(super) fn timezone(name: &str, zone: Tz, begins: i32) -> Component {
    let since = begins.clamp(EARLIEST, SINCE);
    let mut component = Component::new("VTIMEZONE");
    component.push(Line::text("TZID", name));
    let first = midnight(since);
    let initial = Clock::at(zone, first);
    let onset = first.naive_utc();
    let mut parts =
        vec![(onset, observance(&Onset { onset, before_s: initial.offset_s, then: initial }, &[], None))];
    for group in groups(changes(zone, since)) {
        let (single, regular, rule) = told_apart(&group);
        for (onsets, rule) in [(single, None), (regular, rule)] {
            if let Some((begins, further)) = onsets.split_first() {
                let further: Vec<NaiveDateTime> = further.iter().map(|one| one.onset).collect();
                let further = if rule.is_some() { &[] } else { further.as_slice() };
                parts.push((begins.onset, observance(begins, further, rule.as_deref())));
            }
        }
    }
    parts.sort_by_key(|(onset, _)| *onset);
    component.parts.extend(parts.into_iter().map(|(_, part)| Part::Component(part)));
    component
}

/// How clocks are set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Clock {
    offset_s: i32,
    is_summer: bool,
    name: Option<String>,
}

impl Clock {
    fn at(zone: Tz, at: DateTime<Utc>) -> Self {
        let offset = zone.offset_from_utc_datetime(&at.naive_utc());
        Self {
            offset_s: offset.fix().local_minus_utc(),
            is_summer: !offset.dst_offset().is_zero(),
            name: offset.abbreviation().map(str::to_owned),
        }
    }
}

/// Clocks are set another way.
#[derive(Debug, Clone)]
struct Onset {
    /// By the clocks of before.
    onset: NaiveDateTime,
    before_s: i32,
    then: Clock,
}

fn midnight(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc()
}

/// When the clocks of a zone were and will be set.
fn changes(zone: Tz, since: i32) -> Vec<Onset> {
    let offset_s = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let (mut from, end) = (midnight(since), midnight(UNTIL + 1));
    let mut found = Vec::new();
    while from < end {
        // No clocks are set and set back within a week.
        let to = from + Days::new(7);
        let before_s = offset_s(from);
        if offset_s(to) != before_s {
            let (mut low, mut high) = (from, to);
            while high - low > TimeDelta::seconds(1) {
                let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
                if offset_s(middle) == before_s { low = middle } else { high = middle }
            }
            let onset = high.naive_utc() + TimeDelta::seconds(before_s.into());
            found.push(Onset { onset, before_s, then: Clock::at(zone, high) });
        }
        from = to;
    }
    found
}

/// Changes of the same kind together.
fn groups(changes: Vec<Onset>) -> Vec<Vec<Onset>> {
    let mut groups: Vec<Vec<Onset>> = Vec::new();
    for change in changes {
        let is_same = |group: &&mut Vec<Onset>| {
            group.first().is_some_and(|one| one.before_s == change.before_s && one.then == change.then)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups
}

/// Changes that follow no rule, those that do, and the rule.
fn told_apart(group: &[Onset]) -> (&[Onset], &[Onset], Option<String>) {
    let splits = (0..group.len()).map(|at| group.split_at(at));
    let found = splits.filter_map(|(single, regular)| Some((single, regular, Some(rule(regular)?)))).next();
    found.unwrap_or((group, &[], None))
}

/// The rule by which these come each year, as long as anybody looked.
fn rule(onsets: &[Onset]) -> Option<String> {
    let times: Vec<NaiveDateTime> = onsets.iter().map(|one| one.onset).collect();
    let first = times.first()?;
    let is_yearly = times.windows(2).all(|pair| matches!(pair, [one, next] if one.year() + 1 == next.year()));
    let is_alike = times.iter().all(|one| {
        (one.time(), one.month(), one.weekday()) == (first.time(), first.month(), first.weekday())
    });
    let is_lasting = times.len() >= 3 && times.last()?.year() == UNTIL;
    if !(is_yearly && is_alike && is_lasting) {
        return None;
    }
    let weekday = first.weekday().to_string().get(..2)?.to_uppercase();
    let days: Vec<u32> = times.iter().map(|one| one.day()).collect();
    let (least, most) = (*days.iter().min()?, *days.iter().max()?);
    let nth = |day: u32| (day - 1) / 7;
    let is_last = |one: &NaiveDateTime| {
        one.checked_add_days(Days::new(7)).is_some_and(|next| next.month() != one.month())
    };
    let by_day = if times.iter().all(is_last) {
        format!("BYDAY=-1{weekday}")
    } else if days.iter().all(|day| nth(*day) == nth(least)) {
        format!("BYDAY={}{weekday}", nth(least) + 1)
    } else if most - least == 6 {
        let week: Vec<String> = (least..=most).map(|day| day.to_string()).collect();
        format!("BYMONTHDAY={};BYDAY={weekday}", week.join(","))
    } else {
        return None;
    };
    Some(format!("FREQ=YEARLY;BYMONTH={};{by_day}", first.month()))
}

fn observance(one: &Onset, further: &[NaiveDateTime], rule: Option<&str>) -> Component {
    let mut part = Component::new(if one.then.is_summer { "DAYLIGHT" } else { "STANDARD" });
    let time = |at: &NaiveDateTime| at.format("%Y%m%dT%H%M%S").to_string();
    let mut push = |name: &str, value: String| part.push(Line::new(name, Vec::new(), value));
    push("DTSTART", time(&one.onset));
    if let Some(rule) = rule {
        push("RRULE", rule.to_owned());
    }
    if !further.is_empty() {
        push("RDATE", further.iter().map(time).collect::<Vec<_>>().join(","));
    }
    push("TZOFFSETFROM", offset_text(one.before_s));
    push("TZOFFSETTO", offset_text(one.then.offset_s));
    if let Some(name) = &one.then.name {
        push("TZNAME", name.clone());
    }
    part
}

/// How far clocks are ahead of UTC (RFC 5545, section 3.3.14).
fn offset_text(offset_s: i32) -> String {
    let sign = if offset_s < 0 { '-' } else { '+' };
    let left = offset_s.unsigned_abs();
    let seconds = if !left.is_multiple_of(60) { format!("{:02}", left % 60) } else { String::new() };
    format!("{sign}{:02}{:02}{seconds}", left / 3600, left / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_follow_a_rule_are_told_by_it_and_those_that_do_so_no_more_by_their_dates() {
        for (zone, rules) in [
            (
                Tz::Europe__Berlin,
                ["FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"].as_slice(),
            ),
            (Tz::America__New_York, &["FREQ=YEARLY;BYMONTH=3;BYDAY=2SU", "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"]),
            (
                Tz::Asia__Jerusalem,
                &[
                    "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=23,24,25,26,27,28,29;BYDAY=FR",
                    "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
                ],
            ),
            (Tz::Asia__Kolkata, &[]),
            (Tz::Europe__Moscow, &[]),
        ] {
            let text = timezone(zone.name(), zone, 2026).raw().replace("\r\n ", "");
            assert_eq!(text.matches("RRULE:").count(), rules.len(), "{text}");
            for rule in rules {
                assert!(text.contains(&format!("RRULE:{rule}\r\n")), "{rule}: {text}");
            }
        }
        let moscow = timezone("Moscow", Tz::Europe__Moscow, 2026).raw().replace("\r\n ", "");
        assert!(moscow.contains("20101031T030000,20141026T020000\r\n"), "{moscow}");
    }

    #[test]
    fn what_is_said_of_a_zone_is_that_zone() {
        use super::super::{line::Param, named::Given};
        for zone in chrono_tz::TZ_VARIANTS.iter() {
            let mut given = Given::default();
            given.take(timezone("Nameless", *zone, 2026));
            let mut event = Component::new("VEVENT");
            event.push(Line::new("DTSTART", vec![Param::new("TZID", "Nameless")], "20260320T090000"));
            let found = given.of(&event).get("Nameless").and_then(|named| named.zone);
            let offsets =
                |zone: Tz| (0..365).map(move |day| Clock::at(zone, midnight(2026) + Days::new(day)).offset_s);
            assert!(found.is_some_and(|found| offsets(found).eq(offsets(*zone))), "{zone}: {found:?}");
        }
    }
}
