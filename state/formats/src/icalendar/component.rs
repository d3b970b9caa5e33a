//! Components (RFC 5545, section 3.6): lines and components in them, in the order in which they came.

use super::line::Line;

/// Lines and components between a BEGIN and its END.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    /// In upper case.
    pub(super) name: String,
    begin: String,
    pub(super) parts: Vec<Part>,
    end: String,
}

/// What stands in a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A property.
    Line(Line),
    /// A component, such as an alarm.
    Component(Component),
}

impl Component {
    /// One that is new.
    pub(super) fn new(name: &str) -> Self {
        let (begin, end) = (format!("BEGIN:{name}\r\n"), format!("END:{name}\r\n"));
        Self { name: name.to_owned(), begin, parts: Vec::new(), end }
    }

    /// One that begins with that line.
    pub(super) fn begun(line: &Line) -> Self {
        let name = line.value.trim().to_ascii_uppercase();
        Self { begin: line.raw().to_owned(), ..Self::new(&name) }
    }

    /// It ends with that line.
    pub(super) fn ended(&mut self, line: &Line) {
        line.raw().clone_into(&mut self.end);
    }

    /// The same by another name.
    pub(super) fn renamed(self, name: &str) -> Self {
        Self { parts: self.parts, ..Self::new(name) }
    }

    pub(super) fn push(&mut self, line: Line) {
        self.parts.push(Part::Line(line));
    }

    /// Its text.
    pub(super) fn raw(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        text.push_str(&self.begin);
        for part in &self.parts {
            match part {
                Part::Line(line) => text.push_str(line.raw()),
                Part::Component(inner) => inner.write(text),
            }
        }
        text.push_str(&self.end);
    }

    /// Its own lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.parts.iter().filter_map(|part| match part {
            Part::Line(line) => Some(line),
            Part::Component(_) => None,
        })
    }

    /// Its own lines of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines().filter(move |line| line.name == name)
    }

    /// Its first line of that name.
    pub(super) fn first(&self, name: &str) -> Option<&Line> {
        self.lines().find(|line| line.name == name)
    }

    /// The components in it, of that name.
    pub(super) fn inner<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.parts.iter().filter_map(move |part| match part {
            Part::Component(inner) if inner.name == name => Some(inner),
            _ => None,
        })
    }

    /// Its lines and those of the components in it.
    pub(super) fn every_line(&self) -> Box<dyn Iterator<Item = &Line> + '_> {
        Box::new(self.parts.iter().flat_map(|part| match part {
            Part::Line(line) => Box::new(std::iter::once(line)) as Box<dyn Iterator<Item = &Line>>,
            Part::Component(inner) => inner.every_line(),
        }))
    }

    /// In the place of its first line of that name stands this one, or none; without such a line it comes behind the others.
    pub(super) fn set(&mut self, name: &str, new: Option<Line>) {
        let at = self.parts.iter().position(|part| matches!(part, Part::Line(line) if line.name == name));
        match (at.and_then(|at| self.parts.get_mut(at)), new) {
            (Some(old), Some(new)) => *old = Part::Line(new),
            (Some(_), None) => self.remove(|line| line.name == name),
            (None, Some(new)) => self.replace(|_| false, vec![Part::Line(new)]),
            (None, None) => {}
        }
    }

    /// The same, calling a zone by another name.
    pub(super) fn with_zone(mut self, was: &str, now: &str) -> Self {
        self.parts = self
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Line(line) => Part::Line(line.with_param("TZID", was, now)),
                Part::Component(inner) => Part::Component(inner.with_zone(was, now)),
            })
            .collect();
        self
    }

    /// Takes lines out.
    pub(super) fn remove(&mut self, is_one: impl Fn(&Line) -> bool) {
        self.parts.retain(|part| !matches!(part, Part::Line(line) if is_one(line)));
    }

    /// In the place of all such parts stand these, where the first of them stood; else lines come behind the other lines, and components
    /// at the end.
    pub(super) fn replace(&mut self, is_one: impl Fn(&Part) -> bool, new: Vec<Part>) {
        let behind_lines = || {
            let last = self.parts.iter().rposition(|part| matches!(part, Part::Line(_)));
            let is_lines = matches!(new.first(), Some(Part::Line(_)));
            if is_lines { last.map_or(0, |last| last + 1) } else { self.parts.len() }
        };
        let at = self.parts.iter().position(&is_one).unwrap_or_else(behind_lines);
        self.parts.retain(|part| !is_one(part));
        let at = at.min(self.parts.len());
        self.parts.splice(at..at, new);
    }
}
