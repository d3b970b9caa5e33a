//! One request answered on one connection by whoever knows what it means: what the local API stands on.
//!
//! The head is read under limits, the body only where it is asked for and never beyond the limit that is given then. A connection
//! serves one request, and what of a refused body is still on its way is let in for a moment, so that the refusal is read.

use std::{convert::Infallible, future::Future, io, pin::pin, time::Duration};

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Notify,
    time::{sleep, timeout},
};

/// How much of a refused body is let in and thrown away.
const LINGER_OCTETS: u64 = 1 << 20;
/// And for how long.
const LINGER: Duration = Duration::from_millis(500);

/// How large a head may be and how long its parts may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// The largest head, in octets; at least 8,192.
    pub head: usize,
    /// From the open connection to the end of the head.
    pub head_time: Duration,
    /// From the answer to the moment when the peer has taken it.
    pub answer_time: Duration,
}

impl Default for ServeLimits {
    /// 16 KiB of head within 10 s; ten minutes for a peer to take its answer.
    fn default() -> Self {
        Self { head: 16 * 1_024, head_time: Duration::from_secs(10), answer_time: Duration::from_secs(600) }
    }
}

/// A request's body, not read yet.
#[derive(Debug)]
pub struct RequestBody(Incoming);

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRefusal {
    /// It is larger than it may be.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// It ended before its announced end, or is no HTTP.
    Broken,
}

impl RequestBody {
    /// Reads it, at most `limit` octets within `time`. One that is announced as larger is not read at all.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn read(self, limit: usize, time: Duration) -> Result<Vec<u8>, BodyRefusal> {
        if self.0.size_hint().lower() > limit as u64 {
            return Err(BodyRefusal::TooLarge);
        }
        timeout(time, collect(self.0, limit)).await.unwrap_or(Err(BodyRefusal::TooSlow))
    }
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Vec<u8>, BodyRefusal> {
    let mut octets = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyRefusal::Broken)?.into_data() else { continue };
        if octets.len() + data.len() > limit {
            return Err(BodyRefusal::TooLarge);
        }
        octets.extend_from_slice(&data);
    }
    Ok(octets)
}

/// Answers one request and closes the connection. Nothing of it goes on where the call is dropped.
///
/// # Errors
/// Where no whole head came in time, it was no HTTP, or the peer left before the answer's end.
pub async fn serve_one<I, F, A>(io: I, limits: ServeLimits, respond: F) -> io::Result<()>
where
    I: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Request<RequestBody>) -> A,
    A: Future<Output = Response<Vec<u8>>>,
{
    let answered = Notify::new();
    let (respond, told) = (&respond, &answered);
    let service = service_fn(|request: Request<Incoming>| {
        Box::pin(async move {
            let response = respond(request.map(RequestBody)).await;
            told.notify_one();
            Ok::<_, Infallible>(response.map(|body| Full::new(Bytes::from(body))))
        })
    });
    let mut builder = http1::Builder::new();
    builder
        .keep_alive(false)
        .max_buf_size(limits.head.max(8_192))
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time);
    let mut connection = builder.serve_connection(TokioIo::new(io), service);
    {
        let mut served = pin!(std::future::poll_fn(|cx| connection.poll_without_shutdown(cx)));
        let too_slow = async {
            answered.notified().await;
            sleep(limits.answer_time).await;
        };
        tokio::select! {
            biased;
            outcome = &mut served => outcome.map_err(io::Error::other)?,
            () = too_slow => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    part(connection.into_parts().io.into_inner()).await
}

/// Ends the connection so that the peer reads the answer to its end even where it is still sending: closing a socket with octets
/// unread throws away what the peer has not read yet (RFC 9112, section 9.6).
async fn part(mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    io.shutdown().await?;
    let mut rest = io.take(LINGER_OCTETS);
    let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(())
}

#[cfg(test)]
mod tests;
