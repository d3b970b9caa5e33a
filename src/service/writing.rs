//! Messages that people write: composed, put into the outbox, kept as drafts (F2.6, F2.4).

use chrono::DateTime;
use postrider_formats::{
    compose::{
        Composed, InlinePart, Mailbox, Outgoing as Written, Part, Purpose, Stamp, compose, content_type_of,
        forward, parse_mailboxes, prepare_raw, reply_to,
    },
    message,
};
use postrider_model::{ErrorClass, Fault, Flags, FolderRole, OutboxId, PlacementId, SystemFlag};
use postrider_store::{AuditEntry, Body, NewOutgoing};

use super::{Caller, Service, outbox::sending, signature::signature};
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
        self.enqueue(caller, &ready, &action, written)
    }

    /// Puts a message that this program made into the outbox, under the account's name and address.
    ///
    /// # Errors
    /// As [`queue_mail`](Self::queue_mail).
    pub(super) fn queue_composed(
        &mut self,
        caller: &Caller,
        account: &str,
        composed: Composed,
    ) -> Result<OutboxId, Fault> {
        self.permit(caller, Act::SendMail, account)?;
        let ready = self.config.ready(account).map_err(|errors| fault(&errors))?;
        let action = format!("send from account {account}");
        let from =
            Mailbox { name: ready.mail.alias.clone().unwrap_or_default(), email: ready.address.clone() };
        let stamp = self.stamp(&ready.address);
        let composed = Composed { from, ..composed };
        let written = compose(composed, &stamp, &mut || self.boundary(), Purpose::Send)
            .map_err(|error| Fault::new(ErrorClass::Config, action.clone(), error.to_string()))?;
        self.enqueue(caller, &ready, &action, written)
    }

    fn enqueue(
        &mut self,
        caller: &Caller,
        ready: &ReadyAccount,
        action: &str,
        written: Written,
    ) -> Result<OutboxId, Fault> {
        if ready.smtp.is_none() {
            return Err(Fault::new(ErrorClass::Config, action, "it does not send")
                .hint("set `send = true` under [mail] of the account, and [smtp] in its provider's file"));
        }
        self.must_have_room(action, &written)?;
        let subject = message::parse(&written.bytes).subject;
        let new = NewOutgoing {
            body: Body::new(written.bytes)?,
            message_id: written.message_id,
            subject,
            sender: written.envelope_from,
            recipients: written.recipients,
            files: ready.mail.load && !files_sent(ready),
        };
        let now = self.world.clock.now();
        let (name, address) = (ready.name.clone(), ready.address.clone());
        let line = self.line(caller, Act::SendMail, &ready.name, "");
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
