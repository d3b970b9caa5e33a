//! Which activities go out to an account, as what, and whether it is this account that brings them (F4.2–F4.4).

use postrider_model::{AccountId, ActivityKind, LabelKind, Status};
use postrider_reconcile::activities::{
    ActivityExport, Exported, Part, exported_as, exporter, judge_export, part_of,
};
use postrider_store::{Link, Origin, StoreError, Tx};

use super::{ActivityRules, Syncing, known::Known};
use crate::{card::folded, sync::ItemsContext};

/// Which activities an account wants, and what has to stay the same for what was worked out by it to hold.
pub(super) struct Rule {
    rules: ActivityRules,
    account: AccountId,
    name: String,
    user: String,
    pub(super) text: String,
}

impl Rule {
    pub(super) fn new(run: &ItemsContext, rules: &ActivityRules) -> Self {
        Self {
            text: format!("{rules:?} {:?} {:?}", run.user, run.viewer),
            rules: rules.clone(),
            account: run.account_id,
            name: run.account.to_string(),
            user: run.user.clone(),
        }
    }

    /// Whether it is the one by which the export was worked out last.
    pub(super) fn is_known(&self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        let reach = tx.export_reach(self.account, "activity")?;
        Ok(reach.is_some_and(|(rule, _)| rule == self.text))
    }

    /// Whether anything goes out.
    pub(super) const fn exports(&self) -> bool {
        self.rules.export
    }

    fn is_own(&self, email: &str) -> bool {
        is_of(&self.rules.addresses, email)
    }

    fn takes_part(&self, known: &Known) -> bool {
        known.shared.people.participants.iter().any(|one| self.is_own(&one.person.email))
    }

    /// Whether the account's user has a part in it.
    fn has_part(&self, known: &Known) -> bool {
        let organizes = known.shared.people.organizer.as_ref().is_some_and(|one| self.is_own(&one.email));
        known.stored.record.owner == self.user || organizes || self.takes_part(known)
    }

    /// Whether it is this account by which an activity that was made here reaches a server.
    fn brings(&self, known: &Known) -> bool {
        let people = &known.shared.people;
        let of_address = |email: &str| self.rules.syncing.iter().find(|one| is_of(&one.addresses, email));
        let syncs = |one: &&Syncing| !one.accounts.is_empty();
        let organizer = match &people.organizer {
            Some(organizer) => of_address(&organizer.email),
            None => self.rules.syncing.iter().find(|one| one.user == known.stored.record.owner),
        };
        // What somebody outside organizes was not made here.
        let is_made_here = known.copies.is_empty() && (organizer.is_some() || people.organizer.is_none());
        let participants = people.participants.iter().filter_map(|one| of_address(&one.person.email));
        let syncing: Vec<&Syncing> = participants.filter(syncs).collect();
        let organizer = organizer.filter(syncs);
        let all: Vec<&Syncing> = organizer.into_iter().chain(syncing).collect();
        let Some(by) = exporter(is_made_here, organizer.as_ref(), &all) else { return false };
        let of_organizer = by
            .accounts
            .iter()
            .find(|(_, address)| people.organizer.as_ref().is_some_and(|organizer| organizer.is(address)));
        let account = of_organizer.or(by.accounts.first());
        by.user == self.user && account.is_some_and(|(name, _)| *name == self.name)
    }

    /// Whether another account of the user has it.
    fn is_elsewhere(&self, tx: &Tx<'_>, known: &Known) -> Result<bool, StoreError> {
        let own = self.rules.syncing.iter().filter(|one| one.user == self.user);
        for (name, _) in own.flat_map(|one| &one.accounts).filter(|(name, _)| *name != self.name) {
            let account = tx.account_id(name)?;
            if account.is_some_and(|account| known.copies.iter().any(|copy| copy.account == account)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn part(&self, tx: &Tx<'_>, known: &Known) -> Result<Option<Part>, StoreError> {
        let people = &known.shared.people.participants;
        let is_asked_here = people.iter().any(|one| one.person.is(&self.rules.address));
        let is_elsewhere = self.is_elsewhere(tx, known)? && !is_asked_here;
        let (brings, takes_part) = (self.brings(known), self.takes_part(known));
        let has_one = is_elsewhere || brings || takes_part;
        Ok(has_one.then(|| part_of(brings, takes_part, is_elsewhere)))
    }

    /// What its rule comes to for an activity that has no item in the account, or the item of that link.
    pub(super) fn judge(
        &self,
        tx: &Tx<'_>,
        known: &Known,
        link: Option<(&Link, ActivityKind)>,
    ) -> Result<ActivityExport, StoreError> {
        let of_activities = known.stored.labels.iter().filter(|label| label.kind == LabelKind::Activities);
        let groups: Vec<String> = of_activities.map(|label| folded(&label.name)).collect();
        let wanted: Option<Vec<String>> =
            self.rules.groups.as_ref().map(|names| names.iter().map(|name| folded(name)).collect());
        let has_participants = known.is_meeting();
        let activity = Exported {
            show_in_schedule: known.stored.in_schedule,
            has_participants,
            is_visible: self.has_part(known),
            groups: &groups,
        };
        let wanted = exported_as(self.rules.server, wanted.as_deref(), activity);
        let linked = link.map(|(link, kind)| (kind, link.origin == Origin::Imported));
        Ok(match self.part(tx, known)? {
            Some(part) => judge_export(wanted, linked, part, has_participants),
            None if linked.is_some() => judge_export(wanted, linked, Part::Brings, has_participants),
            None => ActivityExport::Nothing,
        })
    }

    /// As what an activity that has no item is to be made, and whether as a plain appointment.
    pub(super) fn makes(
        &self,
        tx: &Tx<'_>,
        known: &Known,
    ) -> Result<Option<(ActivityKind, bool)>, StoreError> {
        let is_over = known.shared.content.status == Status::Cancelled && known.is_meeting();
        if !self.rules.export || known.stored.record.deleted.is_some() || is_over {
            return Ok(None);
        }
        Ok(match self.judge(tx, known, None)? {
            ActivityExport::Make(kind) => Some((kind, false)),
            ActivityExport::MakePlain(kind) => Some((kind, true)),
            _ => None,
        })
    }
}

fn is_of(addresses: &[String], email: &str) -> bool {
    addresses.iter().any(|own| own.eq_ignore_ascii_case(email))
}
