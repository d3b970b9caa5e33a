//! Against a real Postfix that asks a real Dovecot for logins: what is sent arrives octet for octet, over every kind of
//! connection; recipients, sizes and logins are refused in its own words.

#![allow(clippy::disallowed_methods, reason = "tests meet the real clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use postrider_model::{Clock, ErrorClass, Timestamp};
use postrider_net::{Endpoint, Limits, Security, TcpDialer, Timeouts, TlsConnector};
use postrider_remote::{Credential, Reach};
use postrider_smtp::{Envelope, Patience, SendFault, Sent, SmtpSettings, send, trial};
use postrider_test_support::{Certs, Dovecot, Postfix, Proxy, postfix, proxy::Fault as Cut};

const ME: &str = "me@example.com";
const PASSWORD: &str = "s3cret \\pass\"wörd";
const MESSAGE: &[u8] = b"From: me@example.com\r\nSubject: x\r\n\r\n.dots\r\n..\r\n.\r\nend\r\n";

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(elapsed.as_micros()).unwrap())
    }
}

/// A Postfix, the Dovecot that it asks, and an account on both.
struct Rig {
    postfix: Postfix,
    dovecot: Dovecot,
    certs: Certs,
}

fn rig(shape: impl FnOnce(postfix::Builder) -> postfix::Builder) -> Rig {
    let dovecot = Dovecot::builder().user(ME, PASSWORD).extra(postfix::AUTH_LISTENER).start().unwrap();
    let certs = Certs::new().unwrap();
    let postfix = shape(Postfix::builder(&dovecot).tls(&certs.good)).start().unwrap();
    Rig { postfix, dovecot, certs }
}

impl Rig {
    fn settings(&self, security: Security) -> SmtpSettings {
        let address = match security {
            Security::Tls => self.postfix.submissions_addr(),
            Security::StartTls | Security::None => self.postfix.submission_addr(),
        };
        SmtpSettings {
            endpoint: Endpoint::new(address.ip().to_string(), address.port()),
            security,
            allow_plaintext: false,
            login_name: ME.to_owned(),
            credential: Credential::Password(PASSWORD.into()),
            tls: TlsConnector::new(fs::read(self.certs.ca_file()).unwrap(), Arc::new(WallClock)),
            timeouts: Timeouts::default(),
            patience: Patience::default(),
            limits: Limits::default(),
            hello: "[127.0.0.1]".to_owned(),
            failure_notices: true,
        }
    }

    async fn send(&self, security: Security, to: &[&str], message: &[u8]) -> Result<Sent, SendFault> {
        let envelope = Envelope { from: ME.to_owned(), to: to.iter().map(|one| (*one).to_owned()).collect() };
        send(&self.settings(security), Arc::new(TcpDialer), &envelope, message).await
    }

    /// Waits for so many deliveries, to see their recipients and that each is that message.
    fn assert_delivered(&self, to: &[&str], message: &[u8]) {
        let delivered = self.postfix.wait_for(to.len()).unwrap();
        assert_eq!(delivered.iter().map(|one| one.to.as_str()).collect::<Vec<_>>(), to);
        for one in delivered {
            assert_eq!(one.from, ME);
            assert!(one.message == message, "{}: {} octets of {}", one.to, one.message.len(), message.len());
        }
    }
}

#[tokio::test]
async fn a_message_arrives_octet_for_octet_over_starttls_and_tls() {
    for security in [Security::StartTls, Security::Tls] {
        let rig = rig(|builder| builder);
        let sent = rig.send(security, &["b@c.test", "a@bücher.test"], MESSAGE).await.unwrap();
        assert_eq!((sent.accepted.len(), sent.refused), (2, Vec::new()));
        assert!(sent.reply.starts_with("250 2.0.0 Ok: queued as "), "{}", sent.reply);
        rig.assert_delivered(&["a@xn--bcher-kva.test", "b@c.test"], MESSAGE);
        let seen = &rig.postfix.delivered().unwrap()[0].trace;
        assert!(seen.contains("with ESMTPSA"), "over TLS and logged in: {seen}");
    }
}

#[tokio::test]
async fn without_pipelining_it_goes_too() {
    let rig = rig(|builder| builder.without(&["PIPELINING", "DSN", "SIZE"]));
    rig.send(Security::Tls, &["b@c.test", "d@e.test"], MESSAGE).await.unwrap();
    rig.assert_delivered(&["b@c.test", "d@e.test"], MESSAGE);
}

#[tokio::test]
async fn one_recipient_of_several_is_refused_in_its_own_words() {
    let rig = rig(|builder| {
        builder.refuse("gone@c.test", "550 5.1.1 no such user").refuse("later@c.test", "450 4.2.0 greylisted")
    });
    let to = ["gone@c.test", "b@c.test", "later@c.test", "d@e.test"];
    let sent = rig.send(Security::StartTls, &to, MESSAGE).await.unwrap();
    assert_eq!(sent.accepted, ["b@c.test", "d@e.test"]);
    let refused: Vec<_> = sent.refused.iter().map(|(who, fault)| (who.as_str(), fault.class)).collect();
    assert_eq!(refused, [("gone@c.test", ErrorClass::Permanent), ("later@c.test", ErrorClass::Transient)]);
    assert!(sent.refused[0].1.cause.contains("no such user"), "{}", sent.refused[0].1);
    rig.assert_delivered(&["b@c.test", "d@e.test"], MESSAGE);

    let failed = rig.send(Security::StartTls, &["later@c.test", "gone@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient));
    assert_eq!(failed.refused.len(), 2);
}

#[tokio::test]
async fn octets_beyond_ascii_and_a_megabyte_arrive_as_they_are() {
    let eight_bit = [b"Subject: x\r\n\r\n", "Привет, мир\r\n".as_bytes(), b"\xE9\xFF\x80\r\n"].concat();
    let attachment =
        [MESSAGE, &b"TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVy\r\n".repeat(20_000)].concat();
    assert!(attachment.len() > 1_000_000);
    let longest = [MESSAGE, &[b'x'; 998], b"\r\n"].concat();
    for message in [eight_bit, attachment, longest] {
        let rig = rig(|builder| builder);
        rig.send(Security::Tls, &["b@c.test"], &message).await.unwrap();
        rig.assert_delivered(&["b@c.test"], &message);
    }
}

#[tokio::test]
async fn addresses_and_headers_beyond_ascii_go_where_smtputf8_is_offered() {
    let message = "Subject: Отпуск\r\n\r\nПривет\r\n".as_bytes();
    let able = rig(|builder| builder);
    let sent = able.send(Security::Tls, &["вера@почта.test"], message).await.unwrap();
    assert_eq!(sent.accepted, ["вера@почта.test"]);
    able.assert_delivered(&["вера@xn--80a1acny.test"], message);

    let unable = rig(|builder| builder.without(&["SMTPUTF8"]));
    for (to, message) in [("вера@почта.test", MESSAGE), ("b@c.test", message)] {
        let failed = unable.send(Security::Tls, &[to], message).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
        assert!(failed.fault.cause.contains("does not offer SMTPUTF8"), "{}", failed.fault);
    }
    let unable = rig(|builder| builder.without(&["8BITMIME"]));
    let failed = unable.send(Security::Tls, &["b@c.test"], b"A: 1\r\n\r\n\xE9\r\n").await.unwrap_err();
    assert!(failed.fault.cause.contains("does not offer 8BITMIME"), "{}", failed.fault);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_us_and_by_the_server() {
    let large = [MESSAGE, &b"0123456789abcdef\r\n".repeat(2_000)].concat();
    let told = rig(|builder| builder.size_limit(20_000));
    let failed = told.send(Security::Tls, &["b@c.test"], &large).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
    assert!(failed.fault.cause.contains("takes 20000 at most"), "{}", failed.fault);

    let untold = rig(|builder| builder.size_limit(20_000).without(&["SIZE"]));
    let failed = untold.send(Security::Tls, &["b@c.test"], &large).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
    assert!(failed.fault.cause.contains("the server answered 552"), "{}", failed.fault);
    assert!(failed.fault.hint.unwrap().contains("smaller"));
    assert!(untold.postfix.delivered().unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such_and_a_trial_finds_a_right_one() {
    let rig = rig(|builder| builder);
    let mut settings = rig.settings(Security::StartTls);
    let found = trial(&settings, Arc::new(TcpDialer)).await.unwrap();
    assert!(found.extensions.iter().any(|line| line.starts_with("AUTH ")), "{:?}", found.extensions);
    settings.credential = Credential::Password("another".into());
    let fault = trial(&settings, Arc::new(TcpDialer)).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert!(fault.cause.starts_with("the server answered 535"), "{fault}");
    let plain = rig.settings(Security::None);
    let fault = trial(&plain, Arc::new(TcpDialer)).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Config, "a password is not shown without TLS: {fault}");
}

#[tokio::test]
async fn a_message_arrives_in_a_mailbox_of_dovecot() {
    let rig = rig(|builder| builder.deliver("anna@example.com", ME));
    rig.send(Security::Tls, &["anna@example.com", "b@c.test"], MESSAGE).await.unwrap();
    rig.assert_delivered(&["b@c.test"], MESSAGE);
    let mut client = rig.dovecot.client(ME).unwrap();
    for _ in 0..500 {
        client.select("INBOX").unwrap();
        if client.uids().unwrap().len() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nothing arrived: {}", rig.postfix.log());
}

/// The connection is cut after every few octets of what the server says. Whatever is claimed afterwards is so: what was not
/// done is not there, what was done is there once, and where nobody knows it is there at most once.
#[tokio::test]
async fn wherever_the_connection_breaks_nothing_is_claimed_that_is_not_so() {
    let dovecot = Dovecot::builder().user(ME, PASSWORD).extra(postfix::AUTH_LISTENER).start().unwrap();
    let postfix = Postfix::builder(&dovecot).start().unwrap();
    let certs = Certs::new().unwrap();
    let rig = Rig { postfix, dovecot, certs };
    let proxy = Proxy::start(rig.postfix.submission_addr(), Duration::ZERO).unwrap();
    let mut settings = rig.settings(Security::None);
    settings.endpoint.port = proxy.addr().port();
    let try_one = async |number: u64| {
        let message = format!("Subject: number {number}\r\n\r\nx\r\n");
        let envelope = Envelope { from: ME.to_owned(), to: vec!["b@c.test".to_owned()] };
        send(&settings, Arc::new(TcpDialer), &envelope, message.as_bytes()).await
    };
    try_one(0).await.unwrap();
    let whole = proxy.to_client();
    let mut claims = vec![(0, Reach::Unknown, true)];
    for cut in (0..=whole).step_by(5) {
        proxy.set_fault(Cut::CutAfter(cut));
        claims.push(match try_one(cut + 1).await {
            Ok(_) => (cut + 1, Reach::Unknown, true),
            Err(failed) => (cut + 1, failed.reach, false),
        });
    }
    let count = |reach| claims.iter().filter(|claim| claim.1 == reach && !claim.2).count();
    let (lost, unknown) = (count(Reach::NotDone), count(Reach::Unknown));
    assert!(lost > 50 && unknown > 3, "{lost} not done and {unknown} unknown of {}", claims.len());
    // Postfix had the final dot of all that are not surely lost.
    let delivered = rig.postfix.wait_for(claims.len() - lost).unwrap();
    for (number, reach, done) in claims {
        let subject = format!("Subject: number {number}\r\n").into_bytes();
        let copies = delivered.iter().filter(|one| one.message.starts_with(&subject)).count();
        let fits = if done { copies == 1 } else { copies == usize::from(reach == Reach::Unknown) };
        assert!(fits, "{number}: {copies} copies, and it was said to be {reach:?}, done {done}");
    }
}
