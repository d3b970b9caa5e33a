//! Folders: listed, made, renamed, deleted.

use postrider_model::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Method, Operation},
    service::{Caller, FolderView, Service},
};

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Folder {
    /// The account.
    pub account: String,
    /// Its name, with `/` between levels.
    pub folder: String,
    /// What it is for: `inbox`, `sent`, `drafts`, `trash`, `junk`, `archive`, `all`, `flagged`.
    pub role: Option<String>,
    /// Messages that are not deleted.
    pub messages: u64,
    /// Unread ones among them.
    pub unread: u64,
    /// Why it is followed no more, where it is not.
    pub frozen: Option<String>,
}

impl From<FolderView> for Folder {
    fn from(view: FolderView) -> Self {
        Self {
            account: view.account,
            folder: view.folder,
            role: view.role.map(|role| role.name().to_ascii_lowercase()),
            messages: view.messages,
            unread: view.unread,
            frozen: view.frozen,
        }
    }
}

/// The folders that are here.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/folders";
    const SUMMARY: &'static str = "List folders";
    type Answer = Vec<Folder>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Folder>, Fault> {
        let folders = service.folders(caller, self.account.as_deref())?;
        Ok(folders.into_iter().map(Folder::from).collect())
    }
}

/// A folder to be made, on the server and here.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// The account.
    pub account: String,
    /// Its name, with `/` between levels.
    pub folder: String,
}

/// What became of a folder.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FolderDone")]
pub struct Done {
    /// Whether it is followed here.
    pub is_followed: bool,
    /// Messages that were deleted with it.
    pub messages: u64,
}

impl Operation for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/folders/create";
    const SUMMARY: &'static str = "Make a folder, on the server and here";
    const NEEDS_SYNCER: bool = true;
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let is_followed = service.create_folder(caller, &self.account, &self.folder).await?;
        Ok(Done { is_followed, messages: 0 })
    }
}

/// A folder to be renamed, and with it those below it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The account.
    pub account: String,
    /// Its name.
    pub from: String,
    /// Its new name, whole.
    pub to: String,
}

impl Operation for Rename {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/folders/rename";
    const SUMMARY: &'static str = "Rename a folder, and with it those below it";
    const NEEDS_SYNCER: bool = true;
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let is_followed = service.rename_folder(caller, &self.account, &self.from, &self.to).await?;
        Ok(Done { is_followed, messages: 0 })
    }
}

/// A folder to be deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// The account.
    pub account: String,
    /// Its name.
    pub folder: String,
    /// Although messages are in it.
    #[serde(default)]
    pub with_messages: bool,
}

impl Operation for Delete {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/folders/delete";
    const SUMMARY: &'static str = "Delete a folder, on the server and here";
    const NEEDS_SYNCER: bool = true;
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        let deleted = service.delete_folder(caller, &self.account, &self.folder, self.with_messages).await?;
        Ok(Done { is_followed: true, messages: deleted })
    }
}
