//! Time zones by the names that calendars give them, and by what they say of them where the name says nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::recurrence::{Instance, Rules, Series, Start};

/// Of zones whose clocks show the same, these come first: the territories that most people mean.
const PREFERRED: [Tz; 34] = [
    Tz::UTC,
    Tz::Europe__London,
    Tz::Europe__Berlin,
    Tz::Europe__Kyiv,
    Tz::Europe__Moscow,
    Tz::Europe__Samara,
    Tz::Asia__Yekaterinburg,
    Tz::Asia__Omsk,
    Tz::Asia__Krasnoyarsk,
    Tz::Asia__Irkutsk,
    Tz::Asia__Yakutsk,
    Tz::Asia__Vladivostok,
    Tz::Asia__Kamchatka,
    Tz::America__New_York,
    Tz::America__Chicago,
    Tz::America__Denver,
    Tz::America__Phoenix,
    Tz::America__Los_Angeles,
    Tz::America__Anchorage,
    Tz::Pacific__Honolulu,
    Tz::America__Halifax,
    Tz::America__St_Johns,
    Tz::America__Sao_Paulo,
    Tz::Asia__Dubai,
    Tz::Asia__Kolkata,
    Tz::Asia__Kathmandu,
    Tz::Asia__Bangkok,
    Tz::Asia__Shanghai,
    Tz::Asia__Tokyo,
    Tz::Australia__Perth,
    Tz::Australia__Adelaide,
    Tz::Australia__Brisbane,
    Tz::Australia__Sydney,
    Tz::Pacific__Auckland,
];

/// A part of the year in which clocks are set one way: `STANDARD` or `DAYLIGHT` of a `VTIMEZONE` (RFC 5545, section 3.6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observance {
    /// When it first began, by the clocks of before.
    pub onset: NaiveDateTime,
    /// By what rules it begins again: values of `RRULE`.
    pub rules: Vec<String>,
    /// When it began besides, by the clocks of before.
    pub further: Vec<NaiveDateTime>,
    /// How far clocks were ahead of UTC before, in seconds.
    pub offset_before_s: i32,
    /// How far they are since, in seconds.
    pub offset_s: i32,
}

/// The zone of that name: IANA's, Windows' (CLDR, windowsZones), and those that Outlook shows to people. `None` where the name says
/// nothing, such as `Customized Time Zone`.
pub fn by_name(name: &str) -> Option<Tz> {
    let name = name.trim().trim_matches('"');
    if let Ok(calcard::common::timezone::Tz::Tz(zone)) = name.parse() {
        return Some(zone);
    }
    // Some programs write IANA's name behind one of a registry of their own (RFC 5545, section 3.8.3.1).
    let of_registry = name.strip_prefix('/')?;
    let tails = of_registry.match_indices('/').filter_map(|(at, _)| of_registry.get(at + 1..));
    tails.filter_map(|tail| tail.parse().ok()).next()
}

/// The zone whose clocks show during that year what these observances say, from the first of January to the last of December in UTC.
/// `None` where there is none, or where they cannot be followed.
pub fn by_observances(observances: &[Observance], year: i32) -> Option<Tz> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(NaiveTime::MIN).and_utc();
    let end = NaiveDate::from_ymd_opt(year.checked_add(1)?, 1, 1)?.and_time(NaiveTime::MIN).and_utc();
    let mut onsets: Vec<(DateTime<Utc>, i32)> = Vec::new();
    for one in observances {
        onsets.extend(instants(one, end)?.into_iter().map(|at| (at, one.offset_s)));
    }
    onsets.sort_unstable();
    let before = observances.iter().min_by_key(|one| one.onset)?.offset_before_s;
    let offset_at = |at: DateTime<Utc>| {
        onsets.iter().take_while(|(onset, _)| *onset <= at).last().map_or(before, |(_, offset)| *offset)
    };
    let days = (0..366).map(|day| first + Duration::days(day) + Duration::hours(12));
    let edges = onsets.iter().flat_map(|(onset, _)| [*onset - Duration::seconds(1), *onset]);
    let asked: BTreeSet<DateTime<Utc>> = days.chain(edges).filter(|at| (first..end).contains(at)).collect();
    let told: Vec<(DateTime<Utc>, i32)> = asked.into_iter().map(|at| (at, offset_at(at))).collect();
    let shows_the_same = |zone: &&Tz| {
        let offset =
            |at: &DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
        told.iter().all(|(at, expected)| offset(at) == *expected)
    };
    PREFERRED.iter().chain(TZ_VARIANTS.iter()).find(shows_the_same).copied()
}

/// When an observance began, before that end. Onsets are told by the clocks of before.
fn instants(one: &Observance, end: DateTime<Utc>) -> Option<Vec<DateTime<Utc>>> {
    let as_utc = |local: NaiveDateTime| Start::At { local, zone: Tz::UTC };
    let rules = Rules {
        rules: one.rules.clone(),
        dates: one.further.iter().copied().map(as_utc).collect(),
        exceptions: Vec::new(),
    };
    let series = Series::new(&as_utc(one.onset), &rules).ok()?;
    let found = series.between(one.onset.and_utc(), end + Duration::days(1), &|| false);
    let before = Duration::seconds(one.offset_before_s.into());
    let instant = |start: &Instance| match start {
        Instance::At(at) => at.checked_sub_signed(before),
        Instance::Day(_) => None,
    };
    (!found.is_cut).then(|| found.starts.iter().filter_map(instant).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_by_the_names_that_programs_write() {
        let table = [
            ("Europe/Berlin", Some(Tz::Europe__Berlin)),
            ("W. Europe Standard Time", Some(Tz::Europe__Berlin)),
            ("Russian Standard Time", Some(Tz::Europe__Moscow)),
            ("\"Pacific Standard Time\"", Some(Tz::America__Los_Angeles)),
            ("/freeassociation.sourceforge.net/Europe/Paris", Some(Tz::Europe__Paris)),
            ("/example.org/2026_1/America/Argentina/Salta", Some(Tz::America__Argentina__Salta)),
            ("/example.org/nowhere", None),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", Some(Tz::Europe__Berlin)),
            ("UTC", Some(Tz::UTC)),
            ("Customized Time Zone", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(by_name(name), expected, "{name}");
        }
    }

    fn onset(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").unwrap()
    }

    fn observance(first: &str, rule: &str, from_h: f64, to_h: f64) -> Observance {
        #[expect(clippy::cast_possible_truncation, reason = "hours")]
        let seconds = |hours: f64| (hours * 3600.0) as i32;
        Observance {
            onset: onset(first),
            rules: if rule.is_empty() { Vec::new() } else { vec![rule.to_owned()] },
            further: Vec::new(),
            offset_before_s: seconds(from_h),
            offset_s: seconds(to_h),
        }
    }

    #[test]
    fn a_zone_without_a_name_is_known_by_its_clocks() {
        let berlin = [
            observance("16010101T030000", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", 2.0, 1.0),
            observance("16010101T020000", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", 1.0, 2.0),
        ];
        let new_york = [
            observance("20071104T020000", "FREQ=YEARLY;BYDAY=1SU;BYMONTH=11", -4.0, -5.0),
            observance("20070311T020000", "FREQ=YEARLY;BYDAY=2SU;BYMONTH=3", -5.0, -4.0),
        ];
        let sydney = [
            observance("20080406T030000", "FREQ=YEARLY;BYDAY=1SU;BYMONTH=4", 11.0, 10.0),
            observance("20081005T020000", "FREQ=YEARLY;BYDAY=1SU;BYMONTH=10", 10.0, 11.0),
        ];
        let india = [observance("16010101T000000", "", 5.5, 5.5)];
        let moscow = [observance("20141026T020000", "", 4.0, 3.0)];
        let nowhere = [observance("16010101T000000", "", 1.25, 1.25)];
        for (observances, expected) in [
            (berlin.as_slice(), Some(Tz::Europe__Berlin)),
            (&new_york, Some(Tz::America__New_York)),
            (&sydney, Some(Tz::Australia__Sydney)),
            (&india, Some(Tz::Asia__Kolkata)),
            (&moscow, Some(Tz::Europe__Moscow)),
            (&nowhere, None),
            (&[], None),
        ] {
            assert_eq!(by_observances(observances, 2026), expected, "{observances:?}");
        }
        // In 2010 Moscow had summer time.
        let all_year = by_observances(&[observance("20000101T000000", "", 3.0, 3.0)], 2010);
        assert!(all_year.is_some_and(|zone| zone != Tz::Europe__Moscow), "{all_year:?}");
    }

    #[test]
    fn what_cannot_be_followed_is_no_zone() {
        let wrong = observance("16010101T000000", "FREQ=NEVER", 1.0, 1.0);
        assert_eq!(by_observances(&[wrong], 2026), None);
        assert_eq!(by_observances(&[observance("16010101T000000", "", 1.0, 1.0)], i32::MAX), None);
    }
}
