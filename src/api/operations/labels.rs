//! Tags and groups: listed, made, renamed, taken away, put on contacts and taken off.

use postrider_model::{Fault, LabelKind, LabelScope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{ActivityId, ContactId, Method, Operation, fields::whole},
    service::{Caller, LabelName, Labelled, Service},
};

/// What a name is that records carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A tag.
    Tag,
    /// A group of contacts.
    Contacts,
    /// A group of activities.
    Activities,
}

impl From<Kind> for LabelKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Tag => Self::Tag,
            Kind::Contacts => Self::Contacts,
            Kind::Activities => Self::Activities,
        }
    }
}

impl From<LabelKind> for Kind {
    fn from(kind: LabelKind) -> Self {
        match kind {
            LabelKind::Tag => Self::Tag,
            LabelKind::Contacts => Self::Contacts,
            LabelKind::Activities => Self::Activities,
        }
    }
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One user's: nobody else sees it.
    Personal,
    /// The house's.
    Corporate,
    /// Everybody's.
    Public,
}

impl From<Scope> for LabelScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Personal => Self::Personal,
            Scope::Corporate => Self::Corporate,
            Scope::Public => Self::Public,
        }
    }
}

impl From<LabelScope> for Scope {
    fn from(scope: LabelScope) -> Self {
        match scope {
            LabelScope::Personal => Self::Personal,
            LabelScope::Corporate => Self::Corporate,
            LabelScope::Public => Self::Public,
        }
    }
}

/// A tag or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Label")]
pub struct Label {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub scope: Scope,
    /// Who made it.
    pub owner: String,
    /// How many records carry it that the caller sees.
    #[serde(deserialize_with = "whole")]
    pub records: u64,
}

/// Tags, or groups.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListLabels")]
pub struct List {
    /// Groups in the place of tags.
    #[serde(default)]
    pub groups: bool,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/labels";
    const SUMMARY: &'static str = "List tags, or groups";
    type Answer = Vec<Label>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Label>, Fault> {
        let labels = service.labels(caller, !self.groups)?.into_iter();
        let label = |(row, records): (postrider_store::LabelRow, u64)| Label {
            kind: row.kind.into(),
            name: row.name,
            scope: row.scope.into(),
            owner: row.owner,
            records,
        };
        Ok(labels.map(label).collect())
    }
}

/// A tag or a group by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LabelNamed")]
pub struct Named {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whose it is. Where nothing is said: of those that are there the caller's, else the house's, else everybody's; a new tag is the
    /// caller's, a new group the house's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

impl Named {
    fn of(&self) -> LabelName<'_> {
        LabelName { kind: self.kind.into(), name: &self.name, scope: self.scope.map(LabelScope::from) }
    }
}

/// What became of a tag or a group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LabelDone")]
pub struct Done {
    /// How many records it was taken off.
    #[serde(deserialize_with = "whole")]
    pub records: u64,
}

/// A tag or a group to be made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AddLabel")]
pub struct Add {
    /// Which.
    pub label: Named,
}

impl Operation for Add {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/labels/add";
    const SUMMARY: &'static str = "Make a tag or a group";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        service.add_label(caller, self.label.of())?;
        Ok(Done { records: 0 })
    }
}

/// A tag or a group to be renamed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RenameLabel")]
pub struct Rename {
    /// Which.
    pub label: Named,
    /// Its name from now on.
    pub to: String,
}

impl Operation for Rename {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/labels/rename";
    const SUMMARY: &'static str = "Rename a tag or a group";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        service.rename_label(caller, self.label.of(), &self.to)?;
        Ok(Done { records: 0 })
    }
}

/// A tag or a group to be taken off everything, and away.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RemoveLabel")]
pub struct Remove {
    /// Which.
    pub label: Named,
}

impl Operation for Remove {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/labels/remove";
    const SUMMARY: &'static str = "Take a tag or a group off everything, and away";
    type Answer = Done;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Done, Fault> {
        Ok(Done { records: service.remove_label(caller, self.label.of())? })
    }
}

/// A tag to be put on records or taken off; records to be put into a group or out of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PutLabel")]
pub struct Put {
    /// Which. A tag that is not there yet is made to be put on.
    pub label: Named,
    /// Contacts.
    #[serde(default)]
    pub contacts: Vec<ContactId>,
    /// Activities.
    #[serde(default)]
    pub activities: Vec<ActivityId>,
    /// Put on (`true`) or taken off.
    pub on: bool,
}

/// Which records had it the other way before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LabelPut")]
pub struct Changed {
    /// Their ids.
    pub changed: Vec<String>,
}

impl Operation for Put {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/labels/put";
    const SUMMARY: &'static str =
        "Put a tag on records or take it off; put records into a group or out of it";
    type Answer = Changed;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Changed, Fault> {
        let contacts = self.contacts.iter().map(|id| Labelled::Contact(id.0));
        let activities = self.activities.iter().map(|id| Labelled::Activity(id.0));
        let ids: Vec<Labelled> = contacts.chain(activities).collect();
        let changed = service.label_records(caller, &ids, self.label.of(), self.on)?;
        Ok(Changed { changed: changed.iter().map(ToString::to_string).collect() })
    }
}
