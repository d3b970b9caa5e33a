//! From an account's configuration to a server: the connection that a run uses, and the trial before an account is saved (F1.8).

use std::fs;

use postrider_imap::{ClientName, ImapRemote, ImapSettings};
use postrider_model::{ErrorClass, Fault};
use postrider_net::{Endpoint, Limits, Security as NetSecurity, Timeouts, TlsConnector};
use postrider_remote::{Credential, MailRemote};
use postrider_store::{Secret, Store};
use secrecy::SecretString;
use serde::Serialize;

use super::Service;
use crate::{
    config::{ReadyAccount, Security, Server},
    secrets::{Kept, SealedSecrets, SecretSource},
};

/// Connections to one account's server at a time.
pub(super) const CONNECTIONS: usize = 4;
/// An account's provider was read, and a plain connection that leaves this machine refused unless its file allows it, before this.
pub(super) const PLAINTEXT_IS_CHECKED: bool = true;

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// The server that mail comes from.
    pub imap: String,
    /// How many folders it has that can hold messages.
    pub folders: usize,
    /// The server that mail goes out by, where the account sends.
    pub smtp: Option<String>,
    /// Wanted by the configuration and not on the server.
    pub missing: Vec<String>,
}

impl Service {
    /// Logs in, lists folders, and says hello to the mail server for sending; changes nothing there and nothing here.
    pub(super) async fn try_account(
        &self,
        account: &ReadyAccount,
        credential: Credential,
    ) -> Result<Trial, Fault> {
        let remote = self.remote(account, credential.clone())?;
        let listing = remote.folders().await;
        remote.close().await;
        let listing = listing?;
        let has = |name: &&String| listing.iter().any(|folder| folder.selectable && &folder.name == *name);
        let missing = account.mail.folders.listed().iter().filter(|name| !has(name)).cloned().collect();
        if let Some(server) = &account.smtp {
            let settings = self.smtp_settings(account, server, credential)?;
            postrider_smtp::trial(&settings, self.world.dialer.clone()).await?;
        }
        Ok(Trial {
            imap: endpoint(&account.imap).to_string(),
            folders: listing.iter().filter(|folder| folder.selectable).count(),
            smtp: account.smtp.as_ref().map(|server| endpoint(server).to_string()),
            missing,
        })
    }

    /// The account's mail on its server. Nothing is dialled yet.
    pub(super) fn remote(&self, account: &ReadyAccount, credential: Credential) -> Result<ImapRemote, Fault> {
        let settings = ImapSettings {
            endpoint: endpoint(&account.imap),
            security: security(account.imap.security),
            allow_plaintext: PLAINTEXT_IS_CHECKED,
            login_name: account.login_name.clone(),
            credential,
            tls: self.tls(account)?,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            max_connections: CONNECTIONS,
            max_watches: ImapSettings::WATCHES,
            client: ClientName {
                name: "Postrider".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            // It costs more time than it saves on a fast network, and which it is cannot be known beforehand.
            compress: false,
        };
        Ok(ImapRemote::new(settings, self.world.dialer.clone()))
    }

    pub(super) fn tls(&self, account: &ReadyAccount) -> Result<TlsConnector, Fault> {
        Ok(TlsConnector::new(extra_ca(account)?, self.world.clock.clone()))
    }

    /// The account's password, from wherever it is.
    pub(super) async fn password(
        &self,
        account: &ReadyAccount,
        source: &SecretSource,
    ) -> Result<SecretString, Fault> {
        self.keep_to_its_hosts(account)?;
        let stored = StoredSecrets(self.store.clone());
        self.resolver().password(&account.name, source, &stored).await
    }
}

/// The secrets that the store keeps, sealed.
pub(super) struct StoredSecrets(pub Option<Store>);

impl SealedSecrets for StoredSecrets {
    fn sealed(&self, account: &str, field: &str) -> Result<Option<Kept>, Fault> {
        let kept = |secret: Secret| Kept { sealed: secret.sealed, given_for: secret.given_for };
        match &self.0 {
            Some(store) => Ok(store.reader()?.secret(account, field)?.map(kept)),
            None => Ok(None),
        }
    }
}

pub(super) fn endpoint(server: &Server) -> Endpoint {
    Endpoint::new(server.host.clone(), server.port)
}

pub(super) const fn security(security: Security) -> NetSecurity {
    match security {
        Security::Tls => NetSecurity::Tls,
        Security::StartTls => NetSecurity::StartTls,
        Security::None => NetSecurity::None,
    }
}

fn extra_ca(account: &ReadyAccount) -> Result<Vec<u8>, Fault> {
    let Some(file) = &account.ca_file else { return Ok(Vec::new()) };
    fs::read(file).map_err(|error| {
        let action = format!("read the certificates in {}", file.display());
        Fault::new(ErrorClass::Config, action, error.to_string())
            .hint(format!("`ca_file` in the file of provider {} names it", account.provider))
    })
}
