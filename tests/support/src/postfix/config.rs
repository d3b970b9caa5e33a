//! What a private Postfix is to be like, and the files that say so. Pure: starts nothing.
//! Settings: <https://www.postfix.org/postconf.5.html>, <https://www.postfix.org/master.5.html>.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::process::{getegid, geteuid};

use super::{NOBODY, Postfix};
use crate::certs::CertPair;
use crate::dovecot::Dovecot;

/// Postfix's processes, without those that would send anything elsewhere. No chroot: what they need is below the folder.
const SERVICES: &str = "cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
";

/// The settings of a server that is to be started.
#[derive(Debug, Clone)]
pub struct Builder {
    pub(super) auth_socket: PathBuf,
    dovecot: PathBuf,
    tls: Option<CertPair>,
    size_limit: u64,
    refused: Vec<(String, String)>,
    mailboxes: Vec<(String, String)>,
    withheld: Vec<String>,
    extra: String,
}

impl Builder {
    pub(super) fn new(logins: &Dovecot) -> Self {
        Self {
            auth_socket: logins.path().join("run").join("auth-postfix"),
            dovecot: logins.path().join("mail"),
            tls: None,
            size_limit: 50_000_000,
            refused: Vec::new(),
            mailboxes: Vec::new(),
            withheld: Vec::new(),
            extra: String::new(),
        }
    }

    /// Listens with TLS too, and offers STARTTLS on the listener without.
    #[must_use]
    pub fn tls(mut self, pair: &CertPair) -> Self {
        self.tls = Some(pair.clone());
        self
    }

    /// The largest message that it takes, in octets; told by SIZE.
    #[must_use]
    pub fn size_limit(mut self, octets: u64) -> Self {
        self.size_limit = octets;
        self
    }

    /// Refuses a recipient with this answer: `550 5.1.1 no such user`.
    #[must_use]
    pub fn refuse(mut self, address: &str, answer: &str) -> Self {
        self.refused.push((address.to_owned(), answer.to_owned()));
        self
    }

    /// Puts messages to this address into the INBOX of that user of the Dovecot, which must keep mail as Maildir.
    /// [`Postfix::delivered`] does not tell of them.
    #[must_use]
    pub fn deliver(mut self, address: &str, user: &str) -> Self {
        self.mailboxes.push((address.to_owned(), user.to_owned()));
        self
    }

    /// Does not offer these extensions (`PIPELINING`, `8BITMIME`), nor obeys them.
    #[must_use]
    pub fn without(mut self, extensions: &[&str]) -> Self {
        self.withheld.extend(extensions.iter().map(|one| one.to_ascii_lowercase()));
        self
    }

    /// Adds lines to `main.cf`.
    #[must_use]
    pub fn extra(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    /// Where Postfix is not installed, may not be started, or does not start; the message carries its log.
    pub fn start(self) -> Result<Postfix> {
        Postfix::launch(&self)
    }

    /// The files of its configuration folder.
    pub(super) fn files(&self, at: &Path, submission: u16, submissions: u16) -> [(&'static str, String); 4] {
        let refused = self.refused.iter().map(|(address, answer)| format!("{address} {answer}\n"));
        let dovecot = self.dovecot.display();
        let mailbox = |(address, user): &(String, String)| format!("{address} {dovecot}/{user}/Maildir/\n");
        [
            ("main.cf", self.main(at)),
            ("master.cf", self.master(submission, submissions)),
            ("refused", refused.collect()),
            ("mailboxes", self.mailboxes.iter().map(mailbox).collect()),
        ]
    }

    fn main(&self, at: &Path) -> String {
        let at = at.display();
        let (uid, gid) =
            if geteuid().is_root() { (NOBODY, NOBODY) } else { (geteuid().as_raw(), getegid().as_raw()) };
        let mut text = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/data\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mail.example.com\n\
             mydestination =\nmynetworks =\nlocal_recipient_maps =\nalias_maps =\n\
             default_transport = virtual\nlocal_transport = virtual\nrelay_transport = virtual\n\
             virtual_mailbox_base = /\nvirtual_mailbox_maps = texthash:{at}/etc/mailboxes, static:{at}/mail/all/\n\
             virtual_uid_maps = static:{uid}\nvirtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\n\
             virtual_mailbox_limit = 0\nmessage_size_limit = {size}\n",
            size = self.size_limit,
        );
        // What a client gets wrong is refused and not mended, and no message is touched.
        text.push_str(
            "strict_rfc821_envelopes = yes\nsmtpd_forbid_bare_newline = reject\nsmtpd_error_sleep_time = 0\n\
             local_header_rewrite_clients =\nmessage_drop_headers =\nalways_add_missing_headers = no\n\
             smtputf8_enable = yes\nqueue_run_delay = 5s\nminimal_backoff_time = 5s\n",
        );
        text.push_str(&format!(
            "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n\
             smtpd_relay_restrictions = permit_sasl_authenticated, reject\n\
             smtpd_recipient_restrictions = check_recipient_access texthash:{at}/etc/refused\n\
             smtpd_discard_ehlo_keywords = {}\n",
            self.auth_socket.display(),
            self.withheld.join(", "),
        ));
        if let Some(pair) = &self.tls {
            text.push_str(&format!(
                "smtpd_tls_security_level = may\nsmtpd_tls_auth_only = yes\n\
                 smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\n",
                pair.cert.display(),
                pair.key.display(),
            ));
        }
        text.push_str(&self.extra);
        text
    }

    fn master(&self, submission: u16, submissions: u16) -> String {
        let mut text = format!("127.0.0.1:{submission} inet n - n - - smtpd\n");
        if self.tls.is_some() {
            text.push_str(&format!(
                "127.0.0.1:{submissions} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"
            ));
        }
        text + SERVICES
    }
}
