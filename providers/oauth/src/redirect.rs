//! What a browser brings back after a consent (RFC 6749, sections 4.1.2 and 4.1.2.1), by itself or pasted by a person: pure.

use std::fmt;

use postrider_model::{ErrorClass, Fault};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use crate::{Result, fault::by_code, tokens::same};

/// The longest answer that is looked at, in octets.
const LONGEST: usize = 16 * 1_024;

/// The parameters of a redirect.
#[derive(Default)]
pub(crate) struct Redirected {
    state: Option<SecretString>,
    code: Option<SecretString>,
    error: Option<String>,
    description: Option<String>,
}

impl fmt::Debug for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirected").field("error", &self.error).finish_non_exhaustive()
    }
}

impl Redirected {
    /// Reads a whole URL, or its query with or without the `?`.
    ///
    /// # Errors
    /// It is neither, or says something twice, which no server may (RFC 6749, section 3.1).
    pub(crate) fn read(answer: &str) -> Result<Self> {
        let answer = answer.trim();
        if answer.len() > LONGEST {
            return Err(not_ours("it is too long"));
        }
        let url = Url::parse(answer).ok();
        let query = match &url {
            Some(url) => url.query().unwrap_or_default(),
            None => answer.trim_start_matches('?'),
        };
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let before = match &*name {
                "state" => read.state.replace(value.into()).is_some(),
                "code" => read.code.replace(value.into()).is_some(),
                "error" => read.error.replace(value).is_some(),
                "error_description" => read.description.replace(value).is_some(),
                _ => false,
            };
            if before {
                return Err(not_ours(&format!("it says `{name}` twice")));
            }
        }
        Ok(read)
    }

    /// Whether it belongs to the consent with that state (RFC 6749, section 10.12).
    pub(crate) fn is_of(&self, state: &SecretString) -> bool {
        self.state.as_ref().is_some_and(|theirs| same(theirs, state))
    }

    /// Whether the consent was refused.
    pub(crate) fn is_refusal(&self) -> bool {
        self.error.is_some()
    }

    /// The code, once the state is ours.
    ///
    /// # Errors
    /// The state is another one; the server says why it gives no code; there is none.
    pub(crate) fn code(self, server: &str, state: &SecretString) -> Result<SecretString> {
        if self.state.is_none() {
            return Err(not_ours("there is no `state` in it")
                .hint("paste the whole address that the browser shows after the consent"));
        }
        if !self.is_of(state) {
            return Err(not_ours(
                "it answers another consent: its `state` is not the one that was given out",
            )
            .hint("open the link that was shown last, and paste the address that comes after it"));
        }
        if let Some(error) = &self.error {
            let action = format!("get the consent from {server}");
            let secrets: Vec<&str> =
                self.code.iter().chain([state]).map(ExposeSecret::expose_secret).collect();
            return Err(by_code(&action, error, self.description.as_deref(), &secrets).fault);
        }
        self.code
            .filter(|code| !code.expose_secret().is_empty())
            .ok_or_else(|| not_ours("there is no `code` in it"))
    }
}

fn not_ours(cause: &str) -> Fault {
    Fault::new(ErrorClass::Login, "read the answer to the consent", cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code_of(answer: &str) -> Result<String> {
        let code = Redirected::read(answer)?.code("login.test", &"st4te".into())?;
        Ok(code.expose_secret().to_owned())
    }

    #[test]
    fn a_code_comes_out_of_every_form_in_which_people_paste() {
        let table = [
            "http://127.0.0.1:4711/?code=c%2F1&state=st4te",
            "  http://127.0.0.1:4711/?state=st4te&code=c%2F1&iss=https%3A%2F%2Flogin.test\n",
            "http://localhost/?code=c%2F1&state=st4te#fragment",
            "?code=c%2F1&state=st4te",
            "code=c%2F1&state=st4te&scope=a+b",
        ];
        for answer in table {
            assert_eq!(code_of(answer).unwrap(), "c/1", "{answer}");
        }
    }

    #[test]
    fn whatever_is_not_ours_is_refused_without_its_values() {
        let table = [
            ("", "there is no `state` in it"),
            ("s3cret", "there is no `state` in it"),
            ("http://127.0.0.1/?code=s3cret", "there is no `state` in it"),
            (
                "?code=s3cret&state=st4teX",
                "it answers another consent: its `state` is not the one that was given out",
            ),
            (
                "?error=access_denied&state=s3cret",
                "it answers another consent: its `state` is not the one that was given out",
            ),
            ("?state=st4te", "there is no `code` in it"),
            ("?state=st4te&code=", "there is no `code` in it"),
            ("?state=st4te&code=s3cret&code=s3cret", "it says `code` twice"),
            ("?state=st4te&state=s3cret", "it says `state` twice"),
            ("?state=st4te&error=access_denied", "the server answered access_denied"),
            (
                "?state=st4te&error=access_denied&error_description=the+user%0Asaid+no",
                "the server answered access_denied: the user\\nsaid no",
            ),
            ("?state=st4te&error=x&code=s3cret", "the server answered x"),
            (
                "?state=st4te&error=x&code=s3cret&error_description=s3cret+st4te",
                "the server answered x: <hidden> <hidden>",
            ),
        ];
        for (answer, cause) in table {
            let fault = code_of(answer).unwrap_err();
            assert_eq!(fault.cause, cause, "{answer}");
            assert!(!format!("{fault:?}").contains("s3cret"));
        }
        assert_eq!(code_of(&"x".repeat(20_000)).unwrap_err().cause, "it is too long");
    }

    proptest! {
        #[test]
        fn no_answer_panics_or_passes_without_the_state(answer in ".{0,200}") {
            prop_assert!(code_of(&answer).is_err());
        }
    }
}
