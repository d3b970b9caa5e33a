//! Tokens that end with the process: for the trial of an account before it is saved (F1.8), and for simulations. It keeps the promises
//! of the seam, but those of durability.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::Mutex as Lock;

use crate::{Kept, Result, StoredTokens, TokenLock, TokenStore};

/// Keeps an account's tokens in memory. Clones keep the same ones.
#[derive(Debug, Clone, Default)]
pub struct MemoryTokenStore {
    kept: Arc<Mutex<(u64, Option<StoredTokens>)>>,
    lock: Arc<Lock<()>>,
}

impl MemoryTokenStore {
    /// With these tokens in it.
    pub fn with(tokens: StoredTokens) -> Self {
        Self { kept: Arc::new(Mutex::new((1, Some(tokens)))), lock: Arc::default() }
    }

    /// Takes the tokens out, as one who disconnects the account does.
    pub fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
    }
}

#[async_trait]
impl TokenStore for MemoryTokenStore {
    async fn lock(&self) -> Result<TokenLock> {
        Ok(Box::new(self.lock.clone().lock_owned().await))
    }

    async fn load(&self) -> Result<Option<Kept>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.1.clone().map(|tokens| Kept { generation: kept.0, tokens }))
    }

    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = kept.1.is_some().then_some(kept.0);
        if seen != is_there {
            return Ok(false);
        }
        *kept = (kept.0 + 1, Some(new.clone()));
        Ok(true)
    }
}
