//! "This and following": a series becomes two (design, "Recurrence").
//!
//! The first ends before that time, the second begins with it and is a record of its own. Where the rules do not say exactly what is
//! left of them, the split is refused: it is never approximated.

use chrono::{DateTime, Duration, NaiveDateTime};
use postrider_model::{Activity, Moment, Occurrence, Response, Timing};

use crate::activities::series::{Start, shifted};

/// A series in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// What is left of it, its occurrences that differ behind it.
    pub before: Vec<Activity>,
    /// What begins with that time, its occurrences that differ behind it. Nobody has answered yet whether they come.
    pub after: Vec<Activity>,
}

/// Why a series cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CannotSplit {
    /// It has no such time.
    NotOfSeries,
    /// It is the first one, so that the whole series is meant.
    First,
    /// How often one of several rules has applied so far is not known.
    CountedRules,
    /// That time is none of the rules', so that they cannot begin with it.
    FurtherTime,
    /// A rule has an end that is no time.
    Malformed,
}

/// Splits a series at the occurrence `at`. `starts` are its times from the first one on, at least up to that one; `uid` is the new
/// series'.
pub fn split_series(
    series: &Activity,
    occurrences: &[Activity],
    at: Occurrence,
    starts: &[Start],
    uid: &str,
) -> Result<Split, CannotSplit> {
    let index = starts.iter().position(|start| start.occurrence == at).ok_or(CannotSplit::NotOfSeries)?;
    let (earlier, first) = match (starts.get(..index), starts.get(index)) {
        (Some([]), _) => return Err(CannotSplit::First),
        (Some(earlier), Some(first)) => (earlier, first),
        _ => return Err(CannotSplit::NotOfSeries),
    };
    let (timing_before, timing_after) = split_timing(&series.timing, earlier, first)?;
    let before = Activity { timing: timing_before, ..series.clone() };
    let after = Activity { timing: timing_after, ..anew(series, uid) };
    let is_earlier = |one: &&Activity| one.occurrence.is_some_and(|key| key < at);
    let (ours, theirs): (Vec<&Activity>, Vec<&Activity>) = occurrences.iter().partition(is_earlier);
    Ok(Split {
        before: [before].into_iter().chain(ours.into_iter().cloned()).collect(),
        after: [after].into_iter().chain(theirs.into_iter().map(|one| anew(one, uid))).collect(),
    })
}

/// As a part of another series, which nobody was asked to yet.
fn anew(activity: &Activity, uid: &str) -> Activity {
    let mut new = Activity { uid: uid.to_owned(), sequence: 0, ..activity.clone() };
    for participant in &mut new.people.participants {
        participant.response = Response::NeedsAction;
        participant.responded = None;
    }
    new
}

fn split_timing(timing: &Timing, earlier: &[Start], first: &Start) -> Result<(Timing, Timing), CannotSplit> {
    let is_earlier = |moment: &&Moment| earlier.iter().any(|start| start.start == **moment);
    let (further_before, further_after): (Vec<Moment>, Vec<Moment>) = {
        let (before, after): (Vec<&Moment>, Vec<&Moment>) = timing.further.iter().partition(is_earlier);
        (before.into_iter().cloned().collect(), after.into_iter().cloned().collect())
    };
    let is_counted_alone = timing.rules.len() == 1 && timing.further.is_empty();
    let (mut rules_before, mut rules_after) = (Vec::new(), Vec::new());
    for rule in &timing.rules {
        let rule = Rule::read(rule);
        let (before, after) = rule.split(earlier.len(), first, is_counted_alone)?;
        rules_before.push(before);
        rules_after.extend(after);
    }
    if further_after.contains(&first.start) && !rules_after.is_empty() {
        return Err(CannotSplit::FurtherTime);
    }
    let end = match (&first.end, &timing.start, &timing.end) {
        (Some(end), _, _) => Some(end.clone()),
        (None, Some(start), Some(end)) => shifted(end, start, &first.start),
        _ => None,
    };
    let before = Timing { rules: rules_before, further: further_before, ..timing.clone() };
    let after = Timing {
        start: Some(first.start.clone()),
        end,
        rules: rules_after,
        further: further_after.into_iter().filter(|moment| *moment != first.start).collect(),
    };
    Ok((before, after))
}

/// A value of `RRULE` (RFC 5545, section 3.3.10), apart from what ends it.
struct Rule<'a> {
    parts: Vec<&'a str>,
    count: Option<&'a str>,
    until: Option<&'a str>,
}

impl<'a> Rule<'a> {
    fn read(text: &'a str) -> Self {
        let mut rule = Rule { parts: Vec::new(), count: None, until: None };
        for part in text.split(';').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((name, value)) if name.eq_ignore_ascii_case("COUNT") => rule.count = Some(value),
                Some((name, value)) if name.eq_ignore_ascii_case("UNTIL") => rule.until = Some(value),
                _ => rule.parts.push(part),
            }
        }
        rule
    }

    /// What it is before `first`, of which it is known how many times came before it, and what it is from then on, if it goes on.
    fn split(
        &self,
        times_before: usize,
        first: &Start,
        is_counted_alone: bool,
    ) -> Result<(String, Option<String>), CannotSplit> {
        if let Some(until) = self.until {
            return Ok(if ends_before(until, first)? {
                (self.with("UNTIL", until), None)
            } else {
                (self.with("UNTIL", &just_before(first)?), Some(self.with("UNTIL", until)))
            });
        }
        let Some(count) = self.count else {
            return Ok((self.with("UNTIL", &just_before(first)?), Some(self.parts.join(";"))));
        };
        if !is_counted_alone {
            return Err(CannotSplit::CountedRules);
        }
        let count: usize = count.trim().parse().map_err(|_| CannotSplit::Malformed)?;
        let left = count.checked_sub(times_before).filter(|left| *left > 0).ok_or(CannotSplit::Malformed)?;
        Ok((self.with("COUNT", &times_before.to_string()), Some(self.with("COUNT", &left.to_string()))))
    }

    fn with(&self, name: &str, value: &str) -> String {
        let end = format!("{name}={value}");
        self.parts.iter().copied().chain([end.as_str()]).collect::<Vec<_>>().join(";")
    }
}

const DATE: &str = "%Y%m%d";
const TIME: &str = "%Y%m%dT%H%M%S";

/// The start as the UTC time that it is.
fn in_utc(start: &Start) -> Result<NaiveDateTime, CannotSplit> {
    match start.occurrence {
        Occurrence::Day(day) => Ok(day.and_time(chrono::NaiveTime::MIN)),
        Occurrence::At(at) => {
            DateTime::from_timestamp_micros(at.0).map(|at| at.naive_utc()).ok_or(CannotSplit::Malformed)
        }
    }
}

/// The last `UNTIL` before a start: a day where it is one, UTC where it has a zone, else as clocks show it.
fn just_before(start: &Start) -> Result<String, CannotSplit> {
    let before =
        |time: NaiveDateTime| time.checked_sub_signed(Duration::seconds(1)).ok_or(CannotSplit::Malformed);
    match &start.start {
        Moment::Day(day) => Ok(day.pred_opt().ok_or(CannotSplit::Malformed)?.format(DATE).to_string()),
        Moment::At { zone: Some(_), .. } => Ok(format!("{}Z", before(in_utc(start)?)?.format(TIME))),
        Moment::At { local, zone: None } => Ok(before(*local)?.format(TIME).to_string()),
    }
}

/// Whether an `UNTIL` comes before a start. One that is a day takes that whole day.
fn ends_before(until: &str, start: &Start) -> Result<bool, CannotSplit> {
    let until = until.trim();
    let local = match &start.start {
        Moment::Day(day) => day.and_time(chrono::NaiveTime::MIN),
        Moment::At { local, .. } => *local,
    };
    if let Some(utc) = until.strip_suffix(['Z', 'z']) {
        let until = NaiveDateTime::parse_from_str(utc, TIME).map_err(|_| CannotSplit::Malformed)?;
        return Ok(until < in_utc(start)?);
    }
    if let Ok(day) = chrono::NaiveDate::parse_from_str(until, DATE) {
        return Ok(day < local.date());
    }
    let until = NaiveDateTime::parse_from_str(until, TIME).map_err(|_| CannotSplit::Malformed)?;
    Ok(until < local)
}

#[cfg(test)]
mod tests;
