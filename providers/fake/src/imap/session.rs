//! One session: who is logged in, what is selected, what was enabled, and what its client has been told.
//!
//! Rules: the session's view of a mailbox changes only together with what is written to the client, so that message
//! sequence numbers mean the same on both sides; everything here is done at once, without waiting.

use std::collections::{BTreeMap, BTreeSet};

use super::capability::{Capabilities, Capability};
use super::command::Command;
use super::law::Facts;
use super::run::{FetchJob, Mechanism, Notified};
use crate::core::{Mailbox, Server, State, canonical};
use crate::faults::Bend;

/// What ENABLE, or a command that implies it, turned on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Enabled {
    pub condstore: bool,
    pub qresync: bool,
    pub utf8: bool,
}

/// The selected mailbox as this session's client knows it.
#[derive(Debug)]
pub(crate) struct Selected {
    pub mailbox: u64,
    pub generation: u64,
    pub read_only: bool,
    /// The UID behind each message sequence number, from 1 on.
    pub view: Vec<u32>,
    /// Changes up to this stamp have been told.
    pub synced: u64,
    /// What is gone but could not be told yet.
    pub owes_expunges: bool,
    /// UID to the stamp at which its flags were told, since `synced`.
    pub told: BTreeMap<u32, u64>,
    /// UIDs from which on, and up to which, messages are recent in this session.
    pub recent: Vec<(u32, u32)>,
    pub no_mod_seq: bool,
    /// SELECT told two UIDVALIDITYs: what its UIDs mean nobody knows.
    pub renumbered: bool,
    /// Pretends that the mailbox is empty.
    pub blind: bool,
}

impl Selected {
    /// The message sequence number of a UID.
    pub fn number_of(&self, uid: u32) -> Option<usize> {
        self.view.binary_search(&uid).ok().map(|at| at + 1)
    }

    pub fn is_recent(&self, uid: u32) -> bool {
        self.recent.iter().any(|(from, to)| (*from..=*to).contains(&uid))
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    No,
    Bad,
}

/// The tagged answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tagged {
    pub verdict: Verdict,
    /// Response code and text.
    pub text: String,
}

impl Tagged {
    pub fn ok(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, text: text.into() }
    }

    pub fn no(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::No, text: text.into() }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, text: text.into() }
    }

    pub fn line(&self, tag: &str) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "OK",
            Verdict::No => "NO",
            Verdict::Bad => "BAD",
        };
        format!("{tag} {verdict} {}\r\n", self.text)
    }
}

/// What the connection does after a command.
pub(crate) enum Next {
    Done(Tagged),
    Fetch(FetchJob),
    Idle,
    /// Asks for the response to an empty challenge.
    Authenticate(Mechanism),
    /// Tells why a token is refused, and hears the client out.
    RefuseToken(Mechanism),
    Compress,
    StartTls,
    Logout,
}

impl From<Tagged> for Next {
    fn from(tagged: Tagged) -> Self {
        Self::Done(tagged)
    }
}

/// The mailbox under the session is not what it was: there is no going on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// One client's session.
pub(crate) struct Session {
    pub server: Server,
    pub connection: u64,
    pub user: Option<String>,
    pub selected: Option<Selected>,
    pub enabled: Enabled,
    pub compressed: bool,
    /// How the answer to the command at hand is bent.
    pub bends: Vec<Bend>,
    /// What is to be sent.
    pub out: Vec<u8>,
    pub tags: BTreeSet<String>,
    /// What NOTIFY asked for.
    pub notified: Option<Notified>,
}

impl Session {
    pub fn new(server: &Server) -> Self {
        Self {
            server: server.clone(),
            connection: server.connected(),
            user: None,
            selected: None,
            enabled: Enabled::default(),
            compressed: false,
            bends: Vec::new(),
            out: Vec::new(),
            tags: BTreeSet::new(),
            notified: None,
        }
    }

    /// What is offered now.
    pub fn offered(&self) -> &Capabilities {
        let config = self.server.config();
        config.before_login.as_ref().filter(|_| self.user.is_none()).unwrap_or(&config.capabilities)
    }

    /// `[CAPABILITY ...] `, where the server says it unasked.
    pub fn capability_code(&self) -> String {
        if self.server.config().tells_capabilities {
            format!("[{}] ", self.capability_line())
        } else {
            String::new()
        }
    }

    /// What is offered, as CAPABILITY tells it.
    fn capability_line(&self) -> String {
        let limit = self.server.config().append_limit;
        let limit = limit.map(|limit| format!(" APPENDLIMIT={limit}")).unwrap_or_default();
        format!("CAPABILITY {}{limit}", self.offered())
    }

    pub fn offers(&self, one: Capability) -> bool {
        self.offered().has(one)
    }

    /// What the law looks at.
    pub fn facts(&self) -> Facts<'_> {
        let selected = self.selected.as_ref();
        Facts {
            offered: self.offered(),
            logged_in: self.user.is_some(),
            selected: selected.is_some(),
            writable: selected.is_some_and(|selected| !selected.read_only),
            mod_seqs: selected.is_none_or(|selected| !selected.no_mod_seq),
            renumbered: selected.is_some_and(|selected| selected.renumbered),
            qresync: self.enabled.qresync,
            utf8: self.enabled.utf8,
            compressed: self.compressed,
        }
    }

    /// Keeps a breach of the rules.
    pub fn violated(&self, what: &str) {
        self.server.violated(self.connection, what);
    }

    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }

    /// A mailbox name as the server holds it.
    pub fn named(&self, mailbox: &str) -> String {
        canonical(mailbox, self.server.config().delimiter)
    }

    pub fn bent(&self, bend: Bend) -> bool {
        self.bends.contains(&bend)
    }

    /// Writes an untagged response.
    pub fn untagged(&mut self, text: &str) {
        self.out.extend_from_slice(b"* ");
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// The selected mailbox in the server's state.
    pub fn mailbox<'s>(&self, state: &'s State) -> Option<&'s Mailbox> {
        state.mailbox_by_id(self.user(), self.selected.as_ref()?.mailbox)
    }

    /// The selected mailbox's present name.
    pub fn selected_name(&self) -> Option<String> {
        self.mailbox(&self.server.lock()).map(|mailbox| mailbox.name.clone())
    }

    /// A mod-sequence as this server tells it: the true one, unless it is to lie.
    pub fn mod_seq(&self, mod_seq: u64) -> u64 {
        self.bends.iter().fold(mod_seq, |mod_seq, bend| match bend {
            Bend::ModSeqBack(by) => mod_seq.saturating_sub(*by).max(1),
            Bend::ModSeqZero => 0,
            _ => mod_seq,
        })
    }

    /// The UIDNEXT that this server tells.
    pub fn uid_next(&self, uid_next: u32) -> u32 {
        self.bends.iter().fold(uid_next, |uid_next, bend| match bend {
            Bend::UidNext(lie) => *lie,
            _ => uid_next,
        })
    }

    /// Does a lawful command.
    pub fn execute(&mut self, tag: &str, command: Command) -> Next {
        use Command as C;
        match command {
            C::Capability => {
                self.untagged(&self.capability_line());
                Tagged::ok("done").into()
            }
            C::Noop | C::Check => Tagged::ok("done").into(),
            C::Logout => Next::Logout,
            C::StartTls => Next::StartTls,
            C::Id => {
                self.untagged("ID (\"name\" \"Postrider fake\")");
                Tagged::ok("done").into()
            }
            C::Login { user, password } => self.login(&user, &password).into(),
            C::Authenticate { mechanism, initial } => match (Mechanism::named(&mechanism), initial) {
                (Some(mechanism), Some(response)) => self.authenticate(mechanism, &response),
                (Some(mechanism), None) => Next::Authenticate(mechanism),
                (None, _) => Tagged::bad("no such mechanism").into(),
            },
            C::Enable(words) => self.enable(&words).into(),
            C::Namespace => self.namespace().into(),
            C::List(list) => self.list(&list).into(),
            C::Lsub { reference, pattern } => self.lsub(&reference, &pattern).into(),
            C::Status { mailbox, items } => self.status(&mailbox, &items).into(),
            C::Select(select) => self.select(&select).into(),
            C::Close => self.close().into(),
            C::Unselect => {
                self.selected = None;
                Tagged::ok("done").into()
            }
            C::Fetch(fetch) => self.fetch(fetch),
            C::Search(search) => self.search(tag, &search).into(),
            C::Store(store) => self.store(&store).into(),
            C::Transfer(transfer) => self.transfer(&transfer).into(),
            C::Append(append) => self.append(append).into(),
            C::Expunge(set) => self.expunge(set.as_ref()).into(),
            C::Create(mailbox) => self.create(&mailbox).into(),
            C::Delete(mailbox) => self.delete(&mailbox).into(),
            C::Rename { from, to } => self.rename(&from, &to).into(),
            C::Subscribe { mailbox, on } => self.subscribe(&mailbox, on).into(),
            C::Idle => Next::Idle,
            C::Compress => Next::Compress,
            C::Notify(wanted) => self.set_notify(wanted).into(),
        }
    }
}
