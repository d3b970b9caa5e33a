//! Logging in, and what is turned on for the whole session: LOGIN, AUTHENTICATE PLAIN, ENABLE, NAMESPACE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::imap::capability::Capability;
use crate::imap::session::{Session, Tagged};

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

    /// The response to AUTHENTICATE PLAIN (RFC 4616): authorization identity, user, password, NUL between them.
    pub(in crate::imap) fn authenticate(&mut self, response: &str) -> Tagged {
        let Ok(plain) = STANDARD.decode(response) else {
            self.violated("the response to AUTHENTICATE is not base64");
            return Tagged::bad("not base64");
        };
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
