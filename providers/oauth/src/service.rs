//! An account's tokens, renewed once for all who ask.
//!
//! Order of a renewal: this process's callers wait for each other (`state`), then for other processes ([`TokenStore::lock`]); then the
//! tokens are read anew, since another may have renewed meanwhile; only then is the refresh token sent. What comes back is stored before
//! anyone gets it. Where it cannot be stored it is kept back, and stored before anything else is done: the old refresh token may be
//! worth nothing any more.
//!
//! A server that would not renew is not asked again before a pause has passed ([`Backoff`]); one that declared the refresh token dead is
//! not asked again at all, by no process, until there are other tokens.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use postrider_model::{Clock, Entropy, ErrorClass, Fault};
use postrider_net::Backoff;
use postrider_remote::AccessTokens;
use secrecy::SecretString;
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{Client, Kept, Result, StoredTokens, TokenLock, TokenStore, fault::Refusal, tokens::same};

/// How long another process may renew. Beyond what its own time-outs allow it hangs.
const LOCK_LIMIT: Duration = Duration::from_secs(120);
/// A token that was renewed because of a refusal and is refused within this time is not at fault itself, in milliseconds.
const SOON_MS: u64 = 5 * 60 * 1_000;
/// How often the tokens may turn out to be others while one call runs.
const ROUNDS: usize = 4;

/// Gives and renews the tokens of one account.
///
/// A renewal runs on when its caller leaves, or the new refresh token would be lost between server and store. It is held here and ends
/// with the service: [`settle`](Self::settle) before that.
pub struct TokenService {
    inner: Arc<Inner>,
    renewals: std::sync::Mutex<JoinSet<()>>,
}

struct Inner {
    account: String,
    client: Client,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    backoff: Backoff,
    state: Mutex<State>,
}

/// What this process knows. The store knows better.
#[derive(Default)]
struct State {
    /// The tokens as they were last read or written.
    kept: Option<Kept>,
    /// Renewed, and not stored yet: in place of which generation.
    unsaved: Option<(u64, StoredTokens)>,
    /// Why a generation is not renewed now.
    refused: Option<Refused>,
    failures: u32,
    /// The token that was renewed because a server refused the one before.
    forced: Option<SecretString>,
}

/// A renewal that failed.
struct Refused {
    generation: u64,
    fault: Fault,
    /// Not before; `None`: never.
    until: Option<Instant>,
}

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenService").field("account", &self.inner.account).finish_non_exhaustive()
    }
}

#[async_trait]
impl AccessTokens for TokenService {
    async fn token(&self) -> Result<SecretString> {
        self.give(None).await
    }

    async fn after_refusal(&self, refused: &SecretString) -> Result<SecretString> {
        self.give(Some(refused)).await
    }
}

impl TokenService {
    /// One for the account of that name.
    pub fn new(
        account: impl Into<String>,
        client: Client,
        store: Arc<dyn TokenStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (account, backoff, state) = (account.into(), Backoff::default(), Mutex::default());
        let inner = Inner { account, client, store, clock, entropy, backoff, state };
        Self { inner: Arc::new(inner), renewals: std::sync::Mutex::default() }
    }

    /// Waits for the end of renewals whose callers have left: at most a minute for each, and the wait for other processes.
    ///
    /// # Errors
    /// Where tokens that a server gave cannot be stored: they are lost with the process, and the ones before may be dead.
    pub async fn settle(&self) -> Result<()> {
        while poll_fn(|context| self.renewals().poll_join_next(context)).await.is_some() {}
        let mut state = self.inner.state.lock().await;
        if state.unsaved.is_none() {
            return Ok(());
        }
        let _lock = self.inner.lock().await?;
        self.inner.save(&mut state).await.map(drop)
    }

    async fn give(&self, refused: Option<&SecretString>) -> Result<SecretString> {
        if let Some(token) = self.inner.at_hand(refused).await {
            return Ok(token);
        }
        let (tell, told) = oneshot::channel();
        let (inner, refused) = (self.inner.clone(), refused.cloned());
        {
            let mut renewals = self.renewals();
            while renewals.try_join_next().is_some() {}
            renewals.spawn(async move {
                // It fails where the caller has left, who then asks again some time.
                let _ = tell.send(inner.get(refused.as_ref()).await);
            });
        }
        let cut_off = |_| Fault::new(ErrorClass::Transient, self.inner.action(), "the renewal was cut off");
        told.await.map_err(cut_off)?
    }

    fn renewals(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.renewals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The token that was good when this process last looked, if it still is.
    async fn at_hand(&self, refused: Option<&SecretString>) -> Option<SecretString> {
        let state = self.state.lock().await;
        state.kept.as_ref().and_then(|kept| self.usable(&kept.tokens, refused))
    }

    async fn get(&self, refused: Option<&SecretString>) -> Result<SecretString> {
        let mut state = self.state.lock().await;
        // Whoever waited here may find what another has got meanwhile.
        if let Some(token) = state.kept.as_ref().and_then(|kept| self.usable(&kept.tokens, refused)) {
            return Ok(token);
        }
        let _lock = self.lock().await?;
        self.save(&mut state).await?;
        for _ in 0..ROUNDS {
            let kept = self.load(&mut state).await?;
            if let Some(token) = self.usable(&kept.tokens, refused) {
                return Ok(token);
            }
            if let Some(fault) = self.held_back(&state, &kept, refused) {
                return Err(fault);
            }
            if let Some(token) = self.renew(&mut state, kept, refused).await? {
                return Ok(token);
            }
        }
        let cause = "the tokens were replaced again and again by others";
        Err(Fault::new(ErrorClass::Transient, self.action(), cause))
    }

    /// The access token, where it may be given out.
    fn usable(&self, tokens: &StoredTokens, refused: Option<&SecretString>) -> Option<SecretString> {
        let is_refused = refused.is_some_and(|refused| same(refused, &tokens.access));
        let is_good = !tokens.dead && !is_refused && tokens.is_fresh(self.clock.now());
        is_good.then(|| tokens.access.clone())
    }

    async fn lock(&self) -> Result<TokenLock> {
        match timeout(LOCK_LIMIT, self.store.lock()).await {
            Ok(lock) => lock,
            Err(_) => {
                let cause =
                    format!("another process has held the account's tokens for {} s", LOCK_LIMIT.as_secs());
                Err(Fault::new(ErrorClass::Busy, self.action(), cause))
            }
        }
    }

    async fn load(&self, state: &mut State) -> Result<Kept> {
        state.kept = self.store.load().await?;
        state.kept.clone().ok_or_else(|| self.needs_login("nobody has consented for it yet"))
    }

    /// Why these tokens are not renewed now, without asking anyone.
    fn held_back(&self, state: &State, kept: &Kept, refused: Option<&SecretString>) -> Option<Fault> {
        if kept.tokens.dead {
            return Some(self.needs_login("the provider no longer accepts the consent"));
        }
        if kept.tokens.refresh.is_none() {
            return Some(self.needs_login("the access token is over, and there is no refresh token"));
        }
        if refused.is_some_and(|refused| self.was_just_renewed(state, kept, refused)) {
            return Some(self.refused_again());
        }
        let refused = state.refused.as_ref().filter(|refused| refused.generation == kept.generation)?;
        let left = match refused.until {
            Some(until) => until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?,
            None => return Some(refused.fault.clone()),
        };
        let mut fault = refused.fault.clone();
        fault.retry_after_ms = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        Some(fault)
    }

    /// Whether that token came by a renewal which a refusal had asked for, and is refused so soon that the next one would be too.
    fn was_just_renewed(&self, state: &State, kept: &Kept, refused: &SecretString) -> bool {
        let age_ms = self.clock.now().millis_since(kept.tokens.obtained_at);
        let is_forced = state.forced.as_ref().is_some_and(|forced| same(forced, refused));
        is_forced && same(refused, &kept.tokens.access) && age_ms < SOON_MS
    }

    /// Sends the refresh token; `None` where other tokens are there by now.
    async fn renew(
        &self,
        state: &mut State,
        kept: Kept,
        refused: Option<&SecretString>,
    ) -> Result<Option<SecretString>> {
        let Some(refresh) = &kept.tokens.refresh else { return Ok(None) };
        match self.client.renew(refresh).await {
            Ok(new) => {
                tracing::debug!(account = %self.account, "access token renewed");
                (state.failures, state.refused, state.kept) = (0, None, None);
                let new = kept.tokens.renewed(new);
                let token = new.access.clone();
                state.forced = refused.is_some().then(|| token.clone());
                state.unsaved = Some((kept.generation, new));
                Ok(self.save(state).await?.then_some(token))
            }
            Err(refusal) if refusal.needs_consent => self.bury(state, kept, refusal).await,
            Err(refusal) => {
                state.failures = state.failures.saturating_add(1);
                let wish_ms = refusal.fault.retry_after_ms;
                let pause_ms = self.backoff.pause_ms(state.failures, wish_ms, &*self.entropy);
                state.refused = Some(Refused {
                    generation: kept.generation,
                    fault: refusal.fault.clone(),
                    until: Instant::now().checked_add(Duration::from_millis(pause_ms)),
                });
                Err(refusal.fault)
            }
        }
    }

    /// Stores what was renewed and is not stored yet. `false` where other tokens are there by now; then those hold.
    async fn save(&self, state: &mut State) -> Result<bool> {
        let Some((seen, new)) = &state.unsaved else { return Ok(true) };
        let is_stored = self.store.replace(Some(*seen), new).await?;
        (state.unsaved, state.kept) = (None, None);
        Ok(is_stored)
    }

    /// Notes that the refresh token is dead, for every process. `None` where other tokens are there by now.
    async fn bury(&self, state: &mut State, kept: Kept, refusal: Refusal) -> Result<Option<SecretString>> {
        let mut fault = refusal.fault;
        fault.hint = Some(self.hint());
        // Should it not be noted, this process at least does not ask again.
        state.refused = Some(Refused { generation: kept.generation, fault: fault.clone(), until: None });
        let dead = StoredTokens { dead: true, ..kept.tokens };
        if !self.store.replace(Some(kept.generation), &dead).await? {
            return Ok(None);
        }
        tracing::warn!(account = %self.account, "the consent is no longer accepted");
        state.kept = None;
        Err(fault)
    }

    fn action(&self) -> String {
        format!("get an access token for account {}", self.account)
    }

    fn hint(&self) -> String {
        format!("consent anew by `postrider account login {}`", self.account)
    }

    fn needs_login(&self, cause: &str) -> Fault {
        Fault::new(ErrorClass::Login, self.action(), cause).hint(self.hint())
    }

    fn refused_again(&self) -> Fault {
        let cause = "the server refuses the renewed token too";
        Fault::new(ErrorClass::Login, self.action(), cause).hint(format!(
            "check that `scopes` in the provider's file open the mailbox, and that the consent is the mailbox's own; {}",
            self.hint()
        ))
    }
}

#[cfg(test)]
mod tests;
