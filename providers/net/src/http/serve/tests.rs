//! Time passes by itself here: whatever waits for it has it at once.

use http::StatusCode;
use tokio::io::duplex;

use super::*;

/// What comes back for these octets, from a server that takes bodies of ten octets within a minute.
async fn said(octets: &[u8]) -> (io::Result<()>, String) {
    let (mut peer, io) = duplex(1 << 16);
    let respond = async |request: Request<RequestBody>| {
        let read = request.into_body().read(10, Duration::from_secs(60)).await;
        let mut response = Response::new(format!("{read:?}").into_bytes());
        if read.is_err() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    };
    let asked = async {
        peer.write_all(octets).await.unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::join!(serve_one(io, ServeLimits::default(), respond), asked)
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_ends_the_connection() {
    let (served, answer) = said(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(served.is_err());
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_beyond_its_limit_is_refused() {
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(20_000));
    let (served, answer) = said(head.as_bytes()).await;
    assert!(served.is_err());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_to_its_limit_and_in_its_time() {
    let table = [
        ("Content-Length: 10\r\n\r\n0123456789", "Ok("),
        ("\r\n", "Ok([])"),
        ("Content-Length: 11\r\n\r\n0123456789x", "TooLarge"),
        ("Content-Length: 1073741824\r\n\r\n", "TooLarge"),
        ("Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n", "TooLarge"),
        ("Content-Length: 5\r\n\r\n0123", "TooSlow"),
    ];
    for (rest, expected) in table {
        let (served, answer) = said(format!("POST / HTTP/1.1\r\nHost: x\r\n{rest}").as_bytes()).await;
        assert!(served.is_ok(), "{rest}: {served:?}");
        assert!(answer.contains(expected) && answer.contains("connection: close"), "{rest}: {answer}");
    }
}
