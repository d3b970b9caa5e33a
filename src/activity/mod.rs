//! What the store keeps of an activity beside its text, and which times a series has: what commands and runs have in common.

mod doc;
mod occasions;

pub(crate) use doc::{YEARS, doc_of, groups, instant_of, of};
pub(crate) use occasions::{apart, follow, meant, reach, starts};
