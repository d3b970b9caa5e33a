//! The zones that an item names, and what it says of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

use super::{component::Component, line::Line, moment};
use crate::zones::{self, Observance};

/// What is said of a zone in more octets than these is not kept with each item that names it, nor followed: it is known by its name, and
/// is made anew when it is written.
const MAX_ZONE: usize = 16 * 1024;
/// A zone of which more is said than these is not followed by its clocks.
const MAX_OBSERVANCES: usize = 32;
/// Of one file no more zones than these are sought by their clocks.
const MAX_SOUGHT: usize = 256;

/// Zones by the names that lines give them (`TZID`).
pub(super) type Zones = BTreeMap<String, Named>;

/// A zone that lines name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// What the calendar says of it (`VTIMEZONE`).
    pub(super) given: Option<Arc<Component>>,
    /// Which it is; `None` where nobody can tell.
    pub(super) zone: Option<Tz>,
}

/// Leaves only those zones that the component names.
pub(super) fn retain(zones: &mut Zones, component: &Component) {
    let named: BTreeSet<&str> = component.every_line().filter_map(|line| line.param("TZID")).collect();
    zones.retain(|name, _| named.contains(name.as_str()));
}

/// What the calendars of a file say of zones.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Of the calendar at hand: by name, with its text where that is no longer than [`MAX_ZONE`].
    components: BTreeMap<String, (Arc<Component>, Option<Arc<str>>)>,
    /// Those that were sought by their clocks: by what is said of them, each in a year.
    sought: BTreeMap<(Arc<str>, i32), Option<Tz>>,
}

impl Given {
    /// Another calendar begins.
    pub(super) fn begin(&mut self) {
        self.components.clear();
    }

    /// Takes a `VTIMEZONE`. Of two with one name the first counts.
    pub(super) fn take(&mut self, component: Component) {
        if let Some(name) = component.first("TZID").map(|line| line.as_text().trim().to_owned()) {
            let text = Some(component.raw()).filter(|text| text.len() <= MAX_ZONE).map(Arc::from);
            self.components.entry(name).or_insert_with(|| (Arc::new(component), text));
        }
    }

    /// The zones that a component names.
    pub(super) fn of(&mut self, component: &Component) -> Zones {
        let year = component.first("DTSTART").or_else(|| component.first("DUE"));
        let year = year.and_then(|line| line.value.trim().get(..4)?.parse().ok()).unwrap_or(2020);
        let mut named = Zones::new();
        for name in component.every_line().filter_map(|line| line.param("TZID")) {
            if !named.contains_key(name) {
                named.insert(name.to_owned(), self.named(name, year));
            }
        }
        named
    }

    fn named(&mut self, name: &str, year: i32) -> Named {
        let Some((given, text)) = self.components.get(name).cloned() else {
            return Named { given: None, zone: zones::by_name(name) };
        };
        let place = given.first("X-LIC-LOCATION").map(Line::as_text);
        let by_name = zones::by_name(name).or_else(|| zones::by_name(&place?));
        let zone = by_name.or_else(|| self.by_clocks(&given, text.clone()?, year));
        Named { given: text.map(|_| given), zone }
    }

    fn by_clocks(&mut self, given: &Component, text: Arc<str>, year: i32) -> Option<Tz> {
        let key = (text, year);
        if let Some(known) = self.sought.get(&key) {
            return *known;
        }
        if self.sought.len() >= MAX_SOUGHT {
            return None;
        }
        let zone = observances(given, year).and_then(|observances| zones::by_observances(&observances, year));
        self.sought.insert(key, zone);
        zone
    }
}

/// What a `VTIMEZONE` says; `None` where it says too much, or what cannot be read.
fn observances(given: &Component, year: i32) -> Option<Vec<Observance>> {
    let parts: Vec<&Component> = given.inner("STANDARD").chain(given.inner("DAYLIGHT")).collect();
    (parts.len() <= MAX_OBSERVANCES)
        .then(|| parts.into_iter().map(|part| observance(part, year)).collect())
        .flatten()
}

fn observance(part: &Component, year: i32) -> Option<Observance> {
    let rules: Vec<String> = part.all("RRULE").map(|line| line.value.trim().to_owned()).collect();
    let further: Vec<NaiveDateTime> = part
        .all("RDATE")
        .flat_map(|line| line.value.split(','))
        .map(|value| moment::local_time(value.split('/').next()?))
        .collect::<Option<_>>()?;
    let is_plain = rules.len() <= 2 && rules.iter().all(|rule| is_plain(rule)) && further.len() <= 500;
    let offset = |name| offset_s(&part.first(name)?.value);
    let onset = moment::local_time(&part.first("DTSTART")?.value)?;
    // What comes each year, as Outlook has it since 1601, need not be counted from there.
    let is_yearly = !rules.is_empty() && rules.iter().all(|rule| is_yearly(rule));
    let recent = NaiveDate::from_ymd_opt(year.saturating_sub(2), 1, 1).map(|day| day.and_time(onset.time()));
    let onset = recent.filter(|recent| is_yearly && *recent > onset).unwrap_or(onset);
    is_plain.then_some(Observance {
        onset,
        rules,
        further,
        offset_before_s: offset("TZOFFSETFROM")?,
        offset_s: offset("TZOFFSETTO")?,
    })
}

/// Whether a rule is one by which clocks are set: once a year, on a day of one month. Anything else may take for ever.
fn is_plain(rule: &str) -> bool {
    let rule = rule.to_ascii_uppercase();
    let is_part = |part: &str| match part.split_once('=') {
        Some(("FREQ", value)) => value == "YEARLY",
        Some(("BYMONTH" | "BYDAY", value)) => !value.contains(','),
        Some((name, value)) => {
            matches!(name, "BYMONTHDAY" | "UNTIL" | "COUNT" | "INTERVAL" | "WKST") && value.len() <= 32
        }
        None => part.is_empty(),
    };
    rule.split(';').all(is_part) && rule.contains("BYMONTH=")
}

/// Whether it says by itself on which day of each year it comes.
fn is_yearly(rule: &str) -> bool {
    let rule = rule.to_ascii_uppercase();
    let is_part = |part: &str| match part.split_once('=') {
        Some(("INTERVAL", value)) => value == "1",
        Some((name, _)) => name != "COUNT",
        None => true,
    };
    rule.split(';').all(is_part) && (rule.contains("BYDAY=") || rule.contains("BYMONTHDAY="))
}

/// How far clocks are ahead of UTC (RFC 5545, section 3.3.14), in seconds.
fn offset_s(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| digits.get(at..at + 2).map_or(Some(0), |pair| pair.parse::<i32>().ok());
    let (hours, minutes, seconds) = (pair(0)?, pair(2)?, pair(4)?);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}
