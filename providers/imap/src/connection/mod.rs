//! One connection: commands go out in flights, and everything that comes back is looked at.
//!
//! - Every command's end is seen, and every BYE: nothing that a server refuses reads as an empty answer (I2).
//! - What the server tells on the way about the open folder and about itself is kept here, whoever's command it came with.
//! - A connection on which something failed that leaves the next octet in doubt is never used again; see
//!   [`crate::fault::Aftermath`].
//!
//! `open` makes one, `login` logs in, `extend` turns extensions on, `idle` waits, `selected` is what is known of the open folder.

mod extend;
mod idle;
mod login;
mod open;
mod selected;

use std::collections::{BTreeSet, VecDeque};

use postrider_model::{ErrorClass, Fault};
use postrider_net::{Limits, redact};

pub(crate) use self::{
    extend::Enabled,
    selected::{Access, Selected},
};
use crate::{
    codec::{
        command::{Command, Literals},
        reader::read_response,
        response::{Data, Response},
        status::{Code, Status, StatusKind},
        stream::Stream,
    },
    fault::{During, Failure, refused},
    name,
};

/// A long literal is sent in pieces of so many octets.
const LITERAL_PIECE: usize = 64 << 10;

/// A connection to a server.
pub(crate) struct Connection {
    stream: Stream,
    server: String,
    limits: Limits,
    capabilities: BTreeSet<String>,
    /// What was turned on.
    pub(crate) enabled: Enabled,
    /// The open folder.
    pub(crate) selected: Option<Selected>,
    /// How the server calls itself (ID).
    pub(crate) identity: Option<String>,
    in_flight: VecDeque<InFlight>,
    tags: u64,
    ended_early: Option<(u64, Status)>,
    is_extended: bool,
    is_compressed: bool,
    is_leaving: bool,
    is_traced: bool,
    is_whole: bool,
}

struct InFlight {
    tag: u64,
    action: String,
}

/// What came.
pub(crate) enum Event {
    /// Untagged data.
    Data(Data),
    /// A command ended: which, and how.
    Done(u64, Status),
    /// `+`
    Continue,
}

impl Connection {
    fn new(stream: Stream, server: String, limits: Limits) -> Self {
        Self {
            stream,
            server,
            limits,
            capabilities: BTreeSet::new(),
            enabled: Enabled::default(),
            selected: None,
            identity: None,
            in_flight: VecDeque::new(),
            tags: 0,
            ended_early: None,
            is_extended: false,
            is_compressed: false,
            is_leaving: false,
            is_traced: false,
            is_whole: false,
        }
    }

    /// An action on this server, for a fault: `list folders on imap.example.com:993`.
    pub(crate) fn action(&self, what: &str) -> String {
        format!("{what} on {}", self.server)
    }

    /// An action on the open folder: `list messages of folder "INBOX" on imap.example.com:993`.
    pub(crate) fn folder_action(&self, what: &str) -> String {
        match &self.selected {
            Some(selected) => {
                self.action(&format!("{what} of folder {:?}", name::shown(&selected.key, Some('/'))))
            }
            None => self.action(what),
        }
    }

    /// Whether the server has that capability (in capitals).
    pub(crate) fn has(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// All capabilities.
    pub(crate) const fn capabilities(&self) -> &BTreeSet<String> {
        &self.capabilities
    }

    /// The largest message that APPEND takes, in octets (RFC 7889), where the server says one for all folders.
    pub(crate) fn append_limit(&self) -> Option<u64> {
        let mut limits = self.capabilities.iter().filter_map(|word| word.strip_prefix("APPENDLIMIT="));
        limits.find_map(|limit| limit.parse().ok())
    }

    /// How strings that cannot be quoted are sent.
    pub(crate) fn literals(&self) -> Literals {
        if self.has("LITERAL+") {
            Literals::AtOnce
        } else if self.has("LITERAL-") {
            Literals::ShortAtOnce
        } else {
            Literals::Synchronising
        }
    }

    /// The number of the next command's tag.
    pub(crate) const fn next_tag(&self) -> u64 {
        self.tags + 1
    }

    /// Whether all commands ended, so that the next one finds the connection in order.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// How many commands have not ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the server has ended it meanwhile, as far as can be told without asking.
    pub(crate) async fn is_dead(&mut self) -> bool {
        self.stream.is_dead().await
    }

    /// Gives large buffers back before a pause.
    pub(crate) fn shrink(&mut self) {
        self.stream.shrink();
    }

    /// Runs commands as one flight: all are sent before the first answer is awaited. Data goes to `on` with the position
    /// of the oldest command that has not ended. The statuses are in the commands' order, and not looked at: see
    /// [`Self::run_all`].
    pub(crate) async fn run(
        &mut self,
        commands: &[Command],
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<Vec<Status>, Failure> {
        if commands.iter().any(Command::waits) && commands.len() > 1 {
            return self.run_one_by_one(commands, on).await;
        }
        let first = self.tags + 1;
        self.send(commands, on).await?;
        let mut answers: Vec<Option<Status>> = vec![None; commands.len()];
        while let Some(oldest) = answers.iter().position(Option::is_none) {
            match self.next().await? {
                Event::Data(data) => on(oldest, data),
                Event::Done(tag, status) => {
                    let at = usize::try_from(tag.saturating_sub(first)).unwrap_or(usize::MAX);
                    if let Some(answer) = answers.get_mut(at) {
                        *answer = Some(status);
                    }
                }
                Event::Continue => return Err(self.garbage("a continuation that nobody asked for")),
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// [`Self::run`] where every command has to succeed; the first that did not is the error.
    pub(crate) async fn run_all(
        &mut self,
        commands: &[Command],
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<Vec<Status>, Failure> {
        let statuses = self.run(commands, on).await?;
        for (status, command) in statuses.iter().zip(commands) {
            done(&command.action, status, During::Command)?;
        }
        Ok(statuses)
    }

    async fn run_one_by_one(
        &mut self,
        commands: &[Command],
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<Vec<Status>, Failure> {
        let mut statuses = Vec::with_capacity(commands.len());
        for (at, command) in commands.iter().enumerate() {
            let mut on_this = |_: usize, data: Data| on(at, data);
            let status = Box::pin(self.run(std::slice::from_ref(command), &mut on_this)).await?;
            statuses.extend(status);
        }
        Ok(statuses)
    }

    /// Sends commands without awaiting their ends. A command that waits for `+` is to be alone.
    pub(crate) async fn send(
        &mut self,
        commands: &[Command],
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<(), Failure> {
        let mut octets = Vec::new();
        let mut later = Vec::new();
        for command in commands {
            self.tags += 1;
            self.in_flight.push_back(InFlight { tag: self.tags, action: command.action.clone() });
            tracing::trace!(server = %self.server, tag = self.tags, command = %command.shown(), "sent");
            let mut pieces = command.pieces(&format!("p{}", self.tags)).into_iter();
            octets.extend(pieces.next().unwrap_or_default());
            later.extend(pieces);
        }
        self.is_whole = later.is_empty();
        self.write(&octets).await?;
        let mut later = later.into_iter().peekable();
        while let Some(piece) = later.next() {
            if !self.may_go_on(on).await? {
                return Ok(());
            }
            self.is_whole = later.peek().is_none();
            self.write(&piece).await?;
        }
        Ok(())
    }

    /// Sends a command that ends in these octets as a literal, with `tail` behind them, without a second copy of them. The
    /// server has to agree first unless `at_once`; where it refuses, [`Self::next`] tells the end.
    pub(crate) async fn send_with_literal(
        &mut self,
        command: &Command,
        octets: &[u8],
        at_once: bool,
        tail: &str,
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<(), Failure> {
        let plus = if at_once { "+" } else { "" };
        let head = command.clone().text(&format!("{{{}{plus}}}", octets.len()));
        let sent = self.send(std::slice::from_ref(&head), on).await;
        self.is_whole = false;
        sent?;
        if self.ended_early.is_some() || !at_once && !self.may_go_on(on).await? {
            return Ok(());
        }
        for piece in octets.chunks(LITERAL_PIECE) {
            self.write(piece).await?;
        }
        self.is_whole = true;
        self.write(format!("{tail}\r\n").as_bytes()).await
    }

    /// Whether the last command was sent to its end, or may have been: before that a server does nothing of it.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Awaits `+`; false when the command ended instead. [`Self::next`] then tells that end.
    async fn may_go_on(&mut self, on: &mut (dyn FnMut(usize, Data) + Send)) -> Result<bool, Failure> {
        loop {
            match self.next().await? {
                Event::Continue => return Ok(true),
                Event::Data(data) => on(0, data),
                Event::Done(tag, status) => {
                    self.ended_early = Some((tag, status));
                    return Ok(false);
                }
            }
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Failure> {
        match self.stream.send(octets).await {
            Ok(()) => Ok(()),
            Err(why) => Err(Failure::wire(&self.current_action(), &why)),
        }
    }

    /// The next that comes, with its effect on what is known of the connection.
    pub(crate) async fn next(&mut self) -> Result<Event, Failure> {
        if let Some((tag, status)) = self.ended_early.take() {
            return Ok(Event::Done(tag, status));
        }
        loop {
            let raw = match read_response(&mut self.stream, &self.limits).await {
                Ok(raw) => raw,
                Err(why) => return Err(Failure::wire(&self.current_action(), &why)),
            };
            if raw.text.is_empty() {
                continue;
            }
            if self.is_traced {
                tracing::trace!(server = %self.server, answer = %redact::printable(&raw.text), "received");
            }
            let response = raw.parse().map_err(|why| Failure::malformed(&self.current_action(), why))?;
            return match response {
                Response::Continue(_) => Ok(Event::Continue),
                Response::Data(data) => {
                    self.note(&data)?;
                    Ok(Event::Data(data))
                }
                Response::Tagged { tag, status } => self.ended(&tag, status),
            };
        }
    }

    fn ended(&mut self, tag: &str, status: Status) -> Result<Event, Failure> {
        let number = tag.strip_prefix('p').and_then(|number| number.parse::<u64>().ok());
        let at = self.in_flight.iter().position(|command| Some(command.tag) == number);
        let Some(command) = at.and_then(|at| self.in_flight.remove(at)) else {
            return Err(self.garbage("the end of a command that was not sent"));
        };
        if let Some(code) = &status.code {
            self.note_code(code);
        }
        Ok(Event::Done(command.tag, status))
    }

    fn note(&mut self, data: &Data) -> Result<(), Failure> {
        match data {
            Data::Status(status) if status.kind == StatusKind::Bye && !self.is_leaving => {
                return Err(Failure::lost(refused(&self.current_action(), status, During::Command, &[])));
            }
            Data::Status(status) => status.code.iter().for_each(|code| self.note_code(code)),
            Data::Capability(words) => self.set_capabilities(words.iter().cloned()),
            Data::Enabled(words) => self.enabled.note(words),
            Data::Id(fields) => self.identity = identity(fields),
            data => {
                if let Some(selected) = self.selected.as_mut() {
                    selected.note(data);
                }
            }
        }
        Ok(())
    }

    fn note_code(&mut self, code: &Code) {
        if code.name == "CAPABILITY" {
            self.set_capabilities(code.words());
        } else if let Some(selected) = self.selected.as_mut() {
            selected.note_code(code);
        }
    }

    fn set_capabilities(&mut self, words: impl Iterator<Item = String>) {
        self.capabilities = words.map(|word| word.to_ascii_uppercase()).collect();
    }

    /// A fault for what comes against the protocol.
    pub(crate) fn garbage(&self, what: &str) -> Failure {
        Failure::garbage(self.current_action(), what)
    }

    /// What is being done: the oldest command's action.
    fn current_action(&self) -> String {
        match self.in_flight.front() {
            Some(command) => command.action.clone(),
            None => self.action("talk"),
        }
    }

    /// Says good-bye, and does not wait for the answer.
    pub(crate) async fn say_goodbye(&mut self) -> bool {
        self.is_leaving = true;
        let logout = [Command::new(self.action("log out"), "LOGOUT")];
        self.send(&logout, &mut |_, _| ()).await.is_ok()
    }

    /// Reads until the server has said good-bye too.
    pub(crate) async fn hear_goodbye(&mut self) {
        while !self.in_flight.is_empty() {
            if self.next().await.is_err() {
                return;
            }
        }
    }
}

fn identity(fields: &[(String, String)]) -> Option<String> {
    let field = |name: &str| fields.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str());
    let words: Vec<&str> = [field("name"), field("version")].into_iter().flatten().collect();
    (!words.is_empty()).then(|| redact::printable(words.join(" ").as_bytes()))
}

/// The success of a command, or its refusal as a fault.
pub(crate) fn done(action: &str, status: &Status, during: During) -> Result<(), Failure> {
    match status.kind {
        StatusKind::Ok => Ok(()),
        _ => Err(Failure::answered(refused(action, status, during, &[]))),
    }
}

/// A fault that passes, with the connection in order.
pub(crate) fn passing(action: impl Into<String>, cause: impl Into<String>) -> Failure {
    Failure::answered(Fault::new(ErrorClass::Transient, action, cause))
}

#[cfg(test)]
mod tests;
