//! Looking before sending (I4): writes of which nobody knows what became of them.
//!
//! What was to be made is looked for under its mark, and comes in as if it had been listed. All else is asked for by its key and decided
//! again; so is what waits for a person's word, whose news is behind the cursor.

use postrider_journal::{Event, ItemOperation, State, has_come};
use postrider_model::{ActivityId, Fault};
use postrider_store::ItemIntentRow;

use super::{
    ActivitiesRun, Again, Steps,
    calendars::Calendar,
    collect::{Collected, News},
};

impl Steps<'_> {
    /// Writes of unknown fate: `again` gets what is to be asked for.
    pub(super) async fn look(&self, calendars: &[Calendar], again: &mut Again) -> Result<(), Fault> {
        let account = self.run.account_id;
        let followed: Vec<_> = calendars.iter().map(|calendar| calendar.id).collect();
        let asked = self
            .ports
            .transaction(move |tx| {
                let mut asked = Vec::new();
                let is_unknown = |row: &ItemIntentRow| {
                    row.intent.state == State::Unknown
                        && row.about.collection.is_some_and(|id| followed.contains(&id))
                };
                for row in tx.item_intents(account)?.into_iter().filter(is_unknown) {
                    let link = row.about.link.map(|id| tx.link(id)).transpose()?.flatten();
                    let is_time = match row.about.record {
                        Some(id) => {
                            tx.activity(ActivityId(id.0))?.is_some_and(|stored| stored.master.is_some())
                        }
                        None => false,
                    };
                    match (&row.operation, link) {
                        // A time that has an item by it gets none by it a second time: the server says so.
                        (ItemOperation::Create { .. }, _) if is_time => {
                            tx.step_item_intent(row.id, Event::Absent { due: row.intent.due })?;
                        }
                        (ItemOperation::MakeCollection { .. } | ItemOperation::Create { .. }, _) => {}
                        (ItemOperation::Join, _) => {
                            tx.step_item_intent(row.id, Event::Absent { due: row.intent.due })?;
                        }
                        (operation, link) => {
                            // Whether a change was done is told by what is there.
                            if link.is_none() || !matches!(operation, ItemOperation::Update { .. }) {
                                tx.step_item_intent(row.id, Event::Found)?;
                            }
                            if let Some(link) = link {
                                tx.set_dirty(link.id, link.gone)?;
                                asked.push((link.collection, link.key));
                            }
                        }
                    }
                }
                for id in followed {
                    let waits = tx.dirty_links(id)?.into_iter().filter(|link| {
                        link.held.is_some() || link.is_allowed || link.base.version.0.is_empty()
                    });
                    asked.extend(waits.map(|link| (link.collection, link.key)));
                }
                Ok(asked)
            })
            .await?;
        for (collection, key) in asked {
            let keys = again.entry(collection).or_default();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(())
    }

    /// What was made without an answer, and is there, comes in with what was listed.
    pub(super) async fn look_for_made(
        &self,
        calendars: &[Calendar],
        collected: &mut [Collected],
        done: &mut ActivitiesRun,
    ) -> Result<(), Fault> {
        let account = self.run.account_id;
        let mut open = self.ports.transaction(move |tx| tx.item_intents(account)).await?;
        open.retain(|row| {
            row.intent.state == State::Unknown && matches!(row.operation, ItemOperation::Create { .. })
        });
        for row in open {
            let calendar = calendars.iter().find(|calendar| row.about.collection == Some(calendar.id));
            let Some((calendar, news)) = calendar.and_then(|calendar| {
                Some((calendar, collected.iter_mut().find(|one| one.calendar == calendar.id)?))
            }) else {
                continue;
            };
            let is_listed =
                |news: &News| matches!(news, News::Put(item) if item.mark == Some(row.intent.mark));
            if news.news.values().any(is_listed) {
                continue;
            }
            match self.remote.find(&calendar.key, row.intent.mark).await {
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
