//! What has to hold of contacts and activities, on one page: the last writer wins (F5.1), nothing is lost (I1), nothing is there twice.
//!
//! It knows what people wrote, where and in which order, and it is shown what both sides say at the end. It knows nothing of runs, links,
//! bases and times, and nothing of how two sides are made one. Each word that is written is written once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

/// Where somebody writes: in the store, or in the account of that number.
pub type Hand = Option<usize>;
/// One group of fields (F5.1) of what has that name.
pub type Group = (String, &'static str);

/// What people wrote.
#[derive(Debug, Default)]
pub struct Model {
    /// Of each group of fields, in the order in which it was written.
    written: BTreeMap<Group, Vec<(Hand, String)>>,
    /// Words that were written over, or deleted, by the hand that had written them in an account: nobody may have seen them.
    struck: BTreeSet<String>,
    /// What one side let go of (F3.3, F3.4): from then on each side has its own.
    parted: BTreeSet<String>,
    /// What was deleted by the one hand that ever wrote of it, and in which no other can have had a word.
    ended: BTreeSet<(Hand, String)>,
    /// What was written after it was made, and answered.
    edited: BTreeSet<Group>,
}

/// What one side says of something.
#[derive(Debug, Clone)]
pub struct Saying {
    /// Which side.
    pub hand: Hand,
    /// By what name it goes.
    pub name: String,
    /// What its groups of fields say.
    pub says: BTreeMap<&'static str, String>,
    /// Where it is to be besides, by what is known of it in the store.
    pub belongs: Option<BTreeSet<usize>>,
}

/// What is there at the end.
#[derive(Debug, Default)]
pub struct Seen {
    /// All that lives and is kept in step, on every side.
    pub living: Vec<Saying>,
    /// The names of all that lives.
    pub names: Vec<(Hand, String)>,
    /// All that lives, was deleted, or was before.
    pub kept: String,
    /// What lost against a later change, and can be restored.
    pub superseded: String,
    /// What was changed on a server without anybody hearing of it. Seen later, it counts as changed then: by it a change in a third place may
    /// be superseded.
    pub unheard: BTreeSet<String>,
}

impl Model {
    /// Somebody writes a word.
    pub fn writes(&mut self, hand: Hand, name: &str, group: &'static str, word: &str) {
        let written = self.written.entry((name.to_owned(), group)).or_default();
        if !written.is_empty() {
            self.edited.insert((name.to_owned(), group));
        }
        let before = written.iter().rev().find(|(by, _)| *by == hand && hand.is_some());
        self.struck.extend(before.map(|(_, word)| word.clone()));
        written.push((hand, word.to_owned()));
        self.ended.retain(|(_, of)| of != name);
    }

    /// Somebody lets go of something, deletes it or makes it somebody else's.
    pub fn parts(&mut self, hand: Hand, name: &str) {
        self.parted.insert(name.to_owned());
        let of_it = self.written.iter().filter(|((of, _), _)| of == name && hand.is_some());
        self.struck
            .extend(of_it.flat_map(|(_, all)| all).filter(|one| one.0 == hand).map(|one| one.1.clone()));
    }

    /// Somebody deletes what is theirs alone.
    pub fn ends(&mut self, hand: Hand, name: &str) {
        self.parts(hand, name);
        let of_it = self.written.iter().filter(|((of, _), _)| of == name);
        if of_it.flat_map(|(_, all)| all).all(|(by, _)| *by == hand) {
            self.ended.insert((hand, name.to_owned()));
        }
    }

    /// Somebody answers, or sets what is theirs alone: of that the newest is kept, and nothing else.
    pub fn answers(&mut self, hand: Hand, name: &str, group: &'static str, word: &str) {
        self.writes(hand, name, group, word);
        self.struck.insert(word.to_owned());
        self.touches(name, group);
    }

    /// Somebody answers, and nothing is held to what.
    pub fn touches(&mut self, name: &str, group: &'static str) {
        self.edited.insert((name.to_owned(), group));
    }

    /// It is at another time, for which nobody answered yet: what was answered may hold or not.
    pub fn voids_answers(&mut self, name: &str) {
        self.written.retain(|(of, group), _| of != name || !group.starts_with("answer"));
    }

    /// Whether neither side ever let go of it.
    pub fn is_in_step(&self, name: &str) -> bool {
        !self.parted.contains(name)
    }

    /// Holds all of it against what is there.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn holds(&self, seen: &Seen) -> Result<()> {
        let mut met = BTreeSet::new();
        for one in &seen.names {
            ensure!(met.insert(one), "{} is there twice: {:?}", one.1, one.0);
        }
        for one in &seen.living {
            let is_ended = self.ended.contains(&(one.hand, one.name.clone()));
            ensure!(!is_ended, "{} was deleted, and is there again: {:?}", one.name, one.hand);
        }
        for one in seen.living.iter().filter(|one| one.hand.is_none() && self.is_in_step(&one.name)) {
            let there: BTreeSet<usize> =
                seen.living.iter().filter(|it| it.name == one.name).filter_map(|it| it.hand).collect();
            let is_right = one.belongs.as_ref().map_or(!there.is_empty(), |belongs| there == *belongs);
            ensure!(is_right, "{} is to be in {:?}, and is in {there:?}", one.name, one.belongs);
        }
        for (of, written) in &self.written {
            let (name, group) = of;
            let says = |one: &Saying| one.says.get(group).map(|says| (one.hand, says.clone()));
            let said: Vec<_> = seen.living.iter().filter(|one| one.name == *name).filter_map(says).collect();
            let all_say = |(_, word): &(Hand, String)| said.iter().all(|(_, says)| says.contains(word));
            // A server tells when an item was changed, not what of it, and may not tell it of what is a user's own: so of two words one may
            // look later than it is. The other is kept beside it.
            let is_other =
                |one: &Group| one.0 == *name && (one.1 != *group || group.starts_with("reminders"));
            let is_theirs = written.iter().any(|(hand, _)| hand.is_some());
            let has_no_time = seen.unheard.contains(name) || is_theirs && self.edited.iter().any(is_other);
            let is_right = if self.is_in_step(name) {
                ensure!(!said.is_empty(), "{name} is gone, and nobody deleted it");
                let is_beside = |last: &&(Hand, String)| {
                    has_no_time && (seen.superseded.contains(&last.1) || self.struck.contains(&last.1))
                };
                written.last().is_some_and(all_say)
                    || written.last().filter(is_beside).is_some() && written.iter().any(all_say)
            } else {
                // What went away with a copy before anybody read it there is known to nobody.
                written.iter().all(|(_, word)| self.struck.contains(word))
                    || said.iter().all(|(_, says)| written.iter().any(|(_, word)| says.contains(word)))
            };
            ensure!(is_right, "the {group} of {name} says {said:?}, and was written {written:?}");
            for (_, word) in written.iter().filter(|(_, word)| !self.struck.contains(word)) {
                ensure!(seen.kept.contains(word), "{word}, which was written of {name}, is lost");
            }
        }
        Ok(())
    }
}
