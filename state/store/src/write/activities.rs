//! Appointments and tasks, written (F4).

use postrider_model::{ActivityId, Participant, ShowAs, Timestamp, Visibility};
use rusqlite::params;

use super::{Context, Tx, records::RecordChange};
use crate::{
    Result, StoreError,
    read::{
        ActivityDoc, OwnFacet, StoredActivity, activities_of_uid, activity, differing, master_of,
        occurrence_word, own, reminder_words, word,
    },
};

/// An activity to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewActivity<'a> {
    /// Whose it is.
    pub owner: &'a str,
    /// Who sees it besides, those who take part left aside.
    pub visibility: &'a Visibility,
    /// What it says.
    pub doc: &'a ActivityDoc,
    /// Of which series it is a time.
    pub master: Option<ActivityId>,
    /// Whether it shows in the schedule.
    pub in_schedule: bool,
}

/// Which groups of fields of an activity a person changed (F5.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangedGroups {
    /// What it is about.
    pub content: bool,
    /// When it is.
    pub timing: bool,
    /// Who takes part.
    pub people: bool,
}

impl Tx<'_> {
    /// Adds an activity.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn add_activity(&mut self, new: &NewActivity<'_>, context: &Context) -> Result<ActivityId> {
        let id = ActivityId(self.new_record("activity", new.owner, new.visibility, context)?.0);
        let doc = new.doc;
        self.conn
            .prepare_cached(
                "INSERT INTO activity (id, kind, uid, master, occurrence, title, words, organizer, status, start_us, end_us,
                                       recurs, in_schedule, doc, content_us, timing_us, people_us, labels_us, private)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?15, ?15, ?16)",
            )?
            .execute(params![
                id.0,
                word(doc.kind),
                doc.uid,
                new.master.map(|master| master.0),
                occurrence_word(doc.occurrence),
                doc.title,
                doc.words,
                doc.organizer,
                word(doc.status),
                doc.start.map(|at| at.0),
                doc.end.map(|at| at.0),
                doc.recurs,
                new.in_schedule,
                doc.text,
                context.at.0,
                doc.private
            ])?;
        self.set_participants(id, &doc.participants)?;
        Ok(id)
    }

    /// An activity whole, be it deleted; `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn activity(&self, id: ActivityId) -> Result<Option<StoredActivity>> {
        activity(self.conn, id)
    }

    /// Of which series an activity is a time; the outer `None` where there is none of that id.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn master_of(&self, id: ActivityId) -> Result<Option<Option<ActivityId>>> {
        master_of(self.conn, id)
    }

    /// The times that differ from a series, and are not deleted.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn differing(&self, master: ActivityId) -> Result<Vec<StoredActivity>> {
        differing(self.conn, master)
    }

    /// Activities of that uid that are not deleted, times that differ from their series among them.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn activities_of_uid(&self, uid: &str) -> Result<Vec<StoredActivity>> {
        activities_of_uid(self.conn, uid)
    }

    /// What an activity says from now on. Answers whether that is anything else than before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn change_activity(
        &mut self,
        id: ActivityId,
        doc: &ActivityDoc,
        changed: ChangedGroups,
        context: &Context,
    ) -> Result<bool> {
        self.take_activity(id, doc, changed, (context.at, false), context)
    }

    /// The same for what a person changed elsewhere, with when that was, and whether what it said before is superseded by that.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn take_activity(
        &mut self,
        id: ActivityId,
        doc: &ActivityDoc,
        changed: ChangedGroups,
        (since, is_conflict): (Timestamp, bool),
        context: &Context,
    ) -> Result<bool> {
        let was = self.live_record(id.into())?;
        let stored = self.activity(id)?.ok_or(StoreError::NoSuchRecord)?;
        // Where whole days and times wherever one is begin is another matter on another machine, and no change.
        let same = ActivityDoc { start: stored.doc.start, end: stored.doc.end, ..doc.clone() };
        if stored.doc == same {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing_since(&was, RecordChange::Changed, &snapshot, is_conflict, since, context)?;
        let at = |group: bool, before: Timestamp| if group { since.0 } else { before.0 };
        self.conn
            .prepare_cached(
                "UPDATE activity SET kind = ?2, uid = ?3, occurrence = ?4, title = ?5, words = ?6, organizer = ?7, status = ?8,
                        start_us = ?9, end_us = ?10, recurs = ?11, doc = ?12, content_us = ?13, timing_us = ?14, people_us = ?15,
                        private = ?16
                 WHERE id = ?1",
            )?
            .execute(params![
                id.0,
                word(doc.kind),
                doc.uid,
                occurrence_word(doc.occurrence),
                doc.title,
                doc.words,
                doc.organizer,
                word(doc.status),
                doc.start.map(|at| at.0),
                doc.end.map(|at| at.0),
                doc.recurs,
                doc.text,
                at(changed.content, stored.content_changed),
                at(changed.timing, stored.timing_changed),
                at(changed.people, stored.people_changed),
                doc.private
            ])?;
        if stored.doc.participants != doc.participants {
            self.set_participants(id, &doc.participants)?;
        }
        Ok(true)
    }

    fn set_participants(&mut self, id: ActivityId, participants: &[Participant]) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM participant WHERE activity = ?1")?.execute([id.0])?;
        for (pos, one) in (0_i64..).zip(participants) {
            self.conn
                .prepare_cached(
                    "INSERT INTO participant (activity, pos, email, name, role, response, responded_us)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    id.0,
                    pos,
                    one.person.email.to_lowercase(),
                    one.person.name.as_deref().unwrap_or_default(),
                    word(one.role),
                    word(one.response),
                    one.responded.map(|at| at.0)
                ])?;
        }
        Ok(())
    }

    /// Whether it shows in the schedule from now on. Answers whether it was another way before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn set_in_schedule(&mut self, id: ActivityId, on: bool, context: &Context) -> Result<bool> {
        let was = self.live_record(id.into())?;
        if self.activity(id)?.ok_or(StoreError::NoSuchRecord)?.in_schedule == on {
            return Ok(false);
        }
        let snapshot = self.snapshot(&was)?;
        self.changing(&was, RecordChange::Changed, &snapshot, context)?;
        self.conn
            .prepare_cached("UPDATE activity SET in_schedule = ?2 WHERE id = ?1")?
            .execute(params![id.0, on])?;
        Ok(true)
    }

    /// What a user has of an activity for themselves.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn own(&self, id: ActivityId, user: &str) -> Result<Option<OwnFacet>> {
        own(self.conn, id, user)
    }

    /// What a user has of an activity for themselves from now on. What it was is kept with the record. Answers whether it is anything else than
    /// before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRecord`], what SQLite says.
    pub fn set_own(
        &mut self,
        id: ActivityId,
        user: &str,
        facet: &OwnFacet,
        context: &Context,
    ) -> Result<bool> {
        let was = self.live_record(id.into())?;
        let stored = self.own(id, user)?;
        if stored.as_ref() == Some(facet) {
            return Ok(false);
        }
        // What is one user's is no change of what all share, and counts for nobody else's.
        if stored.is_some() {
            let snapshot = self.snapshot(&was)?;
            self.note_version(&was, RecordChange::Changed, &snapshot, false, context)?;
        }
        let stamp = self.next_stamp()?;
        self.conn
            .prepare_cached(
                "INSERT INTO activity_own
                    (activity, user, response, reminders, show_as, categories, hidden, response_us, own_us, tell, stamp)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (activity, user) DO UPDATE SET response = ?3, reminders = ?4, show_as = ?5, categories = ?6, hidden = ?7,
                    response_us = ?8, own_us = ?9, tell = ?10, stamp = ?11",
            )?
            .execute(params![
                id.0,
                user,
                facet.own.response.map(word),
                reminder_words(&facet.own.reminders),
                word(facet.own.show_as),
                serde_json::json!(facet.own.categories).to_string(),
                facet.hidden,
                facet.response_changed.0,
                facet.own_changed.0,
                facet.tell,
                stamp
            ])?;
        Ok(true)
    }

    /// What a user has changed of their own since the change of that number, in the order of the changes.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn owns_since(&self, user: &str, stamp: i64) -> Result<Vec<ActivityId>> {
        let sql = "SELECT activity FROM activity_own WHERE user = ?1 AND stamp > ?2 ORDER BY stamp, activity";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map(params![user, stamp], |row| row.get(0).map(ActivityId))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether an account of that user has an activity from now on, so that they see it.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_linked(&mut self, id: ActivityId, user: &str, on: bool) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO activity_own
                    (activity, user, reminders, show_as, categories, hidden, response_us, own_us, linked)
                 VALUES (?1, ?2, '[]', ?4, '[]', 0, 0, 0, ?3)
                 ON CONFLICT (activity, user) DO UPDATE SET linked = ?3 WHERE linked <> ?3",
            )?
            .execute(params![id.0, user, on, word(ShowAs::default())])?;
        Ok(())
    }

    /// The organizer has heard of what that user answered.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_answer_told(&mut self, id: ActivityId, user: &str) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE activity_own SET tell = 0 WHERE activity = ?1 AND user = ?2 AND tell = 1",
            )?
            .execute(params![id.0, user])?;
        Ok(())
    }

    /// Whether those who take part are still to hear of what a person changed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_tell(&mut self, id: ActivityId, on: bool) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE activity SET tell = ?2 WHERE id = ?1 AND tell <> ?2")?
            .execute(params![id.0, on])?;
        Ok(())
    }

    /// The user who stands in for an organizer who is in step with no server.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_stand_in(&mut self, id: ActivityId, user: Option<&str>) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE activity SET stand_in = ?2 WHERE id = ?1 AND stand_in IS NOT ?2")?
            .execute(params![id.0, user])?;
        Ok(())
    }

    /// When a person changed what came in just now.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn set_activity_changed(&mut self, id: ActivityId, at: Timestamp) -> Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE activity SET content_us = ?2, timing_us = ?2, people_us = ?2 WHERE id = ?1",
            )?
            .execute([id.0, at.0])?;
        Ok(())
    }

    /// What all users have of one activity for themselves they have of the other one too.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn copy_owns(&mut self, from: ActivityId, to: ActivityId) -> Result<()> {
        let stamp = self.next_stamp()?;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO activity_own
                    (activity, user, response, reminders, show_as, categories, hidden, response_us, own_us, linked, stamp)
                 SELECT ?2, user, response, reminders, show_as, categories, hidden, response_us, own_us, linked, ?3
                 FROM activity_own WHERE activity = ?1",
            )?
            .execute([from.0, to.0, stamp])?;
        Ok(())
    }
}
