//! A whole listing held against what is linked: one read of all that there is, then not a single row more for what is as it was.

use std::collections::HashMap;

use postrider_model::{Fault, ItemCollectionId, ItemKey, ItemVersion};
use postrider_store::LinkedItem;

use super::Ports;

/// The linked items of a collection, and which of them were listed.
#[derive(Debug)]
pub(super) struct Listed {
    items: HashMap<ItemKey, Known>,
    /// Anything was listed, linked or not.
    has_any: bool,
}

#[derive(Debug)]
struct Known {
    version: ItemVersion,
    is_gone: bool,
    is_seen: bool,
}

impl Listed {
    /// Before the first page.
    pub(super) async fn begin(ports: &Ports, collection: ItemCollectionId) -> Result<Self, Fault> {
        let linked = ports.transaction(move |tx| tx.linked_items(collection)).await?;
        Ok(Self::of(linked))
    }

    fn of(linked: Vec<LinkedItem>) -> Self {
        let known = |LinkedItem { key, version, is_gone }| (key, Known { version, is_gone, is_seen: false });
        Self { items: linked.into_iter().map(known).collect(), has_any: false }
    }

    /// An item is there. Answers whether it is linked, and what is known of it.
    pub(super) fn sees(&mut self, key: &ItemKey, version: &ItemVersion) -> bool {
        self.has_any = true;
        let Some(known) = self.items.get_mut(key) else { return false };
        known.is_seen = true;
        !known.is_gone && known.version == *version
    }

    /// Nothing was listed at all.
    pub(super) const fn was_empty(&self) -> bool {
        !self.has_any
    }

    /// What is linked and was not listed, once all was, in the order of the keys.
    pub(super) fn missing(self) -> Vec<ItemKey> {
        let missing = self.items.into_iter().filter(|(_, known)| !known.is_seen);
        let mut missing: Vec<_> = missing.map(|(key, _)| key).collect();
        missing.sort_unstable();
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_it_was_is_nothing_new_and_what_was_not_listed_is_missing() {
        let item = |key: &str, is_gone| LinkedItem {
            key: ItemKey(key.to_owned()),
            version: ItemVersion("1".to_owned()),
            is_gone,
        };
        let mut listed =
            Listed::of(vec![item("a", false), item("b", false), item("c", true), item("d", false)]);
        assert!(listed.was_empty());
        let sees = |listed: &mut Listed, key: &str, version: &str| {
            listed.sees(&ItemKey(key.to_owned()), &ItemVersion(version.to_owned()))
        };
        assert!(sees(&mut listed, "a", "1"));
        assert!(!sees(&mut listed, "b", "2"), "it changed");
        assert!(!sees(&mut listed, "c", "1"), "it is there again");
        assert!(!sees(&mut listed, "e", "1"), "nobody knows it");
        assert!(!listed.was_empty());
        assert_eq!(listed.missing(), [ItemKey("d".to_owned())]);
    }
}
