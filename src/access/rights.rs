//! What a caller may do with an account, and which operations they have (F7.1–F7.3).

use std::{collections::BTreeSet, fmt};

use super::Caller;
use crate::config::{Config, Grantee, MailboxGrant, Operation};

/// A right on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Right {
    /// Seeing its messages.
    Read = 1,
    /// Sending as its address, and changing its messages. Implies `Read`.
    Send = 2,
    /// Name, folders, period, interval, signature.
    Configure = 4,
    /// It is the caller's own. Implies all of the above.
    Own = 8,
    /// The operation `administer`: its login and its removal, and that it is there.
    Administer = 16,
}

impl Right {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Read, Self::Send, Self::Configure, Self::Own, Self::Administer];

    /// The word for it in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Configure => "configure",
            Self::Own => "own",
            Self::Administer => "administer",
        }
    }
}

/// The rights that a caller has on one account. None at all: the account is not there for them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights(u8);

impl Rights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Every right.
    pub const ALL: Self = Self(31);
    /// Those of an account's user.
    pub const OWN: Self = Self(15);

    /// Whether that one is among them.
    pub const fn has(self, right: Right) -> bool {
        self.0 & right as u8 != 0
    }

    /// Whether there is any, so that the caller sees that the account is there.
    pub const fn sees(self) -> bool {
        self.0 != 0
    }

    const fn with(self, right: Right) -> Self {
        Self(self.0 | right as u8)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn granted(grant: &MailboxGrant) -> Self {
        let mut rights = Self::NONE;
        if grant.read || grant.send {
            rights = rights.with(Right::Read);
        }
        if grant.send {
            rights = rights.with(Right::Send);
        }
        if grant.configure {
            rights = rights.with(Right::Configure);
        }
        rights
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Right::ALL.into_iter().filter(|right| self.has(*right)).map(Right::name);
        f.debug_set().entries(names).finish()
    }
}

/// The rights of a caller on the account of that name.
///
/// An account that is in no file and was not added by command is the store's owner's alone, whatever is left of it in the store: a
/// grant is of an account that is there. Of one whose file is wrong nobody knows whose it is, and only grants hold.
pub fn rights_on(config: &Config, caller: &Caller, account: &str) -> Rights {
    if caller.has_everything() {
        return Rights::ALL;
    }
    let Some(read) = config.accounts.get(account) else { return Rights::NONE };
    let mut rights = Rights::NONE;
    if read.as_ref().is_ok_and(|account| account.user.as_deref() == Some(caller.user.as_str())) {
        rights = Rights::OWN;
    }
    if may(config, caller, Operation::Administer) {
        rights = rights.with(Right::Administer);
    }
    let roles = roles_of(config, caller);
    let mailboxes = config.shared_mailboxes.values().filter_map(|read| read.as_ref().ok());
    let grants = mailboxes.filter(|mailbox| mailbox.account == account).flat_map(|mailbox| &mailbox.grants);
    grants
        .filter(|grant| is_for(&grant.to, caller, roles))
        .fold(rights, |rights, grant| rights.and(Rights::granted(grant)))
}

/// Whether an operation is granted to the caller, or to a role of theirs.
pub fn may(config: &Config, caller: &Caller, operation: Operation) -> bool {
    if caller.has_everything() {
        return true;
    }
    let roles = roles_of(config, caller);
    config
        .users
        .iter()
        .flat_map(|users| &users.grants)
        .any(|grant| grant.operations.contains(&operation) && is_for(&grant.to, caller, roles))
}

/// The roles of a caller.
pub fn roles<'c>(config: &'c Config, caller: &Caller) -> impl Iterator<Item = &'c str> {
    roles_of(config, caller).into_iter().flatten().map(String::as_str)
}

fn roles_of<'c>(config: &'c Config, caller: &Caller) -> Option<&'c BTreeSet<String>> {
    config.users.as_ref()?.users.get(&caller.user).map(|user| &user.roles)
}

/// Nothing is granted to whoever is not declared, even where a grant names them.
fn is_for(to: &Grantee, caller: &Caller, roles: Option<&BTreeSet<String>>) -> bool {
    let Some(roles) = roles else { return false };
    match to {
        Grantee::User(name) => *name == caller.user,
        Grantee::Role(role) => roles.contains(role),
    }
}

#[cfg(test)]
mod tests;
