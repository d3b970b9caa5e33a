//! What was found since a cursor, whether it adds up, and what it comes to.

use postrider_model::{FolderStatus, MailCursor, UidSet};
use postrider_remote::{Changes, MailChange, Scope};

use super::feed::Listing;
use crate::flag_rows::FlagRows;

/// What the server told since a cursor.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Flags that changed, or all.
    pub(super) flags: FlagRows,
    /// Tombstones.
    pub(super) vanished: UidSet,
    /// UIDs at or above the cursor's UIDNEXT.
    pub(super) arrived: UidSet,
    /// The window's UIDs, where the window had to be listed.
    pub(super) in_window: UidSet,
    /// Every UID, where all were listed.
    pub(super) present: Option<UidSet>,
    /// The folder had seemed to hold less: what was missed then may be there again, and that has to be told.
    pub(super) is_fuller: bool,
}

impl Found {
    /// Whether the messages that were there and are not any more are as many as the tombstones tell. Tombstones may name
    /// messages that this store never had (outside the window) and, by RFC 7162, section 3.2.10, such as never were: so
    /// there is a least and a most.
    pub(super) fn adds_up(&self, since: &MailCursor, now: &FolderStatus, known: &UidSet) -> bool {
        if now.messages == 0 && !known.is_empty() {
            return false;
        }
        let newer = UidSet::range(since.status.uid_next.max(1), u32::MAX);
        let gone = self.vanished.difference(&newer);
        let Some(lost) =
            (u64::from(since.status.messages) + self.arrived.len()).checked_sub(u64::from(now.messages))
        else {
            return false;
        };
        // What an interrupted run stored above its cursor was never counted, so that it is looked for by name.
        let unaccounted = known.intersection(&newer).difference(&self.arrived).difference(&self.vanished);
        unaccounted.is_empty() && (gone.intersection(known).len()..=gone.len()).contains(&lost)
    }

    /// The changes with the cursor that covers them; none where there are none. A full listing in which nothing known is
    /// missing says no more than a delta, unless something was missing before.
    pub(super) fn into_changes(mut self, since: &MailCursor, cursor: MailCursor, known: &UidSet) -> Changes {
        let mut vanished = self.vanished.intersection(known);
        if let Some(there) = &self.present {
            vanished = vanished.difference(there);
        }
        let tells = |present: &UidSet| self.is_fuller || !known.difference(present).is_empty();
        let present = self.present.filter(tells);
        self.flags.keep(&known.difference(&vanished));
        let wanted = self.arrived.union(&self.in_window).difference(known);
        let scope = if present.is_some() { Scope::Full } else { Scope::Delta };
        let mut changes: Vec<MailChange> = present.map(MailChange::Present).into_iter().collect();
        if !vanished.is_empty() {
            changes.push(MailChange::Vanished(vanished));
        }
        if !wanted.is_empty() {
            changes.push(MailChange::Wanted(wanted));
        }
        if changes.is_empty() && self.flags.is_empty() && cursor == *since {
            return Changes::None;
        }
        Changes::Feed(Box::new(Listing::new(scope, changes, self.flags, cursor)))
    }
}
