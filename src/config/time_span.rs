//! Lengths of time as people write them: `5m`, `90d`; and the period of a first load: `1w`, `3M`, `all` (F2.1).

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Days, Months, NaiveDate};
use postrider_model::{Timestamp, Window};

/// What a duration looks like, for messages.
pub(super) const DURATION_FORM: &str = "a number with s, m, h, d or w, such as 5m or 90d";

/// What a period looks like, for messages.
pub(super) const PERIOD_FORM: &str = "one of 1d, 1w, 1M, 1y, all";

/// The longest duration and period, in years: more is a slip of the pen.
const MAX_YEARS: u64 = 1_000;

/// Reads `30s`, `5m`, `2h`, `90d`, `1w`. Nothing else, no fractions, no sums; at most 1,000 years.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (count, unit) = count_and_unit(text)?;
    let seconds_each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    let seconds = count.checked_mul(seconds_each)?;
    (seconds <= MAX_YEARS * 366 * 86_400).then(|| Duration::from_secs(seconds))
}

/// Writes a duration of whole seconds in the largest unit that it is a multiple of, as [`parse_duration`] reads it.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(7 * 86_400, 'w'), (86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let unit = units.into_iter().find(|(each, _)| seconds >= *each && seconds.is_multiple_of(*each));
    match unit {
        Some((each, letter)) => format!("{}{letter}", seconds / each),
        None => format!("{seconds}s"),
    }
}

/// How far back the first load of mail reaches (F2.1). `1M` is a calendar month, `1m` is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// All of it.
    All,
    /// So many days.
    Days(u32),
    /// So many weeks.
    Weeks(u32),
    /// So many calendar months.
    Months(u32),
    /// So many calendar years.
    Years(u32),
}

impl Period {
    /// The window that the period opens at that instant. It begins with a day (UTC), because servers compare days
    /// (RFC 3501, section 6.4.4, `SINCE`) and because two runs of one day shall ask for the same.
    ///
    /// A beginning before the year 1 opens everything.
    pub fn window(self, now: Timestamp) -> Window {
        let first_day = DateTime::from_timestamp(now.seconds(), 0)
            .and_then(|now| self.first_day(now.date_naive()))
            .and_then(|day| day.and_hms_opt(0, 0, 0));
        match first_day {
            Some(start) => Window::Since(Timestamp::from_seconds(start.and_utc().timestamp())),
            None => Window::All,
        }
    }

    fn first_day(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::All => None,
            Self::Days(count) => today.checked_sub_days(Days::new(count.into())),
            Self::Weeks(count) => today.checked_sub_days(Days::new(u64::from(count) * 7)),
            Self::Months(count) => today.checked_sub_months(Months::new(count)),
            Self::Years(count) => today.checked_sub_months(Months::new(count.checked_mul(12)?)),
        }
    }
}

/// One week, as F2.1 has it.
impl Default for Period {
    fn default() -> Self {
        Self::Weeks(1)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Days(count) => write!(f, "{count}d"),
            Self::Weeks(count) => write!(f, "{count}w"),
            Self::Months(count) => write!(f, "{count}M"),
            Self::Years(count) => write!(f, "{count}y"),
        }
    }
}

/// What was given is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found:?}, expected {PERIOD_FORM}, or another number of them")]
pub struct PeriodParseError {
    /// The text as it was given.
    pub found: String,
}

impl FromStr for Period {
    type Err = PeriodParseError;

    fn from_str(text: &str) -> Result<Self, PeriodParseError> {
        read_period(text).ok_or_else(|| PeriodParseError { found: text.to_owned() })
    }
}

fn read_period(text: &str) -> Option<Period> {
    if text == "all" {
        return Some(Period::All);
    }
    let (count, unit) = count_and_unit(text)?;
    let count = u32::try_from(count).ok().filter(|count| (1..=366_000).contains(count))?;
    match unit {
        "d" => Some(Period::Days(count)),
        "w" => Some(Period::Weeks(count)),
        "M" => Some(Period::Months(count)),
        "y" => Some(Period::Years(count)),
        _ => None,
    }
}

/// Splits `90d` into 90 and `d`.
fn count_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at_checked(digits)?;
    Some((count.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        let table = [("30s", 30), ("5m", 300), ("2h", 7_200), ("90d", 7_776_000), ("1w", 604_800), ("0s", 0)];
        for (text, seconds) in table {
            assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "+5m",
            "1.5h",
            "5M",
            "1y",
            "5m3s",
            "99999999999999999999d",
            "20000000w",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn periods_are_read_and_printed() {
        for text in ["1d", "1w", "1M", "1y", "3M", "all", "14d"] {
            assert_eq!(text.parse::<Period>().map(|period| period.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "2 weeks", "1m", "1W", "0d", "-1d", "ALL", "d", "5000000000d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        assert_eq!(
            "1m".parse::<Period>().map_err(|error| error.to_string()),
            Err("found \"1m\", expected one of 1d, 1w, 1M, 1y, all, or another number of them".into())
        );
    }

    #[test]
    fn a_window_begins_with_a_day() {
        let day = |text: &str| {
            let start = NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap().and_hms_opt(0, 0, 0).unwrap();
            Timestamp::from_seconds(start.and_utc().timestamp())
        };
        let now = Timestamp(day("2026-03-31").0 + 47_000_000_123);
        let table = [
            (Period::Days(1), "2026-03-30"),
            (Period::Weeks(1), "2026-03-24"),
            (Period::Months(1), "2026-02-28"),
            (Period::Years(1), "2025-03-31"),
        ];
        for (period, first) in table {
            assert_eq!(period.window(now), Window::Since(day(first)), "{period}");
        }
        assert_eq!(Period::All.window(now), Window::All);
        assert_eq!(Period::Years(366_000).window(now), Window::All);
    }

    proptest! {
        #[test]
        fn a_duration_reads_back_what_it_prints(seconds in 0_u64..31_622_400_000) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }

        #[test]
        fn a_period_reads_back_what_it_prints(text in "[0-9]{0,6}.{0,3}") {
            if let Ok(period) = text.parse::<Period>() {
                prop_assert_eq!(period.to_string().parse(), Ok(period));
            }
        }
    }
}
