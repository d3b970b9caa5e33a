//! Whole conversations with a scripted server: what goes over the wire, word for word.

use std::{
    io,
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use postrider_model::{Clock, ErrorClass, Timestamp};
use postrider_net::{Endpoint, Io, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::{AccessTokens, Credential};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::*;

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Hands out ends of wires in memory, the last one first.
#[derive(Debug)]
struct Wires(Mutex<Vec<DuplexStream>>);

#[async_trait::async_trait]
impl Dialer for Wires {
    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(self.0.lock().unwrap().pop().unwrap()))
    }
}

fn settings(security: Security) -> SmtpSettings {
    SmtpSettings {
        endpoint: Endpoint::new("smtp.test", 587),
        security,
        allow_plaintext: true,
        login_name: "me".to_owned(),
        credential: Credential::Password("s3cret".into()),
        tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
        timeouts: Timeouts::default(),
        patience: Patience::default(),
        limits: Limits::default(),
        hello: "client.test".to_owned(),
        failure_notices: false,
    }
}

/// Plays `S:` lines, expects `C:` lines, and then closes or hangs.
async fn serve(mut wire: DuplexStream, script: &str) -> DuplexStream {
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (side, text) = line.split_at(2);
        let text = text.trim_start();
        if side == "S:" {
            wire.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
            continue;
        }
        let mut heard = vec![0; text.len() + 2];
        wire.read_exact(&mut heard).await.unwrap();
        assert_eq!(String::from_utf8(heard).unwrap(), format!("{text}\r\n"));
    }
    wire
}

/// A trial with a server that plays this script.
async fn play(security: Security, script: &str) -> Result<Trial, Fault> {
    let (ours, theirs) = tokio::io::duplex(4_096);
    let settings = settings(security);
    let dialer = Arc::new(Wires(Mutex::new(vec![ours])));
    let (_theirs, outcome) = tokio::join!(serve(theirs, script), trial(&settings, dialer));
    outcome
}

#[tokio::test]
async fn a_trial_logs_in_and_sends_nothing() {
    let found = play(
        Security::None,
        "S: 220-smtp.test
         S: 220 ready
         C: EHLO client.test
         S: 250-smtp.test
         S: 250-Size 1000
         S: 250 AUTH LOGIN PLAIN
         C: AUTH PLAIN AG1lAHMzY3JldA==
         S: 235 fine
         C: NOOP
         S: 250 fine
         C: QUIT
         S: 221 bye",
    );
    assert_eq!(found.await.unwrap().extensions, ["SIZE 1000", "AUTH LOGIN PLAIN"]);
}

#[tokio::test]
async fn auth_login_is_the_other_way() {
    let found = play(
        Security::None,
        "S: 220 ready
         C: EHLO client.test
         S: 250-smtp.test
         S: 250 AUTH=LOGIN
         C: AUTH LOGIN
         S: 334 VXNlcm5hbWU6
         C: bWU=
         S: 334 UGFzc3dvcmQ6
         C: czNjcmV0
         S: 235 fine
         C: NOOP
         S: 250 fine
         C: QUIT
         S: 221 bye",
    );
    assert!(found.await.is_ok());
}

#[tokio::test]
async fn a_refused_password_is_told_without_it() {
    let script = "S: 220 ready
         C: EHLO client.test
         S: 250-smtp.test
         S: 250 AUTH PLAIN
         C: AUTH PLAIN AG1lAHMzY3JldA==
         S: 535 5.7.8 s3cret is wrong, AG1lAHMzY3JldA== too";
    let fault = play(Security::None, script).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert_eq!(
        fault.to_string(),
        "cannot log in to smtp.test:587: the server answered 535: 5.7.8 <hidden> is wrong, <hidden> too"
    );
}

#[tokio::test(start_paused = true)]
async fn every_other_end_is_classed() {
    let offers = "S: 220 ready\nC: EHLO client.test\nS: 250-smtp.test\n";
    let table = [
        (Security::None, "S: 421 too busy".to_owned(), ErrorClass::Throttled, "421: too busy"),
        (Security::None, "S: * OK IMAP".to_owned(), ErrorClass::Transient, "it is no SMTP"),
        (Security::None, String::new(), ErrorClass::Transient, "within 30 s"),
        (Security::None, format!("{offers}S: 250 SIZE"), ErrorClass::Config, "takes no password"),
        (
            Security::StartTls,
            format!("{offers}S: 250 AUTH PLAIN"),
            ErrorClass::Permanent,
            "does not offer STARTTLS",
        ),
        (
            Security::StartTls,
            format!("{offers}S: 250 STARTTLS\nC: STARTTLS\nS: 454 no"),
            ErrorClass::Transient,
            "454: no",
        ),
    ];
    for (security, script, class, cause) in table {
        let fault = play(security, &script).await.unwrap_err();
        assert_eq!(fault.class, class, "{fault}");
        assert!(fault.cause.contains(cause), "{fault}");
    }
}

#[tokio::test]
async fn octets_before_tls_are_refused() {
    let (ours, mut theirs) = tokio::io::duplex(4_096);
    let settings = settings(Security::StartTls);
    let serve = async {
        theirs.write_all(b"220 ready\r\n").await.unwrap();
        theirs.read_exact(&mut [0; 18]).await.unwrap();
        theirs.write_all(b"250-smtp.test\r\n250 STARTTLS\r\n").await.unwrap();
        theirs.read_exact(&mut [0; 10]).await.unwrap();
        theirs.write_all(b"220 go on\r\n250 injected\r\n").await.unwrap();
    };
    let dialer = Arc::new(Wires(Mutex::new(vec![ours])));
    let ((), outcome) = tokio::join!(serve, trial(&settings, dialer));
    assert!(outcome.unwrap_err().cause.starts_with("octets came behind the answer to STARTTLS"));
}

#[tokio::test]
async fn a_server_that_knows_helo_alone_takes_no_login() {
    let script = "S: 220 ready
         C: EHLO client.test
         S: 502 what
         C: HELO client.test
         S: 250 smtp.test";
    let fault = play(Security::None, script).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Config);
    assert!(fault.cause.contains("takes no password"), "{fault}");
}

#[tokio::test]
async fn a_login_that_is_only_half_accepted_is_none() {
    let script = "S: 220 ready
         C: EHLO client.test
         S: 250-smtp.test
         S: 250 AUTH PLAIN
         C: AUTH PLAIN AG1lAHMzY3JldA==
         S: 334 more";
    let fault = play(Security::None, script).await.unwrap_err();
    assert!(fault.cause.contains("wants more"), "{fault}");
}

const ONE: &[u8] = b"Subject: x\r\n\r\n.dot\r\n";

fn envelope(to: &[&str]) -> Envelope {
    Envelope { from: "me@a.test".to_owned(), to: to.iter().map(|one| (*one).to_owned()).collect() }
}

const IN: &str = "C: AUTH PLAIN AG1lAHMzY3JldA==\nS: 235 fine\n";

#[tokio::test]
async fn a_message_goes_out_word_for_word() {
    let scripts = [
        // Nothing offered: one command after the other, without parameters.
        (
            "S: 250-smtp.test\nS: 250 AUTH PLAIN\n",
            "C: MAIL FROM:<me@a.test>
             S: 250 fine
             C: RCPT TO:<b@c.test>
             S: 250 fine
             C: RCPT TO:<d@e.test>
             S: 250 fine
             C: DATA",
        ),
        // All of it offered: in one go, with what the message needs.
        (
            "S: 250-smtp.test\nS: 250-PIPELINING\nS: 250-SIZE 100\nS: 250-DSN\nS: 250-8BITMIME\nS: 250 AUTH PLAIN\n",
            "C: MAIL FROM:<me@a.test> SIZE=20 RET=HDRS
             C: RCPT TO:<b@c.test> NOTIFY=FAILURE
             C: RCPT TO:<d@e.test> NOTIFY=FAILURE
             S: 250 fine
             S: 250 fine
             S: 250 fine
             C: DATA",
        ),
    ];
    for (offers, transaction) in scripts {
        let script = format!(
            "S: 220 ready\nC: EHLO client.test\n{offers}{IN}{transaction}
             S: 354 go on
             C: Subject: x
             C:
             C: ..dot
             C: .
             S: 250 2.0.0 queued\u{7} as 7
             C: QUIT
             S: 221 bye"
        );
        let (ours, theirs) = tokio::io::duplex(4_096);
        let settings = SmtpSettings { failure_notices: true, ..settings(Security::None) };
        let dialer = Arc::new(Wires(Mutex::new(vec![ours])));
        let to = envelope(&["b@c.test", "d@e.test", "b@c.test"]);
        let (_theirs, outcome) = tokio::join!(serve(theirs, &script), send(&settings, dialer, &to, ONE));
        let sent = outcome.unwrap();
        assert_eq!(sent.accepted, ["b@c.test", "d@e.test"]);
        assert_eq!((sent.refused, sent.reply.as_str()), (Vec::new(), "250 2.0.0 queued\\u{7} as 7"));
    }
}

/// Gives `first`, and `second` once that was refused.
struct Renewing(AtomicUsize);

#[async_trait::async_trait]
impl AccessTokens for Renewing {
    async fn token(&self) -> postrider_remote::Result<SecretString> {
        Ok("first".into())
    }

    async fn after_refusal(&self, refused: &SecretString) -> postrider_remote::Result<SecretString> {
        assert_eq!(refused.expose_secret(), "first");
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok("second".into())
    }
}

/// A token is refused, renewed, and tried once more, in the words of that mechanism.
async fn renews(
    offers: &str,
    first: &str,
    dummy: &str,
    second: &str,
    second_answer: &str,
) -> Result<Trial, Fault> {
    let opening = format!("S: 220 ready\nC: EHLO client.test\nS: 250-smtp.test\nS: 250 AUTH {offers}\n");
    let refusal = format!(
        "{opening}C: AUTH {first}\nS: 334 eyJzdGF0dXMiOiI0MDAifQ==\nC: {dummy}\nS: 535 5.7.8 first is over"
    );
    let again = format!("{opening}C: AUTH {second}\n{second_answer}");
    let (one, one_server) = tokio::io::duplex(4_096);
    let (two, two_server) = tokio::io::duplex(4_096);
    let tokens = Arc::new(Renewing(AtomicUsize::new(0)));
    let mut settings = settings(Security::None);
    settings.credential = Credential::Tokens(tokens.clone());
    settings.login_name = "me=1@a.test".to_owned();
    let dialer = Arc::new(Wires(Mutex::new(vec![two, one])));
    let (_one, _two, outcome) =
        tokio::join!(serve(one_server, &refusal), serve(two_server, &again), trial(&settings, dialer));
    assert_eq!(tokens.0.load(Ordering::Relaxed), 1);
    outcome
}

fn encoded(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let xoauth2 = |token: &str| {
        format!("XOAUTH2 {}", encoded(&format!("user=me=1@a.test\x01auth=Bearer {token}\x01\x01")))
    };
    let bearer = |token: &str| {
        let host = "host=smtp.test\x01port=587";
        let text = format!("n,a=me=3D1@a.test,\x01{host}\x01auth=Bearer {token}\x01\x01");
        format!("OAUTHBEARER {}", encoded(&text))
    };
    let fine = "S: 235 fine\nC: NOOP\nS: 250 fine\nC: QUIT\nS: 221 bye";
    renews("XOAUTH2 PLAIN", &xoauth2("first"), "", &xoauth2("second"), fine).await.unwrap();
    renews("XOAUTH2 OAUTHBEARER", &bearer("first"), "AQ==", &bearer("second"), fine).await.unwrap();
    let no = "S: 535 5.7.8 second is over too";
    let fault = renews("XOAUTH2", &xoauth2("first"), "", &xoauth2("second"), no).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.cause.as_str()),
        (ErrorClass::Login, "the server answered 535: 5.7.8 <hidden> is over too")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_more_of_the_message_has_not_got_it() {
    let script = format!(
        "S: 220 ready\nC: EHLO client.test\nS: 250-smtp.test\nS: 250 AUTH PLAIN\n{IN}C: MAIL FROM:<me@a.test>
         S: 250 fine
         C: RCPT TO:<b@c.test>
         S: 250 fine
         C: DATA
         S: 354 go on"
    );
    let (ours, theirs) = tokio::io::duplex(4_096);
    let settings = settings(Security::None);
    let dialer = Arc::new(Wires(Mutex::new(vec![ours])));
    let message = [b"A: 1\r\n\r\n".to_vec(), b"text\r\n".repeat(10_000)].concat();
    let to = envelope(&["b@c.test"]);
    let started = tokio::time::Instant::now();
    let (_theirs, outcome) = tokio::join!(serve(theirs, &script), send(&settings, dialer, &to, &message));
    let failed = outcome.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient));
    assert_eq!(failed.fault.cause, "the server did not take what was sent within 180 s");
    assert!(started.elapsed() < Duration::from_secs(190));
}

/// A wire that breaks when the final dot is handed over.
struct Snapping(DuplexStream);

impl AsyncRead for Snapping {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Snapping {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match from {
            b".\r\n" => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            _ => Pin::new(&mut self.0).poll_write(cx, from),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[derive(Debug)]
struct SnappingWire(Mutex<Option<DuplexStream>>);

#[async_trait::async_trait]
impl Dialer for SnappingWire {
    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(Snapping(self.0.lock().unwrap().take().unwrap())))
    }
}

#[tokio::test]
async fn a_dot_that_perhaps_was_not_sent_leaves_it_unknown() {
    let script = format!(
        "S: 220 ready\nC: EHLO client.test\nS: 250-smtp.test\nS: 250 AUTH PLAIN\n{IN}C: MAIL FROM:<me@a.test>
         S: 250 fine
         C: RCPT TO:<b@c.test>
         S: 250 fine
         C: DATA
         S: 354 go on
         C: Subject: x
         C:
         C: ..dot"
    );
    let (ours, theirs) = tokio::io::duplex(4_096);
    let settings = settings(Security::None);
    let dialer = Arc::new(SnappingWire(Mutex::new(Some(ours))));
    let to = envelope(&["b@c.test"]);
    let (_theirs, outcome) = tokio::join!(serve(theirs, &script), send(&settings, dialer, &to, ONE));
    let failed = outcome.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::Unknown, ErrorClass::Transient));
    assert!(failed.fault.cause.starts_with("the connection was lost"), "{}", failed.fault);
}
