//! After a failure, and where nothing runs by itself: until it is worth trying again, or somebody asks.

use std::time::Duration;

use postrider_model::{ErrorClass, Fault};
use tokio::time::{Instant, sleep_until};

use super::{Ask, Follower, Halt, Refused, board::BY_HAND, next_ask, stopped};
use crate::{
    config::Login,
    secrets::SecretSource,
    sync::{Delivered, Event},
};

/// After a machine slept its network takes a moment; no account waits longer than this then.
const AFTER_SLEEP: Duration = Duration::from_secs(5);

/// How a run went that somebody asked for while nothing was linked.
enum Asked {
    /// Well: the account can be followed again.
    Well,
    /// Not well, or it was not tried.
    Badly,
    /// The login was refused, and is not shown again.
    Refused(Refused),
}

impl Follower {
    /// Waits on where whoever followed this account before waited. Answers whether to go on.
    pub(super) async fn resume(&mut self) -> bool {
        let Some(halt) = self.seat.halt().filter(|_| !self.is_by_hand()) else { return true };
        self.failures = halt.failures;
        let refused = halt.refused();
        match refused.is_some() && self.has_another_login(refused.as_ref()).await {
            true => {
                self.seat.set_halt(None);
                true
            }
            false => self.halt(halt).await,
        }
    }

    /// Waits after a failure. Answers whether to go on.
    pub(super) async fn wait(&mut self, fault: Fault, pause: Option<Duration>) -> bool {
        let until = pause.map(|pause| Instant::now() + pause);
        let mark = match until {
            Some(_) => None,
            None => self.refused_mark().await,
        };
        // Whoever is to stop has been replaced, perhaps by one with another login.
        if *self.news.stopping.borrow() {
            return false;
        }
        self.halt(Halt { fault, until, mark, failures: self.failures }).await
    }

    async fn halt(&mut self, halt: Halt) -> bool {
        self.keep(&halt);
        let go_on = self.stand(halt).await;
        if go_on {
            self.seat.set_halt(None);
        }
        go_on
    }

    async fn stand(&mut self, halt: Halt) -> bool {
        // A server's own wish holds after a sleep too.
        let may_hurry = halt.fault.class != ErrorClass::Throttled && halt.fault.retry_after_ms.is_none();
        let mut due = halt.until.unwrap_or_else(|| Instant::now() + self.interval());
        let mut refused = halt.refused();
        loop {
            let (phase, next) = match &refused {
                Some(_) => ("stopped", None),
                None => ("paused", Some(self.together.wall_time(due))),
            };
            self.seat.enter(phase, next);
            tokio::select! {
                biased;
                () = stopped(&mut self.news.stopping) => return false,
                ask = next_ask(&mut self.asks) => match self.run_for(ask, refused.as_ref()).await {
                    Asked::Well => return true,
                    Asked::Badly => {}
                    Asked::Refused(now) => {
                        self.keep(&Halt::of(now.clone(), self.failures));
                        refused = Some(now);
                        due = Instant::now() + self.interval();
                    }
                },
                () = self.seat.pending.has_ended() => self.tell_of_sending(),
                () = self.news.resumed.heard(), if refused.is_none() && may_hurry => {
                    due = due.min(Instant::now() + AFTER_SLEEP);
                }
                // A program that gives passwords is not run for every change of somebody's mail.
                () = self.news.changed.heard(), if refused.is_some() && !self.asks_a_program() => {
                    if self.has_another_login(refused.as_ref()).await {
                        return true;
                    }
                }
                () = sleep_until(due) => {
                    if refused.is_none() || self.has_another_login(refused.as_ref()).await {
                        return true;
                    }
                    due = Instant::now() + self.interval();
                }
            }
        }
    }

    /// Waits where nothing runs by itself. Answers whether to go on.
    pub(super) async fn idle(&mut self) -> bool {
        let mut refused = self.seat.halt().and_then(|halt| halt.refused());
        loop {
            self.seat.enter(BY_HAND, None);
            tokio::select! {
                biased;
                () = stopped(&mut self.news.stopping) => return false,
                ask = next_ask(&mut self.asks) => match self.run_for(ask, refused.as_ref()).await {
                    Asked::Well => {
                        self.seat.set_halt(None);
                        refused = None;
                    }
                    Asked::Badly => {}
                    Asked::Refused(now) => {
                        self.keep(&Halt::of(now.clone(), self.failures));
                        refused = Some(now);
                    }
                },
                () = self.seat.pending.has_ended() => self.tell_of_sending(),
            }
        }
    }

    /// What keeps from the account's servers outlives this follower, unless it is being replaced: whoever comes after it may have others.
    fn keep(&self, halt: &Halt) {
        if !*self.news.stopping.borrow() {
            self.seat.set_halt(Some(halt.clone()));
        }
    }

    /// Tells what became of a message that took its time. The copy in Sent is for the next run to make.
    fn tell_of_sending(&self) {
        let delivered = Delivered::meanwhile(&self.seat.pending);
        delivered.warnings.iter().for_each(|warning| self.warn(warning));
        delivered.faults.iter().for_each(|fault| self.warn(&fault.message()));
    }

    /// Whether the login that was refused has been replaced. Asks no server.
    pub(super) async fn has_another_login(&self, refused: Option<&Refused>) -> bool {
        let mark = self.login_mark().await;
        mark.is_some() && refused.is_none_or(|refused| refused.mark != mark)
    }

    /// A run that somebody asked for while nothing is linked.
    async fn run_for(&mut self, ask: Ask, refused: Option<&Refused>) -> Asked {
        if let Some(refused) = refused
            && !self.has_another_login(Some(refused)).await
        {
            self.answer_failed(ask, &refused.fault);
            return Asked::Badly;
        }
        let mark = self.login_mark().await;
        self.seat.enter("running", None);
        let _turn = self.seat.turn().await;
        let Ok(_permit) = self.together.running.acquire().await else { return Asked::Badly };
        let service = self.service.clone();
        let mut session = self.session(&service, &ask.request);
        session.run = ask.run;
        let (report, plan) = session.run_once(&self.name).await;
        if !ask.request.dry_run {
            self.tell(Event::Ran { run: ask.run, report: &report });
        }
        let outcome = match &report.error {
            None => Asked::Well,
            Some(error) if error.class == ErrorClass::Login => {
                let fault = Fault { hint: error.hint.clone(), ..refusal(&self.name) };
                Asked::Refused(Refused { fault, mark })
            }
            Some(_) => Asked::Badly,
        };
        // Whoever asked may have left.
        let _ = ask.answer.send((report, plan));
        outcome
    }

    /// Whether nothing runs by itself.
    fn is_by_hand(&self) -> bool {
        self.asks.is_some() && self.service.config.ready(&self.name).is_ok_and(|account| !account.mail.auto)
    }

    fn asks_a_program(&self) -> bool {
        let login = self.service.config.ready(&self.name).map(|account| account.login);
        matches!(login, Ok(Login::Password(SecretSource::Command(_))))
    }
}

/// What is told of a login that is not shown again.
fn refusal(account: &str) -> Fault {
    Fault::new(
        ErrorClass::Login,
        format!("run account {account}"),
        "its login was refused, and is not tried again before it is another",
    )
}
