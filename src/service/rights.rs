//! Rights, enforced (F7): who calls, and whether they may. Every use case asks here before it does anything.
//!
//! - What one may not see answers as what is not there: the same fault, with no name in it that the caller does not know.
//! - What one sees and may not do is not permitted.
//! - Every refusal is in the audit log.

use std::collections::BTreeMap;

use postrider_model::{AccountId, ErrorClass, Fault, PlacementId};
use postrider_store::{AccountRow, Reader};

use super::{Service, mail::unknown};
use crate::{
    access::{Act, Caller, Callers, Need, Right, Rights, Verdict, may, rights_on},
    config::{Operation, fault},
};

impl Service {
    /// The caller that this process is: the store's owner.
    pub fn owner(&self) -> Caller {
        self.callers().owner()
    }

    /// The caller at the other end of a socket, whose process has that uid.
    ///
    /// # Errors
    /// A uid that is no known user's, or that several users claim.
    pub fn caller_of_uid(&self, uid: u32) -> Result<Caller, Fault> {
        let found = self.callers().of_uid(uid, &*self.world.unix_users);
        found.inspect_err(|fault| self.note_stranger(&format!("uid {uid}"), "", Act::Call, fault))
    }

    /// Notes that a request was refused before anybody knew who asks: `actor` is by what it came.
    pub fn note_unknown(&self, actor: &str, fault: &Fault) {
        self.note_stranger(actor, "", Act::Call, fault);
    }

    /// The user for whom a token was made. `actor` is by what the audit log is to know who called: the token's name.
    ///
    /// # Errors
    /// A user who is not known any more.
    pub fn caller_of_user(&self, name: &str, actor: &str) -> Result<Caller, Fault> {
        let found = self.callers().of_user(name, actor);
        found.inspect_err(|fault| self.note_stranger(actor, name, Act::Call, fault))
    }

    /// That caller in another user's name, with that user's rights.
    ///
    /// # Errors
    /// A caller without the operation `act-as`, a user who is not known.
    pub fn act_as(&self, caller: &Caller, user: &str) -> Result<Caller, Fault> {
        let found = self.callers().act_as(caller, user);
        found.inspect_err(|fault| self.note_stranger(&caller.actor, user, Act::ActAs, fault))
    }

    fn callers(&self) -> Callers<'_> {
        Callers { config: &self.config, owner_uid: self.env.uid, owner: &self.env.user }
    }

    /// The caller's rights on the account of that name.
    pub(super) fn rights(&self, caller: &Caller, account: &str) -> Rights {
        rights_on(&self.config, caller, account)
    }

    /// Whether the caller may do that with the account of that name.
    pub(super) fn may(&self, caller: &Caller, act: Act, account: &str) -> bool {
        act.verdict(self.rights(caller, account)) == Verdict::Allowed
    }

    /// That the caller may do that with the account of that name.
    ///
    /// # Errors
    /// Where they do not see it, what an unknown name answers; where they see it, that they may not.
    pub(super) fn permit(&self, caller: &Caller, act: Act, account: &str) -> Result<(), Fault> {
        match act.verdict(self.rights(caller, account)) {
            Verdict::Allowed => match act.need() {
                Need::Both(_, operation) if !may(&self.config, caller, operation) => {
                    Err(self.denied(caller, act, account, ""))
                }
                _ => Ok(()),
            },
            Verdict::Denied => Err(self.denied(caller, act, account, "")),
            Verdict::Unseen => {
                if self.config.accounts.contains_key(account) {
                    self.note_refused(caller, act, account, "");
                }
                Err(self.unknown_account(caller, account))
            }
        }
    }

    /// That the caller may do that at all: what is about no account that is there.
    ///
    /// # Errors
    /// Where the operation is not granted to them.
    pub(super) fn permit_operation(&self, caller: &Caller, act: Act, object: &str) -> Result<(), Fault> {
        match act.need() {
            Need::Operation(operation) if !may(&self.config, caller, operation) => {
                Err(self.denied(caller, act, "", object))
            }
            Need::Operations(one, other)
                if ![one, other].into_iter().all(|operation| may(&self.config, caller, operation)) =>
            {
                Err(self.denied(caller, act, "", object))
            }
            _ => Ok(()),
        }
    }

    /// That the caller may do that with every one of these messages. Answers with them by their accounts.
    ///
    /// # Errors
    /// The first that is not there or that they do not see, and the first with which they may not do it.
    pub(super) fn permit_messages(
        &self,
        caller: &Caller,
        act: Act,
        ids: &[PlacementId],
    ) -> Result<BTreeMap<PlacementId, String>, Fault> {
        let reader = self.reader()?;
        let names: BTreeMap<AccountId, String> =
            reader.accounts()?.into_iter().map(|account| (account.id, account.name)).collect();
        let mut accounts = BTreeMap::new();
        for id in ids {
            let account = reader.account_of(*id)?.and_then(|account| names.get(&account));
            let account = account.ok_or_else(|| unknown(*id))?;
            let rights = self.rights(caller, account);
            if !rights.has(Right::Read) {
                self.note_refused(caller, act, account, &id.to_string());
                return Err(unknown(*id));
            }
            if act.verdict(rights) != Verdict::Allowed {
                return Err(self.denied(caller, act, account, &id.to_string()));
            }
            accounts.insert(*id, account.clone());
        }
        Ok(accounts)
    }

    /// The accounts of the store with which the caller may do that.
    pub(super) fn accounts_for(
        &self,
        caller: &Caller,
        act: Act,
        reader: &Reader,
    ) -> Result<Vec<AccountRow>, Fault> {
        let mut accounts = reader.accounts()?;
        accounts.retain(|account| self.may(caller, act, &account.name));
        Ok(accounts)
    }

    /// An account by name, as the store has it, for the caller to do that with. Accounts whose files are gone keep their mail.
    pub(super) fn account_in_store(
        &self,
        caller: &Caller,
        act: Act,
        reader: &Reader,
        name: &str,
    ) -> Result<AccountRow, Fault> {
        let rights = self.rights(caller, name);
        if act.verdict(rights) == Verdict::Denied {
            return Err(self.denied(caller, act, name, ""));
        }
        let found = reader.accounts()?.into_iter().find(|account| account.name == name);
        match found {
            Some(account) if rights.sees() => return Ok(account),
            Some(_) => self.note_refused(caller, act, name, ""),
            None => {}
        }
        let fault = Fault::new(
            ErrorClass::NotFound,
            format!("read the mail of account {name}"),
            "nothing of it is here",
        );
        Err(match self.config.accounts.contains_key(name) && rights.sees() {
            true => fault.hint(format!("`postrider --sync-now {name}` brings its mail in")),
            false => fault.hint("`postrider account list` lists the accounts"),
        })
    }

    /// Whether the caller has that operation.
    pub(super) fn has_operation(&self, caller: &Caller, operation: Operation) -> bool {
        may(&self.config, caller, operation)
    }

    /// What a name answers of which the caller knows nothing: with the nearest of those that they see.
    pub(super) fn unknown_account(&self, caller: &Caller, name: &str) -> Fault {
        let seen = self.config.accounts.keys().filter(|name| self.rights(caller, name).sees());
        fault(&[self.config.unknown_account(name, seen.map(String::as_str).collect())])
    }

    /// That the caller may not. It is noted.
    pub(super) fn denied(&self, caller: &Caller, act: Act, account: &str, object: &str) -> Fault {
        self.note_refused(caller, act, account, object);
        let name = if account.is_empty() { object } else { account };
        let cause = format!("it needs {}", act.need().in_words());
        let fault = Fault::new(ErrorClass::NotPermitted, act.in_words(name), cause);
        match act.need().hint() {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }
}
