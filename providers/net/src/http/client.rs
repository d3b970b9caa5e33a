//! The client: one request, one answer, one connection, all under limits.
//!
//! The connection is driven inside the call: when the call ends, or is dropped, nothing of it goes on.

use std::{pin::pin, sync::Arc, time::Duration};

use http::{
    HeaderValue, Request, Response, Uri,
    header::{CONNECTION, HOST, USER_AGENT},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use postrider_model::{Clock, ErrorClass, Fault};
use tokio::time::timeout;

use super::{status::passing_fault, target::Target};
use crate::{Connector, Io};

/// The largest head of an answer, in octets.
const HEAD: usize = 64 * 1_024;

/// How much an answer may be and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// The largest body that is sent, in octets.
    pub request: usize,
    /// The largest body that is taken, in octets.
    pub answer: usize,
    /// From the open connection to the answer's head.
    pub head: Duration,
    /// Between two pieces of the answer's body.
    pub idle: Duration,
    /// For all of it, the connection included.
    pub whole: Duration,
}

impl Default for HttpLimits {
    /// 32 MiB of JSON (design, "Hostile input"), a minute for the head, ten for all.
    fn default() -> Self {
        Self {
            request: 32 << 20,
            answer: 32 << 20,
            head: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            whole: Duration::from_secs(600),
        }
    }
}

/// Asks HTTP servers.
#[derive(Debug, Clone)]
pub struct HttpClient {
    connector: Connector,
    clock: Arc<dyn Clock>,
    limits: HttpLimits,
    agent: HeaderValue,
}

impl HttpClient {
    /// One over that connector. `agent` is what it calls itself (`User-Agent`), `clock` reads dates in `Retry-After`.
    pub const fn new(
        connector: Connector,
        clock: Arc<dyn Clock>,
        limits: HttpLimits,
        agent: HeaderValue,
    ) -> Self {
        Self { connector, clock, limits, agent }
    }

    /// Asks, and answers whatever the server says: any status, redirects among them.
    ///
    /// # Errors
    /// `Config` for a URL that must not be asked ([`check_url`](super::check_url)); `Transient` where connection or time-out failed; `Permanent` where
    /// the answer is no HTTP or beyond the limits.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Fault> {
        let target = Target::of(request.uri())?;
        let action = format!("ask {}", target.endpoint);
        match timeout(self.limits.whole, self.exchange(&action, target, request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(too_slow(&action, "finish its answer", self.limits.whole)),
        }
    }

    /// As [`send`](Self::send), with every status that may pass as a fault ([`passing_fault`]).
    ///
    /// # Errors
    /// Those of [`send`](Self::send), `Throttled` and `Transient` by status.
    pub async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Fault> {
        let action = format!("ask {}", request.uri().host().unwrap_or_default());
        let response = self.send(request).await?;
        match passing_fault(&action, response.status(), response.headers(), self.clock.now()) {
            Some(fault) => Err(fault),
            None => Ok(response),
        }
    }

    async fn exchange(
        &self,
        action: &str,
        target: Target,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Fault> {
        if request.body().len() > self.limits.request {
            let cause = format!("the request is larger than {} octets", self.limits.request);
            return Err(Fault::new(ErrorClass::Permanent, action, cause));
        }
        let io = self.connector.open(&target.endpoint, target.security).await?;
        let request = self.dressed(target, request);
        converse(io, &self.limits, request).await.map_err(|failure| failure.told(action, &self.limits))
    }

    /// The request as it goes on the wire.
    fn dressed(&self, target: Target, request: Request<Vec<u8>>) -> Request<Full<Bytes>> {
        let (mut parts, body) = request.into_parts();
        parts.uri = Uri::from(target.path);
        parts.headers.insert(HOST, target.host);
        parts.headers.insert(USER_AGENT, self.agent.clone());
        parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        Request::from_parts(parts, Full::new(Bytes::from(body)))
    }
}

/// Asks over a connection that is open already, and closes it.
///
/// # Errors
/// `Transient` where the connection or a time-out failed, `Permanent` where the answer is no HTTP or beyond the limits. `action` says
/// what was being done.
pub async fn ask_over(
    io: impl Io + 'static,
    action: &str,
    limits: &HttpLimits,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Fault> {
    let request = request.map(|body| Full::new(Bytes::from(body)));
    converse(Box::new(io), limits, request).await.map_err(|failure| failure.told(action, limits))
}

async fn converse(
    io: Box<dyn Io>,
    limits: &HttpLimits,
    request: Request<Full<Bytes>>,
) -> Result<Response<Vec<u8>>, Failure> {
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(io)).await?;
    let asked = async {
        let response =
            timeout(limits.head, sender.send_request(request)).await.map_err(|_| Failure::SlowHead)??;
        let (parts, body) = response.into_parts();
        Ok(Response::from_parts(parts, read(body, limits).await?))
    };
    let (mut asked, mut connection) = (pin!(asked), pin!(connection));
    let mut broken = None;
    loop {
        tokio::select! {
            biased;
            outcome = &mut asked => {
                // What broke the connection says more than that the request was cancelled by it.
                return outcome.map_err(|failure: Failure| match (failure, broken) {
                    (Failure::Http(_), Some(cause)) => Failure::Http(cause),
                    (failure, _) => failure,
                });
            }
            ended = &mut connection, if broken.is_none() => match ended {
                Ok(()) => return asked.await,
                Err(why) => broken = Some(why),
            },
        }
    }
}

async fn read(mut body: Incoming, limits: &HttpLimits) -> Result<Vec<u8>, Failure> {
    let announced = body.size_hint().lower();
    if announced > limits.answer as u64 {
        return Err(Failure::TooLarge);
    }
    let mut octets = Vec::with_capacity(usize::try_from(announced).unwrap_or_default().min(1 << 20));
    loop {
        let frame = timeout(limits.idle, body.frame()).await.map_err(|_| Failure::SlowBody)?;
        let Some(frame) = frame.transpose()? else { return Ok(octets) };
        let Ok(data) = frame.into_data() else { continue };
        if octets.len() + data.len() > limits.answer {
            return Err(Failure::TooLarge);
        }
        octets.extend_from_slice(&data);
    }
}

/// Why there is no answer.
enum Failure {
    SlowHead,
    SlowBody,
    TooLarge,
    Http(hyper::Error),
}

impl From<hyper::Error> for Failure {
    fn from(why: hyper::Error) -> Self {
        Self::Http(why)
    }
}

impl Failure {
    fn told(self, action: &str, limits: &HttpLimits) -> Fault {
        match self {
            Self::SlowHead => too_slow(action, "answer", limits.head),
            Self::SlowBody => too_slow(action, "go on with its answer", limits.idle),
            Self::TooLarge => {
                let cause = format!("the answer is larger than {} octets", limits.answer);
                Fault::new(ErrorClass::Permanent, action, cause)
            }
            Self::Http(why) if why.is_parse() => {
                Fault::new(ErrorClass::Permanent, action, format!("the answer is not HTTP: {why}"))
                    .hint("check the URLs in the provider's file")
            }
            Self::Http(why) => {
                Fault::new(ErrorClass::Transient, action, format!("the connection was lost: {why}"))
            }
        }
    }
}

fn too_slow(action: &str, what: &str, limit: Duration) -> Fault {
    let cause = format!("the server did not {what} within {} s", limit.as_secs());
    Fault::new(ErrorClass::Transient, action, cause)
}
