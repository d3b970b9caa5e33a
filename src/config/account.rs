//! `accounts.d/NAME.toml`: one user's access to a provider, with its settings (spec, "Configuration").
//!
//! A file that holds an address and where the password is makes a whole account: mail comes in, a week of it at first. Contacts
//! and activities take part where their tables are there.

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;

use super::{
    error::Origin,
    name::{
        ADDRESS_FORM, CREDENTIAL_FORM, NAME_FORM, Places, TEXT_FORM, parse_address, parse_credential,
        parse_folder, parse_line, parse_name, parse_text,
    },
    reader::Section,
    settings::interval,
    time_span::{PERIOD_FORM, Period},
};
use crate::secrets::SecretSource;

/// What a list of folders looks like, for messages.
const FOLDERS_FORM: &str = "\"all\" or a list of full names such as [\"INBOX\", \"Projects/2026\"]";
/// What a list of names looks like, for messages.
const NAMES_FORM: &str = "a list of names";
/// What a choice of collections looks like, for messages.
const CHOICE_FORM: &str = "\"all\" or a list of names";

/// All of something, or what is listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// All there are.
    #[default]
    All,
    /// Those named, in the order of the file, each once.
    Listed(Vec<String>),
}

impl Choice {
    /// Whether a folder of that full name is chosen. Names are compared exactly, but for INBOX, which has no case (RFC 3501,
    /// section 5.1). A parent does not include its children (F2.2).
    pub fn includes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(names) => names.iter().any(|listed| is_same_folder(listed, name)),
        }
    }

    /// The names that are listed; none where all are chosen.
    pub fn listed(&self) -> &[String] {
        match self {
            Self::All => &[],
            Self::Listed(names) => names,
        }
    }
}

fn is_same_folder(one: &str, other: &str) -> bool {
    one == other || (one.eq_ignore_ascii_case("INBOX") && other.eq_ignore_ascii_case("INBOX"))
}

/// One user's access to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its address, with the domain in lower case.
    pub address: String,
    /// Whose it is; `None` for the store's owner.
    pub user: Option<String>,
    /// Its provider; `None` for the one that the address's domain names.
    pub provider: Option<String>,
    /// What it logs in as where the provider says `manual`.
    pub login_name: Option<String>,
    /// Where its password comes from; `None` where it logs in without one.
    pub password: Option<SecretSource>,
    /// `[mail]`
    pub mail: MailSettings,
    /// `[contacts]`, where the table is there.
    pub contacts: Option<ContactSettings>,
    /// `[activities]`, where the table is there.
    pub activities: Option<ActivitySettings>,
    /// `[sync]`
    pub sync: SyncSettings,
    /// Where it was defined.
    pub origin: Origin,
}

/// `[mail]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Whether mail comes in; true.
    pub load: bool,
    /// Whether mail may be sent; true.
    pub send: bool,
    /// Whether it runs by itself; true (F2.2).
    pub auto: bool,
    /// How far back the first load reaches; one week.
    pub period: Period,
    /// The folders that are kept; all.
    pub folders: Choice,
    /// Whether its user sends from it unless told otherwise.
    pub default_sender: bool,
    /// The name beside the address in what is sent.
    pub alias: Option<String>,
    /// The text of the signature.
    pub signature: Option<String>,
    /// The file of the signature, where no text is given.
    pub signature_file: Option<PathBuf>,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            load: true,
            send: true,
            auto: true,
            period: Period::default(),
            folders: Choice::All,
            default_sender: false,
            alias: None,
            signature: None,
            signature_file: None,
        }
    }
}

/// The types of contacts that Exchange export knows (F3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactType {
    /// A colleague.
    Employee,
    /// A customer.
    Customer,
}

/// What deleting on one side does on the other (F3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deletions {
    /// It only ends the link.
    #[default]
    Unlink,
    /// It deletes there too.
    Propagate,
}

/// `[contacts]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactSettings {
    /// Whether it runs by itself.
    pub auto: bool,
    /// Whether contacts come in.
    pub import: bool,
    /// Whether contacts go out.
    pub export: bool,
    /// The contact folders that come in (Exchange).
    pub folders: Choice,
    /// The types that go out (Exchange); `None` for all.
    pub types: Option<Vec<ContactType>>,
    /// The groups that go out (Exchange).
    pub groups: Vec<String>,
    /// What deleting does (Exchange).
    pub deletions: Deletions,
    /// The personal tag that is kept in step (Google).
    pub tag: Option<String>,
    /// The name of the contact group there (Google).
    pub group_name: String,
}

/// `[activities]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitySettings {
    /// Whether it runs by itself.
    pub auto: bool,
    /// Whether appointments come in.
    pub import_appointments: bool,
    /// Whether tasks come in.
    pub import_tasks: bool,
    /// Whether activities go out.
    pub export: bool,
    /// What ended before that day and does not recur stays out (F4.8).
    pub since: Option<NaiveDate>,
    /// The calendars that come in.
    pub calendars: Choice,
    /// The calendar into which activities go out.
    pub calendar: Option<String>,
    /// The task lists that come in.
    pub task_lists: Choice,
    /// The groups that go out; `None` for all.
    pub groups: Option<Vec<String>>,
}

/// `[sync]`: the times between runs, where they differ from the daemon's (F6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SyncSettings {
    /// Of all kinds.
    pub interval: Option<Duration>,
    /// Of mail.
    pub mail_interval: Option<Duration>,
    /// Of contacts.
    pub contacts_interval: Option<Duration>,
    /// Of activities.
    pub activities_interval: Option<Duration>,
}

/// An account without name and origin, which the reader of its file adds.
pub(super) struct AccountBody {
    address: String,
    user: Option<String>,
    provider: Option<String>,
    login_name: Option<String>,
    password: Option<SecretSource>,
    mail: MailSettings,
    contacts: Option<ContactSettings>,
    activities: Option<ActivitySettings>,
    sync: SyncSettings,
}

impl AccountBody {
    /// The account with its name and its origin.
    pub(super) fn into_account(self, name: String, origin: Origin) -> Account {
        let Self { address, user, provider, login_name, password, mail, contacts, activities, sync } = self;
        Account {
            name,
            address,
            user,
            provider,
            login_name,
            password,
            mail,
            contacts,
            activities,
            sync,
            origin,
        }
    }

    /// Reads the outermost table of an account's file.
    pub(super) fn parse(root: Section<'_, '_>, places: &Places) -> Option<Self> {
        let address = root.parsed("address", ADDRESS_FORM, parse_address);
        let address = root.required("address", address, ADDRESS_FORM);
        let user = root.parsed("user", NAME_FORM, parse_name);
        let provider = root.parsed("provider", "the name of a provider", parse_name);
        let login_name = root.parsed("login_name", "a text of one line", parse_line);
        let password = root.table("credentials").and_then(|section| read_credentials(section, places));
        let mail = root.table("mail").map(|section| read_mail(section, places)).unwrap_or_default();
        let contacts = root.table("contacts").map(read_contacts);
        let activities = root.table("activities").map(read_activities);
        let sync = root.table("sync").map(read_sync).unwrap_or_default();
        root.finish();
        Some(Self {
            address: address?,
            user,
            provider,
            login_name,
            password,
            mail,
            contacts,
            activities,
            sync,
        })
    }
}

/// The keys of `[credentials]`, of which one is given.
const SOURCES: &str = "one of password_file, password_command, systemd_credential, stored = true";

fn read_credentials(section: Section<'_, '_>, places: &Places) -> Option<SecretSource> {
    section.keep_confidential();
    let file = section.parsed("password_file", "the path of a file", |text| places.path(text));
    let command = read_command(&section);
    let credential = section.parsed("systemd_credential", CREDENTIAL_FORM, parse_credential);
    let stored = section.bool("stored").unwrap_or(false);
    if section.gives("password") {
        let hint = "keep the password out of this file: `postrider account add` stores it encrypted, or name a file, a \
                    command or a systemd credential";
        section.forbid("password", SOURCES, hint);
    }
    let sources = [
        file.map(SecretSource::File),
        command.map(SecretSource::Command),
        credential.map(SecretSource::SystemdCredential),
        stored.then_some(SecretSource::Stored),
    ];
    let mut sources = sources.into_iter().flatten();
    let source = sources.next();
    if sources.next().is_some() {
        section.error_here("several of them", SOURCES);
    }
    section.finish();
    source
}

fn read_command(section: &Section<'_, '_>) -> Option<Vec<String>> {
    let expected =
        "a list of the program and its arguments, such as [\"pass\", \"mail/work\"], since no shell is run";
    let words =
        section.list("password_command", expected, |word| (!word.contains('\0')).then(|| word.to_owned()))?;
    if words.first().is_none_or(String::is_empty) {
        section.error("password_command", "no program", expected);
        return None;
    }
    Some(words)
}

fn read_mail(section: Section<'_, '_>, places: &Places) -> MailSettings {
    let default = MailSettings::default();
    let settings = MailSettings {
        load: section.bool("load").unwrap_or(default.load),
        send: section.bool("send").unwrap_or(default.send),
        auto: section.bool("auto").unwrap_or(default.auto),
        period: section.parsed("period", PERIOD_FORM, |text| text.parse().ok()).unwrap_or(default.period),
        folders: read_folders(&section),
        default_sender: section.bool("default_sender").unwrap_or(default.default_sender),
        alias: section.parsed("alias", "a text of one line", parse_line),
        signature: section.parsed("signature", TEXT_FORM, parse_text),
        signature_file: section.parsed("signature_file", "the path of a file", |text| places.path(text)),
    };
    if settings.signature.is_some() && settings.signature_file.is_some() {
        section.error("signature_file", "a signature besides", "one of signature, signature_file");
    }
    section.finish();
    settings
}

fn read_folders(section: &Section<'_, '_>) -> Choice {
    match section.all_or_list("folders", FOLDERS_FORM, parse_folder) {
        None | Some(None) => Choice::All,
        Some(Some(names)) if names.is_empty() => {
            section.error(
                "folders",
                "an empty list",
                format!("{FOLDERS_FORM}; for no mail at all load = false"),
            );
            Choice::All
        }
        Some(Some(names)) => {
            let mut distinct: Vec<String> = Vec::with_capacity(names.len());
            for name in names {
                if !distinct.iter().any(|known| is_same_folder(known, &name)) {
                    distinct.push(name);
                }
            }
            Choice::Listed(distinct)
        }
    }
}

fn choice(section: &Section<'_, '_>, name: &'static str) -> Choice {
    section.all_or_list(name, CHOICE_FORM, parse_line).flatten().map_or(Choice::All, Choice::Listed)
}

fn read_contacts(section: Section<'_, '_>) -> ContactSettings {
    let types = [("employee", ContactType::Employee), ("customer", ContactType::Customer)];
    let deletions = [("unlink", Deletions::Unlink), ("propagate", Deletions::Propagate)];
    let settings = ContactSettings {
        auto: section.bool("auto").unwrap_or(true),
        import: section.bool("import").unwrap_or(true),
        export: section.bool("export").unwrap_or(true),
        folders: choice(&section, "folders"),
        types: section.choices("types", &types),
        groups: section.list("groups", NAMES_FORM, parse_line).unwrap_or_default(),
        deletions: section.choice("deletions", &deletions).unwrap_or_default(),
        tag: section.parsed("tag", "the name of a personal tag", parse_line),
        group_name: section
            .parsed("group_name", "the name of a contact group", parse_line)
            .unwrap_or_else(|| "Postrider".to_owned()),
    };
    section.finish();
    settings
}

fn read_activities(section: Section<'_, '_>) -> ActivitySettings {
    let settings = ActivitySettings {
        auto: section.bool("auto").unwrap_or(true),
        import_appointments: section.bool("import_appointments").unwrap_or(true),
        import_tasks: section.bool("import_tasks").unwrap_or(true),
        export: section.bool("export").unwrap_or(true),
        since: section.date("since"),
        calendars: choice(&section, "calendars"),
        calendar: section.parsed("calendar", "the name of a calendar", parse_line),
        task_lists: choice(&section, "task_lists"),
        groups: section.list("groups", NAMES_FORM, parse_line),
    };
    section.finish();
    settings
}

fn read_sync(section: Section<'_, '_>) -> SyncSettings {
    let settings = SyncSettings {
        interval: interval(&section, "interval"),
        mail_interval: interval(&section, "mail_interval"),
        contacts_interval: interval(&section, "contacts_interval"),
        activities_interval: interval(&section, "activities_interval"),
    };
    section.finish();
    settings
}

#[cfg(test)]
mod tests;
