//! What is known of a folder: its role, its state on the server, the cursor up to which it was read, the window that is kept.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Timestamp, Uid};

/// What a folder is for (RFC 6154, section 2; `INBOX` by RFC 3501, section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderRole {
    /// Where mail arrives.
    Inbox,
    /// `\Sent`
    Sent,
    /// `\Drafts`
    Drafts,
    /// `\Trash`
    Trash,
    /// `\Junk`
    Junk,
    /// `\Archive`
    Archive,
    /// `\All`: a view of all messages.
    All,
    /// `\Flagged`: a view of flagged messages.
    Flagged,
}

impl FolderRole {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Inbox,
        Self::Sent,
        Self::Drafts,
        Self::Trash,
        Self::Junk,
        Self::Archive,
        Self::All,
        Self::Flagged,
    ];

    /// The role's name in the store and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Sent => "sent",
            Self::Drafts => "drafts",
            Self::Trash => "trash",
            Self::Junk => "junk",
            Self::Archive => "archive",
            Self::All => "all",
            Self::Flagged => "flagged",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether mass deletions there are a person's ordinary tidying and are not held (F5.4).
    pub const fn is_exempt_from_guard(self) -> bool {
        matches!(self, Self::Trash | Self::Junk | Self::Drafts)
    }
}

/// A folder's state as SELECT or STATUS tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderStatus {
    /// UIDVALIDITY (RFC 3501, section 2.3.1.1).
    pub uid_validity: u32,
    /// UIDNEXT: every later message has a UID at or above it. 0 where the server did not tell.
    pub uid_next: u32,
    /// HIGHESTMODSEQ (RFC 7162, section 3.1.2.1). `None` without CONDSTORE, with NOMODSEQ, and where a server says 0.
    pub highest_mod_seq: Option<u64>,
    /// How many messages are in the folder.
    pub messages: u32,
}

/// How far a folder was read under one UIDVALIDITY. It covers nothing that is not committed (I3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCursor {
    /// The folder's state at the SELECT from which the reading began.
    pub status: FolderStatus,
    /// Whether all that the window holds below `status.uid_next` is in the store. While it is not, the next run lists the
    /// window again and fetches what is missing.
    pub complete: bool,
    /// The window for which `complete` holds.
    pub window: Window,
}

impl MailCursor {
    /// The highest UID that was seen; 0 where none was (F2.1: new is what lies above).
    pub const fn highest_seen(&self) -> Uid {
        self.status.uid_next.saturating_sub(1)
    }

    /// Whether a folder in that state, of which that window is wanted, has nothing to tell: every change of a folder moves its
    /// HIGHESTMODSEQ (RFC 7162, section 3.1.2.1), so without one nothing can be known without asking.
    pub fn is_current(&self, listed: &FolderStatus, window: Window) -> bool {
        let tells = listed.highest_mod_seq.is_some() && listed.uid_next > 0;
        tells && self.complete && self.status == *listed && !window.is_longer_than(self.window)
    }
}

/// How much of a folder's past is kept here, by the server's internal date (F2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Window {
    /// All of it.
    All,
    /// What came at or after that instant. Servers compare days, so a day's worth more may come.
    Since(Timestamp),
}

impl Window {
    /// Whether this window holds more of the past than `other`.
    pub fn is_longer_than(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::All) => false,
            (Self::All, Self::Since(_)) => true,
            (Self::Since(mine), Self::Since(theirs)) => mine < theirs,
        }
    }
}

/// The name of a window for people: `all`, or its first day in days since 1970-01-01.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Since(at) => write!(f, "since:{}", at.0),
        }
    }
}

impl FromStr for Window {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.strip_prefix("since:") {
            Some(micros) => micros.parse().map(|micros| Self::Since(Timestamp(micros))).map_err(|_| ()),
            None if text == "all" => Ok(Self::All),
            None => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_window_reaches_further_back() {
        let (old, new) = (Window::Since(Timestamp(1)), Window::Since(Timestamp(2)));
        let table = [(old, new, true), (new, old, false), (new, new, false), (Window::All, old, true)];
        for (a, b, expected) in table {
            assert_eq!(a.is_longer_than(b), expected, "{a} against {b}");
        }
        assert!(!Window::All.is_longer_than(Window::All) && !old.is_longer_than(Window::All));
    }

    #[test]
    fn a_cursor_is_current_only_where_the_server_would_tell_every_change() {
        let status = FolderStatus { uid_validity: 1, uid_next: 5, highest_mod_seq: Some(9), messages: 4 };
        let window = Window::Since(Timestamp(5));
        let cursor = MailCursor { status: status.clone(), complete: true, window };
        assert!(
            cursor.is_current(&status, window) && cursor.is_current(&status, Window::Since(Timestamp(6)))
        );
        assert!(!cursor.is_current(&status, Window::All));
        let differs = [
            FolderStatus { uid_validity: 2, ..status.clone() },
            FolderStatus { uid_next: 6, ..status.clone() },
            FolderStatus { highest_mod_seq: Some(10), ..status.clone() },
            FolderStatus { messages: 3, ..status.clone() },
        ];
        differs.iter().for_each(|listed| assert!(!cursor.is_current(listed, window), "{listed:?}"));
        let silent = FolderStatus { highest_mod_seq: None, ..status.clone() };
        assert!(!MailCursor { status: silent.clone(), ..cursor.clone() }.is_current(&silent, window));
        let unfinished = MailCursor { complete: false, ..cursor };
        assert!(!unfinished.is_current(&status, window));
    }

    #[test]
    fn a_window_reads_back_what_it_prints() {
        for window in [Window::All, Window::Since(Timestamp(-5))] {
            assert_eq!(window.to_string().parse(), Ok(window));
        }
        assert_eq!("since:x".parse::<Window>(), Err(()));
    }

    #[test]
    fn roles_read_back_by_name() {
        for role in FolderRole::ALL {
            assert_eq!(FolderRole::from_name(role.name()), Some(role));
        }
    }
}
