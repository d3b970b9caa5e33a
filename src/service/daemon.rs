//! What is asked of a daemon about itself: which store it keeps, how it follows each account, that it reads its configuration anew.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use postrider_model::{ErrorClass, Fault};

use super::{Caller, Environment, Following, Service};
use crate::access::Act;

impl Service {
    /// Whether there is neither a configuration nor a store yet.
    pub fn is_new(&self) -> bool {
        self.store.is_none() && !self.config.dir.exists()
    }

    /// Whether the configuration or the store at that place is another user's, who alone may open it (F7.5).
    pub fn is_anothers(env: &Environment) -> bool {
        let accounts = env.config_dir.join("accounts.d");
        [&env.default_store, &env.config_dir, &accounts].into_iter().any(|folder| is_closed(folder, env.uid))
    }

    /// The store's id, as it stands in marks; `None` where there is no store yet.
    pub fn store_id(&self) -> Option<String> {
        let id = self.store.as_ref()?.store_id();
        Some(id.iter().map(|octet| format!("{octet:02x}")).collect())
    }

    /// How an account is being followed by this process; `None` where nobody follows it.
    pub fn following(&self, account: &str) -> Option<Following> {
        self.supervisor.as_ref()?.following(account)
    }

    /// Has the daemon read its configuration anew and put it in force. Answers with the accounts whose settings changed.
    ///
    /// # Errors
    /// All that is wrong with it, and then what was in force stays; that this process is no daemon, or that the caller may not.
    pub async fn reload(&self, caller: &Caller) -> Result<Vec<String>, Fault> {
        self.permit_operation(caller, Act::Reload, "")?;
        match &self.supervisor {
            Some(supervisor) => supervisor.reload().await,
            None => {
                Err(Fault::new(ErrorClass::Config, "reload the configuration", "no daemon keeps this store")
                    .hint("without a daemon every command reads the configuration anew"))
            }
        }
    }
}

/// Whether the folder is neither that user's nor root's, or cannot be read.
fn is_closed(folder: &Path, user: u32) -> bool {
    let refused = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    match fs::metadata(folder) {
        Ok(found) => ![0, user].contains(&found.uid()) || fs::read_dir(folder).as_ref().is_err_and(refused),
        Err(error) => refused(&error),
    }
}
