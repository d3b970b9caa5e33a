//! What a run would do, as a value: printed by `--dry-run` (F5.3).

use std::collections::BTreeSet;

use postrider_journal::{Operation, State};
use postrider_model::{AccountId, Fault, HeldReport, PlacementId};
use postrider_reconcile::{Deletions, LocalChange, Verdict, judge_deletions, plan_push};
use postrider_store::{IntentRow, Outgoing};
use serde::Serialize;

use super::{ActivityForecast, ContactForecast, FolderChange, Ports, folder::Outcome, push::local_change};

/// What a run of an account would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Folders made, renamed, frozen.
    pub folders: Vec<FolderChange>,
    /// Folders in which something changed.
    pub mail: Vec<FolderForecast>,
    /// What was done here and would be done on the server.
    pub out: OutForecast,
    /// What would be done about contacts, where the account has any.
    pub contacts: Option<ContactForecast>,
    /// What would be done about appointments and tasks, where the account has any.
    pub activities: Option<ActivityForecast>,
}

/// What would go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct OutForecast {
    /// Messages whose flags, folder or being there would be changed.
    pub changes: u64,
    /// Messages that would be put into a folder.
    pub appends: u64,
    /// Messages that would be sent.
    pub sent: u64,
}

impl OutForecast {
    /// Whether nothing would go out.
    pub const fn is_empty(&self) -> bool {
        self.changes + self.appends + self.sent == 0
    }
}

/// Counts what waits to go out.
pub(super) async fn forecast_out(ports: &Ports, account: AccountId) -> Result<OutForecast, Fault> {
    let now = ports.clock.now();
    ports
        .transaction(move |tx| {
            let (unsent, permanent) = (tx.unsent(account)?, tx.permanent_flags(account)?);
            let changes: Vec<LocalChange> = unsent.iter().filter_map(local_change).collect();
            let changed: BTreeSet<PlacementId> = plan_push(&changes, &permanent)
                .into_iter()
                .flat_map(|push| push.messages)
                .map(|(id, _)| id)
                .collect();
            let intents = tx.intents(account)?;
            let is_append = |row: &&IntentRow| matches!(row.operation, Operation::Append { .. });
            let waits = |entry: &&Outgoing| entry.state == State::Noted && entry.due <= now;
            Ok(OutForecast {
                changes: changed.len() as u64,
                appends: intents.iter().filter(is_append).count() as u64,
                sent: tx.open_outbox(account)?.iter().filter(waits).count() as u64,
            })
        })
        .await
}

/// What would happen to one folder's messages. Moves cannot be told from deletions before the bytes are here, so a deletion may
/// turn out to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderForecast {
    /// The folder's name.
    pub folder: String,
    /// Messages to be fetched.
    pub fetch: u64,
    /// Messages whose flags change.
    pub flags: u64,
    /// Messages known again after the server numbered them anew.
    pub known_again: u64,
    /// Messages that are gone there.
    pub delete: u64,
    /// Why the deletions would be held, where they would.
    pub held: Option<&'static str>,
}

/// Says what the folders' readings come to.
pub(super) async fn forecast(ports: &Ports, outcomes: &[Outcome]) -> Result<Vec<FolderForecast>, Fault> {
    let mut forecasts = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.changed) {
        let delete = outcome.gone.len() + outcome.adrift;
        let of = match outcome.collection.filter(|_| delete > 0) {
            Some(id) => ports.transaction(move |tx| tx.count_live(id)).await?,
            None => 0,
        };
        let verdict = judge_deletions(Deletions {
            count: delete,
            of,
            role: outcome.role,
            listing_was_empty: outcome.came_back_empty,
        });
        let held = match verdict {
            Verdict::Held(why) => Some(why),
            Verdict::Go => None,
        };
        let forecast = FolderForecast {
            folder: outcome.name.clone(),
            fetch: outcome.wanted,
            flags: outcome.flags_changed,
            known_again: outcome.known_again,
            delete,
            held,
        };
        if forecast.fetch + forecast.flags + forecast.known_again + forecast.delete > 0 {
            forecasts.push(forecast);
        }
    }
    Ok(forecasts)
}

/// All of an account's deletions that wait for a person's word, those of earlier runs among them.
pub(super) async fn held(ports: &Ports, account: AccountId) -> Result<Vec<HeldReport>, Fault> {
    let held = ports.transaction(move |tx| tx.held(account)).await?;
    let report = |one: postrider_store::Held| HeldReport {
        plan: one.id.to_string(),
        folder: one.folder,
        deletions: one.deletions,
        of: one.total,
        why: one.why,
    };
    Ok(held.into_iter().map(report).collect())
}
