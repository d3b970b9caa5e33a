//! Many items as one calendar.

use std::collections::BTreeMap;

use chrono::Datelike;
use postrider_model::Moment;

use super::{
    Item, Method, clocks,
    component::{Component, Part},
    line::Line,
    moment,
    named::{Named, Zones},
    new_calendar, read,
};
use crate::zones;

/// One calendar of all these: each series before what differs of it, what was taken out of it as `EXDATE`, and each zone that is named
/// once, with how its clocks are set.
pub fn write_all(items: &[Item]) -> String {
    calendar(in_common(items), in_order(items), None)
}

/// One calendar of these components, with these properties of its own, and with what is wanted with it.
pub(super) fn calendar(
    properties: Vec<Line>,
    components: Vec<(Component, Zones)>,
    method: Option<Method>,
) -> String {
    let mut calendar = new_calendar(method);
    calendar.parts.extend(properties.into_iter().map(Part::Line));
    let mut named = Once::default();
    let components: Vec<Part> = components
        .into_iter()
        .map(|(component, zones)| Part::Component(named.take(component, zones)))
        .collect();
    calendar.parts.extend(named.zones.into_values().map(Part::Component));
    calendar.parts.extend(components);
    calendar.raw()
}

/// Of what the calendars said from which they came, that which all said.
fn in_common(items: &[Item]) -> Vec<Line> {
    let mut others = items.iter().filter(|item| !item.is_taken_out());
    let Some(first) = others.next() else { return Vec::new() };
    let is_own = |line: &Line| matches!(line.name.as_str(), "VERSION" | "PRODID" | "METHOD");
    let is_said = |item: &Item, line: &Line| item.calendar.lines().any(|other| other == line);
    let lines = first.calendar.lines().filter(|line| !is_own(line));
    lines.filter(|line| others.clone().all(|item| is_said(item, line))).cloned().collect()
}

/// The components in the order of the items, but each behind its series, and what was taken out of that as exceptions of it.
pub(super) fn in_order(items: &[Item]) -> Vec<(Component, Zones)> {
    let mut groups: Vec<Vec<&Item>> = Vec::new();
    let mut by_uid: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for item in items {
        let uid = read::text(&item.component, "UID").unwrap_or_default();
        let at = *by_uid.entry((uid, &item.component.name)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.push(item);
        }
    }
    groups.into_iter().flat_map(group).collect()
}

/// A series with what differs of it.
fn group(items: Vec<&Item>) -> Vec<(Component, Zones)> {
    let (series, mut others): (Vec<&Item>, Vec<&Item>) =
        items.into_iter().partition(|item| item.component.first("RECURRENCE-ID").is_none());
    let mut written = Vec::new();
    for (nth, item) in series.into_iter().enumerate() {
        let (mut component, mut zones) = (item.component.clone(), item.zones.clone());
        if nth == 0 {
            let (taken_out, left): (Vec<&Item>, Vec<&Item>) =
                others.into_iter().partition(|item| item.is_taken_out());
            others = left;
            let start = read::start(&component, &zones);
            let exceptions: Vec<Part> = taken_out
                .into_iter()
                .filter_map(|item| read::occurrence(&item.component, &item.zones))
                .map(|one| Part::Line(moment::occurrence_line("EXDATE", one, start.as_ref(), &mut zones)))
                .collect();
            component.replace(|_| false, exceptions);
        }
        written.push((component, zones));
    }
    written.extend(others.into_iter().map(|item| (item.component.clone(), item.zones.clone())));
    written
}

/// The zones of a calendar, each once.
#[derive(Default)]
struct Once {
    zones: BTreeMap<String, Component>,
    /// Those that are not known by their names.
    nameless: BTreeMap<String, Vec<(String, String)>>,
}

impl Once {
    /// Takes the zones of a component. Where two programs gave one name to different zones, one of them gets another.
    fn take(&mut self, mut component: Component, zones: Zones) -> Component {
        let begins = match read::start(&component, &zones) {
            Some(Moment::Day(day)) => day.year(),
            Some(Moment::At { local, .. }) => local.year(),
            None => i32::MAX,
        };
        for (name, Named { given, zone }) in zones {
            let made = || zone.map(|zone| clocks::timezone(&name, zone, begins));
            let Some(given) = given.map(|given| Component::clone(&given)).or_else(made) else { continue };
            if zones::by_name(&name).is_some() {
                let is_earlier =
                    self.zones.get(&name).is_none_or(|known| first_onset(&given) < first_onset(known));
                if is_earlier {
                    self.zones.insert(name, given);
                }
                continue;
            }
            let told = given.raw();
            let known = self.nameless.entry(name.clone()).or_default();
            let other = match known.iter().find(|(_, other)| *other == told) {
                Some((other, _)) => other.clone(),
                None => {
                    let other =
                        if known.is_empty() { name.clone() } else { format!("{name} ({})", known.len() + 1) };
                    known.push((other.clone(), told));
                    let mut given = given;
                    if other != name {
                        given.set("TZID", Some(Line::text("TZID", &other)));
                    }
                    self.zones.insert(other.clone(), given);
                    other
                }
            };
            if other != name {
                component = component.with_zone(&name, &other);
            }
        }
        component
    }
}

/// From when on it is said how clocks were set.
fn first_onset(zone: &Component) -> Option<chrono::NaiveDateTime> {
    let parts = zone.inner("STANDARD").chain(zone.inner("DAYLIGHT"));
    parts.filter_map(|part| moment::local_time(&part.first("DTSTART")?.value)).min()
}
