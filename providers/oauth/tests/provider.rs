//! Against npm's `oidc-provider`, an authorization server that is not ours, over real sockets and TLS: every way to a consent, renewal
//! with rotation, two processes' worth of renewing at once, revocation from both sides, somebody else's consent.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests meet the real clock"
)]

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use postrider_model::{Clock, Entropy, ErrorClass, Fault, Timestamp};
use postrider_net::{
    Connector, Dialer, Endpoint, LoopbackListener, TcpDialer, Timeouts, TlsConnector,
    http::{HttpClient, HttpLimits},
};
use postrider_oauth::{
    Client, ClientSettings, Confirmed, Kept, LoopbackRedirect, MemoryTokenStore, PUBLIC_HOST, Result,
    SecretIn, StoredTokens, TokenLock, TokenService, TokenStore, Tokens,
};
use postrider_remote::AccessTokens;
use postrider_test_support::{
    Dovecot, Oidc,
    oidc::{PUBLIC_CLIENT, SECRET_CLIENT},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ME: &str = "me@mail.test";
const REDIRECT: &str = "http://127.0.0.1:4711/";
const REFRESH: &str = "refresh_token";

/// The machine's clock, set forward by so many seconds.
#[derive(Debug, Default)]
struct Wall(i64);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(passed.as_micros()).unwrap() + self.0 * 1_000_000)
    }
}

/// The machine's chance.
#[derive(Debug)]
struct Chance;

impl Entropy for Chance {
    fn fill(&self, buffer: &mut [u8]) {
        let mut urandom = std::fs::File::open("/dev/urandom").unwrap();
        std::io::Read::read_exact(&mut urandom, buffer).unwrap();
    }
}

fn settings(server: &Oidc) -> ClientSettings {
    ClientSettings {
        client_id: PUBLIC_CLIENT.to_owned(),
        client_secret: None,
        secret_in: SecretIn::Header,
        auth_url: server.auth_url(),
        token_url: server.token_url(),
        device_url: Some(server.device_url()),
        revocation_url: Some(server.revocation_url()),
        userinfo_url: Some(server.userinfo_url()),
        scopes: ["openid", "email", "mail", "offline_access"].map(str::to_owned).to_vec(),
        // Refresh tokens are for those alone who were asked (OpenID Connect Core 1.0, section 11).
        auth_parameters: vec![("prompt".to_owned(), "consent".to_owned())],
    }
}

/// A client that knows this authority, and whose clock goes before by so many seconds.
fn client_with(ca: Vec<u8>, settings: ClientSettings, ahead_s: i64) -> Client {
    let tls = TlsConnector::new(ca, Arc::new(Wall(0)));
    let connector = Connector::new(Arc::new(TcpDialer), tls, Timeouts::default());
    let agent = HeaderValue::from_static("postrider/test");
    Client::new(settings, connector, agent, Arc::new(Wall(ahead_s))).unwrap()
}

fn client_at(server: &Oidc, settings: ClientSettings, ahead_s: i64) -> Client {
    client_with(std::fs::read(server.ca_file()).unwrap(), settings, ahead_s)
}

fn client(server: &Oidc) -> Client {
    client_at(server, settings(server), 0)
}

/// Consents by a pasted redirect.
async fn consented(server: &Oidc, client: &Client, address: &str) -> Tokens {
    let consent = client.begin(REDIRECT, Some(address), &Chance).unwrap();
    let pasted = server.consent(consent.url.as_str(), address).unwrap();
    client.finish(&consent, &pasted).await.unwrap()
}

/// A service whose clock goes before by so many seconds.
fn service(server: &Oidc, store: &Shared, ahead_s: i64) -> TokenService {
    let client = client_at(server, settings(server), ahead_s);
    TokenService::new("work", client, Arc::new(store.clone()), Arc::new(Wall(ahead_s)), Arc::new(Chance))
}

fn renewals(server: &Oidc) -> u64 {
    server.counts().unwrap().get(REFRESH).copied().unwrap_or_default()
}

/// A store whose lock is one of the kernel on a file, as between processes; each clone locks a file handle of its own.
#[derive(Clone)]
struct Shared {
    tokens: MemoryTokenStore,
    folder: Arc<tempfile::TempDir>,
}

impl Shared {
    fn with(tokens: Tokens) -> Self {
        Self { tokens: MemoryTokenStore::with(tokens.into()), folder: Arc::new(tempfile::tempdir().unwrap()) }
    }
}

#[async_trait]
impl TokenStore for Shared {
    async fn lock(&self) -> Result<TokenLock> {
        let file = std::fs::File::create(self.folder.path().join("lock")).unwrap();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    async fn load(&self) -> Result<Option<Kept>> {
        // Across the kept form, as a store has it.
        let Some(kept) = self.tokens.load().await? else { return Ok(None) };
        let tokens = StoredTokens::from_secret(&kept.tokens.to_secret()?)?;
        Ok(Some(Kept { tokens, ..kept }))
    }

    async fn replace(&self, seen: Option<u64>, new: &StoredTokens) -> Result<bool> {
        self.tokens.replace(seen, new).await
    }
}

/// Whether the server takes the token for good, and for whom.
async fn opens(client: &Client, access: &SecretString) -> std::result::Result<Confirmed, Fault> {
    let tokens = Tokens {
        access: access.clone(),
        refresh: None,
        obtained_at: Timestamp(0),
        expires_at: None,
        scopes: Vec::new(),
        addresses: Vec::new(),
    };
    client.confirm(&tokens, ME).await
}

#[tokio::test]
async fn a_pasted_redirect_becomes_tokens_that_open_the_account() {
    let server = Oidc::builder().start().unwrap();
    let with_secret = ClientSettings {
        client_id: SECRET_CLIENT.0.to_owned(),
        client_secret: Some(SECRET_CLIENT.1.into()),
        ..settings(&server)
    };
    for settings in [settings(&server), with_secret] {
        let client = client_at(&server, settings, 0);
        let tokens = consented(&server, &client, ME).await;
        assert_eq!(tokens.expires_at.unwrap().millis_since(tokens.obtained_at), 3_600_000);
        assert!(tokens.refresh.is_some() && tokens.scopes.contains(&"mail".to_owned()));
        assert_eq!(tokens.addresses, [ME]);
        assert_eq!(opens(&client, &tokens.access).await.unwrap(), Confirmed::Yes);
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_a_fault_of_the_configuration() {
    let server = Oidc::builder().start().unwrap();
    let wrong = ClientSettings {
        client_id: SECRET_CLIENT.0.to_owned(),
        client_secret: Some("wrong".into()),
        ..settings(&server)
    };
    let client = client_at(&server, wrong, 0);
    let consent = client.begin(REDIRECT, None, &Chance).unwrap();
    let pasted = server.consent(consent.url.as_str(), ME).unwrap();
    let fault = client.finish(&consent, &pasted).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Config, "{fault}");
    assert!(fault.cause.starts_with("the server answered invalid_client"), "{fault}");
}

#[tokio::test]
async fn a_browser_brings_the_consent_to_this_machine() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let redirect = LoopbackRedirect::new(Box::new(LoopbackListener::bind().await.unwrap()), PUBLIC_HOST);
    let consent = client.begin(&redirect.url(), Some(ME), &Chance).unwrap();
    let location = server.consent(consent.url.as_str(), ME).unwrap();
    let target = location.strip_prefix(redirect.url().trim_end_matches('/')).expect("it is sent to us");
    let authority = redirect.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let browse = async {
        let (host, port) = authority.split_once(':').unwrap();
        let mut wire = TcpDialer.dial(&Endpoint::new(host, port.parse().unwrap())).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        wire.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        wire.read_to_string(&mut page).await.unwrap();
        page
    };
    let (answer, page) = tokio::join!(redirect.answer(&consent, Duration::from_secs(60)), browse);
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    let tokens = client.finish(&consent, answer.unwrap().expose_secret()).await.unwrap();
    assert_eq!(client.confirm(&tokens, ME).await.unwrap(), Confirmed::Yes);
}

#[tokio::test]
async fn a_code_serves_once_and_for_its_own_consent() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let [mine, other] = [(); 2].map(|()| client.begin(REDIRECT, None, &Chance).unwrap());
    let pasted = server.consent(mine.url.as_str(), ME).unwrap();
    assert!(client.finish(&other, &pasted).await.unwrap_err().cause.contains("`state`"));
    // With the state changed to the other's, only PKCE is left to stop it.
    let state = |link: &url::Url| link.query_pairs().find(|pair| pair.0 == "state").unwrap().1.into_owned();
    let forged = pasted.replace(&state(&mine.url), &state(&other.url));
    let fault = client.finish(&other, &forged).await.unwrap_err();
    assert!(fault.class == ErrorClass::Login && fault.cause.contains("invalid_grant"), "{fault}");
    let pasted = server.consent(mine.url.as_str(), ME).unwrap();
    client.finish(&mine, &pasted).await.unwrap();
    let fault = client.finish(&mine, &pasted).await.unwrap_err();
    assert!(fault.class == ErrorClass::Login && fault.cause.contains("invalid_grant"), "{fault}");
}

#[tokio::test]
async fn a_person_who_says_no_is_told_as_such() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let consent = client.begin(REDIRECT, None, &Chance).unwrap();
    let pasted = server.refuse(consent.url.as_str(), ME).unwrap();
    let fault = client.finish(&consent, &pasted).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.message()),
        (
            ErrorClass::Login,
            "cannot get the consent from localhost: the server answered access_denied: the person said no"
                .to_owned()
        )
    );
}

#[tokio::test]
async fn somebody_elses_consent_is_refused_by_name() {
    for builder in [Oidc::builder(), Oidc::builder().without_address_in_id_token()] {
        let server = builder.start().unwrap();
        let client = client(&server);
        let tokens = consented(&server, &client, "other@mail.test").await;
        let fault = client.confirm(&tokens, ME).await.unwrap_err();
        assert_eq!(
            (fault.class, fault.message()),
            (
                ErrorClass::Login,
                "cannot log in as me@mail.test: the consent came from other@mail.test".to_owned()
            )
        );
        let tokens = consented(&server, &client, "ME@mail.test").await;
        assert_eq!(client.confirm(&tokens, ME).await.unwrap(), Confirmed::Yes);
    }
}

#[tokio::test]
async fn a_device_code_becomes_tokens() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let consent = client.begin_on_device().await.unwrap();
    assert!(consent.page().starts_with(&server.issuer()));
    let page = consent.page_with_code().unwrap().to_owned();
    let person = async {
        // Once it has been asked for in vain.
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.at_device_page(&page, ME, true).unwrap();
    };
    let (tokens, ()) = tokio::join!(client.finish_on_device(&consent), person);
    let tokens = tokens.unwrap();
    assert_eq!(client.confirm(&tokens, ME).await.unwrap(), Confirmed::Yes);
    assert!(tokens.refresh.is_some());
    let polls = server.counts().unwrap()["urn:ietf:params:oauth:grant-type:device_code"];
    assert_eq!(polls, 2);
}

#[tokio::test]
async fn a_device_code_that_is_refused_ends() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let consent = client.begin_on_device().await.unwrap();
    server.at_device_page(consent.page_with_code().unwrap(), ME, false).unwrap();
    let fault = client.finish_on_device(&consent).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert!(fault.cause.starts_with("the server answered access_denied"), "{fault}");
}

#[tokio::test]
async fn renewals_rotate_and_each_token_opens_the_account() {
    let server = Oidc::builder().start().unwrap();
    let store = Shared::with(consented(&server, &client(&server), ME).await);
    let mut seen = Vec::new();
    for hour in 0..4 {
        let ahead_s = hour * 3_600;
        let token = service(&server, &store, ahead_s).token().await.unwrap();
        assert_eq!(opens(&client(&server), &token).await.unwrap(), Confirmed::Yes, "hour {hour}");
        let kept = store.load().await.unwrap().unwrap().tokens;
        let refresh = kept.refresh.unwrap().expose_secret().to_owned();
        assert!(!seen.contains(&refresh), "it was rotated");
        seen.push(refresh);
    }
    assert_eq!(renewals(&server), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_renew_at_once_lose_nothing() {
    let server = Arc::new(Oidc::builder().start().unwrap());
    let store = Shared::with(consented(&server, &client(&server), ME).await);
    let services: Vec<_> = (0..4).map(|_| Arc::new(service(&server, &store, 3_600))).collect();
    let mut calls = tokio::task::JoinSet::new();
    for service in services.iter().cycle().take(12) {
        let service = service.clone();
        calls.spawn(async move { service.token().await.unwrap().expose_secret().to_owned() });
    }
    let mut given = calls.join_all().await;
    given.dedup();
    assert_eq!(given.len(), 1, "all have the same token");
    assert_eq!(renewals(&server), 1);
    // The server ends a grant whose refresh token comes twice; it has not.
    let again = service(&server, &store, 2 * 3_600).token().await.unwrap();
    assert_eq!(opens(&client(&server), &again).await.unwrap(), Confirmed::Yes);
}

#[tokio::test]
async fn a_consent_that_was_revoked_there_is_dead_here_until_the_next() {
    let server = Oidc::builder().start().unwrap();
    let store = Shared::with(consented(&server, &client(&server), ME).await);
    let service_now = service(&server, &store, 0);
    let token = service_now.token().await.unwrap();
    server.revoke(ME).unwrap();
    assert_eq!(opens(&client(&server), &token).await.unwrap(), Confirmed::Unknown, "the server refuses it");
    let fault = service_now.after_refusal(&token).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert!(fault.cause.starts_with("the server answered invalid_grant"), "{fault}");
    for service in [&service_now, &service(&server, &store, 0)] {
        let fault = service.token().await.unwrap_err();
        assert_eq!(
            (fault.class, &*fault.cause),
            (ErrorClass::Login, "the provider no longer accepts the consent")
        );
    }
    assert_eq!(renewals(&server), 1, "it was asked once");
    let seen = store.load().await.unwrap().map(|kept| kept.generation);
    let anew = StoredTokens::from(consented(&server, &client(&server), ME).await);
    assert!(store.replace(seen, &anew).await.unwrap());
    let token = service_now.token().await.unwrap();
    assert_eq!(opens(&client(&server), &token).await.unwrap(), Confirmed::Yes);
}

#[tokio::test]
async fn what_is_revoked_here_is_worth_nothing_there() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let tokens = consented(&server, &client, ME).await;
    let stored = StoredTokens::from(tokens.clone());
    client.revoke(&stored).await.unwrap();
    client.revoke(&stored).await.expect("what is gone is revoked already");
    let store = Shared::with(tokens);
    let fault = service(&server, &store, 3_600).token().await.unwrap_err();
    assert!(fault.class == ErrorClass::Login && fault.cause.contains("invalid_grant"), "{fault}");
}

#[tokio::test]
async fn a_server_that_is_out_of_reach_or_unknown_kills_nothing() {
    let server = Oidc::builder().start().unwrap();
    let store = Shared::with(consented(&server, &client(&server), ME).await);
    let refused_by = async |client| {
        let store = Arc::new(store.clone());
        let service = TokenService::new("work", client, store, Arc::new(Wall(3_600)), Arc::new(Chance));
        service.token().await.unwrap_err().class
    };
    let unknown_authority = client_with(Vec::new(), settings(&server), 3_600);
    assert_eq!(refused_by(unknown_authority).await, ErrorClass::Permanent);
    let mut nowhere = settings(&server);
    nowhere.token_url = "https://localhost:1/token".to_owned();
    assert_eq!(refused_by(client_at(&server, nowhere, 3_600)).await, ErrorClass::Transient);
    assert!(!store.load().await.unwrap().unwrap().tokens.dead);
    service(&server, &store, 3_600).token().await.expect("the consent is as good as before");
}

/// As an IMAP server asks whom a token lets in (RFC 7662).
#[tokio::test]
async fn a_mail_server_can_ask_whose_token_it_is() {
    let server = Oidc::builder().start().unwrap();
    let client = client(&server);
    let tokens = consented(&server, &client, ME).await;
    let before = introspect(&server, &tokens.access).await;
    assert!(before.contains("\"active\":true") && before.contains("\"sub\":\"me@mail.test\""), "{before}");
    client.revoke(&tokens.clone().into()).await.unwrap();
    assert_eq!(introspect(&server, &tokens.access).await, "{\"active\":false}");
}

async fn introspect(server: &Oidc, access: &SecretString) -> String {
    let tls = TlsConnector::new(Vec::new(), Arc::new(Wall(0)));
    let connector = Connector::new(Arc::new(TcpDialer), tls, Timeouts::default());
    let agent = HeaderValue::from_static("postrider/test");
    let http = HttpClient::new(connector, Arc::new(Wall(0)), HttpLimits::default(), agent);
    let request = http::Request::post(server.introspection_url())
        .header("content-type", "application/x-www-form-urlencoded")
        // introspector:introspects
        .header("authorization", "Basic aW50cm9zcGVjdG9yOmludHJvc3BlY3Rz")
        .body(format!("token={}", access.expose_secret()).into_bytes())
        .unwrap();
    String::from_utf8(http.send(request).await.unwrap().into_body()).unwrap()
}

/// What an IMAP server answers to a login by XOAUTH2 (tagged `a`).
fn imap_login(server: &Dovecot, user: &str, access: &SecretString) -> String {
    let mut wire = std::net::TcpStream::connect(server.imap_addr()).unwrap();
    let token = access.expose_secret();
    let said = STANDARD.encode(format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"));
    std::io::Write::write_all(&mut wire, format!("a AUTHENTICATE XOAUTH2 {said}\r\n").as_bytes()).unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(wire.try_clone().unwrap()));
    loop {
        let line = lines.next().unwrap().unwrap();
        if line.starts_with("+ ") {
            // The reason, which the client has to acknowledge.
            std::io::Write::write_all(&mut wire, b"\r\n").unwrap();
        }
        if let Some(answer) = line.strip_prefix("a ") {
            return answer.split(' ').next().unwrap().to_owned();
        }
    }
}

#[tokio::test]
async fn a_real_mail_server_lets_in_by_the_tokens_of_their_user_alone() {
    let server = Oidc::builder().start().unwrap();
    let dovecot = Dovecot::builder().extra(&server.for_dovecot().unwrap()).start().unwrap();
    let client = client(&server);
    let store = Shared::with(consented(&server, &client, ME).await);
    let service = service(&server, &store, 0);
    let token = service.token().await.unwrap();
    assert_eq!(imap_login(&dovecot, ME, &token), "OK");
    assert_eq!(imap_login(&dovecot, "other@mail.test", &token), "NO");
    assert_eq!(imap_login(&dovecot, ME, &"no-such-token".into()), "NO");
    let renewed = service.after_refusal(&token).await.unwrap();
    assert_eq!(imap_login(&dovecot, ME, &renewed), "OK");
    server.revoke(ME).unwrap();
    assert_eq!(imap_login(&dovecot, ME, &renewed), "NO");
    let fault = self::service(&server, &store, 0).after_refusal(&renewed).await.unwrap_err();
    assert!(fault.class == ErrorClass::Login && fault.cause.contains("invalid_grant"), "{fault}");
}
