//! Invitations, changes, cancellations and answers in mail: told, and taken in.

use postrider_model::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::activity_fields::{ActivitySays, occurrence_text};
use crate::{
    api::{ActivityId, MessageId, Method, Operation},
    service::{self, Caller, Service},
};

/// What a message wants with activities.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShowInvitations")]
pub struct Invitations {
    /// The message.
    pub message: MessageId,
}

/// What a message wants with one activity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// `REQUEST`, `REPLY`, `CANCEL` and so on.
    pub method: String,
    /// What it is about, as the message has it.
    pub says: ActivitySays,
    /// Which time of a series it is about.
    pub occurrence: Option<String>,
    /// The activity that it is here.
    pub known: Option<ActivityId>,
    /// What may become of it: `add`, `change`, `cancel`, `answer`; null where it can do nothing.
    pub offer: Option<String>,
    /// In a sentence: what may become of it, or why nothing.
    pub in_words: String,
}

impl From<service::Invitation> for Invitation {
    fn from(one: service::Invitation) -> Self {
        Self {
            method: one.method,
            says: (&one.activity).into(),
            occurrence: one.activity.occurrence.map(occurrence_text),
            known: one.known.map(ActivityId::from),
            offer: one.offer.map(str::to_owned),
            in_words: one.in_words,
        }
    }
}

impl Operation for Invitations {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/activities/invitations";
    const SUMMARY: &'static str =
        "What a message wants with activities: an invitation, a change, a cancellation, an answer";
    type Answer = Vec<Invitation>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Invitation>, Fault> {
        Ok(service.invitations(caller, self.message.0)?.into_iter().map(Invitation::from).collect())
    }
}

/// A message whose invitation, change, cancellation or answer is to be taken in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptInvitations")]
pub struct Accept {
    /// The message.
    pub message: MessageId,
}

impl Operation for Accept {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/activities/accept";
    const SUMMARY: &'static str = "Take in what a message offers; nobody is mailed";
    type Answer = Vec<ActivityId>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<ActivityId>, Fault> {
        let done = service.accept_invitations(caller, self.message.0)?;
        Ok(done.into_iter().map(ActivityId::from).collect())
    }
}
