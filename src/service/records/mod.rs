//! Contacts, companies, tags and groups, and what they were: whoever sees a record may change it; whose it is may delete it and show it to others
//! (F7.4).

mod changes;
mod companies;
mod contacts;
mod labels;
mod transfer;
mod versions;

use std::{collections::BTreeSet, fmt::Display};

use postrider_model::{ErrorClass, Fault, RecordId, Visibility};
use postrider_store::{AuditEntry, RecordRow, StoreError, Tx, Viewer};

use super::{Caller, Service, audit::noted};
use crate::{
    access::{Act, roles},
    card,
    config::{Account, Login, OriginKind},
    sync::Leave,
};

pub use changes::ContactChanges;
pub use contacts::{ContactQuery, NewContact};
pub use labels::{LabelName, Labelled};
pub use transfer::{CardPage, Imported};
pub use versions::VersionView;

impl Service {
    /// As whom the caller looks at records.
    pub(super) fn viewer(&self, caller: &Caller) -> Viewer {
        match caller.has_everything() {
            true => Viewer::Everything,
            false => Viewer::User {
                name: caller.user.clone(),
                roles: roles(&self.config, caller).map(str::to_owned).collect(),
                addresses: self.addresses_of_user(&caller.user),
            },
        }
    }

    /// As whom a user looks at records who does not call: what an account of theirs sends out is what they see.
    pub(in crate::service) fn viewer_of_user(&self, user: &str) -> Viewer {
        let owner = self.owner();
        // Where there are others, the owner's accounts too send out no more than what is shown to the owner.
        if owner.user == user && self.config.users.is_none() {
            return self.viewer(&owner);
        }
        let declared = self.config.users.as_ref().and_then(|users| users.users.get(user));
        Viewer::User {
            name: user.to_owned(),
            roles: declared.map(|user| user.roles.iter().cloned().collect()).unwrap_or_default(),
            addresses: self.addresses_of_user(user),
        }
    }

    /// The addresses of a user, in lower case: those that `users.toml` tells, and those of their accounts.
    pub(super) fn addresses_of_user(&self, user: &str) -> Vec<String> {
        let told =
            self.config.users.iter().flat_map(|users| users.users.get(user)).flat_map(|user| &user.addresses);
        let is_anothers = |address: &str| {
            let users = self.config.users.iter().flat_map(|users| &users.users);
            users
                .filter(|(name, _)| *name != user)
                .any(|(_, other)| other.addresses.iter().any(|one| one.eq_ignore_ascii_case(address)))
        };
        let accounts = self.config.accounts.values().filter_map(|read| read.as_ref().ok());
        let accounts = accounts
            .filter(|account| self.config.user_of(account) == Some(user))
            .filter(|account| self.is_proved(account) && !is_anothers(&account.address));
        let all: BTreeSet<String> = told
            .chain(accounts.map(|account| &account.address))
            .map(|address| address.to_lowercase())
            .collect();
        all.into_iter().collect()
    }

    /// Whether an account's address is surely its user's: whoever wrote its file says so, or the server was shown that very address at login.
    fn is_proved(&self, account: &Account) -> bool {
        account.origin.kind == OriginKind::File
            || self.config.ready_account(account).is_ok_and(|ready| {
                matches!(ready.login, Login::Consent(_))
                    || ready.login_name.eq_ignore_ascii_case(&account.address)
            })
    }

    /// A record of that kind that the caller sees; `id` is how people call it.
    pub(super) fn seen(
        &self,
        caller: &Caller,
        kind: &str,
        id: impl Into<RecordId> + Display + Copy,
    ) -> Result<RecordRow, Fault> {
        let found = self.reader()?.seen_record(&self.viewer(caller), id.into());
        match found {
            Ok(record) if record.kind == kind => Ok(record),
            Ok(_) | Err(StoreError::NoSuchRecord) => Err(self.unseen(caller, kind, id)),
            Err(error) => Err(error.into()),
        }
    }

    /// What an id answers of which there is nothing that the caller sees. Where there is something, it is noted.
    pub(super) fn unseen(
        &self,
        caller: &Caller,
        kind: &str,
        id: impl Into<RecordId> + Display + Copy,
    ) -> Fault {
        let is_there =
            self.reader().and_then(|reader| Ok(reader.seen_record(&Viewer::Everything, id.into())?));
        if is_there.is_ok_and(|record| record.kind == kind) {
            self.note_refused(caller, Act::SeeRecord, "", &id.to_string());
        }
        absent(kind, id)
    }

    /// Notes a look in another's name.
    pub(super) fn note_record_look(&self, caller: &Caller, object: impl FnOnce() -> String) {
        if caller.acts_as_another() {
            self.note(self.line(caller, Act::SeeRecord, "", &object()));
        }
    }

    /// That the record is the caller's own, which they see.
    pub(super) fn own(
        &self,
        caller: &Caller,
        kind: &str,
        id: impl Into<RecordId> + Display + Copy,
    ) -> Result<RecordRow, Fault> {
        let record = self.seen(caller, kind, id)?;
        match caller.has_everything() || record.owner == caller.user {
            true => Ok(record),
            false => Err(self.denied(caller, Act::OwnRecord, "", &id.to_string())),
        }
    }

    /// That a caller may show something to these: to a role of theirs, or to all.
    pub(super) fn may_show(&self, caller: &Caller, visibility: &Visibility) -> Result<(), Fault> {
        let Visibility::Role(role) = visibility else { return Ok(()) };
        let known = match caller.has_everything() {
            true => self.config.users.as_ref().is_some_and(|users| users.roles.contains(role)),
            false => roles(&self.config, caller).any(|one| one == role),
        };
        match known {
            true => Ok(()),
            false => Err(Fault::new(
                ErrorClass::Config,
                format!("show it to role {role}"),
                "you have no such role",
            )
            .hint("users.toml declares roles, and says who has them")),
        }
    }

    /// One transaction that outlives the power, with its line in the audit log, where there is room for it (F10.2).
    pub(super) fn record_work<R>(
        &mut self,
        line: AuditEntry,
        octets: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<R, StoreError>,
    ) -> Result<R, Fault> {
        Leave::new(self.store()?, self.world.disk.clone()).to_write("keep it", octets as u64)?;
        Ok(self.durable_writer()?.transaction(noted(line, work))?)
    }

    /// The same for what may turn out, when it is under way, to be refused: nothing of it is kept then.
    pub(super) fn tried_work<R>(
        &mut self,
        line: AuditEntry,
        octets: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Result<R, Fault>, StoreError>,
    ) -> Result<R, Fault> {
        let mut refused = None;
        let done = self.record_work(line, octets, |tx| {
            work(tx)?.map_err(|fault| {
                refused = Some(fault);
                StoreError::Refused
            })
        });
        refused.map_or(done, Err)
    }

    /// Deletes records of one kind: all of them, or none.
    fn delete_records<I: Into<RecordId> + Display + Copy>(
        &mut self,
        caller: &Caller,
        kind: &str,
        ids: &[I],
    ) -> Result<(), Fault> {
        for id in ids {
            if self.own(caller, kind, *id)?.deleted.is_some() {
                return Err(absent(kind, *id));
            }
        }
        let context = self.here(caller, "deleted");
        let line = self.line(caller, Act::OwnRecord, "", &listed("delete", ids));
        self.record_work(line, 0, |tx| ids.iter().try_for_each(|id| tx.delete_record(*id, &context)))
    }

    /// Brings deleted records of one kind back: all of them, or none.
    pub(super) fn restore_records<I: Into<RecordId> + Display + Copy>(
        &mut self,
        caller: &Caller,
        kind: &str,
        ids: &[I],
    ) -> Result<(), Fault> {
        for id in ids {
            if self.own(caller, kind, *id)?.deleted.is_none() {
                let fault =
                    Fault::new(ErrorClass::Config, format!("restore {kind} {id}"), "it is not deleted");
                return Err(fault);
            }
        }
        let context = self.here(caller, "restored");
        let line = self.line(caller, Act::OwnRecord, "", &listed("restore", ids));
        self.record_work(line, 0, |tx| ids.iter().try_for_each(|id| tx.restore_record(*id, &context)))
    }
}

/// What an id answers of which there is nothing that the caller sees.
pub(super) fn absent(kind: &str, id: impl Display) -> Fault {
    Fault::new(ErrorClass::NotFound, format!("find {kind} {id}"), "there is none of that id")
        .hint(format!("`postrider {kind} list` prints ids"))
}

pub(super) fn listed<I: Display>(what: &str, ids: &[I]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("{what} {}", ids.join(" "))
}

/// A name without what is around it, where there is any of it.
fn named(what: &str, name: &str) -> Result<String, Fault> {
    const MOST: usize = 200;
    let name = name.trim();
    let refuse = |cause: &str| Err(Fault::new(ErrorClass::Config, format!("name a {what} {name:?}"), cause));
    match name {
        "" => refuse("the name is empty"),
        _ if name.chars().count() > MOST => refuse("the name has more than 200 characters"),
        _ if name.chars().any(char::is_control) => refuse("the name has control characters in it"),
        _ => Ok(name.to_owned()),
    }
}
