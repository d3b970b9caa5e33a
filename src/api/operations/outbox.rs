//! Messages that people write: sent, kept as drafts, waiting in the outbox.

use std::sync::Arc;

use postrider_model::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sync::RunReport;
use crate::{
    api::{Base64, MessageId, Method, Octets, Operation, OutboxId, Problem},
    service::{self, Caller, MailParts, NewMail, OutboxView, RunRequest, Service},
    sync::Silent,
};

/// An entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its id.
    pub id: OutboxId,
    /// The account.
    pub account: String,
    /// `queued`, `sending`, `uncertain`, `sent`, `failed`, `dropped`.
    pub state: String,
    /// The subject.
    pub subject: String,
    /// Message-ID.
    pub message_id: String,
    /// To whom it is still to go.
    pub recipients: Vec<String>,
    /// Whom the server refused for good, and why.
    pub refused: Vec<(String, String)>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, in seconds since 1970; only while it is queued.
    pub next_try: Option<i64>,
    /// What went wrong last.
    pub error: Option<String>,
    /// Whether its copy is in Sent.
    pub filed: bool,
}

impl From<OutboxView> for Entry {
    fn from(view: OutboxView) -> Self {
        Self {
            id: view.id.into(),
            account: view.account,
            state: view.state.to_owned(),
            subject: view.subject,
            message_id: view.message_id,
            recipients: view.recipients,
            refused: view.refused,
            attempts: view.attempts,
            next_try: view.next_try,
            error: view.error,
            filed: view.filed,
        }
    }
}

/// A file that goes with a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    /// What is in it.
    pub content: Base64,
}

impl From<File> for service::NewFile {
    fn from(file: File) -> Self {
        Self { name: file.name, bytes: file.content.0 }
    }
}

/// A message that is written: whole, or in its parts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    /// The whole message, headers and all; the other fields are not looked at then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Base64>,
    /// To whom: addresses with or without names, separated by commas.
    pub to: Vec<String>,
    /// Who gets a copy.
    pub cc: Vec<String>,
    /// Who gets a copy that the others do not hear of.
    pub bcc: Vec<String>,
    /// The subject; absent: the one of the message that is answered or passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Files that go with it.
    pub attachments: Vec<File>,
    /// Pictures that the HTML shows as `cid:NAME`.
    pub inline: Vec<File>,
    /// The message that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Whether the answer goes to everybody.
    pub to_all: bool,
    /// The message that is passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<MessageId>,
}

impl From<Written> for NewMail {
    fn from(written: Written) -> Self {
        if let Some(raw) = written.raw {
            return Self::Raw(raw.0);
        }
        let files = |files: Vec<File>| files.into_iter().map(service::NewFile::from).collect();
        Self::Parts(Box::new(MailParts {
            to: written.to,
            cc: written.cc,
            bcc: written.bcc,
            subject: written.subject,
            text: written.text,
            html: written.html,
            attachments: files(written.attachments),
            inline: files(written.inline),
            reply_to: written.reply_to.map(|id| id.0),
            to_all: written.to_all,
            forward: written.forward.map(|id| id.0),
        }))
    }
}

/// A message to be sent: now, or with the next run of its account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The account; absent for the default sender, or the only one that sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The message.
    pub message: Written,
    /// Only put it into the outbox: the next run sends it.
    #[serde(default)]
    pub later: bool,
}

/// What became of a message that was to be sent. It is in the outbox, whatever else is said here: asked for once more it would go twice.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Its entry in the outbox, as it is now.
    pub entry: Entry,
    /// The run that was to send it; absent where it waits for the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunReport>,
    /// Why there was no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

impl Operation for Send {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/send";
    const SUMMARY: &'static str = "Send a message; where that cannot be now, it waits in the outbox";
    const NEEDS_SYNCER: bool = true;
    const IS_LARGE: bool = true;
    type Answer = Sent;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Sent, Fault> {
        let account = service.sender(caller, self.account.as_deref())?;
        let id = service.queue_mail(caller, &account, self.message.into())?;
        let (mut run, mut error) = (None, None);
        if !self.later {
            let request = RunRequest {
                accounts: vec![account],
                mail: true,
                outbox_only: true,
                ..RunRequest::default()
            };
            match service.sync_now(caller, &request, Arc::new(Silent)).await {
                Ok(outcome) => run = Some(outcome.report.into()),
                Err(fault) => error = Some(Problem::from(&fault)),
            }
        }
        Ok(Sent { entry: service.entry(caller, id)?.into(), run, error })
    }
}

/// A message to be kept as a draft: here at once, on the server with the next run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The account; absent for the default sender, or the only one that sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The message.
    pub message: Written,
}

/// A draft.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Drafted {
    /// Its id.
    pub id: MessageId,
    /// The account.
    pub account: String,
}

impl Operation for Draft {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/messages/draft";
    const SUMMARY: &'static str = "Keep a message as a draft";
    const IS_LARGE: bool = true;
    type Answer = Drafted;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Drafted, Fault> {
        let account = service.sender(caller, self.account.as_deref())?;
        let id = service.draft_mail(caller, &account, self.message.into())?;
        Ok(Drafted { id: id.into(), account })
    }
}

/// The outbox: what is not done with, or all that is still known.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What is sent, failed or given up as well.
    #[serde(default)]
    pub all: bool,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/outbox";
    const SUMMARY: &'static str = "List the outbox";
    type Answer = Vec<Entry>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Entry>, Fault> {
        let entries = service.outbox(caller, self.account.as_deref(), self.all)?;
        Ok(entries.into_iter().map(Entry::from).collect())
    }
}

/// One entry of the outbox.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The entry.
    pub id: OutboxId,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/outbox/show";
    const SUMMARY: &'static str = "Show one entry of the outbox";
    type Answer = Entry;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Entry, Fault> {
        service.entry(caller, self.id.0).map(Entry::from)
    }
}

/// The bytes of a message in the outbox.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// The entry.
    pub id: OutboxId,
}

impl Operation for Raw {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/outbox/raw";
    const SUMMARY: &'static str = "The bytes of a message in the outbox";
    type Answer = Octets;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Octets, Fault> {
        service.outgoing_bytes(caller, self.id.0).map(Octets)
    }
}

/// A message to be tried again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// The entry.
    pub id: OutboxId,
}

impl Operation for Retry {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/outbox/retry";
    const SUMMARY: &'static str = "Try a message again that waits, is uncertain, or failed";
    type Answer = Entry;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Entry, Fault> {
        service.retry_outgoing(caller, self.id.0).map(Entry::from)
    }
}

/// A message to be given up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    /// The entry.
    pub id: OutboxId,
}

impl Operation for Drop {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/outbox/drop";
    const SUMMARY: &'static str = "Give a message up that is not sent";
    type Answer = Entry;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Entry, Fault> {
        service.drop_outgoing(caller, self.id.0).map(Entry::from)
    }
}
