//! iCalendar (RFC 5545): appointments and tasks, read into an [`Activity`] and what is one user's [`Own`], and a changed one put back into
//! the text that it came from.
//!
//! An [`Item`] is one `VEVENT` or `VTODO`, whose text is a calendar with that component alone and with what is said of the zones that it
//! names. It is kept as it came: what an activity has no field for, and every property that says what it said, stays in it untouched,
//! octet for octet.
//!
//! An occurrence that was taken out of a series is an item of its own, which is cancelled. In a file it is an `EXDATE` of the series; so
//! reading takes these out of the series' text, and [`write_all`] puts them there. Of a file that says of one occurrence both that it is
//! taken out and how it differs, the latter counts.

mod alarm;
mod clocks;
mod component;
mod file;
pub mod imip;
mod line;
mod moment;
mod named;
mod patch;
mod people;
mod read;
mod sayable;
mod uid;
mod write;

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use postrider_model::{Activity, ActivityKind, Moment, Occurrence, Own, Timestamp};
use thiserror::Error;

use self::{
    component::{Component, Part},
    line::Line,
    named::{Given, Zones},
};
pub use self::{uid::meeting_uid, write::write_all};

/// Of more lines than these, a component is no person's.
pub const MAX_LINES: usize = 10_000;
/// Nor is one of more octets than these.
pub const MAX_OCTETS: usize = 16 * 1024 * 1024;
/// Components stand no deeper in each other than this.
pub const MAX_DEPTH: usize = 8;
/// No series has more rules.
pub const MAX_RULES: usize = 20;
/// How calendars that are made here say so.
const PRODUCT: &str = "-//Postrider//Postrider//EN";

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ItemError {
    /// It begins and does not end.
    #[error("the component that begins in line {line} has no END")]
    Unterminated {
        /// The line of its BEGIN, from 1.
        line: usize,
    },
    /// It has more lines or dates than [`MAX_LINES`], more octets than [`MAX_OCTETS`], more rules than [`MAX_RULES`], or is deeper than
    /// [`MAX_DEPTH`].
    #[error("the component that begins in line {line} is too large")]
    TooLarge {
        /// The line of its BEGIN, from 1.
        line: usize,
    },
    /// A property that it must have is missing.
    #[error("the component that begins in line {line} has no {property}")]
    Missing {
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Which.
        property: &'static str,
    },
    /// A property says nothing that can be read.
    #[error("in the component that begins in line {line}, {property} cannot be read: `{value}`")]
    Unreadable {
        /// The line of its BEGIN, from 1.
        line: usize,
        /// Which.
        property: &'static str,
        /// As it was written, cut where it is long.
        value: String,
    },
    /// It says what no activity can say, and what would be another thing without it.
    #[error("the component that begins in line {line} has {what}, which cannot be kept in step")]
    Unsupported {
        /// The line of its BEGIN, from 1.
        line: usize,
        /// What it has.
        what: &'static str,
    },
}

/// What somebody wants with a calendar that they send (`METHOD`, RFC 5546, section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// To tell of it.
    Publish,
    /// To invite, or to tell of a change.
    Request,
    /// To answer.
    Reply,
    /// To add occurrences.
    Add,
    /// To cancel.
    Cancel,
    /// To be told of it again.
    Refresh,
    /// To propose something else.
    Counter,
    /// To refuse what was proposed.
    DeclineCounter,
}

/// A file of calendars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// What is wanted with it, where it says so.
    pub method: Option<Method>,
    /// What is in it; what is wrong with one component is said in its place.
    pub items: Vec<Result<Item, ItemError>>,
}

/// An appointment or a task as it came, or as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The calendar that it came in, without what was in that.
    calendar: Arc<Component>,
    zones: Zones,
    component: Component,
}

impl Method {
    const ALL: [(&'static str, Self); 8] = [
        ("PUBLISH", Self::Publish),
        ("REQUEST", Self::Request),
        ("REPLY", Self::Reply),
        ("ADD", Self::Add),
        ("CANCEL", Self::Cancel),
        ("REFRESH", Self::Refresh),
        ("COUNTER", Self::Counter),
        ("DECLINECOUNTER", Self::DeclineCounter),
    ];

    /// The method of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
        found.map(|(_, method)| *method)
    }

    /// Its name, as calendars write it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("PUBLISH", |(name, _)| name)
    }
}

impl Calendar {
    /// Reads a file, of one calendar or of several. Text that is not UTF-8 is read as Windows-1252.
    pub fn read(file: &[u8]) -> Self {
        let mut calendar = Self { method: None, items: Vec::new() };
        let mut given = Given::default();
        for pieces in file::split(file) {
            let method = pieces.head.first("METHOD").and_then(|line| Method::from_name(&line.value));
            calendar.method = calendar.method.or(method);
            calendar.items.extend(items(pieces, &mut given));
        }
        calendar
    }
}

impl Item {
    /// All appointments and tasks of a file, in its order.
    pub fn read_all(file: &[u8]) -> Vec<Result<Self, ItemError>> {
        Calendar::read(file).items
    }

    /// The first of a text, such as one that [`Item::text`] wrote.
    ///
    /// # Errors
    /// Where there is none, or none that can be read.
    pub fn read(text: &[u8]) -> Result<Self, ItemError> {
        let missing = ItemError::Missing { line: 1, property: "VEVENT and no VTODO" };
        Self::read_all(text).into_iter().next().unwrap_or(Err(missing))
    }

    /// One for an activity that has none yet. When it was made nobody says before [`Item::stamped`].
    pub fn new(activity: &Activity, own: &Own) -> Self {
        let name = match activity.kind {
            ActivityKind::Appointment => "VEVENT",
            ActivityKind::Task => "VTODO",
        };
        let mut component = Component::new(name);
        component.push(Line::new("DTSTAMP", Vec::new(), moment::instant_text(Timestamp(0))));
        let (component, zones) = patch::patched(&component, &Zones::new(), activity, own);
        Self { calendar: Arc::new(new_calendar(None)), zones, component }
    }

    /// What it says that all share, as far as an activity has fields for it.
    pub fn activity(&self) -> Activity {
        read::activity(&self.component, &self.zones)
    }

    /// What it says that is one user's. Whose it is no calendar says, so that the response is none of it.
    pub fn own(&self) -> Own {
        read::own(&self.component, &self.zones)
    }

    /// The same item, saying what these say. Properties of which they know nothing, and those that say what they said, stay as they are.
    #[must_use]
    pub fn with(&self, activity: &Activity, own: &Own) -> Self {
        let (component, zones) = patch::patched(&self.component, &self.zones, activity, own);
        Self { calendar: Arc::clone(&self.calendar), zones, component }
    }

    /// The same item, last changed at that time (`DTSTAMP`, RFC 5545, section 3.8.7.2; `LAST-MODIFIED`, where it has one).
    #[must_use]
    pub fn stamped(&self, at: Timestamp) -> Self {
        let mut item = self.clone();
        let line = |name: &str| Some(Line::new(name, Vec::new(), moment::instant_text(at)));
        item.component.set("DTSTAMP", line("DTSTAMP"));
        if item.component.first("LAST-MODIFIED").is_some() {
            item.component.set("LAST-MODIFIED", line("LAST-MODIFIED"));
        }
        item
    }

    /// When it was written, as far as it says so (`DTSTAMP`).
    pub fn written(&self) -> Option<Timestamp> {
        self.component.first("DTSTAMP").and_then(|line| moment::timestamp(line, &self.zones))
    }

    /// Its text: a calendar with this component alone.
    pub fn text(&self) -> String {
        let zones = self.zones.values().filter_map(|named| named.given.as_deref());
        let parts = zones.cloned().chain([self.component.clone()]).map(Part::Component);
        let mut calendar = Component::clone(&self.calendar);
        calendar.parts.extend(parts);
        calendar.raw()
    }

    /// The zones that it names and that nobody knows: by their clocks its times are taken for ones that are meant wherever one is.
    pub fn unknown_zones(&self) -> impl Iterator<Item = &str> {
        self.zones.iter().filter(|(_, named)| named.zone.is_none()).map(|(name, _)| name.as_str())
    }

    /// Whether it is an occurrence that was taken out of its series.
    fn is_taken_out(&self) -> bool {
        let kind = read::kind(&self.component);
        self.component.first("RECURRENCE-ID").is_some()
            && read::status(&self.component, kind) == postrider_model::Status::Cancelled
    }
}

/// A calendar of our own.
fn new_calendar(method: Option<Method>) -> Component {
    let mut calendar = Component::new("VCALENDAR");
    calendar.push(Line::new("VERSION", Vec::new(), "2.0"));
    calendar.push(Line::new("PRODID", Vec::new(), PRODUCT));
    if let Some(method) = method {
        calendar.push(Line::new("METHOD", Vec::new(), method.name()));
    }
    calendar
}

/// The items of a calendar, in its order; an occurrence that was taken out comes behind its series.
fn items(pieces: file::Pieces, given: &mut Given) -> Vec<Result<Item, ItemError>> {
    given.begin();
    let mut found = Vec::new();
    for piece in pieces.components {
        match piece.component {
            Ok(component) if component.name == "VTIMEZONE" => given.take(component),
            Ok(component) if !matches!(component.name.as_str(), "VEVENT" | "VTODO") => {}
            component => found.push((piece.line, component)),
        }
    }
    let mut calendar = pieces.head;
    calendar.remove(|line| line.name == "METHOD");
    let calendar = Arc::new(calendar);
    let read: Vec<Result<(Item, Vec<Occurrence>), ItemError>> = found
        .into_iter()
        .map(|(line, component)| {
            let component = checked(line, component?)?;
            let zones = given.of(&component);
            readable(line, &component, &zones)?;
            Ok(without_exceptions(Item { calendar: Arc::clone(&calendar), zones, component }))
        })
        .collect();
    let key = |item: &Item| {
        Some((read::text(&item.component, "UID")?, read::occurrence(&item.component, &item.zones)?))
    };
    let mut told: BTreeSet<(String, Occurrence)> =
        read.iter().flatten().filter_map(|(item, _)| key(item)).collect();
    let mut items = Vec::new();
    for one in read {
        match one {
            Ok((item, taken_out)) => {
                let uid = read::text(&item.component, "UID").unwrap_or_default();
                let new = taken_out.into_iter().filter(|one| told.insert((uid.clone(), *one)));
                let new: Vec<Item> = new.map(|one| item.without(one)).collect();
                items.push(Ok(item));
                items.extend(new.into_iter().map(Ok));
            }
            Err(error) => items.push(Err(error)),
        }
    }
    items
}

/// What makes a component none of which an activity can be made.
fn checked(line: usize, component: Component) -> Result<Component, ItemError> {
    if read::text(&component, "UID").is_none() {
        return Err(ItemError::Missing { line, property: "UID" });
    }
    let dates = component.lines().filter(|line| matches!(line.name.as_str(), "EXDATE" | "RDATE"));
    let dates: usize = dates.map(|line| line.value.matches(',').count() + 1).sum();
    if dates > MAX_LINES || component.all("RRULE").count() > MAX_RULES {
        return Err(ItemError::TooLarge { line });
    }
    let is_of_all_later = component.first("RECURRENCE-ID").is_some_and(|line| line.param("RANGE").is_some());
    if is_of_all_later {
        return Err(ItemError::Unsupported {
            line,
            what: "changes to all later occurrences at once (RANGE)",
        });
    }
    if component.first("EXRULE").is_some() {
        return Err(ItemError::Unsupported {
            line,
            what: "a rule by which occurrences are left out (EXRULE)",
        });
    }
    Ok(component)
}

fn readable(line: usize, component: &Component, zones: &Zones) -> Result<(), ItemError> {
    for property in ["DTSTART", "DTEND", "DUE", "RECURRENCE-ID"] {
        let wrong = component.first(property).filter(|line| moment::of_line(line, zones).is_none());
        if let Some(wrong) = wrong {
            let value = wrong.value.chars().take(100).collect();
            return Err(ItemError::Unreadable { line, property, value });
        }
    }
    Ok(())
}

/// A series without its exceptions, and which these are.
fn without_exceptions(mut item: Item) -> (Item, Vec<Occurrence>) {
    let lines: Vec<Line> = item.component.all("EXDATE").cloned().collect();
    if lines.is_empty() || item.component.first("RECURRENCE-ID").is_some() {
        return (item, Vec::new());
    }
    let start = read::start(&item.component, &item.zones);
    let (mut taken_out, mut left) = (Vec::new(), Vec::new());
    for line in lines {
        let (read, unread): (Vec<_>, Vec<_>) =
            moment::each(&line, &item.zones).partition(|(_, moment)| moment.is_some());
        taken_out.extend(read.into_iter().filter_map(|(_, moment)| Some(exception(moment?, start.as_ref()))));
        if !unread.is_empty() {
            let values: Vec<&str> = unread.into_iter().map(|(value, _)| value).collect();
            left.push(Part::Line(Line::new("EXDATE", line.params.clone(), values.join(","))));
        }
    }
    let is_exception = |part: &Part| matches!(part, Part::Line(line) if line.name == "EXDATE");
    item.component.replace(is_exception, left);
    named::retain(&mut item.zones, &item.component);
    (item, taken_out)
}

/// Which occurrence an exception means. Programs write days in series of times, times in series of days, and times without the zone.
fn exception(moment: Moment, start: Option<&Moment>) -> Occurrence {
    let meant = match (moment, start) {
        (Moment::Day(day), Some(Moment::At { local, zone })) => {
            Moment::At { local: day.and_time(local.time()), zone: zone.clone() }
        }
        (Moment::At { local, .. }, Some(Moment::Day(_))) => Moment::Day(local.date()),
        (Moment::At { local, zone: None }, Some(Moment::At { zone, .. })) => {
            Moment::At { local, zone: zone.clone() }
        }
        (Moment::At { local, .. }, Some(Moment::At { zone: None, .. })) => Moment::At { local, zone: None },
        (moment, _) => moment,
    };
    moment::occurrence(&meant)
}

impl Item {
    /// That occurrence of a series, taken out of it. It names no zone, and has nothing of the calendar's, so that as many as there may be
    /// take little room.
    fn without(&self, occurrence: Occurrence) -> Self {
        let mut zones = Zones::new();
        let is_floating =
            matches!(read::start(&self.component, &self.zones), Some(Moment::At { zone: None, .. }));
        let form = is_floating.then(|| Moment::At { local: chrono::NaiveDateTime::default(), zone: None });
        let mut component = Component::new(&self.component.name);
        for name in ["UID", "DTSTAMP"] {
            component.parts.extend(self.component.first(name).cloned().map(Part::Line));
        }
        for name in ["RECURRENCE-ID", "DTSTART"] {
            component.push(moment::occurrence_line(name, occurrence, form.as_ref(), &mut zones));
        }
        component.push(Line::new("STATUS", Vec::new(), "CANCELLED"));
        Self { calendar: Arc::new(new_calendar(None)), zones, component }
    }
}
