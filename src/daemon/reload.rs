//! Another configuration: read whole, checked whole, and only then put in force. Where anything in it is wrong, all of what was in
//! force stays (F6.1).

use postrider_model::{ErrorClass, Fault};

use super::read_files;
use crate::{
    config::{Config, ConfigError, OriginKind, fault},
    service::Shared,
};

/// A configuration that may be put in force.
pub(super) struct Checked {
    /// As its files have it.
    pub files: Config,
    /// Accounts that are new, gone, or have other settings.
    pub changed: Vec<String>,
    /// What is not in force before the next start.
    pub warnings: Vec<String>,
}

/// Reads the files and checks them.
///
/// # Errors
/// All that is wrong with them, also with what they say of a single account: a change is put in force whole or not at all.
pub(super) fn check(shared: &Shared) -> Result<Checked, Fault> {
    let files = shared.reaching(read_files(shared.environment()));
    let errors = all_errors(&files);
    if !errors.is_empty() {
        return Err(fault(&errors));
    }
    let before = shared.files();
    if files.settings.store.path != before.settings.store.path {
        let cause = format!(
            "the store's path is {} now, and a running daemon keeps the store that it has",
            files.settings.store.path.display()
        );
        return Err(Fault::new(ErrorClass::Config, "reload the configuration", cause)
            .hint("stop the daemon, move the store, start the daemon"));
    }
    let warnings = match files.settings.api == before.settings.api {
        true => Vec::new(),
        false => vec!["[api] of postrider.toml takes effect with the next start".to_owned()],
    };
    let changed = changed(&before, &files);
    Ok(Checked { files, changed, warnings })
}

/// All that is wrong in the files, each error once.
fn all_errors(files: &Config) -> Vec<ConfigError> {
    let mut errors = files.errors.clone();
    errors.extend(files.providers.values().filter_map(|read| read.as_ref().err()).flatten().cloned());
    errors.extend(files.shared_mailboxes.values().filter_map(|read| read.as_ref().err()).flatten().cloned());
    for name in files.accounts.keys() {
        let of_file = files.account(name).map_or(true, |account| account.origin.kind == OriginKind::File);
        if of_file {
            errors.extend(files.wrong_with(name));
        }
    }
    let mut told: Vec<ConfigError> = Vec::new();
    for error in errors {
        if !told.contains(&error) {
            told.push(error);
        }
    }
    told
}

fn changed(before: &Config, after: &Config) -> Vec<String> {
    let mut names: Vec<&String> = before.accounts.keys().chain(after.accounts.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let ready = |config: &Config, name: &str| {
        let items = (config.ready_contacts(name).ok(), config.ready_activities(name).ok());
        (config.ready(name).ok(), items)
    };
    let differs = |name: &&String| ready(before, name) != ready(after, name);
    names.into_iter().filter(differs).cloned().collect()
}
