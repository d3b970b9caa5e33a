//! A private Postfix starts, twice at once, takes mail from nobody who is not logged in, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use postrider_test_support::{Certs, Dovecot, Postfix, postfix};

const USER: &str = "anna@example.com";

fn dovecot() -> Dovecot {
    Dovecot::builder().user(USER, "secret").extra(postfix::AUTH_LISTENER).start().unwrap()
}

/// What the server answers to these lines, the greeting first.
fn talk(address: SocketAddr, lines: &[&str]) -> Vec<String> {
    let stream = TcpStream::connect(address).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let mut answer = || {
        let mut line = String::new();
        loop {
            line.clear();
            answers.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    };
    let mut all = vec![answer()];
    for line in lines {
        (&stream).write_all(format!("{line}\r\n").as_bytes()).unwrap();
        all.push(answer());
    }
    all
}

/// The processes that were started with a path below that folder.
fn processes_of(folder: &Path) -> usize {
    let wanted = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let of_it = |line: Vec<u8>| String::from_utf8_lossy(&line).contains(wanted);
    processes.filter(|process| fs::read(process.path().join("cmdline")).is_ok_and(of_it)).count()
}

// "\0anna@example.com\0secret"
const AUTH: &str = "AUTH PLAIN AGFubmFAZXhhbXBsZS5jb20Ac2VjcmV0";

#[test]
fn two_at_once_deliver_each_their_own() {
    let dovecot = dovecot();
    let servers = [
        Postfix::builder(&dovecot).start().unwrap(),
        Postfix::builder(&dovecot).refuse("gone@c.test", "550 5.1.1 no such user").start().unwrap(),
    ];
    for (number, server) in servers.iter().enumerate() {
        let subject = format!("Subject: {number}");
        let said = talk(
            server.submission_addr(),
            &[
                "EHLO client.test",
                AUTH,
                "MAIL FROM:<anna@example.com>",
                "RCPT TO:<b@c.test>",
                "RCPT TO:<gone@c.test>",
                "DATA",
                &format!("{subject}\r\n\r\n..x\r\n."),
                "QUIT",
            ],
        );
        let codes: Vec<&str> = said.iter().map(|line| &line[..3]).collect();
        let gone = if number == 0 { "250" } else { "550" };
        assert_eq!(codes, ["220", "250", "235", "250", "250", gone, "354", "250", "221"], "{said:?}");
        let delivered = server.wait_for(2 - number).unwrap();
        assert_eq!((delivered[0].from.as_str(), delivered[0].to.as_str()), (USER, "b@c.test"));
        assert_eq!(delivered[0].message, format!("{subject}\r\n\r\n.x\r\n").into_bytes());
        assert_eq!(delivered.len(), 2 - number);
    }
}

#[test]
fn nobody_sends_without_a_login_and_none_is_asked_for_without_tls() {
    let certs = Certs::new().unwrap();
    let dovecot = dovecot();
    let server = Postfix::builder(&dovecot).tls(&certs.good).start().unwrap();
    let said = talk(
        server.submission_addr(),
        &["EHLO client.test", AUTH, "MAIL FROM:<anna@example.com>", "RCPT TO:<b@c.test>"],
    );
    assert!(
        said[2].starts_with("530") || said[2].starts_with("538") || said[2].starts_with("503"),
        "{said:?}"
    );
    assert!(said[4].starts_with("554"), "{said:?}");
    assert!(server.delivered().unwrap().is_empty());
}

#[test]
fn it_goes_without_a_trace() {
    let dovecot = dovecot();
    let server = Postfix::builder(&dovecot).start().unwrap();
    let (folder, address) = (server.path().to_owned(), server.submission_addr());
    assert!(processes_of(&folder) > 0);
    drop(server);
    assert_eq!(processes_of(&folder), 0);
    assert!(!folder.exists());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_dovecot_without_the_socket_is_told_so() {
    let dovecot = Dovecot::builder().user(USER, "secret").start().unwrap();
    let message = Postfix::builder(&dovecot).start().unwrap_err().to_string();
    assert!(message.contains("AUTH_LISTENER"), "{message}");
}
