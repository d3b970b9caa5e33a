//! What the machine's Postrider is given to do: accounts at a real Dovecot on this machine's loopback, one at a server that says nothing,
//! and a name server that alone knows where they are.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context, Result};
use postrider_test_support::{Certs, Dovecot};

use super::dns::Dns;
use super::machine::{Machine, wait_for};

/// How long mail may take from the server into the store.
const ARRIVAL: Duration = Duration::from_secs(60);
/// A date of IMAP's (RFC 9051, `date-time`).
const DATE: &str = " 1-Nov-2026 12:00:00 +0000";

/// An account: its name, its address, its password.
pub(super) struct Person(pub(super) &'static str, pub(super) &'static str, &'static str);

/// Whose password is a credential of systemd.
pub(super) const WORK: Person = Person("work", "work@example.com", "a secret that systemd keeps");
/// Whose password is what a program says.
pub(super) const HOME: Person = Person("home", "home@example.com", "a secret that a program says");
/// Whose server says nothing.
pub(super) const SILENT: Person = Person("silent", "silent@example.org", "-");

/// See above. Dropping it ends all of it.
pub(super) struct Scene {
    pub(super) machine: Machine,
    pub(super) dns: Dns,
    server: Dovecot,
    certs: Certs,
    silent: TcpListener,
}

impl Scene {
    /// Boots the machine and starts the servers; nothing of Postrider is there yet.
    pub(super) fn set() -> Result<Self> {
        let certs = Certs::new()?;
        let server = Dovecot::builder().user(WORK.1, WORK.2).user(HOME.1, HOME.2).tls(&certs.good).start()?;
        let scene = Self {
            machine: Machine::boot()?,
            dns: Dns::start()?,
            server,
            certs,
            // Nobody accepts: the system takes the connection, and then there is silence.
            silent: TcpListener::bind("127.0.0.1:0")?,
        };
        let resolver = format!("nameserver {}\n", scene.dns.address());
        scene.machine.write("/etc/resolv.conf", resolver.as_bytes())?;
        // The name is known to the name server alone, not to a file.
        scene.machine.shell("sed -i 's/^hosts:.*/hosts: dns/' /etc/nsswitch.conf")?;
        Ok(scene)
    }

    /// Writes the configuration of everybody.
    pub(super) fn configure(&self) -> Result<()> {
        let provider = format!(
            "type = \"imap\"\ndomains = [\"example.com\"]\n[imap]\nhost = \"localhost\"\nport = {}\n\
             [tls]\nca_file = \"/etc/postrider/ca.pem\"\n",
            self.server.imaps_addr().port()
        );
        let silent = format!(
            "type = \"imap\"\ndomains = [\"example.org\"]\n[imap]\nhost = \"localhost\"\nport = {}\n",
            self.silent.local_addr()?.port()
        );
        let machine = &self.machine;
        machine.write("/etc/postrider/ca.pem", &std::fs::read(self.certs.ca_file())?)?;
        machine.write("/etc/postrider/providers.d/here.toml", provider.as_bytes())?;
        machine.write("/etc/postrider/providers.d/nowhere.toml", silent.as_bytes())?;
        self.write_account(&WORK, "systemd_credential = \"account_work\"")?;
        self.write_secret("work", WORK.2)?;
        self.write_secret("silent", SILENT.2)?;
        self.write_account(&SILENT, "systemd_credential = \"account_silent\"")
    }

    /// Has somebody's password said by a program.
    pub(super) fn configure_command(&self) -> Result<()> {
        self.machine.write("/etc/postrider/home.password", HOME.2.as_bytes())?;
        self.write_account(
            &HOME,
            "password_command = [\"/usr/bin/head\", \"-n1\", \"/etc/postrider/home.password\"]",
        )
    }

    /// Writes the file of an account.
    pub(super) fn write_account(&self, person: &Person, credentials: &str) -> Result<()> {
        let text =
            format!("address = \"{}\"\n[credentials]\n{credentials}\n[mail]\nperiod = \"all\"\n", person.1);
        self.machine.write(&format!("/etc/postrider/accounts.d/{}.toml", person.0), text.as_bytes())
    }

    fn write_secret(&self, name: &str, secret: &str) -> Result<()> {
        let path = format!("/etc/postrider/credentials/{name}");
        self.machine.write(&path, secret.as_bytes())?;
        self.machine.say(&["chmod", "0600", &path]).map(drop)
    }

    /// Puts a message into somebody's inbox on the server.
    pub(super) fn deliver(&self, person: &Person, subject: &str) -> Result<()> {
        let message = format!(
            "From: vera@example.net\r\nTo: {}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.net>\r\n\r\nText.\r\n",
            person.1
        );
        self.server.client(person.1)?.append("INBOX", "", DATE, message.as_bytes()).map(drop)
    }

    /// Whether the store has a message of that subject.
    pub(super) fn has(&self, person: &Person, subject: &str) -> Result<bool> {
        let said = self.machine.say(&["postrider", "mail", "list", "--account", person.0, "--json"])?;
        let list: serde_json::Value = serde_json::from_str(&said).context("the listing is no JSON")?;
        let messages = list.as_array().context("the listing is no list")?;
        Ok(messages.iter().any(|message| message.get("subject").and_then(|it| it.as_str()) == Some(subject)))
    }

    /// Delivers a message and waits until the store has it.
    pub(super) fn arrives(&self, person: &Person, subject: &str) -> Result<String> {
        self.deliver(person, subject)?;
        self.comes(person, subject)
    }

    /// Waits until the store has a message.
    pub(super) fn comes(&self, person: &Person, subject: &str) -> Result<String> {
        wait_for(ARRIVAL, || self.has(person, subject).is_ok_and(|has| has).then_some(())).with_context(
            || {
                let why = self.has(person, subject).err().map(|error| format!("{error:#}; "));
                format!(
                    "{subject} of {} did not come: {}{}",
                    person.0,
                    why.unwrap_or_default(),
                    self.machine.log("postrider")
                )
            },
        )?;
        Ok(format!("the message {subject:?} of {} is in the store", person.0))
    }
}
