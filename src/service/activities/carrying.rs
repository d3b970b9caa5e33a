//! Who tells people of a change, where a person wants that (F4.6): the server that carries the activity, else a mail of ours. Never both.

use postrider_model::{Fault, LabelKind};
use postrider_reconcile::activities::{Exported, exported_as};
use postrider_store::{ItemOf, StoredActivity};

use crate::{
    activity::{CopyStands, stands},
    card::folded,
    service::{Service, run_items::server_kind},
    sync::Syncing,
};

/// A meeting of which people are to hear.
pub(super) struct Heard<'a> {
    /// The activity; none where it is yet to be made.
    pub stored: Option<&'a StoredActivity>,
    /// The address of whoever organizes it.
    pub organizer: &'a str,
    /// Whether it shows in the schedule once it is changed.
    pub in_schedule: bool,
}

impl Service {
    /// The account whose server tells those who take part: of the organizer's accounts the one that has the meeting as theirs; where nobody has
    /// it yet, the one that will bring it to its server.
    pub(super) fn carrier(&self, heard: &Heard<'_>) -> Result<Option<String>, Fault> {
        let syncing = self.syncing();
        let is_theirs = |one: &&Syncing| holds(&one.addresses, heard.organizer);
        let Some(organizer) = syncing.iter().find(is_theirs) else { return Ok(None) };
        let items = heard.stored.map(|stored| self.items_of(stored)).transpose()?.unwrap_or_default();
        if items.iter().any(|item| !item.left_there) {
            return Ok(carried(organizer, &items, CopyStands::Organizer));
        }
        let named =
            organizer.accounts.iter().find(|(_, address)| address.eq_ignore_ascii_case(heard.organizer));
        let Some((account, _)) = named.or(organizer.accounts.first()) else { return Ok(None) };
        // What was taken away there does not go out again by itself.
        let is_left = items.iter().any(|item| item.account == *account);
        Ok((!is_left && self.will_carry(account, heard)).then(|| account.clone()))
    }

    /// The caller's account whose server tells the organizer what they answer.
    pub(super) fn answerer(&self, user: &str, stored: &StoredActivity) -> Result<Option<String>, Fault> {
        let syncing = self.syncing();
        let Some(caller) = syncing.iter().find(|one| one.user == user) else { return Ok(None) };
        Ok(carried(caller, &self.items_of(stored)?, CopyStands::Attendee))
    }

    /// The items of an activity, and of the series that it is a time of.
    fn items_of(&self, stored: &StoredActivity) -> Result<Vec<ItemOf>, Fault> {
        let reader = self.reader()?;
        let mut items = reader.items_of(stored.id)?;
        if let Some(master) = stored.master {
            items.extend(reader.items_of(master)?);
        }
        Ok(items)
    }

    /// Whether an account takes in what has no item yet.
    fn will_carry(&self, account: &str, heard: &Heard<'_>) -> bool {
        let Some(ready) = self.config.ready_activities(account).ok().flatten() else { return false };
        let wanted: Option<Vec<String>> =
            ready.activities.groups.map(|names| names.iter().map(|name| folded(name)).collect());
        let labels = heard.stored.into_iter().flat_map(|stored| &stored.labels);
        let of_activities = labels.filter(|label| label.kind == LabelKind::Activities);
        let groups: Vec<String> = of_activities.map(|label| folded(&label.name)).collect();
        let meeting = Exported {
            show_in_schedule: heard.in_schedule,
            has_participants: true,
            is_visible: true,
            groups: &groups,
        };
        exported_as(server_kind(ready.server.kind), wanted.as_deref(), meeting).is_some()
    }
}

/// The first account of that user that sends activities out and has the item as that.
fn carried(of: &Syncing, items: &[ItemOf], stand: CopyStands) -> Option<String> {
    let is_theirs = |item: &&ItemOf| of.accounts.iter().any(|(name, _)| *name == item.account);
    let mut items = items.iter().filter(is_theirs).filter(|item| !item.left_there);
    items.find(|item| stands(&item.image) == stand).map(|item| item.account.clone())
}

fn holds(addresses: &[String], address: &str) -> bool {
    addresses.iter().any(|own| own.eq_ignore_ascii_case(address))
}
