//! From an account's configuration to its server for sending.

use std::sync::Arc;

use async_trait::async_trait;
use postrider_model::Fault;
use postrider_net::{Dialer, Limits, Timeouts};
use postrider_remote::Credential;
use postrider_smtp::{Envelope, Patience, SmtpSettings};

use super::{
    Service,
    trial::{PLAINTEXT_IS_CHECKED, endpoint, security},
};
use crate::{
    config::{ReadyAccount, Server},
    sync::{Submit, SubmitFault, Submitted},
};

/// Sends by SMTP.
pub(super) struct SmtpSubmit {
    settings: SmtpSettings,
    dialer: Arc<dyn Dialer>,
}

impl Service {
    /// How the account's server for sending is reached.
    pub(super) fn smtp_settings(
        &self,
        account: &ReadyAccount,
        server: &Server,
        credential: Credential,
    ) -> Result<SmtpSettings, Fault> {
        Ok(SmtpSettings {
            endpoint: endpoint(server),
            security: security(server.security),
            allow_plaintext: PLAINTEXT_IS_CHECKED,
            login_name: account.login_name.clone(),
            credential,
            tls: self.tls(account)?,
            timeouts: Timeouts::default(),
            patience: Patience::default(),
            limits: Limits::default(),
            hello: "[127.0.0.1]".to_owned(),
            failure_notices: false,
        })
    }

    /// The account's way out, where it has one. Nothing is dialled yet.
    pub(super) fn submit(
        &self,
        account: &ReadyAccount,
        credential: Credential,
    ) -> Result<Option<SmtpSubmit>, Fault> {
        let Some(server) = &account.smtp else { return Ok(None) };
        let settings = self.smtp_settings(account, server, credential)?;
        Ok(Some(SmtpSubmit { settings, dialer: self.world.dialer.clone() }))
    }
}

#[async_trait]
impl Submit for SmtpSubmit {
    async fn submit(
        &self,
        sender: &str,
        recipients: &[String],
        message: &[u8],
    ) -> Result<Submitted, SubmitFault> {
        let envelope = Envelope { from: sender.to_owned(), to: recipients.to_vec() };
        match postrider_smtp::send(&self.settings, self.dialer.clone(), &envelope, message).await {
            Ok(sent) => Ok(Submitted { refused: sent.refused }),
            Err(failed) => {
                Err(SubmitFault { fault: failed.fault, reach: failed.reach, refused: failed.refused })
            }
        }
    }
}
