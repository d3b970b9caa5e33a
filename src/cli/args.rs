//! The command line (spec, "Command line"): what can be said, and nothing of what it does.

mod activity;
mod api;
mod audit;
mod calendar;
mod contact;
mod mail;
mod sharing;
mod store;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use activity::{
    ActivityCommand, ActivityFields, ActivityQuery, PrivacyArg, ResponseArg, ShowAsArg, StatusArg,
};
pub use api::{ApiCommand, TokenCommand};
pub use audit::{AuditCommand, AuditList};
pub use calendar::CalendarCommand;
pub use contact::{
    CompanyCommand, ConflictsCommand, ContactCommand, ContactFields, ContactQuery, GroupCommand, ScopeArgs,
    TagCommand, Tagging, VcardArg,
};
pub use mail::{
    ExportFormat, FolderCommand, MailCommand, MailExport, MailNew, MailQuery, MailTo, OutboxCommand,
};
pub use sharing::{AccountShare, With};
pub use store::{KeyCommand, StoreCommand};

/// Keeps the mail of many accounts in step with one local store.
#[derive(Debug, Parser)]
#[command(name = "postrider", version, max_term_width = 100)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,

    /// Run every account once, or those that are named, and exit.
    #[arg(long, value_name = "ACCOUNT", num_args = 0..)]
    pub sync_now: Option<Vec<String>>,

    /// Sync only these kinds: mail, contacts, activities.
    #[arg(long, value_name = "KIND", value_delimiter = ',', requires = "sync_now")]
    pub only: Vec<Kind>,

    /// Print what a run would do, and do nothing.
    #[arg(long, requires = "sync_now")]
    pub dry_run: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration directory [default: $XDG_CONFIG_HOME/postrider; /etc/postrider for the system service].
    #[arg(long, global = true, value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more; three times, say everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only what went wrong.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Act in the name of this user.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub as_user: Option<String>,
}

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Mail.
    Mail,
    /// Contacts.
    Contacts,
    /// Appointments and tasks.
    Activities,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run accounts once: the same as `--sync-now`.
    Sync {
        /// The accounts; all of them where none is named.
        accounts: Vec<String>,
        /// Print what a run would do, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep accounts in step in the foreground: on an interval, and at once when the server tells of a change.
    Watch {
        /// The accounts; all of them where none is named.
        accounts: Vec<String>,
    },
    /// How each account is.
    Status {
        /// Look again every two seconds until interrupted.
        #[arg(long, conflicts_with = "json")]
        watch: bool,
    },
    /// Have the daemon read its configuration anew. Where anything in it is wrong, what was in force stays.
    Reload,
    /// The API by which programs ask the daemon.
    #[command(subcommand)]
    Api(ApiCommand),
    /// Look at this installation and say what is wrong with it and what to do.
    Doctor {
        /// Do not try the accounts at their servers.
        #[arg(long)]
        offline: bool,
    },
    /// Let through what waits for a person's word: deletions, contacts that would be unlinked.
    Allow {
        /// The plan's name, as `status` and the run's report print it.
        plan: String,
    },
    /// Who did what through which account, and what was refused to whom.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Services and how to reach them.
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Messages.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Folders.
    #[command(subcommand)]
    Folder(FolderCommand),
    /// Messages that are to be sent.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Calendars and task lists on servers.
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// Contacts.
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Companies.
    #[command(subcommand)]
    Company(CompanyCommand),
    /// Tags.
    #[command(subcommand)]
    Tag(TagCommand),
    /// Groups of contacts and of activities.
    #[command(subcommand)]
    Group(GroupCommand),
    /// Appointments and tasks.
    #[command(subcommand)]
    Activity(ActivityCommand),
    /// What lost against a later change, and all that records were.
    #[command(subcommand)]
    Conflicts(ConflictsCommand),
    /// The store itself: backup, restore, check, compact.
    #[command(subcommand)]
    Store(StoreCommand),
    /// The key by which the store seals passwords.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make this machine the home of a store that was put back or comes from another one, so that it sends again.
    Adopt,
}

/// `postrider provider …`
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// All that are known: built in, in files, added by command.
    List,
    /// One of them whole.
    Show {
        /// Its name.
        name: String,
    },
    /// Add a provider of type `imap`.
    Add(ProviderAdd),
    /// Remove one that was added by command and that no account uses.
    Remove {
        /// Its name.
        name: String,
    },
}

/// `postrider provider add`
#[derive(Debug, Args)]
pub struct ProviderAdd {
    /// The name by which accounts call it.
    pub name: String,
    /// Domains of the addresses that it serves.
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub domains: Vec<String>,
    /// The IMAP server: HOST or HOST:PORT.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub imap: String,
    /// How the connection to the IMAP server is secured.
    #[arg(long, value_enum, default_value_t = SecurityArg::Tls)]
    pub imap_security: SecurityArg,
    /// The SMTP server: HOST or HOST:PORT.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub smtp: Option<String>,
    /// How the connection to the SMTP server is secured.
    #[arg(long, value_enum, default_value_t = SecurityArg::Tls)]
    pub smtp_security: SecurityArg,
    /// What is given at login: the whole address, the part before the @, or a name of the account's own.
    #[arg(long, value_enum, default_value_t = LoginArg::Email)]
    pub login: LoginArg,
    /// A file of certificates (PEM) that are trusted besides the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Let passwords and mail cross the network unencrypted.
    #[arg(long)]
    pub allow_plaintext: bool,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecurityArg {
    /// TLS from the first byte.
    Tls,
    /// Plain, then TLS by STARTTLS; never without.
    Starttls,
    /// Not at all: on this machine only.
    None,
}

/// What is given at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum LoginArg {
    /// The whole address.
    Email,
    /// The part before the `@`.
    MailboxName,
    /// The account's own `login_name`.
    Manual,
}

/// `postrider account …`
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// All accounts.
    List,
    /// One of them whole, without its secrets.
    Show {
        /// Its name.
        name: String,
    },
    /// Try what an account will use, and if all of it works save the account.
    Add(AccountAdd),
    /// Try again what `add` tried.
    Test {
        /// Its name.
        name: String,
    },
    /// Store another password, or consent anew.
    Login {
        /// Its name.
        name: String,
        /// Take the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
        /// How to consent.
        #[command(flatten)]
        consent: ConsentArgs,
    },
    /// Change settings of an account that was added by command.
    Set(AccountSet),
    /// Let others use it too.
    Share(AccountShare),
    /// Take back what was granted by command.
    Unshare {
        /// Its name.
        name: String,
        /// From whom; from everybody where nobody is named.
        #[command(flatten)]
        with: With,
    },
    /// Erase what is stored for its login. Its mail stays here.
    Disconnect {
        /// Its name.
        name: String,
    },
    /// Take an account that was added by command away. Its mail stays here.
    Remove {
        /// Its name.
        name: String,
    },
}

/// `postrider account add`
#[derive(Debug, Args)]
pub struct AccountAdd {
    /// The mail address.
    pub address: String,
    /// The name by which commands call the account [default: the address's first part].
    #[arg(long)]
    pub name: Option<String>,
    /// The provider [default: the one of the address's domain].
    #[arg(long)]
    pub provider: Option<String>,
    /// The login name, where the provider says login = "manual".
    #[arg(long)]
    pub login_name: Option<String>,
    /// How much of the past comes in: 1d, 1w, 1M, 1y, all.
    #[arg(long, default_value = "1w")]
    pub period: String,
    /// A folder to follow; may be given several times [default: all].
    #[arg(long = "folder", value_name = "FOLDER")]
    pub folders: Vec<String>,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// How to consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// How to consent, where the provider wants OAuth 2.0; without any of these by a browser on this machine.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct ConsentArgs {
    /// Show a code that is typed on another device.
    #[arg(long, conflicts_with = "password_stdin")]
    pub device: bool,
    /// Take the address that the browser shows in the end from standard input.
    #[arg(long, conflicts_with = "password_stdin")]
    pub paste: bool,
}

/// Where a password comes from; without any of these it is asked for and stored encrypted.
#[derive(Debug, Clone, Args)]
#[group(multiple = false, conflicts_with = "ConsentArgs")]
pub struct PasswordArgs {
    /// Take the password from the first line of standard input and store it encrypted.
    #[arg(long)]
    pub password_stdin: bool,
    /// Read the password from this file at every login.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Run this program for the password at every login; arguments are separated by spaces, no shell is used.
    #[arg(long, value_name = "COMMAND")]
    pub password_command: Option<String>,
    /// Take the password from this systemd credential.
    #[arg(long, value_name = "NAME")]
    pub systemd_credential: Option<String>,
}

impl PasswordArgs {
    /// Whether a place was said.
    pub const fn is_given(&self) -> bool {
        self.password_stdin
            || self.password_file.is_some()
            || self.password_command.is_some()
            || self.systemd_credential.is_some()
    }
}

/// `postrider account set`
#[derive(Debug, Args)]
pub struct AccountSet {
    /// Its name.
    pub name: String,
    /// How much of the past comes in: 1d, 1w, 1M, 1y, all.
    #[arg(long)]
    pub period: Option<String>,
    /// A folder to follow; may be given several times.
    #[arg(long = "folder", value_name = "FOLDER", conflicts_with = "all_folders")]
    pub folders: Vec<String>,
    /// Follow all folders.
    #[arg(long)]
    pub all_folders: bool,
    /// The name beside the address in what is sent.
    #[arg(long, value_name = "TEXT", conflicts_with = "no_alias")]
    pub alias: Option<String>,
    /// Send under the address alone.
    #[arg(long)]
    pub no_alias: bool,
    /// The time between two runs, such as 5m.
    #[arg(long, value_name = "TIME", conflicts_with = "default_interval")]
    pub interval: Option<String>,
    /// Run it as often as the daemon runs those that say nothing.
    #[arg(long)]
    pub default_interval: bool,
    /// The plain text below what is sent, a file with it (@FILE), or standard input (-).
    #[arg(long, value_name = "TEXT", conflicts_with = "no_signature")]
    pub signature: Option<String>,
    /// Send without a signature.
    #[arg(long)]
    pub no_signature: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sync_now_takes_accounts_and_kinds() {
        let cli = Cli::try_parse_from([
            "postrider",
            "--sync-now",
            "work",
            "home",
            "--only",
            "mail,contacts",
            "--json",
        ])
        .unwrap();
        assert_eq!(cli.sync_now, Some(vec!["work".to_owned(), "home".to_owned()]));
        assert_eq!(cli.only, [Kind::Mail, Kind::Contacts]);
        assert!(cli.global.json);
        let all = Cli::try_parse_from(["postrider", "--sync-now"]).unwrap();
        assert_eq!(all.sync_now, Some(vec![]));
    }

    #[test]
    fn a_login_is_by_a_password_or_by_one_way_to_a_consent() {
        let login = ["postrider", "account", "login", "work"];
        let add = ["postrider", "account", "add", "a@example.com"];
        let table: [(&[&str], bool); 6] = [
            (&["--paste"], true),
            (&["--device"], true),
            (&["--password-stdin"], true),
            (&["--paste", "--device"], false),
            (&["--paste", "--password-stdin"], false),
            (&["--device", "--password-stdin"], false),
        ];
        for (options, fits) in table {
            for command in [&login, &add] {
                let line = [&command[..], options].concat();
                assert_eq!(Cli::try_parse_from(&line).is_ok(), fits, "{line:?}");
            }
        }
        let line = [&add[..], &["--device", "--password-file", "/p"]].concat();
        assert!(Cli::try_parse_from(line).is_err());
    }

    #[test]
    fn what_belongs_to_a_run_is_refused_without_one() {
        for line in [["postrider", "--dry-run"], ["postrider", "--only=mail"]] {
            assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
