//! Every act that needs a right: what it is called in the audit log, and which right it needs. docs/rights.md is this table in words.

use super::rights::{Right, Rights};
use crate::config::Operation;

/// Something that is done through an account, or to the configuration of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Seeing that an account is there, and how it is.
    SeeAccount,
    /// Trying what an account uses.
    TestAccount,
    /// Name, folders, period, interval, signature.
    SetAccount,
    /// Another password, another consent.
    LogInAccount,
    /// Erasing what its login keeps here.
    DisconnectAccount,
    /// Taking it away.
    RemoveAccount,
    /// Making it a shared mailbox.
    ConnectMailbox,
    /// Changing what is granted of one.
    ManageMailbox,
    /// Listing or searching its messages, listing its folders.
    ListMail,
    /// Seeing one message.
    ReadMail,
    /// Writing its folders to files.
    ExportMail,
    /// Flags.
    FlagMail,
    /// To another folder.
    MoveMail,
    /// To another folder, once more.
    CopyMail,
    /// To the trash, or for good on the server.
    DeleteMail,
    /// Back from there.
    RestoreMail,
    /// For good, here.
    PurgeMail,
    /// Keeping a draft.
    DraftMail,
    /// Putting a message into the outbox.
    SendMail,
    /// Seeing what is to be sent.
    SeeOutbox,
    /// Trying it again.
    RetryOutgoing,
    /// Giving it up.
    DropOutgoing,
    /// Making a folder.
    CreateFolder,
    /// Renaming one.
    RenameFolder,
    /// Deleting one.
    DeleteFolder,
    /// Seeing which calendars its server has.
    SeeCalendars,
    /// Making one, renaming one.
    ChangeCalendars,
    /// Running it.
    Sync,
    /// Letting through what is held.
    Allow,
    /// Adding an account of one's own with a known provider, and a password that the store keeps or a consent.
    AddAccount,
    /// Any other account, for oneself or for others.
    AddAnyAccount,
    /// Adding a provider: hosts.
    AddProvider,
    /// Removing one.
    RemoveProvider,
    /// Backing the store up, compacting it, adopting it, changing its key.
    ManageStore,
    /// The audit log.
    SeeAudit,
    /// Seeing a contact, a company, or what one was.
    SeeRecord,
    /// Adding a contact, a company, a tag or a group of one's own.
    AddRecord,
    /// Changing one that one sees.
    ChangeRecord,
    /// Deleting one, bringing it back, or showing it to others.
    OwnRecord,
    /// Renaming a tag or a group that all see, or taking it away.
    ManageLabel,
    /// Reading the configuration anew.
    Reload,
    /// The numbers of all accounts.
    SeeNumbers,
    /// Making a token for oneself.
    MakeToken,
    /// Making one for another user.
    MakeAnyToken,
    /// Taking one back.
    RevokeToken,
    /// Calling in another's name.
    ActAs,
    /// Calling at all.
    Call,
}

/// What an act needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// One of these rights on the account.
    OneOf(&'static [Right]),
    /// An operation, granted in `users.toml`.
    Operation(Operation),
    /// Both of these operations.
    Operations(Operation, Operation),
    /// One of these rights on the account, and an operation.
    Both(&'static [Right], Operation),
    /// To be the record's owner, or of those to whom it is shown.
    Shown,
    /// To be the record's owner.
    Owner,
    /// To have made it, or an operation.
    Maker(Operation),
    /// To be a user who is known.
    Known,
}

/// What comes of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be.
    Allowed,
    /// The caller sees what it is about, and may not.
    Denied,
    /// For the caller it is not there.
    Unseen,
}

impl Act {
    /// What the audit log calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeeAccount => "account.show",
            Self::TestAccount => "account.test",
            Self::SetAccount => "account.set",
            Self::LogInAccount => "account.login",
            Self::DisconnectAccount => "account.disconnect",
            Self::RemoveAccount => "account.remove",
            Self::ConnectMailbox | Self::ManageMailbox => "account.share",
            Self::ListMail => "mail.list",
            Self::ReadMail => "mail.read",
            Self::ExportMail => "mail.export",
            Self::FlagMail => "mail.flag",
            Self::MoveMail => "mail.move",
            Self::CopyMail => "mail.copy",
            Self::DeleteMail => "mail.delete",
            Self::RestoreMail => "mail.restore",
            Self::PurgeMail => "mail.purge",
            Self::DraftMail => "mail.draft",
            Self::SendMail => "mail.send",
            Self::SeeOutbox => "outbox.show",
            Self::RetryOutgoing => "outbox.retry",
            Self::DropOutgoing => "outbox.drop",
            Self::CreateFolder => "folder.create",
            Self::RenameFolder => "folder.rename",
            Self::DeleteFolder => "folder.delete",
            Self::SeeCalendars => "calendar.list",
            Self::ChangeCalendars => "calendar.change",
            Self::Sync => "account.sync",
            Self::Allow => "plan.allow",
            Self::AddAccount | Self::AddAnyAccount => "account.add",
            Self::AddProvider => "provider.add",
            Self::RemoveProvider => "provider.remove",
            Self::ManageStore => "store.manage",
            Self::SeeRecord => "record.show",
            Self::AddRecord => "record.add",
            Self::ChangeRecord => "record.change",
            Self::OwnRecord => "record.own",
            Self::ManageLabel => "label.change",
            Self::SeeAudit => "audit.show",
            Self::Reload => "reload",
            Self::SeeNumbers => "numbers.show",
            Self::MakeToken | Self::MakeAnyToken => "token.create",
            Self::RevokeToken => "token.revoke",
            Self::ActAs => "act-as",
            Self::Call => "call",
        }
    }

    /// What it is in words, after "cannot".
    pub fn in_words(self, account: &str) -> String {
        let what = match self {
            Self::SeeAccount => "see",
            Self::TestAccount => "try",
            Self::SetAccount => "change",
            Self::LogInAccount => "log in",
            Self::DisconnectAccount => "disconnect",
            Self::RemoveAccount => "remove",
            Self::ConnectMailbox => "share",
            Self::ManageMailbox => "change the grants of",
            Self::Sync => "run",
            Self::AddAccount | Self::AddAnyAccount => "add",
            Self::ListMail | Self::ReadMail => "read the mail of",
            Self::ExportMail => "export the mail of",
            Self::FlagMail => "flag mail of",
            Self::MoveMail => "move mail of",
            Self::CopyMail => "copy mail of",
            Self::DeleteMail => "delete mail of",
            Self::RestoreMail => "restore mail of",
            Self::PurgeMail => "erase mail of",
            Self::DraftMail => "keep a draft in",
            Self::SendMail => "send from",
            Self::SeeOutbox | Self::RetryOutgoing | Self::DropOutgoing => "send from",
            Self::CreateFolder => "make a folder in",
            Self::RenameFolder => "rename a folder of",
            Self::DeleteFolder => "delete a folder of",
            Self::SeeCalendars => "see the calendars of",
            Self::ChangeCalendars => "change the calendars of",
            Self::Allow => "let a plan through of",
            Self::AddProvider => return "add a provider".to_owned(),
            Self::ManageStore => return "manage the store".to_owned(),
            Self::RemoveProvider => return "remove a provider".to_owned(),
            Self::SeeRecord => return format!("see {account}"),
            Self::AddRecord => return format!("add {account}"),
            Self::ChangeRecord | Self::ManageLabel => return format!("change {account}"),
            Self::OwnRecord => return format!("delete, restore or show {account}"),
            Self::SeeAudit => return "read the audit log".to_owned(),
            Self::Reload => return "reload the configuration".to_owned(),
            Self::SeeNumbers => return "see the numbers of all accounts".to_owned(),
            Self::MakeToken | Self::MakeAnyToken => return "make a token".to_owned(),
            Self::RevokeToken => return "take a token back".to_owned(),
            Self::ActAs => return "act as another user".to_owned(),
            Self::Call => return "call".to_owned(),
        };
        format!("{what} account {account}")
    }

    /// What it needs.
    pub const fn need(self) -> Need {
        match self {
            Self::SeeAccount => Need::OneOf(&Right::ALL),
            Self::TestAccount => Need::OneOf(&[Right::Configure, Right::Administer]),
            Self::SetAccount | Self::SeeCalendars | Self::ChangeCalendars => Need::OneOf(&[Right::Configure]),
            Self::LogInAccount | Self::DisconnectAccount | Self::RemoveAccount => {
                Need::OneOf(&[Right::Own, Right::Administer])
            }
            // Nobody's mailbox is shared over their head.
            Self::ConnectMailbox => Need::Both(&[Right::Own], Operation::ConnectSharedMailbox),
            Self::ManageMailbox => Need::Both(&[Right::Configure], Operation::ManageSharedMailboxSync),
            Self::ListMail | Self::ReadMail | Self::ExportMail => Need::OneOf(&[Right::Read]),
            // Whoever speaks for a mailbox keeps it in order; who reads along leaves no trace in it.
            Self::FlagMail
            | Self::MoveMail
            | Self::CopyMail
            | Self::DeleteMail
            | Self::RestoreMail
            | Self::DraftMail
            | Self::SendMail
            | Self::SeeOutbox
            | Self::RetryOutgoing
            | Self::DropOutgoing
            | Self::CreateFolder
            | Self::RenameFolder
            | Self::DeleteFolder => Need::OneOf(&[Right::Send]),
            // Nothing brings that back.
            Self::PurgeMail => Need::OneOf(&[Right::Own]),
            Self::Sync | Self::Allow => Need::OneOf(&[Right::Send, Right::Configure]),
            Self::AddAnyAccount
            | Self::AddProvider
            | Self::RemoveProvider
            | Self::ManageStore
            | Self::SeeAudit
            | Self::Reload
            | Self::SeeNumbers => Need::Operation(Operation::Administer),
            // Whoever has it acts as that other for as long as it lasts.
            Self::MakeAnyToken => Need::Operations(Operation::Administer, Operation::ActAs),
            Self::ActAs => Need::Operation(Operation::ActAs),
            Self::OwnRecord => Need::Owner,
            Self::ManageLabel => Need::Maker(Operation::Administer),
            Self::SeeRecord | Self::ChangeRecord => Need::Shown,
            Self::AddRecord | Self::AddAccount | Self::MakeToken | Self::RevokeToken | Self::Call => {
                Need::Known
            }
        }
    }

    /// Whether whoever has these rights on an account may do this with it, or sees it at all. What needs an operation alone is not about
    /// an account, and denied here; one that is needed besides is asked for by whoever enforces.
    pub fn verdict(self, rights: Rights) -> Verdict {
        match self.need() {
            _ if !rights.sees() => Verdict::Unseen,
            Need::OneOf(any) | Need::Both(any, _) if any.iter().any(|right| rights.has(*right)) => {
                Verdict::Allowed
            }
            Need::Known => Verdict::Allowed,
            Need::OneOf(_)
            | Need::Both(..)
            | Need::Operation(_)
            | Need::Operations(..)
            | Need::Shown
            | Need::Owner
            | Need::Maker(_) => Verdict::Denied,
        }
    }
}

impl Need {
    /// Where it is given.
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::OneOf([Right::Own]) | Self::Known | Self::Shown | Self::Owner => None,
            Self::OneOf([Right::Own, ..])
            | Self::Operation(_)
            | Self::Operations(..)
            | Self::Both(..)
            | Self::Maker(_) => Some("operations are given by a [[grant]] in users.toml"),
            Self::OneOf(_) => Some(
                "rights are given by a [[grant]] in a file of shared-mailboxes.d, or by `postrider account share`",
            ),
        }
    }

    /// In words, after "it needs".
    pub fn in_words(self) -> String {
        match self {
            Self::OneOf([Right::Own]) => "to be the account's user".to_owned(),
            Self::OneOf(rights) => {
                let words = rights.iter().map(|right| match right {
                    Right::Own => "to be the account's user",
                    Right::Administer => "the operation administer",
                    Right::Read => "the right read",
                    Right::Send => "the right send",
                    Right::Configure => "the right configure",
                });
                words.collect::<Vec<_>>().join(" or ")
            }
            Self::Operation(operation) => format!("the operation {}", operation.name()),
            Self::Operations(one, other) => {
                format!("the operations {} and {}", one.name(), other.name())
            }
            Self::Both(rights, operation) => {
                format!("{} and the operation {}", Self::OneOf(rights).in_words(), operation.name())
            }
            Self::Shown => "to be its owner, or of those to whom it is shown".to_owned(),
            Self::Owner => "to be its owner".to_owned(),
            Self::Maker(operation) => format!("to have made it, or the operation {}", operation.name()),
            Self::Known => "to be a user who is known".to_owned(),
        }
    }
}
