//! Which address books are followed, by a complete listing of all there are.
//!
//! One that vanished, or was taken off the list, is frozen with all its links: nothing is taken for having left it (I2).

use postrider_model::{CollectionKey, CollectionKind, Fault, ItemCollectionId, ItemCursor, Timestamp};
use postrider_reconcile::Selection;
use postrider_remote::{Access, RemoteCollection};
use postrider_store::{ItemCollection, NewItemCollection, StoreError, Tx};

use super::{ContactWay, ContactsRun, Steps};

/// An address book or a group that is followed.
#[derive(Debug, Clone)]
pub(super) struct Book {
    /// Its id here; 0 in a dry run that would be its first.
    pub id: ItemCollectionId,
    /// Its id there.
    pub key: CollectionKey,
    /// Its name.
    pub name: String,
    /// How far it was read, and since when that is so.
    pub cursor: Option<(ItemCursor, Timestamp)>,
    /// What is there comes in.
    pub imports: bool,
    /// What goes out is made there.
    pub is_target: bool,
}

impl Book {
    /// One that is not followed now, of which single items are asked for.
    pub(super) fn unread(known: &ItemCollection) -> Self {
        let (key, name) = (known.key.clone(), known.name.clone());
        Self { id: known.id, key, name, cursor: None, imports: false, is_target: false }
    }

    pub(super) fn new(listed: &RemoteCollection, known: Option<&ItemCollection>) -> Self {
        Self {
            id: known.map_or(ItemCollectionId(0), |known| known.id),
            key: listed.key.clone(),
            name: listed.name.clone(),
            cursor: known.and_then(|known| known.cursor.clone()),
            imports: true,
            is_target: true,
        }
    }
}

impl Steps<'_> {
    /// The books that are followed. Empty where the run has to wait for a person's word about them.
    pub(super) async fn books(&self, done: &mut ContactsRun) -> Result<Vec<Book>, Fault> {
        let mut listed = self.remote.collections().await?;
        listed.retain(|one| one.kind == CollectionKind::AddressBook);
        let account = self.run.account_id;
        let mut known = self.ports.transaction(move |tx| tx.item_collections(account)).await?;
        known.retain(|one| one.kind == CollectionKind::AddressBook);
        match &self.rules.way {
            ContactWay::Group { name, .. } => self.group(&listed, &known, name, done).await,
            ContactWay::Books { selection, .. } => self.folders(&listed, known, selection, done).await,
        }
    }

    async fn folders(
        &self,
        listed: &[RemoteCollection],
        known: Vec<ItemCollection>,
        selection: &Selection,
        done: &mut ContactsRun,
    ) -> Result<Vec<Book>, Fault> {
        if let Selection::Names(names) = selection {
            for name in names.iter().filter(|name| listed.iter().all(|one| one.name != **name)) {
                done.warn(format!("address book \"{name}\" is in the configuration and not on the server"));
            }
        }
        let is_target =
            |one: &RemoteCollection| self.rules.export && one.is_default && one.access == Access::Write;
        let is_chosen = |one: &RemoteCollection| one.access >= Access::Read && selection.wants(&one.name);
        let mut books = Vec::new();
        for one in listed.iter().filter(|one| is_chosen(one) || is_target(one)) {
            let known = live(&known, &one.key).or_else(|| frozen(&known, &one.key));
            let (imports, is_target) = (self.rules.import && is_chosen(one), is_target(one));
            books.push(Book { imports, is_target, ..Book::new(one, known) });
        }
        let is_still =
            books.iter().all(|book| {
                known.iter().any(|one| one.id == book.id && one.gone.is_none() && one.name == book.name)
            }) && known.iter().all(|one| one.gone.is_some() || books.iter().any(|book| book.id == one.id));
        if is_still || self.run.dry_run {
            return Ok(books);
        }
        let listed: Vec<CollectionKey> = listed.iter().map(|one| one.key.clone()).collect();
        let (account, now) = (self.run.account_id, self.ports.clock.now());
        self.ports
            .transaction(move |tx| {
                for one in known.iter().filter(|one| books.iter().all(|book| book.id != one.id)) {
                    let why = match listed.contains(&one.key) {
                        true => "it was taken off the list",
                        false => "it is not on the server any more",
                    };
                    tx.freeze_item_collection(one.id, now, why)?;
                }
                for book in &mut books {
                    follow(tx, account, &known, book)?;
                }
                Ok(books)
            })
            .await
    }
}

/// The one that is followed under that key.
pub(super) fn live<'a>(known: &'a [ItemCollection], key: &CollectionKey) -> Option<&'a ItemCollection> {
    known.iter().find(|one| one.key == *key && one.gone.is_none())
}

/// The newest that was followed under that key.
fn frozen<'a>(known: &'a [ItemCollection], key: &CollectionKey) -> Option<&'a ItemCollection> {
    known.iter().rev().find(|one| one.key == *key)
}

fn follow(
    tx: &mut Tx<'_>,
    account: postrider_model::AccountId,
    known: &[ItemCollection],
    book: &mut Book,
) -> Result<(), StoreError> {
    match known.iter().find(|one| one.id == book.id) {
        Some(one) => {
            if one.gone.is_some() {
                tx.thaw_item_collection(one.id)?;
            }
            tx.name_item_collection(one.id, &book.name)
        }
        None => {
            let (key, name) = (book.key.clone(), book.name.clone());
            let new = NewItemCollection { kind: CollectionKind::AddressBook, key, name, mark: None };
            book.id = tx.add_item_collection(account, &new)?;
            Ok(())
        }
    }
}
