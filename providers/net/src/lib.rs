//! Connections: how every provider reaches its server, over one [`Dialer`], with TLS, time-outs, limits and back-off.
//!
//! Nothing here knows a mail protocol, and nothing secret is ever formatted: what goes over the wire is traced only through
//! redaction (I11).

mod dialer;

pub use dialer::{Dialer, Endpoint, Io};
