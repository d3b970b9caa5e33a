//! Messages: changed, moved, deleted, brought back, erased. Of several all are changed or none.

use postrider_model::{Fault, PlacementId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{MessageId, Method, Operation},
    service::{self, Caller, FlagEdit, Service},
};

/// Messages to be changed, all or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The messages.
    pub ids: Vec<MessageId>,
    /// Flags with `+` or `-` before them: `+seen`, `-flagged`, `+Keyword`.
    pub flags: Vec<String>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// The message; of a copy, the copy.
    pub id: MessageId,
    /// The folder in which it stands now; of a deleted one, in which it stood.
    pub folder: String,
    /// Its flags, as IMAP writes them.
    pub flags: String,
    /// Whether it is deleted here.
    pub deleted: bool,
    /// Whether anything is different from before.
    pub changed: bool,
}

impl From<service::Edited> for Edited {
    fn from(edited: service::Edited) -> Self {
        Self {
            id: edited.id.into(),
            folder: edited.folder,
            flags: edited.flags.to_string(),
            deleted: edited.deleted,
            changed: edited.changed,
        }
    }
}

fn each(edited: Vec<service::Edited>) -> Vec<Edited> {
    edited.into_iter().map(Edited::from).collect()
}

fn placements(ids: &[MessageId]) -> Vec<PlacementId> {
    ids.iter().map(|id| id.0).collect()
}

impl Operation for Flag {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/flag";
    const SUMMARY: &'static str = "Set and take away flags";
    type Answer = Vec<Edited>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Edited>, Fault> {
        let edit = FlagEdit::parse(self.flags.iter().map(String::as_str))?;
        service.flag_mail(caller, &placements(&self.ids), &edit).map(each)
    }
}

/// Messages to be moved to another folder of their account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The messages.
    pub ids: Vec<MessageId>,
    /// The folder.
    pub to: String,
}

impl Operation for Move {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/move";
    const SUMMARY: &'static str = "Move messages to another folder of their account";
    type Answer = Vec<Edited>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Edited>, Fault> {
        service.move_mail(caller, &placements(&self.ids), &self.to).map(each)
    }
}

/// Messages to be copied to another folder of their account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The messages.
    pub ids: Vec<MessageId>,
    /// The folder.
    pub to: String,
}

impl Operation for Copy {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/copy";
    const SUMMARY: &'static str = "Copy messages to another folder of their account";
    type Answer = Vec<Edited>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Edited>, Fault> {
        service.copy_mail(caller, &placements(&self.ids), &self.to).map(each)
    }
}

/// Messages to be deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The messages.
    pub ids: Vec<MessageId>,
    /// For good, not into the trash.
    #[serde(default)]
    pub expunge: bool,
}

impl Operation for Delete {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/delete";
    const SUMMARY: &'static str = "Delete messages: into the trash, or for good where they are in it";
    type Answer = Vec<Edited>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Edited>, Fault> {
        service.delete_mail(caller, &placements(&self.ids), self.expunge).map(each)
    }
}

/// Deleted messages to be brought back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The messages.
    pub ids: Vec<MessageId>,
}

/// A message that was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    /// Its id, the same as before.
    pub id: MessageId,
    /// The folder that it is in again.
    pub folder: String,
}

impl Operation for Restore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/restore";
    const SUMMARY: &'static str = "Bring deleted messages back";
    type Answer = Vec<Restored>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Restored>, Fault> {
        let restored = service.restore(caller, &placements(&self.ids))?;
        Ok(restored.into_iter().map(|one| Restored { id: one.id.into(), folder: one.folder }).collect())
    }
}

/// Deleted messages to be erased here for good.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// The messages.
    pub ids: Vec<MessageId>,
}

/// What was erased.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// Messages that are gone.
    pub purged: u64,
    /// Those among them of which no copy keeps the bytes.
    pub bytes_erased_of: u64,
}

impl Operation for Purge {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/purge";
    const SUMMARY: &'static str = "Erase deleted messages here for good; nothing brings them back";
    type Answer = Purged;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Purged, Fault> {
        let bytes_erased_of = service.purge_mail(caller, &placements(&self.ids))?;
        Ok(Purged { purged: self.ids.len() as u64, bytes_erased_of })
    }
}
