//! Reads a whole configuration folder (spec, "Configuration"), and merges what the store keeps.
//!
//! A wrong file stops only its own account. Files win over the store, the store over the built-in directory (F8.3). Nothing is
//! ever written here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    account::{Account, AccountBody},
    builtin,
    error::{ConfigError, OriginKind},
    name::{NAME_FORM, Places, is_name},
    provider::{Provider, ProviderBody, ProviderKind},
    reader::{Section, Source},
    settings::Settings,
    trust::Trust,
    users::{SharedMailbox, Users, parse_shared_mailbox},
};

/// What reading depends on besides the folder.
#[derive(Debug, Clone)]
pub struct LoadContext {
    /// The uid of the store's owner: files of other users but root are not believed.
    pub owner_uid: u32,
    /// The owner's home folder, for `~/…`.
    pub home: Option<PathBuf>,
    /// The store's folder where `postrider.toml` does not name one.
    pub default_store: PathBuf,
}

/// Something that was read, or all that is wrong with it.
pub type Read<T> = Result<T, Vec<ConfigError>>;

/// A whole configuration: what is right of it, and what is wrong with the rest.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that was read.
    pub dir: PathBuf,
    /// `postrider.toml`; the defaults where it is absent or wrong.
    pub settings: Settings,
    /// The providers by name: built in, stored, of `providers.d`.
    pub providers: BTreeMap<String, Read<Provider>>,
    /// The accounts by name: stored, and of `accounts.d`.
    pub accounts: BTreeMap<String, Read<Account>>,
    /// `shared-mailboxes.d` by the names of the files.
    pub shared_mailboxes: BTreeMap<String, Read<SharedMailbox>>,
    /// `users.toml`, where there is one and it is right.
    pub users: Option<Users>,
    /// What is wrong with the folder itself, `postrider.toml` or `users.toml`, or belongs to no account. Where there is
    /// anything in it, nothing may run: what was meant is not known.
    pub errors: Vec<ConfigError>,
    pub(super) remembered: BTreeMap<(String, Option<String>), String>,
    pub(super) owner: Option<String>,
    /// Kinds of servers whose contacts and activities are reached.
    pub(super) reached: Vec<ProviderKind>,
    context: LoadContext,
}

impl Config {
    /// Reads the folder. An absent folder is an empty one: a person may have everything in the store.
    pub fn load(dir: &Path, context: &LoadContext) -> Self {
        let mut config = Self::empty(dir, context);
        match config.trust().folder(dir, &dir.display().to_string()) {
            Ok(false) => {}
            Ok(true) => config.read_all(),
            Err(error) => config.errors.push(error),
        }
        config
    }

    /// The configuration of an empty folder: defaults and the built-in directory.
    fn empty(dir: &Path, context: &LoadContext) -> Self {
        Self {
            dir: dir.to_owned(),
            settings: Settings::defaults(context.default_store.clone()),
            providers: builtin::directory().into_iter().collect(),
            accounts: BTreeMap::new(),
            shared_mailboxes: BTreeMap::new(),
            users: None,
            errors: Vec::new(),
            remembered: BTreeMap::new(),
            owner: None,
            reached: Vec::new(),
            context: context.clone(),
        }
    }

    fn read_all(&mut self) {
        let (store, places) = (self.context.default_store.clone(), self.places(""));
        if let Some(settings) =
            self.read_single("postrider.toml", |root| Some(Settings::parse(root, store, &places)))
        {
            self.settings = settings;
        }
        self.users = self.read_single("users.toml", |root| Some(Users::parse(root)));
        for (name, text) in self.read_folder("providers.d") {
            let provider =
                text.and_then(|(file, text)| self.parse_provider(OriginKind::File, &name, &file, &text));
            self.providers.insert(name, provider);
        }
        for (name, text) in self.read_folder("accounts.d") {
            let account =
                text.and_then(|(file, text)| self.parse_account(OriginKind::File, &name, &file, &text));
            self.accounts.insert(name, account);
        }
        for (name, text) in self.read_folder("shared-mailboxes.d") {
            let mailbox = text.and_then(|(file, text)| {
                let (read, origin) = Source::read(OriginKind::File, &file, &text, parse_shared_mailbox)?;
                let (account, grants) = read;
                Ok(SharedMailbox { account, grants, origin })
            });
            self.shared_mailboxes.insert(name, mailbox);
        }
    }

    /// Adds an account that was added by command; an account of the same name in a file wins. Answers whether it was added.
    pub fn merge_stored_account(&mut self, name: &str, text: &str) -> bool {
        if self.accounts.contains_key(name) {
            return false;
        }
        let account = self.check_account(name, text);
        self.accounts.insert(name.to_owned(), account);
        true
    }

    /// Adds a provider that was added by command; one of the same name in a file wins, and it wins over a built-in one, to
    /// which it adds. Answers whether it was added.
    pub fn merge_stored_provider(&mut self, name: &str, text: &str) -> bool {
        if self.providers.get(name).is_some_and(|provider| origin_of(provider) != Some(OriginKind::BuiltIn)) {
            return false;
        }
        let provider = self.check_provider(name, text);
        self.providers.insert(name.to_owned(), provider);
        true
    }

    /// Adds what was granted of an account by command; a file about the same account wins, and so does a wrong file of its name, since
    /// nobody knows what it was to say. Answers whether it was added.
    pub fn merge_stored_mailbox(&mut self, account: &str, text: &str) -> bool {
        let is_wrong = self.shared_mailboxes.get(account).is_some_and(Result::is_err);
        if is_wrong || self.shared_mailbox(account).is_some() {
            return false;
        }
        let file = format!("stored grants of {account}");
        let read = Source::read(OriginKind::Stored, &file, text, parse_shared_mailbox)
            .map(|((account, grants), origin)| SharedMailbox { account, grants, origin });
        // Under a name that no file has.
        self.shared_mailboxes.insert(file, read);
        true
    }

    /// What is granted of an account, where something is. Several files may speak of one account.
    pub fn shared_mailbox(&self, account: &str) -> Option<&SharedMailbox> {
        let right = self.shared_mailboxes.values().filter_map(|read| read.as_ref().ok());
        right.into_iter().find(|mailbox| mailbox.account == account)
    }

    /// Reads an account's TOML as if it stood in the store, without adding it: the check before it is saved.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check_account(&self, name: &str, text: &str) -> Read<Account> {
        self.parse_account(OriginKind::Stored, name, &format!("stored account {name}"), text)
    }

    /// Reads a provider's TOML as if it stood in the store, without adding it: the check before it is saved.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check_provider(&self, name: &str, text: &str) -> Read<Provider> {
        self.parse_provider(OriginKind::Stored, name, &format!("stored provider {name}"), text)
    }

    fn parse_account(&self, kind: OriginKind, name: &str, file: &str, text: &str) -> Read<Account> {
        check_name(name, file)?;
        let places = self.places(if kind == OriginKind::File { "accounts.d" } else { "" });
        let (body, origin) = Source::read(kind, file, text, |root| AccountBody::parse(root, &places))?;
        Ok(body.into_account(name.to_owned(), origin))
    }

    fn parse_provider(&self, kind: OriginKind, name: &str, file: &str, text: &str) -> Read<Provider> {
        check_name(name, file)?;
        let places = self.places(if kind == OriginKind::File { "providers.d" } else { "" });
        let base = self.providers.get(name).and_then(|known| known.as_ref().ok());
        let base = base.filter(|base| base.origin.kind == OriginKind::BuiltIn);
        let (body, origin) = Source::read(kind, file, text, |root| ProviderBody::parse(root, base, &places))?;
        Ok(body.into_provider(name.to_owned(), origin))
    }

    /// Reads one file of the folder itself; what is wrong with it concerns everyone.
    fn read_single<T>(&mut self, file: &str, parse: impl FnOnce(Section<'_, '_>) -> Option<T>) -> Option<T> {
        let text = match self.trust().read(&self.dir.join(file), file) {
            Ok(text) => text?,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        match Source::read(OriginKind::File, file, &text, parse) {
            Ok((read, _)) => Some(read),
            Err(errors) => {
                self.errors.extend(errors);
                None
            }
        }
    }

    /// The texts of a folder's files, each with its name for people, by the names before `.toml`.
    fn read_folder(&mut self, folder: &str) -> BTreeMap<String, Read<(String, String)>> {
        let files = match self.trust().list(&self.dir.join(folder), folder) {
            Ok(files) => files,
            Err(error) => {
                self.errors.push(error);
                return BTreeMap::new();
            }
        };
        let mut texts = BTreeMap::new();
        for path in files {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let file = format!("{folder}/{}.toml", name.escape_debug());
            // A file that went away between listing and reading is as if it had not been listed.
            if let Some(text) = self.trust().read(&path, &file).transpose() {
                texts.insert(name, text.map(|text| (file, text)).map_err(|error| vec![error]));
            }
        }
        texts
    }

    fn trust(&self) -> Trust {
        Trust { owner_uid: self.context.owner_uid }
    }

    /// Where paths lead that stand in a file of that folder; those of the store stand in the configuration folder itself.
    fn places(&self, folder: &str) -> Places {
        Places { folder: self.dir.join(folder), home: self.context.home.clone() }
    }
}

fn check_name(name: &str, file: &str) -> Result<(), Vec<ConfigError>> {
    match is_name(name) {
        true => Ok(()),
        false => Err(vec![
            ConfigError::file(file, format!("the name {}", super::error::quoted(name)), NAME_FORM)
                .hint("rename the file"),
        ]),
    }
}

/// Where a provider was defined; one that did not read was no built-in one.
fn origin_of(provider: &Read<Provider>) -> Option<OriginKind> {
    provider.as_ref().ok().map(|provider| provider.origin.kind)
}

#[cfg(test)]
mod tests;
