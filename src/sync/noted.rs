//! What the engines of contacts and of activities have in common: notes of writes, and what a server's clock and faults mean to a run.

use std::collections::BTreeSet;

use postrider_journal::{Event, ItemOperation, State};
use postrider_model::{AccountId, ErrorClass, Fault, ItemCollectionId, Timestamp};
use postrider_remote::{Reach, WriteFault};
use postrider_store::{ItemIntentRow, StoreError, Tx};

use super::{Ports, is_for_all};

/// Nothing that was on the wire is any more. Listings may lag behind it, by `lag_ms`, as they lag behind all else.
pub(super) async fn restart(ports: &Ports, account: AccountId, lag_ms: u64) -> Result<(), Fault> {
    let due = ports.clock.now().plus_millis(lag_ms);
    ports
        .transaction(move |tx| {
            for row in tx.item_intents(account)?.iter().filter(|row| row.intent.state == State::Sent) {
                tx.step_item_intent(row.id, Event::Restarted)?;
                tx.step_item_intent(row.id, Event::Undecided { due })?;
            }
            Ok(())
        })
        .await
}

/// A write of which nothing is to be sent or looked for any more: it was done, or what is there is decided anew.
pub(super) fn end(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    let Some(row) = tx.item_intent(id)? else { return Ok(()) };
    let event = match row.intent.state {
        State::Unknown => Event::Found,
        State::Sent => Event::Done,
        _ => Event::Withdraw,
    };
    tx.step_item_intent(id, event).map(drop)
}

/// What a failure means for a write: what surely was not done is tried again later, or given up where it always would fail; what may have
/// been is looked for.
pub(super) fn after(failed: &WriteFault, now: Timestamp, lag_ms: u64) -> Event {
    match (failed.reach, failed.fault.class) {
        (Reach::Unknown, _) => Event::Lost { due: now.plus_millis(lag_ms) },
        (Reach::NotDone, ErrorClass::Permanent) => Event::Refused,
        (Reach::NotDone, _) => {
            Event::Deferred { due: now.plus_millis(failed.fault.retry_after_ms.unwrap_or(0)) }
        }
    }
}

/// How far a server's clock is ahead of ours, in milliseconds.
pub(super) const fn ahead_ms(there: Timestamp, here: Timestamp) -> i64 {
    there.0.saturating_sub(here.0) / 1_000
}

/// Whether so much failed that the rest is left to the next run.
pub(super) fn stops(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| is_for_all(fault) || fault.class == ErrorClass::Transient)
}

/// Whether a note may be sent in a run that has read these collections: into one that it has not, nothing new goes.
pub(super) fn may_go(row: &ItemIntentRow, read: &BTreeSet<ItemCollectionId>) -> bool {
    let is_new = matches!(row.operation, ItemOperation::Create { .. });
    !is_new || row.about.collection.is_some_and(|id| read.contains(&id))
}
