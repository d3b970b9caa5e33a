//! What the server does wrong, and when.
//!
//! Each call of a head, and each page of a listing, is a step of its account with a name: `contacts.changes`, `contacts.page`,
//! `calendars.apply`. Rule: without a plan nothing goes wrong; the same plan over the same steps gives the same.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use postrider_model::{ErrorClass, Fault};

use super::Groupware;
use super::state::fold;
use crate::Trigger;

/// What happens at a step.
#[derive(Clone)]
pub enum Trouble {
    /// Nothing is done; it may pass.
    Unavailable,
    /// Nothing is done; the server wants a pause, for so many milliseconds where it says so.
    Throttled(Option<u64>),
    /// Nothing is done; the login is refused.
    LoginRefused,
    /// Nothing is done, and never will be.
    Refused,
    /// It is done, and the answer is lost.
    LoseAnswer,
    /// No answer ever comes.
    Hang,
    /// Something else happens to the server just before.
    Meanwhile(Arc<dyn Fn(&Groupware) + Send + Sync>),
}

impl Trouble {
    /// [`Trouble::Meanwhile`] from a closure.
    pub fn meanwhile(act: impl Fn(&Groupware) + Send + Sync + 'static) -> Self {
        Self::Meanwhile(Arc::new(act))
    }
}

impl fmt::Debug for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("Unavailable"),
            Self::Throttled(ms) => write!(f, "Throttled({ms:?})"),
            Self::LoginRefused => f.write_str("LoginRefused"),
            Self::Refused => f.write_str("Refused"),
            Self::LoseAnswer => f.write_str("LoseAnswer"),
            Self::Hang => f.write_str("Hang"),
            Self::Meanwhile(_) => f.write_str("Meanwhile(..)"),
        }
    }
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose account.
    pub account: String,
    /// Its name.
    pub name: &'static str,
}

#[derive(Debug, Default)]
pub(super) struct Troubles {
    plan: Vec<(Option<String>, Trigger, Trouble)>,
    steps: Vec<Step>,
    counted: BTreeMap<String, usize>,
    named: BTreeMap<(String, &'static str), usize>,
}

impl Troubles {
    pub fn add(&mut self, account: Option<&str>, when: Trigger, trouble: Trouble) {
        self.plan.push((account.map(fold), when, trouble));
    }

    /// Nothing more goes wrong, and the counting begins anew.
    pub fn end(&mut self) {
        self.plan.clear();
        self.counted.clear();
        self.named.clear();
    }

    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Counts a step; what strikes at it, in order.
    pub fn step(&mut self, account: &str, name: &'static str) -> Vec<Trouble> {
        self.steps.push(Step { account: account.to_owned(), name });
        let nth = self.counted.entry(account.to_owned()).or_default();
        *nth += 1;
        let same = self.named.entry((account.to_owned(), name)).or_default();
        *same += 1;
        let strikes = |when: &Trigger| match when {
            Trigger::Greeting => false,
            Trigger::Nth(wanted) => wanted == nth,
            Trigger::Named(wanted, count) => *wanted == name && count == same,
            Trigger::Every(wanted) => *wanted == name,
            Trigger::Always => true,
        };
        let of_account = |whose: &Option<String>| whose.as_deref().is_none_or(|whose| whose == account);
        let plan = self.plan.iter().filter(|(whose, when, _)| of_account(whose) && strikes(when));
        plan.map(|(.., trouble)| trouble.clone()).collect()
    }
}

/// How a step goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    On,
    /// It is done, and nobody hears of it.
    Unheard,
}

/// The fault of an answer that did not come.
pub(super) fn lost(name: &str) -> Fault {
    Fault::new(ErrorClass::Transient, format!("do {name}"), "the answer was lost")
}

/// Takes a step.
///
/// # Errors
/// What the plan has in store; nothing was done then.
pub(super) async fn step(server: &Groupware, account: &str, name: &'static str) -> Result<Going, Fault> {
    let troubles = server.lock().troubles.step(account, name);
    let fault = |class, cause: &str| Err(Fault::new(class, format!("do {name}"), cause));
    let mut going = Going::On;
    for trouble in troubles {
        match trouble {
            Trouble::Unavailable => return fault(ErrorClass::Transient, "the server is unavailable"),
            Trouble::Throttled(retry_after_ms) => {
                let cause = "the server wants a pause";
                let fault = Fault::new(ErrorClass::Throttled, format!("do {name}"), cause);
                return Err(Fault { retry_after_ms, ..fault });
            }
            Trouble::LoginRefused => return fault(ErrorClass::Login, "the login was refused"),
            Trouble::Refused => return fault(ErrorClass::Permanent, "the server refused it"),
            Trouble::LoseAnswer => going = Going::Unheard,
            Trouble::Hang => std::future::pending().await,
            Trouble::Meanwhile(act) => act(server),
        }
    }
    Ok(going)
}
