//! `postrider account share` and `unshare`: to whom, and what.

use clap::Args;

use crate::config::{Grantee, MailboxGrant};

/// To whom: a user or a role.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct With {
    /// A user of users.toml.
    #[arg(long)]
    pub user: Option<String>,
    /// Every user with this role.
    #[arg(long)]
    pub role: Option<String>,
}

impl With {
    /// Who is named.
    pub fn grantee(&self) -> Option<Grantee> {
        let user = self.user.clone().map(Grantee::User);
        user.or_else(|| self.role.clone().map(Grantee::Role))
    }
}

/// `postrider account share`
#[derive(Debug, Args)]
pub struct AccountShare {
    /// Its name.
    pub name: String,
    /// To this user of users.toml.
    #[arg(long, required_unless_present = "role", conflicts_with = "role")]
    pub user: Option<String>,
    /// To every user with this role.
    #[arg(long)]
    pub role: Option<String>,
    /// They see its messages in searches. Without any of these three, this one.
    #[arg(long)]
    pub read: bool,
    /// They send as its address and keep its messages in order; they read, too.
    #[arg(long)]
    pub send: bool,
    /// They change its folders and period.
    #[arg(long)]
    pub configure: bool,
}

impl AccountShare {
    /// What is granted, in the place of what was granted to them before.
    pub fn grant(self) -> MailboxGrant {
        let to = match (self.user, self.role) {
            (Some(user), _) => Grantee::User(user),
            (None, role) => Grantee::Role(role.unwrap_or_default()),
        };
        let read = self.read || self.send || !self.configure;
        MailboxGrant { to, read, send: self.send, configure: self.configure }
    }
}
