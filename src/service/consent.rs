//! Consents: a person is sent to the provider once, and what comes back logs the account in from then on (F1.5, F1.9).
//!
//! Nothing is stored before the provider has said whose consent it is and the account has been tried with it. A consent that died is
//! told without asking any server again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use http::HeaderValue;
use postrider_model::{ErrorClass, Fault};
use postrider_net::{Connector, Timeouts};
use postrider_oauth::{
    Client, ClientSettings, LoopbackRedirect, MemoryTokenStore, SecretIn, StoredTokens, TokenLock,
    TokenService, TokenStore, Tokens,
};
use postrider_remote::{AccessTokens, Credential};
use secrecy::{ExposeSecret, SecretString};

use super::{Service, Trial, vault::Vault};
use crate::config::{ConsentSettings, Login, ReadyAccount, Server, fault};

/// How long a person may take in the browser.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long a renewal that is under way may take until the tokens are taken from it.
const RENEWAL: Duration = Duration::from_secs(60);
/// How long the end of the process waits for renewals.
const PARTING: Duration = Duration::from_secs(8);
/// What this program calls itself to authorization servers.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("postrider/", env!("CARGO_PKG_VERSION")));

/// The way to a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A link for a browser. What it brings back comes by itself where the browser is on this machine; where `paste` is set, a
    /// person may give it too.
    Browser {
        /// Whether there is somebody to give it.
        paste: bool,
    },
    /// A code to be typed where there is a browser (RFC 8628).
    Device,
}

/// What a person is to do on another device.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// The page to open.
    pub page: String,
    /// What to type there.
    pub code: String,
    /// The page with the code in it already, where the provider has one.
    pub page_with_code: Option<String>,
    /// For how long the code is good.
    pub limit: Duration,
}

/// Whoever consents.
#[async_trait]
pub trait Person: Send + Sync {
    /// Is shown a link to open. It is for the person alone, not for a log.
    fn open_link(&self, url: &str);

    /// Is shown a code to type.
    fn type_code(&self, code: &DeviceCode);

    /// Gives the address to which the browser was sent in the end.
    ///
    /// # Errors
    /// Where there is nothing more to be read.
    async fn pasted(&self) -> Result<String, Fault>;
}

/// What became of the consent at the provider when an account was disconnected.
#[derive(Debug)]
pub enum Revocation {
    /// There was none.
    Nothing,
    /// It is revoked.
    Done,
    /// The provider offers no way; a person can take it back there.
    NotOffered,
    /// It failed, and is as good as before; a person can take it back there.
    Failed(Fault),
}

/// The token services of this process, one for each account and what is said of its consent. Those of other settings stay: what they
/// could not store yet must not be lost.
#[derive(Default)]
pub(super) struct TokenServices(Mutex<TokenServicesByConsent>);

type TokenServicesByConsent = BTreeMap<(String, String), Arc<TokenService>>;

impl Service {
    /// By what the account logs in now. One whose consent is missing or dead is told so here, before any server is asked.
    pub(super) async fn credential(&self, account: &ReadyAccount) -> Result<Credential, Fault> {
        match &account.login {
            Login::Password(source) => self.password(account, source).await.map(Credential::Password),
            Login::Consent(settings) => {
                self.keep_to_its_hosts(account)?;
                let tokens = self.token_service(account, settings)?;
                tokens.token().await?;
                Ok(Credential::Tokens(tokens))
            }
        }
    }

    /// What that account shows to its servers at a login, with where and as whom, hashed. No server is asked, but that a consent's access
    /// token may be renewed.
    ///
    /// # Errors
    /// What keeps from logging in at all: its configuration, a password that is not there, a consent that is missing or dead.
    pub(super) async fn login_mark(&self, name: &str) -> Result<blake3::Hash, Fault> {
        let account = self.config.ready(name).map_err(|errors| fault(&errors))?;
        let secret = match self.credential(&account).await? {
            Credential::Password(password) => password,
            Credential::Tokens(tokens) => tokens.token().await?,
        };
        Ok(mark_of(&account, &secret))
    }

    /// Waits for renewals whose callers have left, so that no token that a server gave is lost. To be called before the process ends,
    /// which nobody should have to wait for longer than a few seconds: after these it gives up.
    /// Answers with what was lost all the same.
    pub async fn settle(&self) -> Vec<Fault> {
        let services: Vec<_> = self.tokens.lock().values().cloned().collect();
        let settled = join_all(services.iter().map(|service| service.settle()));
        match tokio::time::timeout(PARTING, settled).await {
            Ok(settled) => settled.into_iter().filter_map(Result::err).collect(),
            Err(_) => {
                let cause = format!("the provider did not answer within {} s", PARTING.as_secs());
                let fault = Fault::new(ErrorClass::Transient, "finish a renewal of tokens", cause);
                vec![fault.hint("the account may need a new login")]
            }
        }
    }

    /// A new consent for that account, tried; not stored yet.
    pub(super) async fn consented(
        &self,
        account: &ReadyAccount,
        settings: &ConsentSettings,
        way: Way,
        person: &dyn Person,
    ) -> Result<(Trial, StoredTokens), Fault> {
        let client = self.oauth_client(account, settings)?;
        let tokens = match way {
            Way::Device => on_device(&client, person).await?,
            Way::Browser { paste } => self.in_browser(account, settings, &client, paste, person).await?,
        };
        client.confirm(&tokens, &account.address).await?;
        let tokens = lasting(account, tokens)?;
        // The trial may renew them; what it leaves is what is good.
        let store = MemoryTokenStore::with(tokens);
        let service = Arc::new(self.new_token_service(account, client, Arc::new(store.clone())));
        let trial = self.try_account(account, Credential::Tokens(service.clone())).await;
        service.settle().await?;
        let kept = store.load().await?.ok_or_else(|| not_consented(account))?;
        Ok((trial?, kept.tokens))
    }

    /// Revokes the account's consent, where there is one. The lock that is handed back keeps renewals away until it is dropped.
    pub(super) async fn revoke(&self, name: &str) -> Result<(Revocation, Option<TokenLock>), Fault> {
        let Some(store) = &self.store else { return Ok((Revocation::Nothing, None)) };
        if store.reader()?.tokens(name)?.is_none() {
            return Ok((Revocation::Nothing, None));
        }
        let vault = self.vault(store).tokens_of(name, None);
        let lock = tokio::time::timeout(RENEWAL, vault.lock()).await.map_err(|_| {
            let cause = "another process has been renewing its tokens for a minute";
            Fault::new(ErrorClass::Busy, format!("disconnect account {name}"), cause).hint("try again later")
        })??;
        let revocation = match self.revoke_by(name, &vault).await {
            Ok(revocation) => revocation,
            Err(fault) => Revocation::Failed(fault),
        };
        Ok((revocation, Some(lock)))
    }

    async fn revoke_by(&self, name: &str, vault: &dyn TokenStore) -> Result<Revocation, Fault> {
        let Some(kept) = vault.load().await? else { return Ok(Revocation::Nothing) };
        if kept.tokens.dead {
            return Ok(Revocation::Nothing);
        }
        let Some(account) = self.config.ready(name).ok() else { return Ok(Revocation::NotOffered) };
        if !self.is_given_for(&account)? {
            return Ok(Revocation::NotOffered);
        }
        let Login::Consent(settings) = &account.login else { return Ok(Revocation::NotOffered) };
        let client = self.oauth_client(&account, settings)?;
        match client.can_revoke() {
            true => client.revoke(&kept.tokens).await.map(|()| Revocation::Done),
            false => Ok(Revocation::NotOffered),
        }
    }

    /// Whether somebody has consented for that account, be it still good or not.
    pub(super) fn has_consent(&self, name: &str) -> bool {
        let tokens = self.store.as_ref().map(|store| store.reader()?.tokens(name));
        tokens.is_some_and(|read| read.is_ok_and(|tokens| tokens.is_some()))
    }

    /// The client that asks that account's authorization server.
    fn oauth_client(&self, account: &ReadyAccount, consent: &ConsentSettings) -> Result<Client, Fault> {
        let settings = &consent.settings;
        let secret = settings.client_secret_file.as_ref();
        let client_secret = secret.map(|file| self.resolver().client_secret(file)).transpose()?;
        let connector = Connector::new(self.world.dialer.clone(), self.tls(account)?, Timeouts::default());
        let settings = ClientSettings {
            client_id: consent.client_id.clone(),
            client_secret,
            secret_in: SecretIn::default(),
            auth_url: consent.auth_url.clone(),
            token_url: consent.token_url.clone(),
            device_url: settings.device_url.clone(),
            revocation_url: settings.revocation_url.clone(),
            userinfo_url: settings.userinfo_url.clone(),
            scopes: settings.scopes.clone(),
            auth_parameters: settings.auth_parameters.clone(),
        };
        Client::new(settings, connector, AGENT, self.world.clock.clone())
    }

    fn token_service(
        &self,
        account: &ReadyAccount,
        settings: &ConsentSettings,
    ) -> Result<Arc<TokenService>, Fault> {
        let Some(store) = &self.store else { return Err(not_consented(account)) };
        let key = (account.name.clone(), format!("{settings:?}"));
        if let Some(service) = self.tokens.lock().get(&key) {
            return Ok(service.clone());
        }
        let client = self.oauth_client(account, settings)?;
        let vault = self.vault(store).tokens_of(&account.name, Some(account.given_for.to_text()));
        let service = Arc::new(self.new_token_service(account, client, Arc::new(vault)));
        Ok(self.tokens.lock().entry(key).or_insert(service).clone())
    }

    fn new_token_service(
        &self,
        account: &ReadyAccount,
        client: Client,
        store: Arc<dyn TokenStore>,
    ) -> TokenService {
        let (clock, entropy) = (self.world.clock.clone(), self.world.entropy.clone());
        TokenService::new(account.name.as_str(), client, store, clock, entropy)
    }

    pub(super) fn vault(&self, store: &postrider_store::Store) -> Vault {
        Vault { store: store.clone(), resolver: self.resolver(), entropy: self.world.entropy.clone() }
    }

    /// Sends the person to a browser, and takes what it brings back: by itself or pasted, whichever is first.
    async fn in_browser(
        &self,
        account: &ReadyAccount,
        settings: &ConsentSettings,
        client: &Client,
        paste: bool,
        person: &dyn Person,
    ) -> Result<Tokens, Fault> {
        let host = settings.settings.redirect_host.name();
        let loopback = match self.world.loopback.listen().await {
            Ok(listener) => Some(LoopbackRedirect::new(listener, host)),
            Err(why) if paste => {
                tracing::info!(%why, "no port of this machine can be listened at");
                None
            }
            Err(why) => {
                return Err(Fault::new(ErrorClass::Transient, "listen for the consent", why.to_string())
                    .hint("--paste takes the address that the browser shows in the end"));
            }
        };
        let redirect = loopback.as_ref().map_or_else(|| format!("http://{host}/"), LoopbackRedirect::url);
        let consent = client.begin(&redirect, Some(&account.address), &*self.world.entropy)?;
        person.open_link(consent.url.as_str());
        let by_itself = async {
            match &loopback {
                Some(loopback) => loopback.answer(&consent, PATIENCE).await,
                None => std::future::pending().await,
            }
        };
        let by_hand = async {
            match paste {
                true => person.pasted().await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = by_itself => client.finish(&consent, answer?.expose_secret()).await,
            pasted = by_hand => client.finish(&consent, &pasted?).await,
        }
    }
}

impl TokenServices {
    fn lock(&self) -> std::sync::MutexGuard<'_, TokenServicesByConsent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn on_device(client: &Client, person: &dyn Person) -> Result<Tokens, Fault> {
    let consent = client.begin_on_device().await?;
    person.type_code(&DeviceCode {
        page: consent.page().to_owned(),
        code: consent.user_code().to_owned(),
        page_with_code: consent.page_with_code().map(ToOwned::to_owned),
        limit: consent.expires_in(),
    });
    client.finish_on_device(&consent).await
}

/// Tokens that end without a successor would need a person every hour.
fn lasting(account: &ReadyAccount, tokens: Tokens) -> Result<StoredTokens, Fault> {
    if tokens.refresh.is_some() || tokens.expires_at.is_none() {
        return Ok(tokens.into());
    }
    let action = format!("log in account {}", account.name);
    let cause =
        "the provider gave no refresh token, without which the consent ends with its first access token";
    Err(Fault::new(ErrorClass::Config, action, cause).hint(format!(
        "providers differ in what they want for one: `offline_access` among the `scopes`, or `access_type` and `prompt` in \
         `auth_parameters`, in the file of provider {}",
        account.provider
    )))
}

fn not_consented(account: &ReadyAccount) -> Fault {
    let action = format!("get an access token for account {}", account.name);
    Fault::new(ErrorClass::Login, action, "nobody has consented for it yet")
        .hint(format!("consent by `postrider account login {}`", account.name))
}

/// What is shown to an account's servers at a login, with where, hashed.
pub(super) fn mark_of(account: &ReadyAccount, secret: &SecretString) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let at = |server: &Server| format!("{}:{}", server.host, server.port);
    let servers =
        [Some(&account.imap), account.smtp.as_ref()].map(|server| server.map(at).unwrap_or_default());
    let [imap, smtp] = &servers;
    for part in [&account.login_name, imap, smtp, secret.expose_secret()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize()
}
