//! A changed activity, put into the component that it came from.

use std::collections::{BTreeMap, VecDeque};

use postrider_model::{
    Activity, ActivityKind, Content, Moment, Own, Participant, People, Privacy, Reminder, ShowAs, Status,
    Timing,
};

use super::{
    alarm,
    component::{Component, Part},
    line::{self, Line, Param},
    moment,
    named::{self, Zones},
    people, read, sayable,
};

/// What says the same as another property, for programs that know more; what it says holds no longer once that one is changed.
const TWINS: [(&str, &[&str]); 2] =
    [("DESCRIPTION", &["X-ALT-DESC", "STYLED-DESCRIPTION"]), ("LOCATION", &["X-APPLE-STRUCTURED-LOCATION"])];

/// The component that says what these say. Only properties that say something else are touched.
pub(super) fn patched(component: &Component, zones: &Zones, now: &Activity, own: &Own) -> (Component, Zones) {
    let (now, own) = (&sayable::activity(now), &sayable::own(own));
    let mut patch = Patch { component: component.clone(), zones: zones.clone() };
    patch.kind(now.kind);
    patch.identity(now);
    patch.timing(&now.timing);
    patch.content(now.kind, &now.content);
    patch.people(&now.people);
    patch.own(now.kind, own, &now.content.title);
    let Patch { component, mut zones } = patch;
    named::retain(&mut zones, &component);
    (component, zones)
}

/// A component on its way from one activity to another.
struct Patch {
    component: Component,
    zones: Zones,
}

impl Patch {
    /// What the two kinds say in other words goes, and is said anew.
    fn kind(&mut self, now: ActivityKind) {
        if read::kind(&self.component) == now {
            return;
        }
        let name = match now {
            ActivityKind::Appointment => "VEVENT",
            ActivityKind::Task => "VTODO",
        };
        let mut component = self.component.clone().renamed(name);
        let of_kind =
            ["DTEND", "DUE", "DURATION", "STATUS", read::STATE, "TRANSP", "COMPLETED", "PERCENT-COMPLETE"];
        component
            .remove(|line| of_kind.contains(&line.name.as_str()) || read::BUSY.contains(&line.name.as_str()));
        self.component = component;
    }

    fn identity(&mut self, now: &Activity) {
        if read::text(&self.component, "UID").is_none_or(|uid| uid.trim() != now.uid) {
            self.component.set("UID", Some(Line::text("UID", &now.uid)));
        }
        let was = read::occurrence(&self.component, &self.zones);
        if was != now.occurrence {
            let line = now.occurrence.map(|one| {
                moment::occurrence_line("RECURRENCE-ID", one, now.timing.start.as_ref(), &mut self.zones)
            });
            self.component.set("RECURRENCE-ID", line);
        }
        let sequence =
            self.component.first("SEQUENCE").and_then(|line| line.value.trim().parse::<u32>().ok());
        if sequence.unwrap_or_default() != now.sequence {
            self.plain("SEQUENCE", Some(now.sequence.to_string()));
        }
    }

    fn timing(&mut self, now: &Timing) {
        let end_name = read::end_name(read::kind(&self.component));
        if read::start(&self.component, &self.zones) != now.start {
            self.moment("DTSTART", now.start.as_ref());
        }
        if read::end(&self.component, &self.zones) != now.end {
            self.component.remove(|line| line.name == "DURATION");
            self.moment(end_name, now.end.as_ref());
        }
        if read::rules(&self.component) != now.rules {
            let new = now.rules.iter().map(|rule| Part::Line(Line::new("RRULE", Vec::new(), rule.trim())));
            self.component.replace(is_line("RRULE"), new.collect());
        }
        if read::further(&self.component, &self.zones) != now.further {
            self.further(&now.further);
        }
    }

    fn moment(&mut self, name: &str, now: Option<&Moment>) {
        let unknown = self.component.first(name).filter(|line| {
            line.param("TZID")
                .is_some_and(|zone| self.zones.get(zone).is_none_or(|named| named.zone.is_none()))
        });
        let line = match (now, unknown) {
            // Another time by the clocks of a zone that nobody knows.
            (Some(Moment::At { local, zone: None }), Some(line)) => {
                Some(Line::new(name, line.params.clone(), local.format("%Y%m%dT%H%M%S").to_string()))
            }
            (now, _) => now.map(|now| moment::line(name, now, &mut self.zones)),
        };
        self.component.set(name, line);
    }

    /// Values that are still wanted stay as they were written, periods with their ends.
    fn further(&mut self, now: &[Moment]) {
        let mut left: Vec<Moment> = now.to_vec();
        let mut new = Vec::new();
        for line in self.component.all("RDATE") {
            let mut kept = Vec::new();
            let mut count = 0;
            for (value, told) in moment::each(line, &self.zones) {
                count += 1;
                let at = told.as_ref().map(|told| left.binary_search(told));
                match at {
                    Some(Ok(at)) => {
                        left.remove(at);
                        kept.push(value);
                    }
                    Some(Err(_)) => {}
                    // What could not be read is nothing that anybody could have changed.
                    None => kept.push(value),
                }
            }
            if kept.len() == count {
                new.push(Part::Line(line.clone()));
            } else if !kept.is_empty() {
                new.push(Part::Line(Line::new("RDATE", line.params.clone(), kept.join(","))));
            }
        }
        new.extend(left.iter().map(|one| Part::Line(moment::line("RDATE", one, &mut self.zones))));
        self.component.replace(is_line("RDATE"), new);
    }

    fn content(&mut self, kind: ActivityKind, now: &Content) {
        let title = Some(now.title.clone()).filter(|title| !title.is_empty());
        if self.component.first("SUMMARY").map(Line::as_text).unwrap_or_default() != now.title {
            self.component.set("SUMMARY", title.map(|title| Line::text("SUMMARY", &title)));
        }
        self.text("LOCATION", now.place.as_deref());
        self.text("DESCRIPTION", now.description.as_deref());
        if read::privacy(&self.component) != now.privacy {
            let word = match now.privacy {
                Privacy::Normal => "PUBLIC",
                Privacy::Private => "PRIVATE",
                Privacy::Confidential => "CONFIDENTIAL",
            };
            self.plain("CLASS", Some(word.to_owned()));
        }
        let was = read::activity(&self.component, &self.zones).content;
        if was.priority != now.priority {
            self.plain("PRIORITY", now.priority.map(|priority| priority.to_string()));
        }
        if was.percent != now.percent {
            self.plain("PERCENT-COMPLETE", now.percent.map(|percent| percent.to_string()));
        }
        if was.completed.map(moment::instant_text) != now.completed.map(moment::instant_text) {
            self.plain("COMPLETED", now.completed.map(moment::instant_text));
        }
        if read::status(&self.component, kind) != now.status {
            self.status(kind, now.status);
        }
        if was.join_url != now.join_url {
            self.join(now.join_url.as_deref());
        }
    }

    fn status(&mut self, kind: ActivityKind, now: Status) {
        let (word, state) = match (kind, now) {
            (_, Status::Cancelled) => ("CANCELLED", None),
            (ActivityKind::Appointment, Status::Tentative) => ("TENTATIVE", None),
            (ActivityKind::Appointment, _) => ("CONFIRMED", None),
            (ActivityKind::Task, Status::InProcess) => ("IN-PROCESS", None),
            (ActivityKind::Task, Status::Waiting) => ("IN-PROCESS", Some("WAITING")),
            (ActivityKind::Task, Status::Deferred) => ("NEEDS-ACTION", Some("DEFERRED")),
            (ActivityKind::Task, Status::Completed) => ("COMPLETED", None),
            (ActivityKind::Task, Status::Open | Status::Tentative) => ("NEEDS-ACTION", None),
        };
        self.plain("STATUS", Some(word.to_owned()));
        self.plain(read::STATE, state.map(str::to_owned));
    }

    fn join(&mut self, now: Option<&str>) {
        let Some(line) = read::join_line(&self.component).cloned() else {
            let line = now.map(|url| Line::new(read::JOIN[0], vec![Param::new("VALUE", "URI")], url));
            return self.component.replace(|_| false, line.map(Part::Line).into_iter().collect());
        };
        let Some(url) = now else {
            return self.component.remove(read::is_join);
        };
        // What is said of the old address beside it, such as a name, need not hold of the new one.
        let params = line.params.iter().filter(|param| param.name == "VALUE").cloned().collect();
        let new = vec![Part::Line(Line::new(&line.name, params, url))];
        self.component.replace(|part| matches!(part, Part::Line(one) if *one == line), new);
    }

    fn people(&mut self, now: &People) {
        let was = self.component.first("ORGANIZER").cloned();
        if was.as_ref().and_then(people::person) != now.organizer {
            let line = now.organizer.as_ref().map(|now| people::organizer_line(was.as_ref(), now));
            self.component.set("ORGANIZER", line);
        }
        self.participants(&now.participants);
    }

    fn participants(&mut self, now: &[Participant]) {
        let lines: Vec<Line> = self.component.all("ATTENDEE").cloned().collect();
        let was = lines.iter().filter_map(|line| people::participant(line, &self.zones));
        if was.eq(now.iter().cloned()) {
            return;
        }
        let mut left: BTreeMap<String, VecDeque<Line>> = BTreeMap::new();
        let mut unread = Vec::new();
        for line in lines {
            match people::person(&line) {
                Some(person) => left.entry(person.email.to_ascii_lowercase()).or_default().push_back(line),
                None => unread.push(Part::Line(line)),
            }
        }
        let mut new = Vec::new();
        for one in now {
            let was = left.get_mut(&one.person.email.to_ascii_lowercase()).and_then(VecDeque::pop_front);
            new.push(Part::Line(people::participant_line(was.as_ref(), one, &self.zones)));
        }
        new.extend(unread);
        self.component.replace(is_line("ATTENDEE"), new);
    }

    fn own(&mut self, kind: ActivityKind, now: &Own, title: &str) {
        self.reminders(&now.reminders, title);
        self.show_as(kind, now.show_as);
        if read::categories(&self.component) != now.categories {
            let words: Vec<String> = now.categories.iter().map(|word| line::escaped(word)).collect();
            let new = Line::new("CATEGORIES", Vec::new(), words.join(","));
            let new = if words.is_empty() { Vec::new() } else { vec![Part::Line(new)] };
            self.component.replace(is_line("CATEGORIES"), new);
        }
    }

    fn reminders(&mut self, now: &[Reminder], title: &str) {
        let is_read = |part: &Part, zones: &Zones| match part {
            Part::Component(inner) if inner.name == "VALARM" => alarm::reminder(inner, zones),
            _ => None,
        };
        let zones = &self.zones;
        let mut left: Vec<(Part, Reminder)> = self
            .component
            .parts
            .iter()
            .filter_map(|part| Some((part.clone(), is_read(part, zones)?)))
            .collect();
        if left.iter().map(|(_, reminder)| reminder).eq(now) {
            return;
        }
        let new = now.iter().map(|wanted| match left.iter().position(|(_, was)| was == wanted) {
            Some(at) => left.remove(at).0,
            None => Part::Component(alarm::alarm(wanted, title)),
        });
        let new: Vec<Part> = new.collect();
        self.component.replace(|part| is_read(part, zones).is_some(), new);
    }

    fn show_as(&mut self, kind: ActivityKind, now: ShowAs) {
        if read::show_as(&self.component) == now {
            return;
        }
        if kind == ActivityKind::Appointment {
            let word = if now == ShowAs::Free { "TRANSPARENT" } else { "OPAQUE" };
            let is_said = self
                .component
                .first("TRANSP")
                .is_some_and(|line| line.value.trim().eq_ignore_ascii_case(word));
            if !is_said {
                self.plain("TRANSP", Some(word.to_owned()));
            }
        }
        if read::show_as(&self.component) != now {
            let word = match now {
                ShowAs::Busy => "BUSY",
                ShowAs::Free => "FREE",
                ShowAs::Tentative => "TENTATIVE",
                ShowAs::OutOfOffice => "OOF",
                ShowAs::WorkingElsewhere => "WORKINGELSEWHERE",
            };
            self.plain(read::BUSY[0], Some(word.to_owned()));
        }
    }

    /// A property that is one text.
    fn text(&mut self, name: &str, now: Option<&str>) {
        if read::text(&self.component, name).as_deref() == now {
            return;
        }
        self.component.set(name, now.map(|text| Line::text(name, text)));
        let twins = TWINS.iter().filter(|(of, _)| *of == name).flat_map(|(_, twins)| *twins);
        for twin in twins {
            self.component.remove(|line| line.name == *twin);
        }
    }

    /// A property that is a word or a number.
    fn plain(&mut self, name: &str, value: Option<String>) {
        self.component.set(name, value.map(|value| Line::new(name, Vec::new(), value)));
    }
}

fn is_line(name: &str) -> impl Fn(&Part) -> bool {
    move |part| matches!(part, Part::Line(line) if line.name == name)
}
