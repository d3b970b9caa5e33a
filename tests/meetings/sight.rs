//! What the store has, and what people see of it, read through one connection and one service.

use std::collections::BTreeSet;

use postrider::service::{ActivityQuery, Service};
use postrider_formats::{icalendar::Item, vcard::Card};
use postrider_model::{Activity, ActivityId, ContactId, Own};
use postrider_store::{Reader, StoredActivity, Viewer};

pub struct Sight {
    pub service: Service,
    pub reader: Reader,
}

impl Sight {
    fn stored(&self, id: ActivityId) -> StoredActivity {
        self.reader.activity(&Viewer::Everything, id).unwrap().unwrap()
    }

    /// What an activity says.
    pub fn says(&self, id: ActivityId) -> Activity {
        Item::read(self.stored(id).doc.text.as_bytes()).unwrap().activity()
    }

    pub fn is_deleted(&self, id: ActivityId) -> bool {
        self.stored(id).record.deleted.is_some()
    }

    pub fn stand_in(&self, id: ActivityId) -> Option<String> {
        self.stored(id).stand_in
    }

    /// What a user has of it for themselves.
    pub fn own(&self, user: &str, id: ActivityId) -> Own {
        let caller = self.service.caller_of_user(user, user).unwrap();
        self.service.activity(&caller, id).unwrap().own
    }

    /// What a user sees, by title.
    pub fn here(&self, user: &str) -> Vec<(String, ActivityId)> {
        let caller = self.service.caller_of_user(user, user).unwrap();
        let query = ActivityQuery { limit: 1_000, ..ActivityQuery::default() };
        let found = self.service.activities(&caller, &query).unwrap().activities;
        found.into_iter().map(|one| (one.title, one.id)).collect()
    }

    /// How many activities there are at all; the times of a series are none.
    pub fn count(&self) -> usize {
        let query = ActivityQuery { limit: 1_000, ..ActivityQuery::default() };
        let found = self.service.activities(&self.service.owner(), &query).unwrap().activities;
        let series = found.iter().map(|one| self.stored(one.id));
        series.map(|one| one.master.unwrap_or(one.id)).collect::<BTreeSet<_>>().len()
    }

    pub fn contact_told(&self, id: ContactId) -> String {
        let stored = self.reader.contact(&Viewer::Everything, id).unwrap().unwrap();
        let says = Card::read(stored.doc.card.as_bytes()).unwrap().contact();
        format!("{id} {} {:?} deleted {}", says.display_name, says.job_title, stored.record.deleted.is_some())
    }
}
