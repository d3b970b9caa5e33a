//! Companies: listed, added, renamed, deleted, brought back.

use postrider_model::{CompanyId, ErrorClass, Fault, Visibility};
use postrider_store::{CompanyRow, StoreError};

use super::{absent, card::folded, named};
use crate::{
    access::{Act, Caller},
    service::Service,
};

impl Service {
    /// Companies that the caller sees, in the order of their names.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn companies(&self, caller: &Caller, deleted: bool) -> Result<Vec<CompanyRow>, Fault> {
        let found = self.reader()?.companies(&self.viewer(caller), deleted)?;
        self.note_record_look(caller, || format!("{} companies", found.len()));
        Ok(found)
    }

    /// Adds a company of the caller's.
    ///
    /// # Errors
    /// A name that is none, a role that is not there.
    pub fn add_company(
        &mut self,
        caller: &Caller,
        name: &str,
        visibility: &Visibility,
    ) -> Result<CompanyId, Fault> {
        let name = named("company", name)?;
        self.may_show(caller, visibility)?;
        let context = self.here(caller, "added");
        let line = self.line(caller, Act::AddRecord, "", "a company");
        self.record_work(line, name.len(), |tx| {
            tx.add_company(&caller.user, visibility, &name, &folded(&name), &context)
        })
    }

    /// Gives a company another name, or shows it to others.
    ///
    /// # Errors
    /// Where the caller sees none of that id; where they would show what is another's.
    pub fn edit_company(
        &mut self,
        caller: &Caller,
        id: CompanyId,
        name: Option<&str>,
        visibility: Option<&Visibility>,
    ) -> Result<(), Fault> {
        let seen = self.seen(caller, "company", id)?;
        if let Some(visibility) = visibility.filter(|visibility| **visibility != seen.visibility) {
            self.own(caller, "company", id)?;
            self.may_show(caller, visibility)?;
        }
        let name = name.map(|name| named("company", name)).transpose()?;
        let context = self.here(caller, "edited");
        let line = self.line(caller, Act::ChangeRecord, "", &id.to_string());
        let viewer = self.viewer(caller);
        let (user, has_everything) = (caller.user.clone(), caller.has_everything());
        let done = self.record_work(line, 0, |tx| {
            if !tx.sees(&viewer, id)? {
                return Err(StoreError::NoSuchRecord);
            }
            if let Some(name) = &name {
                tx.rename_company(id, name, &folded(name), &context)?;
            }
            if let Some(visibility) = visibility {
                let is_own = tx.record(id)?.is_some_and(|record| record.owner == user);
                if tx.show_to(id, visibility, &context)? && !is_own && !has_everything {
                    return Err(StoreError::NoSuchRecord);
                }
            }
            Ok(())
        });
        done.map_err(|fault| match fault.class {
            ErrorClass::NotFound => absent("company", id),
            _ => fault,
        })
    }

    /// Deletes companies of the caller's. Contacts that are tied to one stay as they are.
    ///
    /// # Errors
    /// The first that the caller does not see, or that is another's. None is deleted then.
    pub fn delete_companies(&mut self, caller: &Caller, ids: &[CompanyId]) -> Result<(), Fault> {
        self.delete_records(caller, "company", ids)
    }

    /// Brings deleted companies of the caller's back.
    ///
    /// # Errors
    /// The first that the caller does not see, that is another's, or that is not deleted. None is restored then.
    pub fn restore_companies(&mut self, caller: &Caller, ids: &[CompanyId]) -> Result<(), Fault> {
        self.restore_records(caller, "company", ids)
    }
}
