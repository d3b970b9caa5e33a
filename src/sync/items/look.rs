//! Looking before sending (I4): writes of which nobody knows what became of them.
//!
//! What was to be made is looked for under its mark, and comes in as if it had been listed. Where listings lag, what is not found within
//! that time may still be there. All else is asked for by its key and decided again.

use postrider_journal::{Event, ItemOperation, State, has_come};
use postrider_model::Fault;
use postrider_store::ItemIntentRow;

use super::{Again, ContactsRun, Steps, books::Book};
use crate::sync::items::collect::{Collected, News};

impl Steps<'_> {
    /// Writes of unknown fate, and items of which it is not known what became of them since they were made: `again` gets what is to be asked
    /// for.
    pub(super) async fn look(&self, books: &[Book], again: &mut Again) -> Result<(), Fault> {
        let account = self.run.account_id;
        let followed: Vec<_> = books.iter().map(|book| book.id).collect();
        let asked = self
            .ports
            .transaction(move |tx| {
                let mut asked = Vec::new();
                let now_unknown = |row: &ItemIntentRow| {
                    row.intent.state == State::Unknown
                        && row.about.collection.is_some_and(|id| followed.contains(&id))
                };
                for row in tx.item_intents(account)?.into_iter().filter(now_unknown) {
                    match (&row.operation, row.about.link.map(|id| tx.link(id)).transpose()?.flatten()) {
                        (ItemOperation::MakeCollection { .. } | ItemOperation::Create { .. }, _) => {}
                        // To be in it twice is to be in it.
                        (ItemOperation::Join, _) => {
                            tx.step_item_intent(row.id, Event::Absent { due: row.intent.due })?;
                        }
                        (_, link) => {
                            tx.step_item_intent(row.id, Event::Found)?;
                            if let Some(link) = link {
                                tx.set_dirty(link.id, link.gone)?;
                                asked.push((link.collection, link.key));
                            }
                        }
                    }
                }
                for book in followed {
                    let unknown =
                        tx.dirty_links(book)?.into_iter().filter(|link| link.base.version.0.is_empty());
                    asked.extend(unknown.map(|link| (link.collection, link.key)));
                }
                Ok(asked)
            })
            .await?;
        for (collection, key) in asked {
            again.entry(collection).or_default().push(key);
        }
        Ok(())
    }

    /// What was made without an answer, and is there, comes in with what was listed.
    pub(super) async fn look_for_made(
        &self,
        books: &[Book],
        collected: &mut [Collected],
        done: &mut ContactsRun,
    ) -> Result<(), Fault> {
        let account = self.run.account_id;
        let mut open = self.ports.transaction(move |tx| tx.item_intents(account)).await?;
        open.retain(|row| {
            row.intent.state == State::Unknown && matches!(row.operation, ItemOperation::Create { .. })
        });
        for row in open {
            let book = books.iter().find(|book| row.about.collection == Some(book.id));
            let Some((book, news)) =
                book.and_then(|book| Some((book, collected.iter_mut().find(|one| one.book == book.id)?)))
            else {
                continue;
            };
            let is_listed =
                |news: &News| matches!(news, News::Put(item) if item.mark == Some(row.intent.mark));
            if news.news.values().any(is_listed) {
                continue;
            }
            match self.remote.find(&book.key, row.intent.mark).await {
                Ok(Some(item)) => drop(news.news.insert(item.key.clone(), News::Put(Box::new(item)))),
                Ok(None) if has_come(row.intent.due, self.ports.clock.now()) => {
                    let (id, due) = (row.id, row.intent.due);
                    let absent = self
                        .ports
                        .transaction(move |tx| tx.step_item_intent(id, Event::Absent { due }).map(drop));
                    absent.await?;
                }
                Ok(None) => {}
                Err(fault) => self.failed(done, fault)?,
            }
        }
        Ok(())
    }
}
