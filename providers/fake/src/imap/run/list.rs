//! LIST, LSUB and STATUS.
//!
//! Rule: names come sorted, INBOX among them; what a plain LIST may say unasked, it says: special use and children
//! where they are offered.

use super::refused;
use crate::core::{Mailbox, State, is_below};
use crate::faults::Bend;
use crate::imap::capability::Capability;
use crate::imap::command::{List, ListReturn, ListSelection, StatusItem};
use crate::imap::respond::Style;
use crate::imap::session::{Session, Tagged};

/// Whether a name matches a pattern: `*` is anything, `%` anything within a level (RFC 3501 section 6.3.8).
fn matches(pattern: &[char], name: &[char], delimiter: char) -> bool {
    // The places in the pattern that the name can have brought us to.
    let mut places = vec![false; pattern.len() + 1];
    let reach = |places: &mut Vec<bool>| {
        for (at, c) in pattern.iter().enumerate() {
            if places.get(at) == Some(&true)
                && (*c == '*' || *c == '%')
                && let Some(next) = places.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    reach(&mut places);
    for c in name {
        let mut next = vec![false; places.len()];
        for (at, wanted) in pattern.iter().enumerate() {
            if places.get(at) != Some(&true) {
                continue;
            }
            let stays = *wanted == '*' || (*wanted == '%' && *c != delimiter);
            let to = if stays {
                at
            } else if wanted == c {
                at + 1
            } else {
                continue;
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        reach(&mut next);
        places = next;
    }
    places.last() == Some(&true)
}

impl Session {
    fn style(&self) -> Style {
        Style { utf8: self.enabled.utf8, literals: self.bent(Bend::Literals), nil: self.bent(Bend::Nil) }
    }

    fn matching(&self, state: &State, reference: &str, patterns: &[String]) -> Vec<Mailbox> {
        let delimiter = self.server.config().delimiter;
        let Ok(user) = state.user(self.user()) else { return Vec::new() };
        let patterns: Vec<Vec<char>> = patterns
            .iter()
            .map(|pattern| self.named(&format!("{reference}{pattern}")).chars().collect())
            .collect();
        let fits = |mailbox: &&Mailbox| {
            let name: Vec<char> = mailbox.name.chars().collect();
            patterns.iter().any(|pattern| matches(pattern, &name, delimiter))
        };
        // Messages are not needed here, and they are what is large.
        let bare = |mailbox: &Mailbox| Mailbox {
            special_use: mailbox.special_use.clone(),
            no_select: mailbox.no_select,
            ..Mailbox::new(&mailbox.name, mailbox.id, mailbox.uid_validity, 0)
        };
        user.mailboxes.values().filter(fits).map(bare).collect()
    }

    /// LIST (RFC 3501 section 6.3.8, RFC 5258).
    pub(in crate::imap) fn list(&mut self, list: &List) -> Tagged {
        let delimiter = self.server.config().delimiter;
        if !list.extended && list.patterns.iter().all(String::is_empty) {
            self.untagged(&format!("LIST (\\Noselect) \"{delimiter}\" \"\""));
            return Tagged::ok("done");
        }
        let (found, subscribed) = {
            let state = self.server.lock();
            let subscribed = state.user(self.user()).map(|user| user.subscribed.clone()).unwrap_or_default();
            (self.matching(&state, &list.reference, &list.patterns), subscribed)
        };
        let wants = |selection| list.selection.contains(&selection);
        let says_subscribed =
            wants(ListSelection::Subscribed) || list.returns.contains(&ListReturn::Subscribed);
        for mailbox in found {
            let is_subscribed = subscribed.contains(&mailbox.name);
            let chosen = (!wants(ListSelection::Subscribed) || is_subscribed)
                && (!wants(ListSelection::SpecialUse) || !mailbox.special_use.is_empty());
            if !chosen || self.bent(Bend::Empty) {
                continue;
            }
            let mut attributes = self.attributes(&mailbox);
            if says_subscribed && is_subscribed {
                attributes.push("\\Subscribed".to_owned());
            }
            self.list_line("LIST", &attributes, &mailbox.name);
            self.list_status(list, &mailbox);
        }
        Tagged::ok("done")
    }

    fn attributes(&self, mailbox: &Mailbox) -> Vec<String> {
        let mut attributes = Vec::new();
        if mailbox.no_select {
            attributes.push("\\Noselect".to_owned());
        }
        if self.offers(Capability::Children) || self.offers(Capability::ListExtended) {
            let state = self.server.lock();
            let delimiter = self.server.config().delimiter;
            let has_children = state
                .user(self.user())
                .is_ok_and(|user| user.mailboxes.keys().any(|name| is_below(name, &mailbox.name, delimiter)));
            attributes.push(if has_children { "\\HasChildren" } else { "\\HasNoChildren" }.to_owned());
        }
        if self.offers(Capability::SpecialUse) {
            attributes.extend(mailbox.special_use.iter().cloned());
        }
        attributes
    }

    fn list_line(&mut self, word: &str, attributes: &[String], name: &str) {
        let delimiter = self.server.config().delimiter;
        let style = self.style();
        self.out
            .extend_from_slice(format!("* {word} ({}) \"{delimiter}\" ", attributes.join(" ")).as_bytes());
        style.mailbox(&mut self.out, name);
        self.out.extend_from_slice(b"\r\n");
    }

    /// RFC 5819 section 2: no STATUS for what cannot be selected.
    fn list_status(&mut self, list: &List, mailbox: &Mailbox) {
        for wanted in &list.returns {
            if let ListReturn::Status(items) = wanted
                && !mailbox.no_select
            {
                self.status_line(&mailbox.name, items);
            }
        }
    }

    /// LSUB (RFC 3501 section 6.3.9), without names that are no longer there.
    pub(in crate::imap) fn lsub(&mut self, reference: &str, pattern: &str) -> Tagged {
        let found = {
            let state = self.server.lock();
            let mut found = self.matching(&state, reference, &[pattern.to_owned()]);
            found.retain(|mailbox| {
                state.user(self.user()).is_ok_and(|user| user.subscribed.contains(&mailbox.name))
            });
            found
        };
        if !self.bent(Bend::Empty) {
            found.iter().for_each(|mailbox| self.list_line("LSUB", &[], &mailbox.name));
        }
        Tagged::ok("done")
    }

    /// STATUS
    pub(in crate::imap) fn status(&mut self, mailbox: &str, items: &[StatusItem]) -> Tagged {
        let name = self.named(mailbox);
        let found = self.server.lock().mailbox(self.user(), &name).map(|mailbox| mailbox.no_select);
        match found {
            Ok(true) => Tagged::no("[CANNOT] mailbox cannot be selected"),
            Ok(false) => {
                self.status_line(&name, items);
                Tagged::ok("done")
            }
            Err(error) => refused(&error),
        }
    }

    pub(super) fn status_line(&mut self, name: &str, items: &[StatusItem]) {
        // RFC 7162 section 3.1: asking for mod-sequences turns them on.
        self.enabled.condstore |= items.contains(&StatusItem::HighestModSeq);
        let values: Vec<String> = {
            let state = self.server.lock();
            let Ok(mailbox) = state.mailbox(self.user(), name) else { return };
            items.iter().filter_map(|item| self.status_value(mailbox, *item)).collect()
        };
        let style = self.style();
        self.out.extend_from_slice(b"* STATUS ");
        style.mailbox(&mut self.out, name);
        self.out.extend_from_slice(format!(" ({})\r\n", values.join(" ")).as_bytes());
    }

    fn status_value(&self, mailbox: &Mailbox, item: StatusItem) -> Option<String> {
        let messages = mailbox.messages.values();
        let empty = self.bent(Bend::Empty);
        let count = |count: usize| if empty { 0 } else { count };
        Some(match item {
            StatusItem::Messages => format!("MESSAGES {}", count(mailbox.messages.len())),
            StatusItem::Recent => {
                format!("RECENT {}", count(messages.filter(|m| m.uid >= mailbox.recent_from).count()))
            }
            StatusItem::UidNext => format!("UIDNEXT {}", self.uid_next(mailbox.uid_next)),
            StatusItem::UidValidity => format!("UIDVALIDITY {}", mailbox.uid_validity),
            StatusItem::Unseen => {
                format!("UNSEEN {}", count(messages.filter(|m| !m.flags.contains("\\Seen")).count()))
            }
            StatusItem::HighestModSeq if self.bent(Bend::ModSeqMissing) => return None,
            // RFC 7162 section 3.1.2.2: 0 where there are none.
            StatusItem::HighestModSeq if mailbox.no_mod_seq || self.bent(Bend::NoModSeq) => {
                "HIGHESTMODSEQ 0".to_owned()
            }
            StatusItem::HighestModSeq => format!("HIGHESTMODSEQ {}", self.mod_seq(mailbox.highest_mod_seq)),
            StatusItem::Size => format!("SIZE {}", count(messages.map(|m| m.bytes.len()).sum())),
            StatusItem::MailboxId => format!("MAILBOXID (F{})", mailbox.id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, name, expected) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%", "a", true),
            ("%/%", "a/b", true),
            ("a*c", "a/b/c", true),
            ("a%c", "abbc", true),
            ("a%c", "a/c", false),
            ("a*", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("*%*%*%*%*%*x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(matches(&chars(pattern), &chars(name), '/'), expected, "{pattern} {name}");
        }
    }
}
