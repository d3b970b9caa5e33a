//! What FETCH and SEARCH need to know of a message's bytes: its header fields, its envelope, its parts.
//!
//! Rule: the bytes are taken as they are, bare LF and all; what cannot be understood is one plain part. Nothing is
//! decoded: an envelope carries encoded words as they stand.

mod address;
mod envelope;
mod header;
mod structure;

pub(crate) use envelope::envelope;
pub(crate) use header::{Header, sent_date};
pub(crate) use structure::{Inner, Part, structure};
