//! The server behind every connection: who may log in, whom it refuses, what it accepted, and where that goes.
//!
//! Rule: nothing is drawn from clock or chance; queue numbers are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::{Served, Server};

/// What a server is like, fixed when it is made.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Its name in greeting and EHLO.
    pub name: String,
    /// Whether it knows EHLO; if not, it answers 502 and offers nothing.
    pub knows_ehlo: bool,
    /// The lines of its answer to EHLO: `PIPELINING`, `SIZE 1000000`, `AUTH PLAIN LOGIN`. What is not among them is
    /// refused, and counted as the client's mistake.
    pub extensions: Vec<String>,
    /// Whether MAIL wants a login before it.
    pub requires_login: bool,
    /// Whether an account may send under its login name alone.
    pub own_senders_only: bool,
    /// The recipients of one message beyond which it says 452.
    pub most_recipients: usize,
}

impl Default for SmtpConfig {
    /// Offers everything, and wants a login.
    fn default() -> Self {
        let extensions = [
            "PIPELINING",
            "SIZE 20000000",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "AUTH PLAIN LOGIN OAUTHBEARER XOAUTH2",
        ];
        Self {
            name: "smtp.test".to_owned(),
            knows_ehlo: true,
            extensions: extensions.map(str::to_owned).to_vec(),
            requires_login: true,
            own_senders_only: false,
            most_recipients: 1_000,
        }
    }
}

impl SmtpConfig {
    /// The same without the extensions of these names.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.extensions.retain(|line| !names.iter().any(|name| line.split(' ').next() == Some(name)));
        self
    }

    /// The same with this line of EHLO's answer in place of the one of that name, if there was one.
    #[must_use]
    pub fn with(self, line: &str) -> Self {
        let mut config = self.without(&[line.split(' ').next().unwrap_or_default()]);
        config.extensions.push(line.to_owned());
        config
    }

    pub(super) fn offers(&self, name: &str) -> bool {
        self.extensions.iter().any(|line| line.split(' ').next() == Some(name))
    }

    pub(super) fn takes(&self, mechanism: &str) -> bool {
        let mut lines = self.extensions.iter().filter_map(|line| line.strip_prefix("AUTH "));
        lines.any(|words| words.split(' ').any(|word| word == mechanism))
    }

    pub(super) fn size_limit(&self) -> Option<u64> {
        self.extensions
            .iter()
            .find_map(|line| line.strip_prefix("SIZE ")?.parse().ok())
            .filter(|limit| *limit > 0)
    }
}

/// A message that the server took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its number in the queue, from 1; the answer to the final dot names it.
    pub number: usize,
    /// The connection over which it came, counted from 1.
    pub connection: u64,
    /// Who was logged in.
    pub user: Option<String>,
    /// The envelope's sender; may be empty.
    pub from: String,
    /// The envelope's recipients, as far as they were accepted.
    pub to: Vec<String>,
    /// The parameters of MAIL, then those of each RCPT.
    pub parameters: Vec<Vec<String>>,
    /// The message, without its doubled dots.
    pub message: Arc<[u8]>,
}

/// A mailbox into which messages are put.
#[derive(Clone, Debug)]
struct Place {
    server: Server,
    user: String,
    mailbox: String,
}

/// A handle on one server; clones share it.
#[derive(Clone, Debug)]
pub struct SmtpServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: SmtpConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passwords: BTreeMap<String, String>,
    /// Who may log in with which access token.
    tokens: BTreeMap<String, String>,
    refused: BTreeMap<String, (u16, String)>,
    inboxes: BTreeMap<String, Place>,
    filed: BTreeMap<String, Place>,
    accepted: Vec<Accepted>,
    violations: Vec<String>,
    served: Vec<Served>,
    connections: u64,
}

impl SmtpServer {
    /// A server without users.
    pub fn new(config: SmtpConfig) -> Self {
        Self(Arc::new(Inner { config, state: Mutex::default() }))
    }

    /// What the server is like.
    pub fn config(&self) -> &SmtpConfig {
        &self.0.config
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a user, or changes the password of one that is there.
    pub fn add_user(&self, user: &str, password: &str) {
        self.lock().passwords.insert(user.to_owned(), password.to_owned());
    }

    /// Lets a user in with this access token.
    pub fn add_token(&self, user: &str, token: &str) {
        self.lock().tokens.insert(token.to_owned(), user.to_owned());
    }

    /// Lets nobody in with this access token any more.
    pub fn revoke_token(&self, token: &str) {
        self.lock().tokens.remove(token);
    }

    /// Refuses a recipient with this code and text from now on; code 250 takes it back.
    pub fn refuse_recipient(&self, address: &str, code: u16, text: &str) {
        self.lock().refused.insert(address.to_owned(), (code, text.to_owned()));
    }

    /// Puts messages to this address into a user's mailbox, which is made where it is missing.
    pub fn deliver_to(&self, address: &str, server: &Server, user: &str, mailbox: &str) {
        let place = Place { server: server.clone(), user: user.to_owned(), mailbox: mailbox.to_owned() };
        self.lock().inboxes.insert(address.to_owned(), place);
    }

    /// Files what this login sends in a user's mailbox, seen, as servers do that keep sent mail themselves. The copy has a
    /// header line more than the message.
    pub fn file_sent(&self, login: &str, server: &Server, user: &str, mailbox: &str) {
        let place = Place { server: server.clone(), user: user.to_owned(), mailbox: mailbox.to_owned() };
        self.lock().filed.insert(login.to_owned(), place);
    }

    /// The messages that were accepted, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.lock().accepted.clone()
    }

    /// What clients did against the rules, in order; a test asserts that this is empty.
    pub fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// The commands that clients sent since the last call, in the order in which they were answered.
    pub fn take_served(&self) -> Vec<Served> {
        std::mem::take(&mut self.lock().served)
    }

    /// Counts a new connection; its number, from 1.
    pub(super) fn connected(&self) -> u64 {
        let mut state = self.lock();
        state.connections += 1;
        state.connections
    }

    pub(super) fn violated(&self, connection: u64, what: &str) {
        self.lock().violations.push(format!("connection {connection}: {what}"));
    }

    pub(super) fn served(&self, connection: u64, command: &str) {
        self.lock().served.push(Served { connection, command: command.to_owned() });
    }

    pub(super) fn knows_password(&self, user: &str, password: &str) -> bool {
        self.lock().passwords.get(user).is_some_and(|known| known == password)
    }

    pub(super) fn knows_token(&self, user: &str, token: &str) -> bool {
        self.lock().tokens.get(token).is_some_and(|owner| owner == user)
    }

    /// Why that recipient is refused.
    pub(super) fn refusal(&self, address: &str) -> Option<(u16, String)> {
        self.lock().refused.get(address).filter(|(code, _)| *code >= 400).cloned()
    }

    /// Takes a message; its number.
    pub(super) fn accept(&self, mut accepted: Accepted) -> usize {
        let mut places: Vec<(Place, bool)> = Vec::new();
        let number = {
            let mut state = self.lock();
            accepted.number = state.accepted.len() + 1;
            places.extend(
                accepted.to.iter().filter_map(|to| state.inboxes.get(to)).map(|place| (place.clone(), false)),
            );
            let filed = accepted.user.as_ref().and_then(|user| state.filed.get(user));
            places.extend(filed.map(|place| (place.clone(), true)));
            state.accepted.push(accepted.clone());
            accepted.number
        };
        for (place, seen) in places {
            self.put(&place, &accepted, seen);
        }
        number
    }

    fn put(&self, place: &Place, accepted: &Accepted, seen: bool) {
        let trace = format!("Received: by {} with ESMTPSA id {}\r\n", self.config().name, accepted.number);
        let bytes = [trace.as_bytes(), &accepted.message].concat();
        let now = place.server.lock().now;
        let user = place.server.other_client(&place.user);
        // It is there already, as a rule.
        user.create_mailbox(&place.mailbox).ok();
        let flags: &[&str] = if seen { &["\\Seen"] } else { &[] };
        if let Err(why) = user.append(&place.mailbox, bytes, flags, now) {
            self.violated(accepted.connection, &format!("a message could not be delivered: {why}"));
        }
    }
}
