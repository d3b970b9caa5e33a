//! Servers that are not there, are no IMAP servers, or would have us speak without TLS.

use std::net::TcpListener;

use postrider_test_support::Home;

use super::scripted::Scripted;
use super::teller::{PASSWORD, Told, home, provider, tell};

fn told(home: &Home, port: u16) -> Told {
    tell(home, &["--sync-now"], &[(&*port.to_string(), "PORT")])
}

fn failed(message: &str) -> Told {
    Told::new(1, "work: failed, will be tried again\n", &format!("error: work: {message}\n"))
}

#[test]
fn an_unknown_host() {
    let home = home(([127, 0, 0, 1], 993).into(), "tls", None);
    // Reserved never to be a name (RFC 6761, section 6.4).
    provider(&home, "imap.nowhere.invalid", 993, "tls", None);
    // The resolver's own words differ from machine to machine.
    let resolvers = [
        ("failed to lookup address information: Name or service not known", "WORDS"),
        ("failed to lookup address information: Temporary failure in name resolution", "WORDS"),
        ("failed to lookup address information: No address associated with hostname", "WORDS"),
    ];
    assert_eq!(
        tell(&home, &["--sync-now"], &resolvers),
        failed(
            "cannot connect to imap.nowhere.invalid:993: unknown host imap.nowhere.invalid: WORDS\n\
             hint: check `host` in the provider's file, and this machine's network and name server"
        )
    );
}

#[test]
fn a_port_where_nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(
        told(&home(address, "none", None), address.port()),
        failed(
            "cannot connect to 127.0.0.1:PORT: nothing accepts connections on port PORT\n\
             hint: check `host` and `port` in the provider's file, and whether the server runs"
        )
    );
}

#[test]
fn a_server_of_another_protocol() {
    let no_imap = "a line that is no IMAP";
    let no_greeting = "it is not an IMAP greeting";
    let table: [(&[&str], _); 5] = [
        (&["220 mail.example.com ESMTP\r\n"], no_imap),
        (&["SSH-2.0-OpenSSH_9.2p1\r\n"], no_imap),
        (&["HTTP/1.1 400 Bad Request\r\n"], no_imap),
        (&["+OK POP3 ready\r\n"], no_imap),
        (&["* 3 EXISTS\r\n"], no_greeting),
    ];
    for (greeting, what) in table {
        let server = Scripted::start(greeting);
        let home = home(server.address(), "none", None);
        assert_eq!(
            told(&home, server.address().port()),
            failed(&format!(
                "cannot connect to 127.0.0.1:PORT: the server's answer makes no sense: {what}\n\
                 hint: check `host`, `port` and `security` in the provider's file: what answers there is no IMAP server"
            )),
            "{greeting:?}"
        );
        assert_eq!(server.heard(), "", "{greeting:?}");
    }
}

const WAY_OUT: &str =
    "hint: use `security = \"tls\"` with its port (993) in the provider's file, or another network";

#[test]
fn a_login_before_tls_is_refused() {
    let server = Scripted::start(&["* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n"]);
    let home = home(server.address(), "starttls", None);
    assert_eq!(
        told(&home, server.address().port()),
        failed(&format!(
            "cannot start TLS with 127.0.0.1:PORT: the server logged us in before TLS could be started (PREAUTH), as an \
             attacker would make it do\n{WAY_OUT}"
        ))
    );
    assert_eq!(server.heard(), "");
}

#[test]
fn octets_slipped_in_before_tls_are_refused() {
    let server = Scripted::start(&[
        "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n",
        "$ OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    ]);
    let home = home(server.address(), "starttls", None);
    assert_eq!(
        told(&home, server.address().port()),
        failed(&format!(
            "cannot start TLS with 127.0.0.1:PORT: octets came behind the answer to STARTTLS, before TLS, as an attacker \
             would send them\n{WAY_OUT}"
        ))
    );
    let heard = server.heard();
    assert!(heard.ends_with("STARTTLS\r\n") && !heard.contains(PASSWORD), "{heard}");
}

#[test]
fn a_server_without_starttls_gets_no_password() {
    let server = Scripted::start(&["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n"]);
    let home = home(server.address(), "starttls", None);
    assert_eq!(
        told(&home, server.address().port()),
        failed(&format!(
            "cannot start TLS with 127.0.0.1:PORT: the server does not offer STARTTLS\n{WAY_OUT}"
        ))
    );
    assert_eq!(server.heard(), "");
}

#[test]
fn a_refused_starttls_gets_no_password() {
    let server = Scripted::start(&["* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "$ NO not now\r\n"]);
    let home = home(server.address(), "starttls", None);
    assert_eq!(
        told(&home, server.address().port()),
        failed("cannot start TLS with 127.0.0.1:PORT: the server answered NO: not now")
    );
    let heard = server.heard();
    assert!(heard.ends_with("STARTTLS\r\n") && !heard.contains("LOGIN"), "{heard}");
}

#[test]
fn a_server_that_takes_no_password_here_gets_none() {
    let server = Scripted::start(&["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready\r\n"]);
    let home = home(server.address(), "none", None);
    assert_eq!(
        told(&home, server.address().port()),
        Told::new(
            2,
            "work: its configuration is wrong\n",
            "error: work: cannot log in to 127.0.0.1:PORT: the server takes no password on this connection (LOGINDISABLED)\n\
             hint: set `security` to `tls` or `starttls` in the provider's file; if it is, the server wants another `auth`\n"
        )
    );
    assert_eq!(server.heard(), "");
}

#[test]
fn plaintext_to_another_machine_is_refused_before_a_word_is_sent() {
    let home = home(([127, 0, 0, 1], 143).into(), "none", None);
    provider(&home, "imap.example.com", 143, "none", None);
    assert_eq!(
        tell(&home, &["--sync-now"], &[]),
        Told::new(
            2,
            "work: its configuration is wrong\n",
            "error: work: cannot use providers.d/here.toml: line 5: imap.security: found \"none\" for \"imap.example.com\", \
             expected one of tls, starttls, since the server is not on this machine\n\
             hint: without protection, everyone on the way reads the password and the mail; if it must be, write \
             allow_plaintext = true\n"
        )
    );
}
