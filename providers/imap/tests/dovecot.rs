//! Against a real Dovecot: a mirror that is kept by this crate's calls alone equals what Python's imaplib reads, after every
//! kind of change, with every set of extensions, over every kind of connection.

#![allow(clippy::disallowed_methods, reason = "tests meet the real clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use chrono::DateTime;
use postrider_imap::{ClientName, ImapRemote, ImapSettings};
use postrider_model::{Clock, ErrorClass, Fault, Flags, Timestamp, Uid};
use postrider_net::{Endpoint, Limits, Security, TcpDialer, Timeouts, TlsConnector};
use postrider_remote::{Credential, MailRemote};
use postrider_test_support::{
    CertPair, Certs, Delivery, Dovecot, ImapClient, Storage, imap_client::mailbox, imaplib, nasty,
};

mod mirror;

use mirror::Mirror;

const PASSWORD: &str = "s3cret \\pass\"word";

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(elapsed.as_micros()).unwrap())
    }
}

fn settings(address: SocketAddr, security: Security, ca: Vec<u8>) -> ImapSettings {
    ImapSettings {
        endpoint: Endpoint::new(address.ip().to_string(), address.port()),
        security,
        allow_plaintext: false,
        login_name: "me".to_owned(),
        credential: Credential::Password(PASSWORD.into()),
        tls: TlsConnector::new(ca, Arc::new(WallClock)),
        limits: Limits::default(),
        timeouts: Timeouts::default(),
        max_connections: 2,
        max_watches: ImapSettings::WATCHES,
        client: ClientName { name: "postrider".to_owned(), version: "1".to_owned() },
        compress: true,
    }
}

fn remote(settings: ImapSettings) -> ImapRemote {
    ImapRemote::new(settings, Arc::new(TcpDialer))
}

fn assert_equals(mirror: &Mirror, server: &Dovecot, when: &str) {
    let truth = imaplib::dump(server.imap_addr(), "me", PASSWORD).unwrap();
    assert_eq!(truth.keys().collect::<Vec<_>>(), mirror.folders.keys().collect::<Vec<_>>(), "{when}");
    for (name, folder) in truth {
        let kept = &mirror.folders[&name];
        assert_eq!(
            kept.cursor.as_ref().map(|c| c.status.uid_validity),
            Some(folder.uid_validity),
            "{when}: {name}"
        );
        let uids: Vec<Uid> = folder.messages.iter().map(|message| message.uid).collect();
        assert_eq!(kept.messages.keys().copied().collect::<Vec<_>>(), uids, "{when}: {name}");
        for message in folder.messages {
            let (flags, date, bytes) = &kept.messages[&message.uid];
            let expected = Flags::from_wire(message.flags.iter().map(String::as_str));
            assert!(flags.same(&expected), "{when}: {name} {}: {flags} and not {expected}", message.uid);
            assert!(
                *bytes == message.bytes,
                "{when}: {name} {}: {} octets of {}",
                message.uid,
                bytes.len(),
                message.bytes.len()
            );
            let expected =
                DateTime::parse_from_str(message.internal_date.trim(), "%d-%b-%Y %H:%M:%S %z").unwrap();
            assert_eq!(*date, Some(Timestamp::from_seconds(expected.timestamp())));
        }
    }
}

fn mail(count: usize) -> Vec<Delivery> {
    let message = |n| {
        Delivery::new(format!("Message-ID: <{n}@example.com>\r\nSubject: {n}\r\n\r\n{n}\r\n").into_bytes())
    };
    (0..count).map(message).collect()
}

/// Everything that another client may do, with a run after each.
async fn follow(server: &Dovecot, remote: &ImapRemote, tells_unchanged: bool) {
    // More than are fetched with all their flags.
    server.fill("me", "INBOX", mail(1_100)).unwrap();
    server.fill("me", "Work/2026", mail(20)).unwrap();
    let mut other = server.client("me").unwrap();
    let mut mirror = Mirror::default();
    let mut step = async |when: &str, fetches: u64| {
        let (_, fetched) = mirror.run(remote).await.unwrap();
        assert_eq!(fetched, fetches, "{when}");
        assert_equals(&mirror, server, when);
        let (changed, fetched) = mirror.run(remote).await.unwrap();
        assert_eq!((changed == 0 || !tells_unchanged, fetched), (true, 0), "nothing after: {when}");
    };
    step("first load", 1_120).await;
    other.select("INBOX").unwrap();
    other.store("1:10,20", "+FLAGS", "\\Seen \\Flagged").unwrap();
    other.store("5:7", "-FLAGS", "\\Seen").unwrap();
    other.store("30:32", "+FLAGS", "$Forwarded Todo").unwrap();
    step("flags", 0).await;
    other.append("INBOX", "\\Seen", "01-Feb-2020 10:00:00 +0300", b"Subject: new\r\n\r\nnew\r\n").unwrap();
    step("an old message that is new here", 1).await;
    other.expunge("3,50:60,1101").unwrap();
    step("expunges, the newest among them", 0).await;
    other.expunge("100").unwrap();
    other.append("INBOX", "", "01-Feb-2026 10:00:00 +0300", b"Subject: newer\r\n\r\nnewer\r\n").unwrap();
    other.store("200", "+FLAGS", "Todo").unwrap();
    step("one gone and one come", 1).await;
    other.move_to("210:215", "Work/2026").unwrap();
    step("moved", 6).await;
    other.delete("Work/2026").unwrap();
    other.create("Work/2026").unwrap();
    other.append("Work/2026", "", "01-Feb-2026 10:00:00 +0300", b"Subject: anew\r\n\r\nanew\r\n").unwrap();
    step("a folder made anew", 1).await;
    other.rename("Work/2026", "Work/2027").unwrap();
    step("a renamed folder", 1).await;
    empty(&mut other);
    step("an emptied folder", 0).await;
}

fn empty(client: &mut ImapClient) {
    client.select("INBOX").unwrap();
    client.expunge("1:*").unwrap();
}

async fn follow_without(withheld: &[&str], tells_unchanged: bool) {
    let server = Dovecot::builder().user("me", PASSWORD).without(withheld).start().unwrap();
    let remote = remote(settings(server.imap_addr(), Security::None, Vec::new()));
    follow(&server, &remote, tells_unchanged).await;
    remote.close().await;
}

#[tokio::test]
async fn the_mirror_follows_with_everything() {
    follow_without(&[], true).await;
}

#[tokio::test]
async fn the_mirror_follows_with_condstore_alone() {
    follow_without(&["QRESYNC"], true).await;
}

#[tokio::test]
async fn the_mirror_follows_without_condstore() {
    follow_without(&["QRESYNC", "CONDSTORE"], false).await;
}

#[tokio::test]
async fn the_mirror_follows_on_an_old_server() {
    let withheld = [
        "QRESYNC",
        "CONDSTORE",
        "ESEARCH",
        "LIST-STATUS",
        "LIST-EXTENDED",
        "SPECIAL-USE",
        "NAMESPACE",
        "ID",
        "ENABLE",
        "SASL-IR",
        "LITERAL+",
        "UNSELECT",
        "UIDPLUS",
        "MOVE",
    ];
    // Moves are the other client's, who does not care what is announced.
    follow_without(&withheld, false).await;
}

fn tls_server(pair: &CertPair) -> Dovecot {
    Dovecot::builder().user("me", PASSWORD).tls(pair).compress(true).start().unwrap()
}

#[tokio::test]
async fn the_mirror_follows_over_tls_and_starttls_compressed() {
    let certs = Certs::new().unwrap();
    let ca = fs::read(certs.ca_file()).unwrap();
    for security in [Security::Tls, Security::StartTls] {
        let server = tls_server(&certs.good);
        let address = if security == Security::Tls { server.imaps_addr() } else { server.imap_addr() };
        let remote = remote(settings(address, security, ca.clone()));
        follow(&server, &remote, true).await;
        let trial = remote.trial().await.unwrap();
        assert_eq!(trial.server.as_deref(), Some("Dovecot"));
        assert!(trial.capabilities.contains(&"COMPRESS=DEFLATE".to_owned()));
    }
}

#[tokio::test]
async fn nasty_messages_and_names_come_through() {
    let server = Dovecot::builder().user("me", PASSWORD).storage(Storage::Maildir).start().unwrap();
    let messages = nasty::messages(Some(3_000_000));
    let count = messages.len();
    server.fill("me", "INBOX", messages.into_iter().map(|(_, bytes)| Delivery::new(bytes))).unwrap();
    let mut other = server.client("me").unwrap();
    for name in nasty::folder_names() {
        let created = other.try_command(&format!("CREATE {}", mailbox(name)), None).unwrap();
        assert!(created.status.starts_with("OK"), "{name}: {created:?}");
        other.append(name, "\\Seen", "01-Feb-2026 10:00:00 +0300", b"Subject: x\r\n\r\nx\r\n").unwrap();
    }
    let remote = remote(settings(server.imap_addr(), Security::None, Vec::new()));
    let mut mirror = Mirror::default();
    let (_, fetched) = mirror.run(&remote).await.unwrap();
    assert_eq!(fetched as usize, count + nasty::folder_names().len());
    assert_equals(&mirror, &server, "first load");
    assert_eq!(mirror.run(&remote).await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_server_that_restarts_is_met_again() {
    let mut server = Dovecot::builder().user("me", PASSWORD).start().unwrap();
    server.fill("me", "INBOX", mail(3)).unwrap();
    let remote = remote(settings(server.imap_addr(), Security::None, Vec::new()));
    let mut mirror = Mirror::default();
    mirror.run(&remote).await.unwrap();
    server.stop();
    let away: Fault = mirror.run(&remote).await.unwrap_err();
    assert_eq!(away.class, ErrorClass::Transient);
    server.start().unwrap();
    assert_eq!(mirror.run(&remote).await.unwrap(), (0, 0));
}

async fn refused(settings: ImapSettings) -> Fault {
    remote(settings).folders().await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_password_and_bad_certificates_are_told_apart() {
    let certs = Certs::new().unwrap();
    let ca = fs::read(certs.ca_file()).unwrap();
    let table = [
        (&certs.expired, "has expired", "renew"),
        (&certs.self_signed, "self-signed", "ca_file"),
        (&certs.wrong_host, "not for 127.0.0.1, but for elsewhere.example", "`host`"),
    ];
    for (pair, cause, hint) in table {
        let server = tls_server(pair);
        for (address, security) in
            [(server.imaps_addr(), Security::Tls), (server.imap_addr(), Security::StartTls)]
        {
            let fault = refused(settings(address, security, ca.clone())).await;
            assert_eq!(fault.class, ErrorClass::Permanent, "{fault}");
            assert!(fault.cause.contains(cause), "{fault}");
            assert!(fault.hint.is_some_and(|told| told.contains(hint)));
        }
    }
    let server = tls_server(&certs.good);
    let wrong = ImapSettings {
        credential: Credential::Password("wr0ng".into()),
        ..settings(server.imaps_addr(), Security::Tls, ca.clone())
    };
    let fault = refused(wrong).await;
    assert_eq!(fault.class, ErrorClass::Login, "{fault}");
    assert!(
        fault.cause.contains("[AUTHENTICATIONFAILED]") && !fault.to_string().contains("wr0ng"),
        "{fault}"
    );
    let not_tls = refused(settings(server.imap_addr(), Security::Tls, ca)).await;
    assert!(not_tls.cause.contains("does not speak TLS"), "{not_tls}");
}
