//! Accounts that others may use too.

use postrider_model::{ErrorClass, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Method, Operation},
    config::{Grantee, MailboxGrant},
    service::{Caller, Service},
};

/// What is granted of an account, in the place of what was granted to them before. They are a user or a role, one of the two.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The account.
    pub name: String,
    /// A user of users.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every user with this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// They see its messages in searches. Without any of these three, this one.
    #[serde(default)]
    pub read: bool,
    /// They send as its address and keep its messages in order; they read, too.
    #[serde(default)]
    pub send: bool,
    /// They change its name, folders, period, interval and signature.
    #[serde(default)]
    pub configure: bool,
}

/// Who may use an account besides its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shared {
    /// A line each: `role customer-service: read, send`.
    pub shared_with: Vec<String>,
}

impl Operation for Share {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/share";
    const SUMMARY: &'static str = "Let others use an account too";
    type Answer = Shared;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Shared, Fault> {
        let to = grantee(self.user, self.role)?.ok_or_else(|| wrong("neither a user nor a role is named"))?;
        let read = self.read || self.send || !self.configure;
        let grant = MailboxGrant { to, read, send: self.send, configure: self.configure };
        Ok(Shared { shared_with: service.share_account(caller, &self.name, grant)? })
    }
}

/// What was granted by command is to be taken back: from a user, from a role, or from everybody.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unshare {
    /// The account.
    pub name: String,
    /// A user of users.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every user with this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Operation for Unshare {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/accounts/unshare";
    const SUMMARY: &'static str = "Take back what was granted by command";
    type Answer = Shared;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Shared, Fault> {
        let from = grantee(self.user, self.role)?;
        Ok(Shared { shared_with: service.unshare_account(caller, &self.name, from.as_ref())? })
    }
}

fn grantee(user: Option<String>, role: Option<String>) -> Result<Option<Grantee>, Fault> {
    match (user, role) {
        (Some(_), Some(_)) => Err(wrong("both a user and a role are named")),
        (Some(user), None) => Ok(Some(Grantee::User(user))),
        (None, role) => Ok(role.map(Grantee::Role)),
    }
}

fn wrong(cause: &str) -> Fault {
    Fault::new(ErrorClass::Config, "find out who is meant", cause).hint("name a user or a role")
}
