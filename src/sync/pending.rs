//! The message of an account that is on its way for longer than a run waits for it. A server may take ten minutes for its last answer
//! (RFC 5321, section 4.5.3.2.6); meanwhile mail is read and changes are sent.
//!
//! Rule: of an account one message at a time is on its way. As long as it is here, `deliver` sends no other, and takes the entry for
//! nothing that was left behind. Whoever drives it may go at any time: the next one drives it on.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use postrider_model::{Fault, OutboxId};
use tokio::sync::Notify;

use super::attempt::Attempted;

/// What is on its way, until it is noted what became of it.
type Sending = Pin<Box<dyn Future<Output = Result<Attempted, Fault>> + Send>>;

/// One account's message that is on its way beside all else, and what became of the one before.
#[derive(Default)]
pub struct Pending {
    slot: Mutex<Slot>,
    /// Something came, ended, or lost its driver.
    news: Notify,
}

#[derive(Default)]
struct Slot {
    under_way: Option<(OutboxId, Sending)>,
    ended: Vec<Result<Attempted, Fault>>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("under_way", &self.under_way()).finish_non_exhaustive()
    }
}

/// A driver that goes leaves it to another.
struct Driving<'a>(&'a Pending);

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        self.0.news.notify_waiters();
    }
}

impl Pending {
    /// The entry that is on its way.
    pub(super) fn under_way(&self) -> Option<OutboxId> {
        self.lock().under_way.as_ref().map(|(id, _)| *id)
    }

    /// Takes a message that is on its way.
    pub(super) fn take_over(&self, id: OutboxId, sending: Sending) {
        self.lock().under_way = Some((id, sending));
        self.news.notify_waiters();
    }

    /// What became of those that have ended since that was asked last.
    pub(super) fn ended(&self) -> Vec<Result<Attempted, Fault>> {
        std::mem::take(&mut self.lock().ended)
    }

    /// Goes on with what is on its way, for as long as it is polled.
    pub async fn drive(&self) {
        let _driving = Driving(self);
        loop {
            let news = self.news.notified();
            tokio::select! {
                biased;
                () = poll_fn(|context| self.poll(context)) => self.news.notify_waiters(),
                () = news => {}
            }
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.lock();
        let Some((_, sending)) = &mut slot.under_way else { return Poll::Pending };
        let ended = ready!(sending.as_mut().poll(context));
        slot.under_way = None;
        slot.ended.push(ended);
        Poll::Ready(())
    }

    /// Waits until it is known what became of one.
    pub async fn has_ended(&self) {
        self.wait_for(|slot| !slot.ended.is_empty()).await;
    }

    /// Waits until nothing is on its way.
    pub async fn is_over(&self) {
        self.wait_for(|slot| slot.under_way.is_none()).await;
    }

    async fn wait_for(&self, is_so: impl Fn(&Slot) -> bool) {
        loop {
            let news = self.news.notified();
            if is_so(&self.lock()) {
                return;
            }
            news.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
