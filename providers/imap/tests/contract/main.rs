//! The suite that every provider passes, against the strict server with each set of extensions and against a real
//! Dovecot, behind a bad wire too.
#![allow(clippy::disallowed_methods, reason = "a real server keeps real time")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod fake;
mod proxied;
mod real;

use std::sync::Arc;

use postrider_imap::{ClientName, ImapSettings};
use postrider_model::{Clock, Timestamp};
use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::Credential;

const USER: &str = "anna@example.com";
const PASSWORD: &str = "s3cret";

/// There is no certificate to be judged by it.
#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

fn settings(endpoint: Endpoint) -> ImapSettings {
    ImapSettings {
        endpoint,
        security: Security::None,
        allow_plaintext: false,
        login_name: USER.to_owned(),
        credential: Credential::Password(PASSWORD.into()),
        tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
        limits: Limits::default(),
        timeouts: Timeouts::default(),
        max_connections: 2,
        max_watches: ImapSettings::WATCHES,
        client: ClientName { name: "postrider".to_owned(), version: "1".to_owned() },
        compress: true,
    }
}
