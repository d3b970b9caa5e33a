//! A private Dovecot starts, serves, is changed, stops and comes back; with TLS, trimmed capabilities,
//! every storage, and every name and message that `nasty` has.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use postrider_test_support::dovecot::capabilities_without;
use postrider_test_support::imaplib;
use postrider_test_support::mbsync::Mbsync;
use postrider_test_support::raw_read::read_folder;
use postrider_test_support::{CertPair, Certs, Delivery, Dovecot, ImapClient, Storage, corpus, nasty};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

const USER: &str = "anna@example.com";
const PASSWORD: &str = "pass:word \"quoted\" \\";

#[test]
fn mail_survives_a_restart_and_another_password_is_refused() {
    let mut server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let uid = server.client(USER).unwrap().append("INBOX", "\\Seen", "", b"A: 1\r\n\r\nx\r\n").unwrap();
    let wrong = ImapClient::login(server.imap_addr(), USER, "another").unwrap_err();
    assert!(wrong.to_string().contains("AUTHENTICATIONFAILED"), "{wrong}");
    let address = server.imap_addr();
    server.stop();
    assert!(TcpStream::connect(address).is_err());
    server.start().unwrap();
    assert_eq!(server.imap_addr(), address);
    let mut client = server.client(USER).unwrap();
    client.select("INBOX").unwrap();
    assert_eq!(client.uids().unwrap(), [uid]);
    server.add_user("new@example.com", "p").unwrap();
    server.client("new@example.com").unwrap().select("INBOX").unwrap();
}

#[test]
fn the_small_client_changes_all_that_tests_change() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let mut client = server.client(USER).unwrap();
    client.create("Отпуск & more/2026").unwrap();
    for number in 0..4 {
        let date = "01-Mar-2024 12:00:00 +0000";
        let message = format!("Subject: {number}\r\n\r\nx\r\n");
        assert_eq!(client.append("INBOX", "", date, message.as_bytes()).unwrap(), number + 1);
    }
    client.select("INBOX").unwrap();
    client.store("1", "+FLAGS", "\\Flagged Later").unwrap();
    client.expunge("2").unwrap();
    client.move_to("3", "Отпуск & more/2026").unwrap();
    assert_eq!(client.uids().unwrap(), [1, 4]);
    client.rename("Отпуск & more/2026", "Renamed \"so\"").unwrap();
    client.create("Gone").unwrap();
    client.delete("Gone").unwrap();
    let seen = imaplib::dump(server.imap_addr(), USER, PASSWORD).unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["INBOX", "Renamed \"so\""]);
    assert_eq!(seen["INBOX"].messages[0].flags, ["Later", "\\Flagged"]);
    assert_eq!(seen["INBOX"].messages[0].internal_date, "01-Mar-2024 12:00:00 +0000");
    assert_eq!(seen["Renamed \"so\""].messages[0].bytes, b"Subject: 2\r\n\r\nx\r\n");
    assert!(client.select("Отпуск & more/2026").is_err(), "NO is an error");
}

#[test]
fn capabilities_are_announced_as_asked_for() {
    let withheld = ["QRESYNC", "CONDSTORE", "ESEARCH", "LIST-STATUS", "MOVE", "UIDPLUS"];
    let mut server =
        Dovecot::builder().user(USER, PASSWORD).without(&withheld).compress(true).start().unwrap();
    let announced = |server: &Dovecot| {
        let lines = server.client(USER).unwrap().command("CAPABILITY").unwrap().lines();
        lines[0].split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let few = announced(&server);
    assert!(withheld.iter().all(|name| !few.iter().any(|other| other == name)), "{few:?}");
    assert!(few.contains(&"IDLE".to_owned()) && few.contains(&"COMPRESS=DEFLATE".to_owned()), "{few:?}");
    server.stop();
    server.set_capability(None);
    server.start().unwrap();
    let mut all = announced(&server);
    all.retain(|name| name != "CAPABILITY" && name != "COMPRESS=DEFLATE");
    assert_eq!(all.join(" "), capabilities_without(&[]), "the list here is Dovecot's own");
}

#[test]
fn every_storage_and_the_raw_log_work() {
    for storage in [Storage::Maildir, Storage::MaildirPlusPlus, Storage::Sdbox, Storage::Mdbox] {
        let server = Dovecot::builder().user(USER, PASSWORD).storage(storage).rawlog().start().unwrap();
        let mut client = server.client(USER).unwrap();
        let folder = if storage == Storage::MaildirPlusPlus { "A.B" } else { "A/B" };
        client.create(folder).unwrap();
        client.append(folder, "", "", b"B: 1\r\n\r\nx\r\n").unwrap();
        if storage == Storage::MaildirPlusPlus {
            server.fill(USER, "A/B", [Delivery::new(b"C: 1\r\n\r\n".to_vec())]).unwrap();
        }
        let expected = if storage == Storage::MaildirPlusPlus { 2 } else { 1 };
        drop(client);
        let seen = imaplib::dump(server.imap_addr(), USER, PASSWORD).unwrap();
        assert_eq!(seen["A/B"].messages.len(), expected, "{storage:?}");
        let logged = server.rawlogs().unwrap().iter().any(|path| {
            let mut text = Vec::new();
            File::open(path).unwrap().read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).contains("APPEND")
        });
        assert!(logged, "{storage:?}");
    }
}

#[test]
fn certificates_are_good_and_bad_as_they_say() {
    let certs = Certs::new().unwrap();
    for (pair, expected) in [
        (&certs.good, Ok(())),
        (&certs.expired, Err("expired")),
        (&certs.self_signed, Err("UnknownIssuer")),
        (&certs.wrong_host, Err("not valid for name")),
    ] {
        let result = greeting_over_tls(pair, &certs.ca_file());
        match expected {
            Ok(()) => assert!(result.unwrap().starts_with("* OK")),
            Err(words) => {
                let said = result.unwrap_err();
                assert!(said.contains(words), "{said}");
            }
        }
    }
}

fn greeting_over_tls(pair: &CertPair, authority: &Path) -> Result<String, String> {
    let server = Dovecot::builder().user(USER, PASSWORD).tls(pair).start().unwrap();
    let capabilities = server.client(USER).map(drop);
    assert!(capabilities.is_ok(), "the listener without TLS stays");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(session, connect(server.imaps_addr()));
    let mut buffer = [0; 512];
    let size = stream.read(&mut buffer).map_err(|error| error.to_string())?;
    stream.write_all(b"a LOGOUT\r\n").unwrap();
    Ok(String::from_utf8_lossy(&buffer[..size]).into_owned())
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

#[test]
fn nasty_names_and_messages_are_served_and_read_by_imaplib() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let mut client = server.client(USER).unwrap();
    for name in nasty::folder_names() {
        client.create(name).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    }
    let messages = nasty::messages(Some(5_000_000));
    let files = messages.iter().map(|(_, bytes)| Delivery::new(bytes.clone()));
    server.fill(USER, "Nasty", files.chain([Delivery::new(Vec::new())])).unwrap();
    for (name, bytes) in messages.iter().filter(|(_, bytes)| !bytes.contains(&0)) {
        client
            .append("Appended", "", "", bytes)
            .map(drop)
            .or_else(|error| {
                // The folder is made on the first.
                if !error.to_string().contains("TRYCREATE") {
                    panic!("{name}: {error}");
                }
                client.create("Appended").unwrap();
                client.append("Appended", "", "", bytes).map(drop)
            })
            .unwrap();
    }
    let seen = imaplib::dump(server.imap_addr(), USER, PASSWORD).unwrap();
    for name in nasty::folder_names() {
        assert!(seen.contains_key(name), "{name:?} is not among {:?}", seen.keys());
    }
    assert_eq!(seen["Nasty"].messages.len(), messages.len() + 1);
    for ((name, bytes), read) in messages.iter().zip(&seen["Nasty"].messages) {
        assert_eq!(read.bytes, as_served(bytes), "{name}");
    }
    assert_eq!(seen["Nasty"].messages.last().unwrap().bytes, b"");
    assert_eq!(seen["Appended"].messages.len(), messages.len() - 1);
}

/// What Dovecot makes of a file: CRLF for bare line feeds, 0x80 for NUL.
fn as_served(bytes: &[u8]) -> Vec<u8> {
    corpus::crlf(bytes).iter().map(|byte| if *byte == 0 { 0x80 } else { *byte }).collect()
}

#[test]
fn a_filled_maildir_reads_the_same_by_imaplib_mbsync_and_raw() {
    let corpus = corpus::load().unwrap();
    if !corpus.real {
        let skip =
            format!("skipped by name: real mail ({} is not set); generated mail serves\n", corpus::VARIABLE);
        std::io::stderr().write_all(skip.as_bytes()).unwrap();
    }
    let server = Dovecot::builder().user("a@example.com", "secret").start().unwrap();
    let deliver =
        |bytes| Delivery { flags: "FS".into(), received_secs: 1_700_000_000, ..Delivery::new(bytes) };
    let count = 300;
    assert_eq!(server.fill("a@example.com", "INBOX", corpus.unique(count).map(deliver)).unwrap(), count);
    server.fill("a@example.com", "Sub/Folder", corpus.unique(3).map(deliver)).unwrap();

    let seen = imaplib::dump(server.imap_addr(), "a@example.com", "secret").unwrap();
    let inbox = &seen["INBOX"].messages;
    assert_eq!(inbox.len(), count);
    for (message, expected) in inbox.iter().zip(corpus.unique(count)) {
        assert_eq!(message.bytes, as_served(&expected));
        assert_eq!(message.flags, ["\\Flagged", "\\Seen"]);
        assert_eq!(message.internal_date, "14-Nov-2023 22:13:20 +0000");
    }
    assert_eq!(seen["Sub/Folder"].messages.len(), 3);

    let reading = read_folder(server.imap_addr(), "a@example.com", "secret", "INBOX").unwrap();
    let bytes: usize = inbox.iter().map(|message| message.bytes.len()).sum();
    assert!(reading.bytes > bytes as u64 && reading.bytes < bytes as u64 + count as u64 * 200);

    let mbsync = Mbsync::new(server.imap_addr(), "a@example.com", "secret", "INBOX").unwrap();
    mbsync.run().unwrap();
    assert_eq!(mbsync.messages().unwrap(), count);
    mbsync.run().unwrap();
    assert_eq!(mbsync.messages().unwrap(), count, "a second run brings nothing twice");
}
