//! Messages that people write: sent, put off, kept as drafts (F2.6, F2.4).

use std::collections::BTreeMap;

use chrono::DateTime;
use postrider_formats::{
    compose::{
        Composed, InlinePart, Mailbox, Outgoing as Written, Part, Purpose, Stamp, compose, content_type_of,
        forward, parse_mailboxes, prepare_raw, reply_to,
    },
    message,
};
use postrider_journal::{Event, State};
use postrider_model::{AccountId, ErrorClass, Fault, Flags, FolderRole, OutboxId, PlacementId, SystemFlag};
use postrider_store::{AuditEntry, Body, Filing, NewOutgoing, Outcome, Outgoing, StoreError};
use serde::Serialize;

use super::{Caller, Service, signature::signature};
use crate::{
    access::{Act, Right},
    config::{Account, ReadyAccount, domain_of, fault},
    sync::{Leave, incoming_of},
};

/// A file that goes with a message, read already.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Its name, without folders.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A message that a person wrote.
#[derive(Debug, Clone)]
pub enum NewMail {
    /// Whole, as a file has it.
    Raw(Vec<u8>),
    /// In its parts.
    Parts(Box<MailParts>),
}

/// The parts of a message, as they are typed.
#[derive(Debug, Clone, Default)]
pub struct MailParts {
    /// To whom: addresses with or without names, separated by commas.
    pub to: Vec<String>,
    /// Who gets a copy.
    pub cc: Vec<String>,
    /// Who gets a copy that the others do not hear of.
    pub bcc: Vec<String>,
    /// The subject; absent: the one of the message that is answered or passed on.
    pub subject: Option<String>,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// Files that go with it.
    pub attachments: Vec<NewFile>,
    /// Pictures that the HTML shows as `cid:NAME`.
    pub inline: Vec<NewFile>,
    /// The message that is answered.
    pub reply_to: Option<PlacementId>,
    /// Whether the answer goes to everybody.
    pub to_all: bool,
    /// The message that is passed on.
    pub forward: Option<PlacementId>,
}

/// An entry of the outbox, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutboxView {
    /// Its id.
    pub id: OutboxId,
    /// The account's name.
    pub account: String,
    /// `queued`, `sending`, `uncertain`, `sent`, `failed`, `dropped`.
    pub state: &'static str,
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

impl OutboxView {
    fn new(entry: Outgoing, account: String) -> Self {
        Self {
            id: entry.id,
            account,
            state: state_name(entry.state),
            subject: entry.subject,
            message_id: entry.message_id,
            recipients: entry.recipients,
            refused: entry.refused.into_iter().map(|one| (one.address, one.why)).collect(),
            attempts: entry.attempt,
            next_try: (entry.state == State::Noted).then(|| entry.due.seconds()),
            error: entry.error,
            filed: entry.filing == Filing::Filed,
        }
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Noted => "queued",
        State::Sent => "sending",
        State::Unknown => "uncertain",
        State::Done => "sent",
        State::Stale | State::Failed => "failed",
        State::Withdrawn => "dropped",
    }
}

impl Service {
    /// The account that a message goes out from: the one that is named, else the default sender, else the only one that sends.
    ///
    /// # Errors
    /// Where none of these is one, or the caller may not send from it.
    pub fn sender(&self, caller: &Caller, named: Option<&str>) -> Result<String, Fault> {
        if let Some(name) = named {
            self.permit(caller, Act::SendMail, name)?;
            self.config.account(name).map_err(|errors| fault(&errors))?;
            return Ok(name.to_owned());
        }
        let accounts =
            self.config.accounts.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
        let may_send = |name: &str| self.may(caller, Act::SendMail, name);
        let sending: Vec<_> =
            accounts.filter(|(name, account)| account.mail.send && may_send(name)).collect();
        // Another's default is none for whoever may send from it too.
        let is_default = |name: &str, account: &Account| {
            account.mail.default_sender && self.rights(caller, name).has(Right::Own)
        };
        let default = sending.iter().find(|(name, account)| is_default(name, account));
        match (default, sending.as_slice()) {
            (Some((name, _)), _) | (None, [(name, _)]) => Ok((*name).clone()),
            _ => Err(Fault::new(
                ErrorClass::Config,
                "choose the account to send from",
                "none is the default sender",
            )
            .hint("name one with --account, or set `default_sender = true` under [mail] of one")),
        }
    }

    /// Puts a message into the outbox. The next run of its account sends it.
    ///
    /// # Errors
    /// An account that does not send, a foreign From, no recipient, a value that cannot stand in a header, a disk that is nearly full.
    pub fn queue_mail(&mut self, caller: &Caller, account: &str, mail: NewMail) -> Result<OutboxId, Fault> {
        self.permit(caller, Act::SendMail, account)?;
        let ready = self.config.ready(account).map_err(|errors| fault(&errors))?;
        let action = format!("send from account {account}");
        if ready.smtp.is_none() {
            return Err(Fault::new(ErrorClass::Config, action, "it does not send")
                .hint("set `send = true` under [mail] of the account, and [smtp] in its provider's file"));
        }
        let written = self.write(caller, &ready, mail, Purpose::Send)?;
        self.must_have_room(&action, &written)?;
        let subject = message::parse(&written.bytes).subject;
        let new = NewOutgoing {
            body: Body::new(written.bytes)?,
            message_id: written.message_id,
            subject,
            sender: written.envelope_from,
            recipients: written.recipients,
            files: ready.mail.load && !files_sent(&ready),
        };
        let now = self.world.clock.now();
        let (name, address) = (ready.name.clone(), ready.address.clone());
        let line = self.line(caller, Act::SendMail, account, "");
        let queued = self.durable_writer()?.transaction(|tx| {
            let id = tx.ensure_account(&name, &address)?;
            let entry = tx.enqueue(id, &new, now)?;
            tx.audit(sending(line, entry))?;
            Ok(entry)
        });
        Ok(queued?)
    }

    /// Keeps a message as a draft: here at once, on the server with the next run.
    ///
    /// # Errors
    /// As [`queue_mail`](Self::queue_mail), and an account without a folder for drafts.
    pub fn draft_mail(
        &mut self,
        caller: &Caller,
        account: &str,
        mail: NewMail,
    ) -> Result<PlacementId, Fault> {
        self.permit(caller, Act::DraftMail, account)?;
        let ready = self.config.ready(account).map_err(|errors| fault(&errors))?;
        let written = self.write(caller, &ready, mail, Purpose::Draft)?;
        self.must_have_room(&format!("keep a draft in account {account}"), &written)?;
        let mut flags = Flags::NONE;
        [SystemFlag::Draft, SystemFlag::Seen].into_iter().for_each(|flag| flags.insert(flag));
        let now = self.world.clock.now();
        let incoming = incoming_of(written.bytes, flags, now)?;
        let drafts = self.folder_of_role(caller, account, FolderRole::Drafts)?;
        let reader = self.reader()?;
        let id = self.account_in_store(caller, Act::DraftMail, &reader, account)?.id;
        let line = self.line(caller, Act::DraftMail, account, "");
        Ok(self.durable_writer()?.transaction(|tx| {
            let draft = tx.insert_unsent_message(id, drafts, &incoming, now)?;
            tx.audit(AuditEntry { object: draft.to_string(), ..line })?;
            Ok(draft)
        })?)
    }

    fn folder_of_role(
        &self,
        caller: &Caller,
        account: &str,
        role: FolderRole,
    ) -> Result<postrider_model::CollectionId, Fault> {
        let reader = self.reader()?;
        let id = self.account_in_store(caller, Act::DraftMail, &reader, account)?.id;
        let found =
            reader.folders(id)?.into_iter().find(|folder| folder.role == Some(role) && folder.gone.is_none());
        found.map(|folder| folder.id).ok_or_else(|| {
            Fault::new(
                ErrorClass::Config,
                format!("find the folder for {} of account {account}", role.name()),
                "no folder that is followed here is one",
            )
            .hint("`postrider folder list` tells what each folder is for; `folders` of the account names those that are followed")
        })
    }

    /// The outbox of the accounts that the caller may send from: what is not done with, or all that is still known.
    ///
    /// # Errors
    /// An account that is not there.
    pub fn outbox(
        &self,
        caller: &Caller,
        account: Option<&str>,
        all: bool,
    ) -> Result<Vec<OutboxView>, Fault> {
        let entries = self.entries(caller, account, all)?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        entries.iter().for_each(|entry| *counts.entry(entry.account.as_str()).or_default() += 1);
        for (account, count) in counts {
            self.note_look(caller, Act::SeeOutbox, account, &format!("{count} entries"));
        }
        Ok(entries)
    }

    fn entries(&self, caller: &Caller, account: Option<&str>, all: bool) -> Result<Vec<OutboxView>, Fault> {
        let reader = self.reader()?;
        let accounts = self.accounts_for(caller, Act::SeeOutbox, &reader)?;
        let named = account.map(|name| self.account_in_store(caller, Act::SeeOutbox, &reader, name));
        let only = named.transpose()?;
        let name_of = |id: AccountId| {
            let found = accounts.iter().find(|account| account.id == id);
            found.map(|account| account.name.clone())
        };
        let entries = reader.outbox(only.map(|account| account.id), all)?;
        Ok(entries
            .into_iter()
            .filter_map(|entry| {
                let account = name_of(entry.account)?;
                Some(OutboxView::new(entry, account))
            })
            .collect())
    }

    /// Has a message tried again: one that waits at once, one that is uncertain or failed once more. The latter is another entry.
    ///
    /// # Errors
    /// An entry that is not there, is sent, or is being sent.
    pub fn retry_outgoing(&mut self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let now = self.world.clock.now();
        let account = self.permit_entry(caller, Act::RetryOutgoing, id)?;
        let line = self.line(caller, Act::RetryOutgoing, &account, &id.to_string());
        let again = self.line(caller, Act::SendMail, &account, "");
        let retried = self.durable_writer()?.transaction(|tx| {
            let entry = tx.outgoing(id)?;
            let retried = match entry.state {
                // Due from now on; the state stays.
                State::Noted => {
                    tx.make_due(id, now)?;
                    Some(id)
                }
                State::Unknown => {
                    tx.step_outgoing(id, Event::Absent { due: now }, now)?;
                    Some(id)
                }
                State::Failed | State::Withdrawn | State::Stale => {
                    let mut to = entry.recipients.clone();
                    to.extend(entry.refused.iter().map(|one| one.address.clone()));
                    let new = tx.enqueue_again(id, &to, now)?;
                    tx.audit(sending(again, new))?;
                    Some(new)
                }
                State::Sent | State::Done => None,
            };
            if retried.is_some() {
                tx.audit(line)?;
            }
            Ok(retried)
        })?;
        match retried {
            Some(id) => self.known_entry(caller, id),
            None => {
                Err(Fault::new(ErrorClass::Config, format!("try {id} again"), "it is sent, or being sent")
                    .hint("`postrider outbox list --all` tells how far each is"))
            }
        }
    }

    /// Gives a message up that is not sent.
    ///
    /// # Errors
    /// An entry that is not there, or is sent.
    pub fn drop_outgoing(&mut self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let now = self.world.clock.now();
        let account = self.permit_entry(caller, Act::DropOutgoing, id)?;
        let line = self.line(caller, Act::DropOutgoing, &account, &id.to_string());
        let dropped = self.durable_writer()?.transaction(|tx| {
            let state = tx.outgoing(id)?.state;
            if state == State::Unknown {
                tx.step_outgoing(id, Event::Absent { due: now }, now)?;
            }
            match state {
                State::Noted | State::Unknown => {
                    tx.step_outgoing(id, Event::Withdraw, now)?;
                    tx.audit(line)?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })?;
        match dropped {
            true => self.known_entry(caller, id),
            false => Err(Fault::new(ErrorClass::Config, format!("drop {id}"), "it is not waiting")
                .hint("`postrider outbox list --all` tells how far each is")),
        }
    }

    /// An entry's bytes.
    ///
    /// # Errors
    /// An entry that is not there.
    pub fn outgoing_bytes(&mut self, caller: &Caller, id: OutboxId) -> Result<Vec<u8>, Fault> {
        let account = self.permit_entry(caller, Act::SeeOutbox, id)?;
        let bytes = self.writer()?.transaction(|tx| tx.outgoing_bytes(id))?;
        self.note_look(caller, Act::SeeOutbox, &account, &id.to_string());
        Ok(bytes)
    }

    /// The account of an entry with which the caller may do that. Who may not send from it does not see its entries.
    fn permit_entry(&self, caller: &Caller, act: Act, id: OutboxId) -> Result<String, Fault> {
        let reader = self.reader()?;
        let unknown = || Fault::from(StoreError::NoSuchEntry(id));
        let entry =
            reader.outbox(None, true)?.into_iter().find(|entry| entry.id == id).ok_or_else(unknown)?;
        let mut accounts = reader.accounts()?.into_iter();
        let account = accounts.find(|account| account.id == entry.account).ok_or_else(unknown)?;
        if !self.may(caller, act, &account.name) {
            self.note_refused(caller, act, &account.name, &id.to_string());
            return Err(unknown());
        }
        Ok(account.name)
    }

    /// One entry.
    ///
    /// # Errors
    /// An entry that is not there.
    pub fn entry(&self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let entry = self.known_entry(caller, id)?;
        self.note_look(caller, Act::SeeOutbox, &entry.account, &id.to_string());
        Ok(entry)
    }

    /// The same for who has just changed it: the change has a line of its own.
    fn known_entry(&self, caller: &Caller, id: OutboxId) -> Result<OutboxView, Fault> {
        let found = self.entries(caller, None, true)?.into_iter().find(|entry| entry.id == id);
        found.ok_or_else(|| StoreError::NoSuchEntry(id).into())
    }

    /// That what is kept here leaves room for what has to be noted when it goes out (F10.2).
    fn must_have_room(&mut self, action: &str, written: &Written) -> Result<(), Fault> {
        let leave = Leave::new(self.store()?, self.world.disk.clone());
        leave.to_write(action, written.bytes.len() as u64)
    }

    /// Writes the message down, and checks that it may go out from that account.
    fn write(
        &self,
        caller: &Caller,
        account: &ReadyAccount,
        mail: NewMail,
        purpose: Purpose,
    ) -> Result<Written, Fault> {
        let own = vec![account.address.clone()];
        let stamp = self.stamp(&account.address);
        let written = match mail {
            NewMail::Raw(raw) => prepare_raw(&raw, &own, &stamp, purpose),
            NewMail::Parts(parts) => {
                let composed = self.composed(caller, account, *parts, &own)?;
                compose(composed, &stamp, &mut || self.boundary(), purpose)
            }
        };
        written.map_err(|error| {
            Fault::new(
                ErrorClass::Config,
                format!("write a message of account {}", account.name),
                error.to_string(),
            )
        })
    }

    fn composed(
        &self,
        caller: &Caller,
        account: &ReadyAccount,
        parts: MailParts,
        own: &[String],
    ) -> Result<Composed, Fault> {
        let from =
            Mailbox { name: account.mail.alias.clone().unwrap_or_default(), email: account.address.clone() };
        let mut composed = Composed {
            from,
            to: people("--to", &parts.to)?,
            cc: people("--cc", &parts.cc)?,
            bcc: people("--bcc", &parts.bcc)?,
            text: parts.text,
            html: parts.html,
            attachments: parts.attachments.into_iter().map(attachment).collect(),
            inline: parts.inline.into_iter().map(|file| picture(file.name.clone(), file)).collect(),
            signature: signature(&account.mail)?,
            ..Composed::default()
        };
        if let Some(id) = parts.reply_to {
            let parent = message::parse(&self.raw_message(caller, id)?);
            let reply = reply_to(&parent, parts.to_all, own);
            composed.subject = reply.subject;
            composed.in_reply_to = reply.in_reply_to;
            composed.references = reply.references;
            if composed.to.is_empty() {
                (composed.to, composed.cc) = (reply.to, [composed.cc, reply.cc].concat());
            }
        }
        if let Some(id) = parts.forward {
            let passed_on = forward(&self.raw_message(caller, id)?);
            composed.subject = passed_on.subject;
            composed.references = passed_on.references;
            composed.attachments.push(passed_on.attachment);
        }
        if let Some(subject) = parts.subject {
            composed.subject = subject;
        }
        Ok(composed)
    }

    /// Date and Message-ID. The id is drawn, and tells of nothing but the address's domain.
    fn stamp(&self, address: &str) -> Stamp {
        let now = self.world.clock.now();
        let date = DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default().fixed_offset();
        let domain =
            domain_of(address).filter(|domain| domain.is_ascii()).unwrap_or_else(|| "localhost".to_owned());
        let (high, low) = (self.world.entropy.next_u64(), self.world.entropy.next_u64());
        Stamp { date, message_id: format!("{high:016x}{low:016x}@{domain}") }
    }

    fn boundary(&self) -> String {
        format!("{:016x}{:016x}", self.world.entropy.next_u64(), self.world.entropy.next_u64())
    }
}

/// The line of a message that is on its way; the run that ends that adds how.
fn sending(line: AuditEntry, entry: OutboxId) -> AuditEntry {
    AuditEntry { object: entry.to_string(), outcome: Outcome::Begun, ..line }
}

/// Whether the account's server puts what it sends into Sent by itself. Gmail does
/// (<https://support.google.com/mail/answer/78892>), Exchange Online and Outlook.com do.
fn files_sent(account: &ReadyAccount) -> bool {
    matches!(account.provider.as_str(), "gmail" | "microsoft365" | "outlook")
}

fn people(option: &str, lists: &[String]) -> Result<Vec<Mailbox>, Fault> {
    let mut all = Vec::new();
    for list in lists {
        all.extend(parse_mailboxes(option, list).map_err(|error| {
            Fault::new(ErrorClass::Config, "read addresses", error.to_string())
                .hint("addresses are written `anna@example.com` or `Anna Smith <anna@example.com>`, with commas between")
        })?);
    }
    Ok(all)
}

fn attachment(file: NewFile) -> Part {
    Part { content_type: content_type_of(&file.name).to_owned(), name: file.name, bytes: file.bytes }
}

pub(super) fn picture(content_id: String, file: NewFile) -> InlinePart {
    let content_type = content_type_of(&file.name).to_owned();
    InlinePart { content_id, name: file.name, content_type, bytes: file.bytes }
}
