//! By what an account logs in: a password, or access tokens that renew themselves (F1.5).
//!
//! Nothing of either is ever formatted (I11).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Result;

/// Gives an account's access tokens (RFC 6749, section 1.4), and renews them: once for all who ask at the same time, and kept
/// durably before anyone gets the new one.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// A token that is good for a minute at least.
    ///
    /// # Errors
    /// Of class `Login` where only a person's consent gives another one; it is not asked for again before.
    async fn token(&self) -> Result<SecretString>;

    /// Another token than that one, which a server refused though its time was not over.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    async fn after_refusal(&self, refused: &SecretString) -> Result<SecretString>;
}

/// By what an account logs in.
#[derive(Clone)]
pub enum Credential {
    /// A password: `AUTHENTICATE PLAIN` or what else the protocol has for it.
    Password(SecretString),
    /// Access tokens: OAUTHBEARER (RFC 7628) or XOAUTH2.
    Tokens(Arc<dyn AccessTokens>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password",
            Self::Tokens(_) => "Tokens",
        })
    }
}
