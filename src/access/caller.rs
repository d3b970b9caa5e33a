//! Who calls, and in whose name (F7.5, F7.6).
//!
//! A caller is known by the uid of the process at the other end of a socket, or by the user for whom a token was made. The store's
//! owner has everything, whatever `users.toml` says, since they can open the store; root counts as the owner. Everybody else is who
//! `users.toml` says, and nobody where it says nothing or more than one.

use std::{fmt, io};

use postrider_model::{ErrorClass, Fault};

use super::rights::may;
use crate::config::{Config, Operation};

/// Who called, and in whose name.
///
/// Only [`Callers`] makes one, so that nobody has rights that the configuration did not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who called: the user's name, or what else they are known by, such as a token.
    pub actor: String,
    /// In whose name: theirs, or that of the user whom they act as.
    pub user: String,
    has_everything: bool,
    /// It is the store's owner who called, in whosever name.
    by_owner: bool,
    as_another: bool,
}

impl Caller {
    /// Whether every right is theirs: they are the store's owner and act as nobody else.
    pub const fn has_everything(&self) -> bool {
        self.has_everything
    }

    /// Whether the store's owner called, in whosever name: files that are read or written on the way are the owner's anyhow.
    pub const fn is_by_owner(&self) -> bool {
        self.by_owner
    }

    /// Whether they act in another's name.
    pub const fn acts_as_another(&self) -> bool {
        self.as_another
    }
}

/// `anna`, or `anna for boris`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_another {
            true => write!(f, "{} for {}", self.actor, self.user),
            false => f.write_str(&self.user),
        }
    }
}

/// The system's users.
pub trait UnixUsers: Send + Sync {
    /// The uid of the user of that name; `None` where there is none.
    ///
    /// # Errors
    /// Where the system's directory of users does not answer.
    fn uid_of(&self, name: &str) -> io::Result<Option<u32>>;
}

/// Makes callers of what is known of them.
#[derive(Clone, Copy)]
pub struct Callers<'c> {
    /// The configuration.
    pub config: &'c Config,
    /// The uid of the store's owner.
    pub owner_uid: u32,
    /// The name of the store's owner, as the system has it.
    pub owner: &'c str,
}

impl Callers<'_> {
    /// The store's owner.
    pub fn owner(&self) -> Caller {
        Caller {
            actor: self.owner.to_owned(),
            user: self.owner.to_owned(),
            has_everything: true,
            by_owner: true,
            as_another: false,
        }
    }

    /// The caller whose process has that uid.
    ///
    /// # Errors
    /// A uid that is nobody's or that several users claim, and a directory of users that does not answer.
    pub fn of_uid(&self, uid: u32, system: &dyn UnixUsers) -> Result<Caller, Fault> {
        if uid == self.owner_uid {
            return Ok(self.owner());
        }
        if uid == 0 {
            return Ok(Caller { actor: "root".to_owned(), ..self.owner() });
        }
        let mut claims = Vec::new();
        for (name, user) in self.config.users.iter().flat_map(|users| &users.users) {
            let Some(unix_user) = &user.unix_user else { continue };
            let found = system.uid_of(unix_user).map_err(|error| {
                let action = format!("find out who user id {uid} is");
                Fault::new(
                    ErrorClass::Transient,
                    action,
                    format!("the system's users cannot be read: {error}"),
                )
            })?;
            if found == Some(uid) {
                claims.push(name.as_str());
            }
        }
        match claims.as_slice() {
            [user] => Ok(plain(user)),
            [] => Err(stranger(uid, "it is no user's that is known here".to_owned())),
            several => Err(stranger(uid, format!("several users claim it: {}", several.join(", ")))),
        }
    }

    /// The caller for whom a token was made; `actor` is what the token is called.
    ///
    /// # Errors
    /// A user who is not known any more.
    pub fn of_user(&self, name: &str, actor: &str) -> Result<Caller, Fault> {
        Ok(Caller { actor: actor.to_owned(), ..self.user(name)? })
    }

    fn user(&self, name: &str) -> Result<Caller, Fault> {
        let declared = self.config.users.as_ref().and_then(|users| users.users.get(name));
        match declared {
            // Whoever is declared is the owner only where the system knows them by the owner's name.
            Some(user) if user.unix_user.as_deref() == Some(self.owner) => Ok(self.owner()),
            Some(_) => Ok(plain(name)),
            None if name == self.owner => Ok(self.owner()),
            None => Err(unknown(name)),
        }
    }

    /// That caller in the name of another user, with exactly the rights of that user.
    ///
    /// # Errors
    /// A caller without the operation `act-as`, a user who is not known, and the store's owner: nobody comes by their rights in this
    /// way.
    pub fn act_as(&self, caller: &Caller, user: &str) -> Result<Caller, Fault> {
        if user == caller.user {
            return Ok(caller.clone());
        }
        let refuse = |cause: &str| Fault::new(ErrorClass::NotPermitted, format!("act as {user}"), cause);
        if !may(self.config, caller, Operation::ActAs) {
            return Err(refuse("the operation act-as is not granted").hint(
                "an administrator grants it by a [[grant]] in users.toml; without --as you act as yourself",
            ));
        }
        let found = self.user(user)?;
        if found.has_everything() && !caller.has_everything() {
            return Err(refuse("nobody but the store's owner has its rights"));
        }
        Ok(Caller { actor: caller.actor.clone(), by_owner: caller.by_owner, as_another: true, ..found })
    }
}

fn plain(user: &str) -> Caller {
    Caller {
        actor: user.to_owned(),
        user: user.to_owned(),
        has_everything: false,
        by_owner: false,
        as_another: false,
    }
}

fn stranger(uid: u32, cause: String) -> Fault {
    Fault::new(ErrorClass::NotPermitted, format!("let user id {uid} in"), cause)
        .hint("an administrator names the system's user as `unix_user` of one [[user]] in users.toml")
}

fn unknown(name: &str) -> Fault {
    Fault::new(ErrorClass::NotPermitted, format!("let user {name:?} in"), "no such user is known here")
        .hint("users.toml declares users by [[user]]")
}

#[cfg(test)]
mod tests;
