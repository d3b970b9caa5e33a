//! Appointments and tasks (F4): listed, shown, made, changed, called off, answered, imported, exported; when people have no time.
//!
//! What is shared is its organizer's to change, what is one's own everybody's who has a part in it; `reconcile` judges that. Nobody is mailed
//! but where a person asks for it in that very call (I9): by the server that carries the activity, else by mail (`carrying`, `mailing`).

mod carrying;
mod changes;
mod editing;
mod freebusy;
mod hand;
mod invitations;
mod listing;
mod mailing;
mod transfer;

use chrono_tz::Tz;
use postrider_formats::{occurrences::Defaults, zones};
use postrider_model::{ActivityId, ErrorClass, Fault, Reminder, ReminderBy, ReminderTime};
use postrider_store::StoredActivity;

use super::{Caller, Service, records::absent};

pub use changes::{ActivityChanges, WhenChange};
pub use editing::{Extent, NewActivity};
pub use freebusy::{Busy, BusyPerson};
pub use invitations::Invitation;
pub use listing::{ActivityDetails, ActivityQuery, Listed, ListedActivity};
pub use transfer::ImportedActivities;

impl Service {
    /// What holds where an activity does not say it.
    pub(super) fn defaults(&self) -> Defaults {
        let settings = &self.config.settings.activities;
        let duration = chrono::TimeDelta::from_std(settings.default_duration);
        Defaults { zone: self.zone(), duration: duration.unwrap_or(chrono::TimeDelta::minutes(30)) }
    }

    /// The place whose clocks tell what names none: of the settings, else the machine's.
    fn zone(&self) -> Tz {
        let named = self.config.settings.activities.time_zone.as_deref().or(self.env.time_zone.as_deref());
        named.and_then(zones::by_name).unwrap_or(Tz::UTC)
    }

    /// The reminders of what says nothing of any.
    fn default_reminders(&self) -> Vec<Reminder> {
        let reminder = |before: &std::time::Duration| Reminder {
            at: ReminderTime::BeforeStart(i64::try_from(before.as_secs()).unwrap_or(i64::MAX)),
            by: ReminderBy::Display,
        };
        self.config.settings.activities.reminders.iter().map(reminder).collect()
    }

    /// Whether a caller has a part in an activity, so that what is private in it is not hidden from them.
    fn is_insider(&self, caller: &Caller, stored: &StoredActivity) -> bool {
        if caller.has_everything() || stored.record.owner == caller.user {
            return true;
        }
        let addresses = self.addresses_of_user(&caller.user);
        let people = stored.doc.participants.iter().map(|one| &one.person.email).chain(&stored.doc.organizer);
        people.into_iter().any(|email| addresses.iter().any(|own| own.eq_ignore_ascii_case(email)))
    }

    /// Whether a caller has a part in the activity of that id.
    pub(super) fn has_part_in(&self, caller: &Caller, id: ActivityId) -> Result<bool, Fault> {
        let found = self.reader()?.activity(&self.viewer(caller), id)?;
        Ok(found.is_some_and(|found| self.is_insider(caller, &found)))
    }

    /// An activity whole, be it deleted, where the caller sees it.
    fn activity_seen(&self, caller: &Caller, id: ActivityId) -> Result<StoredActivity, Fault> {
        let found = self.reader()?.activity(&self.viewer(caller), id)?;
        found.ok_or_else(|| self.unseen(caller, "activity", id))
    }
}

/// A stored text that cannot be read any more.
fn unreadable(id: ActivityId, error: &impl std::fmt::Display) -> Fault {
    Fault::new(ErrorClass::Permanent, format!("read activity {id}"), error.to_string())
}

fn gone(done: Fault, id: ActivityId) -> Fault {
    match done.class {
        ErrorClass::NotFound => absent("activity", id),
        _ => done,
    }
}
