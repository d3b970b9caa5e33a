//! INTERNALDATE and the dates of a search (RFC 3501, section 9, `date-time` and `date`).

use chrono::{DateTime, Datelike, NaiveDate};
use postrider_model::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads ` 7-Jul-1996 02:44:25 -0700`. Nothing where it is not a date: a message without one is still a message.
pub(crate) fn internal_date(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let mut words = text.split_ascii_whitespace();
    let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
    let mut parts = date.split('-');
    let (day, month, year) =
        (parts.next()?.parse().ok()?, month(parts.next()?)?, parts.next()?.parse().ok()?);
    let days = NaiveDate::from_ymd_opt(year, month, day)?;
    let mut clock = time.split(':').map(|part| part.parse::<u32>().ok());
    // A leap second is the last of its minute.
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??.min(59));
    let local = days.and_hms_opt(hour, minute, second)?.and_utc().timestamp();
    Some(Timestamp::from_seconds(local - offset_seconds(zone)?))
}

/// That instant as `17-Jul-1996 09:44:25 +0000`; nothing where its year has not four digits.
pub(crate) fn date_time(at: Timestamp) -> Option<String> {
    let at = DateTime::from_timestamp(at.seconds(), 0).filter(|at| (0..=9_999).contains(&at.year()))?;
    let month = MONTHS.get(at.month0() as usize)?;
    Some(format!("{:>2}-{month}-{:04} {} +0000", at.day(), at.year(), at.format("%H:%M:%S")))
}

fn month(name: &str) -> Option<u32> {
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    u32::try_from(at + 1).ok()
}

/// `+0330` in seconds east of Greenwich.
fn offset_seconds(zone: &str) -> Option<i64> {
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i64 = (digits.len() == 4).then(|| digits.parse().ok()).flatten()?;
    (number % 100 < 60).then_some(sign * (number / 100 * 3_600 + number % 100 * 60))
}

/// The day before that instant as `1-Feb-1994`. Servers compare a message's day in its own zone or in theirs, which are up
/// to 14 hours apart from ours: a day earlier asks for too much, never for too little.
pub(crate) fn search_since(at: Timestamp) -> String {
    let earliest = DateTime::from_timestamp(0, 0).unwrap_or_default();
    let day = DateTime::from_timestamp(at.minus_days(1).seconds(), 0)
        .unwrap_or(earliest)
        .max(earliest)
        .date_naive();
    let month = MONTHS.get(day.month0() as usize).copied().unwrap_or("Jan");
    format!("{}-{month}-{:04}", day.day(), day.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_dates_are_read_in_their_zone() {
        let table = [
            ("17-Jul-1996 02:44:25 -0700", Some(837_596_665)),
            (" 7-jul-1996 02:44:25 +0000", Some(836_707_465)),
            ("01-Jan-1970 03:30:00 +0330", Some(0)),
            ("31-Dec-1998 23:59:60 +0000", Some(915_148_799)),
            ("29-Feb-1900 00:00:00 +0000", None),
            ("17-Jul-1996 02:44:25", None),
            ("17-Jul-1996 02:44:25 PDT", None),
            ("17-Foo-1996 02:44:25 +0000", None),
            ("17-Jul-1996 25:44:25 +0000", None),
            ("17-Jul-99999999999 02:44:25 +0000", None),
            ("\u{e9}", None),
            ("", None),
        ];
        for (text, seconds) in table {
            assert_eq!(internal_date(text.as_bytes()), seconds.map(Timestamp::from_seconds), "{text}");
        }
    }

    #[test]
    fn an_instant_is_written_as_it_is_read() {
        for (seconds, text) in [
            (837_596_665, "17-Jul-1996 09:44:25 +0000"),
            (-1, "31-Dec-1969 23:59:59 +0000"),
            (836_707_465, " 7-Jul-1996 02:44:25 +0000"),
        ] {
            let at = Timestamp::from_seconds(seconds);
            assert_eq!(date_time(at).as_deref(), Some(text));
            assert_eq!(internal_date(text.as_bytes()), Some(at));
        }
        assert_eq!((date_time(Timestamp(i64::MAX)), date_time(Timestamp(i64::MIN))), (None, None));
    }

    #[test]
    fn a_search_asks_for_a_day_more() {
        assert_eq!(search_since(Timestamp::from_seconds(837_596_665)), "16-Jul-1996");
        assert_eq!(search_since(Timestamp(i64::MIN)), "1-Jan-1970");
        assert_eq!(search_since(Timestamp(i64::MAX)), "1-Jan-1970");
    }
}
