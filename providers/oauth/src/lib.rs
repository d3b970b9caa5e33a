//! OAuth 2.0 (RFC 6749) as an account needs it: a person consents once, and tokens renew themselves from then on (F1.5).
//!
//! | module | holds |
//! |---|---|
//! | `client` | a client as it is registered with an authorization server, and what it may ask there |
//! | `consent` | the consent by redirect: state, PKCE (RFC 7636), the code's exchange |
//! | `redirect` | what a browser brings back, by itself or pasted |
//! | `loopback` | the one request that a browser makes to this machine (RFC 8252) |
//! | `device` | the consent on another device (RFC 8628) |
//! | `identity` | whose consent it was |
//! | `tokens` | what comes out of it, and the form in which it is kept |
//! | `store` | the seam behind which tokens are kept |
//! | `memory` | a keeping that ends with the process |
//! | `service` | [`TokenService`]: an account's tokens, renewed once for all who ask |
//! | `wire` | requests and answers at the token endpoint |
//! | `fault` | an authorization server's refusals, classed |
//!
//! Rules of the crate:
//! - A renewed refresh token is durable before its access token is given to anyone.
//! - A refresh token is sent once: all who would renew wait for each other, in this process and across processes.
//! - A refresh token that the server declared dead is never sent again; only a new consent helps. A server that is busy, broken or
//!   out of reach declares nothing dead.
//! - No token, code, state or verifier is ever formatted (I11); a token is shown by its last four characters at most.
//! - No clock, no chance, no socket of its own, and no task that outlives its call.

mod client;
mod consent;
mod device;
mod fault;
mod identity;
mod loopback;
mod memory;
mod redirect;
mod service;
mod store;
mod tokens;
mod wire;

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;

pub use client::{Client, ClientSettings, SecretIn};
pub use consent::Consent;
pub use device::DeviceConsent;
pub use identity::Confirmed;
pub use loopback::{LoopbackRedirect, PUBLIC_HOST};
pub use memory::MemoryTokenStore;
pub use service::TokenService;
pub use store::{Kept, TokenLock, TokenStore};
pub use tokens::{StoredTokens, Tokens};

/// What the calls of this crate answer.
pub type Result<T> = std::result::Result<T, postrider_model::Fault>;
