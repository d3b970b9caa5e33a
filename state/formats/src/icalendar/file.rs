//! A file, cut into calendars and these into components. What is wrong with one component is said of that one.

use super::{
    ItemError, MAX_DEPTH, MAX_LINES, MAX_OCTETS,
    component::{Component, Part},
    line::{self, Line},
};

/// Octets of a calendar's own properties, beyond which no more are kept: each item has them.
const MAX_HEAD: usize = 4 * 1024;

/// A `VCALENDAR` as it came.
#[derive(Debug)]
pub(super) struct Pieces {
    /// It, with its own properties alone.
    pub(super) head: Component,
    /// What stands in it.
    pub(super) components: Vec<Piece>,
}

/// A component, and where it begins.
#[derive(Debug)]
pub(super) struct Piece {
    /// The line of its BEGIN, from 1.
    pub(super) line: usize,
    pub(super) component: Result<Component, ItemError>,
}

/// What no other component holds: where one begins within another, the other has lost its end.
fn is_outermost(name: &str) -> bool {
    matches!(name, "VEVENT" | "VTODO" | "VJOURNAL" | "VFREEBUSY" | "VTIMEZONE" | "VCALENDAR")
}

/// All calendars of a file, in its order; what stands between them is skipped.
pub(super) fn split(file: &[u8]) -> Vec<Pieces> {
    let mut reader = Reader::default();
    for (number, octets) in line::logical(file) {
        reader.take(number, Line::read(octets));
    }
    reader.give_up();
    reader.calendars
}

#[derive(Default)]
struct Reader {
    calendars: Vec<Pieces>,
    is_in_calendar: bool,
    /// Components that began and did not end, the outermost first.
    open: Vec<Component>,
    /// Components within the innermost of these that are too deep to be kept.
    too_deep: usize,
    begun: usize,
    /// Octets of the calendar's own properties.
    head: usize,
    lines: usize,
    octets: usize,
}

impl Reader {
    fn take(&mut self, number: usize, line: Line) {
        match line.name.as_str() {
            "BEGIN" => self.begin(number, &line),
            "END" => self.end(&line),
            _ if self.open.is_empty() => {
                let is_kept = self.is_in_calendar && !line.name.is_empty();
                let room = MAX_HEAD.saturating_sub(self.head);
                if let Some(calendar) =
                    self.calendars.last_mut().filter(|_| is_kept && line.raw().len() <= room)
                {
                    self.head += line.raw().len();
                    calendar.head.push(line);
                }
            }
            _ => {
                self.lines += 1;
                self.octets += line.raw().len();
                let is_kept = !self.is_too_large();
                if let Some(innermost) = self.open.last_mut().filter(|_| is_kept) {
                    innermost.push(line);
                }
            }
        }
    }

    const fn is_too_large(&self) -> bool {
        self.lines > MAX_LINES || self.octets > MAX_OCTETS || self.too_deep > 0
    }

    fn begin(&mut self, number: usize, line: &Line) {
        let component = Component::begun(line);
        if is_outermost(&component.name) {
            self.give_up();
        }
        if component.name == "VCALENDAR" {
            self.calendars.push(Pieces { head: component, components: Vec::new() });
            (self.is_in_calendar, self.head) = (true, 0);
        } else if self.is_in_calendar {
            if self.open.is_empty() {
                (self.begun, self.lines, self.octets) = (number, 0, 0);
            }
            // Each is a line too, so that no tree of empty ones is too large.
            self.lines += 1;
            if self.open.len() >= MAX_DEPTH || self.lines > MAX_LINES {
                self.lines = MAX_LINES + 1;
                self.too_deep += 1;
            } else {
                self.open.push(component);
            }
        }
    }

    fn end(&mut self, line: &Line) {
        let name = line.value.trim().to_ascii_uppercase();
        if name == "VCALENDAR" {
            self.give_up();
            if let Some(calendar) = self.calendars.last_mut().filter(|_| self.is_in_calendar) {
                calendar.head.ended(line);
            }
            self.is_in_calendar = false;
        } else if self.too_deep > 0 {
            self.too_deep -= 1;
        } else if self.open.last().is_some_and(|innermost| innermost.name == name) {
            let Some(mut component) = self.open.pop() else { return };
            component.ended(line);
            match self.open.last_mut() {
                Some(outer) => outer.parts.push(Part::Component(component)),
                None => self.close(component),
            }
        } else if self.open.first().is_some_and(|outermost| outermost.name == name) {
            self.give_up();
        }
    }

    fn close(&mut self, component: Component) {
        let line = self.begun;
        let component = if self.is_too_large() { Err(ItemError::TooLarge { line }) } else { Ok(component) };
        self.found(component);
    }

    /// What is open has lost its end.
    fn give_up(&mut self) {
        self.too_deep = 0;
        let was = std::mem::take(&mut self.open);
        if was.first().is_some_and(|outermost| matches!(outermost.name.as_str(), "VEVENT" | "VTODO")) {
            self.found(Err(ItemError::Unterminated { line: self.begun }));
        }
    }

    fn found(&mut self, component: Result<Component, ItemError>) {
        let line = self.begun;
        if let Some(calendar) = self.calendars.last_mut() {
            calendar.components.push(Piece { line, component });
        }
    }
}
