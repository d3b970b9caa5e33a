//! Messages: listed, searched, shown, and a page at a time for an export.

use postrider_model::{Fault, Flags, PlacementId, SystemFlag};
use postrider_store::{Details, Export, Mailbox, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invitations::Invitation;
use crate::{
    api::{ContactId, Instant, MessageId, Method, Octets, Operation},
    service::{self, Caller, MailFilter, Service},
};

/// Somebody in a message's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Person {
    /// The display name; empty where there is none.
    pub name: String,
    /// The address.
    pub email: String,
}

impl From<Mailbox> for Person {
    fn from(one: Mailbox) -> Self {
        Self { name: one.name, email: one.email }
    }
}

/// A message, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The account.
    pub account: String,
    /// The folder.
    pub folder: String,
    /// Its UID on the server; null where the server has it not.
    pub uid: Option<u32>,
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The subject.
    pub subject: String,
    /// Who wrote it.
    pub from: Vec<Person>,
    /// To whom.
    pub to: Vec<Person>,
    /// The Date header.
    pub date: Option<Instant>,
    /// When it arrived, by the server.
    pub internal_date: Option<Instant>,
    /// Octets.
    pub size: u64,
    /// Which of `seen`, `answered`, `flagged`, `draft` it has.
    pub flags: Vec<String>,
    /// Its keywords.
    pub keywords: Vec<String>,
    /// Whether a reader would show an attachment.
    pub has_attachment: bool,
    /// How its text begins.
    pub snippet: String,
    /// Since when it is deleted here.
    pub deleted: Option<Instant>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            account: row.account,
            folder: row.folder,
            uid: row.uid,
            message_id: row.message_id,
            subject: row.subject,
            from: row.from.into_iter().map(Person::from).collect(),
            to: row.to.into_iter().map(Person::from).collect(),
            date: row.date.and_then(Instant::of),
            internal_date: Instant::of(row.internal_date),
            size: row.size,
            flags: flag_names(&row.flags),
            keywords: row.flags.keywords().to_vec(),
            has_attachment: row.has_attachment,
            snippet: row.snippet,
            deleted: row.deleted.and_then(Instant::of),
        }
    }
}

fn flag_names(flags: &Flags) -> Vec<String> {
    flags.system().map(|flag| flag.name().to_ascii_lowercase()).collect()
}

/// Messages, newest first: all, or those that a query finds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Words, and terms such as `from:anna`, `has:attachment`, `before:2026-01-01`; empty for all.
    #[serde(default)]
    pub query: String,
    /// Only of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only in this folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Only with an address of this contact in the header, in all accounts that the caller may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// Those that were deleted here and can be restored, instead of those that are there.
    #[serde(default)]
    pub deleted: bool,
    /// At most so many.
    #[serde(default = "fifty")]
    pub limit: u32,
    /// Of which accounts, where none is named.
    #[serde(default)]
    pub reach: Reach,
}

/// Of which accounts messages are wanted, where none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Of the own mailboxes: the caller's, and those that they may send from.
    #[default]
    Own,
    /// Of all that they may read.
    Readable,
}

const fn fifty() -> u32 {
    50
}

/// What was found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Listed {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether the search index knew of all there are.
    pub complete: bool,
}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/messages";
    const SUMMARY: &'static str = "List or search messages, newest first";
    type Answer = Listed;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Listed, Fault> {
        let filter = MailFilter {
            query: self.query,
            account: self.account,
            folder: self.folder,
            contact: self.contact.map(|contact| contact.0),
            deleted: self.deleted,
            limit: self.limit,
            reach: match self.reach {
                Reach::Own => service::Reach::Own,
                Reach::Readable => service::Reach::Readable,
            },
        };
        let found = service.mail(caller, &filter)?;
        let messages = found.rows.into_iter().map(Message::from).collect();
        Ok(Listed { messages, complete: found.complete })
    }
}

/// Somebody in a message's header, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Participant {
    /// `from`, `sender`, `reply-to`, `to`, `cc` or `bcc`.
    pub role: String,
    /// The display name; empty where there is none.
    pub name: String,
    /// The address.
    pub email: String,
}

impl From<postrider_model::Address> for Participant {
    fn from(one: postrider_model::Address) -> Self {
        use postrider_model::AddressRole::{Bcc, Cc, From, ReplyTo, Sender, To};
        let role = match one.role {
            From => "from",
            Sender => "sender",
            ReplyTo => "reply-to",
            To => "to",
            Cc => "cc",
            Bcc => "bcc",
        };
        Self { role: role.to_owned(), name: one.name, email: one.email }
    }
}

/// All that is known of a message but its bytes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MessageDetails {
    /// What a listing has of it.
    pub message: Message,
    /// Everybody in its header, in order.
    pub addresses: Vec<Participant>,
    /// Its MIME parts: a tree of objects.
    pub structure: serde_json::Value,
    /// The Message-ID of its thread's root.
    pub thread: Option<String>,
    /// What it wants with activities, where it does.
    #[serde(default)]
    pub invitations: Vec<Invitation>,
}

impl From<Details> for MessageDetails {
    fn from(details: Details) -> Self {
        Self {
            message: details.row.into(),
            addresses: details.addresses.into_iter().map(Participant::from).collect(),
            structure: serde_json::from_str(&details.structure).unwrap_or_default(),
            thread: details.thread,
            invitations: Vec::new(),
        }
    }
}

/// All that is known of one message but its bytes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Show {
    /// The message.
    pub id: MessageId,
}

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/messages/show";
    const SUMMARY: &'static str = "Show one message";
    type Answer = MessageDetails;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<MessageDetails, Fault> {
        let details = service.message(caller, self.id.0)?;
        let may_invite = details.structure.contains("calendar") || details.structure.contains("ics");
        let mut details = MessageDetails::from(details);
        if may_invite {
            let invitations = service.invitations(caller, self.id.0)?;
            details.invitations = invitations.into_iter().map(Invitation::from).collect();
        }
        Ok(details)
    }
}

/// A message's text: plain, or its HTML as text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The message.
    pub id: MessageId,
}

/// A message's text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MessageText {
    /// The text.
    pub text: String,
}

impl Operation for Text {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/messages/text";
    const SUMMARY: &'static str = "Show one message's text";
    type Answer = MessageText;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<MessageText, Fault> {
        Ok(MessageText { text: service.text(caller, self.id.0)? })
    }
}

/// A message's bytes as the server gave them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    /// The message.
    pub id: MessageId,
}

impl Operation for Raw {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/messages/raw";
    const SUMMARY: &'static str = "A message's bytes, exactly as the server gave them";
    type Answer = Octets;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Octets, Fault> {
        service.raw_message(caller, self.id.0).map(Octets)
    }
}

/// The next messages of a folder for an export, in the order of their ids.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The account.
    pub account: String,
    /// The folder.
    pub folder: String,
    /// Those after this one; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<MessageId>,
}

/// A message of an export.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct PageMessage {
    /// Its id.
    pub id: MessageId,
    /// Its flags, as IMAP writes them.
    pub flags: Vec<String>,
    /// When it arrived, in microseconds since 1970.
    pub internal_date_us: i64,
    /// Octets.
    pub size: u64,
    /// The first address in From.
    pub sender: Option<String>,
}

impl From<Export> for PageMessage {
    fn from(row: Export) -> Self {
        let system = row.flags.system().map(|flag: SystemFlag| format!("\\{}", flag.name()));
        Self {
            id: row.id.into(),
            flags: system.chain(row.flags.keywords().iter().cloned()).collect(),
            internal_date_us: row.internal_date.0,
            size: row.size,
            sender: row.sender,
        }
    }
}

impl Operation for Page {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/messages/page";
    const SUMMARY: &'static str =
        "A folder's messages, page by page, for an export; an empty page is the end";
    type Answer = Vec<PageMessage>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<PageMessage>, Fault> {
        let after = self.after.map_or(PlacementId(0), |after| after.0);
        let rows = service.export_page(caller, &self.account, &self.folder, after)?;
        Ok(rows.into_iter().map(PageMessage::from).collect())
    }
}
