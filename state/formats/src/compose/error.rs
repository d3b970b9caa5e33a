//! Why a message cannot be composed: what was found, and where.
//!
//! Values are quoted as they were given. They come from outside: whoever prints them escapes them first
//! ([`crate::display::escape`]).

use thiserror::Error;

/// Why a message was refused. Nothing of it can be sent as it is; trying again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// A header value, name or file name would break out of its line (RFC 5322 section 2.2).
    #[error("{place} holds a line break or a NUL")]
    LineBreak {
        /// What holds it: `Subject`, `the name of attachment 2`.
        place: String,
    },
    /// An address that is none (RFC 5321 sections 4.1.2 and 4.5.3.1, RFC 6531 section 3.3).
    #[error("{field}: {address:?} is no mail address: {reason}")]
    Address {
        /// The field it stands in: `To`.
        field: String,
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A list of addresses that cannot be read (RFC 5322 section 3.4).
    #[error("{field} is no list of addresses: {reason}")]
    AddressList {
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody to send to: To, Cc and Bcc are empty.
    #[error("no recipient: To, Cc and Bcc are empty")]
    NoRecipient,
    /// Without a From there is no message (RFC 5322 section 3.6).
    #[error("From is missing")]
    NoFrom,
    /// An address in From or Sender that is not the account's.
    #[error("{field}: {address:?} is not an address of this account")]
    Foreign {
        /// `From` or `Sender`.
        field: String,
        /// Whose it is instead.
        address: String,
    },
    /// A content type that is none (RFC 2045 section 5.1), or one that cannot be that of a single part.
    #[error("{place}: {found:?} is no content type of a part")]
    ContentType {
        /// Which part.
        place: String,
        /// What was given.
        found: String,
    },
    /// A Content-ID that is none (RFC 2045 section 7), or one that stands twice.
    #[error("{place}: {found:?} {reason}")]
    ContentId {
        /// Which part.
        place: String,
        /// What was given, without angle brackets.
        found: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A message id that is none (RFC 5322 section 3.6.4).
    #[error("{field}: {found:?} is no message id")]
    MessageId {
        /// The field.
        field: String,
        /// What was given.
        found: String,
    },
    /// A field name that is none (RFC 5322 section 2.2), or that of a field which has a place of its own.
    #[error("header field {name:?} {reason}")]
    FieldName {
        /// What was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A date that RFC 5322 section 3.3 cannot write.
    #[error("the date is outside the years 1900 to 9999")]
    Date,
    /// The source of boundaries gave none that may be used (RFC 2046 section 5.1.1).
    #[error("no usable MIME boundary: {reason}")]
    Boundary {
        /// What is wrong with those that came.
        reason: &'static str,
    },
    /// A line of a given message that must not be sent.
    #[error("line {line}: {reason}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A field that may stand once stands twice (RFC 5322 section 3.6), so that readers may disagree on its value.
    #[error("{field} stands more than once")]
    Twice {
        /// The field.
        field: String,
    },
}
