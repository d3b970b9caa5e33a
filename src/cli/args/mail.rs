//! What can be said of messages, folders and the outbox.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `postrider mail …`
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Messages, newest first.
    List(MailQuery),
    /// Messages that have all these words, newest first. Also from: to: subject: folder: account: before: after:
    /// has:attachment is:unread
    Search(MailQuery),
    /// One message.
    Show {
        /// Its id, such as m17.
        id: String,
        /// Print its bytes as the server gave them.
        #[arg(long)]
        raw: bool,
    },
    /// Write folders to files, byte for byte.
    Export(MailExport),
    /// Set and take away flags: `mail flag m17 m18 +seen -flagged +Keyword`.
    Flag {
        /// Ids, such as m17, and flags with + or - before them: seen, answered, flagged, draft, or any keyword.
        #[arg(required = true, allow_hyphen_values = true, value_name = "ID|+FLAG|-FLAG")]
        words: Vec<String>,
    },
    /// Move messages to another folder of their account.
    Move(MailTo),
    /// Copy messages to another folder of their account.
    Copy(MailTo),
    /// Send a message: from a file or standard input, or made of what is given here.
    Send(MailNew),
    /// Keep a message as a draft.
    Draft(MailNew),
    /// Delete messages: into the trash, or for good where they are in it.
    Delete {
        /// Ids, such as m17.
        #[arg(required = true)]
        ids: Vec<String>,
        /// For good, not into the trash. `mail restore` brings them back until `keep_deleted` is over.
        #[arg(long)]
        expunge: bool,
    },
    /// Bring back what was deleted.
    Restore {
        /// Ids, such as m17.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Erase deleted messages here for good: bytes, history and all. Nothing brings them back.
    Purge {
        /// Ids, such as m17; `mail list --deleted` prints them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// A message that is written.
#[derive(Debug, Args)]
pub struct MailNew {
    /// The account; not needed where one is the default sender, or the only one that sends.
    #[arg(long)]
    pub account: Option<String>,
    /// The whole message, headers and all: a file, or - for standard input.
    #[arg(value_name = "FILE", conflicts_with_all = ["to", "cc", "bcc", "subject", "text", "html", "attach", "inline", "reply_to_id", "forward_id"])]
    pub file: Option<PathBuf>,
    /// To whom: addresses with or without names, with commas between. May be given several times.
    #[arg(long, value_name = "ADDRESSES")]
    pub to: Vec<String>,
    /// Who gets a copy.
    #[arg(long, value_name = "ADDRESSES")]
    pub cc: Vec<String>,
    /// Who gets a copy that the others do not hear of.
    #[arg(long, value_name = "ADDRESSES")]
    pub bcc: Vec<String>,
    /// The subject.
    #[arg(long)]
    pub subject: Option<String>,
    /// The text; @FILE reads it from a file, - from standard input.
    #[arg(long)]
    pub text: Option<String>,
    /// The HTML; @FILE reads it from a file.
    #[arg(long)]
    pub html: Option<String>,
    /// A file that goes with it. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
    /// A picture that the HTML shows as cid:NAME, NAME being the file's. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub inline: Vec<PathBuf>,
    /// The message that is answered.
    #[arg(long, value_name = "ID")]
    pub reply_to_id: Option<String>,
    /// Answer everybody who got it.
    #[arg(long, requires = "reply_to_id")]
    pub all: bool,
    /// The message that is passed on.
    #[arg(long, value_name = "ID", conflicts_with = "reply_to_id")]
    pub forward_id: Option<String>,
    /// Only put it into the outbox: the next run sends it.
    #[arg(long)]
    pub later: bool,
}

/// `postrider outbox …`
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// What is not sent yet.
    List {
        /// Only of this account.
        #[arg(long)]
        account: Option<String>,
        /// What is sent, failed or given up as well.
        #[arg(long)]
        all: bool,
    },
    /// One entry.
    Show {
        /// Its id, such as o3.
        id: String,
        /// Print the message's bytes.
        #[arg(long)]
        raw: bool,
    },
    /// Try a message again that waits, is uncertain, or failed.
    Retry {
        /// Its id, such as o3.
        id: String,
    },
    /// Give a message up.
    Drop {
        /// Its id, such as o3.
        id: String,
    },
}

/// Which messages, and where to.
#[derive(Debug, Args)]
pub struct MailTo {
    /// Ids, such as m17.
    #[arg(required = true)]
    pub ids: Vec<String>,
    /// The folder.
    #[arg(long, value_name = "FOLDER")]
    pub to: String,
}

/// Which messages.
#[derive(Debug, Args)]
pub struct MailQuery {
    /// Words and terms.
    pub query: Vec<String>,
    /// Only of this account.
    #[arg(long)]
    pub account: Option<String>,
    /// Only in this folder.
    #[arg(long)]
    pub folder: Option<String>,
    /// Only from or to this contact, in all mailboxes that you may read.
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Those that were deleted and can be restored.
    #[arg(long)]
    pub deleted: bool,
}

/// `postrider mail export`
#[derive(Debug, Args)]
pub struct MailExport {
    /// The account.
    #[arg(long)]
    pub account: String,
    /// A folder; may be given several times [default: all].
    #[arg(long = "folder", value_name = "FOLDER")]
    pub folders: Vec<String>,
    /// The form.
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The directory to write to; made where it is not there.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// A form of export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// DIR/FOLDER/ID.eml, the bytes as the server gave them.
    Eml,
    /// DIR/FOLDER/{cur,new,tmp}, the bytes as the server gave them.
    Maildir,
    /// DIR/FOLDER.mbox, with `From ` lines quoted (mboxrd).
    Mbox,
}

/// `postrider folder …`
#[derive(Debug, Subcommand)]
pub enum FolderCommand {
    /// All folders that are here.
    List {
        /// Only of this account.
        #[arg(long)]
        account: Option<String>,
    },
    /// Make a folder, on the server and here.
    Create {
        /// Its name, with / between levels.
        name: String,
        /// The account.
        #[arg(long)]
        account: String,
    },
    /// Rename a folder, and with it those below it.
    Rename {
        /// Its name.
        from: String,
        /// Its new name, whole.
        to: String,
        /// The account.
        #[arg(long)]
        account: String,
    },
    /// Delete a folder.
    Delete {
        /// Its name.
        name: String,
        /// The account.
        #[arg(long)]
        account: String,
        /// Delete it although messages are in it.
        #[arg(long)]
        with_messages: bool,
    },
}
