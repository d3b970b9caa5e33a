//! The flags of one message: system flags and keywords, compared without regard to case.
//!
//! Rule: a flag keeps the spelling of its first setter, system flags the spelling of the RFC, and two spellings
//! never stand side by side. `\Recent` is never held here: it belongs to a session, not to a message.

use std::collections::BTreeMap;

/// The system flags that a client may set (RFC 3501 section 2.3.2), in the order in which they are listed.
pub const SYSTEM_FLAGS: [&str; 5] = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"];

/// A set of flags, ordered by their folded spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags(BTreeMap<String, String>);

impl Flags {
    /// The set of these flags; repeated ones, in whatever case, count once.
    pub fn of<I>(flags: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut set = Self::default();
        for flag in flags {
            set.insert(flag.as_ref());
        }
        set
    }

    /// Whether the flag is set, in any spelling.
    pub fn contains(&self, flag: &str) -> bool {
        self.0.contains_key(&flag.to_ascii_lowercase())
    }

    /// Sets a flag; true if it was not set before. `\Recent` is ignored.
    pub fn insert(&mut self, flag: &str) -> bool {
        let folded = flag.to_ascii_lowercase();
        if folded == "\\recent" || self.0.contains_key(&folded) {
            return false;
        }
        let spelling = SYSTEM_FLAGS.iter().find(|system| system.eq_ignore_ascii_case(flag)).unwrap_or(&flag);
        self.0.insert(folded, (*spelling).to_owned());
        true
    }

    /// Clears a flag; true if it was set.
    pub fn remove(&mut self, flag: &str) -> bool {
        self.0.remove(&flag.to_ascii_lowercase()).is_some()
    }

    /// The flags in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// Keeps only system flags: what a mailbox without `\*` in PERMANENTFLAGS does to keywords.
    pub(crate) fn without_keywords(mut self) -> Self {
        self.0.retain(|folded, _| folded.starts_with('\\'));
        self
    }
}

/// What a STORE does to the flags that it names (RFC 3501 section 6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`: these and no others.
    Replace,
    /// `+FLAGS`: these besides what is set.
    Add,
    /// `-FLAGS`: what is set without these.
    Remove,
}

impl FlagChange {
    /// The flags after the change.
    pub(crate) fn apply(self, before: &Flags, named: &Flags) -> Flags {
        match self {
            Self::Replace => named.clone(),
            Self::Add => {
                let mut after = before.clone();
                named.iter().for_each(|flag| {
                    after.insert(flag);
                });
                after
            }
            Self::Remove => {
                let mut after = before.clone();
                named.iter().for_each(|flag| {
                    after.remove(flag);
                });
                after
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_never_stand_side_by_side() {
        let flags = Flags::of(["\\SEEN", "$Forwarded", "$forwarded", "\\Recent", "\\seen"]);
        assert_eq!(flags.iter().collect::<Vec<_>>(), ["$Forwarded", "\\Seen"]);
        assert!(flags.contains("$FORWARDED"));
        assert_eq!(flags.without_keywords(), Flags::of(["\\Seen"]));
    }

    #[test]
    fn a_change_adds_removes_or_replaces() {
        let before = Flags::of(["\\Seen", "a"]);
        let named = Flags::of(["A", "b"]);
        assert_eq!(FlagChange::Add.apply(&before, &named), Flags::of(["\\Seen", "a", "b"]));
        assert_eq!(FlagChange::Remove.apply(&before, &named), Flags::of(["\\Seen"]));
        assert_eq!(FlagChange::Replace.apply(&before, &named), named);
    }
}
