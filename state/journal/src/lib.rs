//! Remote writes as state machines: what may follow what, from the note to the answer (invariant I4).
//!
//! ```text
//!   Noted ──send──▶ Sent ──done──▶ Done
//!     ▲ │            │ └──stale──▶ Stale      └──refused──▶ Failed
//!     │ └─withdraw─▶ Withdrawn
//!     │              ├─deferred──▶ Noted, later
//!     │              └─lost, restarted ─▶ Unknown ──found──▶ Done
//!     └──────────────────absent─────────────┘ └─undecided─▶ Unknown, later
//! ```
//!
//! Rules:
//! - A write is noted, with its [`Mark`], before it is sent; it is `Sent` in the store before its first byte is on the wire. So
//!   what a crash leaves as `Noted` was certainly not sent, and what it leaves as `Sent` may have been.
//! - From [`State::Unknown`] no way leads to the wire but through a look: first [`Event::Absent`], then another sending.
//! - What has ended stays ended.
//!
//! Pure: no clock, no chance, no SQL, no protocol. Times come in with the events, the back-off reckoned by the caller.

mod intent;
mod item;
mod operation;
mod state;

pub use intent::{Intent, has_come};
pub use item::ItemOperation;
pub use operation::{Floor, Operation};
pub use postrider_model::{Mark, MarkError};
pub use state::{Event, InvalidTransition, State};
