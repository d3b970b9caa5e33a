//! What a noted write of an item does. What it says is worked out as it is sent, of what the record is then.

use postrider_model::CollectionKind;
use serde::{Deserialize, Serialize};

/// A write of a contact or an activity, or of a collection of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum ItemOperation {
    /// A collection is made.
    MakeCollection {
        /// What it holds.
        kind: CollectionKind,
        /// Its name.
        name: String,
    },
    /// An item is made of a record.
    Create {
        /// What the record said as it was sent: on this both sides agree once the item is found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<String>,
    },
    /// An item is to say what its record says.
    Update {
        /// Whether people are told by it, as it was sent.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tells: bool,
    },
    /// An item that is outside the group goes into it.
    Join,
    /// An item goes out of the group, and stays.
    Leave,
    /// An item is deleted.
    Delete,
}

impl ItemOperation {
    /// An item is to say what its record says; nothing of it is sent yet.
    pub const UPDATE: Self = Self::Update { tells: false };

    /// Its name in the store.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MakeCollection { .. } => "make-collection",
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Delete => "delete",
        }
    }

    /// Whether it is the same write, whatever was found out about it since.
    pub fn is_same(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Create { .. }, Self::Create { .. }) | (Self::Update { .. }, Self::Update { .. })
        ) || self == other
    }

    /// Whether it makes something appear, so that it must not be sent a second time without a look under its mark.
    pub const fn makes(&self) -> bool {
        matches!(self, Self::MakeCollection { .. } | Self::Create { .. })
    }
}
