//! What a private Dovecot is to be like, and the `dovecot.conf` that says so. Pure: starts nothing.
//! Settings: <https://doc.dovecot.org/2.3/settings/core/>.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;

use super::{Dovecot, NOBODY};
use crate::certs::CertPair;

/// What Dovecot 2.3.19 announces after login without plugins.
const CAPABILITIES: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY \
    THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN \
    NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN \
    CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE \
    LITERAL+ NOTIFY";

/// How the server keeps mail, and with it what a folder name may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Maildir with folders as folders; `/` separates levels. The default.
    Maildir,
    /// Maildir++; `.` separates levels.
    MaildirPlusPlus,
    /// Dovecot's own, one file a message; `/` separates levels.
    Sdbox,
    /// Dovecot's own, many messages a file; `/` separates levels.
    Mdbox,
}

impl Storage {
    fn location(self) -> &'static str {
        match self {
            Self::Maildir => "maildir:~/Maildir:LAYOUT=fs",
            Self::MaildirPlusPlus => "maildir:~/Maildir",
            Self::Sdbox => "sdbox:~/sdbox",
            Self::Mdbox => "mdbox:~/mdbox",
        }
    }

    fn separator(self) -> char {
        if self == Self::MaildirPlusPlus { '.' } else { '/' }
    }
}

/// The settings of a server that is to be started.
#[derive(Debug, Clone)]
pub struct Builder {
    pub(super) plain: bool,
    pub(super) storage: Storage,
    pub(super) capability: Option<String>,
    pub(super) users: Vec<(String, String)>,
    tls: Option<CertPair>,
    compress: bool,
    rawlog: bool,
    extra: String,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            plain: true,
            storage: Storage::Maildir,
            capability: None,
            users: Vec::new(),
            tls: None,
            compress: false,
            rawlog: false,
            extra: String::new(),
        }
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// Listens with TLS too, and offers STARTTLS on the listener without.
    #[must_use]
    pub fn tls(mut self, pair: &CertPair) -> Self {
        self.tls = Some(pair.clone());
        self
    }

    /// Whether to listen without TLS (the default). Off, [`Dovecot::client`] cannot reach the server.
    #[must_use]
    pub fn plain(mut self, on: bool) -> Self {
        self.plain = on;
        self
    }

    /// Announces exactly these capabilities (`IMAP4rev1` among them); AUTH=, STARTTLS are added by Dovecot.
    #[must_use]
    pub fn capability(mut self, all: &str) -> Self {
        self.capability = Some(all.to_owned());
        self
    }

    /// Announces what Dovecot usually does, without these.
    #[must_use]
    pub fn without(self, withheld: &[&str]) -> Self {
        let kept = capabilities_without(withheld);
        self.capability(&kept)
    }

    /// Offers COMPRESS=DEFLATE (RFC 4978).
    #[must_use]
    pub fn compress(mut self, on: bool) -> Self {
        self.compress = on;
        self
    }

    /// How mail is kept.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Records what goes over each connection after login; read by [`Dovecot::rawlogs`].
    #[must_use]
    pub fn rawlog(mut self) -> Self {
        self.rawlog = true;
        self
    }

    /// Adds lines to `dovecot.conf`.
    #[must_use]
    pub fn extra(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// Where Dovecot is not installed, is not 2.3, or does not start; the message carries its log.
    pub fn start(self) -> Result<Dovecot> {
        Dovecot::launch(self)
    }

    pub(super) fn text(&self, folder: &Path, imap: u16, imaps: u16) -> Result<String> {
        let at = folder.display();
        let mut text = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\ninstance_name = private\n\
             protocols = imap\nlisten = 127.0.0.1\ndisable_plaintext_auth = no\nauth_mechanisms = plain login\n\
             auth_failure_delay = 0\nmail_max_userip_connections = 1000\ndefault_process_limit = 1000\n\
             default_client_limit = 4000\nfirst_valid_uid = 1\nmail_fsync = never\n\
             mail_location = {location}\n\
             namespace inbox {{\n  inbox = yes\n  separator = {separator}\n}}\n\
             passdb {{\n  driver = passwd-file\n  args = username_format=%u {at}/users\n}}\n",
            location = self.storage.location(),
            separator = self.storage.separator(),
        );
        text.push_str(&identity(folder)?);
        text.push_str(&services(
            if self.plain { imap } else { 0 },
            if self.tls.is_some() { imaps } else { 0 },
        ));
        match &self.tls {
            None => text.push_str("ssl = no\n"),
            Some(pair) => text.push_str(&format!(
                "ssl = yes\nssl_cert = <{}\nssl_key = <{}\n",
                pair.cert.display(),
                pair.key.display()
            )),
        }
        if self.compress {
            text.push_str("mail_plugins = zlib\nprotocol imap {\n  mail_plugins = zlib imap_zlib\n}\n");
        }
        if self.rawlog {
            text.push_str(&format!("protocol imap {{\n  rawlog_dir = {at}/rawlog\n}}\n"));
        }
        if let Some(capability) = &self.capability {
            let compress = if self.compress { " COMPRESS=DEFLATE" } else { "" };
            text.push_str(&format!("imap_capability = {capability}{compress}\n"));
        }
        text.push_str(&self.extra);
        Ok(text)
    }
}

/// What Dovecot usually announces, without `withheld`.
pub fn capabilities_without(withheld: &[&str]) -> String {
    let kept: Vec<&str> = CAPABILITIES.split(' ').filter(|name| !withheld.contains(name)).collect();
    kept.join(" ")
}

/// As whom Dovecot's processes run and mail is served.
fn identity(folder: &Path) -> Result<String> {
    let home = format!("home={}/mail/%u", folder.display());
    let userdb = |args: &str| format!("userdb {{\n  driver = static\n  args = {args}\n}}\n");
    if geteuid().is_root() {
        return Ok(userdb(&format!("uid={NOBODY} gid={NOBODY} {home}")));
    }
    let (user, group) = (id("-un")?, id("-gn")?);
    Ok(format!(
        "default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n{}",
        userdb(&home)
    ))
}

/// The listeners, and what private servers need otherwise than public ones: no chroot, no penalty for wrong
/// passwords, processes that serve more than one connection.
fn services(imap: u16, imaps: u16) -> String {
    format!(
        "service imap-login {{\n  chroot =\n  service_count = 0\n\
         inet_listener imap {{\n    port = {imap}\n  }}\n\
         inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n\
         service anvil {{\n  chroot =\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n\
         service stats {{\n  chroot =\n}}\n"
    )
}

/// The current user's name (`-un`) or group (`-gn`).
fn id(which: &str) -> Result<String> {
    let output = Command::new("id").arg(which).output().context("cannot run id")?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if name.is_empty() {
        bail!("the current user has no name, and dovecot needs one");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn withheld_capabilities_are_gone_and_their_namesakes_stay() {
        let kept = capabilities_without(&["QRESYNC", "SORT"]);
        let names: Vec<&str> = kept.split(' ').collect();
        assert!(!names.contains(&"QRESYNC") && !names.contains(&"SORT"));
        assert!(names.contains(&"CONDSTORE") && names.contains(&"SORT=DISPLAY"));
        assert!(names.iter().all(|name| !name.is_empty()));
    }
}
