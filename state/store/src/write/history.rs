//! What was before a change, and who changed it (I1).

use postrider_model::{PlacementId, RunId, Timestamp};
use rusqlite::params;

use super::{Tx, placements::Seat};
use crate::Result;

/// Where a change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On the server; it came in with a run.
    Server,
    /// Here, by a command.
    Here,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Here => "here",
        }
    }
}

/// Of what a change is part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// When.
    pub at: Timestamp,
    /// In which run, where it is one.
    pub run: Option<RunId>,
    /// Where it was made.
    pub side: Side,
    /// By whom: an account's name, or a user's.
    pub actor: String,
    /// Why, in words for people.
    pub why: String,
}

impl Tx<'_> {
    /// Notes how a placement was before what is now done to it.
    pub(super) fn note(&mut self, was: &Seat, what: &str, context: &Context) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO history (placement, at_us, run, side, actor, what, why, snapshot)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                was.placement.id.0,
                context.at.0,
                context.run.map(|run| run.to_string()),
                context.side.name(),
                context.actor,
                what,
                context.why,
                snapshot(was)
            ])?;
        Ok(())
    }

    /// What belongs to a row that gave its place to another belongs to that one.
    pub(super) fn hand_over_history(&mut self, from: PlacementId, to: PlacementId) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE history SET placement = ?2 WHERE placement = ?1")?
            .execute([from.0, to.0])?;
        Ok(())
    }
}

fn snapshot(was: &Seat) -> String {
    let placement = &was.placement;
    serde_json::json!({
        "collection": was.collection.0,
        "uid": placement.uid,
        "flags": placement.flags.to_string(),
        "base_flags": placement.base_flags.to_string(),
        "mod_seq": placement.mod_seq,
        "internal_us": placement.internal_date.0,
        "deleted_us": was.deleted.map(|at| at.0),
    })
    .to_string()
}
