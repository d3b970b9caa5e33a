//! What records were: listed, shown, brought back (F5.2).

use postrider_model::{ErrorClass, Fault, RecordId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contacts::hundred;
use crate::{
    api::{Instant, Method, Operation, VersionId, fields::whole},
    service::{Caller, Service, VersionView},
};

/// What a record was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "RecordVersion")]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// The record.
    pub record: String,
    /// `contact`, `company` or `activity`.
    pub kind: String,
    /// What it was called then.
    pub name: String,
    /// The number that the record had then.
    #[serde(deserialize_with = "whole")]
    pub rev: u64,
    /// When it was overwritten.
    pub at: Option<Instant>,
    /// Where: `server` or `here`.
    pub side: String,
    /// By whom.
    pub actor: String,
    /// What was done: `changed`, `shown`, `labelled`, `deleted`, `restored`.
    pub what: String,
    /// Why.
    pub why: String,
    /// Whether it lost against a later change.
    pub is_conflict: bool,
}

impl From<VersionView> for Version {
    fn from(view: VersionView) -> Self {
        Self {
            id: view.id.into(),
            record: view.record,
            kind: view.kind,
            name: view.name,
            rev: view.rev,
            at: Instant::of(view.at),
            side: view.side,
            actor: view.actor,
            what: view.what,
            why: view.why,
            is_conflict: view.is_conflict,
        }
    }
}

/// What records were, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListVersions")]
pub struct List {
    /// Only of this record, such as `c5`, `f2` or `a8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// All there are, not only what lost against a later change.
    #[serde(default)]
    pub all: bool,
    /// At most so many.
    #[serde(default = "hundred")]
    pub limit: u32,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/versions";
    const SUMMARY: &'static str = "What records were, newest first";
    type Answer = Vec<Version>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Version>, Fault> {
        let of = self.record.as_deref().map(record_of).transpose()?;
        Ok(service.versions(caller, of, self.all, self.limit)?.into_iter().map(Version::from).collect())
    }
}

fn record_of(text: &str) -> Result<RecordId, Fault> {
    let contact = text.parse::<postrider_model::ContactId>().map(RecordId::from);
    let other = |_| text.parse::<postrider_model::CompanyId>().map(RecordId::from);
    let activity = |_| text.parse::<postrider_model::ActivityId>().map(RecordId::from);
    contact.or_else(other).or_else(activity).map_err(|_| {
        let cause = format!("`{text}` is no record's id, such as c5, f2 or a8");
        Fault::new(ErrorClass::Config, "read an id", cause)
    })
}

/// What a record was, whole.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct VersionDetails {
    /// What a listing has of it.
    pub version: Version,
    /// The vCard, the calendar or the name that it was.
    pub content: String,
}

/// One version.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShowVersion")]
pub struct Show {
    /// Its id.
    pub id: VersionId,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/versions/show";
    const SUMMARY: &'static str = "What a record was, whole";
    type Answer = VersionDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<VersionDetails, Fault> {
        let view = service.version(caller, self.id.0)?;
        Ok(VersionDetails { content: view.content.clone(), version: view.into() })
    }
}

/// A version to be brought back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RestoreVersion")]
pub struct Restore {
    /// Its id.
    pub id: VersionId,
}

/// What was brought back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct VersionRestored {
    /// The record, which is what it was.
    pub record: String,
}

impl Operation for Restore {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/versions/restore";
    const SUMMARY: &'static str = "Make a record what it was";
    type Answer = VersionRestored;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<VersionRestored, Fault> {
        Ok(VersionRestored { record: service.restore_version(caller, self.id.0)? })
    }
}
