//! Both sides at one moment: every copy of a letter on the servers, and every placement of it here.
//!
//! A letter is an account's message of certain bytes. Simulated mail has no two messages of the same bytes but those that somebody
//! copied, so that a letter that stands once on either side is one message wherever it goes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use postrider_fake::Capability;

use crate::{
    layout::shown,
    machine::Hands,
    stored::{Flags, Standing, lower_case, standings},
};

/// An account's name and the hash of a message's bytes.
pub type Letter = (String, [u8; 32]);

/// A message on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// The folder's name for people.
    pub folder: String,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The message's UID.
    pub uid: u32,
    /// Its flags in lower case.
    pub flags: Flags,
}

impl There {
    /// Where it stands.
    pub fn place(&self) -> (&str, u32, u32) {
        (&self.folder, self.uid_validity, self.uid)
    }
}

/// Both sides.
#[derive(Debug, Clone, Default)]
pub struct Both {
    /// The UIDVALIDITY of every folder on the servers, by account and name.
    folders: BTreeMap<(String, String), u32>,
    there: BTreeMap<Letter, Vec<There>>,
    /// What carries a mark for deletion on a server that erases no single message: it is as good as gone.
    marked: BTreeMap<Letter, Vec<There>>,
    here: BTreeMap<Letter, Vec<Standing>>,
}

impl Both {
    /// Looks at both.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn look(hands: &Hands) -> Result<Self> {
        let mut both = Self::default();
        let mut rests = BTreeSet::new();
        for one in standings(&hands.store)? {
            if one.is_rest() {
                // One that carries a mark shows it. Somebody may have taken it away.
                if !one.is_marked() {
                    rests.insert((one.account, one.folder, one.uid_validity, one.uid));
                }
                continue;
            }
            both.here.entry((one.account.clone(), *one.hash.as_bytes())).or_default().push(one);
        }
        for side in &hands.sides {
            let erases = side.server.config().capabilities.has(Capability::UidPlus);
            for (name, view) in side.other.snapshot() {
                let folder = shown(&name, side.server.config().delimiter);
                if !view.no_select {
                    both.folders.insert((side.account.clone(), folder.clone()), view.uid_validity);
                }
                for message in view.messages {
                    let flags = lower_case(&message.flags);
                    let place =
                        (side.account.clone(), folder.clone(), Some(view.uid_validity), Some(message.uid));
                    if rests.contains(&place) {
                        continue;
                    }
                    let letter = (side.account.clone(), *blake3::hash(&message.bytes).as_bytes());
                    let there = There {
                        folder: folder.clone(),
                        uid_validity: view.uid_validity,
                        uid: message.uid,
                        flags,
                    };
                    let is_marked = !erases && there.flags.contains("\\deleted");
                    let copies = if is_marked { &mut both.marked } else { &mut both.there };
                    copies.entry(letter).or_default().push(there);
                }
            }
        }
        Ok(both)
    }

    /// All letters that stand, or stood, anywhere.
    pub fn letters(&self) -> BTreeSet<&Letter> {
        self.there.keys().chain(self.marked.keys()).chain(self.here.keys()).collect()
    }

    /// A letter's copies on its server.
    pub fn there(&self, letter: &Letter) -> &[There] {
        self.there.get(letter).map_or(&[], Vec::as_slice)
    }

    /// A letter's copies on its server that only carry a mark for deletion yet.
    pub fn marked(&self, letter: &Letter) -> &[There] {
        self.marked.get(letter).map_or(&[], Vec::as_slice)
    }

    /// A letter's placements here, deleted ones among them.
    pub fn here(&self, letter: &Letter) -> &[Standing] {
        self.here.get(letter).map_or(&[], Vec::as_slice)
    }

    /// Whether the folder in which the server had a placement is not there any more, under its name at least.
    pub fn lost_its_folder(&self, one: &Standing) -> bool {
        let now = self.folders.get(&(one.account.clone(), one.folder.clone())).copied();
        let has_another_name = || {
            let mut others = self.folders.iter().filter(|((account, _), _)| *account == one.account);
            others.any(|(_, validity)| Some(*validity) == one.uid_validity)
        };
        now.is_none() || now != one.uid_validity && has_another_name()
    }

    /// Whether the server has a placement where the store says.
    pub fn has(&self, one: &Standing) -> bool {
        let same = |there: &There| {
            (&there.folder, Some(there.uid_validity), Some(there.uid))
                == (&one.folder, one.uid_validity, one.uid)
        };
        self.there(&(one.account.clone(), *one.hash.as_bytes())).iter().any(same)
    }
}
