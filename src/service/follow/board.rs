//! What others may know of a follower while it works, and how they keep it from working.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use postrider_model::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::{Halt, Refused};
use crate::{service::Following, sync::Pending};

/// The phase of what runs when somebody asks for it.
pub(super) const BY_HAND: &str = "by hand";

/// All followers of a process, by the names of their accounts. A place stays when its account goes: whoever comes after it under the same
/// name waits until the one before has let go of the server.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<String, Arc<Seat>>>);

/// One follower's place on the board.
#[derive(Debug, Default)]
pub struct Seat {
    following: Mutex<Following>,
    /// What is done beside the account's mail.
    items: Mutex<Items>,
    /// What keeps from its servers. It outlives a follower that is replaced: a server is not asked again because some setting is another.
    trouble: Mutex<Trouble>,
    /// Held by whoever speaks to the account's servers.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// What the account sends beside all else that is done for it.
    pub(super) pending: Arc<Pending>,
}

/// Contacts and activities that run by themselves.
#[derive(Debug, Default)]
struct Items {
    /// When the next run is due.
    next: Option<Timestamp>,
    /// One goes on.
    runs: bool,
}

/// A run of contacts or activities, for as long as it goes on.
pub(super) struct ItemsRun<'a>(&'a Seat);

impl Drop for ItemsRun<'_> {
    fn drop(&mut self) {
        self.0.items().runs = false;
    }
}

/// What keeps from an account's servers.
#[derive(Debug, Default)]
struct Trouble {
    halt: Option<Halt>,
    sending: Option<Refused>,
}

impl Board {
    /// The account's place; made where there is none.
    pub fn seat(&self, account: &str) -> Arc<Seat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(account.to_owned()).or_default().clone()
    }

    /// How an account is being followed.
    pub fn following(&self, account: &str) -> Option<Following> {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.get(account).map(|seat| seat.told())
    }
}

impl Seat {
    /// Waits for the account's servers to be free.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turn.clone().lock_owned().await
    }

    /// Forgets what kept from the account's servers: they, or its login, are others now.
    pub fn forget_trouble(&self) {
        *self.trouble() = Trouble::default();
    }

    /// Why the account is left alone.
    pub(super) fn halt(&self) -> Option<Halt> {
        self.trouble().halt.clone()
    }

    pub(super) fn set_halt(&self, halt: Option<Halt>) {
        self.trouble().halt = halt;
    }

    /// The login that the server for sending refused.
    pub(super) fn sending_refused(&self) -> Option<Refused> {
        self.trouble().sending.clone()
    }

    pub(super) fn set_sending_refused(&self, refused: Option<Refused>) {
        self.trouble().sending = refused;
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, phase: &'static str, next_run: Option<Timestamp>) {
        let mut following = self.following();
        following.phase = phase;
        following.next_run = next_run;
    }

    /// When contacts or activities run next by themselves.
    pub(super) fn items_next(&self, next: Option<Timestamp>) {
        self.items().next = next;
    }

    /// One of them runs, until the answer is dropped.
    pub(super) fn items_run(&self) -> ItemsRun<'_> {
        self.items().runs = true;
        ItemsRun(self)
    }

    /// How the account is followed, all in all.
    fn told(&self) -> Following {
        let mut told = self.following().clone();
        let items = self.items();
        if items.runs {
            told.phase = "running";
        } else if let Some(next) = items.next {
            if told.phase == BY_HAND {
                told.phase = "waiting";
            }
            told.next_run = Some(told.next_run.map_or(next, |mail| mail.min(next)));
        }
        told
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watched(&self, folders: usize) {
        self.following().watched = folders;
    }

    fn following(&self) -> MutexGuard<'_, Following> {
        self.following.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
