//! What OAuth 2.0 needs of a provider's file (F1.5). The built-in directory knows the addresses; the client id is the administrator's,
//! and without one nobody is sent to a consent.
//!
//! No secret is read here, only where the client's secret is. An endpoint is https, or http on this machine.

use std::path::PathBuf;

use super::{
    error::ConfigError,
    name::{ENDPOINT_FORM, HTTPS_FORM, Places, parse_endpoint, parse_https, parse_line},
    provider::Provider,
    reader::Section,
};

/// By which name the browser is sent back to this machine (RFC 8252, section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RedirectHost {
    /// `127.0.0.1`, which can be nobody else.
    #[default]
    Address,
    /// `localhost`, where the provider knows nothing else.
    Localhost,
}

impl RedirectHost {
    const ALL: [Self; 2] = [Self::Address, Self::Localhost];

    /// The host, as it stands in a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Localhost => "localhost",
        }
    }
}

/// What a provider's file says of OAuth 2.0. All of it is optional until an account wants it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OAuthSettings {
    /// The client id.
    pub client_id: Option<String>,
    /// The file that holds the client secret.
    pub client_secret_file: Option<PathBuf>,
    /// Where a person consents (RFC 6749, section 3.1).
    pub auth_url: Option<String>,
    /// Where tokens are given out (RFC 6749, section 3.2).
    pub token_url: Option<String>,
    /// Where device codes are given out (RFC 8628, section 3.1).
    pub device_url: Option<String>,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_url: Option<String>,
    /// Where the server says who consented (OpenID Connect Core 1.0, section 5.3).
    pub userinfo_url: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What the authorization endpoint is told besides, sorted by name.
    pub auth_parameters: Vec<(String, String)>,
    /// By which name the browser is sent back to this machine.
    pub redirect_host: RedirectHost,
    /// The key file of a Google service account with domain-wide delegation.
    pub service_account_file: Option<PathBuf>,
}

impl OAuthSettings {
    /// Reads the keys of a provider's file over those of the built-in provider of that name, where there is one.
    pub(super) fn read(root: &Section<'_, '_>, places: &Places, base: Option<&Self>) -> Self {
        let base = base.cloned().unwrap_or_default();
        let path = |name| root.parsed(name, "the path of a file", |text| places.path(text));
        let url = |name| root.parsed(name, ENDPOINT_FORM, parse_endpoint);
        let hosts = RedirectHost::ALL.map(|host| (host.name(), host));
        Self {
            client_id: root.parsed("client_id", "a client id", parse_line).or(base.client_id),
            client_secret_file: path("client_secret_file").or(base.client_secret_file),
            auth_url: url("auth_url").or(base.auth_url),
            token_url: url("token_url").or(base.token_url),
            device_url: url("device_url").or(base.device_url),
            // RFC 7009, section 2, wants https even on this machine.
            revocation_url: root.parsed("revocation_url", HTTPS_FORM, parse_https).or(base.revocation_url),
            userinfo_url: url("userinfo_url").or(base.userinfo_url),
            scopes: root.list("scopes", "a list of scopes", parse_line).unwrap_or(base.scopes),
            auth_parameters: root
                .texts("auth_parameters", "a text of one line", parse_line)
                .unwrap_or(base.auth_parameters),
            redirect_host: root.choice("redirect_host", &hosts).unwrap_or(base.redirect_host),
            service_account_file: path("service_account_file").or(base.service_account_file),
        }
    }
}

/// All that a consent needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentSettings {
    /// The client id.
    pub client_id: String,
    /// Where a person consents.
    pub auth_url: String,
    /// Where tokens are given out.
    pub token_url: String,
    /// The rest, as the provider's file has it.
    pub settings: OAuthSettings,
}

impl Provider {
    /// What a consent at this provider needs.
    ///
    /// # Errors
    /// What its file does not say.
    pub(super) fn consent(&self) -> Result<ConsentSettings, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let oauth = &self.oauth;
        let mut needed = |key: &str, value: &Option<String>, expected: &str, hint: String| {
            if value.is_none() {
                errors.push(self.origin.error(key, "nothing", expected).hint(hint));
            }
            value.clone().unwrap_or_default()
        };
        let file = format!("providers.d/{}.toml", self.name);
        let client_id = needed(
            "client_id",
            &oauth.client_id,
            "the id of a client that is registered with the provider, since it logs in by OAuth 2.0 and none is shipped",
            format!(
                "register a client with the provider (docs/configuration.md, \"OAuth 2.0\", says how), and write `client_id` \
                 into {file}"
            ),
        );
        let asks = |what: &str| format!("write {what} into {file}, as the provider's pages tell it");
        let auth_url = needed("auth_url", &oauth.auth_url, ENDPOINT_FORM, asks("`auth_url`"));
        let token_url = needed("token_url", &oauth.token_url, ENDPOINT_FORM, asks("`token_url`"));
        match errors.is_empty() {
            true => Ok(ConsentSettings { client_id, auth_url, token_url, settings: oauth.clone() }),
            false => Err(errors),
        }
    }
}
