//! A message's flags: the five system flags of IMAP that can be kept, and keywords.
//!
//! `\Recent` is a session's, never a message's, and has no place here (RFC 3501, section 2.3.2). Keywords are equal without
//! regard to case; the form first seen is kept.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A system flag (RFC 3501, section 2.3.2). The value is its bit in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SystemFlag {
    /// `\Seen`
    Seen = 1,
    /// `\Answered`
    Answered = 2,
    /// `\Flagged`
    Flagged = 4,
    /// `\Deleted`
    Deleted = 8,
    /// `\Draft`
    Draft = 16,
}

impl SystemFlag {
    /// All of them, in the order in which they are listed to people.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Answered, Self::Flagged, Self::Deleted, Self::Draft];

    /// The name on the wire without its backslash, such as `Seen`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "Seen",
            Self::Answered => "Answered",
            Self::Flagged => "Flagged",
            Self::Deleted => "Deleted",
            Self::Draft => "Draft",
        }
    }

    /// The flag of that name (without backslash), in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name().eq_ignore_ascii_case(name))
    }
}

/// The flags of one message: system flags and keywords, the latter sorted without regard to case and each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Flags {
    system: u8,
    keywords: Vec<String>,
}

impl Flags {
    /// No flag at all.
    pub const NONE: Self = Self { system: 0, keywords: Vec::new() };

    /// From the store's bit set (bits beyond the five are dropped) and its keywords.
    pub fn from_parts<I: IntoIterator<Item = String>>(bits: u8, keywords: I) -> Self {
        let mut flags = Self { system: bits & 31, keywords: Vec::new() };
        keywords.into_iter().for_each(|keyword| flags.insert_keyword(keyword));
        flags
    }

    /// From flags as they stand on the wire: `\Seen`, `$Forwarded`. `\Recent`, `\*` and unknown system flags are left out.
    pub fn from_wire<'a, I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut flags = Self::NONE;
        for name in names {
            match name.strip_prefix('\\') {
                Some(system) => flags.system |= SystemFlag::from_name(system).map_or(0, |flag| flag as u8),
                None if name.is_empty() => {}
                None => flags.insert_keyword(name.to_owned()),
            }
        }
        flags
    }

    /// The system flags as the store's bit set.
    pub const fn bits(&self) -> u8 {
        self.system
    }

    /// The keywords, sorted without regard to case.
    pub fn keywords(&self) -> &[String] {
        &self.keywords
    }

    /// Whether that system flag is set.
    pub const fn has(&self, flag: SystemFlag) -> bool {
        self.system & flag as u8 != 0
    }

    /// Whether that keyword is set, in any case.
    pub fn has_keyword(&self, keyword: &str) -> bool {
        self.position(keyword).is_ok()
    }

    /// Sets a system flag.
    pub const fn insert(&mut self, flag: SystemFlag) {
        self.system |= flag as u8;
    }

    /// Takes a system flag away.
    pub const fn remove(&mut self, flag: SystemFlag) {
        self.system &= !(flag as u8);
    }

    /// Sets a keyword; where it is set in another case, that form stays.
    pub fn insert_keyword(&mut self, keyword: String) {
        if let Err(at) = self.position(&keyword) {
            self.keywords.insert(at, keyword);
        }
    }

    /// Takes a keyword away, in any case.
    pub fn remove_keyword(&mut self, keyword: &str) {
        if let Ok(at) = self.position(keyword) {
            self.keywords.remove(at);
        }
    }

    /// The system flags that are set, in the order of [`SystemFlag::ALL`].
    pub fn system(&self) -> impl Iterator<Item = SystemFlag> + '_ {
        SystemFlag::ALL.into_iter().filter(|flag| self.has(*flag))
    }

    /// Equal without regard to the case of keywords.
    pub fn same(&self, other: &Self) -> bool {
        self.system == other.system
            && self.keywords.len() == other.keywords.len()
            && self.keywords.iter().zip(&other.keywords).all(|(a, b)| a.eq_ignore_ascii_case(b))
    }

    fn position(&self, keyword: &str) -> Result<usize, usize> {
        let folded = |text: &str| text.to_ascii_lowercase();
        self.keywords.binary_search_by(|have| folded(have).cmp(&folded(keyword)))
    }
}

/// The flags that a folder keeps (PERMANENTFLAGS, RFC 3501, section 7.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PermanentFlags {
    /// Those that it names.
    pub flags: Flags,
    /// Whether any other keyword is kept too (`\*`).
    pub any_keyword: bool,
}

impl PermanentFlags {
    /// Those of `flags` that the folder keeps.
    pub fn kept_of(&self, flags: &Flags) -> Flags {
        let mut kept = Flags::NONE;
        flags.system().filter(|flag| self.flags.has(*flag)).for_each(|flag| kept.insert(flag));
        let keeps = |keyword: &&String| self.any_keyword || self.flags.has_keyword(keyword);
        flags.keywords().iter().filter(keeps).for_each(|keyword| kept.insert_keyword(keyword.clone()));
        kept
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = self.system().map(|flag| format!("\\{}", flag.name()));
        let all: Vec<String> = system.chain(self.keywords.iter().cloned()).collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_leaves_out_what_is_not_the_messages_own() {
        let flags = Flags::from_wire(["\\Seen", "\\Recent", "\\*", "\\XUnknown", "$Forwarded", "", "b", "A"]);
        assert_eq!(flags.to_string(), "\\Seen $Forwarded A b");
    }

    #[test]
    fn keywords_are_one_in_any_case_and_keep_the_first_form() {
        let mut flags = Flags::from_wire(["Todo", "TODO", "todo"]);
        assert_eq!(flags.keywords(), ["Todo"]);
        assert!(flags.has_keyword("tODO") && flags.same(&Flags::from_wire(["TODO"])));
        flags.remove_keyword("tOdO");
        assert_eq!(flags, Flags::NONE);
    }

    #[test]
    fn bits_beyond_the_five_are_dropped() {
        let flags = Flags::from_parts(0xff, []);
        assert_eq!(flags.bits(), 31);
        assert_eq!(Flags::from_parts(flags.bits(), []), flags);
    }
}
