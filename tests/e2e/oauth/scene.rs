//! An authorization server that is not ours, a Dovecot that asks it whose a token is, a Postfix that asks the Dovecot, and a home with an
//! account for them that has no password.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use postrider::secrets::{CommandContext, KEY_FILE, Purpose, Resolver, TOKENS_FIELD};
use postrider_model::Timestamp;
use postrider_oauth::StoredTokens;
use postrider_store::{Options, Store};
use postrider_test_support::oidc::{self, PUBLIC_CLIENT};
use postrider_test_support::{Delivery, Dovecot, Home, Oidc, Postfix, Proxy, postfix};
use secrecy::ExposeSecret;

use crate::scene::{ACCOUNT, Answer, USER, letter, postrider, run_in};

/// As [`Scene::new`], and what is to be changed of it.
pub struct Shape {
    pub oidc: oidc::Builder,
    /// The login mechanisms that the Dovecot offers.
    pub mechanisms: &'static str,
    /// Lines for the provider's file.
    pub provider: &'static str,
    /// Whether there is a server to send by.
    pub sends: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self { oidc: Oidc::builder(), mechanisms: "xoauth2 oauthbearer", provider: "", sends: false }
    }
}

pub struct Scene {
    pub home: Home,
    /// Before the Dovecot.
    pub proxy: Proxy,
    pub postfix: Option<Postfix>,
    pub dovecot: Dovecot,
    pub oidc: Oidc,
}

impl Scene {
    pub fn new() -> Self {
        Self::of(Shape::default())
    }

    pub fn of(shape: Shape) -> Self {
        let oidc = shape.oidc.start().unwrap();
        let mechanisms = oidc
            .for_dovecot()
            .unwrap()
            .replace("plain login xoauth2 oauthbearer", &format!("plain {}", shape.mechanisms));
        let dovecot = Dovecot::builder()
            .user("nobody@example.com", "of no use")
            .extra(&mechanisms)
            .extra(postfix::AUTH_LISTENER)
            .start()
            .unwrap();
        dovecot.fill(USER, "INBOX", (0..3).map(|at| Delivery::new(letter(&format!("letter {at}"))))).unwrap();
        let postfix = shape.sends.then(|| Postfix::builder(&dovecot).start().unwrap());
        let proxy = Proxy::start(dovecot.imap_addr(), Duration::ZERO).unwrap();
        let scene = Self { home: Home::new().unwrap(), proxy, postfix, dovecot, oidc };
        scene.write_provider(PUBLIC_CLIENT, shape.provider);
        scene
    }

    /// Writes the provider's file, with that client id (none where it is empty) and more lines.
    pub fn write_provider(&self, client_id: &str, more: &str) {
        let oidc = &self.oidc;
        let client = match client_id {
            "" => String::new(),
            id => format!("client_id = \"{id}\"\n"),
        };
        let smtp = self.postfix.as_ref().map(|postfix| {
            let port = postfix.submission_addr().port();
            format!("[smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n")
        });
        let file = format!(
            "type = \"imap\"\ndomains = [\"example.com\"]\nauth = \"oauth2\"\n{client}auth_url = \"{}\"\n\
             token_url = \"{}\"\ndevice_url = \"{}\"\nrevocation_url = \"{}\"\nuserinfo_url = \"{}\"\n\
             scopes = [\"openid\", \"email\", \"mail\", \"offline_access\"]\n\
             auth_parameters = {{ prompt = \"consent\" }}\n{more}\
             [imap]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n{}[tls]\nca_file = \"{}\"\n",
            oidc.auth_url(),
            oidc.token_url(),
            oidc.device_url(),
            oidc.revocation_url(),
            oidc.userinfo_url(),
            self.proxy.addr().port(),
            smtp.unwrap_or_default(),
            oidc.ca_file().display(),
        );
        self.home.write_config("providers.d/here.toml", &file).unwrap();
    }

    /// Writes the account's file. It names no password.
    pub fn write_account(&self) {
        let file = format!(
            "address = \"{USER}\"\nprovider = \"here\"\n[mail]\nsend = {}\nperiod = \"all\"\n",
            self.postfix.is_some()
        );
        self.home.write_config(&format!("accounts.d/{ACCOUNT}.toml"), &file).unwrap();
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(postrider());
        command.args(arguments);
        command
    }

    /// Runs it until it shows a link.
    pub fn asked(&self, arguments: &[&str]) -> Asked {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut asked = Asked::of(command.spawn().unwrap());
        while asked.link.is_empty() {
            let from = asked.said.len();
            if asked.stderr.read_line(&mut asked.said).unwrap() == 0 {
                panic!("it showed no link: {:?}", asked.end());
            }
            let line = asked.said[from..].trim();
            if line.starts_with("https://") {
                asked.link = line.to_owned();
            }
        }
        asked
    }

    /// Consents for the account as that person, by a pasted address.
    pub fn consent_as(&self, address: &str, arguments: &[&str]) -> Answer {
        let asked = self.asked(arguments);
        let location = self.oidc.consent(&asked.link, address).unwrap();
        asked.paste(&location)
    }

    /// The account, with a consent of its own.
    pub fn logged_in(self) -> Self {
        self.write_account();
        self.consent_as(USER, &["account", "login", ACCOUNT, "--paste"]).ok();
        self
    }

    /// How often a refresh token came to the authorization server.
    pub fn renewals(&self) -> u64 {
        self.oidc.counts().unwrap().get("refresh_token").copied().unwrap_or_default()
    }

    /// How often anything came to the token endpoint.
    pub fn requests(&self) -> u64 {
        self.oidc.counts().unwrap().values().sum()
    }

    /// The tokens that the store keeps, as text.
    pub fn tokens(&self) -> Option<[String; 2]> {
        let store = Store::open(&Options::new(self.home.store(), [0; 16], Timestamp(0))).unwrap();
        let kept = store.reader().unwrap().tokens(ACCOUNT).unwrap()?;
        let resolver = Resolver {
            credentials: None,
            owner_uid: rustix::process::geteuid().as_raw(),
            command: CommandContext { path: "/usr/bin:/bin".into(), home: None },
            key_file: self.home.store().join(KEY_FILE),
        };
        let given_for = kept.given_for.as_deref();
        let purpose = Purpose { account: ACCOUNT, field: TOKENS_FIELD, given_for };
        let secret = resolver.open(purpose, &kept.sealed).unwrap();
        let tokens = StoredTokens::from_secret(&secret).unwrap();
        Some([tokens.access, tokens.refresh.unwrap()].map(|token| token.expose_secret().to_owned()))
    }

    /// The files of the store, with what is in them.
    pub fn stored(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = fs::read_dir(self.home.store()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

/// What the servers thought of it, where a test fails.
impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "Dovecot's log: {}\nthe authorization server's log: {}",
                self.dovecot.log(),
                self.oidc.log()
            );
        }
    }
}

/// The program, waiting for a consent.
pub struct Asked {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    /// What it shows to be opened.
    pub link: String,
}

impl Asked {
    fn of(mut child: Child) -> Self {
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new(), link: String::new() }
    }

    /// Types a line into it, and waits for its end.
    pub fn paste(mut self, line: &str) -> Answer {
        // It may not want it any more.
        let _ = self.child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes());
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Answer {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: self.said,
        }
    }
}

/// Opens an address of this machine as a browser does; answers with the page.
pub fn browse(location: &str) -> String {
    let rest = location.strip_prefix("http://").unwrap();
    let (authority, target) = rest.split_once('/').unwrap();
    let port = authority.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut wire = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(wire, "GET /{target} HTTP/1.1\r\nHost: {authority}\r\n\r\n").unwrap();
    let mut page = String::new();
    wire.read_to_string(&mut page).unwrap();
    page
}
