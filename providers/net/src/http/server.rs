//! One request answered on one connection: what the redirect of a consent needs, and no more of a server than that.
//!
//! Reads nothing beyond its limits, keeps no connection, and sends no date, which would be the machine's and not the clock's.

use std::{convert::Infallible, io, time::Duration};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::Io;

/// How much a request may be and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimits {
    /// The largest head, in octets; at least 8,192.
    pub head: usize,
    /// The largest body, in octets.
    pub body: usize,
    /// From the open connection to the end of the answer.
    pub whole: Duration,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { head: 16 * 1_024, body: 64 * 1_024, whole: Duration::from_secs(10) }
    }
}

/// Answers one request and closes the connection. A body beyond the limit is answered with 413 and not shown to `respond`.
///
/// # Errors
/// Where no whole request came in time, it was no HTTP, or the peer left before the answer's end.
pub async fn answer_one<F>(io: Box<dyn Io>, limits: AnswerLimits, respond: F) -> io::Result<()>
where
    F: Fn(Request<Vec<u8>>) -> Response<Vec<u8>> + Sync,
{
    let respond = &respond;
    let service = service_fn(|request: Request<Incoming>| async move {
        let (parts, body) = request.into_parts();
        let response = match Limited::new(body, limits.body).collect().await {
            Ok(body) => respond(Request::from_parts(parts, body.to_bytes().to_vec())),
            Err(_) => too_large(),
        };
        Ok::<_, Infallible>(response.map(|body| Full::new(Bytes::from(body))))
    });
    let mut builder = http1::Builder::new();
    builder.keep_alive(false).max_buf_size(limits.head.max(8_192)).auto_date_header(false);
    match timeout(limits.whole, builder.serve_connection(TokioIo::new(io), service)).await {
        Ok(outcome) => outcome.map_err(io::Error::other),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn too_large() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}
