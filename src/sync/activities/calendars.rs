//! Which calendars and task lists are followed, by a complete listing of all there are.
//!
//! One that vanished, or was taken off the list, is frozen with all its links: nothing is taken for having left it (I2).

use postrider_model::{
    AccountId, ActivityKind, CollectionKey, CollectionKind, Fault, ItemCollectionId, ItemCursor, Timestamp,
};
use postrider_reconcile::Selection;
use postrider_remote::{Access, RemoteCollection};
use postrider_store::{ItemCollection, NewItemCollection, StoreError, Tx};

use super::{ActivitiesRun, ActivityRules, Steps};

/// A calendar or a task list that is followed.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    /// Its id here; 0 in a dry run that would be its first.
    pub id: ItemCollectionId,
    /// Its id there.
    pub key: CollectionKey,
    /// What it holds.
    pub holds: ActivityKind,
    /// Its name.
    pub name: String,
    /// How far it was read, and since when that is so.
    pub cursor: Option<(ItemCursor, Timestamp)>,
    /// What is there comes in.
    pub imports: bool,
    /// What goes out of its kind is made there.
    pub is_target: bool,
}

const fn kind_of(holds: ActivityKind) -> CollectionKind {
    match holds {
        ActivityKind::Appointment => CollectionKind::Calendar,
        ActivityKind::Task => CollectionKind::TaskList,
    }
}

impl Steps<'_> {
    /// The calendars and task lists that are followed.
    pub(super) async fn calendars(&self, done: &mut ActivitiesRun) -> Result<Vec<Calendar>, Fault> {
        let listed = self.remote.collections().await?;
        let account = self.run.account_id;
        let mut known = self.ports.transaction(move |tx| tx.item_collections(account)).await?;
        known.retain(|one| one.kind != CollectionKind::AddressBook);
        let mut followed = Vec::new();
        for holds in [ActivityKind::Appointment, ActivityKind::Task] {
            let of_kind: Vec<_> = listed.iter().filter(|one| one.kind == kind_of(holds)).collect();
            followed.extend(chosen(self.rules, holds, &of_kind, &known, done));
        }
        let is_same = |calendar: &Calendar, one: &ItemCollection| one.id == calendar.id && one.gone.is_none();
        let is_still = followed
            .iter()
            .all(|calendar| known.iter().any(|one| is_same(calendar, one) && one.name == calendar.name))
            && known
                .iter()
                .all(|one| one.gone.is_some() || followed.iter().any(|calendar| is_same(calendar, one)));
        if is_still || self.run.dry_run {
            return Ok(followed);
        }
        let listed: Vec<CollectionKey> = listed.into_iter().map(|one| one.key).collect();
        let now = self.ports.clock.now();
        self.ports
            .transaction(move |tx| {
                for one in known.iter().filter(|one| followed.iter().all(|calendar| calendar.id != one.id)) {
                    let why = match listed.contains(&one.key) {
                        true => "it was taken off the list",
                        false => "it is not on the server any more",
                    };
                    tx.freeze_item_collection(one.id, now, why)?;
                }
                for calendar in &mut followed {
                    follow(tx, account, &known, calendar)?;
                }
                Ok(followed)
            })
            .await
    }
}

fn chosen(
    rules: &ActivityRules,
    holds: ActivityKind,
    listed: &[&RemoteCollection],
    known: &[ItemCollection],
    done: &mut ActivitiesRun,
) -> Vec<Calendar> {
    let (selection, imports, target, what) = match holds {
        ActivityKind::Appointment => {
            (&rules.calendars, rules.appointments, rules.calendar.as_deref(), "calendar")
        }
        ActivityKind::Task => (&rules.task_lists, rules.tasks, None, "task list"),
    };
    let named = match selection {
        Selection::Names(names) if imports => names.as_slice(),
        _ => &[],
    };
    for name in named.iter().map(String::as_str).chain(target) {
        if listed.iter().all(|one| one.name != name) {
            done.warn(format!("{what} \"{name}\" is in the configuration and not on the server"));
        }
    }
    let is_named = |one: &RemoteCollection| target.map_or(one.is_default, |name| one.name == name);
    let target = listed.iter().find(|one| rules.export && one.access == Access::Write && is_named(one));
    let is_target = |one: &RemoteCollection| target.is_some_and(|target| target.key == one.key);
    let is_chosen = |one: &RemoteCollection| imports && selection.wants(&one.name);
    let calendar = |one: &RemoteCollection| {
        let of_key = |known: &&ItemCollection| known.kind == one.kind && known.key == one.key;
        let live = known.iter().filter(of_key).find(|known| known.gone.is_none());
        let known = live.or_else(|| known.iter().rev().find(of_key));
        Calendar {
            id: known.map_or(ItemCollectionId(0), |known| known.id),
            key: one.key.clone(),
            holds,
            name: one.name.clone(),
            cursor: known.and_then(|known| known.cursor.clone()),
            imports: is_chosen(one),
            is_target: is_target(one),
        }
    };
    let wanted = listed.iter().filter(|one| is_chosen(one) || is_target(one));
    wanted.map(|one| calendar(one)).collect()
}

fn follow(
    tx: &mut Tx<'_>,
    account: AccountId,
    known: &[ItemCollection],
    calendar: &mut Calendar,
) -> Result<(), StoreError> {
    match known.iter().find(|one| one.id == calendar.id) {
        Some(one) => {
            if one.gone.is_some() {
                tx.thaw_item_collection(one.id)?;
            }
            tx.name_item_collection(one.id, &calendar.name)
        }
        None => {
            let (key, name) = (calendar.key.clone(), calendar.name.clone());
            let new = NewItemCollection { kind: kind_of(calendar.holds), key, name, mark: None };
            calendar.id = tx.add_item_collection(account, &new)?;
            Ok(())
        }
    }
}
