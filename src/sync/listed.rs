//! A whole listing held against what is linked: one read of all that there is, then not a single row more for what is as it was.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use postrider_model::{Fault, ItemCollectionId, ItemKey, ItemVersion};
use postrider_store::LinkedItem;

use super::Ports;

/// The linked items of a collection, and which of them were listed.
///
/// A listing may be of some hundred thousand items, so keys and versions stand in one text, and the table holds where: what is looked up
/// costs no string of its own.
#[derive(Debug, Default)]
pub(super) struct Listed {
    items: HashTable<Known>,
    hasher: DefaultHashBuilder,
    /// The key of each item with its version behind it.
    text: String,
    /// Anything was listed, linked or not.
    has_any: bool,
}

#[derive(Debug)]
struct Known {
    /// Where its key begins, in octets, as the following.
    begins: usize,
    key: u32,
    version: u32,
    is_gone: bool,
    is_seen: bool,
}

impl Known {
    fn key<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.begins..self.begins + self.key as usize).unwrap_or_default()
    }

    fn version<'a>(&self, text: &'a str) -> &'a str {
        let begins = self.begins + self.key as usize;
        text.get(begins..begins + self.version as usize).unwrap_or_default()
    }
}

impl Listed {
    /// Before the first page.
    pub(super) async fn begin(ports: &Ports, collection: ItemCollectionId) -> Result<Self, Fault> {
        ports
            .transaction(move |tx| {
                let mut listed = Self::default();
                tx.linked_items(collection, |item| listed.add(item))?;
                Ok(listed)
            })
            .await
    }

    /// What is linked; each item once.
    fn add(&mut self, item: LinkedItem<'_>) {
        let LinkedItem { key, version, is_gone } = item;
        let known = Known {
            begins: self.text.len(),
            // Neither is as long as 4 GiB: SQLite holds no such text.
            key: u32::try_from(key.len()).unwrap_or_default(),
            version: u32::try_from(version.len()).unwrap_or_default(),
            is_gone,
            is_seen: false,
        };
        self.text.push_str(key);
        self.text.push_str(version);
        let (hasher, text) = (&self.hasher, &self.text);
        self.items.insert_unique(hasher.hash_one(key), known, |known| hasher.hash_one(known.key(text)));
    }

    /// An item is there. Answers whether it is linked, and what is known of it.
    pub(super) fn sees(&mut self, key: &ItemKey, version: &ItemVersion) -> bool {
        self.has_any = true;
        let (hash, text) = (self.hasher.hash_one(key.0.as_str()), &self.text);
        let Some(known) = self.items.find_mut(hash, |known| known.key(text) == key.0) else { return false };
        known.is_seen = true;
        !known.is_gone && known.version(text) == version.0
    }

    /// Nothing was listed at all.
    pub(super) const fn was_empty(&self) -> bool {
        !self.has_any
    }

    /// What is linked and was not listed, once all was, in the order of the keys.
    pub(super) fn missing(self) -> Vec<ItemKey> {
        let missing = self.items.iter().filter(|known| !known.is_seen);
        let mut missing: Vec<_> = missing.map(|known| ItemKey(known.key(&self.text).to_owned())).collect();
        missing.sort_unstable();
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(items: &[(&str, &str, bool)]) -> Listed {
        let mut listed = Listed::default();
        for (key, version, is_gone) in items {
            listed.add(LinkedItem { key, version, is_gone: *is_gone });
        }
        listed
    }

    fn sees(listed: &mut Listed, key: &str, version: &str) -> bool {
        listed.sees(&ItemKey(key.to_owned()), &ItemVersion(version.to_owned()))
    }

    #[test]
    fn what_is_as_it_was_is_nothing_new_and_what_was_not_listed_is_missing() {
        let mut listed = listed(&[("a", "1", false), ("b", "1", false), ("c", "1", true), ("d", "1", false)]);
        assert!(listed.was_empty());
        assert!(sees(&mut listed, "a", "1"));
        assert!(!sees(&mut listed, "b", "2"), "it changed");
        assert!(!sees(&mut listed, "c", "1"), "it is there again");
        assert!(!sees(&mut listed, "e", "1"), "nobody knows it");
        assert!(!listed.was_empty());
        assert_eq!(listed.missing(), [ItemKey("d".to_owned())]);
    }

    #[test]
    fn a_key_is_no_part_of_another_nor_of_a_version() {
        let mut listed = listed(&[("a", "1", false), ("a1", "", false), ("\u{e9}", "\u{e9}\u{e9}", false)]);
        assert!(sees(&mut listed, "a1", ""));
        assert!(!sees(&mut listed, "a", ""));
        assert!(sees(&mut listed, "\u{e9}", "\u{e9}\u{e9}"));
        assert!(!sees(&mut listed, "", ""));
        assert!(listed.missing().is_empty());
    }

    #[test]
    fn among_many_each_is_found() {
        let keys: Vec<String> = (0..5_000).map(|n| format!("key-{n}")).collect();
        let all: Vec<_> = keys.iter().map(|key| (key.as_str(), key.as_str(), false)).collect();
        let mut listed = listed(&all);
        let (gone, there) = keys.split_at(100);
        assert!(there.iter().all(|key| sees(&mut listed, key, key)));
        let mut gone: Vec<_> = gone.iter().cloned().map(ItemKey).collect();
        gone.sort();
        assert_eq!(listed.missing(), gone);
    }
}
