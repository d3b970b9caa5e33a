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

use blake3::Hash;
use postrider_model::{ErrorClass, Fault, OutboxId};
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
    /// The login with which it is on its way, hashed.
    begun_with: Option<Hash>,
    /// The login that is shown now.
    login: Option<Hash>,
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
        let mut slot = self.lock();
        slot.under_way = Some((id, sending));
        slot.begun_with = slot.login;
        drop(slot);
        self.news.notify_waiters();
    }

    /// The account's servers are shown that login from now on, hashed. What is said of the one before is not said of it.
    pub fn logs_in_with(&self, login: Option<Hash>) {
        let mut slot = self.lock();
        if slot.login != login {
            slot.login = login;
            slot.ended.iter_mut().for_each(of_another_login);
        }
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
        let mut ended = ready!(sending.as_mut().poll(context));
        slot.under_way = None;
        if slot.begun_with != slot.login {
            of_another_login(&mut ended);
        }
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

/// A login that was refused is another by now: the message is tried again with that.
fn of_another_login(ended: &mut Result<Attempted, Fault>) {
    if let Ok(Attempted { fault: Some(fault), .. }) = ended
        && fault.class == ErrorClass::Login
    {
        fault.class = ErrorClass::Transient;
    }
}

#[cfg(test)]
mod tests {
    use postrider_journal::State;
    use postrider_model::{AccountId, Timestamp};
    use postrider_store::{Filing, Outgoing};
    use tokio::sync::oneshot;

    use super::*;

    fn refused() -> Attempted {
        let entry = Outgoing {
            id: OutboxId(1),
            account: AccountId(1),
            message_id: String::new(),
            subject: String::new(),
            sender: String::new(),
            recipients: Vec::new(),
            refused: Vec::new(),
            reached: 0,
            state: State::Noted,
            attempt: 1,
            created: Timestamp(0),
            due: Timestamp(0),
            error: None,
            filing: Filing::Wanted,
            floor: None,
        };
        let fault = Some(Fault::new(ErrorClass::Login, "send o1", "the login was refused"));
        Attempted { entry, known: 0, fault, is_over: true }
    }

    /// A message whose login is refused, on its way with the first of these logins, while others are shown in their order.
    async fn ends_as(during: &[&[u8]], after: &[&[u8]]) -> ErrorClass {
        let pending = Pending::default();
        let (refuse, was_refused) = oneshot::channel::<()>();
        let login = |name: &&[u8]| Some(blake3::hash(name));
        pending.logs_in_with(login(&during[0]));
        let sending = async move {
            was_refused.await.unwrap();
            Ok(refused())
        };
        pending.take_over(OutboxId(1), Box::pin(sending));
        during.iter().for_each(|name| pending.logs_in_with(login(name)));
        refuse.send(()).unwrap();
        tokio::select! {
            () = pending.drive() => {}
            () = pending.has_ended() => {}
        }
        after.iter().for_each(|name| pending.logs_in_with(login(name)));
        assert_eq!(pending.under_way(), None);
        pending.ended().remove(0).unwrap().fault.unwrap().class
    }

    #[tokio::test]
    async fn what_a_login_was_told_is_not_told_of_another() {
        assert_eq!(ends_as(&[b"old"], &[]).await, ErrorClass::Login);
        assert_eq!(ends_as(&[b"old"], &[b"old"]).await, ErrorClass::Login);
        assert_eq!(ends_as(&[b"old", b"new"], &[]).await, ErrorClass::Transient);
        assert_eq!(ends_as(&[b"old"], &[b"new"]).await, ErrorClass::Transient);
    }
}
