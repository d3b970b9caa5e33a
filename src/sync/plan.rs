//! What a run would do, as a value: printed by `--dry-run` (F5.3).

use postrider_model::{AccountId, Fault, HeldReport};
use postrider_reconcile::{Deletions, Verdict, judge_deletions};
use serde::Serialize;

use super::{FolderChange, Ports, folder::Outcome};

/// What a run of an account would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Folders made, renamed, frozen.
    pub folders: Vec<FolderChange>,
    /// Folders in which something changed.
    pub mail: Vec<FolderForecast>,
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
