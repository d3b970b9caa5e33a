//! `providers.d/NAME.toml`: a service and how to reach it (F1.1–F1.5).
//!
//! A file with the name of a built-in provider adds to it: what the file does not say stays as it was. So a file that holds no
//! more than `client_id` is a whole provider.

use std::path::PathBuf;

use super::{
    error::{ConfigWarning, Origin, quoted},
    name::{DOMAIN_FORM, HOST_FORM, Places, is_loopback, parse_domain, parse_host, parse_line},
    oauth::OAuthSettings,
    reader::Section,
};

/// What a provider offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Mail by IMAP and SMTP.
    Imap,
    /// Mail, contacts and activities by Exchange Web Services.
    Exchange,
    /// Mail by IMAP and SMTP, contacts and activities by the Google APIs.
    Google,
}

impl ProviderKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Imap, Self::Exchange, Self::Google];

    /// The kind's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Exchange => "exchange",
            Self::Google => "google",
        }
    }
}

/// How a password or a token is shown to the server (F1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// A password, or an app password.
    Basic,
    /// OAuth 2.0 (RFC 6749) by SASL XOAUTH2 or OAUTHBEARER (RFC 7628).
    OAuth2,
    /// NTLM.
    Ntlm,
    /// Negotiate (RFC 4559).
    Negotiate,
}

impl AuthKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Basic, Self::OAuth2, Self::Ntlm, Self::Negotiate];

    /// The kind's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::OAuth2 => "oauth2",
            Self::Ntlm => "ntlm",
            Self::Negotiate => "negotiate",
        }
    }
}

/// What an account logs in as (F1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginKind {
    /// The whole address.
    Email,
    /// The part of the address before the `@`.
    MailboxName,
    /// The account's `login_name`.
    Manual,
}

impl LoginKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Email, Self::MailboxName, Self::Manual];

    /// The kind's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::MailboxName => "mailbox_name",
            Self::Manual => "manual",
        }
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (RFC 8314).
    Tls,
    /// TLS after a command in the clear.
    StartTls,
    /// None.
    None,
}

impl Security {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Tls, Self::StartTls, Self::None];

    /// The kind's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }
}

/// A mail protocol with a server of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailProtocol {
    /// Reading.
    Imap,
    /// Sending.
    Smtp,
}

impl MailProtocol {
    /// The table's name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Smtp => "smtp",
        }
    }

    /// The port where none is given (F1.2; RFC 8314, sections 3.2 and 3.3).
    pub const fn default_port(self, security: Security) -> u16 {
        match (self, security) {
            (Self::Imap, Security::Tls) => 993,
            (Self::Imap, _) => 143,
            (Self::Smtp, Security::Tls) => 465,
            (Self::Smtp, _) => 587,
        }
    }
}

/// A server of a mail protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A DNS name or an IP address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
}

impl Server {
    /// Whether passwords and mail would cross a network in the clear.
    pub fn is_exposed(&self) -> bool {
        self.security == Security::None && !is_loopback(&self.host)
    }
}

/// What is special of an Exchange server (F1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeSettings {
    /// The server's host name; `None` to find it by autodiscover.
    pub server: Option<String>,
    /// Whether its accounts may load mail.
    pub load_mail: bool,
    /// Whether its accounts may send mail.
    pub send_mail: bool,
}

/// A service and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// What it offers.
    pub kind: ProviderKind,
    /// The domains whose addresses are its own, in lower case.
    pub domains: Vec<String>,
    /// What its accounts log in as.
    pub login: LoginKind,
    /// How its accounts may log in, the preferred way first.
    pub auth: Vec<AuthKind>,
    /// What OAuth 2.0 needs.
    pub oauth: OAuthSettings,
    /// The IMAP server; always there where `kind` is `imap` or `google`.
    pub imap: Option<Server>,
    /// The SMTP server, where there is one to send by.
    pub smtp: Option<Server>,
    /// What is special of an Exchange server.
    pub exchange: Option<ExchangeSettings>,
    /// A file with certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// What a person should know who logs in, such as where app passwords are made.
    pub note: Option<String>,
    /// Where it was defined.
    pub origin: Origin,
}

impl Provider {
    /// What works but that a person should know (F1.2).
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        let servers = [(MailProtocol::Imap, &self.imap), (MailProtocol::Smtp, &self.smtp)];
        let mut warnings = Vec::new();
        for (protocol, server) in servers {
            let Some(server) = server.as_ref().filter(|server| server.is_exposed()) else { continue };
            let text = format!(
                "passwords and mail go to {} ({}) in the clear, because allow_plaintext is true",
                server.host,
                protocol.name()
            );
            warnings.push(self.origin.warning(&format!("{}.security", protocol.name()), text));
        }
        warnings
    }
}

/// A provider without name and origin, which the reader of its file adds.
pub(super) struct ProviderBody {
    kind: ProviderKind,
    domains: Vec<String>,
    login: LoginKind,
    auth: Vec<AuthKind>,
    oauth: OAuthSettings,
    imap: Option<Server>,
    smtp: Option<Server>,
    exchange: Option<ExchangeSettings>,
    ca_file: Option<PathBuf>,
    note: Option<String>,
}

impl ProviderBody {
    /// The provider with its name and its origin.
    pub(super) fn into_provider(self, name: String, origin: Origin) -> Provider {
        let Self { kind, domains, login, auth, oauth, imap, smtp, exchange, ca_file, note } = self;
        Provider { name, kind, domains, login, auth, oauth, imap, smtp, exchange, ca_file, note, origin }
    }

    /// Reads the outermost table of a provider's file over the built-in provider of that name, where there is one.
    pub(super) fn parse(root: Section<'_, '_>, base: Option<&Provider>, places: &Places) -> Option<Self> {
        let kind = root.choice("type", &ProviderKind::ALL.map(|kind| (kind.name(), kind)));
        let kind = kind.or(base.filter(|_| !root.gives("type")).map(|base| base.kind));
        let kind = root.required("type", kind, "one of imap, exchange, google");
        // A file that changes the type means another service; nothing of the built-in one can be right for it.
        let base = base.filter(|base| Some(base.kind) == kind);
        let domains = root.list("domains", DOMAIN_FORM, parse_domain);
        let login = root.choice("login", &LoginKind::ALL.map(|login| (login.name(), login)));
        let auth = root.choices("auth", &AuthKind::ALL.map(|auth| (auth.name(), auth)));
        let note = root.parsed("note", "a text of one line", parse_line);
        let oauth = OAuthSettings::read(&root, places, base.map(|base| &base.oauth));
        let allow_plaintext = root.bool("allow_plaintext").unwrap_or(false);
        let ca_file = read_tls(&root, places).or(base.and_then(|base| base.ca_file.clone()));
        let kind_or_imap = kind.unwrap_or(ProviderKind::Imap);
        let exchange = read_exchange(&root, kind_or_imap, base.and_then(|base| base.exchange.as_ref()));
        let server = |protocol, base: Option<&Server>| {
            read_server(&root, kind_or_imap, protocol, base, allow_plaintext)
        };
        let imap = server(MailProtocol::Imap, base.and_then(|base| base.imap.as_ref()));
        let smtp = server(MailProtocol::Smtp, base.and_then(|base| base.smtp.as_ref()));
        root.finish();
        Some(Self {
            kind: kind?,
            domains: domains.or(base.map(|base| base.domains.clone())).unwrap_or_default(),
            login: login.or(base.map(|base| base.login)).unwrap_or(LoginKind::Email),
            auth: auth.or(base.map(|base| base.auth.clone())).unwrap_or_else(|| vec![AuthKind::Basic]),
            oauth,
            imap,
            smtp,
            exchange,
            ca_file,
            note: note.or(base.and_then(|base| base.note.clone())),
        })
    }
}

fn read_tls(root: &Section<'_, '_>, places: &Places) -> Option<PathBuf> {
    let section = root.table("tls")?;
    let ca_file = section.parsed("ca_file", "the path of a file", |text| places.path(text));
    section.finish();
    ca_file
}

fn read_exchange(
    root: &Section<'_, '_>,
    kind: ProviderKind,
    base: Option<&ExchangeSettings>,
) -> Option<ExchangeSettings> {
    let server = root.parsed("server", HOST_FORM, parse_host);
    let (load_mail, send_mail) = (root.bool("load_mail"), root.bool("send_mail"));
    if kind != ProviderKind::Exchange {
        for name in ["server", "load_mail", "send_mail"].into_iter().filter(|name| root.gives(name)) {
            let expected = format!("it only where type = \"exchange\", not \"{}\"", kind.name());
            root.error(name, "the key", expected);
        }
        return None;
    }
    let settings = ExchangeSettings {
        server: server.or(base.and_then(|base| base.server.clone())),
        load_mail: load_mail.or(base.map(|base| base.load_mail)).unwrap_or(true),
        send_mail: send_mail.or(base.map(|base| base.send_mail)).unwrap_or(true),
    };
    if !settings.load_mail && !settings.send_mail {
        root.error("load_mail", "false, as send_mail", "at least one of load_mail, send_mail on");
    }
    Some(settings)
}

fn read_server(
    root: &Section<'_, '_>,
    kind: ProviderKind,
    protocol: MailProtocol,
    base: Option<&Server>,
    allow_plaintext: bool,
) -> Option<Server> {
    let name = protocol.name();
    let section = root.table(name);
    if kind == ProviderKind::Exchange {
        if let Some(section) = section {
            section.ignore();
            root.error(
                name,
                "the table",
                "it only where type is \"imap\" or \"google\": Exchange is reached by `server`",
            );
        }
        return None;
    }
    let Some(section) = section else {
        if base.is_none() && protocol == MailProtocol::Imap && !root.gives(name) {
            root.error(name, "nothing", "a table [imap] with the server's host");
        }
        return base.cloned();
    };
    let host = section.parsed("host", HOST_FORM, parse_host);
    let host = host.or(base.filter(|_| !section.gives("host")).map(|base| base.host.clone()));
    let host = section.required("host", host, HOST_FORM);
    let security = section.choice("security", &Security::ALL.map(|security| (security.name(), security)));
    let port = section.integer("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
    let may_be_plain = section.bool("allow_plaintext").unwrap_or(false) || allow_plaintext;
    let server = host.map(|host| finish_server(host, security, port, protocol, base));
    if let Some(server) = server.as_ref().filter(|server| server.is_exposed() && !may_be_plain) {
        refuse_plaintext(&section, server);
    }
    if let Some(server) = &server {
        check_port(&section, protocol, server);
    }
    section.finish();
    server
}

/// What is not given follows: security from the built-in server, the port from the security.
fn finish_server(
    host: String,
    security: Option<Security>,
    port: Option<u16>,
    protocol: MailProtocol,
    base: Option<&Server>,
) -> Server {
    let old = base.filter(|base| security.is_none_or(|security| security == base.security));
    let security = security.or(base.map(|base| base.security)).unwrap_or(Security::Tls);
    let port = port.or(old.map(|base| base.port)).unwrap_or_else(|| protocol.default_port(security));
    Server { host, port, security }
}

fn refuse_plaintext(section: &Section<'_, '_>, server: &Server) {
    let hint = "without protection, everyone on the way reads the password and the mail; if it must be, write \
                allow_plaintext = true";
    section.error_with_hint(
        "security",
        format!("\"none\" for {}", quoted(&server.host)),
        "one of tls, starttls, since the server is not on this machine",
        Some(hint.to_owned()),
    );
}

/// The port of one kind of protection with the other kind hangs until the time-out, so it is refused at once.
fn check_port(section: &Section<'_, '_>, protocol: MailProtocol, server: &Server) {
    let of_tls = protocol.default_port(Security::Tls);
    let of_clear = protocol.default_port(Security::StartTls);
    let (is_wrong, meant) = match server.security {
        Security::Tls => (server.port == of_clear, Security::StartTls),
        Security::StartTls | Security::None => (server.port == of_tls, Security::Tls),
    };
    if is_wrong {
        section.error_with_hint(
            "port",
            format!("{} with security \"{}\"", server.port, server.security.name()),
            format!("{} or a port of the server's own", protocol.default_port(server.security)),
            Some(format!("port {} is for security = \"{}\"", server.port, meant.name())),
        );
    }
}

#[cfg(test)]
mod tests;
