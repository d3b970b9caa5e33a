//! Logging in, and what is turned on for the whole session: LOGIN, AUTHENTICATE, ENABLE, NAMESPACE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::imap::capability::Capability;
use crate::imap::session::{Next, Session, Tagged};

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Plain,
    OauthBearer,
    Xoauth2,
}

impl Mechanism {
    pub(in crate::imap) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "PLAIN" => Self::Plain,
            "OAUTHBEARER" => Self::OauthBearer,
            "XOAUTH2" => Self::Xoauth2,
            _ => return None,
        })
    }

    /// The base64 of a challenge that says why a token is refused.
    pub(in crate::imap) fn challenge(self) -> String {
        let status = if self == Self::Xoauth2 { "401" } else { "invalid_token" };
        STANDARD.encode(format!("{{\"status\":\"{status}\",\"schemes\":\"bearer\",\"scope\":\"mail\"}}"))
    }

    fn last_word(self) -> &'static [u8] {
        if self == Self::OauthBearer { b"AQ==" } else { b"" }
    }

    /// RFC 7628 section 3.1, and Google's page for XOAUTH2; exactly as they say.
    fn user_and_token(self, response: &str) -> Option<(String, String)> {
        let mut parts = response.strip_suffix("\u{1}\u{1}")?.split('\u{1}');
        let first = parts.next()?;
        let user = match self {
            Self::Plain => return None,
            Self::Xoauth2 => first.strip_prefix("user=")?.to_owned(),
            Self::OauthBearer => {
                let name = first.strip_prefix("n,a=")?.strip_suffix(',')?;
                if name.contains(',') {
                    return None;
                }
                name.replace("=2C", ",").replace("=3D", "=")
            }
        };
        let mut token = None;
        for part in parts {
            match part.split_once('=')? {
                ("auth", bearer) if token.is_none() => token = bearer.strip_prefix("Bearer "),
                ("host" | "port", _) if self == Self::OauthBearer => {}
                _ => return None,
            }
        }
        Some((user, token?.to_owned()))
    }
}

impl Session {
    /// LOGIN (RFC 3501 section 6.2.3).
    pub(in crate::imap) fn login(&mut self, user: &[u8], password: &[u8]) -> Tagged {
        let known = {
            let state = self.server.lock();
            let found = std::str::from_utf8(user).ok().and_then(|user| state.users.get_key_value(user));
            found.filter(|(_, user)| user.password.as_bytes() == password).map(|(name, _)| name.clone())
        };
        match known {
            Some(user) => {
                self.user = Some(user);
                Tagged::ok(format!("{}welcome", self.capability_code()))
            }
            None => Tagged::no("[AUTHENTICATIONFAILED] invalid credentials"),
        }
    }

    /// The response to AUTHENTICATE.
    pub(in crate::imap) fn authenticate(&mut self, mechanism: Mechanism, response: &str) -> Next {
        let Ok(plain) = STANDARD.decode(response) else {
            self.violated("the response to AUTHENTICATE is not base64");
            return Tagged::bad("not base64").into();
        };
        if mechanism == Mechanism::Plain {
            return self.by_password(&plain).into();
        }
        let parts = std::str::from_utf8(&plain).ok().and_then(|text| mechanism.user_and_token(text));
        let Some((user, token)) = parts else {
            self.violated(&format!("the response to AUTHENTICATE {mechanism:?} is not one"));
            return Tagged::bad("not a response of this mechanism").into();
        };
        if !self.server.lock().users.get(&user).is_some_and(|known| known.tokens.contains(&token)) {
            return Next::RefuseToken(mechanism);
        }
        self.user = Some(user);
        Tagged::ok(format!("{}welcome", self.capability_code())).into()
    }

    /// The answer to the error challenge: a lone control-A (RFC 7628 section 3.2.3), or nothing for XOAUTH2.
    pub(in crate::imap) fn refuse_token(&mut self, mechanism: Mechanism, answer: &[u8]) -> Tagged {
        if answer != mechanism.last_word() {
            self.violated("the error challenge was not answered as it should be");
        }
        Tagged::no("[AUTHENTICATIONFAILED] the token is not valid")
    }

    /// The response to AUTHENTICATE PLAIN (RFC 4616): authorization identity, user, password, NUL between them.
    fn by_password(&mut self, plain: &[u8]) -> Tagged {
        let parts: Vec<&[u8]> = plain.split(|byte| *byte == 0).collect();
        match parts.as_slice() {
            [as_user, user, password] if as_user.is_empty() || as_user == user => self.login(user, password),
            [_, _, _] => Tagged::no("[AUTHORIZATIONFAILED] no access to another user's mail"),
            _ => {
                self.violated("the response to AUTHENTICATE PLAIN has not three parts");
                Tagged::bad("not a PLAIN response")
            }
        }
    }

    /// ENABLE (RFC 5161): what is not known or not offered is passed over.
    pub(in crate::imap) fn enable(&mut self, words: &[String]) -> Tagged {
        let mut enabled = String::new();
        for word in words {
            let on = match word.as_str() {
                "CONDSTORE" if self.offers(Capability::CondStore) => &mut self.enabled.condstore,
                "QRESYNC" if self.offers(Capability::QResync) => {
                    // RFC 7162 section 3.2.3
                    self.enabled.condstore = true;
                    &mut self.enabled.qresync
                }
                "UTF8=ACCEPT" if self.offers(Capability::Utf8Accept) => &mut self.enabled.utf8,
                _ => continue,
            };
            *on = true;
            enabled.push(' ');
            enabled.push_str(word);
        }
        self.untagged(&format!("ENABLED{enabled}"));
        Tagged::ok("done")
    }

    /// NAMESPACE (RFC 2342): one personal namespace.
    pub(in crate::imap) fn namespace(&mut self) -> Tagged {
        let config = self.server.config();
        let delimiter = config.delimiter;
        let prefix = config.namespace_prefix.clone();
        self.untagged(&format!("NAMESPACE ((\"{prefix}\" \"{delimiter}\")) NIL NIL"));
        Tagged::ok("done")
    }
}
