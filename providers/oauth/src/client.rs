//! A client as it is registered with an authorization server. It keeps no token and remembers nothing of what it was asked.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderValue;
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use postrider_model::{Clock, ErrorClass, Fault};
use postrider_net::{
    Connector,
    http::{HttpClient, HttpLimits, check_url},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    Result,
    wire::{Http, TokenAnswer},
};

/// Answers here are short, and others wait for a renewal ([`crate::TokenStore::lock`]).
const LIMITS: HttpLimits = HttpLimits {
    request: 64 << 10,
    answer: 1 << 20,
    head: Duration::from_secs(30),
    idle: Duration::from_secs(30),
    whole: Duration::from_secs(60),
};

/// Where a client's secret goes (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretIn {
    /// HTTP Basic, which every server has to know.
    #[default]
    Header,
    /// The request's body, which some want.
    Body,
}

/// What a provider's file says of its authorization server.
#[derive(Clone)]
pub struct ClientSettings {
    /// As the server gave it when the client was registered.
    pub client_id: String,
    /// Absent for a public client (RFC 6749, section 2.1).
    pub client_secret: Option<SecretString>,
    /// Where the secret goes.
    pub secret_in: SecretIn,
    /// The authorization endpoint, which a person's browser opens.
    pub auth_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// The device authorization endpoint (RFC 8628, section 3.1).
    pub device_url: Option<String>,
    /// The revocation endpoint (RFC 7009), with https even on this machine, as section 2 of it wants.
    pub revocation_url: Option<String>,
    /// The UserInfo endpoint (OpenID Connect Core 1.0, section 5.3).
    pub userinfo_url: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What the authorization endpoint is told besides, such as Google's `access_type=offline`.
    pub auth_parameters: Vec<(String, String)>,
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("client_id", &self.client_id)
            .field("token_url", &self.token_url)
            .finish_non_exhaustive()
    }
}

/// Asks one authorization server in the name of one client. Clones are the same client.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) settings: ClientSettings,
    pub(crate) auth_url: Url,
    pub(crate) token_url: Url,
    pub(crate) device_url: Option<Url>,
    pub(crate) revocation_url: Option<Url>,
    pub(crate) userinfo_url: Option<Url>,
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.settings.fmt(f)
    }
}

/// The library's client, with the token endpoint set.
pub(crate) type Raw = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Client {
    /// One of these settings, over connections of that connector. `agent` is what it calls itself.
    ///
    /// # Errors
    /// Of class `Config`: there is no client id, or a URL is none that may be asked ([`check_url`]); the revocation endpoint's is no https.
    pub fn new(
        settings: ClientSettings,
        connector: Connector,
        agent: HeaderValue,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        if settings.client_id.is_empty() {
            let cause = "the provider has no `client_id`";
            return Err(Fault::new(ErrorClass::Config, "ask for a consent", cause)
                .hint("register a client with the provider, and set `client_id` in the provider's file"));
        }
        let optional = |url: &Option<String>| url.as_deref().map(checked).transpose();
        let revocation_url = optional(&settings.revocation_url)?;
        if revocation_url.as_ref().is_some_and(|url| url.scheme() != "https") {
            let cause = "tokens are revoked over https alone (RFC 7009, section 2)";
            return Err(Fault::new(ErrorClass::Config, "read a URL of the authorization server", cause)
                .hint("check the URLs in the provider's file"));
        }
        Ok(Self(Arc::new(Inner {
            auth_url: checked(&settings.auth_url)?,
            token_url: checked(&settings.token_url)?,
            device_url: optional(&settings.device_url)?,
            revocation_url,
            userinfo_url: optional(&settings.userinfo_url)?,
            settings,
            http: Http(HttpClient::new(connector, clock.clone(), LIMITS, agent)),
            clock,
        })))
    }

    /// Whether there is a consent on another device.
    pub fn has_device_consent(&self) -> bool {
        self.0.device_url.is_some()
    }

    /// Whether tokens can be revoked.
    pub fn can_revoke(&self) -> bool {
        self.0.revocation_url.is_some()
    }

    /// The token endpoint's host, by which messages name the server.
    pub(crate) fn server(&self) -> &str {
        self.0.token_url.host_str().unwrap_or_default()
    }

    /// What no message may repeat, whatever the server says: our secret and these.
    pub(crate) fn secrets<'a>(&'a self, more: &[&'a SecretString]) -> Vec<&'a str> {
        let own = self.0.settings.client_secret.iter();
        own.chain(more.iter().copied()).map(ExposeSecret::expose_secret).collect()
    }

    pub(crate) fn raw(&self) -> Raw {
        let settings = &self.0.settings;
        let auth_type = match settings.secret_in {
            SecretIn::Header => AuthType::BasicAuth,
            SecretIn::Body => AuthType::RequestBody,
        };
        let raw = oauth2::Client::new(ClientId::new(settings.client_id.clone()))
            .set_auth_type(auth_type)
            .set_token_uri(TokenUrl::from_url(self.0.token_url.clone()));
        match &settings.client_secret {
            Some(secret) => raw.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned())),
            None => raw,
        }
    }
}

fn checked(url: &str) -> Result<Url> {
    check_url(url)?;
    Url::parse(url).map_err(|why| {
        Fault::new(ErrorClass::Config, "read a URL of the authorization server", why.to_string())
            .hint("check the URLs in the provider's file")
    })
}
