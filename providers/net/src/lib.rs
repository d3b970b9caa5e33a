//! Connections: how every provider reaches its server, over one [`Dialer`], with TLS, time-outs, limits and back-off.
//!
//! | module | holds |
//! |---|---|
//! | [`dialer`] | the seam: [`Dialer`], [`Endpoint`], [`Io`] |
//! | [`tcp`] | the real dialer |
//! | [`listener`] | the other way round: connections that come in from this machine |
//! | [`tls`] | TLS with its failures in words |
//! | [`connector`] | dialling and TLS under their time-outs, each failure a classed [`postrider_model::Fault`] |
//! | [`http`] | HTTP/1.1, one request on one connection |
//! | [`limits`] | how much and how long a server may |
//! | [`redact`] | what of the wire may be shown |
//! | [`backoff`] | how long to wait before the next attempt |
//!
//! Rules of the crate:
//! - Certificates are always verified; there is no switch for it (F8.2).
//! - Nothing secret is ever formatted: what goes over the wire is shown only through [`redact`] (I11).
//! - No protocol is spoken here but HTTP, and no connection is kept.

pub mod backoff;
pub mod connector;
pub mod dialer;
pub mod http;
pub mod limits;
pub mod listener;
pub mod redact;
pub mod tcp;
pub mod tls;

pub use backoff::Backoff;
pub use connector::{Connector, Security};
pub use dialer::{Dialer, Endpoint, Io};
pub use limits::{Limits, Timeouts};
pub use listener::{Listener, LoopbackListener};
pub use tcp::TcpDialer;
pub use tls::{TlsConnector, TlsError};
