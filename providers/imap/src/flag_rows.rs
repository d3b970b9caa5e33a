//! The flags of many messages in little room: equal flags are kept once.

use std::collections::HashMap;

use postrider_model::{Flags, Uid, UidSet};
use postrider_remote::MailChange;

use crate::codec::{fetch::FetchRow, sets::uids};

/// Flags by UID, in the order in which they came. A later row of a UID replaces an earlier one when it is applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FlagRows {
    rows: Vec<Row>,
    kinds: Vec<Flags>,
    /// Only for looking up, never walked: its order decides nothing.
    positions: HashMap<Flags, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    uid: Uid,
    kind: u32,
    /// 0 for none.
    mod_seq: u64,
}

impl FlagRows {
    /// Adds a message's flags.
    pub(crate) fn push(&mut self, uid: Uid, flags: Flags, mod_seq: Option<u64>) {
        let kind = match self.positions.get(&flags) {
            Some(kind) => *kind,
            None => {
                let kind = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
                self.kinds.push(flags.clone());
                self.positions.insert(flags, kind);
                kind
            }
        };
        self.rows.push(Row { uid, kind, mod_seq: mod_seq.unwrap_or(0) });
    }

    /// Adds what a FETCH told; a row without UID or flags tells nothing.
    pub(crate) fn push_row(&mut self, row: FetchRow) {
        if let (Some(uid), Some(flags)) = (row.uid, row.flags) {
            self.push(uid, flags, row.mod_seq);
        }
    }

    /// Leaves only rows of those messages.
    pub(crate) fn keep(&mut self, uids: &UidSet) {
        self.rows.retain(|row| uids.contains(row.uid));
    }

    /// How many rows there are.
    pub(crate) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The UIDs of all rows.
    pub(crate) fn uids(&self) -> UidSet {
        uids(self.rows.iter().map(|row| row.uid).collect())
    }

    /// The rows from `from` on, at most `most`, as changes.
    pub(crate) fn changes(&self, from: usize, most: usize) -> impl Iterator<Item = MailChange> + '_ {
        self.rows.iter().skip(from).take(most).filter_map(|row| {
            let flags = self.kinds.get(row.kind as usize)?.clone();
            Some(MailChange::Flags { uid: row.uid, flags, mod_seq: (row.mod_seq > 0).then_some(row.mod_seq) })
        })
    }
}
