//! Logging in: AUTHENTICATE PLAIN where it is offered (RFC 4616; with RFC 4959 in one round trip), else LOGIN.
//!
//! The password leaves its wrapper here and in no other place. No command and no answer of the login is traced.

use base64::{Engine, engine::general_purpose::STANDARD};
use postrider_model::{ErrorClass, Fault};
use secrecy::ExposeSecret;

use super::Connection;
use crate::{
    codec::{command::Command, status::StatusKind},
    fault::Failure,
    settings::ImapSettings,
};

impl Connection {
    pub(super) async fn log_in(&mut self, settings: &ImapSettings) -> Result<(), Failure> {
        if self.capabilities.is_empty() {
            self.ask_capabilities().await?;
        }
        let action = format!("log in to {}", self.server);
        let password = settings.password.expose_secret();
        let token = STANDARD.encode(format!("\0{}\0{password}", settings.login_name));
        let command = self.login_command(action, settings, password, &token)?;
        // Capabilities may be others once somebody is logged in (RFC 3501, section 6.2).
        self.capabilities.clear();
        let statuses = self.run(&[command], &mut |_, _| ()).await.map_err(|mut failure| {
            failure.fault.cause =
                postrider_net::redact::answer(failure.fault.cause.as_bytes(), &[password, &token]);
            failure
        })?;
        match statuses.iter().find(|status| status.kind != StatusKind::Ok) {
            Some(status) => Err(self.login_refused(status, &[password, &token])),
            None => Ok(()),
        }
    }

    fn login_command(
        &self,
        action: String,
        settings: &ImapSettings,
        password: &str,
        token: &str,
    ) -> Result<Command, Failure> {
        if self.has("AUTH=PLAIN") {
            let command = Command::new(action, "AUTHENTICATE PLAIN").secret();
            return Ok(match self.has("SASL-IR") {
                true => command.text(&format!(" {token}")),
                false => command.then(token),
            });
        }
        if self.has("LOGINDISABLED") {
            let cause = "the server takes no password on this connection (LOGINDISABLED)";
            return Err(Failure::lost(
                Fault::new(ErrorClass::Config, action, cause)
                    .hint("set `security` to `tls` or `starttls` in the provider's file; if it is, the server wants another `auth`"),
            ));
        }
        let literals = self.literals();
        let command =
            Command::new(action, "LOGIN ").secret().string(settings.login_name.as_bytes(), literals, false);
        Ok(command.text(" ").string(password.as_bytes(), literals, false))
    }
}
