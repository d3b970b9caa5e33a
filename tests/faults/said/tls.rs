//! Certificates that are not to be trusted, and ports that speak something else.

use postrider_test_support::{CertPair, Certs, Dovecot, Home};

use super::teller::{PASSWORD, Told, USER, home, tell};

fn server(pair: &CertPair) -> Dovecot {
    Dovecot::builder().user(USER, PASSWORD).tls(pair).start().unwrap()
}

fn told(home: &Home, port: u16) -> Told {
    tell(home, &["--sync-now"], &[(&*port.to_string(), "PORT")])
}

fn failed(cause: &str, hint: &str) -> Told {
    let err = format!("error: work: cannot start TLS with 127.0.0.1:PORT: {cause}\nhint: {hint}\n");
    Told::new(1, "work: failed, will be tried again\n", &err)
}

/// Over TLS and STARTTLS alike.
fn each_way(pair: &CertPair, certs: &Certs, expected: &Told) {
    let server = server(pair);
    for (address, security) in [(server.imaps_addr(), "tls"), (server.imap_addr(), "starttls")] {
        let home = home(address, security, Some(&certs.ca_file()));
        assert_eq!(told(&home, address.port()), *expected, "{security}");
    }
}

#[test]
fn a_good_certificate_is_taken_and_its_authority_is_needed() {
    let certs = Certs::new().unwrap();
    let server = server(&certs.good);
    for (address, security) in [(server.imaps_addr(), "tls"), (server.imap_addr(), "starttls")] {
        let port = address.port();
        let trusting = home(address, security, Some(&certs.ca_file()));
        assert_eq!(tell(&trusting, &["--sync-now", "-q"], &[]), Told::new(0, "", ""), "{security}");
        assert_eq!(
            told(&home(address, security, None), port),
            failed(
                "the server's certificate is self-signed or comes from an authority that this machine does not know",
                "if the server is to be trusted, save its authority's certificate and name it as `ca_file` in `[tls]` of the provider's file"
            ),
            "{security}"
        );
    }
}

#[test]
fn an_expired_certificate() {
    let certs = Certs::new().unwrap();
    let expected = failed(
        "the server's certificate has expired",
        "the server's administrator has to renew it; check this machine's clock as well",
    );
    each_way(&certs.expired, &certs, &expected);
}

#[test]
fn a_self_signed_certificate() {
    let certs = Certs::new().unwrap();
    let expected = failed(
        "the server's certificate is self-signed or comes from an authority that this machine does not know",
        "if the server is to be trusted, save its authority's certificate and name it as `ca_file` in `[tls]` of the provider's file",
    );
    each_way(&certs.self_signed, &certs, &expected);
}

#[test]
fn a_certificate_of_another_host() {
    let certs = Certs::new().unwrap();
    let expected = failed(
        "the server's certificate is not for 127.0.0.1, but for elsewhere.example",
        "set `host` in the provider's file to a name for which the certificate is",
    );
    each_way(&certs.wrong_host, &certs, &expected);
}

#[test]
fn tls_on_a_port_without_it() {
    let certs = Certs::new().unwrap();
    let server = server(&certs.good);
    let home = home(server.imap_addr(), "tls", Some(&certs.ca_file()));
    assert_eq!(
        told(&home, server.imap_addr().port()),
        failed(
            "the server does not speak TLS on this port",
            "check `port` and `security` in the provider's file: `starttls` begins without TLS, `tls` with it"
        )
    );
}

#[test]
fn a_ca_file_that_is_none() {
    let certs = Certs::new().unwrap();
    let server = server(&certs.good);
    let nothing = certs.ca_file().with_file_name("nothing.pem");
    std::fs::write(&nothing, "no certificate\n").unwrap();
    let home = home(server.imaps_addr(), "tls", Some(&nothing));
    assert_eq!(
        told(&home, server.imaps_addr().port()),
        failed(
            "the ca_file is not usable: there is no certificate in it",
            "give a PEM file with CERTIFICATE blocks as `ca_file` in `[tls]` of the provider's file"
        )
    );
}
