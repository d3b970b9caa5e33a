//! Passwords: where they come from, and how the store keeps those that it is given, and OAuth tokens (F8.1).
//!
//! | module | holds |
//! |---|---|
//! | `source` | the four places that a password may come from |
//! | `resolve` | an account's source → its password |
//! | `command`, `file` | a password from a program, from a file or a systemd credential |
//! | `key`, `ring` | the store's key: where it is, how it is made, how another takes its place |
//! | `sealed` | a password as the store keeps it: encrypted, bound to account, field and what it was given for |
//! | `given` | what a password was given for: a login and hosts |
//!
//! Rules (I11): a password lives only in types that cannot be printed and that are wiped when dropped; no error quotes a byte of
//! one, nor what a password program printed; a wrong key is an error and changes nothing. Nothing here is cached: a password
//! that was changed is seen by the next login.

mod command;
mod file;
mod given;
mod key;
mod resolve;
mod ring;
mod sealed;
mod source;

pub use command::CommandContext;
pub use given::GivenFor;
pub use key::{KEY_CREDENTIAL, KEY_FILE, KeyId, KeyPlace, StoreKey};
pub use resolve::{Kept, Resolver, SealedSecrets};
pub use ring::{KeyRing, OLD_KEY_CREDENTIAL};
pub use sealed::{Purpose, SealedSecret};
pub use source::SecretSource;

/// The field under which an account's password is sealed.
pub const PASSWORD_FIELD: &str = "password";
/// The field under which an account's OAuth tokens are sealed.
pub const TOKENS_FIELD: &str = "tokens";

#[cfg(test)]
mod test_entropy;
