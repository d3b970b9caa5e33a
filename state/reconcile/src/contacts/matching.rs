//! Which record an item is that is seen for the first time (F3.7).
//!
//! Surest first, over all items: by the mark that an item carries when it was made from here, by its uid, by the one exact pair of
//! address and name. A record is matched once, so that no collection ever has two items of one record. What is not surely known
//! becomes a record of its own and is told of: two records can be made one later, one that was made of two cannot be parted.

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::Contact;

/// An item that is not linked.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a, R> {
    /// The record of which it was made, where it carries our mark.
    pub mark: Option<R>,
    /// What it says.
    pub contact: &'a Contact,
}

/// A record that an item may be. Only those need to be given that have a uid, a mark or an address in common with an item.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a, R> {
    /// Its id.
    pub id: R,
    /// What it says.
    pub contact: &'a Contact,
    /// Whether the account's user may see it.
    pub is_visible: bool,
    /// Whether it has an item in the collection.
    pub is_linked: bool,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match<R> {
    /// That record.
    Is(R, MatchedBy),
    /// A new record.
    New,
    /// A new record too: these could have been it (some of them, where they are many), and the report says so.
    Ambiguous(BTreeSet<R>),
}

/// By what an item was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchedBy {
    /// The mark that it was given when it was made.
    Mark,
    /// The uid.
    Uid,
    /// The only exact pair of address and name.
    AddressAndName,
}

/// How many records that an item could have been are told for one pair of address and name.
const SHOWN: usize = 8;

/// Matches items with records, in the order in which they are given. A record that the user may not see, or that is linked, is none.
pub fn match_contacts<R: Copy + Ord>(items: &[Item<'_, R>], records: &[Record<'_, R>]) -> Vec<Match<R>> {
    let mut free: BTreeMap<R, &Contact> = BTreeMap::new();
    for record in records.iter().filter(|record| record.is_visible && !record.is_linked) {
        free.insert(record.id, record.contact);
    }
    let mut found: Vec<Option<Match<R>>> = vec![None; items.len()];
    by_mark(items, &mut free, &mut found);
    by_uid(items, &mut free, &mut found);
    by_pair(items, &free, &mut found);
    found.into_iter().map(|found| found.unwrap_or(Match::New)).collect()
}

/// Of items with the same mark, such as copies that a person made there, the first is the record.
fn by_mark<R: Copy + Ord>(
    items: &[Item<'_, R>],
    free: &mut BTreeMap<R, &Contact>,
    found: &mut [Option<Match<R>>],
) {
    for (item, found) in items.iter().zip(found) {
        *found =
            item.mark.filter(|mark| free.remove(mark).is_some()).map(|mark| Match::Is(mark, MatchedBy::Mark));
    }
}

fn by_uid<R: Copy + Ord>(
    items: &[Item<'_, R>],
    free: &mut BTreeMap<R, &Contact>,
    found: &mut [Option<Match<R>>],
) {
    let mut by_uid: BTreeMap<&str, BTreeSet<R>> = BTreeMap::new();
    for (id, contact) in free.iter() {
        if let Some(uid) = contact.uid.as_deref() {
            by_uid.entry(uid).or_default().insert(*id);
        }
    }
    for (item, found) in items.iter().zip(found).filter(|(_, found)| found.is_none()) {
        let Some(records) = item.contact.uid.as_deref().and_then(|uid| by_uid.remove(uid)) else { continue };
        match records.first() {
            Some(only) if records.len() == 1 => {
                free.remove(only);
                *found = Some(Match::Is(*only, MatchedBy::Uid));
            }
            _ => *found = Some(Match::Ambiguous(records)),
        }
    }
}

/// Who has a pair of address and name: items by their place, and records.
type Sharing<R> = (BTreeSet<usize>, BTreeSet<R>);

/// Items and records that share a pair of address and name are one where neither has it in common with a third.
fn by_pair<R: Copy + Ord>(
    items: &[Item<'_, R>],
    free: &BTreeMap<R, &Contact>,
    found: &mut [Option<Match<R>>],
) {
    let mut of_pair: BTreeMap<(String, &str), Sharing<R>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate().filter(|(index, _)| found[*index].is_none()) {
        for pair in pairs(item.contact) {
            of_pair.entry(pair).or_default().0.insert(index);
        }
    }
    for (id, contact) in free {
        for pair in pairs(contact) {
            if let Some(same) = of_pair.get_mut(&pair) {
                same.1.insert(*id);
            }
        }
    }
    let mut records_of: BTreeMap<usize, BTreeSet<R>> = BTreeMap::new();
    let mut items_of: BTreeMap<R, BTreeSet<usize>> = BTreeMap::new();
    for (items, records) in of_pair.into_values() {
        // Some of many are enough to say that it is not the only one, and to show.
        for item in items.iter().filter(|_| !records.is_empty()) {
            records_of.entry(*item).or_default().extend(records.iter().take(SHOWN));
        }
        for record in &records {
            items_of.entry(*record).or_default().extend(items.iter().take(SHOWN));
        }
    }
    for (item, records) in records_of {
        let only = records.first().filter(|record| {
            records.len() == 1 && items_of.get(record).is_some_and(|items| items.len() == 1)
        });
        found[item] = Some(match only {
            Some(record) => Match::Is(*record, MatchedBy::AddressAndName),
            None => Match::Ambiguous(records),
        });
    }
}

/// Each address of a contact, with its name; none where it has no name.
fn pairs(contact: &Contact) -> impl Iterator<Item = (String, &str)> {
    let name = contact.display_name.trim();
    let emails =
        contact.emails.iter().filter(move |email| !name.is_empty() && !email.value.trim().is_empty());
    emails.map(move |email| (crate::fielded::fold(&email.value), name))
}

#[cfg(test)]
mod tests;
