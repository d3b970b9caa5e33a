//! Whole conversations with a scripted server.

use std::{io, sync::Mutex};

use postrider_model::{Clock, Timestamp};
use postrider_net::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// Hands out one end of a wire in memory.
#[derive(Debug)]
struct OneWire(Mutex<Option<DuplexStream>>);

#[async_trait::async_trait]
impl Dialer for OneWire {
    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(self.0.lock().unwrap().take().unwrap()))
    }
}

fn settings(security: Security) -> SmtpSettings {
    SmtpSettings {
        endpoint: Endpoint::new("smtp.test", 587),
        security,
        allow_plaintext: true,
        login_name: "me".to_owned(),
        password: "s3cret".into(),
        tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
        timeouts: Timeouts::default(),
        hello: "client.test".to_owned(),
    }
}

/// Plays `S:` lines, expects `C:` lines, and tells the trial's outcome.
async fn play(security: Security, script: &str) -> Result<Trial, Fault> {
    let (ours, mut theirs) = tokio::io::duplex(4_096);
    let settings = settings(security);
    let serve = async {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (side, text) = line.split_at(3);
            if side == "S: " {
                theirs.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
                continue;
            }
            let mut heard = vec![0; text.len() + 2];
            theirs.read_exact(&mut heard).await.unwrap();
            assert_eq!(String::from_utf8(heard).unwrap(), format!("{text}\r\n"));
        }
        theirs
    };
    let (_theirs, outcome) = tokio::join!(serve, trial(&settings, Arc::new(OneWire(Mutex::new(Some(ours))))));
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
        (Security::None, "S: 421 too busy".to_owned(), ErrorClass::Transient, "421: too busy"),
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
    let dialer = Arc::new(OneWire(Mutex::new(Some(ours))));
    let ((), outcome) = tokio::join!(serve, trial(&settings, dialer));
    assert!(outcome.unwrap_err().cause.starts_with("octets came behind the answer to STARTTLS"));
}
