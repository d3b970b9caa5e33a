//! Dates of which parts may be unknown (RFC 6350, section 4.3.1).

use calcard::{
    common::PartialDateTime,
    vcard::{VCardEntry, VCardParameterName, VCardParameterValue, VCardValue},
};
use postrider_model::PartialDate;

use super::Version;

/// The date that an entry tells, if it tells one. The year that Apple writes where there is none (`X-APPLE-OMIT-YEAR`) is none.
pub(super) fn date(entry: &VCardEntry) -> Option<PartialDate> {
    let told = match entry.values.first()? {
        VCardValue::PartialDateTime(PartialDateTime { year, month, day, .. }) => {
            PartialDate { year: *year, month: *month, day: *day }
        }
        VCardValue::Text(text) => parse(text)?,
        _ => return None,
    };
    let omitted = entry.params.iter().find_map(|param| match (&param.name, &param.value) {
        (VCardParameterName::Other(name), VCardParameterValue::Text(year))
            if name.eq_ignore_ascii_case("X-APPLE-OMIT-YEAR") =>
        {
            year.parse::<u16>().ok()
        }
        _ => None,
    });
    let date = PartialDate { year: told.year.filter(|year| Some(*year) != omitted), ..told };
    is_date(date).then_some(date)
}

/// The text of a date: `19850412`, in 3.0 `1985-04-12`. Without a year it is `--0412` in both, which more programs read.
pub(super) fn written(date: PartialDate, version: Version) -> String {
    let dash = if version == Version::V3 { "-" } else { "" };
    match (date.year, date.month, date.day) {
        (Some(year), Some(month), Some(day)) => format!("{year:04}{dash}{month:02}{dash}{day:02}"),
        (Some(year), Some(month), None) => format!("{year:04}-{month:02}"),
        (Some(year), None, _) => format!("{year:04}"),
        (None, Some(month), Some(day)) => format!("--{month:02}{day:02}"),
        (None, Some(month), None) => format!("--{month:02}"),
        (None, None, day) => format!("---{:02}", day.unwrap_or_default()),
    }
}

/// Reads `1985-04-12`, `19850412`, `1985-04`, `1985`, `--0412`, `--04-12`, `--04`, `---12`, with or without a time behind it.
pub(super) fn parse(text: &str) -> Option<PartialDate> {
    let text = text.trim();
    let text = text.split_once(['T', ' ']).map_or(text, |(date, _)| date);
    let number = |digits: &str| digits.parse::<u8>().ok();
    let pair = |digits: &str| -> Option<(Option<u8>, Option<u8>)> {
        let digits: String = digits.chars().filter(|c| *c != '-').collect();
        match digits.len() {
            2 => Some((Some(number(&digits)?), None)),
            4 => Some((Some(number(digits.get(..2)?)?), Some(number(digits.get(2..)?)?))),
            _ => None,
        }
    };
    let date = if let Some(day) = text.strip_prefix("---") {
        PartialDate { day: Some(number(day)?), ..PartialDate::default() }
    } else if let Some(rest) = text.strip_prefix("--") {
        let (month, day) = pair(rest)?;
        PartialDate { year: None, month, day }
    } else {
        let year = text.get(..4).filter(|year| year.bytes().all(|octet| octet.is_ascii_digit()))?;
        let rest = text.get(4..)?;
        let (month, day) = if rest.is_empty() { (None, None) } else { pair(rest)? };
        PartialDate { year: Some(year.parse().ok()?), month, day }
    };
    is_date(date).then_some(date)
}

fn is_date(date: PartialDate) -> bool {
    let some = date.year.is_some() || date.month.is_some() || date.day.is_some();
    some && date.year.is_none_or(|year| year <= 9999)
        && date.month.is_none_or(|month| (1..=12).contains(&month))
        && date.day.is_none_or(|day| (1..=31).contains(&day))
        // RFC 6350, section 4.3.1, has no year with a day and no month.
        && !(date.year.is_some() && date.month.is_none() && date.day.is_some())
}

/// Days without a year as some programs write them, `--04-12`, made `--0412`: of the first form calcard reads the month alone.
pub(super) fn mended(text: &str) -> String {
    let mend = |line: &str| -> Option<String> {
        let (head, value) = line.split_once(':')?;
        let name = head.split(';').next()?.rsplit('.').next()?.to_ascii_uppercase();
        let day = value.trim_end();
        let (month, rest) = day.strip_prefix("--")?.split_once('-')?;
        let is_day =
            [month, rest].iter().all(|part| part.len() == 2 && part.bytes().all(|c| c.is_ascii_digit()));
        let is_one = is_day && matches!(name.as_str(), "BDAY" | "ANNIVERSARY" | "DEATHDATE" | "X-ABDATE");
        is_one.then(|| format!("{head}:--{month}{rest}\r\n"))
    };
    text.split_inclusive('\n').map(|line| mend(line).unwrap_or_else(|| line.to_owned())).collect()
}
