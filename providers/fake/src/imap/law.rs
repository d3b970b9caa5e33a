//! What a client may do and when: the state of the session, what is offered, what was enabled.
//!
//! Rule: stricter than real servers. A breach is refused with BAD; what the RFCs allow but a careful client must not
//! do is done, and remembered all the same (`recklessness`).

use super::capability::{Capabilities, Capability};
use super::command::{Command, Fetch, FetchItem, List, ListReturn, ListSelection, Search, StatusItem};

/// What the law looks at.
pub(crate) struct Facts<'a> {
    pub offered: &'a Capabilities,
    pub logged_in: bool,
    pub selected: bool,
    /// The selected mailbox can be written to.
    pub writable: bool,
    /// The selected mailbox has mod-sequences.
    pub mod_seqs: bool,
    /// The selected mailbox told two UIDVALIDITYs.
    pub renumbered: bool,
    pub qresync: bool,
    pub utf8: bool,
    pub compressed: bool,
}

type Lawful = Result<(), String>;

/// Whether the command may be given now; if not, why.
pub(crate) fn check(command: &Command, facts: &Facts<'_>) -> Lawful {
    state(command, facts)?;
    offered(command, facts)
}

fn state(command: &Command, facts: &Facts<'_>) -> Lawful {
    use Command as C;
    let (fits, state) = match command {
        C::Capability | C::Noop | C::Logout | C::Id => (true, ""),
        C::StartTls | C::Login { .. } | C::Authenticate { .. } => (!facts.logged_in, "before login"),
        // RFC 5161 section 3.1
        C::Enable(_) => (facts.logged_in && !facts.selected, "after login and before a mailbox is selected"),
        C::Close
        | C::Unselect
        | C::Check
        | C::Fetch(_)
        | C::Search(_)
        | C::Store(_)
        | C::Transfer(_)
        | C::Expunge(_) => (facts.selected, "with a mailbox selected"),
        _ => (facts.logged_in, "after login"),
    };
    if fits { Ok(()) } else { Err(format!("the command is only valid {state}")) }
}

fn offered(command: &Command, facts: &Facts<'_>) -> Lawful {
    use Command as C;
    match command {
        C::StartTls => needs(facts, Capability::StartTls, "STARTTLS"),
        C::Id => needs(facts, Capability::Id, "ID"),
        C::Login { .. } if facts.offered.has(Capability::LoginDisabled) => {
            Err("LOGIN is disabled".to_owned())
        }
        C::Authenticate { mechanism, initial } => {
            let needed = match mechanism.as_str() {
                "PLAIN" => Capability::AuthPlain,
                "OAUTHBEARER" => Capability::AuthOauthBearer,
                "XOAUTH2" => Capability::AuthXoauth2,
                _ => return Err(format!("the mechanism {mechanism} is not offered")),
            };
            needs(facts, needed, &format!("AUTHENTICATE {mechanism}"))?;
            if initial.is_some() { needs(facts, Capability::SaslIr, "an initial response") } else { Ok(()) }
        }
        C::Enable(_) => needs(facts, Capability::Enable, "ENABLE"),
        C::Namespace => needs(facts, Capability::Namespace, "NAMESPACE"),
        C::List(list) => list_offered(list, facts),
        C::Status { items, .. } => status_offered(items, facts),
        C::Select(select) => {
            if select.condstore {
                needs(facts, Capability::CondStore, "CONDSTORE")?;
            }
            if select.qresync.is_some() && !facts.qresync {
                return Err("QRESYNC was not enabled".to_owned());
            }
            Ok(())
        }
        C::Unselect => needs(facts, Capability::Unselect, "UNSELECT"),
        C::Fetch(fetch) => fetch_offered(fetch, facts),
        C::Search(search) => search_offered(search, facts),
        C::Store(store) if store.unchanged_since.is_some() => mod_seqs(facts, "UNCHANGEDSINCE"),
        C::Transfer(transfer) if transfer.moving => needs(facts, Capability::Move, "MOVE"),
        C::Append(append) if append.utf8 => needs(facts, Capability::Utf8Accept, "UTF8"),
        C::Expunge(Some(_)) => needs(facts, Capability::UidPlus, "UID EXPUNGE"),
        C::Idle => needs(facts, Capability::Idle, "IDLE"),
        C::Notify(_) => needs(facts, Capability::Notify, "NOTIFY"),
        C::Compress if facts.compressed => Err("the connection is compressed already".to_owned()),
        C::Compress => needs(facts, Capability::CompressDeflate, "COMPRESS"),
        _ => Ok(()),
    }
}

fn needs(facts: &Facts<'_>, capability: Capability, what: &str) -> Lawful {
    if facts.offered.has(capability) { Ok(()) } else { Err(format!("{what} is not offered")) }
}

/// Mod-sequences must be offered, and the mailbox must have them (RFC 7162 section 3.1.2.2).
fn mod_seqs(facts: &Facts<'_>, what: &str) -> Lawful {
    needs(facts, Capability::CondStore, what)?;
    if facts.mod_seqs { Ok(()) } else { Err(format!("{what} in a mailbox without mod-sequences")) }
}

fn list_offered(list: &List, facts: &Facts<'_>) -> Lawful {
    // RFC 6154 section 2 and RFC 5819 section 2 extend the syntax of LIST-EXTENDED.
    if list.extended {
        needs(facts, Capability::ListExtended, "extended LIST")?;
    }
    if list.selection.contains(&ListSelection::SpecialUse) {
        needs(facts, Capability::SpecialUse, "selection by SPECIAL-USE")?;
    }
    for wanted in &list.returns {
        match wanted {
            ListReturn::SpecialUse => needs(facts, Capability::SpecialUse, "RETURN (SPECIAL-USE)")?,
            ListReturn::Status(items) => {
                needs(facts, Capability::ListStatus, "RETURN (STATUS)")?;
                status_offered(items, facts)?;
            }
            ListReturn::Subscribed | ListReturn::Children => {}
        }
    }
    Ok(())
}

fn status_offered(items: &[StatusItem], facts: &Facts<'_>) -> Lawful {
    items.iter().try_for_each(|item| match item {
        StatusItem::HighestModSeq => needs(facts, Capability::CondStore, "STATUS HIGHESTMODSEQ"),
        StatusItem::Size => needs(facts, Capability::StatusSize, "STATUS SIZE"),
        StatusItem::MailboxId => needs(facts, Capability::ObjectId, "STATUS MAILBOXID"),
        _ => Ok(()),
    })
}

fn fetch_offered(fetch: &Fetch, facts: &Facts<'_>) -> Lawful {
    for item in &fetch.items {
        match item {
            FetchItem::ModSeq => mod_seqs(facts, "FETCH MODSEQ")?,
            FetchItem::GmMsgId | FetchItem::GmThrId | FetchItem::GmLabels => {
                needs(facts, Capability::XGmExt1, "FETCH X-GM-")?;
            }
            FetchItem::EmailId | FetchItem::ThreadId => needs(facts, Capability::ObjectId, "FETCH EMAILID")?,
            _ => {}
        }
    }
    if fetch.changed_since.is_some() {
        mod_seqs(facts, "CHANGEDSINCE")?;
    }
    // RFC 7162 section 3.2.6
    let vanished_fits = fetch.uid && fetch.changed_since.is_some() && facts.qresync;
    if fetch.vanished && !vanished_fits {
        return Err("VANISHED only goes with UID FETCH, CHANGEDSINCE and QRESYNC enabled".to_owned());
    }
    Ok(())
}

fn search_offered(search: &Search, facts: &Facts<'_>) -> Lawful {
    // RFC 6855 section 3
    if facts.utf8 && search.charset.is_some() {
        return Err("SEARCH with a charset after UTF8=ACCEPT was enabled".to_owned());
    }
    if search.returns.is_some() {
        needs(facts, Capability::ESearch, "SEARCH RETURN")?;
    }
    if search.key.asks_mod_seq() { mod_seqs(facts, "SEARCH MODSEQ") } else { Ok(()) }
}

/// What is allowed, and still a mistake of a careful client.
pub(crate) fn recklessness(command: &Command, facts: &Facts<'_>) -> Option<&'static str> {
    use Command as C;
    match command {
        // Both remove messages that another client marked.
        C::Expunge(None) if facts.writable => Some("EXPUNGE without UIDs"),
        C::Close if facts.writable => Some("CLOSE in a writable mailbox"),
        // Numbers mean other messages once one is gone.
        C::Store(store) if !store.uid => Some("STORE by message numbers"),
        C::Fetch(_) | C::Search(_) | C::Store(_) | C::Transfer(_) | C::Expunge(_) if facts.renumbered => {
            Some("a command by UID where SELECT told two UIDVALIDITYs")
        }
        // RFC 3501 section 4.3 and RFC 5322 section 2.3: servers change such a message, or refuse it.
        C::Append(append) if has_bare_lf(&append.bytes) => Some("APPEND of a message with a bare LF"),
        _ => None,
    }
}

fn has_bare_lf(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'\n') || bytes.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
}
