//! Requests and answers at the token and revocation endpoints, by the library `oauth2` over our own HTTP client.

use std::{fmt, pin::Pin};

use oauth2::{
    AsyncHttpClient, AuthorizationCode, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, RevocationUrl, StandardRevocableToken,
    StandardTokenResponse, TokenResponse,
    basic::{BasicRevocationErrorResponse, BasicTokenType},
};
use postrider_model::{ErrorClass, Fault, Timestamp};
use postrider_net::http::HttpClient;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    Client, Result, StoredTokens, Tokens,
    consent::Consent,
    fault::{Refusal, refused},
    identity,
};

/// The token endpoint's answer.
pub(crate) type TokenAnswer = StandardTokenResponse<Extra, BasicTokenType>;

/// What OpenID Connect adds to it (Core 1.0, section 3.1.3.3).
#[derive(Serialize, Deserialize)]
pub(crate) struct Extra {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl ExtraTokenFields for Extra {}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extra")
    }
}

/// Our client, as the library wants one: whatever may pass is a fault, everything else is for the library to read.
#[derive(Debug)]
pub(crate) struct Http(pub(crate) HttpClient);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.0.ask(request))
    }
}

impl Client {
    /// Exchanges a code for tokens (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
    pub(crate) async fn exchange(&self, consent: &Consent, code: SecretString) -> Result<Tokens> {
        let action = format!("exchange the code at {}", self.server());
        let asked_at = self.0.clock.now();
        let answer = self
            .raw()
            .set_redirect_uri(RedirectUrl::from_url(consent.redirect.clone()))
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(consent.verifier.expose_secret().to_owned()))
            .request_async(&self.0.http)
            .await
            .map_err(|why| refused(&action, why, &self.secrets(&[&code, &consent.verifier])))?;
        self.first_tokens(&action, &answer, asked_at)
    }

    /// Gets the next access token (RFC 6749, section 6).
    pub(crate) async fn renew(&self, refresh: &SecretString) -> std::result::Result<Tokens, Refusal> {
        let action = format!("renew the access token at {}", self.server());
        let asked_at = self.0.clock.now();
        let answer = self
            .raw()
            .exchange_refresh_token(&RefreshToken::new(refresh.expose_secret().to_owned()))
            .request_async(&self.0.http)
            .await
            .map_err(|why| refused(&action, why, &self.secrets(&[refresh])))?;
        self.tokens_of(&action, &answer, asked_at).map_err(|fault| Refusal { needs_consent: false, fault })
    }

    /// Asks the server to forget the tokens: the refresh token, with which the access tokens go (RFC 7009, section 2.1), or where
    /// there is none the access token. What the server does not know any more is revoked already.
    ///
    /// # Errors
    /// The provider has no revocation endpoint (`Permanent`); the server refuses, or is not reached.
    pub async fn revoke(&self, tokens: &StoredTokens) -> Result<()> {
        let action = format!("revoke the tokens at {}", self.server());
        let Some(url) = self.0.revocation_url.clone() else {
            return Err(Fault::new(ErrorClass::Permanent, action, "the provider has no revocation endpoint")
                .hint("remove Postrider from the applications in the account's settings at the provider"));
        };
        let token: StandardRevocableToken = match &tokens.refresh {
            Some(refresh) => RefreshToken::new(refresh.expose_secret().to_owned()).into(),
            None => oauth2::AccessToken::new(tokens.access.expose_secret().to_owned()).into(),
        };
        let secrets = self.secrets(&[tokens.refresh.as_ref().unwrap_or(&tokens.access)]);
        let raw = self.raw().set_revocation_url(RevocationUrl::from_url(url));
        let request = raw
            .revoke_token(token)
            .map_err(|why| Fault::new(ErrorClass::Config, action.as_str(), why.to_string()))?;
        revoked(&action, request.request_async(&self.0.http).await, &secrets)
    }

    /// Tokens out of the answer to a consent, with whose they are.
    pub(crate) fn first_tokens(
        &self,
        action: &str,
        answer: &TokenAnswer,
        asked_at: Timestamp,
    ) -> Result<Tokens> {
        let mut tokens = self.tokens_of(action, answer, asked_at)?;
        if let Some(token) = &answer.extra_fields().id_token {
            tokens.addresses = identity::of_id_token(token, &self.0.settings.client_id).map_err(|cause| {
                let cause = format!("the server's ID token is not usable: {cause}");
                Fault::new(ErrorClass::Permanent, action, cause)
            })?;
        }
        Ok(tokens)
    }

    /// Tokens out of an answer. An ID token is not looked at: on a renewal nothing in it may cost the new refresh token.
    fn tokens_of(&self, action: &str, answer: &TokenAnswer, asked_at: Timestamp) -> Result<Tokens> {
        let wrong = |cause: &str| Fault::new(ErrorClass::Permanent, action, cause);
        if *answer.token_type() != BasicTokenType::Bearer {
            // A client must not use a token of a type that it does not know (RFC 6749, section 7.1).
            return Err(wrong("the server gave a token that is no bearer token"));
        }
        let access = answer.access_token().secret();
        if access.is_empty() || !access.bytes().all(|octet| octet.is_ascii_graphic()) {
            // Line ends in it would reach the commands by which an account logs in.
            return Err(wrong(
                "the server gave a token with characters that no token has (RFC 6750, section 2.1)",
            ));
        }
        let refresh = answer.refresh_token().map(|token| token.secret().as_str());
        Ok(Tokens {
            access: access.as_str().into(),
            refresh: refresh.filter(|token| !token.is_empty()).map(SecretString::from),
            obtained_at: asked_at,
            expires_at: answer.expires_in().map(|life| {
                let life_us = i64::try_from(life.as_micros()).unwrap_or(i64::MAX);
                Timestamp(asked_at.0.saturating_add(life_us))
            }),
            scopes: match answer.scopes() {
                Some(granted) => granted.iter().map(|scope| scope.to_string()).collect(),
                // Absent: as asked for (RFC 6749, section 5.1).
                None => self.0.settings.scopes.clone(),
            },
            addresses: Vec::new(),
        })
    }
}

/// What the end of a revocation means. A token that the server does not know is revoked: it has to answer 200 to that (RFC 7009,
/// section 2.2), and some, Google among them, answer an error.
fn revoked(
    action: &str,
    outcome: std::result::Result<(), RequestTokenError<Fault, BasicRevocationErrorResponse>>,
    secrets: &[&str],
) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(RequestTokenError::ServerResponse(said)) if said.error().as_ref() == "invalid_token" => Ok(()),
        Err(why) => Err(refused(action, why, secrets).fault),
    }
}

#[cfg(test)]
mod tests {
    use oauth2::{RevocationErrorResponseType, basic::BasicErrorResponseType};

    use super::*;

    #[test]
    fn a_token_that_is_gone_is_revoked() {
        let said = |code: &str| {
            let error = BasicErrorResponseType::Extension(code.to_owned());
            let error = RevocationErrorResponseType::Basic(error);
            Err(RequestTokenError::ServerResponse(BasicRevocationErrorResponse::new(error, None, None)))
        };
        assert!(revoked("revoke", Ok(()), &[]).is_ok());
        assert!(revoked("revoke", said("invalid_token"), &[]).is_ok());
        let fault = revoked("revoke", said("unsupported_token_type"), &[]).unwrap_err();
        assert_eq!(fault.message(), "cannot revoke: the server answered unsupported_token_type");
        let busy = Fault::new(ErrorClass::Throttled, "ask login.test", "the server answered with status 503");
        assert_eq!(revoked("revoke", Err(RequestTokenError::Request(busy.clone())), &[]), Err(busy));
    }
}
