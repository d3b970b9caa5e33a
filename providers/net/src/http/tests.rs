//! The client against raw octets, and client and server against each other.

use std::{io, sync::Arc, sync::Mutex, time::Duration};

use async_trait::async_trait;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::LOCATION};
use postrider_model::{Clock, ErrorClass, Fault, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::{AnswerLimits, HttpClient, HttpLimits, answer_one};
use crate::{Connector, Dialer, Endpoint, Io, Timeouts, TlsConnector};

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Hands out one wire.
#[derive(Debug)]
struct Wire(Mutex<Option<DuplexStream>>);

#[async_trait]
impl Dialer for Wire {
    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
        let wire = self.0.lock().unwrap().take();
        wire.map(|wire| Box::new(wire) as Box<dyn Io>).ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }
}

const LIMITS: HttpLimits = HttpLimits {
    request: 1_000,
    answer: 1_000,
    head: Duration::from_secs(60),
    idle: Duration::from_secs(60),
    whole: Duration::from_secs(100),
};

fn client() -> (HttpClient, DuplexStream) {
    let (ours, theirs) = duplex(64);
    let tls = TlsConnector::new(Vec::new(), Arc::new(Epoch));
    let connector = Connector::new(Arc::new(Wire(Mutex::new(Some(ours)))), tls, Timeouts::default());
    let client = HttpClient::new(connector, Arc::new(Epoch), LIMITS, HeaderValue::from_static("postrider/1"));
    (client, theirs)
}

fn post(url: &str, body: &[u8]) -> Request<Vec<u8>> {
    Request::post(url).header("accept", "application/json").body(body.to_vec()).unwrap()
}

/// Reads until the peer's head and a body of that many octets are there.
async fn hear(wire: &mut DuplexStream, body: usize) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 64];
    loop {
        let read = wire.read(&mut piece).await.unwrap();
        heard.extend_from_slice(&piece[..read]);
        let head = heard.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        if read == 0 || head.is_some_and(|head| heard.len() >= head + body) {
            return String::from_utf8(heard).unwrap();
        }
    }
}

/// What becomes of an answer of these octets, after which the peer leaves.
async fn answered(octets: &[u8]) -> Result<Response<Vec<u8>>, Fault> {
    let (client, mut wire) = client();
    let serve = async move {
        hear(&mut wire, 5).await;
        // A client that has heard enough leaves.
        let _ = wire.write_all(octets).await;
    };
    tokio::join!(client.send(post("http://localhost/token", b"a=b&c")), serve).0
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_given() {
    let (client, mut wire) = client();
    let serve = async {
        let heard = hear(&mut wire, 5).await;
        wire.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        heard
    };
    let (answer, heard) =
        tokio::join!(client.send(post("http://localhost:8080/token?x=y%20z", b"a=b&c")), serve);
    assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines.remove(0), "POST /token?x=y%20z HTTP/1.1");
    lines.sort_unstable();
    let expected = [
        "accept: application/json",
        "connection: close",
        "content-length: 5",
        "host: localhost:8080",
        "user-agent: postrider/1",
    ];
    assert_eq!((lines.as_slice(), body), (expected.as_slice(), "a=b&c"));
}

#[tokio::test]
async fn a_body_ends_where_the_answer_says() {
    let table: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ];
    for octets in table {
        let answer = answered(octets).await.unwrap();
        assert_eq!((answer.status(), answer.body().as_slice()), (StatusCode::OK, b"hello".as_slice()));
    }
}

#[tokio::test]
async fn a_redirect_is_shown_and_not_followed() {
    let answer = answered(b"HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let location = answer.headers()[LOCATION].to_str().unwrap();
    assert_eq!((answer.status(), location), (StatusCode::FOUND, "https://evil.test/"));
}

#[tokio::test]
async fn what_is_no_whole_answer_is_a_fault() {
    let long = vec![b'x'; 1_001];
    let chunked =
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n".as_slice(), &long, b"\r\n0\r\n\r\n"]
            .concat();
    let open = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &long].concat();
    let head = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; 100_000], b"\r\n\r\n"].concat();
    let (permanent, transient) = (ErrorClass::Permanent, ErrorClass::Transient);
    let table: [(&[u8], ErrorClass, &str); 9] = [
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            permanent,
            "the answer is larger than 1000 octets",
        ),
        (&chunked, permanent, "the answer is larger than 1000 octets"),
        (&open, permanent, "the answer is larger than 1000 octets"),
        (&head, permanent, "the answer is not HTTP: "),
        (b"* OK IMAP4rev1 ready\r\n", permanent, "the answer is not HTTP: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            permanent,
            "the answer is not HTTP: ",
        ),
        (b"", transient, "the connection was lost: "),
        (b"HTTP/1.1 200 OK\r\nConte", transient, "the connection was lost: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", transient, "the connection was lost: "),
    ];
    for (octets, class, cause) in table {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(60)]).into_owned();
        let fault = answered(octets).await.unwrap_err();
        assert_eq!((fault.class, &*fault.action), (class, "ask localhost:80"), "{shown}: {fault}");
        assert!(fault.cause.starts_with(cause), "{shown}: {fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_or_drips_is_left() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    // What comes, how often, each after how many seconds.
    let table = [
        ("", 0, 1_000, "the server did not answer within 60 s"),
        (head, 1, 1_000, "the server did not go on with its answer within 60 s"),
        (head, 400, 30, "the server did not finish its answer within 100 s"),
    ];
    for (first, drips, pause_s, cause) in table {
        let (client, mut wire) = client();
        let serve = async {
            hear(&mut wire, 0).await;
            wire.write_all(first.as_bytes()).await.unwrap();
            for _ in 0..drips {
                if wire.write_all(b"x").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
            }
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
        };
        let (answer, ()) = tokio::join!(client.send(post("http://localhost/", b"")), serve);
        let fault = answer.unwrap_err();
        assert_eq!((fault.class, &*fault.cause), (ErrorClass::Transient, cause));
    }
}

#[tokio::test]
async fn what_must_not_go_out_does_not() {
    let (client, _wire) = client();
    let fault = client.send(post("http://login.test/", b"secret")).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Config);
    let fault = client.send(post("http://localhost/", &[0; 1_001])).await.unwrap_err();
    assert_eq!(fault.cause, "the request is larger than 1000 octets");
}

#[tokio::test]
async fn a_busy_server_is_a_fault_where_the_caller_wants_it_so() {
    let (client, mut wire) = client();
    let serve = async {
        hear(&mut wire, 0).await;
        wire.write_all(b"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    };
    let fault = tokio::join!(client.ask(post("http://localhost/", b"")), serve).0.unwrap_err();
    assert_eq!((fault.class, fault.retry_after_ms), (ErrorClass::Throttled, Some(3_000)));
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let (client, wire) = client();
    let respond = |request: Request<Vec<u8>>| {
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/here"));
        Response::new(request.into_body())
    };
    let (answer, served) = tokio::join!(
        client.send(post("http://localhost/here", b"hello")),
        answer_one(Box::new(wire), AnswerLimits::default(), respond)
    );
    served.unwrap();
    assert_eq!(answer.unwrap().body(), b"hello");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_slow_or_wrong_is_left() {
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let table = ["", "GET / HTTP/1.1\r\nHo", "\u{16}\u{3}\u{1}", long.as_str()];
    for octets in table {
        let (ours, mut theirs) = duplex(65_536);
        theirs.write_all(octets.as_bytes()).await.unwrap();
        let served = answer_one(Box::new(ours), AnswerLimits::default(), |_| panic!("shown: {octets}")).await;
        assert!(served.is_err(), "{octets}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_shown() {
    let (ours, mut theirs) = duplex(65_536);
    theirs.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789").await.unwrap();
    let limits = AnswerLimits { body: 8, ..AnswerLimits::default() };
    answer_one(Box::new(ours), limits, |_| panic!("shown")).await.unwrap();
    assert!(hear(&mut theirs, 0).await.starts_with("HTTP/1.1 413 "));
}
