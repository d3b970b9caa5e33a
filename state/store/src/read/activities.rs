//! Appointments and tasks, read.

use postrider_model::{
    ActivityId, ActivityKind, Occurrence, Own, Participant, ParticipantRole, Person, Reminder, ReminderBy,
    ReminderTime, Response, ShowAs, Status, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    LabelRow, Reader, RecordRow, Viewer,
    labels::labels_of,
    records::{RECORD, SEEN, record_from},
};
use crate::Result;

/// What an activity says: the iCalendar text, and what is looked for in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityDoc {
    /// A calendar with this component alone.
    pub text: String,
    /// What it is.
    pub kind: ActivityKind,
    /// Its uid, in the form in which all servers agree on it.
    pub uid: String,
    /// Which time of its series it is.
    pub occurrence: Option<Occurrence>,
    /// Its title.
    pub title: String,
    /// All that is looked for by words, folded, separated by blanks.
    pub words: String,
    /// Who organizes it, in lower case.
    pub organizer: Option<String>,
    /// Who takes part.
    pub participants: Vec<Participant>,
    /// How it stands.
    pub status: Status,
    /// When it begins, or is due; of a series for the first time. `None` for a task without any time.
    pub start: Option<Timestamp>,
    /// When it is over; `None` for a series.
    pub end: Option<Timestamp>,
    /// Whether it is a series.
    pub recurs: bool,
    /// Whether those who have no part in it see only when it is.
    pub private: bool,
}

/// What one user has of an activity for themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnFacet {
    /// What it is.
    pub own: Own,
    /// Their copy was deleted: for them it is not there.
    pub hidden: bool,
    /// When they last changed their response.
    pub response_changed: Timestamp,
    /// When they last changed the rest.
    pub own_changed: Timestamp,
    /// They answered, and want the organizer to hear of it, which the server that carries it is still to do.
    pub tell: bool,
}

/// An activity whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredActivity {
    /// Its id.
    pub id: ActivityId,
    /// Whose it is, and since when it is as it is.
    pub record: RecordRow,
    /// What it says.
    pub doc: ActivityDoc,
    /// Of which series it is a time.
    pub master: Option<ActivityId>,
    /// Whether it shows in the schedule.
    pub in_schedule: bool,
    /// The user who stands in for an organizer who is in step with no server.
    pub stand_in: Option<String>,
    /// When a person last changed what it is about.
    pub content_changed: Timestamp,
    /// When a person last changed when it is.
    pub timing_changed: Timestamp,
    /// When a person last changed who takes part.
    pub people_changed: Timestamp,
    /// Its groups.
    pub labels: Vec<LabelRow>,
    /// A person changed it and wants those who take part to hear of it, which the server that carries it is still to do.
    pub tell: bool,
}

/// Which activities are wanted. Of those that differ from their series none is told by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Who looks.
    pub viewer: Viewer,
    /// Only what is not over at the first instant and begins before the second; series that may go on, and tasks without any time, are among
    /// it.
    pub between: Option<(Timestamp, Timestamp)>,
    /// Only of that kind.
    pub kind: Option<ActivityKind>,
    /// Only with all of these words, or words that begin so, folded.
    pub words: Vec<String>,
    /// Only with one of these people, by address, as organizer or participant.
    pub people: Option<Vec<String>>,
    /// Only in that group.
    pub label: Option<postrider_model::LabelId>,
    /// What is deleted, in the place of what is there.
    pub deleted: bool,
    /// At most so many.
    pub limit: usize,
}

/// A word of the schema for a value of the model, as serde writes it.
pub(crate) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The value that the schema's word means; the default where it is none, which nothing here writes.
fn value_of<T: DeserializeOwned + Default>(word: String) -> T {
    serde_json::from_value(serde_json::Value::String(word)).unwrap_or_default()
}

pub(crate) fn occurrence_word(occurrence: Option<Occurrence>) -> String {
    match occurrence {
        None => String::new(),
        Some(Occurrence::Day(day)) => day.to_string(),
        Some(Occurrence::At(at)) => at.0.to_string(),
    }
}

fn occurrence_of(word: &str) -> Option<Occurrence> {
    if let Ok(day) = word.parse() {
        return Some(Occurrence::Day(day));
    }
    word.parse().ok().map(|at| Occurrence::At(Timestamp(at)))
}

/// A reminder as the store writes it.
#[derive(Serialize, Deserialize)]
struct ReminderWord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_start_s: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_end_s: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_us: Option<i64>,
    #[serde(default)]
    by_mail: bool,
}

pub(crate) fn reminder_words(reminders: &[Reminder]) -> String {
    let word = |reminder: &Reminder| {
        let mut word = ReminderWord {
            before_start_s: None,
            before_end_s: None,
            at_us: None,
            by_mail: reminder.by == ReminderBy::Email,
        };
        match reminder.at {
            ReminderTime::BeforeStart(seconds) => word.before_start_s = Some(seconds),
            ReminderTime::BeforeEnd(seconds) => word.before_end_s = Some(seconds),
            ReminderTime::At(at) => word.at_us = Some(at.0),
        }
        word
    };
    serde_json::json!(reminders.iter().map(word).collect::<Vec<_>>()).to_string()
}

fn reminders_of(text: &str) -> Vec<Reminder> {
    let words: Vec<ReminderWord> = serde_json::from_str(text).unwrap_or_default();
    let reminder = |word: ReminderWord| {
        let at = match (word.before_start_s, word.before_end_s, word.at_us) {
            (Some(seconds), ..) => ReminderTime::BeforeStart(seconds),
            (_, Some(seconds), _) => ReminderTime::BeforeEnd(seconds),
            (.., at) => ReminderTime::At(Timestamp(at?)),
        };
        Some(Reminder { at, by: if word.by_mail { ReminderBy::Email } else { ReminderBy::Display } })
    };
    words.into_iter().filter_map(reminder).collect()
}

const ACTIVITY: &str =
    "a.kind, a.uid, a.master, a.occurrence, a.title, a.words, a.organizer, a.status, a.start_us, a.end_us,
    a.recurs, a.in_schedule, a.stand_in, a.doc, a.content_us, a.timing_us, a.people_us, a.private, a.tell";

fn activity_from(row: &Row<'_>) -> rusqlite::Result<StoredActivity> {
    let record = record_from(row, 0)?;
    let (kind, master): (String, Option<i64>) = (row.get(9)?, row.get(11)?);
    let (start, end): (Option<i64>, Option<i64>) = (row.get(17)?, row.get(18)?);
    let occurrence: String = row.get(12)?;
    Ok(StoredActivity {
        id: ActivityId(record.id.0),
        record,
        doc: ActivityDoc {
            text: row.get(22)?,
            kind: if kind == "task" { ActivityKind::Task } else { ActivityKind::Appointment },
            uid: row.get(10)?,
            occurrence: occurrence_of(&occurrence),
            title: row.get(13)?,
            words: row.get(14)?,
            organizer: row.get(15)?,
            participants: Vec::new(),
            status: value_of(row.get(16)?),
            start: start.map(Timestamp),
            end: end.map(Timestamp),
            recurs: row.get(19)?,
            private: row.get(26)?,
        },
        master: master.map(ActivityId),
        in_schedule: row.get(20)?,
        stand_in: row.get(21)?,
        content_changed: Timestamp(row.get(23)?),
        timing_changed: Timestamp(row.get(24)?),
        people_changed: Timestamp(row.get(25)?),
        labels: Vec::new(),
        tell: row.get(27)?,
    })
}

fn participants_of(conn: &Connection, id: ActivityId) -> Result<Vec<Participant>> {
    let mut statement = conn.prepare_cached(
        "SELECT email, name, role, response, responded_us FROM participant WHERE activity = ?1 ORDER BY pos",
    )?;
    let participants = statement.query_map([id.0], |row| {
        let (name, responded): (String, Option<i64>) = (row.get(1)?, row.get(4)?);
        Ok(Participant {
            person: Person { email: row.get(0)?, name: Some(name).filter(|name| !name.is_empty()) },
            role: value_of::<ParticipantRole>(row.get(2)?),
            response: value_of::<Response>(row.get(3)?),
            responded: responded.map(Timestamp),
        })
    })?;
    Ok(participants.collect::<rusqlite::Result<_>>()?)
}

fn whole(conn: &Connection, mut activity: StoredActivity) -> Result<StoredActivity> {
    activity.doc.participants = participants_of(conn, activity.id)?;
    activity.labels = labels_of(conn, activity.record.id)?;
    Ok(activity)
}

pub(crate) fn activity(conn: &Connection, id: ActivityId) -> Result<Option<StoredActivity>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, {ACTIVITY} FROM activity a JOIN record r ON r.id = a.id WHERE a.id = ?1"
    ))?;
    let found = statement.query_row([id.0], activity_from).optional()?;
    found.map(|found| whole(conn, found)).transpose()
}

/// Of which series an activity is a time; the outer `None` where there is none of that id.
pub(crate) fn master_of(conn: &Connection, id: ActivityId) -> Result<Option<Option<ActivityId>>> {
    let mut statement = conn.prepare_cached("SELECT master FROM activity WHERE id = ?1")?;
    let master = statement.query_row([id.0], |row| Ok(row.get::<_, Option<i64>>(0)?.map(ActivityId)));
    Ok(master.optional()?)
}

/// The times that differ from a series, and are not deleted.
pub(crate) fn differing(conn: &Connection, master: ActivityId) -> Result<Vec<StoredActivity>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, {ACTIVITY} FROM activity a JOIN record r ON r.id = a.id
         WHERE a.master = ?1 AND r.deleted_us IS NULL ORDER BY a.occurrence, a.id"
    ))?;
    let rows = statement.query_map([master.0], activity_from)?.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.into_iter().map(|row| whole(conn, row)).collect()
}

/// Activities of that uid that are not deleted, times that differ from their series among them.
pub(crate) fn activities_of_uid(conn: &Connection, uid: &str) -> Result<Vec<StoredActivity>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {RECORD}, {ACTIVITY} FROM activity a JOIN record r ON r.id = a.id
         WHERE a.uid = ?1 AND r.deleted_us IS NULL ORDER BY a.id"
    ))?;
    let rows = statement.query_map([uid], activity_from)?.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.into_iter().map(|row| whole(conn, row)).collect()
}

pub(crate) fn own(conn: &Connection, id: ActivityId, user: &str) -> Result<Option<OwnFacet>> {
    let mut statement = conn.prepare_cached(
        "SELECT response, reminders, show_as, categories, hidden, response_us, own_us, tell FROM activity_own
         WHERE activity = ?1 AND user = ?2",
    )?;
    let found = statement.query_row(params![id.0, user], |row| {
        let (response, reminders, categories): (Option<String>, String, String) =
            (row.get(0)?, row.get(1)?, row.get(3)?);
        let own = Own {
            response: response.map(value_of::<Response>),
            reminders: reminders_of(&reminders),
            show_as: value_of::<ShowAs>(row.get(2)?),
            categories: serde_json::from_str(&categories).unwrap_or_default(),
        };
        Ok(OwnFacet {
            own,
            hidden: row.get(4)?,
            response_changed: Timestamp(row.get(5)?),
            own_changed: Timestamp(row.get(6)?),
            tell: row.get(7)?,
        })
    });
    Ok(found.optional()?)
}

/// A condition on an activity `a` and its record `r`: they have a part in it.
const INSIDE: &str = "?1 IS NULL OR r.owner = ?1
    OR a.organizer IN (SELECT value FROM json_each(?2, '$.addresses'))
    OR EXISTS (SELECT 1 FROM participant i
               WHERE i.activity = a.id AND i.email IN (SELECT value FROM json_each(?2, '$.addresses')))";

impl Viewer {
    /// An activity with those of its groups that they see.
    fn shown(&self, mut activity: StoredActivity) -> StoredActivity {
        activity.labels.retain(|label| self.sees_label(label));
        activity
    }
}

impl Reader {
    /// Activities by their beginnings, each whole; of those that differ from their series none.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn activities(&self, filter: &ActivityFilter) -> Result<Vec<StoredActivity>> {
        self.noting(|| {
            let (user, seen) = filter.viewer.parameters();
            let mut sql = format!(
                "SELECT {RECORD}, {ACTIVITY} FROM activity a JOIN record r ON r.id = a.id
                 WHERE {SEEN} AND (r.deleted_us IS NOT NULL) = ?3
                   AND (a.master IS NULL OR NOT EXISTS (SELECT 1 FROM record r WHERE r.id = a.master AND {SEEN}))
                   AND NOT EXISTS (SELECT 1 FROM activity_own o WHERE o.activity = a.id AND o.user = ?1 AND o.hidden)"
            );
            let mut values: Vec<Box<dyn ToSql + '_>> =
                vec![Box::new(user), Box::new(seen), Box::new(filter.deleted)];
            let mut add = |condition: &str, new: Vec<Box<dyn ToSql>>| {
                sql.push_str(" AND ");
                sql.push_str(condition);
                values.extend(new);
            };
            if let Some((from, to)) = filter.between {
                let condition = "(a.start_us IS NULL OR a.start_us < ? AND (a.end_us IS NULL OR a.end_us > ? OR a.start_us >= ?)
                     OR EXISTS (SELECT 1 FROM activity d JOIN record s ON s.id = d.id
                                WHERE d.master = a.id AND s.deleted_us IS NULL AND d.start_us < ? AND d.end_us > ?))";
                let instants = [to, from, from, to, from];
                add(condition, instants.into_iter().map(|at| Box::new(at.0) as Box<dyn ToSql>).collect());
            }
            if let Some(kind) = filter.kind {
                add("a.kind = ?", vec![Box::new(word(kind))]);
            }
            for one in &filter.words {
                add("' ' || a.words LIKE ?", vec![Box::new(format!("% {one}%"))]);
            }
            if let Some(people) = &filter.people {
                let people = serde_json::json!(people).to_string();
                let condition = "(a.organizer IN (SELECT value FROM json_each(?))
                     OR EXISTS (SELECT 1 FROM participant p
                                WHERE p.activity = a.id AND p.email IN (SELECT value FROM json_each(?))))";
                add(condition, vec![Box::new(people.clone()), Box::new(people)]);
            }
            if let Some(label) = filter.label {
                let condition = "a.id IN (SELECT record FROM record_label WHERE label = ?)";
                add(condition, vec![Box::new(label.0)]);
            }
            if !filter.words.is_empty() || filter.people.is_some() || filter.label.is_some() {
                // What is hidden is not told by what finds it either.
                sql.push_str(" AND (a.private = 0 OR ");
                sql.push_str(INSIDE);
                sql.push(')');
            }
            let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
            sql.push_str(" ORDER BY a.start_us, a.id LIMIT ?");
            values.push(Box::new(limit));
            let mut statement = self.conn.prepare_cached(&sql)?;
            let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
            let rows =
                statement.query_map(values.as_slice(), activity_from)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let rows = rows.into_iter().map(|row| Ok(filter.viewer.shown(whole(&self.conn, row)?)));
            rows.collect()
        })
    }

    /// An activity whole, be it deleted, where they see it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn activity(&self, viewer: &Viewer, id: ActivityId) -> Result<Option<StoredActivity>> {
        self.noting(|| match self.sees_record(viewer, id.into())? {
            true => Ok(activity(&self.conn, id)?.map(|found| viewer.shown(found))),
            false => Ok(None),
        })
    }

    /// Activities of that uid that are not deleted and that they see, times that differ from their series among them.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn activities_of_uid(&self, viewer: &Viewer, uid: &str) -> Result<Vec<StoredActivity>> {
        self.noting(|| {
            let mut seen = Vec::new();
            for one in activities_of_uid(&self.conn, uid)? {
                if self.sees_record(viewer, one.record.id)? {
                    seen.push(one);
                }
            }
            Ok(seen)
        })
    }

    /// The times that differ from a series, and are not deleted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn differing(&self, master: ActivityId) -> Result<Vec<StoredActivity>> {
        self.noting(|| differing(&self.conn, master))
    }

    /// What a user has of an activity for themselves; `None` where they have nothing.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn own(&self, id: ActivityId, user: &str) -> Result<Option<OwnFacet>> {
        self.noting(|| own(&self.conn, id, user))
    }
}
