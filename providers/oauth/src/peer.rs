//! An authorization server in memory, for tests, stricter than real ones: every request has to be as the RFCs want it, and what is not
//! stands in `violations`. It keeps the rules of a server that rotates refresh tokens: one that comes a second time ends the grant.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, Response, header};
use postrider_model::{Clock, Entropy, Timestamp};
use postrider_net::{
    Connector, Dialer, Endpoint, Io, Timeouts, TlsConnector,
    http::{AnswerLimits, answer_one},
};
use sha2::{Digest, Sha256};
use tokio::{task::JoinSet, time::Instant};
use url::{Url, form_urlencoded};

use crate::{Client, ClientSettings, Result, SecretIn};

/// `client_id` and secret in HTTP Basic, each form-encoded first (RFC 6749, section 2.3.1): `postrider:p%26+w%3A%2F`.
const BASIC: &str = "Basic cG9zdHJpZGVyOnAlMjYrdyUzQSUyRg==";
pub(crate) const SECRET: &str = "p& w:/";

/// A clock that goes with the timer.
#[derive(Debug)]
pub(crate) struct Ticking(Instant);

impl Ticking {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + i64::try_from(self.0.elapsed().as_secs()).unwrap())
    }
}

/// Chance that counts.
#[derive(Debug, Default)]
pub(crate) struct Counting(Mutex<u8>);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        for octet in buffer {
            *octet = *next;
            *next = next.wrapping_add(1);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    /// By code: challenge and redirect.
    codes: BTreeMap<String, (String, String)>,
    live_refresh: BTreeSet<String>,
    used_refresh: BTreeSet<String>,
    issued: u32,
    /// How often the person still has to be waited for, and what then comes.
    pub(crate) device_pending: VecDeque<&'static str>,
    /// Said in place of the next answers: status, further head, body.
    pub(crate) instead: VecDeque<(u16, &'static str, &'static str)>,
    /// Lifetime of access tokens in seconds.
    pub(crate) life_s: Option<u64>,
    pub(crate) id_token: Option<&'static str>,
    pub(crate) rotates: bool,
    /// Before each answer.
    pub(crate) delay: Duration,
    pub(crate) asked: Vec<(String, Duration)>,
    pub(crate) violations: Vec<String>,
}

/// The server, and the dialer that reaches it.
#[derive(Debug)]
pub(crate) struct Peer {
    book: Arc<Mutex<Book>>,
    serving: Mutex<JoinSet<()>>,
    started: Instant,
}

#[async_trait]
impl Dialer for Peer {
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>> {
        assert_eq!(to.to_string(), "localhost:80");
        let (ours, theirs) = tokio::io::duplex(512);
        let (book, started) = (self.book.clone(), self.started);
        let delay = self.book().delay;
        self.serving.lock().unwrap().spawn(async move {
            tokio::time::sleep(delay).await;
            let respond = |request| book.lock().unwrap().answer(request, started.elapsed());
            // A client that left shows in what it got.
            let _ = answer_one(Box::new(theirs), AnswerLimits::default(), respond).await;
        });
        Ok(Box::new(ours))
    }
}

impl Peer {
    pub(crate) fn new() -> Arc<Self> {
        let book = Book { life_s: Some(3_600), rotates: true, ..Book::default() };
        Arc::new(Self {
            book: Arc::new(Mutex::new(book)),
            serving: Mutex::new(JoinSet::new()),
            started: Instant::now(),
        })
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// What was asked for, by grant type or path.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.book().asked.iter().map(|(what, _)| what.clone()).collect()
    }

    pub(crate) fn settings() -> ClientSettings {
        ClientSettings {
            client_id: "postrider".to_owned(),
            client_secret: Some(SECRET.into()),
            secret_in: SecretIn::Header,
            auth_url: "https://login.test/auth?tenant=t".to_owned(),
            token_url: "http://localhost/token".to_owned(),
            device_url: Some("http://localhost/device".to_owned()),
            revocation_url: None,
            userinfo_url: Some("http://localhost/me".to_owned()),
            scopes: vec!["mail".to_owned(), "offline_access".to_owned()],
            auth_parameters: vec![("access_type".to_owned(), "offline".to_owned())],
        }
    }

    pub(crate) fn client(self: &Arc<Self>, settings: ClientSettings) -> Client {
        self.try_client(settings).unwrap()
    }

    pub(crate) fn try_client(self: &Arc<Self>, settings: ClientSettings) -> Result<Client> {
        let clock = Ticking::new();
        let tls = TlsConnector::new(Vec::new(), clock.clone());
        let connector = Connector::new(self.clone(), tls, Timeouts::default());
        Client::new(settings, connector, HeaderValue::from_static("postrider/test"), clock)
    }

    /// What server and person do with a consent's link: where the browser is sent.
    pub(crate) fn consent(&self, url: &Url) -> String {
        let said: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let expect = |name: &str, value: &str| assert_eq!(said.get(name).map(String::as_str), Some(value));
        assert_eq!((url.host_str(), url.path()), (Some("login.test"), "/auth"));
        expect("tenant", "t");
        expect("response_type", "code");
        expect("client_id", "postrider");
        expect("code_challenge_method", "S256");
        expect("scope", "mail offline_access");
        expect("access_type", "offline");
        assert!(said["state"].len() >= 43 && said["code_challenge"].len() == 43);
        assert_eq!(url.query_pairs().count(), said.len(), "said twice: {url}");
        let mut book = self.book();
        book.issued += 1;
        let code = format!("code/{}", book.issued);
        let kept = (said["code_challenge"].clone(), said["redirect_uri"].clone());
        book.codes.insert(code.clone(), kept);
        let mut back = Url::parse(&said["redirect_uri"]).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &said["state"]);
        back.into()
    }

    /// Forgets every grant.
    pub(crate) fn revoke_all(&self) {
        self.book().live_refresh.clear();
    }

    /// A refresh token that is good.
    pub(crate) fn grant(&self) -> String {
        let mut book = self.book();
        book.issued += 1;
        let token = format!("refresh-token-{:04}", book.issued);
        book.live_refresh.insert(token.clone());
        token
    }
}

impl Book {
    fn answer(&mut self, request: Request<Vec<u8>>, at: Duration) -> Response<Vec<u8>> {
        let path = request.uri().path().to_owned();
        let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        let said: BTreeMap<String, String> = form.iter().cloned().collect();
        let what = said.get("grant_type").cloned().unwrap_or_else(|| path.clone());
        self.asked.push((what.clone(), at));
        if path != "/me" {
            self.check(&request, form.len() == said.len());
        }
        if let Some((status, head, body)) = self.instead.pop_front() {
            return said_instead(status, head, body);
        }
        match what.as_str() {
            "authorization_code" => self.code(&said),
            "refresh_token" => self.refresh(&said),
            "urn:ietf:params:oauth:grant-type:device_code" => self.device_token(&said),
            "/device" => json(
                200,
                r#"{"device_code":"dev","user_code":"ABCD-EFGH","verification_uri":"https://login.test/device",
                "verification_uri_complete":"https://login.test/device?user_code=ABCD-EFGH","expires_in":600,"interval":5}"#,
            ),
            "/me" if request.headers().contains_key(header::AUTHORIZATION) => {
                json(200, r#"{"sub":"1","email":"me@mail.test"}"#)
            }
            _ => self.wrong(&format!("nothing is at {path}")),
        }
    }

    /// What holds for every request to the token endpoint.
    fn check(&mut self, request: &Request<Vec<u8>>, is_said_once: bool) {
        let head = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let has_secret_in_body = form_urlencoded::parse(request.body())
            .any(|(name, value)| name == "client_secret" && value == SECRET);
        let rules = [
            (request.method() == "POST", "not a POST"),
            (head(header::CONTENT_TYPE) == Some("application/x-www-form-urlencoded"), "not a form"),
            (head(header::ACCEPT) == Some("application/json"), "json is not accepted"),
            ((head(header::AUTHORIZATION) == Some(BASIC)) != has_secret_in_body, "client authentication"),
            (request.uri().query().is_none(), "something is in the URL"),
            (is_said_once, "something is said twice"),
        ];
        for (holds, words) in rules {
            if !holds {
                self.violations.push(words.to_owned());
            }
        }
    }

    fn wrong(&mut self, words: &str) -> Response<Vec<u8>> {
        self.violations.push(words.to_owned());
        json(400, r#"{"error":"invalid_request"}"#)
    }

    fn code(&mut self, said: &BTreeMap<String, String>) -> Response<Vec<u8>> {
        let said = |name: &str| said.get(name).map(String::as_str).unwrap_or_default();
        let Some((challenge, redirect)) = self.codes.remove(said("code")) else {
            return json(400, r#"{"error":"invalid_grant","error_description":"no such code"}"#);
        };
        if redirect != said("redirect_uri") {
            return self.wrong("another redirect");
        }
        if URL_SAFE_NO_PAD.encode(Sha256::digest(said("code_verifier"))) != challenge {
            return json(400, r#"{"error":"invalid_grant","error_description":"PKCE"}"#);
        }
        self.issue()
    }

    fn refresh(&mut self, said: &BTreeMap<String, String>) -> Response<Vec<u8>> {
        let token = said.get("refresh_token").cloned().unwrap_or_default();
        if self.used_refresh.contains(&token) {
            self.violations.push("a refresh token came twice".to_owned());
            self.live_refresh.clear();
        }
        if !self.live_refresh.contains(&token) {
            return json(400, r#"{"error":"invalid_grant","error_description":"revoked"}"#);
        }
        if self.rotates {
            self.live_refresh.remove(&token);
            self.used_refresh.insert(token);
        }
        self.issue()
    }

    fn device_token(&mut self, said: &BTreeMap<String, String>) -> Response<Vec<u8>> {
        if said.get("device_code").map(String::as_str) != Some("dev") {
            return self.wrong("another device code");
        }
        match self.device_pending.pop_front() {
            Some("hang up") => said_instead(502, "", "<html>bad gateway</html>"),
            Some(error) => json(400, &format!(r#"{{"error":"{error}"}}"#)),
            None => self.issue(),
        }
    }

    fn issue(&mut self) -> Response<Vec<u8>> {
        self.issued += 1;
        let number = self.issued;
        let mut answer = format!(r#"{{"token_type":"bearer","access_token":"access-token-{number:04}""#);
        if let Some(life) = self.life_s {
            answer += &format!(r#","expires_in":{life}"#);
        }
        if self.rotates || number < 3 {
            let token = format!("refresh-token-{number:04}");
            answer += &format!(r#","refresh_token":"{token}""#);
            self.live_refresh.insert(token);
        }
        if let Some(payload) = self.id_token {
            answer += &format!(r#","id_token":"e30.{}.c2ln""#, URL_SAFE_NO_PAD.encode(payload));
        }
        json(200, &(answer + "}"))
    }
}

fn json(status: u16, body: &str) -> Response<Vec<u8>> {
    said_instead(status, "content-type: application/json; charset=utf-8", body)
}

fn said_instead(status: u16, head: &str, body: &str) -> Response<Vec<u8>> {
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = head.split_once(": ") {
        response = response.header(name, value);
    }
    response.body(body.as_bytes().to_vec()).unwrap()
}
