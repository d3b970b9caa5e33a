//! The server behind every head: users, mailboxes, messages, held in memory.
//!
//! Rules: nothing is drawn from clock or chance, ids and stamps are counted and times passed in; every change wakes
//! the sessions that wait; what a client did wrong is kept for tests to assert that there was nothing. It knows no
//! wire.

mod flags;
mod gmail;
mod mailbox;
mod name;
mod other_client;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, FixedOffset};
use tokio::sync::watch;

pub use flags::{FlagChange, Flags, SYSTEM_FLAGS};
pub(crate) use gmail::Label;
pub use mailbox::{Backup, Message};
pub(crate) use mailbox::{Mailbox, NewMessage};
pub(crate) use name::{canonical, is_below};
pub use other_client::{MailboxView, MessageView, OtherClient};
pub(crate) use state::State;
pub use state::{BodyServed, Served};

use crate::imap::{Capabilities, Capability};
use state::User;

/// A received-at time with the zone that the server shows it in, exact to the second.
pub type InternalDate = DateTime<FixedOffset>;

/// Why the server could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoreError {
    /// The user is unknown.
    #[error("no such user: {0}")]
    NoSuchUser(String),
    /// The mailbox is unknown.
    #[error("no such mailbox: {0}")]
    NoSuchMailbox(String),
    /// The name is taken.
    #[error("mailbox already exists: {0}")]
    AlreadyExists(String),
    /// The name only holds others together.
    #[error("mailbox cannot be selected: {0}")]
    NoSelect(String),
    /// No mailbox can have this name.
    #[error("invalid mailbox name: {0}")]
    BadName(String),
    /// It cannot go while there are mailboxes below it.
    #[error("mailbox has children: {0}")]
    HasChildren(String),
    /// INBOX cannot be deleted.
    #[error("INBOX cannot be deleted")]
    Inbox,
    /// There is no room left.
    #[error("over quota")]
    OverQuota,
    /// All UIDs are used up.
    #[error("no UIDs left in mailbox: {0}")]
    Full(String),
    /// There is no message with this UID.
    #[error("no message with UID {0}")]
    NoSuchMessage(u32),
}

/// What a server is like, fixed when it is made.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What it offers.
    pub capabilities: Capabilities,
    /// What it offers before login, if that is something else.
    pub before_login: Option<Capabilities>,
    /// Whether greeting and login say what is offered; if not, a client must ask.
    pub tells_capabilities: bool,
    /// What separates the levels of mailbox names.
    pub delimiter: char,
    /// The prefix of the personal namespace, such as `INBOX.`; only told, never enforced.
    pub namespace_prefix: String,
    /// The largest message that APPEND takes, in octets (RFC 7889).
    pub append_limit: Option<u32>,
    /// What time it is until [`Server::set_now`]; an APPEND without a date is received at this time.
    pub now: InternalDate,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            capabilities: Capabilities::all(),
            before_login: None,
            tells_capabilities: true,
            delimiter: '/',
            namespace_prefix: String::new(),
            append_limit: None,
            now: DateTime::UNIX_EPOCH.fixed_offset(),
        }
    }
}

/// A handle on one server; clones share it.
#[derive(Clone, Debug)]
pub struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ServerConfig,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Server {
    /// A server without users.
    pub fn new(config: ServerConfig) -> Self {
        let state = Mutex::new(State::new(config.now, config.capabilities.has(Capability::XGmExt1)));
        Self(Arc::new(Inner { config, state, changed: watch::Sender::new(0) }))
    }

    /// What the server is like.
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// Adds a user with an empty INBOX, or changes the password of one that is there.
    pub fn add_user(&self, user: &str, password: &str) -> OtherClient {
        let delimiter = self.config().delimiter;
        self.change(|state| {
            let entry = state.users.entry(user.to_owned()).or_insert_with(|| User {
                password: String::new(),
                tokens: std::collections::BTreeSet::new(),
                quota: None,
                mailboxes: std::collections::BTreeMap::new(),
                subscribed: std::collections::BTreeSet::new(),
            });
            password.clone_into(&mut entry.password);
            // INBOX is a valid name and only refused where it is there already.
            state.create(user, "INBOX", delimiter).ok();
            if state.gmail {
                // Their names are valid, and those that are there stay.
                state.furnish_gmail(user).ok();
            }
        });
        self.other_client(user)
    }

    /// The access tokens that a user may log in with from now on, and no others. An unknown user gets none.
    pub fn set_tokens(&self, user: &str, tokens: &[&str]) {
        if let Some(user) = self.lock().users.get_mut(user) {
            user.tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
        }
    }

    /// Acts on a user's mail as another client of theirs would.
    pub fn other_client(&self, user: &str) -> OtherClient {
        OtherClient::new(self.clone(), user)
    }

    /// Sets the time that an APPEND without a date is received at.
    pub fn set_now(&self, now: InternalDate) {
        self.lock().now = now;
    }

    /// What clients did against the rules, in order; a test asserts that this is empty.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// The commands that clients sent since the last call, in the order in which they were answered.
    pub fn take_served(&self) -> Vec<Served> {
        std::mem::take(&mut self.lock().served)
    }

    /// The whole messages that clients fetched since the last call, in the order in which they were asked for; one that is
    /// fetched in pieces stands there once for each piece.
    pub fn take_bodies(&self) -> Vec<BodyServed> {
        std::mem::take(&mut self.lock().bodies)
    }

    /// Counts a new connection; its number, from 1.
    pub(crate) fn connected(&self) -> u64 {
        let mut state = self.lock();
        state.connections += 1;
        state.connections
    }

    /// Keeps a breach of the rules.
    pub(crate) fn violated(&self, connection: u64, what: &str) {
        self.lock().violations.push(format!("connection {connection}: {what}"));
    }

    pub(crate) fn served(&self, connection: u64, command: &str) {
        self.lock().served.push(Served { connection, command: command.to_owned() });
    }

    /// Looks at the state, or changes what no session waits for.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the sessions that wait for a change.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, stamp) = {
            let mut state = self.lock();
            let result = act(&mut state);
            state.settle();
            (result, state.latest_stamp())
        };
        self.0.changed.send_replace(stamp);
        result
    }

    /// Hears of changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }
}
