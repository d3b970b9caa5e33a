//! What a consent or a renewal gives, and the form in which it is kept. Nothing here can be printed (I11).

use std::fmt;

use postrider_model::{ErrorClass, Fault, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::Result;

/// A token with less left is renewed, in milliseconds.
const MARGIN_MS: u64 = 60_000;
/// The version of the kept form.
const VERSION: u8 = 1;

/// What the token endpoint gave (RFC 6749, section 5.1).
#[derive(Clone)]
pub struct Tokens {
    /// A bearer token (RFC 6750).
    pub access: SecretString,
    /// By which the next access token comes. A renewal without one keeps the last.
    pub refresh: Option<SecretString>,
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// When the access token ends; `None` where the server does not say.
    pub expires_at: Option<Timestamp>,
    /// What was granted, which may be less than was asked for.
    pub scopes: Vec<String>,
    /// The addresses by which the server's ID token calls who consented; empty without one.
    pub addresses: Vec<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("access", &Tail(&self.access))
            .field("refresh", &self.refresh.as_ref().map(Tail))
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// An account's tokens as they are kept.
#[derive(Clone)]
pub struct StoredTokens {
    /// A bearer token.
    pub access: SecretString,
    /// By which the next access token comes.
    pub refresh: Option<SecretString>,
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// When the access token ends; `None` where the server does not say.
    pub expires_at: Option<Timestamp>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// The server declared the refresh token dead: nothing but a new consent helps, and nothing is asked before.
    pub dead: bool,
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTokens")
            .field("access", &Tail(&self.access))
            .field("refresh", &self.refresh.as_ref().map(Tail))
            .field("expires_at", &self.expires_at)
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}

impl From<Tokens> for StoredTokens {
    fn from(new: Tokens) -> Self {
        Self {
            access: new.access,
            refresh: new.refresh,
            obtained_at: new.obtained_at,
            expires_at: new.expires_at,
            scopes: new.scopes,
            dead: false,
        }
    }
}

/// The kept form.
#[derive(Serialize, Deserialize)]
struct Form<T> {
    version: u8,
    access: T,
    refresh: Option<T>,
    obtained_us: i64,
    expires_us: Option<i64>,
    scopes: Vec<String>,
    dead: bool,
}

impl StoredTokens {
    /// The same after a renewal: what the server did not give anew stays (RFC 6749, section 6).
    pub(crate) fn renewed(&self, new: Tokens) -> Self {
        let mut renewed = Self::from(new);
        renewed.refresh = renewed.refresh.or_else(|| self.refresh.clone());
        renewed
    }

    /// Whether the access token is good for a minute, or for half of its life where that is shorter.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let Some(expires_at) = self.expires_at else { return true };
        let life_ms = expires_at.millis_since(self.obtained_at);
        expires_at.millis_since(now) > MARGIN_MS.min(life_ms / 2)
    }

    /// All of it as one secret, to be sealed.
    ///
    /// # Errors
    /// None that can happen; the writer of JSON has the type for it.
    pub fn to_secret(&self) -> Result<SecretString> {
        let form = Form {
            version: VERSION,
            access: self.access.expose_secret(),
            refresh: self.refresh.as_ref().map(ExposeSecret::expose_secret),
            obtained_us: self.obtained_at.0,
            expires_us: self.expires_at.map(|at| at.0),
            scopes: self.scopes.clone(),
            dead: self.dead,
        };
        serde_json::to_string(&form)
            .map(SecretString::from)
            .map_err(|_| not_readable("they cannot be written"))
    }

    /// Reads what [`to_secret`](Self::to_secret) wrote.
    ///
    /// # Errors
    /// It is damaged, or of a later version. The message quotes nothing of it.
    pub fn from_secret(secret: &SecretString) -> Result<Self> {
        let form: Form<String> =
            serde_json::from_str(secret.expose_secret()).map_err(|_| not_readable("they are damaged"))?;
        if form.version != VERSION {
            return Err(not_readable("they were written by a later version of postrider"));
        }
        Ok(Self {
            access: form.access.into(),
            refresh: form.refresh.map(SecretString::from),
            obtained_at: Timestamp(form.obtained_us),
            expires_at: form.expires_us.map(Timestamp),
            scopes: form.scopes,
            dead: form.dead,
        })
    }
}

fn not_readable(cause: &str) -> Fault {
    Fault::new(ErrorClass::Permanent, "read the stored tokens", cause)
        .hint("log in anew by `postrider account login`")
}

/// Whether two secrets are one, in a time that does not hang on where they differ.
pub(crate) fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
}

/// A token as it may be shown: its last four characters, and none of a short one (F8.1).
pub(crate) struct Tail<'a>(pub(crate) &'a SecretString);

impl fmt::Debug for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.0.expose_secret();
        let shown = token.get(token.len().saturating_sub(4)..).filter(|_| token.len() >= 16);
        write!(f, "…{}", shown.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(life_ms: Option<i64>) -> StoredTokens {
        StoredTokens {
            access: "an-access-token-1234".into(),
            refresh: Some("a-refresh-token-5678".into()),
            obtained_at: Timestamp(0),
            expires_at: life_ms.map(|ms| Timestamp(ms * 1_000)),
            scopes: vec!["mail".to_owned()],
            dead: false,
        }
    }

    #[test]
    fn a_token_is_fresh_for_all_but_its_last_minute_or_half() {
        let table = [
            // life, age, fresh; all in ms
            (Some(3_600_000), 0, true),
            (Some(3_600_000), 3_539_999, true),
            (Some(3_600_000), 3_540_000, false),
            (Some(3_600_000), 9_999_999, false),
            (Some(10_000), 4_999, true),
            (Some(10_000), 5_000, false),
            (Some(0), 0, false),
            (None, i64::MAX / 1_000, true),
        ];
        for (life, age, fresh) in table {
            assert_eq!(tokens(life).is_fresh(Timestamp(age * 1_000)), fresh, "{life:?} {age}");
        }
    }

    #[test]
    fn nothing_of_a_token_is_shown_but_its_end() {
        let shown = format!("{:?}", tokens(Some(1)));
        assert!(shown.contains("…1234") && shown.contains("…5678"), "{shown}");
        assert!(!shown.contains("token-") && !shown.contains("-1234"), "{shown}");
        assert_eq!(format!("{:?}", Tail(&"short-token".into())), "…");
        assert_eq!(format!("{:?}", Tail(&"åååååååååååååååååå".into())), "…åå");
        assert_eq!(format!("{:?}", Tail(&"aaaaaaaaaaaaaaaaaaaa€".into())), "…a€");
    }

    #[test]
    fn what_is_damaged_is_not_quoted() {
        for kept in ["", "{}", "{\"access\":\"s3cret\"}", "\"s3cret\""] {
            let fault = StoredTokens::from_secret(&kept.into()).unwrap_err();
            assert_eq!(fault.message(), "cannot read the stored tokens: they are damaged");
        }
        let later =
            tokens(None).to_secret().unwrap().expose_secret().replace("\"version\":1", "\"version\":2");
        let fault = StoredTokens::from_secret(&later.into()).unwrap_err();
        assert_eq!(fault.cause, "they were written by a later version of postrider");
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(
            access in ".*", refresh in proptest::option::of(".*"), obtained in any::<i64>(),
            expires in proptest::option::of(any::<i64>()), scopes in proptest::collection::vec(".*", 0..3), dead in any::<bool>()
        ) {
            let tokens = StoredTokens {
                access: access.clone().into(),
                refresh: refresh.clone().map(SecretString::from),
                obtained_at: Timestamp(obtained),
                expires_at: expires.map(Timestamp),
                scopes: scopes.clone(),
                dead,
            };
            let back = StoredTokens::from_secret(&tokens.to_secret().unwrap()).unwrap();
            prop_assert_eq!(back.access.expose_secret(), access);
            prop_assert_eq!(back.refresh.map(|token| token.expose_secret().to_owned()), refresh);
            prop_assert_eq!((back.obtained_at.0, back.expires_at.map(|at| at.0)), (obtained, expires));
            prop_assert_eq!((back.scopes, back.dead), (scopes, dead));
        }
    }
}
