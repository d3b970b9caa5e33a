//! After a failure, and where nothing runs by itself: until it is worth trying again, or somebody asks.

use std::time::Duration;

use postrider_model::{ErrorClass, Fault, Timestamp};
use tokio::time::{Instant, sleep_until};

use super::{Ask, Follower, Refused, next_ask, stopped};
use crate::{config::Login, secrets::SecretSource};

/// After a machine slept its network takes a moment; no account waits longer than this then.
const AFTER_SLEEP: Duration = Duration::from_secs(5);

impl Follower {
    /// Waits after a failure. Answers whether to go on.
    pub(super) async fn wait(&mut self, fault: Fault, pause: Option<Duration>) -> bool {
        let begun = Instant::now();
        let refused = match pause {
            Some(_) => None,
            None => Some(Refused { mark: self.refused_mark().await, fault }),
        };
        let mut due = begun + pause.unwrap_or_else(|| self.interval());
        loop {
            let (phase, next) = match &refused {
                Some(_) => ("stopped", None),
                None => ("paused", Some(self.wall_time(due))),
            };
            self.seat.enter(phase, next);
            tokio::select! {
                biased;
                () = stopped(&mut self.news.stopping) => return false,
                ask = next_ask(&mut self.asks) => {
                    if self.run_for(ask, refused.as_ref()).await {
                        return true;
                    }
                }
                () = self.news.resumed.heard(), if refused.is_none() => {
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
        loop {
            self.seat.enter("by hand", None);
            tokio::select! {
                biased;
                () = stopped(&mut self.news.stopping) => return false,
                ask = next_ask(&mut self.asks) => drop(self.run_for(ask, None).await),
            }
        }
    }

    /// Whether the login that was refused has been replaced. Asks no server.
    pub(super) async fn has_another_login(&self, refused: Option<&Refused>) -> bool {
        let mark = self.login_mark().await;
        mark.is_some() && refused.is_none_or(|refused| refused.mark != mark)
    }

    fn asks_a_program(&self) -> bool {
        let login = self.service.config.ready(&self.name).map(|account| account.login);
        matches!(login, Ok(Login::Password(SecretSource::Command(_))))
    }

    /// A run that somebody asked for while nothing is linked. Answers whether it went well enough to be followed again.
    async fn run_for(&mut self, ask: Ask, refused: Option<&Refused>) -> bool {
        if let Some(refused) = refused
            && !self.has_another_login(Some(refused)).await
        {
            self.answer_failed(ask, &refused.fault);
            return false;
        }
        self.seat.enter("running", None);
        let _turn = self.seat.turn().await;
        let Ok(_permit) = self.together.running.acquire().await else { return false };
        let service = self.service.clone();
        let mut session = self.session(&service, &ask.request);
        session.run = ask.run;
        let (report, plan) = session.run_once(&self.name).await;
        let stops = report.error.as_ref().is_some_and(|error| error.class == ErrorClass::Login);
        let goes = report.error.is_none();
        if !ask.request.dry_run {
            self.tell(crate::sync::Event::Ran { run: ask.run, report: &report });
        }
        let _ = ask.answer.send((report, plan));
        goes && !stops
    }

    /// When that moment will be by the clock on the wall.
    pub(super) fn wall_time(&self, due: Instant) -> Timestamp {
        let left = due.saturating_duration_since(Instant::now());
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.together.ports.clock.now().0.saturating_add(micros))
    }
}
