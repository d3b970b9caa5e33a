//! Recurrence rules (RFC 5545, section 3.3.10) and the times at which something that recurs begins.
//!
//! `rrule` expands; here its input is brought into the forms that it takes, and its work is bounded: what a calendar from outside says
//! can take for ever (`FREQ=SECONDLY`). Known of `rrule` 0.14, as of dateutil: where `BYDAY` has days with a number beside days without
//! (`BYDAY=TU,1SU`), it takes those that are both, where RFC 5545 means either.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};
use thiserror::Error;

/// Of one series no more starts than these are looked at.
pub const MAX_STEPS: usize = 100_000;
/// A rule in more octets than these is no rule.
pub const MAX_RULE: usize = 4 * 1024;
/// Years beyond these are no times of a calendar.
const YEARS: std::ops::RangeInclusive<i32> = 1600..=2999;

/// When something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// On a day, wherever one is.
    Day(NaiveDate),
    /// At a time as the clocks of a place show it.
    At {
        /// What they show.
        local: NaiveDateTime,
        /// The place.
        zone: Tz,
    },
}

/// One of the times at which a series begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instance {
    /// On a day, wherever one is.
    Day(NaiveDate),
    /// At an instant.
    At(DateTime<Utc>),
}

/// A rule that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the recurrence rule `{rule}` cannot be followed: {why}")]
pub struct RuleError {
    /// As it was given, cut where it is long.
    pub rule: String,
    /// What is wrong with it.
    pub why: String,
}

/// What recurs, and what is known of when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Values of `RRULE`.
    pub rules: Vec<String>,
    /// Further starts (`RDATE`).
    pub dates: Vec<Start>,
    /// Starts that are left out (`EXDATE`).
    pub exceptions: Vec<Start>,
}

/// Starts of a series within a span.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expansion {
    /// In their order, each once.
    pub starts: Vec<Instance>,
    /// The work was cut off: later starts of the span may be missing.
    pub is_cut: bool,
}

/// A series that can be expanded.
#[derive(Debug, Clone)]
pub struct Series {
    set: RRuleSet,
    is_all_day: bool,
}

impl Start {
    /// The same as an instant; a day as its midnight in UTC. A time that clocks skip is told by the offset before, and of one that they
    /// show twice it is the first (RFC 5545, section 3.3.5).
    pub fn instant(&self) -> DateTime<Utc> {
        self.zoned().to_utc()
    }

    fn zoned(&self) -> DateTime<rrule::Tz> {
        match self {
            Self::Day(day) => rrule::Tz::UTC.from_utc_datetime(&day.and_time(NaiveTime::MIN)),
            Self::At { local, zone } => at(*local, *zone).with_timezone(&rrule::Tz::Tz(*zone)),
        }
    }

    const fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    fn is_in_range(&self) -> bool {
        use chrono::Datelike;
        let year = match self {
            Self::Day(day) => day.year(),
            Self::At { local, .. } => local.year(),
        };
        YEARS.contains(&year)
    }
}

fn at(local: NaiveDateTime, zone: Tz) -> DateTime<Tz> {
    zone.from_local_datetime(&local).earliest().unwrap_or_else(|| {
        let before = local.checked_sub_days(Days::new(1)).unwrap_or(local);
        let offset = zone.offset_from_utc_datetime(&before).fix();
        let instant = local.checked_sub_offset(offset).unwrap_or(local);
        zone.from_utc_datetime(&instant)
    })
}

impl Series {
    /// What begins at that time, and again by those rules. Of starts that are days and starts that are times, those of the other kind
    /// than the first are passed over.
    ///
    /// # Errors
    /// A rule that cannot be followed.
    pub fn new(start: &Start, rules: &Rules) -> Result<Self, RuleError> {
        if !start.is_in_range() {
            return Err(wrong(&format!("{start:?}"), "it begins in no year of a calendar"));
        }
        let first = start.zoned();
        let mut set = RRuleSet::new(first);
        for rule in &rules.rules {
            let (rule, until) = read_rule(rule, start)?;
            if until.is_some_and(|until| until < first) {
                continue;
            }
            let text = rule.to_string();
            let rule = match until {
                Some(until) => rule.until(until),
                None => rule,
            };
            set = set.rrule(rule.validate(first).map_err(|error| wrong(&text, &error.to_string()))?);
        }
        if rules.rules.is_empty() {
            set = set.rdate(first);
        }
        let fits = |one: &&Start| one.is_day() == start.is_day() && one.is_in_range();
        let zone = first.timezone();
        for date in rules.dates.iter().filter(fits) {
            set = set.rdate(date.zoned().with_timezone(&zone));
        }
        for exception in rules.exceptions.iter().filter(fits) {
            set = set.exdate(exception.zoned().with_timezone(&zone));
        }
        Ok(Self { set: set.limit(), is_all_day: start.is_day() })
    }

    /// The starts from `from` and before `to`; for days, their midnights in UTC count. `is_over` is asked after each step: whoever
    /// waits says so when it has been long enough.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>, is_over: &dyn Fn() -> bool) -> Expansion {
        let mut expansion = Expansion::default();
        let mut steps = 0;
        let mut iterator = (&self.set).into_iter();
        for start in iterator.by_ref() {
            steps += 1;
            let instant = start.to_utc();
            if instant >= to {
                return expansion;
            }
            if instant >= from {
                let one =
                    if self.is_all_day { Instance::Day(instant.date_naive()) } else { Instance::At(instant) };
                if expansion.starts.last() != Some(&one) {
                    expansion.starts.push(one);
                }
            }
            if steps >= MAX_STEPS || is_over() {
                expansion.is_cut = true;
                return expansion;
            }
        }
        expansion.is_cut = self.is_endless();
        expansion
    }

    /// Whether a rule has no end of its own. Where its iterator ends all the same, it found nothing for too long, and does not say so.
    fn is_endless(&self) -> bool {
        self.set.get_rrule().iter().any(|rule| rule.get_count().is_none() && rule.get_until().is_none())
    }
}

/// A rule without its end, and that end: what `rrule` takes is a time in UTC, and rules that others wrote have days, and times of the
/// place.
fn read_rule(
    text: &str,
    start: &Start,
) -> Result<(RRule<Unvalidated>, Option<DateTime<rrule::Tz>>), RuleError> {
    if text.len() > MAX_RULE {
        return Err(wrong(text, "it is too long"));
    }
    let upper = text.trim().to_ascii_uppercase();
    let parts = upper.split(';').map(str::trim).filter(|part| !part.is_empty());
    let (ends, others): (Vec<&str>, Vec<&str>) = parts.partition(|part| part.starts_with("UNTIL="));
    let until = match ends.first().and_then(|end| end.strip_prefix("UNTIL=")) {
        Some(end) => Some(read_until(end, start).ok_or_else(|| wrong(text, "its UNTIL is no time"))?),
        None => None,
    };
    let rule =
        others.join(";").parse().map_err(|error: rrule::RRuleError| wrong(text, &error.to_string()))?;
    Ok((rule, until))
}

/// The end of a rule (RFC 5545, section 3.3.10): a day is all of it, and a time without a zone is one of the place.
fn read_until(text: &str, start: &Start) -> Option<DateTime<rrule::Tz>> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    let time = NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S").ok();
    let day = time.map(|time| time.date()).or_else(|| NaiveDate::parse_from_str(digits, "%Y%m%d").ok())?;
    let last = day.and_hms_opt(23, 59, 59)?;
    let utc = match start {
        Start::Day(_) => day.and_time(NaiveTime::MIN),
        Start::At { .. } if time.is_some() && text.ends_with('Z') => time?,
        Start::At { zone, .. } => at(time.unwrap_or(last), *zone).naive_utc(),
    };
    Some(rrule::Tz::UTC.from_utc_datetime(&utc))
}

fn wrong(rule: &str, why: &str) -> RuleError {
    RuleError { rule: rule.chars().take(200).collect(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    fn utc(text: &str) -> DateTime<Utc> {
        local(text).and_utc()
    }

    fn series(start: Start, rule: &str) -> Series {
        Series::new(&start, &Rules { rules: vec![rule.to_owned()], ..Rules::default() }).unwrap()
    }

    fn times(series: &Series, from: &str, to: &str) -> Vec<String> {
        let expansion = series.between(utc(from), utc(to), &|| false);
        let text = |one: &Instance| match one {
            Instance::Day(day) => day.to_string(),
            Instance::At(time) => time.format("%Y-%m-%d %H:%M").to_string(),
        };
        expansion.starts.iter().map(text).collect()
    }

    const BERLIN: Tz = Tz::Europe__Berlin;

    #[test]
    fn the_clocks_time_stays_when_it_is_changed_for_summer() {
        let weekly =
            series(Start::At { local: local("2026-03-20 09:00"), zone: BERLIN }, "FREQ=WEEKLY;COUNT=3");
        let expected = ["2026-03-20 08:00", "2026-03-27 08:00", "2026-04-03 07:00"];
        assert_eq!(times(&weekly, "2026-01-01 00:00", "2027-01-01 00:00"), expected);
    }

    #[test]
    fn a_time_that_clocks_skip_is_told_by_the_offset_before() {
        let start = Start::At { local: local("2026-03-29 02:30"), zone: BERLIN };
        assert_eq!(start.instant(), utc("2026-03-29 01:30"));
        let twice = Start::At { local: local("2026-10-25 02:30"), zone: BERLIN };
        assert_eq!(twice.instant(), utc("2026-10-25 00:30"));
    }

    #[test]
    fn an_end_may_be_a_day_a_local_time_or_an_instant() {
        let start = Start::At { local: local("2026-05-01 23:00"), zone: BERLIN };
        for (until, count) in [
            ("20260503", 3),
            ("20260503T230000", 3),
            ("20260503T225959", 2),
            ("20260503T210000Z", 3),
            ("20260503T205959Z", 2),
            ("20260430", 0),
        ] {
            let daily = series(start, &format!("FREQ=DAILY;UNTIL={until}"));
            assert_eq!(times(&daily, "2026-01-01 00:00", "2027-01-01 00:00").len(), count, "{until}");
        }
        let days = series(
            Start::Day(NaiveDate::from_ymd_opt(2026, 5, 1).unwrap()),
            "FREQ=DAILY;UNTIL=20260502T220000Z",
        );
        assert_eq!(times(&days, "2026-01-01 00:00", "2027-01-01 00:00"), ["2026-05-01", "2026-05-02"]);
    }

    #[test]
    fn further_starts_come_and_exceptions_go() {
        let at = |text| Start::At { local: local(text), zone: BERLIN };
        let rules = Rules {
            rules: vec!["freq=daily;count=3;".to_owned()],
            dates: vec![at("2026-05-10 12:00"), Start::Day(NaiveDate::from_ymd_opt(2026, 5, 11).unwrap())],
            exceptions: vec![Start::At { local: local("2026-05-02 07:00"), zone: Tz::UTC }],
        };
        let series = Series::new(&at("2026-05-01 09:00"), &rules).unwrap();
        let expected = ["2026-05-01 07:00", "2026-05-03 07:00", "2026-05-10 10:00"];
        assert_eq!(times(&series, "2026-01-01 00:00", "2027-01-01 00:00"), expected);
        let once = Series::new(&at("2026-05-01 09:00"), &Rules::default()).unwrap();
        assert_eq!(times(&once, "2026-01-01 00:00", "2027-01-01 00:00"), ["2026-05-01 07:00"]);
    }

    #[test]
    fn what_would_take_for_ever_is_cut_off_and_says_so() {
        let start = Start::At { local: local("2000-01-01 00:00"), zone: Tz::UTC };
        for rule in [
            "FREQ=MINUTELY",
            "FREQ=SECONDLY;BYMINUTE=1,2;BYHOUR=1;BYSETPOS=2",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        ] {
            let expansion =
                series(start, rule).between(utc("2026-01-01 00:00"), utc("2026-02-01 00:00"), &|| false);
            assert!(expansion.is_cut && expansion.starts.is_empty(), "{rule}: {expansion:?}");
        }
        let daily = series(start, "FREQ=DAILY");
        assert!(daily.between(utc("2026-01-01 00:00"), utc("2026-02-01 00:00"), &|| true).is_cut);
        assert!(!daily.between(utc("2026-01-01 00:00"), utc("2026-02-01 00:00"), &|| false).is_cut);
    }

    #[test]
    fn a_rule_that_cannot_be_followed_is_named() {
        let start = Start::At { local: local("2000-01-01 00:00"), zone: Tz::UTC };
        let long = format!("FREQ=DAILY;BYDAY={}", "MO,".repeat(2_000));
        for rule in
            ["", "FREQ=SOMETIMES", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;INTERVAL=-1", "BYDAY=MO", &long]
        {
            let error = Series::new(&start, &Rules { rules: vec![rule.to_owned()], ..Rules::default() });
            let error = error.map(|_| ()).unwrap_err();
            assert!(error.rule.len() <= 200 && rule.starts_with(&error.rule), "{error}");
        }
        let early = Start::Day(NaiveDate::from_ymd_opt(1, 1, 1).unwrap());
        assert!(Series::new(&early, &Rules::default()).is_err());
    }
}
