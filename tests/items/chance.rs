//! Both sides by chance: what people do here and there, moves, merges and books that are taken off the list among it, with deaths, lost answers
//! and books that cannot be read in between. At the end both sides say the same of whom
//! they share, nobody is there twice, and nothing that was said last by one side alone is lost.

use std::collections::BTreeMap;

use postrider::service::RunRequest;
use postrider_fake::{Trigger, groupware::Trouble};
use postrider_model::{CollectionKey, CollectionKind, ContactId};

use crate::{
    house::{House, person},
    life::Life,
};

/// How many plays each test is.
const SEEDS: u64 = 12;

/// A small generator (xorshift64*), so that a seed is all that a failure needs.
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % most.max(1)
    }
}

struct Play {
    house: House,
    chance: Chance,
    is_group: bool,
    /// The second address book is off the list.
    is_frozen: bool,
    said: usize,
    ids: Vec<ContactId>,
}

impl Play {
    fn new(seed: u64, is_group: bool) -> Self {
        let house = if is_group { House::google() } else { House::exchange("") };
        if !is_group {
            house.there.make_collection(CollectionKind::AddressBook, "Friends").unwrap();
        }
        let chance = Chance::new(seed);
        let mut play = Self { house, chance, is_group, is_frozen: false, said: 0, ids: Vec::new() };
        for _ in 0..5 {
            play.add_here();
        }
        play.house.run();
        play
    }

    fn books(&self) -> Vec<CollectionKey> {
        if self.is_group {
            vec![self.house.group()]
        } else {
            vec![self.house.own(), self.house.book("Friends")]
        }
    }

    /// Takes the second address book off the list, or puts it there again.
    fn freeze(&mut self, is_frozen: bool) {
        self.is_frozen = is_frozen;
        self.house.configure(if is_frozen { "folders = [\"Contacts\"]\n" } else { "" });
    }

    fn word(&mut self) -> String {
        self.said += 1;
        format!("W{:03}", self.said)
    }

    fn add_here(&mut self) {
        let word = self.word();
        let id = self.house.add(&person(&word, "Here"));
        if self.is_group {
            self.house.tag(id, true);
        }
        self.ids.push(id);
    }

    fn act_here(&mut self) {
        let word = self.word();
        let Some(id) = self.ids.get(self.chance.below(self.ids.len())).copied() else { return };
        if self.house.is_deleted(id) {
            return;
        }
        match self.chance.below(8) {
            0 => self.add_here(),
            1 => self.house.delete(id),
            2 if self.is_group => self.house.tag(id, !self.house.has_tag(id)),
            _ => self.house.title(id, &word),
        }
    }

    fn act_there(&mut self) {
        let (word, mut books) = (self.word(), self.books());
        let book = books.remove(self.chance.below(books.len()));
        let all = self.house.there.contacts(&book);
        let Some(item) = all.get(self.chance.below(all.len())) else { return };
        let name = item.contact.display_name.clone();
        let other = &all[self.chance.below(all.len())].key;
        match self.chance.below(12) {
            0 => self.house.add_there(&book, &person(&word, "There")),
            1 => self.house.delete_there(&book, &name),
            2 if self.is_group => self.house.leave_there(&book, &name),
            3 if self.is_group => drop(self.house.there.rekey_contact(&item.key).unwrap()),
            4 if self.is_group && *other != item.key => {
                let keeps_key = self.chance.below(2) == 0;
                let keys = [item.key.clone(), other.clone()];
                self.house.there.merge_contacts(&keys, keeps_key).unwrap();
            }
            2..=4 if !self.is_group => drop(self.house.there.move_contact(&item.key, &books[0]).unwrap()),
            5 if !self.is_group => self.freeze(!self.is_frozen),
            _ => self.house.edit_there(&book, &name, |one| one.job_title = Some(word)),
        }
    }

    /// A run that may go wrong.
    fn run(&mut self) {
        if self.chance.below(2) == 0 {
            self.house.wait();
        }
        let end = (self.chance.below(3) == 0).then(|| 1 + self.chance.below(60) as u64);
        if self.chance.below(3) == 0 {
            let nth = 1 + self.chance.below(3);
            self.house.server.trouble(None, Trigger::Named("contacts.apply", nth), Trouble::LoseAnswer);
        }
        if self.chance.below(4) == 0 {
            let nth = 1 + self.chance.below(2);
            self.house.server.trouble(None, Trigger::Named("contacts.changes", nth), Trouble::Unavailable);
        }
        let request = RunRequest { contacts: true, ..RunRequest::default() };
        self.house.live(&request, &Life::new(end));
        self.house.server.end_troubles();
    }

    fn settle(&mut self, seed: u64) {
        if self.is_frozen {
            self.freeze(false);
        }
        for _ in 0..10 {
            let ran = self.house.try_run();
            for held in &ran.report.held {
                self.house.allow(&held.plan);
            }
            if ran.report.held.is_empty() && (ran.counts(), ran.commits) == ([0, 0, 0], 0) {
                return self.house.is_lawful();
            }
        }
        panic!("seed {seed}: it does not come to rest");
    }

    fn check(&self, seed: u64) {
        let mut there = BTreeMap::new();
        for item in self.books().iter().flat_map(|book| self.house.there.contacts(book)) {
            let (name, title) = (item.contact.display_name, item.contact.job_title);
            assert!(there.insert(name.clone(), title).is_none(), "seed {seed}: {name} is there twice");
        }
        let mut here = BTreeMap::new();
        for (name, id) in self.house.here() {
            let title = self.house.contact(id).job_title;
            let is_shared = if self.is_group { self.house.has_tag(id) } else { there.contains_key(&name) };
            if is_shared {
                assert!(here.insert(name.clone(), title).is_none(), "seed {seed}: {name} is here twice");
            }
        }
        if !self.is_group {
            // What was deleted here is unlinked, and stays there.
            let gone: Vec<String> = self
                .ids
                .iter()
                .filter(|id| self.house.is_deleted(**id))
                .map(|id| self.house.contact(*id).display_name)
                .collect();
            there.retain(|name, _| here.contains_key(name) || !gone.contains(name));
        }
        assert_eq!(here, there, "seed {seed}");
    }
}

fn play(seed: u64, is_group: bool) {
    let mut play = Play::new(seed, is_group);
    for _ in 0..6 {
        for _ in 0..4 {
            match play.chance.below(2) {
                0 => play.act_here(),
                _ => play.act_there(),
            }
        }
        play.run();
    }
    play.settle(seed);
    play.check(seed);
}

#[test]
fn two_sides_by_tag_and_group_come_to_the_same() {
    (0..SEEDS).for_each(|seed| play(seed, true));
}

#[test]
fn two_sides_by_address_books_come_to_the_same() {
    (0..SEEDS).for_each(|seed| play(seed, false));
}
