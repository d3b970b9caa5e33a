//! The one request that a browser makes to this machine after a consent (RFC 8252, section 7.3).
//!
//! Everything on this machine can reach the port, so only a GET with our Host, our path and our state ends the wait. Whatever else comes,
//! browsers' own extra connections and requests among it, is answered shortly or cut off, and never keeps the right one out. Nothing of a
//! request is repeated in a page.

use std::{fmt, sync::Mutex, sync::PoisonError, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use postrider_model::{ErrorClass, Fault};
use postrider_net::{
    Io, Listener,
    http::{AnswerLimits, answer_one},
};
use secrecy::SecretString;
use tokio::time::{sleep, timeout};

use crate::{Consent, Result, redirect::Redirected};

/// The host in a redirect that every provider takes. `localhost` may be someone else's (RFC 8252, section 8.3); Microsoft wants it.
pub const PUBLIC_HOST: &str = "127.0.0.1";

/// So many connections are looked after at a time; more wait in the kernel's queue.
const AT_A_TIME: usize = 32;
/// After so many failures in a row to take a connection there is no hope.
const HOPELESS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Waits for the redirect of a consent.
pub struct LoopbackRedirect {
    listener: Box<dyn Listener>,
    /// Host and port, as the browser is to say them.
    authority: String,
}

impl fmt::Debug for LoopbackRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopbackRedirect").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl LoopbackRedirect {
    /// Over that listener; `host` is [`PUBLIC_HOST`] or `localhost`, as the client was registered.
    pub fn new(listener: Box<dyn Listener>, host: &str) -> Self {
        let authority = format!("{host}:{}", listener.port());
        Self { listener, authority }
    }

    /// The redirect with which a consent has to begin.
    pub fn url(&self) -> String {
        format!("http://{}/", self.authority)
    }

    /// Waits until the browser brings the answer to that consent, and gives it to be
    /// [finished](crate::Client::finish). Refusals are answers too.
    ///
    /// # Errors
    /// Of class `Login` where nobody consented in time; `Transient` where no connection can be taken.
    pub async fn answer(&self, consent: &Consent, limit: Duration) -> Result<SecretString> {
        match timeout(limit, self.wait(consent)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let cause = format!("nobody consented within {} s", limit.as_secs());
                Err(Fault::new(ErrorClass::Login, "wait for the consent", cause).hint(
                    "ask again by `postrider account login`; where the browser is on another machine, paste the address that it shows",
                ))
            }
        }
    }

    async fn wait(&self, consent: &Consent) -> Result<SecretString> {
        let mut failures = 0;
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(outcome) = open.next() => if let Some(answer) = outcome {
                    return Ok(answer);
                },
                taken = self.listener.accept(), if open.len() < AT_A_TIME => match taken {
                    Ok(io) => {
                        failures = 0;
                        open.push(self.serve(io, consent));
                    }
                    Err(why) if failures == HOPELESS => {
                        return Err(Fault::new(ErrorClass::Transient, "wait for the consent", why.to_string()));
                    }
                    Err(_) => {
                        failures += 1;
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    /// Answers one connection; gives the query where it was the right one, and only once the page is sent.
    async fn serve(&self, io: Box<dyn Io>, consent: &Consent) -> Option<SecretString> {
        let found = Mutex::new(None);
        let respond = |request: Request<Vec<u8>>| match self.judge(&request, consent) {
            Ok((query, is_refusal)) => {
                *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(query);
                page(StatusCode::OK, if is_refusal { REFUSED } else { DONE })
            }
            Err(status) => page(status, ELSEWHERE),
        };
        if let Err(why) = answer_one(io, AnswerLimits::default(), respond).await {
            tracing::debug!(%why, "a connection to the loopback redirect ended early");
        }
        found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(
        &self,
        request: &Request<Vec<u8>>,
        consent: &Consent,
    ) -> std::result::Result<(SecretString, bool), StatusCode> {
        // A name that somebody made point here must not be taken for ours.
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let is_ours = hosts.next().is_some_and(|host| host.as_bytes() == self.authority.as_bytes());
        if !is_ours || hosts.next().is_some() {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        if request.uri().path() != "/" {
            return Err(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let query = request.uri().query().unwrap_or_default();
        match Redirected::read(query) {
            Ok(read) if read.is_of(&consent.state) => Ok((query.into(), read.is_refusal())),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }
}

const DONE: &str = "Postrider has the consent. You can close this page.";
const REFUSED: &str = "Postrider did not get the consent. You can close this page; what went wrong stands where you asked for it.";
const ELSEWHERE: &str = "There is nothing here.";

fn page(status: StatusCode, words: &str) -> Response<Vec<u8>> {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Postrider</title>\n<p>{words}</p></html>\n"
    );
    let mut response = Response::new(body.into_bytes());
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // The page's address carries the code: it is told to nobody.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
