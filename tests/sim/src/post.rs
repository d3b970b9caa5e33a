//! What is sent beside a daemon: messages that people write, servers that take them, and what may become of each (I9).
//!
//! Rule: each message goes out once, and then its one copy stands in Sent. Where a server took it and nobody heard of that, a person
//! knows by asking whoever should have got it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Result, ensure};
use postrider::service::{MailParts, NewMail};
use postrider_fake::{
    Then, Trigger,
    smtp::{SmtpAction, SmtpConfig, SmtpPlan, SmtpServer},
};
use postrider_model::OutboxId;
use postrider_net::Endpoint;

use crate::{both::Letter, chance::Chance, machine::Machine, person::People};

/// A message that somebody wrote.
#[derive(Debug)]
struct Written {
    id: OutboxId,
    letter: Letter,
    bytes: Vec<u8>,
}

/// Everybody who takes mail, and all that was written.
#[derive(Debug, Default)]
pub struct Post {
    servers: BTreeMap<String, (Endpoint, SmtpServer)>,
    written: Vec<Written>,
    /// Accounts of which the server was told to refuse the login.
    refuses_login: BTreeSet<String>,
}

impl Post {
    /// Has some of the accounts send.
    ///
    /// # Errors
    /// Where the machine fails.
    pub fn furnish(machine: &mut Machine, chance: &mut Chance) -> Result<Self> {
        let mut post = Self::default();
        for number in 0..machine.mailboxes.len() {
            if chance.percent(50) {
                let server = SmtpServer::new(SmtpConfig::default());
                let at = machine.let_send(number, &server)?;
                if let Some((mailbox, at)) = machine.mailboxes.get(number).zip(at) {
                    post.servers.insert(mailbox.account.clone(), (at, server));
                }
            }
        }
        Ok(post)
    }

    /// A person writes a message; nothing where no account sends.
    ///
    /// # Errors
    /// What the program says.
    pub fn write(&mut self, machine: &Machine, people: &People, chance: &mut Chance) -> Result<()> {
        let accounts: Vec<&String> = self.servers.keys().collect();
        let Some(account) = chance.pick(&accounts).copied() else { return Ok(()) };
        let number = self.written.len();
        let mail = NewMail::Parts(Box::new(MailParts {
            to: vec!["bert@example.org".to_owned()],
            subject: Some(format!("written {number}")),
            text: Some(format!("number {number}\n")),
            ..MailParts::default()
        }));
        let mut service = machine.service()?;
        let caller = service.owner();
        let id = service.queue_mail(&caller, account, mail)?;
        let bytes = service.outgoing_bytes(&caller, id)?;
        machine.trace().step(|| format!("a person writes {id} in {account}"));
        let letter = (account.clone(), *blake3::hash(&bytes).as_bytes());
        people.wishes().sent(&letter);
        self.written.push(Written { id, letter, bytes });
        Ok(())
    }

    /// Trouble begins with some of those who take mail.
    pub fn gather(&mut self, machine: &Machine, chance: &mut Chance) {
        for (account, (at, _)) in &self.servers {
            if chance.percent(60) {
                let (plan, refuses_login) = plan(chance);
                machine.trace().step(|| format!("{at}: {plan:?}"));
                machine.post().plan_every(at, plan);
                if refuses_login {
                    self.refuses_login.insert(account.clone());
                }
            }
        }
    }

    /// All trouble ends; answers for which accounts another login is needed.
    pub fn clear_up(&mut self, machine: &Machine) -> BTreeSet<String> {
        for (at, _) in self.servers.values() {
            machine.post().plan_every(at, SmtpPlan::none());
        }
        std::mem::take(&mut self.refuses_login)
    }

    /// An account's server takes another password from now on.
    pub fn set_password(&self, account: &str, password: &str) {
        if let Some((_, server)) = self.servers.get(account) {
            server.add_user(&format!("{account}@example.com"), password);
        }
    }

    fn times_out(&self, one: &Written) -> usize {
        let accepted =
            self.servers.get(&one.letter.0).map(|(_, server)| server.accepted()).unwrap_or_default();
        accepted.iter().filter(|accepted| *accepted.message == *one.bytes).count()
    }

    /// A person tells the program what became of those of which nobody knows.
    ///
    /// # Errors
    /// What the program says.
    pub fn answer(&mut self, machine: &Machine, people: &People) -> Result<()> {
        let mut service = machine.service()?;
        let caller = service.owner();
        for nth in 0..self.written.len() {
            let Some(one) = self.written.get(nth) else { continue };
            if service.entry(&caller, one.id)?.state != "uncertain" {
                continue;
            }
            let is_out = self.times_out(one) > 0;
            machine.trace().step(|| format!("a person knows whether {} went out: {is_out}", one.id));
            match is_out {
                false => {
                    let again = service.retry_outgoing(&caller, one.id)?.id;
                    self.written.iter_mut().skip(nth).take(1).for_each(|one| one.id = again);
                }
                true => {
                    // Nobody puts a copy into Sent any more.
                    people.wishes().may_be_missing(&one.letter);
                    drop(service.drop_outgoing(&caller, one.id)?);
                }
            }
        }
        Ok(())
    }

    /// Nothing went out twice.
    ///
    /// # Errors
    /// What did.
    pub fn none_twice(&self) -> Result<()> {
        for one in &self.written {
            let times = self.times_out(one);
            ensure!(times <= 1, "I9: {} went out {times} times", one.id);
        }
        Ok(())
    }

    /// All that was written went out, once, and the program knows.
    ///
    /// # Errors
    /// What did not.
    pub fn all_is_out(&self, machine: &Machine) -> Result<()> {
        let service = machine.service()?;
        let caller = service.owner();
        for one in &self.written {
            let (times, entry) = (self.times_out(one), service.entry(&caller, one.id)?);
            ensure!(times == 1, "{} went out {times} times after all trouble is over: {entry:?}", one.id);
            let is_known = entry.state == "dropped" || entry.state == "sent" && entry.filed;
            ensure!(is_known, "it is out, and the program does not know, or has no copy: {entry:?}");
        }
        for (account, (_, server)) in &self.servers {
            let violations = server.violations();
            ensure!(violations.is_empty(), "{account} broke the rules of sending: {violations:?}");
        }
        Ok(())
    }
}

/// What every connection meets for a while; whether the login is refused by it.
fn plan(chance: &mut Chance) -> (SmtpPlan, bool) {
    let then = if chance.percent(50) { Then::Close } else { Then::Hang };
    let command = chance.pick(&["EHLO", "MAIL", "RCPT", "DATA", "BODY", "BODY"]).copied().unwrap_or("BODY");
    let (command, action) = match chance.below(9) {
        0 => (command, SmtpAction::Refuse(421, "4.3.2 the system goes down")),
        1 => (command, SmtpAction::Refuse(451, "4.3.0 try again later")),
        2 => (command, SmtpAction::Silence(then)),
        3 => ("DATA", SmtpAction::CutMessage(chance.below(300), then)),
        4 => ("BODY", SmtpAction::Delay(Duration::from_secs(chance.below(20)))),
        5 => ("AUTH", SmtpAction::Refuse(535, "5.7.8 authentication failed")),
        _ => ("BODY", SmtpAction::LoseAnswer(then)),
    };
    (SmtpPlan::none().on(Trigger::Named(command, 1), action), command == "AUTH")
}
