//! From a component's lines to an activity.

use postrider_model::{
    Activity, ActivityKind, Content, Moment, Occurrence, Own, People, Privacy, ShowAs, Status, Timing,
};

use super::{
    alarm,
    component::Component,
    line::Line,
    moment::{self, after},
    named::Zones,
    people,
};

/// What tells how somebody's time shows, from the most telling on ([MS-OXCICAL], section 2.1.3.1.1.20.31).
pub(super) const BUSY: [&str; 2] = ["X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-CDO-INTENDEDSTATUS"];
/// What tells where an online meeting is joined.
pub(super) const JOIN: [&str; 3] = ["CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL"];
/// States of tasks for which iCalendar has no word; it stands beside the one that comes nearest.
pub(super) const STATE: &str = "X-POSTRIDER-STATUS";

pub(super) fn activity(component: &Component, zones: &Zones) -> Activity {
    let kind = kind(component);
    Activity {
        kind,
        uid: text(component, "UID").unwrap_or_default().trim().to_owned(),
        occurrence: occurrence(component, zones),
        sequence: number(component, "SEQUENCE").unwrap_or_default(),
        content: content(component, kind, zones),
        timing: Timing {
            start: start(component, zones),
            end: end(component, zones),
            rules: rules(component),
            further: further(component, zones),
        },
        people: People {
            organizer: component.first("ORGANIZER").and_then(people::person),
            participants: component
                .all("ATTENDEE")
                .filter_map(|line| people::participant(line, zones))
                .collect(),
        },
    }
}

pub(super) fn own(component: &Component, zones: &Zones) -> Own {
    Own {
        response: None,
        reminders: component.inner("VALARM").filter_map(|one| alarm::reminder(one, zones)).collect(),
        show_as: show_as(component),
        categories: categories(component),
    }
}

pub(super) fn kind(component: &Component) -> ActivityKind {
    if component.name == "VTODO" { ActivityKind::Task } else { ActivityKind::Appointment }
}

/// The text of a property; `None` where there is nothing but blanks.
pub(super) fn text(component: &Component, name: &str) -> Option<String> {
    component.first(name).map(Line::as_text).filter(|text| !text.trim().is_empty())
}

fn number<T: std::str::FromStr>(component: &Component, name: &str) -> Option<T> {
    component.first(name)?.value.trim().parse().ok()
}

pub(super) fn occurrence(component: &Component, zones: &Zones) -> Option<Occurrence> {
    let moment = moment::of_line(component.first("RECURRENCE-ID")?, zones)?;
    Some(moment::occurrence(&moment))
}

fn content(component: &Component, kind: ActivityKind, zones: &Zones) -> Content {
    Content {
        title: component.first("SUMMARY").map(Line::as_text).unwrap_or_default(),
        place: text(component, "LOCATION"),
        description: text(component, "DESCRIPTION"),
        status: status(component, kind),
        privacy: privacy(component),
        // 0 says that there is none.
        priority: number(component, "PRIORITY").filter(|priority| (1..=9).contains(priority)),
        percent: number(component, "PERCENT-COMPLETE").filter(|percent| *percent <= 100),
        completed: component.first("COMPLETED").and_then(|line| moment::timestamp(line, zones)),
        join_url: join_line(component).map(|line| line.value.trim().to_owned()),
    }
}

/// The line that tells where an online meeting is joined.
pub(super) fn join_line(component: &Component) -> Option<&Line> {
    JOIN.iter().find_map(|name| component.all(name).find(|line| is_join(line)))
}

/// Whether a line tells that, by an address of the web.
pub(super) fn is_join(line: &Line) -> bool {
    JOIN.contains(&line.name.as_str()) && is_of_web(&line.value)
}

/// Whether it is an address of the web.
pub(super) fn is_of_web(value: &str) -> bool {
    let value = value.trim();
    ["https://", "http://"].iter().any(|scheme| {
        let start = value.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && value.len() > scheme.len()
    })
}

pub(super) fn status(component: &Component, kind: ActivityKind) -> Status {
    let word =
        |name| component.first(name).map(|line| line.value.trim().to_ascii_uppercase()).unwrap_or_default();
    match (kind, word("STATUS").as_str(), word(STATE).as_str()) {
        (_, "CANCELLED", _) => Status::Cancelled,
        (ActivityKind::Appointment, "TENTATIVE", _) => Status::Tentative,
        (ActivityKind::Appointment, ..) => Status::Open,
        (ActivityKind::Task, "IN-PROCESS", "WAITING") => Status::Waiting,
        (ActivityKind::Task, "IN-PROCESS", _) => Status::InProcess,
        (ActivityKind::Task, "NEEDS-ACTION", "DEFERRED") => Status::Deferred,
        (ActivityKind::Task, "COMPLETED", _) => Status::Completed,
        (ActivityKind::Task, "", _) if component.first("COMPLETED").is_some() => Status::Completed,
        (ActivityKind::Task, ..) => Status::Open,
    }
}

/// A word that nobody knows is taken for `PRIVATE` (RFC 5545, section 3.8.1.3).
pub(super) fn privacy(component: &Component) -> Privacy {
    let word = component.first("CLASS").map(|line| line.value.trim().to_ascii_uppercase());
    match word.as_deref() {
        None | Some("" | "PUBLIC") => Privacy::Normal,
        Some("CONFIDENTIAL") => Privacy::Confidential,
        Some(_) => Privacy::Private,
    }
}

pub(super) fn show_as(component: &Component) -> ShowAs {
    let word = |name: &str| {
        let word = component.first(name)?.value.trim().to_ascii_uppercase();
        match word.as_str() {
            "BUSY" => Some(ShowAs::Busy),
            "FREE" => Some(ShowAs::Free),
            "TENTATIVE" => Some(ShowAs::Tentative),
            "OOF" => Some(ShowAs::OutOfOffice),
            "WORKINGELSEWHERE" => Some(ShowAs::WorkingElsewhere),
            _ => None,
        }
    };
    let is_free = || {
        component.first("TRANSP").is_some_and(|line| line.value.trim().eq_ignore_ascii_case("TRANSPARENT"))
    };
    BUSY.iter()
        .find_map(|name| word(name))
        .unwrap_or_else(|| if is_free() { ShowAs::Free } else { ShowAs::Busy })
}

pub(super) fn categories(component: &Component) -> Vec<String> {
    component.all("CATEGORIES").flat_map(Line::as_list).filter(|word| !word.is_empty()).collect()
}

pub(super) fn start(component: &Component, zones: &Zones) -> Option<Moment> {
    component.first("DTSTART").and_then(|line| moment::of_line(line, zones))
}

/// The property that tells when it ends.
pub(super) const fn end_name(kind: ActivityKind) -> &'static str {
    match kind {
        ActivityKind::Appointment => "DTEND",
        ActivityKind::Task => "DUE",
    }
}

pub(super) fn end(component: &Component, zones: &Zones) -> Option<Moment> {
    let line = component.first(end_name(kind(component)));
    line.and_then(|line| moment::of_line(line, zones)).or_else(|| {
        let duration = component.first("DURATION")?;
        after(&start(component, zones)?, &duration.value)
    })
}

pub(super) fn rules(component: &Component) -> Vec<String> {
    let rules = component.all("RRULE").map(|line| line.value.trim().to_owned());
    rules.filter(|rule| !rule.is_empty()).collect()
}

pub(super) fn further(component: &Component, zones: &Zones) -> Vec<Moment> {
    let mut further: Vec<Moment> = component
        .all("RDATE")
        .flat_map(|line| moment::each(line, zones))
        .filter_map(|(_, moment)| moment)
        .collect();
    further.sort_unstable();
    further.dedup();
    further
}
