//! The seam behind which an account's tokens are kept.
//!
//! Two means guard a rotating refresh token. The lock keeps two processes from sending it at the same time. The generation keeps one
//! that did not take the lock (a command that stores a new consent, an account that was disconnected) from being overwritten.

use async_trait::async_trait;

use crate::{Result, StoredTokens};

/// An account's tokens, and which they are.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Grows with every replacement, and is never used again for other tokens of the account.
    pub generation: u64,
    /// The tokens.
    pub tokens: StoredTokens,
}

/// Held while one process renews. Dropping it lets the next one in; it ends with its process too.
pub type TokenLock = Box<dyn Send + Sync>;

/// Keeps the tokens of one account.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Waits until no other process renews this account's tokens.
    ///
    /// # Errors
    /// Where the lock cannot be had. The caller sets the time-out by dropping the call.
    async fn lock(&self) -> Result<TokenLock>;

    /// The tokens; `None` where nobody consented, or the account was disconnected.
    ///
    /// # Errors
    /// Where they cannot be read or opened.
    async fn load(&self) -> Result<Option<Kept>>;

    /// Puts these in place of those of generation `seen` (`None`: of none), under a new generation, durably: they are there after a
    /// power loss. `false`, and nothing changed, where those are not the ones that are there.
    ///
    /// # Errors
    /// Where they cannot be written; nothing changed.
    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool>;
}
