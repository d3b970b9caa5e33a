//! What is asked of a daemon about itself: which store it keeps, how it follows each account, that it reads its configuration anew.

use postrider_model::{ErrorClass, Fault};

use super::{Caller, Following, Service};
use crate::config::Operation;

impl Service {
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
        let refuse = |class, cause: &str| Fault::new(class, "reload the configuration", cause);
        if !self.has_operation(caller, Operation::Administer) {
            return Err(refuse(ErrorClass::NotPermitted, "it needs the operation administer"));
        }
        match &self.supervisor {
            Some(supervisor) => supervisor.reload().await,
            None => Err(refuse(ErrorClass::Config, "no daemon keeps this store")
                .hint("without a daemon every command reads the configuration anew")),
        }
    }
}
