//! One session: who is logged in, which transaction is open, and what may be done now. Everything here is done at once,
//! without waiting.
//!
//! Rule: what a careful client would not have asked is refused, and kept as a breach.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::command::{self, Command, Malformed};
use super::content::{Announced, Content};
use super::server::{Accepted, SmtpServer};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub code: u16,
    pub lines: Vec<String>,
}

impl Reply {
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, lines: vec![text.into()] }
    }

    /// As it goes over the wire.
    pub fn octets(&self) -> Vec<u8> {
        let last = self.lines.len().saturating_sub(1);
        let line = |(at, text): (usize, &String)| {
            let mark = if at == last { ' ' } else { '-' };
            format!("{}{mark}{text}\r\n", self.code)
        };
        self.lines.iter().enumerate().map(line).collect::<String>().into_bytes()
    }
}

/// What the connection does after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Command,
    Message,
    Tls,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hello {
    None,
    Helo,
    Ehlo,
}

/// What the next line of a login is.
#[derive(Debug)]
enum Login {
    Plain,
    Name,
    Password(String),
    Bearer(&'static str),
    /// The empty response to the challenge that told the error.
    Failed(&'static str),
}

#[derive(Debug)]
struct Transaction {
    from: String,
    to: Vec<String>,
    parameters: Vec<Vec<String>>,
    announced: Announced,
}

/// One client's session.
#[derive(Debug)]
pub(super) struct Session {
    pub server: SmtpServer,
    pub connection: u64,
    hello: Hello,
    user: Option<String>,
    login: Option<Login>,
    transaction: Option<Transaction>,
    /// Whether the command at hand came before the answer to the one before it.
    pub sent_ahead: bool,
}

type Outcome = Result<Reply, Malformed>;

impl Session {
    pub fn new(server: &SmtpServer) -> Self {
        Self {
            server: server.clone(),
            connection: server.connected(),
            hello: Hello::None,
            user: None,
            login: None,
            transaction: None,
            sent_ahead: false,
        }
    }

    pub fn violated(&self, what: &str) {
        self.server.violated(self.connection, what);
    }

    /// Whether the next line belongs to a login.
    pub const fn is_logging_in(&self) -> bool {
        self.login.is_some()
    }

    /// Whether commands may follow that one before it is answered (RFC 2920, section 3.1).
    pub fn may_be_followed(&self, name: &str) -> bool {
        self.hello == Hello::Ehlo
            && self.server.config().offers("PIPELINING")
            && matches!(name, "MAIL" | "RCPT" | "RSET")
    }

    /// Does a command; a breach is kept.
    pub fn execute(&mut self, line: &str) -> (Reply, Next) {
        let outcome = command::parse(line).and_then(|command| self.obey(command));
        outcome.unwrap_or_else(|malformed| {
            self.violated(&format!("{}: {}", malformed.why, command::name(line)));
            (Reply::new(malformed.code, malformed.why), Next::Command)
        })
    }

    fn obey(&mut self, command: Command) -> Result<(Reply, Next), Malformed> {
        use Command as C;
        let (reply, next) = match command {
            C::Ehlo if !self.server.config().knows_ehlo => (Reply::new(502, "what"), Next::Command),
            C::Ehlo => (self.greet(Hello::Ehlo), Next::Command),
            C::Helo => (self.greet(Hello::Helo), Next::Command),
            C::Quit => (Reply::new(221, "2.0.0 until next time"), Next::Close),
            C::Noop => (Reply::new(250, "2.0.0 done"), Next::Command),
            C::Rset => {
                self.transaction = None;
                (Reply::new(250, "2.0.0 forgotten"), Next::Command)
            }
            C::StartTls => {
                self.needs("STARTTLS")?;
                (Reply::new(220, "begin TLS"), Next::Tls)
            }
            C::Auth { mechanism, initial } => (self.auth(&mechanism, initial.as_deref())?, Next::Command),
            C::Mail { from, parameters } => (self.mail(from, parameters)?, Next::Command),
            C::Rcpt { to, parameters } => (self.rcpt(to, parameters)?, Next::Command),
            C::Data => (self.data()?, Next::Message),
        };
        Ok((reply, next))
    }

    fn greet(&mut self, hello: Hello) -> Reply {
        self.hello = hello;
        self.transaction = None;
        let config = self.server.config();
        let mut lines = vec![config.name.clone()];
        if hello == Hello::Ehlo {
            lines.extend(config.extensions.iter().cloned());
        }
        Reply { code: 250, lines }
    }

    fn needs(&self, extension: &str) -> Result<(), Malformed> {
        let offered = self.hello == Hello::Ehlo && self.server.config().offers(extension);
        if offered { Ok(()) } else { Err(early(502, format!("{extension} is not offered"))) }
    }

    fn auth(&mut self, mechanism: &str, initial: Option<&str>) -> Outcome {
        self.needs("AUTH")?;
        if self.user.is_some() || self.transaction.is_some() {
            return Err(early(503, "AUTH a second time, or within a transaction"));
        }
        if !self.server.config().takes(mechanism) {
            return Err(early(504, format!("the mechanism {mechanism} is not offered")));
        }
        let (login, challenge) = match mechanism {
            "PLAIN" => (Login::Plain, ""),
            "LOGIN" => (Login::Name, "VXNlcm5hbWU6"),
            "OAUTHBEARER" => (Login::Bearer("OAUTHBEARER"), ""),
            _ => (Login::Bearer("XOAUTH2"), ""),
        };
        self.login = Some(login);
        match initial {
            Some(response) => Ok(self.respond(response)),
            None => Ok(Reply::new(334, challenge)),
        }
    }

    /// Takes a line of a login.
    pub fn respond(&mut self, response: &str) -> Reply {
        let decoded = STANDARD.decode(response).ok().and_then(|octets| String::from_utf8(octets).ok());
        match (self.login.take(), decoded) {
            (Some(Login::Failed(expected)), _) => {
                if response != expected {
                    self.violated(
                        "a challenge that told an error was answered in another way than is laid down",
                    );
                }
                Reply::new(535, "5.7.8 the token is not valid")
            }
            (_, _) if response == "*" => Reply::new(501, "5.7.0 given up"),
            (Some(Login::Plain), Some(text)) => match text.split('\0').collect::<Vec<_>>().as_slice() {
                ["", user, password] => self.judge_password(user, password),
                _ => self.unreadable("PLAIN"),
            },
            (Some(Login::Name), Some(name)) => {
                self.login = Some(Login::Password(name));
                Reply::new(334, "UGFzc3dvcmQ6")
            }
            (Some(Login::Password(user)), Some(password)) => self.judge_password(&user, &password),
            (Some(Login::Bearer(mechanism)), Some(text)) => self.judge_token(mechanism, &text),
            _ => self.unreadable("AUTH"),
        }
    }

    fn unreadable(&self, what: &str) -> Reply {
        self.violated(&format!("an unreadable response: {what}"));
        Reply::new(501, "5.5.2 not understood")
    }

    fn judge_password(&mut self, user: &str, password: &str) -> Reply {
        if !self.server.knows_password(user, password) {
            return Reply::new(535, "5.7.8 wrong name or password");
        }
        self.user = Some(user.to_owned());
        Reply::new(235, "2.7.0 welcome")
    }

    fn judge_token(&mut self, mechanism: &'static str, text: &str) -> Reply {
        let Some((user, token)) = bearer(mechanism, text) else { return self.unreadable(mechanism) };
        if self.server.knows_token(&user, token) {
            self.user = Some(user);
            return Reply::new(235, "2.7.0 welcome");
        }
        self.login = Some(Login::Failed(if mechanism == "XOAUTH2" { "" } else { "AQ==" }));
        Reply::new(334, STANDARD.encode(r#"{"status":"invalid_token","schemes":"bearer"}"#))
    }

    fn mail(&mut self, from: String, parameters: Vec<String>) -> Outcome {
        if self.hello == Hello::None || self.transaction.is_some() {
            return Err(early(503, "MAIL before EHLO, or within a transaction"));
        }
        let config = self.server.config();
        if config.requires_login && self.user.is_none() {
            return Err(early(530, "MAIL without a login"));
        }
        let mut announced = Announced::default();
        for parameter in &parameters {
            self.mail_parameter(parameter, &mut announced)?;
        }
        if !from.is_ascii() && !announced.utf8 {
            return Err(early(553, "an address beyond ASCII without SMTPUTF8"));
        }
        if announced.size > config.size_limit() && config.size_limit().is_some() {
            return Err(early(552, "a message larger than the limit that was told"));
        }
        if config.own_senders_only && self.user.as_ref().is_some_and(|user| *user != from) {
            return Ok(Reply::new(553, "5.7.1 you may send under your own address alone"));
        }
        self.transaction =
            Some(Transaction { from, to: Vec::new(), parameters: vec![parameters], announced });
        Ok(Reply::new(250, "2.1.0 fine"))
    }

    fn mail_parameter(&self, parameter: &str, announced: &mut Announced) -> Result<(), Malformed> {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("SIZE", size) => {
                self.needs("SIZE")?;
                announced.size = Some(size.parse().map_err(|_| early(501, "a SIZE that is no number"))?);
            }
            ("BODY", "8BITMIME") => {
                self.needs("8BITMIME")?;
                announced.eight_bit = true;
            }
            ("BODY", "7BIT") => self.needs("8BITMIME")?,
            ("SMTPUTF8", "") => {
                self.needs("SMTPUTF8")?;
                announced.utf8 = true;
            }
            ("RET", "HDRS" | "FULL") | ("ENVID", _) => self.needs("DSN")?,
            _ => return Err(early(555, "an unknown parameter of MAIL")),
        }
        Ok(())
    }

    fn rcpt(&mut self, to: String, parameters: Vec<String>) -> Outcome {
        for parameter in &parameters {
            match parameter.split_once('=') {
                Some(("NOTIFY" | "ORCPT", _)) => self.needs("DSN")?,
                _ => return Err(early(555, "an unknown parameter of RCPT")),
            }
        }
        let most = self.server.config().most_recipients;
        let refusal = self.server.refusal(&to);
        let Some(transaction) = &mut self.transaction else {
            // Who sends RCPT together with MAIL cannot know yet that MAIL will be refused.
            return if self.sent_ahead {
                Ok(Reply::new(503, "5.5.1 MAIL was refused"))
            } else {
                Err(early(503, "RCPT without MAIL"))
            };
        };
        if !to.is_ascii() && !transaction.announced.utf8 {
            return Err(early(553, "an address beyond ASCII without SMTPUTF8"));
        }
        if transaction.to.contains(&to) {
            return Err(early(550, "a recipient is named a second time"));
        }
        if let Some((code, text)) = refusal {
            return Ok(Reply::new(code, text));
        }
        if transaction.to.len() >= most {
            return Ok(Reply::new(452, "4.5.3 too many recipients"));
        }
        transaction.to.push(to);
        transaction.parameters.push(parameters);
        Ok(Reply::new(250, "2.1.5 fine"))
    }

    fn data(&self) -> Outcome {
        match &self.transaction {
            Some(transaction) if !transaction.to.is_empty() => Ok(Reply::new(354, "go on")),
            _ => Err(early(503, "DATA without a recipient")),
        }
    }

    /// Ends the open transaction without its message.
    pub fn forget(&mut self) {
        self.transaction = None;
    }

    /// Takes the message of the open transaction.
    pub fn message(&mut self, content: Content) -> Reply {
        let Some(transaction) = self.transaction.take() else {
            return Reply::new(503, "5.5.1 no transaction");
        };
        let (message, breaches) = content.finish(transaction.announced);
        if !breaches.is_empty() {
            for breach in &breaches {
                self.violated(breach);
            }
            return Reply::new(554, format!("5.6.0 {}", breaches.join("; ")));
        }
        if self.server.config().size_limit().is_some_and(|limit| message.len() as u64 > limit) {
            self.violated("a message larger than the limit that was told");
            return Reply::new(552, "5.3.4 too large");
        }
        let number = self.server.accept(Accepted {
            number: 0,
            connection: self.connection,
            user: self.user.clone(),
            from: transaction.from,
            to: transaction.to,
            parameters: transaction.parameters,
            message: message.into(),
        });
        Reply::new(250, format!("2.0.0 queued as {number}"))
    }
}

/// What the client should not have asked.
fn early(code: u16, why: impl Into<String>) -> Malformed {
    Malformed { code, why: why.into() }
}

/// User and token of a client's first response (RFC 7628, section 3.1; Google's page for XOAUTH2).
fn bearer<'t>(mechanism: &str, text: &'t str) -> Option<(String, &'t str)> {
    let inner = text.strip_suffix("\x01\x01")?;
    let mut fields = inner.split('\x01');
    let first = fields.next()?;
    let user = match mechanism {
        "XOAUTH2" => first.strip_prefix("user=")?.to_owned(),
        _ => {
            let name = first.strip_prefix("n,a=")?.strip_suffix(',')?;
            name.replace("=2C", ",").replace("=3D", "=")
        }
    };
    Some((user, fields.find_map(|field| field.strip_prefix("auth=Bearer "))?))
}
