//! Decisions: what was agreed on, what is here and what is there come in; a plan comes out.
//!
//! Every function is pure and total. Nothing here knows SQL or a protocol, reads a clock, or does what it decides: `sync`
//! does that. Absence is never taken for deletion unless the listing's own type says that it is complete (I2).

pub mod activities;
pub mod contacts;
mod difference;
mod fate;
mod fielded;
mod flags;
mod folders;
mod guard;
mod mail;
mod merge;
mod moves;
mod push;
mod rematch;

pub use fate::{Change, Decision, Fate, decide};
pub use flags::merge_flags;
pub use folders::{FolderPlan, Follow, FreezeReason, KnownFolder, Selection, plan_folders};
pub use guard::{
    CONTACTS_LISTED_EMPTY, Deletions, Kept, Leavings, Verdict, judge_deletions, judge_leavings, most_to_count,
};
pub use mail::{FlagPlan, FolderListing, KnownPlacement, plan_flags};
pub use merge::{Changed, Merged, Outcome, Side, Sides, Times, by_our_clock};
pub use moves::{Placed, Settled, pair_moves};
pub use push::{Gone, LocalChange, Moved, Push, PushOp, flag_changes, judge_move, plan_push};
pub use rematch::{Rematch, pair_by_content};
