//! Tokens by which programs ask over TCP.

use std::fmt;

use postrider_model::Fault;
use postrider_store::ApiToken;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Instant, Method, Operation, fields::whole},
    service::{Caller, Service},
};

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// The user in whose name it asks.
    pub user: String,
    /// Its last four characters.
    pub tail: String,
    /// Since when it is.
    pub created: Option<Instant>,
    /// From when on it is nobody's.
    pub expires: Option<Instant>,
}

impl From<ApiToken> for Token {
    fn from(token: ApiToken) -> Self {
        Self {
            name: token.name,
            user: token.user,
            tail: token.tail,
            created: Instant::of(token.created),
            expires: Instant::of(token.expires),
        }
    }
}

/// All tokens of the caller, or everybody's where the caller administers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/v1/tokens";
    const SUMMARY: &'static str = "List tokens, without what makes them good";
    type Answer = Vec<Token>;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Vec<Token>, Fault> {
        Ok(service.api_tokens(caller)?.into_iter().map(Token::from).collect())
    }
}

/// A token to be made.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Create {
    /// A name by which it can be taken back.
    pub name: String,
    /// The user in whose name it asks; absent for the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// For how many days it is good.
    #[serde(default = "ninety", deserialize_with = "whole")]
    pub days: u32,
}

const fn ninety() -> u32 {
    90
}

/// A token that was just made.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// The token itself, this once.
    pub secret: String,
    /// What is known of it from now on.
    pub token: Token,
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Created").field("token", &self.token).finish_non_exhaustive()
    }
}

impl Operation for Create {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/tokens/create";
    const SUMMARY: &'static str = "Make a token, which is shown this once";
    type Answer = Created;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Created, Fault> {
        let made = service.create_api_token(caller, &self.name, self.user.as_deref(), self.days)?;
        Ok(Created { secret: made.secret.to_string(), token: made.token.into() })
    }
}

/// A token to be taken back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Its name.
    pub name: String,
}

/// A token that is nobody's any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revoked {
    /// Its name.
    pub revoked: String,
}

impl Operation for Revoke {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/v1/tokens/revoke";
    const SUMMARY: &'static str = "Take a token back";
    type Answer = Revoked;

    async fn perform(self, service: &mut Service, caller: &Caller) -> Result<Revoked, Fault> {
        service.revoke_api_token(caller, &self.name)?;
        Ok(Revoked { revoked: self.name })
    }
}
