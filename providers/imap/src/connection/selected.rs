//! What is known of the open folder, kept up with whatever the server says of it.

use postrider_model::{Flags, PermanentFlags};
use postrider_remote::FolderKey;

use crate::codec::{response::Data, status::Code};

/// What may be done in an open folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It was opened by EXAMINE, or the server lets it only be read.
    Read,
    /// It was opened by SELECT.
    Write,
}

/// The folder that is open on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selected {
    /// Which.
    pub(crate) key: FolderKey,
    /// What may be done in it.
    pub(crate) access: Access,
    /// Whether the SELECT succeeded; until then its data arrives.
    pub(crate) is_open: bool,
    /// UIDVALIDITY at the SELECT.
    pub(crate) uid_validity: Option<u32>,
    /// UIDNEXT at the SELECT.
    pub(crate) uid_next: Option<u32>,
    /// HIGHESTMODSEQ at the SELECT; never a later one, since that may run ahead of what was told (RFC 7162, section 3.1.2.1).
    pub(crate) highest_mod_seq: Option<u64>,
    /// EXISTS at the SELECT.
    pub(crate) exists_at_select: Option<u32>,
    /// EXISTS now.
    pub(crate) exists: u32,
    /// How many were expunged since the SELECT.
    pub(crate) expunged: u32,
    /// The keywords that the folder has.
    pub(crate) keywords: Vec<String>,
    /// The flags that the folder keeps (PERMANENTFLAGS); where it does not tell, all (RFC 3501, section 6.3.1).
    pub(crate) permanent: Option<PermanentFlags>,
    /// A second UIDVALIDITY was told.
    pub(crate) is_renumbered: bool,
}

impl Selected {
    /// A folder that is being opened.
    pub(crate) const fn opening(key: FolderKey, access: Access) -> Self {
        Self {
            key,
            access,
            is_open: false,
            uid_validity: None,
            uid_next: None,
            highest_mod_seq: None,
            exists_at_select: None,
            exists: 0,
            expunged: 0,
            keywords: Vec::new(),
            permanent: None,
            is_renumbered: false,
        }
    }

    /// The SELECT succeeded.
    pub(crate) const fn open(&mut self) {
        self.is_open = true;
    }

    /// How many messages arrived since the SELECT.
    pub(crate) fn arrived(&self) -> u32 {
        (self.exists + self.expunged).saturating_sub(self.exists_at_select.unwrap_or(0))
    }

    pub(super) fn note(&mut self, data: &Data) {
        match data {
            Data::Exists(count) => {
                self.exists = *count;
                if !self.is_open {
                    self.exists_at_select = Some(*count);
                }
            }
            Data::Expunge(_) => self.lose(1),
            Data::Vanished { is_earlier: false, uids } => self.lose(uids.len()),
            Data::Flags(flags) => {
                self.keywords = flags.iter().filter(|flag| !flag.starts_with('\\')).cloned().collect();
            }
            _ => {}
        }
    }

    fn lose(&mut self, count: u64) {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(self.exists);
        self.exists -= count;
        self.expunged = self.expunged.saturating_add(count);
    }

    pub(super) fn note_code(&mut self, code: &Code) {
        let small = code.number().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        match code.name.as_str() {
            // What came until here was of the folder that was open before (RFC 7162, section 3.2.11).
            "CLOSED" => *self = Self::opening(self.key.clone(), self.access),
            "READ-ONLY" => self.access = Access::Read,
            "PERMANENTFLAGS" => self.permanent = Some(permanent_flags(&code.arguments)),
            "UIDVALIDITY" => {
                self.is_renumbered |=
                    self.uid_validity.is_some_and(|known| small.is_some_and(|told| told != known));
                self.uid_validity = self.uid_validity.or(small);
            }
            "UIDNEXT" if !self.is_open => self.uid_next = small,
            "HIGHESTMODSEQ" if !self.is_open => {
                self.highest_mod_seq = code.number().filter(|mod_seq| *mod_seq > 0)
            }
            "NOMODSEQ" => self.highest_mod_seq = None,
            _ => {}
        }
    }
}

fn permanent_flags(list: &[u8]) -> PermanentFlags {
    let text = String::from_utf8_lossy(list);
    let names: Vec<&str> = text.trim_matches(['(', ')', ' ']).split_ascii_whitespace().collect();
    PermanentFlags { any_keyword: names.contains(&"\\*"), flags: Flags::from_wire(names) }
}
