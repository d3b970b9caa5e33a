//! Who may do what (F7): callers, and the rights of each, out of the configuration alone.
//!
//! | module | holds |
//! |---|---|
//! | `caller` | who calls, and in whose name; how a caller is known |
//! | `rights` | what a caller may do with an account, and which operations they have |
//! | `acts` | every act, with what it is called in the audit log and which right it needs |
//!
//! Pure: nothing here opens a store, asks a server or writes a log. It answers; `service` enforces.

mod acts;
mod caller;
mod rights;
#[cfg(test)]
mod sample;

pub use acts::{Act, Need, Verdict};
pub use caller::{Caller, Callers, UnixUsers};
pub use rights::{Right, Rights, may, rights_on, roles};
