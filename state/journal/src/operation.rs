//! What a noted write does, and by what it is found again.

use postrider_model::{CollectionId, FolderKey, PlacementId, Uid};
use serde::{Deserialize, Serialize};

/// A write that makes a message appear in a folder, which must not be done twice. What may be repeated without harm (flags,
/// erasing) needs no note beyond the store's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Operation {
    /// A message is put into the folder: as a copy of one that is on the server, or from its bytes.
    Append {
        /// The message that it is a copy of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy_of: Option<PlacementId>,
        /// Set as it is sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<Floor>,
    },
    /// A message goes into another folder.
    Move {
        /// The UIDVALIDITY under which it had that UID.
        uid_validity: u32,
        /// The UID that it had.
        uid: Uid,
        /// Where to.
        to: FolderKey,
        /// The same folder here, where it is followed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        followed: Option<CollectionId>,
        /// Set as it is sent.
        floor: Floor,
    },
}

/// Where a message that is put into a folder can stand at the lowest: what is looked for afterwards is looked for from here on (I4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// UIDVALIDITY of the folder.
    pub uid_validity: u32,
    /// UIDNEXT before the write.
    pub uid_next: Uid,
}

impl Operation {
    /// Its name in the store.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Append { .. } => "append",
            Self::Move { .. } => "move",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_since_stores_have_them() {
        let append = Operation::Append { copy_of: None, floor: None };
        let floor = Floor { uid_validity: 1, uid_next: 2 };
        let to = FolderKey("Work".to_owned());
        let moved = Operation::Move { uid_validity: 1, uid: 2, to, followed: None, floor };
        assert_eq!((append.name(), moved.name()), ("append", "move"));
    }
}
