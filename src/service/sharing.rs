//! Shared mailboxes by command (F7.3). What is granted in this way lives in the store, since the configuration folder is never
//! written; a file about the same account wins, and is changed by hand alone.

use postrider_model::{ErrorClass, Fault};

use super::{Caller, Service, audit::noted};
use crate::{
    access::Act,
    config::{Grantee, MailboxGrant, OriginKind, SharedMailbox, Users, mailbox_toml, nearest},
};

impl Service {
    /// Grants something of an account to a user or a role, in the place of what was granted to them. Answers with who may use it now.
    ///
    /// # Errors
    /// Without the operation `connect-shared-mailbox` or, where it is shared already, `manage-shared-mailbox-sync`; somebody who is not
    /// known; an account of which a file says who may use it.
    pub fn share_account(
        &mut self,
        caller: &Caller,
        name: &str,
        grant: MailboxGrant,
    ) -> Result<Vec<String>, Fault> {
        let mut grants = self.grants_to_change(caller, name)?;
        self.check_grantee(name, &grant.to)?;
        let object = in_words(&grant);
        grants.retain(|one| one.to != grant.to);
        grants.push(grant);
        self.keep_grants(caller, name, &grants, &object)
    }

    /// Takes back what was granted to a user or a role, or all of it. Answers with who may use it now.
    ///
    /// # Errors
    /// As [`share_account`](Self::share_account), and where nothing was granted to them.
    pub fn unshare_account(
        &mut self,
        caller: &Caller,
        name: &str,
        from: Option<&Grantee>,
    ) -> Result<Vec<String>, Fault> {
        let mut grants = self.grants_to_change(caller, name)?;
        let before = grants.len();
        grants.retain(|one| from.is_some_and(|from| one.to != *from));
        if grants.len() == before {
            let cause = match from {
                Some(from) => format!("nothing is granted to {}", whom(from)),
                None => "it is not shared".to_owned(),
            };
            return Err(Fault::new(ErrorClass::Config, format!("take back grants of account {name}"), cause)
                .hint(format!("`postrider account show {name}` tells with whom it is shared")));
        }
        let object =
            from.map_or_else(|| "everybody: nothing".to_owned(), |from| format!("{}: nothing", whom(from)));
        self.keep_grants(caller, name, &grants, &object)
    }

    /// With whom an account is shared, in words.
    pub(super) fn shared_with(&self, name: &str) -> Vec<String> {
        let mailboxes = self.config.shared_mailboxes.values().filter_map(|read| read.as_ref().ok());
        let mailboxes = mailboxes.filter(|mailbox| mailbox.account == name);
        mailboxes.flat_map(|mailbox| &mailbox.grants).map(in_words).collect()
    }

    /// What was granted by command, where the caller may change it.
    fn grants_to_change(&self, caller: &Caller, name: &str) -> Result<Vec<MailboxGrant>, Fault> {
        let shared = self.config.shared_mailbox(name);
        let act = if shared.is_some() { Act::ManageMailbox } else { Act::ConnectMailbox };
        self.permit(caller, act, name)?;
        if !self.config.accounts.contains_key(name) {
            return Err(self.unknown_account(caller, name));
        }
        let is_wrong = self.config.shared_mailboxes.get(name).is_some_and(Result::is_err);
        match shared {
            Some(SharedMailbox { origin, .. }) if origin.kind == OriginKind::File => {
                Err(by_file(name, &origin.file))
            }
            None if is_wrong => Err(by_file(name, &format!("shared-mailboxes.d/{name}.toml"))),
            shared => Ok(shared.map(|mailbox| mailbox.grants.clone()).unwrap_or_default()),
        }
    }

    fn check_grantee(&self, name: &str, to: &Grantee) -> Result<(), Fault> {
        let none = Users::default();
        let users = self.config.users.as_ref().unwrap_or(&none);
        let (is_known, hint) = match to {
            Grantee::User(user) => {
                (users.users.contains_key(user), nearest(user, users.users.keys().map(String::as_str)))
            }
            Grantee::Role(role) => {
                (users.roles.contains(role), nearest(role, users.roles.iter().map(String::as_str)))
            }
        };
        if is_known {
            return Ok(());
        }
        let fault = Fault::new(
            ErrorClass::Config,
            format!("share account {name}"),
            format!("users.toml declares no {}", whom(to)),
        );
        Err(fault.hint(
            hint.unwrap_or_else(|| "users and roles are declared by [[user]] and [[role]] there".to_owned()),
        ))
    }

    fn keep_grants(
        &mut self,
        caller: &Caller,
        name: &str,
        grants: &[MailboxGrant],
        object: &str,
    ) -> Result<Vec<String>, Fault> {
        let line = self.line(caller, Act::ManageMailbox, name, object);
        let (account, toml) = (name.to_owned(), mailbox_toml(name, grants));
        let is_shared = !grants.is_empty();
        self.edit(noted(line, move |tx| match is_shared {
            true => tx.put_stored_mailbox(&account, &toml),
            false => tx.delete_stored_mailbox(&account).map(drop),
        }))?;
        Ok(self.shared_with(name))
    }
}

fn by_file(name: &str, file: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("share account {name}"), format!("{file} says who may use it"))
        .hint(format!("edit {file}"))
}

fn whom(to: &Grantee) -> String {
    match to {
        Grantee::User(name) => format!("user {name}"),
        Grantee::Role(name) => format!("role {name}"),
    }
}

/// `role customer-service: read, send`.
fn in_words(grant: &MailboxGrant) -> String {
    let rights = [("read", grant.read), ("send", grant.send), ("configure", grant.configure)];
    let rights: Vec<&str> = rights.into_iter().filter_map(|(name, has)| has.then_some(name)).collect();
    format!("{}: {}", whom(&grant.to), rights.join(", "))
}
