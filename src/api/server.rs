//! Requests answered, on a thread of their own: a search that takes long keeps no account waiting.
//!
//! - One request a connection, so many connections in all and from one peer; what is beyond is told so by 503 at once, unread.
//! - What no request may have is refused first, who asks is known second, and only then is the path looked at and the body read.
//! - When the daemon stops, nobody new is let in, and whoever waits is told.
//!
//! It logs no query and no body: they hold names and subjects.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS},
};
use postrider_model::{ErrorClass, Fault};
use postrider_net::http::{BodyRefusal, RequestBody, ServeLimits, serve_one};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    doors::{Door, Doors, SocketFile},
    gate, metrics,
    openapi::describe,
    operation::{Media, Method},
    refusal::Refusal,
    route::{Route, routes_of},
    who::{self, Peer},
};
use crate::service::{Caller, Service, Shared};

/// The largest body, in octets.
const BODY: usize = 1 << 20;
/// The largest body of a message, which is in base64.
const LARGE_BODY: usize = 64 << 20;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(120);
/// Connections of one peer at a time.
const SEATS: usize = 64;
/// Connections in all at a time.
const ALL_SEATS: usize = 512;
/// How long whoever finds no seat may take to be told; it fits into what the system keeps of a new connection.
const TURNING_AWAY: Duration = Duration::from_millis(100);
/// How long those that are being answered are waited for when the daemon stops.
const PARTING: Duration = Duration::from_secs(3);

/// Answers at these doors until `stop` says so. The thread ends then by itself.
///
/// # Errors
/// Where the operating system gives no thread.
pub fn serve(
    shared: Arc<Shared>,
    doors: Doors,
    stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, Fault> {
    let failed = |error: std::io::Error| {
        Fault::new(ErrorClass::Transient, "start answering the API", error.to_string())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let work = move || {
        match runtime.block_on(Server::new(shared.clone(), stop).run(doors)) {
            Ok(()) => tracing::debug!("the API is closed"),
            Err(error) => tracing::error!(%error, "the API cannot be answered"),
        }
        // Renewals of tokens that a call began end with this runtime.
        if let Ok(service) = shared.service() {
            let _ = runtime.block_on(async { timeout(PARTING, service.settle()).await });
        }
        // A name that is being looked up is not waited for.
        runtime.shutdown_background();
    };
    thread::Builder::new().name("api".to_owned()).spawn(work).map_err(failed)
}

/// The API while it is being answered. Dropping it stops it, and waits for nobody.
#[derive(Debug)]
pub struct Answering {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Answering {
    /// Begins to answer at these doors.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn begin(shared: Arc<Shared>, doors: Doors) -> Result<Self, Fault> {
        let (stop, stopped) = watch::channel(false);
        Ok(Self { stop, thread: serve(shared, doors, stopped)? })
    }

    /// Lets nobody in any more, and tells whoever waits.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until everybody was told.
    pub fn join(self) {
        self.stop();
        if self.thread.join().is_err() {
            tracing::error!("the thread that answers the API ended by a defect");
        }
    }
}

struct Server {
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    /// Connections by peer.
    seats: RefCell<BTreeMap<Peer, usize>>,
}

/// A door with its listener in the runtime.
enum Listening {
    Socket(UnixListener, #[expect(dead_code, reason = "goes with the door")] Option<SocketFile>),
    Port(TcpListener, u16),
}

impl Listening {
    fn new(door: Door) -> std::io::Result<Self> {
        Ok(match door {
            Door::Socket(listener, file) => {
                listener.set_nonblocking(true)?;
                Self::Socket(UnixListener::from_std(listener)?, file)
            }
            Door::Port(listener) => {
                listener.set_nonblocking(true)?;
                let port = listener.local_addr()?.port();
                Self::Port(TcpListener::from_std(listener)?, port)
            }
        })
    }
}

impl Server {
    fn new(shared: Arc<Shared>, stop: watch::Receiver<bool>) -> Self {
        Self { shared, stop, seats: RefCell::default() }
    }

    async fn run(self, doors: Doors) -> std::io::Result<()> {
        let doors = doors.0.into_iter().map(Listening::new).collect::<std::io::Result<Vec<_>>>()?;
        let mut calls: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut accepting: FuturesUnordered<_> = doors.iter().map(|door| self.accept(door)).collect();
        loop {
            tokio::select! {
                biased;
                () = self.stopped() => break,
                Some(()) = calls.next(), if !calls.is_empty() => {}
                Some((door, call)) = accepting.next() => {
                    calls.extend(call);
                    accepting.push(self.accept(door));
                }
            }
        }
        drop(accepting);
        drop(doors);
        let _ = timeout(PARTING, calls.collect::<()>()).await;
        Ok(())
    }

    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // Whoever would say so being gone is a stop too.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// The next connection at that door, on its way to an answer.
    async fn accept<'s, 'd>(
        &'s self,
        door: &'d Listening,
    ) -> (&'d Listening, Option<LocalBoxFuture<'s, ()>>) {
        let accepted = match door {
            Listening::Socket(listener, _) => listener.accept().await.and_then(|(stream, _)| {
                let uid = stream.peer_cred()?.uid();
                Ok(self.connection(Peer::Uid(uid), stream))
            }),
            Listening::Port(listener, port) => {
                listener.accept().await.map(|(stream, _)| self.connection(Peer::Port(*port), stream))
            }
        };
        match accepted {
            Ok(call) => (door, Some(call)),
            Err(error) => {
                tracing::warn!(%error, "a connection to the API was lost before it was open");
                // Where no file is left to be opened, the next try would fail as well at once.
                sleep(Duration::from_millis(100)).await;
                (door, None)
            }
        }
    }

    fn connection<'s>(
        &'s self,
        peer: Peer,
        stream: impl AsyncRead + AsyncWrite + Unpin + 's,
    ) -> LocalBoxFuture<'s, ()> {
        let Some(seat) = self.take_seat(peer) else { return Box::pin(turn_away(stream)) };
        Box::pin(async move {
            let respond = async |request| self.respond(peer, request).await;
            if let Err(error) = serve_one(stream, ServeLimits::default(), respond).await {
                tracing::debug!(?peer, %error, "a connection to the API ended early");
            }
            drop(seat);
        })
    }

    /// A seat for one more connection of that peer, where there is one.
    fn take_seat(&self, peer: Peer) -> Option<Seat<'_>> {
        let mut seats = self.seats.borrow_mut();
        let all: usize = seats.values().sum();
        let own = seats.entry(peer).or_default();
        (*own < SEATS && all < ALL_SEATS).then(|| {
            *own += 1;
            Seat { server: self, peer }
        })
    }

    async fn respond(&self, peer: Peer, request: Request<RequestBody>) -> Response<Vec<u8>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answered = tokio::select! {
            biased;
            () = self.stopped() => Err(stopping()),
            answered = self.answer(peer, request) => answered,
        };
        let response = match answered {
            Ok((media, body)) => answer(media, body),
            Err(refusal) => {
                tracing::debug!(cause = %refusal.fault, "a request is refused");
                refuse(&refusal)
            }
        };
        // What only looks is asked again and again.
        match method == http::Method::GET {
            true => tracing::debug!(?peer, path, status = response.status().as_u16(), "a request"),
            false => tracing::info!(?peer, %method, path, status = response.status().as_u16(), "a request"),
        }
        response
    }

    async fn answer(
        &self,
        peer: Peer,
        request: Request<RequestBody>,
    ) -> Result<(&'static str, Vec<u8>), Refusal> {
        let port = match peer {
            Peer::Uid(_) => None,
            Peer::Port(port) => Some(port),
        };
        if let Err(refusal) = gate::check(&request, port) {
            // What is only malformed is nobody's attempt at anything.
            if refusal.status == StatusCode::FORBIDDEN {
                self.shared.service()?.note_unknown(&peer.name(), &refusal.fault);
            }
            return Err(refusal);
        }
        let mut service = self.shared.service()?;
        let caller = who::caller(&service, peer, request.headers())?;
        let path = request.uri().path().to_owned();
        match (request.method().as_str(), path.as_str()) {
            ("GET", "/v1/openapi.json") => Ok((Media::Json.name(), described()?)),
            ("GET", metrics::PATH) => Ok((metrics::MEDIA, metrics::text(&service, &caller)?.into_bytes())),
            (_, "/v1/openapi.json" | metrics::PATH) => Err(wrong_method("GET")),
            (method, path) => {
                let route = route(method, path)?;
                self.perform(route, request, &mut service, &caller).await
            }
        }
    }

    async fn perform(
        &self,
        route: &Route,
        request: Request<RequestBody>,
        service: &mut Service,
        caller: &Caller,
    ) -> Result<(&'static str, Vec<u8>), Refusal> {
        let input = match route.method {
            Method::Get => request.uri().query().unwrap_or_default().as_bytes().to_vec(),
            Method::Post if !gate::is_json(request.headers()) => return Err(no_json()),
            Method::Post => {
                let limit = if route.is_large { LARGE_BODY } else { BODY };
                request.into_body().read(limit, BODY_TIME).await.map_err(no_body)?
            }
        };
        let performed = AssertUnwindSafe((route.perform)(&input, service, caller)).catch_unwind();
        let body = performed.await.map_err(|_| defect())??;
        Ok((route.media.name(), body))
    }
}

/// A connection's place, given back when it ends.
struct Seat<'s> {
    server: &'s Server,
    peer: Peer,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut seats = self.server.seats.borrow_mut();
        if let Some(taken) = seats.get_mut(&self.peer) {
            *taken = taken.saturating_sub(1);
        }
        seats.retain(|_, taken| *taken > 0);
    }
}

fn described() -> Result<Vec<u8>, Refusal> {
    let failed =
        |error: serde_json::Error| Fault::new(ErrorClass::Permanent, "describe the API", error.to_string());
    Ok(serde_json::to_vec(&describe()).map_err(failed)?)
}

fn route(method: &str, path: &str) -> Result<&'static Route, Refusal> {
    let Some(first) = routes_of(path).next() else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, ErrorClass::NotFound, "there is no such path")
            .hint("/v1/openapi.json names all there are"));
    };
    routes_of(path)
        .find(|route| route.method.name() == method)
        .ok_or_else(|| wrong_method(first.method.name()))
}

fn answer(media: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refuse(refusal: &Refusal) -> Response<Vec<u8>> {
    let mut response = answer(Media::Json.name(), refusal.body());
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    if refusal.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = refusal.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn wrong_method(allow: &'static str) -> Refusal {
    let cause = format!("the path takes {allow} alone");
    Refusal { allow: Some(allow), ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, ErrorClass::Config, &cause) }
}

fn no_json() -> Refusal {
    let cause = "expected Content-Type: application/json";
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorClass::Config, cause)
}

fn no_body(why: BodyRefusal) -> Refusal {
    let (status, cause) = match why {
        BodyRefusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "its body is larger than that path takes"),
        BodyRefusal::TooSlow => (StatusCode::REQUEST_TIMEOUT, "its body did not come in time"),
        BodyRefusal::Broken => (StatusCode::BAD_REQUEST, "its body ended too early"),
    };
    Refusal::new(status, ErrorClass::Config, cause)
}

/// One call's defect must not end the others'.
fn defect() -> Refusal {
    let cause = "this program has a defect; its log tells more";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorClass::Permanent, cause)
}

/// Tells whoever finds no seat, and waits for nothing: those who are silent would take up what the others need.
async fn turn_away(mut stream: impl AsyncWrite + Unpin) {
    let refusal = crowded();
    let body = refusal.body();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\nRetry-After: {}\r\n\
         Connection: close\r\n\r\n",
        body.len(),
        refusal.retry_after().unwrap_or(30)
    );
    let answer = [head.as_bytes(), &body].concat();
    if !matches!(timeout(TURNING_AWAY, stream.write_all(&answer)).await, Ok(Ok(()))) {
        tracing::debug!("a connection to the API for which there is no seat was not told so");
    }
}

fn crowded() -> Refusal {
    let cause = "too many connections are open";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorClass::Transient, cause)
}

fn stopping() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, ErrorClass::Transient, "the daemon is stopping")
        .hint("ask again when it runs")
}
