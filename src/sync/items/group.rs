//! The contact group by which an account is kept in step (F3.2): made at first, followed by its id, made again with a person's word.

use postrider_journal::{Event, ItemOperation, State};
use postrider_model::{CollectionKey, CollectionKind, Fault, Mark};
use postrider_reconcile::contacts::{GroupPlan, RemoteGroup, follow_group};
use postrider_remote::{Making, Reach, RemoteCollection};
use postrider_store::{
    About, HeldItems, ItemCollection, ItemHeld, ItemIntentRow, NewItemCollection, NewItemHeld, StoreError, Tx,
};

use super::{ContactsRun, Steps, books::Book};

/// Why a group of that name is not taken unasked.
const NOT_OURS: &str = "a contact group of that name is there already, and would be used";

impl Steps<'_> {
    /// The group, where it is there or may be made; else nothing is followed, and a plan waits.
    pub(super) async fn group(
        &self,
        listed: &[RemoteCollection],
        known: &[ItemCollection],
        name: &str,
        done: &mut ContactsRun,
    ) -> Result<Vec<Book>, Fault> {
        let account = self.run.account_id;
        let (plans, mut open) = self
            .ports
            .transaction(move |tx| Ok((tx.held_collections(account)?, tx.item_intents(account)?)))
            .await?;
        open.retain(|row| matches!(&row.operation, ItemOperation::MakeCollection { kind, .. } if *kind == CollectionKind::AddressBook));
        let known = known.iter().rev().find(|one| one.gone.is_none());
        if let Some(row) = open.first() {
            return self.finish_making(listed, known, row, name, done).await;
        }
        let groups: Vec<_> =
            listed.iter().map(|one| RemoteGroup { id: &one.key.0, name: &one.name }).collect();
        let confirmed = plans.iter().filter(|plan| plan.is_allowed).find_map(|plan| match &plan.what {
            HeldItems::Use(key) | HeldItems::Again(Some(key)) => Some(key.0.as_str()),
            _ => None,
        });
        let of_key = |key: &str| listed.iter().find(|one| one.key.0 == key);
        match follow_group(known.map(|one| one.key.0.as_str()), &groups, name, confirmed) {
            GroupPlan::Follow(key) | GroupPlan::Replace(key) => match of_key(&key) {
                Some(group) => self.take_group(group, known, plans).await,
                None => Ok(Vec::new()),
            },
            GroupPlan::Ask(key) => {
                self.ask(known, HeldItems::Use(CollectionKey(key)), name, NOT_OURS).await?;
                Ok(Vec::new())
            }
            plan @ (GroupPlan::Make | GroupPlan::MakeAgain) => {
                let may = plan.held().is_none()
                    || plans.iter().any(|plan| plan.is_allowed && plan.what == HeldItems::Again(None));
                if !may {
                    self.ask(known, HeldItems::Again(None), name, plan.held().unwrap_or_default()).await?;
                    return Ok(Vec::new());
                }
                if self.run.dry_run {
                    done.forecast.group = Some(name.to_owned());
                    return Ok(Vec::new());
                }
                if !self.rules.export || !self.may_send(done) {
                    return Ok(Vec::new());
                }
                let row = self.note_making(name).await?;
                self.make_group(known, &row, name).await
            }
        }
    }

    async fn ask(
        &self,
        known: Option<&ItemCollection>,
        what: HeldItems,
        name: &str,
        why: &'static str,
    ) -> Result<(), Fault> {
        if self.run.dry_run {
            return Ok(());
        }
        let (account, now, name) = (self.run.account_id, self.ports.clock.now(), name.to_owned());
        let collection = known.map(|one| one.id);
        self.ports
            .transaction(move |tx| {
                let total = collection.map_or(Ok(0), |id| tx.count_links(id, u64::MAX))?;
                let held = NewItemHeld { account, collection, what, name: &name, why, total };
                tx.hold_collection(&held, now).map(drop)
            })
            .await
    }

    async fn note_making(&self, name: &str) -> Result<ItemIntentRow, Fault> {
        let (account, now, name) = (self.run.account_id, self.ports.clock.now(), name.to_owned());
        self.ports
            .durable_transaction(move |tx| {
                let about = About { account, collection: None, record: None, link: None };
                let operation = ItemOperation::MakeCollection { kind: CollectionKind::AddressBook, name };
                let id = tx.add_item_intent(about, &operation, now)?;
                tx.step_item_intent(id, Event::Send)?;
                tx.item_intent(id)?.ok_or(StoreError::NoSuchIntent(id))
            })
            .await
    }

    /// A making that an earlier run did not see the end of: the group is there under its mark, or it is not.
    async fn finish_making(
        &self,
        listed: &[RemoteCollection],
        known: Option<&ItemCollection>,
        row: &ItemIntentRow,
        name: &str,
        done: &mut ContactsRun,
    ) -> Result<Vec<Book>, Fault> {
        let id = row.id;
        if let Some(group) = listed.iter().find(|one| one.mark == Some(row.intent.mark)) {
            return self.made(known, row, group).await;
        }
        if self.run.dry_run || !self.may_send(done) {
            return Ok(Vec::new());
        }
        let now = self.ports.clock.now();
        self.ports
            .durable_transaction(move |tx| {
                if tx.item_intent(id)?.is_some_and(|row| row.intent.state == State::Unknown) {
                    tx.step_item_intent(id, Event::Absent { due: now })?;
                }
                tx.step_item_intent(id, Event::Send).map(drop)
            })
            .await?;
        self.make_group(known, row, name).await
    }

    async fn make_group(
        &self,
        known: Option<&ItemCollection>,
        row: &ItemIntentRow,
        name: &str,
    ) -> Result<Vec<Book>, Fault> {
        let (id, now) = (row.id, self.ports.clock.now());
        match self.remote.make_collection(name, row.intent.mark).await {
            Ok(Making::Made(group)) => self.made(known, row, &group).await,
            Ok(Making::Taken(group)) if group.mark == Some(row.intent.mark) => {
                self.made(known, row, &group).await
            }
            Ok(Making::Taken(group)) => {
                self.ports.transaction(move |tx| tx.step_item_intent(id, Event::Stale).map(drop)).await?;
                self.ask(known, HeldItems::Use(group.key), name, NOT_OURS).await?;
                Ok(Vec::new())
            }
            Err(failed) => {
                let event = match failed.reach {
                    Reach::NotDone => Event::Deferred { due: now },
                    Reach::Unknown => Event::Lost { due: now },
                };
                self.ports.transaction(move |tx| tx.step_item_intent(id, event).map(drop)).await?;
                Err(failed.fault)
            }
        }
    }

    /// The group was made: by this run, or by one that did not hear of it.
    async fn made(
        &self,
        known: Option<&ItemCollection>,
        row: &ItemIntentRow,
        group: &RemoteCollection,
    ) -> Result<Vec<Book>, Fault> {
        if self.run.dry_run {
            return Ok(vec![Book::new(group, known)]);
        }
        let (id, state) = (row.id, row.intent.state);
        let event = if state == State::Unknown { Event::Found } else { Event::Done };
        let step = move |tx: &mut Tx<'_>| match tx.item_intent(id)?.map(|row| row.intent.state) {
            Some(State::Unknown) => tx.step_item_intent(id, Event::Found).map(drop),
            Some(State::Sent) => tx.step_item_intent(id, event).map(drop),
            _ => Ok(()),
        };
        self.adopt(known, group, Some(row.intent.mark), step).await
    }

    async fn take_group(
        &self,
        group: &RemoteCollection,
        known: Option<&ItemCollection>,
        plans: Vec<ItemHeld>,
    ) -> Result<Vec<Book>, Fault> {
        let is_still =
            plans.is_empty() && known.is_some_and(|known| known.key == group.key && known.name == group.name);
        if is_still || self.run.dry_run {
            return Ok(vec![Book::new(group, known)]);
        }
        let drop_plans = move |tx: &mut Tx<'_>| plans.iter().try_for_each(|plan| tx.drop_item_plan(plan.id));
        self.adopt(known, group, None, drop_plans).await
    }

    /// Follows a group from now on. Where another was followed, what was in that one is to join it.
    async fn adopt(
        &self,
        known: Option<&ItemCollection>,
        group: &RemoteCollection,
        mark: Option<Mark>,
        first: impl FnOnce(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Vec<Book>, Fault> {
        let (account, now) = (self.run.account_id, self.ports.clock.now());
        let (known, group) = (known.cloned(), group.clone());
        self.ports
            .transaction(move |tx| {
                first(tx)?;
                for plan in tx.held_collections(account)? {
                    tx.drop_item_plan(plan.id)?;
                }
                let id = match &known {
                    Some(known) if known.key == group.key => {
                        tx.name_item_collection(known.id, &group.name)?;
                        known.id
                    }
                    Some(known) => {
                        tx.replace_item_collection(known.id, &group.key, &group.name, mark)?;
                        for link in tx.live_links(known.id)? {
                            let (collection, record) = (Some(known.id), link.record);
                            let about = About { account, collection, record, link: Some(link.id) };
                            tx.add_item_intent(about, &ItemOperation::Join, now)?;
                        }
                        known.id
                    }
                    None => tx.add_item_collection(
                        account,
                        &NewItemCollection {
                            kind: CollectionKind::AddressBook,
                            key: group.key.clone(),
                            name: group.name.clone(),
                            mark,
                        },
                    )?,
                };
                let cursor = tx.item_collection(id)?.and_then(|one| one.cursor);
                Ok(vec![Book { id, cursor, ..Book::new(&group, None) }])
            })
            .await
    }
}
