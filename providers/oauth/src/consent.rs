//! The consent by redirect (RFC 6749, section 4.1): a link for a person's browser, and tokens for what it brings back.
//!
//! Every consent has a state of its own, by which a redirect that somebody else began is told apart, and a verifier of its own, without
//! which a code that was stolen on the way is worth nothing (RFC 7636, method S256).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use postrider_model::{Entropy, ErrorClass, Fault};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Client, Result, Tokens, redirect::Redirected};

/// The octets of chance in state and verifier each (RFC 7636, section 7.1, wants 32).
const CHANCE: usize = 32;

/// A consent that was asked for and not answered yet.
pub struct Consent {
    /// What the person's browser is to open. It carries the state: for the person, not for a log.
    pub url: Url,
    pub(crate) redirect: Url,
    pub(crate) state: SecretString,
    pub(crate) verifier: SecretString,
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").field("redirect", &self.redirect.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Begins a consent whose answer goes to `redirect`; `address` is whom the server should ask (`login_hint`).
    ///
    /// # Errors
    /// Of class `Config`: `redirect` is not a URL.
    pub fn begin(&self, redirect: &str, address: Option<&str>, entropy: &dyn Entropy) -> Result<Consent> {
        let redirect = Url::parse(redirect).map_err(|why| {
            Fault::new(ErrorClass::Config, "ask for a consent", format!("the redirect is no URL: {why}"))
        })?;
        let (state, verifier) = (chance(entropy), chance(entropy));
        let url = self.authorization_url(&redirect, &state, &verifier, address);
        Ok(Consent { url, redirect, state, verifier })
    }

    fn authorization_url(
        &self,
        redirect: &Url,
        state: &SecretString,
        verifier: &SecretString,
        address: Option<&str>,
    ) -> Url {
        let settings = &self.0.settings;
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let raw = self
            .raw()
            .set_auth_uri(AuthUrl::from_url(self.0.auth_url.clone()))
            .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
        let mut request = raw
            .authorize_url(|| CsrfToken::new(state.expose_secret().to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_scopes(settings.scopes.iter().cloned().map(Scope::new));
        for (name, value) in &settings.auth_parameters {
            request = request.add_extra_param(name, value);
        }
        if let Some(address) = address {
            // OpenID Connect Core 1.0, section 3.1.2.1; servers without it have to ignore it.
            request = request.add_extra_param("login_hint", address);
        }
        request.url().0
    }

    /// Takes the answer to a consent, the URL to which the browser was sent or its query, and gets the tokens for it. Where the
    /// answer is the wrong one the consent stays open, and the right one may follow.
    ///
    /// # Errors
    /// Of class `Login`: the state is another one, the person said no, the code is over. Else those of the network.
    pub async fn finish(&self, consent: &Consent, answer: &str) -> Result<Tokens> {
        let code = Redirected::read(answer)?.code(self.server(), &consent.state)?;
        self.exchange(consent, code).await
    }
}

/// 43 characters that nobody guesses.
fn chance(entropy: &dyn Entropy) -> SecretString {
    let mut octets = [0; CHANCE];
    entropy.fill(&mut octets);
    URL_SAFE_NO_PAD.encode(octets).into()
}
