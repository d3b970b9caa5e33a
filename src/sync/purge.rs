//! The end of retention: what was deleted long enough ago is erased for good, from the store and from search (F2.9).

use postrider_model::{Fault, Timestamp};

use super::Ports;

/// Tombstones that are erased in one transaction.
const AT_A_TIME: u32 = 1_000;

/// Erases what was deleted before that time, and lines of the audit log from before `audited`. What an interrupted purge left in the search index goes too: the store remembers what
/// is still to leave it.
///
/// # Errors
/// The store's, in words.
pub async fn purge(ports: &Ports, before: Timestamp, audited: Timestamp) -> Result<(), Fault> {
    let now = ports.clock.now();
    ports.transaction(move |tx| tx.expire_audit(audited, now)).await?;
    while ports.transaction(move |tx| tx.purge_expired(before, AT_A_TIME)).await?.more {}
    let rest = move |tx: &mut postrider_store::Tx<'_>| {
        tx.purge_outbox(before)?;
        tx.purge_records(before, AT_A_TIME)
    };
    while ports.transaction(rest).await? == u64::from(AT_A_TIME) {}
    loop {
        let erased = ports.transaction(|tx| tx.erased(AT_A_TIME)).await?;
        if erased.is_empty() {
            return Ok(());
        }
        ports.index.forget(erased.clone()).await?;
        ports.transaction(move |tx| tx.forgotten(&erased)).await?;
    }
}
