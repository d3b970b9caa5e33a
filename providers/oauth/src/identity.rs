//! Whose consent it was: a browser may be logged in as somebody else than the account's user.
//!
//! The server's word is taken from an ID token that came straight from its token endpoint, or from its UserInfo endpoint. Where it says
//! nothing, nothing is known, and the account's trial has to show it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, StatusCode, header};
use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::{Client, Result, Tokens};

/// What is known of who consented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// It was the one who was expected.
    Yes,
    /// The server does not say.
    Unknown,
}

/// The claims in which a server may name an address (OpenID Connect Core 1.0, section 5.1; `upn`: Microsoft).
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: Option<Audience>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    upn: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Claims {
    fn addresses(self) -> Vec<String> {
        let named = [self.email, self.preferred_username, self.upn].into_iter().flatten();
        let mut addresses: Vec<String> = named.filter(|name| name.contains('@')).collect();
        addresses.dedup();
        addresses
    }
}

/// The addresses in an ID token's payload.
///
/// Its signature is not checked: it came over TLS straight from the token endpoint, whose certificate was, and OpenID Connect Core 1.0,
/// section 3.1.3.7, item 6, allows to rely on that instead. Its audience is (item 3).
pub(crate) fn of_id_token(token: &str, client_id: &str) -> std::result::Result<Vec<String>, &'static str> {
    let payload = token.split('.').nth(1).ok_or("it has no payload")?;
    let octets = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| "it is not base64url")?;
    let claims: Claims =
        serde_json::from_slice(&octets).map_err(|_| "its payload is not JSON with claims")?;
    let is_ours = match &claims.aud {
        Some(Audience::One(aud)) => aud == client_id,
        Some(Audience::Several(several)) => several.iter().any(|aud| aud == client_id),
        None => false,
    };
    if !is_ours {
        return Err("it is for another client");
    }
    Ok(claims.addresses())
}

impl Client {
    /// Whether it was `address` who consented, regardless of case. To be asked before the tokens are kept.
    ///
    /// # Errors
    /// Of class `Login` where the server names somebody else; the message names both. Those of the network where the UserInfo endpoint
    /// has to be asked.
    pub async fn confirm(&self, tokens: &Tokens, address: &str) -> Result<Confirmed> {
        let mut named = tokens.addresses.clone();
        if named.is_empty() {
            named = self.ask_who(tokens).await?;
        }
        if named.is_empty() {
            return Ok(Confirmed::Unknown);
        }
        let wanted = address.to_lowercase();
        if named.iter().any(|name| name.to_lowercase() == wanted) {
            return Ok(Confirmed::Yes);
        }
        let somebody: Vec<String> = named.iter().map(|name| redact::printable(name.as_bytes())).collect();
        let cause = format!("the consent came from {}", somebody.join(", "));
        let action = format!("log in as {}", redact::printable(address.as_bytes()));
        Err(Fault::new(ErrorClass::Login, action, cause).hint(format!(
            "log out at the provider in the browser, or use a private window, and consent as {}",
            redact::printable(address.as_bytes())
        )))
    }

    /// The UserInfo endpoint's word (OpenID Connect Core 1.0, section 5.3). A token that was not made for it is no fault: mail scopes
    /// often open nothing else.
    async fn ask_who(&self, tokens: &Tokens) -> Result<Vec<String>> {
        let action = format!("ask {} who consented", self.server());
        let Some(url) = &self.0.userinfo_url else { return Ok(Vec::new()) };
        let wrong = |cause: &str| Fault::new(ErrorClass::Permanent, action.as_str(), cause);
        let mut bearer = http::HeaderValue::from_str(&format!("Bearer {}", tokens.access.expose_secret()))
            .map_err(|_| wrong("the access token does not fit into a header"))?;
        bearer.set_sensitive(true);
        let request = Request::get(url.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| wrong("its URL is not usable"))?;
        let response = self.0.http.0.ask(request).await?;
        match response.status() {
            StatusCode::OK => serde_json::from_slice::<Claims>(response.body())
                .map(Claims::addresses)
                .map_err(|_| wrong("the server's answer is not JSON with claims")),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Vec::new()),
            status => Err(wrong(&format!("the server answered with status {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id_token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn an_id_token_names_addresses_for_its_client_alone() {
        let both = ["a@test".to_owned(), "b@test".to_owned()];
        let table: [(&str, std::result::Result<&[String], &str>); 9] = [
            (r#"{"aud":"me","email":"a@test","preferred_username":"b@test"}"#, Ok(&both)),
            (r#"{"aud":["you","me"],"email":"a@test"}"#, Ok(&both[..1])),
            (r#"{"aud":"me","email":"a@test","upn":"a@test"}"#, Ok(&both[..1])),
            (r#"{"aud":"me","preferred_username":"no address","sub":"1"}"#, Ok(&[])),
            (r#"{"aud":"you","email":"a@test"}"#, Err("it is for another client")),
            (r#"{"aud":["you"],"email":"a@test"}"#, Err("it is for another client")),
            (r#"{"email":"a@test"}"#, Err("it is for another client")),
            (r#"{"aud":"me","email":7}"#, Err("its payload is not JSON with claims")),
            ("", Err("its payload is not JSON with claims")),
        ];
        for (payload, expected) in table {
            let found = of_id_token(&id_token(payload), "me");
            assert_eq!(found, expected.map(<[String]>::to_vec), "{payload}");
        }
        assert_eq!(of_id_token("a.b!.c", "me"), Err("it is not base64url"));
        assert_eq!(of_id_token("abc", "me"), Err("it has no payload"));
    }

    proptest! {
        #[test]
        fn no_id_token_panics(token in ".{0,80}", payload in ".{0,80}") {
            prop_assert!(of_id_token(&token, "me").is_err());
            prop_assert!(of_id_token(&id_token(&payload), "me").is_err());
        }
    }
}
