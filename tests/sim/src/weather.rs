//! What goes wrong around a daemon, for minutes or hours, and how it clears up: each connection that is made meanwhile has its faults, of
//! those that [`crate::trouble`] knows and of those that only a watch meets; servers stop, refuse logins; the cable is pulled.

use std::collections::BTreeSet;

use anyhow::Result;
use postrider_fake::{Action, FaultPlan, Then, Trigger, Truce, faults::codes};

use crate::{
    chance::Chance,
    machine::{Machine, Mailbox},
    person::People,
    post::Post,
    trouble::{self, Trouble},
    watcher::Watcher,
};

/// Connections that may have a fault each, from the moment on at which trouble begins.
const CONNECTIONS: usize = 8;

/// What is wrong now.
#[derive(Debug, Default)]
pub struct Weather {
    truce: Truce,
    /// Accounts of which the server took another password than the program knows.
    locked_out: BTreeSet<String>,
    /// How often passwords were changed.
    passwords: u64,
}

impl Weather {
    /// Trouble begins with some accounts; whether a server tells what is not so.
    pub fn gather(&mut self, machine: &Machine, people: &People, chance: &mut Chance) -> bool {
        let mut drawn = Trouble::default();
        for mailbox in &machine.mailboxes {
            if chance.percent(60) {
                self.brew(machine, mailbox, people, chance, &mut drawn);
            }
        }
        drawn.lies
    }

    fn brew(
        &self,
        machine: &Machine,
        mailbox: &Mailbox,
        people: &People,
        chance: &mut Chance,
        drawn: &mut Trouble,
    ) {
        let (net, trace, at) = (machine.net(), machine.trace(), &mailbox.at);
        if chance.percent(15) {
            trace.step(|| format!("{at} refuses connections"));
            net.refuse(at, true);
        }
        let dialled = net.dialled(at);
        for nth in 1..=CONNECTIONS {
            if chance.percent(50) {
                let plan = match chance.percent(30) {
                    true => of_a_watch(chance),
                    false => trouble::plan(mailbox, people, chance, drawn),
                };
                trace.step(|| format!("{at} connection {nth}: {plan:?}"));
                net.plan(at, dialled + nth, plan.until(&self.truce));
            }
        }
        match chance.below(4) {
            0 => self.stop(machine, mailbox),
            1 => pull_the_cable(machine),
            _ => {}
        }
    }

    /// A server is stopped and started.
    pub fn stop(&self, machine: &Machine, mailbox: &Mailbox) {
        machine.trace().step(|| format!("{} is stopped and started", mailbox.at));
        machine.net().cut(&mailbox.at);
    }

    /// A server takes another password from now on.
    pub fn lock_out(&mut self, machine: &Machine, mailbox: &Mailbox) {
        self.passwords += 1;
        let password = format!("password {}", self.passwords);
        machine.trace().step(|| format!("{} takes {password:?}", mailbox.account));
        mailbox.server.add_user(&address(mailbox), &password);
        self.locked_out.insert(mailbox.account.clone());
    }

    /// All trouble ends, also for connections that are open; where a login was refused, the program is told another.
    ///
    /// # Errors
    /// Where it cannot be told.
    pub fn clear_up(&mut self, machine: &Machine, post: &mut Post, watcher: &Watcher) -> Result<()> {
        machine.trace().step(|| "all trouble is over".to_owned());
        std::mem::take(&mut self.truce).call();
        self.locked_out.extend(post.clear_up(machine));
        for mailbox in &machine.mailboxes {
            machine.net().refuse(&mailbox.at, false);
            let account = &mailbox.account;
            if self.locked_out.remove(account) || watcher.is_stopped(account) {
                self.passwords += 1;
                let password = format!("password {}", self.passwords);
                mailbox.server.add_user(&address(mailbox), &password);
                post.set_password(account, &password);
                machine.write_password(account, &password)?;
            }
        }
        Ok(())
    }
}

/// Every connection that is open is dead, and nobody tells its ends.
pub fn pull_the_cable(machine: &Machine) {
    machine.trace().step(|| "the cable is pulled, and put in again".to_owned());
    machine.cable().pull();
}

/// The machine sleeps for so many seconds: what was open is dead, and only the clock on the wall goes on.
pub fn sleep(machine: &Machine, seconds: i64) {
    machine.trace().step(|| format!("the machine sleeps for {seconds} s"));
    machine.cable().pull();
    machine.clock().set_forward(seconds);
}

fn address(mailbox: &Mailbox) -> String {
    format!("{}@example.com", mailbox.account)
}

/// What a connection may meet that watches.
fn of_a_watch(chance: &mut Chance) -> FaultPlan {
    let then = if chance.percent(50) { Then::Close } else { Then::Hang };
    let command = chance.pick(&["IDLE", "IDLE", "NOTIFY", "LOGIN"]).copied().unwrap_or("IDLE");
    let action = match chance.below(7) {
        0 | 1 => Action::DeafIdle,
        2 => Action::Silence(then),
        3 => Action::Bye("the server is shutting down"),
        4 => Action::No(codes::LIMIT),
        5 => Action::No(codes::THROTTLED_WITH_DELAY),
        _ => Action::No(codes::AUTHENTICATION_FAILED),
    };
    let refuses_login = matches!(&action, Action::No(text) if *text == codes::AUTHENTICATION_FAILED);
    let command = if refuses_login { "LOGIN" } else { command };
    FaultPlan::none().on(Trigger::Named(command, chance.between(1, 2) as usize), action)
}
