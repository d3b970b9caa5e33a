//! Connections: how every provider reaches its server, over one [`Dialer`], with TLS, time-outs, limits and back-off.
//!
//! | module | holds |
//! |---|---|
//! | [`dialer`] | the seam: [`Dialer`], [`Endpoint`], [`Io`] |
//! | [`tcp`] | the real dialer |
//! | [`tls`] | TLS with its failures in words |
//! | [`connector`] | dialling and TLS under their time-outs, each failure a classed [`postrider_model::Fault`] |
//! | [`limits`] | how much and how long a server may |
//! | [`redact`] | what of the wire may be shown |
//! | [`backoff`] | how long to wait before the next attempt |
//!
//! Rules of the crate:
//! - Certificates are always verified; there is no switch for it (F8.2).
//! - Nothing secret is ever formatted: what goes over the wire is shown only through [`redact`] (I11).
//! - No protocol is spoken here, and no connection is kept.

pub mod backoff;
pub mod connector;
pub mod dialer;
pub mod limits;
pub mod redact;
pub mod tcp;
pub mod tls;

pub use backoff::Backoff;
pub use connector::{Connector, Security};
pub use dialer::{Dialer, Endpoint, Io};
pub use limits::{Limits, Timeouts};
pub use tcp::TcpDialer;
pub use tls::{TlsConnector, TlsError};
