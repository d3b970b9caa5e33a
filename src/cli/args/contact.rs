//! What can be said of contacts, companies, tags, groups, and of what they were.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `postrider contact …`
#[derive(Debug, Subcommand)]
pub enum ContactCommand {
    /// Contacts, in the order of their names.
    List(ContactQuery),
    /// One contact.
    Show {
        /// Its id, such as c5.
        id: String,
        /// Print its vCard.
        #[arg(long)]
        card: bool,
        /// Print its vCard in that version.
        #[arg(long, value_name = "VERSION", requires = "card")]
        vcard: Option<VcardArg>,
    },
    /// Add a contact: of what is given here, of a vCard, or of both.
    Add {
        /// A file with a vCard, or - for standard input.
        file: Option<PathBuf>,
        /// What it says.
        #[command(flatten)]
        fields: ContactFields,
    },
    /// Change what is named of a contact. An empty text takes a field away.
    Edit {
        /// Its id, such as c5.
        id: String,
        /// What it is to say.
        #[command(flatten)]
        fields: ContactFields,
        /// Add a mail address; may be given several times.
        #[arg(long, value_name = "[TYPE:]ADDRESS", conflicts_with = "emails")]
        add_email: Vec<String>,
        /// Take a mail address away; may be given several times.
        #[arg(long, value_name = "ADDRESS", conflicts_with = "emails")]
        remove_email: Vec<String>,
        /// Add a phone number; may be given several times.
        #[arg(long, value_name = "[TYPE:]NUMBER", conflicts_with = "phones")]
        add_phone: Vec<String>,
        /// Take a phone number away; may be given several times.
        #[arg(long, value_name = "NUMBER", conflicts_with = "phones")]
        remove_phone: Vec<String>,
    },
    /// Put a tag on contacts; one that is not there yet is made.
    Tag(Tagging),
    /// Take a tag off contacts.
    Untag(Tagging),
    /// Delete contacts. They can be restored.
    Delete {
        /// Ids, such as c5.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Bring deleted contacts back.
    Restore {
        /// Ids, such as c5; `contact list --deleted` prints them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Take the vCards of a file in.
    Import {
        /// The file, or - for standard input.
        file: PathBuf,
        /// Whose contacts they become [default: yours].
        #[arg(long, value_name = "USER")]
        user: Option<String>,
    },
    /// Write contacts to a file of vCards.
    Export {
        /// The file, which must not be there yet; - for standard output.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Only your own.
        #[arg(long)]
        mine: bool,
        /// Only what this account has on its server.
        #[arg(long)]
        account: Option<String>,
        /// In that version [default: each as it came in].
        #[arg(long, value_name = "VERSION")]
        vcard: Option<VcardArg>,
    },
}

/// Which contacts.
#[derive(Debug, Args)]
pub struct ContactQuery {
    /// Words that are in it, or that words in it begin with.
    pub query: Vec<String>,
    /// Only with that mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Only with that tag.
    #[arg(long)]
    pub tag: Option<String>,
    /// Only in that group.
    #[arg(long, conflicts_with = "tag")]
    pub group: Option<String>,
    /// Only of that company.
    #[arg(long, value_name = "ID")]
    pub company: Option<String>,
    /// Only of that type.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// Only your own.
    #[arg(long)]
    pub mine: bool,
    /// Those that were deleted and can be restored.
    #[arg(long)]
    pub deleted: bool,
    /// At most so many.
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
}

/// What a contact says.
#[derive(Debug, Args)]
pub struct ContactFields {
    /// Its name in one line [default: of the parts of the name].
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// The given name.
    #[arg(long, value_name = "TEXT")]
    pub given: Option<String>,
    /// The family's name.
    #[arg(long, value_name = "TEXT")]
    pub family: Option<String>,
    /// Further names, such as a patronymic.
    #[arg(long, value_name = "TEXT")]
    pub additional: Option<String>,
    /// The organisation.
    #[arg(long, value_name = "TEXT")]
    pub organization: Option<String>,
    /// The position.
    #[arg(long, value_name = "TEXT")]
    pub job_title: Option<String>,
    /// A mail address; all of them where it is given several times.
    #[arg(long = "email", value_name = "[TYPE:]ADDRESS")]
    pub emails: Vec<String>,
    /// A phone number; all of them where it is given several times.
    #[arg(long = "phone", value_name = "[TYPE:]NUMBER")]
    pub phones: Vec<String>,
    /// A web page; all of them where it is given several times.
    #[arg(long = "page", value_name = "URL")]
    pub pages: Vec<String>,
    /// The birthday: 1985-04-12, or --birthday=--04-12 where the year is not known.
    #[arg(long, value_name = "DAY")]
    pub birthday: Option<String>,
    /// A note, a file with it (@FILE), or standard input (-).
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// employee, customer, or another word.
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: Option<String>,
    /// The company that it is tied to [default: the one of the organisation's name].
    #[arg(long, value_name = "ID", conflicts_with = "no_company")]
    pub company: Option<String>,
    /// Tie it to no company.
    #[arg(long)]
    pub no_company: bool,
    /// Who sees it besides you: private, all, or role:NAME.
    #[arg(long, value_name = "WHO")]
    pub visible: Option<String>,
}

/// A version of vCards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VcardArg {
    /// RFC 2426, which every program reads.
    #[value(name = "3.0")]
    V3,
    /// RFC 6350.
    #[value(name = "4.0")]
    V4,
}

/// A tag, and on what.
#[derive(Debug, Args)]
pub struct Tagging {
    /// Ids of contacts, such as c5, and then the tag.
    #[arg(required = true, num_args = 2.., value_name = "ID… TAG")]
    pub words: Vec<String>,
    /// Whose the tag is.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// Whose a tag or a group is [default: the nearest of that name].
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct ScopeArgs {
    /// Yours: nobody else sees it.
    #[arg(long)]
    pub personal: bool,
    /// The house's.
    #[arg(long)]
    pub corporate: bool,
    /// Everybody's.
    #[arg(long)]
    pub public: bool,
}

/// `postrider company …`
#[derive(Debug, Subcommand)]
pub enum CompanyCommand {
    /// Companies, in the order of their names.
    List {
        /// Those that were removed and can be restored.
        #[arg(long)]
        deleted: bool,
    },
    /// Add a company.
    Add {
        /// Its name.
        name: String,
        /// Who sees it besides you: private, all, or role:NAME.
        #[arg(long, value_name = "WHO")]
        visible: Option<String>,
    },
    /// Rename a company, or show it to others.
    Edit {
        /// Its id, such as f2.
        id: String,
        /// Its name from now on.
        #[arg(long)]
        name: Option<String>,
        /// Who sees it besides you: private, all, or role:NAME.
        #[arg(long, value_name = "WHO")]
        visible: Option<String>,
    },
    /// Remove companies. Their contacts stay, and they can be restored.
    Remove {
        /// Ids, such as f2.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Bring removed companies back.
    Restore {
        /// Ids, such as f2.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// `postrider tag …`
#[derive(Debug, Subcommand)]
pub enum TagCommand {
    /// All tags that you see.
    List,
    /// Make a tag [default: a personal one].
    Add {
        /// Its name.
        name: String,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Rename a tag.
    Edit {
        /// Its name.
        name: String,
        /// Its name from now on.
        #[arg(long)]
        rename: String,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Take a tag off everything, and away.
    Remove {
        /// Its name.
        name: String,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

/// `postrider group …`
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// All groups that you see.
    List,
    /// Make a group of contacts [default: the house's].
    Add {
        /// Its name.
        name: String,
        /// Of activities.
        #[arg(long)]
        activities: bool,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Rename a group, put contacts or activities into it, take them out.
    Edit {
        /// Its name.
        name: String,
        /// Its name from now on.
        #[arg(long)]
        rename: Option<String>,
        /// A contact, or an activity, to be put into it; may be given several times.
        #[arg(long = "add", value_name = "ID")]
        add: Vec<String>,
        /// One to be taken out; may be given several times.
        #[arg(long = "remove", value_name = "ID")]
        remove: Vec<String>,
        /// It is one of activities.
        #[arg(long)]
        activities: bool,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Take a group away. What is in it stays.
    Remove {
        /// Its name.
        name: String,
        /// It is one of activities.
        #[arg(long)]
        activities: bool,
        /// Whose it is.
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

/// `postrider conflicts …`
#[derive(Debug, Subcommand)]
pub enum ConflictsCommand {
    /// What lost against a later change, newest first.
    List {
        /// Only of this record, such as c5 or a8.
        record: Option<String>,
        /// All that records were, not only what lost.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// What a record was.
    Show {
        /// Its id, such as v4.
        id: String,
    },
    /// Make a record what it was.
    Restore {
        /// Its id, such as v4.
        id: String,
    },
}
