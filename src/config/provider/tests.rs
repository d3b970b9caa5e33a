//! Providers from texts: what is right, what follows from it, and the words for what is wrong.

use super::*;
use crate::config::{
    error::{ConfigError, OriginKind},
    reader::Source,
};

fn read_over(base: Option<&Provider>, text: &str) -> Result<Provider, Vec<ConfigError>> {
    let places = Places { folder: "/etc/postrider/providers.d".into(), home: None };
    Source::read(OriginKind::File, "providers.d/example.toml", text, |root| {
        ProviderBody::parse(root, base, &places)
    })
    .map(|(body, origin)| body.into_provider("example".into(), origin))
}

fn read(text: &str) -> Result<Provider, Vec<String>> {
    read_over(None, text).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn server(host: &str, port: u16, security: Security) -> Option<Server> {
    Some(Server { host: host.into(), port, security })
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let provider = read(
        r#"
        type = "imap"
        domains = ["Example.com"]
        login = "email"
        auth  = "basic"
        [imap]
        host = "imap.example.com"
        port = 993
        security = "tls"
        [smtp]
        host = "smtp.example.com"
        port = 465
        security = "tls"
        [tls]
        ca_file = "/etc/postrider/ca.pem"
        "#,
    )
    .unwrap();
    assert_eq!(provider.kind, ProviderKind::Imap);
    assert_eq!(provider.domains, ["example.com"]);
    assert_eq!((provider.login, provider.auth.as_slice()), (LoginKind::Email, [AuthKind::Basic].as_slice()));
    assert_eq!(provider.imap, server("imap.example.com", 993, Security::Tls));
    assert_eq!(provider.smtp, server("smtp.example.com", 465, Security::Tls));
    assert_eq!(provider.ca_file, Some("/etc/postrider/ca.pem".into()));
    assert_eq!(provider.warnings(), []);
}

#[test]
fn ports_follow_the_security_unless_given() {
    let table = [
        ("", 993, 465),
        ("security = \"tls\"", 993, 465),
        ("security = \"starttls\"", 143, 587),
        ("security = \"none\"", 143, 587),
        ("security = \"starttls\"\nport = 10143", 10143, 10143),
        ("port = 10143", 10143, 10143),
    ];
    for (keys, imap, smtp) in table {
        let text = format!(
            "type = \"imap\"\n[imap]\nhost = \"localhost\"\n{keys}\n[smtp]\nhost = \"127.0.0.1\"\n{keys}\n"
        );
        let provider = read(&text).unwrap();
        let ports = [&provider.imap, &provider.smtp].map(|server| server.as_ref().map(|server| server.port));
        assert_eq!(ports, [Some(imap), Some(smtp)], "{keys}");
    }
}

#[test]
fn plaintext_beyond_this_machine_is_refused() {
    let errors =
        read_over(None, "type = \"imap\"\n[imap]\nhost = \"imap.example.com\"\nsecurity = \"none\"\n")
            .unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "providers.d/example.toml:4: imap.security: found \"none\" for \"imap.example.com\", expected one of tls, \
          starttls, since the server is not on this machine"
        ]
    );
    assert_eq!(
        errors.first().and_then(|error| error.hint.as_deref()),
        Some(
            "without protection, everyone on the way reads the password and the mail; if it must be, write \
             allow_plaintext = true"
        )
    );
}

#[test]
fn plaintext_that_is_allowed_is_warned_of() {
    let texts = [
        "type = \"imap\"\nallow_plaintext = true\n[imap]\nhost = \"imap.example.com\"\nsecurity = \"none\"\n",
        "type = \"imap\"\n\n[imap]\nhost = \"imap.example.com\"\nsecurity = \"none\"\nallow_plaintext = true\n",
    ];
    for text in texts {
        let warnings = read(text).unwrap().warnings();
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "providers.d/example.toml:5: passwords and mail go to imap.example.com (imap) in the clear, because \
              allow_plaintext is true"
            ]
        );
    }
}

#[test]
fn what_is_wrong_is_told_all_at_once() {
    let errors = read(
        "type = \"imap\"\ndomains = \"example.com\"\nlogin = \"mail\"\nauth = [\"basic\", \"oauth\"]\nhosts = 1\n\
         auth_url = \"http://a.example\"\n[imap]\nhost = \"imaps://imap.example.com:993\"\nport = 70000\nsecurity = \
         \"ssl\"\n[smtp]\nport = 25\n[tls]\nverify = false\n",
    )
    .unwrap_err();
    assert_eq!(
        errors,
        [
            "providers.d/example.toml:2: domains: found \"example.com\", expected a list of domains such as \
             [\"example.com\"]",
            "providers.d/example.toml:3: login: found \"mail\", expected one of email, mailbox_name, manual",
            "providers.d/example.toml:4: auth: found \"oauth\", expected one of basic, oauth2, ntlm, negotiate",
            "providers.d/example.toml:5: hosts: found an unknown key, expected one of type, domains, login, auth, note, \
             client_id, client_secret_file, auth_url, token_url, device_url, revocation_url, userinfo_url, scopes, \
             auth_parameters, redirect_host, service_account_file, allow_plaintext, tls, server, load_mail, send_mail, imap, smtp",
            "providers.d/example.toml:6: auth_url: found \"http://a.example\", expected an address that begins with \
             https://, or with http:// and is on this machine",
            "providers.d/example.toml:8: imap.host: found \"imaps://imap.example.com:993\", expected a host name or an \
             IP address, without scheme and port",
            "providers.d/example.toml:9: imap.port: found 70000, expected a whole number from 1 to 65535",
            "providers.d/example.toml:10: imap.security: found \"ssl\", expected one of tls, starttls, none",
            "providers.d/example.toml:11: smtp.host: found nothing, expected a host name or an IP address, without \
             scheme and port",
            "providers.d/example.toml:14: tls.verify: found an unknown key, expected ca_file",
        ]
    );
}

#[test]
fn a_provider_needs_a_type_and_a_server() {
    assert_eq!(
        read("").unwrap_err(),
        [
            "providers.d/example.toml: imap: found nothing, expected a table [imap] with the server's host",
            "providers.d/example.toml: type: found nothing, expected one of imap, exchange, google",
        ]
    );
    assert_eq!(
        read("type = \"pop\"\n[imap]\nhost = \"a.b\"\n").unwrap_err(),
        ["providers.d/example.toml:1: type: found \"pop\", expected one of imap, exchange, google"]
    );
}

#[test]
fn the_port_of_another_protection_is_refused() {
    let errors = read_over(
        None,
        "type = \"imap\"\n[imap]\nhost = \"a.b\"\nport = 143\n[smtp]\nhost = \"a.b\"\nport = \
                         465\nsecurity = \"starttls\"\n",
    )
    .unwrap_err();
    let told: Vec<(String, Option<&str>)> =
        errors.iter().map(|error| (error.to_string(), error.hint.as_deref())).collect();
    assert_eq!(
        told,
        [
            (
                "providers.d/example.toml:4: imap.port: found 143 with security \"tls\", expected 993 or a port of the \
                 server's own"
                    .into(),
                Some("port 143 is for security = \"starttls\"")
            ),
            (
                "providers.d/example.toml:7: smtp.port: found 465 with security \"starttls\", expected 587 or a port of \
                 the server's own"
                    .into(),
                Some("port 465 is for security = \"tls\"")
            ),
        ]
    );
}

#[test]
fn exchange_has_keys_of_its_own() {
    let provider =
        read("type = \"exchange\"\nserver = \"mail.example.com\"\nauth = \"ntlm\"\nsend_mail = false\n");
    let settings =
        ExchangeSettings { server: Some("mail.example.com".into()), load_mail: true, send_mail: false };
    assert_eq!(provider.unwrap().exchange, Some(settings));
    assert_eq!(
        read("type = \"exchange\"\nload_mail = false\nsend_mail = false\n[imap]\nhost = \"a.b\"\n")
            .unwrap_err(),
        [
            "providers.d/example.toml:2: load_mail: found false, as send_mail, expected at least one of load_mail, \
             send_mail on",
            "providers.d/example.toml:4: imap: found the table, expected it only where type is \"imap\" or \"google\": \
             Exchange is reached by `server`",
        ]
    );
    assert_eq!(
        read("type = \"imap\"\nserver = \"a.b\"\n[imap]\nhost = \"a.b\"\n").unwrap_err(),
        [
            "providers.d/example.toml:2: server: found the key, expected it only where type = \"exchange\", not \"imap\""
        ]
    );
}

#[test]
fn a_file_adds_to_the_built_in_provider_of_its_name() {
    let base = read(
        "type = \"imap\"\ndomains = [\"a.b\"]\nauth = \"oauth2\"\nauth_url = \"https://a.b/auth\"\n[imap]\nhost = \
         \"imap.a.b\"\n[smtp]\nhost = \"smtp.a.b\"\nsecurity = \"starttls\"\n",
    )
    .unwrap();
    let over =
        read_over(Some(&base), "client_id = \"x\"\n[imap]\nport = 10993\n[smtp]\nsecurity = \"tls\"\n")
            .unwrap();
    assert_eq!(over.domains, ["a.b"]);
    assert_eq!(over.auth, [AuthKind::OAuth2]);
    assert_eq!(over.oauth.client_id.as_deref(), Some("x"));
    assert_eq!(over.oauth.auth_url.as_deref(), Some("https://a.b/auth"));
    assert_eq!(over.imap, server("imap.a.b", 10_993, Security::Tls));
    assert_eq!(over.smtp, server("smtp.a.b", 465, Security::Tls));
}

#[test]
fn oauth_is_read_and_its_mistakes_are_told() {
    let file = |keys: &str| format!("type = \"imap\"\nauth = \"oauth2\"\n{keys}[imap]\nhost = \"a.b\"\n");
    let oauth = read(&file(
        "token_url = \"http://127.0.0.1:4711/token\"\nrevocation_url = \"https://a.b/revoke\"\n\
         userinfo_url = \"https://a.b/me\"\nredirect_host = \"localhost\"\n\
         auth_parameters = { prompt = \"consent\", access_type = \"offline\" }\n",
    ))
    .unwrap()
    .oauth;
    assert_eq!(oauth.token_url.as_deref(), Some("http://127.0.0.1:4711/token"));
    assert_eq!(oauth.redirect_host.name(), "localhost");
    let parameters = [("access_type", "offline"), ("prompt", "consent")];
    assert_eq!(oauth.auth_parameters, parameters.map(|(name, value)| (name.to_owned(), value.to_owned())));

    let wrong = "token_url = \"http://a.b/token\"\nrevocation_url = \"http://127.0.0.1/\"\n\
                 redirect_host = \"192.0.2.1\"\nauth_parameters = { prompt = 1 }\n";
    assert_eq!(
        read(&file(wrong)).unwrap_err(),
        [
            "providers.d/example.toml:3: token_url: found \"http://a.b/token\", expected an address that begins with https://, \
             or with http:// and is on this machine",
            "providers.d/example.toml:4: revocation_url: found \"http://127.0.0.1/\", expected an address that begins with \
             https://",
            "providers.d/example.toml:5: redirect_host: found \"192.0.2.1\", expected one of 127.0.0.1, localhost",
            "providers.d/example.toml:6: auth_parameters.prompt: found 1, expected a text of one line",
        ]
    );
}

#[test]
fn a_file_of_another_type_takes_nothing_from_the_built_in_provider() {
    let base = read("type = \"imap\"\ndomains = [\"a.b\"]\n[imap]\nhost = \"imap.a.b\"\n").unwrap();
    let over = read_over(Some(&base), "type = \"exchange\"\n").unwrap();
    assert_eq!((over.domains.as_slice(), over.imap), ([].as_slice(), None));
}
