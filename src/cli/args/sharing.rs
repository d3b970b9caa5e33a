//! `postrider account share` and `unshare`: to whom, and what.

use clap::Args;

use crate::api::operations::sharing::{Share, Unshare};

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
    /// What is to be taken back of that account.
    pub fn operation(self, name: String) -> Unshare {
        Unshare { name, user: self.user, role: self.role }
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
    /// They change its name, folders, period, interval and signature.
    #[arg(long)]
    pub configure: bool,
}

impl AccountShare {
    /// What is granted, in the place of what was granted to them before.
    pub fn operation(self) -> Share {
        let Self { name, user, role, read, send, configure } = self;
        Share { name, user, role, read, send, configure }
    }
}
