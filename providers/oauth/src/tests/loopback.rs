//! The loopback redirect against browsers and others.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use postrider_model::ErrorClass;
use postrider_net::{Io, Listener};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Mutex, mpsc},
    time::Instant,
};

use crate::{
    Consent, LoopbackRedirect, PUBLIC_HOST,
    peer::{Counting, Peer},
};

/// Takes connections from a channel.
#[derive(Debug)]
struct Wires(Mutex<mpsc::Receiver<DuplexStream>>);

#[async_trait]
impl Listener for Wires {
    fn port(&self) -> u16 {
        4711
    }

    async fn accept(&self) -> io::Result<Box<dyn Io>> {
        match self.0.lock().await.recv().await {
            Some(wire) => Ok(Box::new(wire)),
            None => std::future::pending().await,
        }
    }
}

struct Setting {
    redirect: LoopbackRedirect,
    consent: Consent,
    knock: mpsc::Sender<DuplexStream>,
    /// The query that is awaited.
    query: String,
    peer: Arc<Peer>,
}

fn setting() -> Setting {
    let (knock, wires) = mpsc::channel(100);
    let redirect = LoopbackRedirect::new(Box::new(Wires(Mutex::new(wires))), PUBLIC_HOST);
    let peer = Peer::new();
    let consent = peer.client(Peer::settings()).begin(&redirect.url(), None, &Counting::default()).unwrap();
    let back = peer.consent(&consent.url);
    let query = back.strip_prefix("http://127.0.0.1:4711/?").unwrap().to_owned();
    Setting { redirect, consent, knock, query, peer }
}

/// What a browser gets for these octets.
async fn get(knock: &mpsc::Sender<DuplexStream>, octets: &str) -> String {
    let (mut ours, theirs) = duplex(65_536);
    knock.send(theirs).await.unwrap();
    ours.write_all(octets.as_bytes()).await.unwrap();
    let mut heard = String::new();
    ours.read_to_string(&mut heard).await.unwrap();
    heard
}

const LIMIT: Duration = Duration::from_secs(300);

#[tokio::test(start_paused = true)]
async fn the_browsers_answer_ends_the_wait() {
    let Setting { redirect, consent, knock, query, peer } = setting();
    let request = format!("GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1:4711\r\nUser-Agent: x\r\n\r\n");
    let (answer, page) = tokio::join!(redirect.answer(&consent, LIMIT), get(&knock, &request));
    let answer = answer.unwrap();
    assert_eq!(answer.expose_secret(), query);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("has the consent"), "{page}");
    assert!(page.contains("cache-control: no-store") && page.contains("connection: close"), "{page}");
    assert!(!page.contains("code%2F") && !page.contains("code/"), "nothing of the request is in the page");
    let client = peer.client(Peer::settings());
    client.finish(&consent, answer.expose_secret()).await.unwrap();
    assert_eq!(peer.book().violations, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn whatever_else_comes_is_answered_and_does_not_end_it() {
    let Setting { redirect, consent, knock, query, .. } = setting();
    let get_of = |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let (ours, right) = ("127.0.0.1:4711", format!("/?{query}"));
    let table = [
        (get_of("/favicon.ico", ours), "404"),
        (get_of("/", ours), "400"),
        (get_of("/?code=x&state=y", ours), "400"),
        (get_of("/?error=access_denied", ours), "400"),
        (get_of(&format!("{right}&state=x"), ours), "400"),
        (get_of(&right, "evil.test:4711"), "421"),
        (get_of(&right, "127.0.0.1"), "421"),
        (get_of(&right, "localhost:4711"), "421"),
        (format!("GET {right} HTTP/1.0\r\n\r\n"), "421"),
        (format!("GET {right} HTTP/1.1\r\nHost: {ours}\r\nHost: evil.test\r\n\r\n"), "421"),
        (get_of(&right, ours).replacen("GET", "POST", 1), "405"),
        (get_of(&right, ours).replacen("GET", "HEAD", 1), "405"),
        ("\u{16}\u{3}\u{1}nonsense\r\n\r\n".to_owned(), "400"),
    ];
    let browse = async {
        for (request, status) in &table {
            let page = get(&knock, request).await;
            assert!(
                page.starts_with(&format!("HTTP/1.1 {status} "))
                    || page.starts_with(&format!("HTTP/1.0 {status} ")),
                "{request}: {page}"
            );
        }
        get(&knock, &get_of(&right, ours)).await
    };
    let (answer, page) = tokio::join!(redirect.answer(&consent, LIMIT), browse);
    assert_eq!(answer.unwrap().expose_secret(), query);
    assert!(page.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn silent_connections_keep_nobody_out() {
    let Setting { redirect, consent, knock, query, .. } = setting();
    let started = Instant::now();
    let browse = async {
        // A browser's spare connections, and more of them than are looked after at a time.
        let mut spare = Vec::new();
        for _ in 0..40 {
            let (mut ours, theirs) = duplex(64);
            ours.write_all(b"GET /").await.unwrap();
            knock.send(theirs).await.unwrap();
            spare.push(ours);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(knock.max_capacity() - knock.capacity(), 8, "the others wait outside");
        get(&knock, &format!("GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1:4711\r\n\r\n")).await
    };
    let (answer, page) = tokio::join!(redirect.answer(&consent, LIMIT), browse);
    assert_eq!(answer.unwrap().expose_secret(), query);
    assert!(page.starts_with("HTTP/1.1 200 "));
    assert!(started.elapsed() <= Duration::from_secs(11), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_too() {
    let Setting { redirect, consent, knock, peer, .. } = setting();
    let state = consent.state.expose_secret().to_owned();
    let request = format!(
        "GET /?error=access_denied&error_description=no&state={state} HTTP/1.1\r\nHost: 127.0.0.1:4711\r\n\r\n"
    );
    let (answer, page) = tokio::join!(redirect.answer(&consent, LIMIT), get(&knock, &request));
    assert!(page.contains("did not get the consent"), "{page}");
    let client = peer.client(Peer::settings());
    let fault = client.finish(&consent, answer.unwrap().expose_secret()).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.message()),
        (
            ErrorClass::Login,
            "cannot get the consent from localhost: the server answered access_denied: no".to_owned()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_consent_that_nobody_gives_ends() {
    let Setting { redirect, consent, knock: _knock, .. } = setting();
    let fault = redirect.answer(&consent, LIMIT).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.message()),
        (ErrorClass::Login, "cannot wait for the consent: nobody consented within 300 s".to_owned())
    );
}
