//! One account's loop, which keeps it in step for as long as it runs (F6.1, F6.2): a run at once and on an interval, and between two
//! runs whatever the server or a person here tells of. `postrider watch` drives some of them, the daemon all.
//!
//! | module | holds |
//! |---|---|
//! | `linked` | what is done while the account's servers are within reach |
//! | `items` | contacts and activities, beside all that |
//! | `waiting` | what is done after a failure, until it is worth trying again |
//! | `bell` | what is told to all of them at once |
//! | `board` | what others may know of a follower, and have it do |
//!
//! - One account's trouble stops no other: each has a loop of its own, all on one thread, none detached.
//! - A login that was refused is not tried again before there is another password or consent. What may pass is, after pauses that
//!   grow; a server's own wish is kept.
//! - Both hold for whoever follows the account next, too, where its settings are others but its servers and its login are not.
//! - What was changed here is sent within a second, since nothing tells of it but the store.
//! - A machine that slept connects anew: whatever was open before is not asked whether it still is.

mod bell;
mod board;
mod items;
mod linked;
mod waiting;

use std::{sync::Arc, time::Duration};

use postrider_model::{AccountReport, Entropy, ErrorClass, Fault, RunId, Timestamp};
use postrider_net::Backoff;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};

use super::{
    RunRequest, Service,
    run::{Link, Session, failed_report},
};
use crate::sync::{Budget, Event, Observer, Plan, Ports};

pub use bell::{Bell, Ear};
pub use board::{Board, Seat};

use items::ItemsFollower;

/// So many parts of an interval are drawn by lot.
const JITTER: u32 = 10;

/// What all followers of a process share.
pub struct Together {
    /// The world, with the store's one writer.
    pub ports: Ports,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
    /// Runs that may go on at once.
    pub running: Semaphore,
    /// What is known of each.
    pub board: Board,
    /// Octets on their way into the store.
    pub budget: Budget,
    /// What is told to all.
    pub news: News,
}

impl Together {
    /// When that moment will be by the clock on the wall.
    fn wall_time(&self, due: Instant) -> Timestamp {
        let left = due.saturating_duration_since(Instant::now());
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.ports.clock.now().0.saturating_add(micros))
    }
}

/// What followers are told.
#[derive(Debug, Clone)]
pub struct News {
    /// Somebody else changed the store.
    pub changed: Bell,
    /// The machine slept.
    pub resumed: Bell,
}

/// What one follower hears.
struct Heard {
    changed: Ear,
    resumed: Ear,
    /// It is to stop: nothing more is begun.
    stopping: watch::Receiver<bool>,
}

/// Somebody who wants the account to be run and waits for how it went.
#[derive(Debug)]
pub struct Ask {
    /// What is wanted of it.
    pub request: RunRequest,
    /// The run's id.
    pub run: RunId,
    /// Where the answer goes.
    pub answer: tokio::sync::oneshot::Sender<(AccountReport, Plan)>,
}

/// One account's loop.
pub struct Follower {
    service: Arc<Service>,
    together: Arc<Together>,
    name: String,
    asks: Option<mpsc::UnboundedReceiver<Ask>>,
    news: Heard,
    seat: Arc<Seat>,
    /// The password that was shown at the last login, hashed: the one that is there when the login is refused may be another already.
    shown: Option<blake3::Hash>,
    /// Failures in a row.
    failures: u32,
    /// The last failure is in the account's row for `status` already.
    is_noted: bool,
}

/// A login that was refused, and why.
#[derive(Debug, Clone)]
struct Refused {
    fault: Fault,
    /// What was shown to the server, hashed: the same is not shown again.
    mark: Option<blake3::Hash>,
}

/// Why an account is left alone for a while, and for how long.
#[derive(Debug, Clone)]
struct Halt {
    fault: Fault,
    /// When it is worth trying again; `None` where its login was refused, which only another one ends.
    until: Option<Instant>,
    /// What was shown to the server that refused it.
    mark: Option<blake3::Hash>,
    failures: u32,
}

impl Halt {
    fn of(refused: Refused, failures: u32) -> Self {
        let Refused { fault, mark } = refused;
        Self { fault, until: None, mark, failures }
    }

    /// The login that was refused, where that is why.
    fn refused(&self) -> Option<Refused> {
        self.until.is_none().then(|| Refused { fault: self.fault.clone(), mark: self.mark })
    }
}

/// Why a linked account is left.
enum Leave {
    /// Its connections are of no use any more, or its login may be another.
    Again,
    /// None of its mail is wanted, or not by itself.
    Nothing,
    /// The process is stopping.
    Stopping,
}

impl Follower {
    /// A loop for that account, until it is told to stop. Without `asks` it ends by itself where a person has to act first, or nothing is
    /// wanted.
    pub fn new(
        service: Arc<Service>,
        together: Arc<Together>,
        name: String,
        asks: Option<mpsc::UnboundedReceiver<Ask>>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let News { changed, resumed } = &together.news;
        let news = Heard { changed: changed.ear(), resumed: resumed.ear(), stopping };
        let seat = together.board.seat(&name);
        Self { service, together, name, asks, news, seat, shown: None, failures: 0, is_noted: false }
    }

    /// Follows. Answers with what a person has to put right where it does not wait for that itself. A message that is on its way for
    /// long goes on beside all else; one that is when this is to stop is waited for until this is cut off.
    pub async fn follow(self) -> Option<Fault> {
        let pending = self.seat.pending.clone();
        let items = ItemsFollower::beside(&self);
        let followed = async {
            let (left, ()) = tokio::join!(biased; self.follow_mail(), items.follow());
            pending.is_over().await;
            left
        };
        tokio::select! {
            biased;
            left = followed => left,
            () = pending.drive() => None,
        }
    }

    async fn follow_mail(mut self) -> Option<Fault> {
        if !self.resume().await {
            return None;
        }
        loop {
            self.is_noted = false;
            let left = self.link_and_follow().await;
            let go_on = match left {
                Ok(Leave::Again) => true,
                Ok(Leave::Stopping) => return None,
                Ok(Leave::Nothing) if self.asks.is_none() => return None,
                Ok(Leave::Nothing) => self.idle().await,
                Err(fault) => {
                    self.failures += 1;
                    let ends = is_for_a_person(&fault) && self.asks.is_none();
                    let pause = if ends { None } else { self.pause_after(&fault) };
                    let pause_ms = pause.map(millis);
                    self.tell(Event::Failed { account: &self.name, fault: &fault, pause_ms });
                    if !self.is_noted {
                        self.note(&fault).await;
                    }
                    if ends {
                        return Some(fault);
                    }
                    self.wait(fault, pause).await
                }
            };
            if !go_on {
                return None;
            }
        }
    }

    /// The pause after a failure; none after a login that was refused, which only another one ends.
    fn pause_after(&self, fault: &Fault) -> Option<Duration> {
        if fault.class == ErrorClass::Login {
            return None;
        }
        let own =
            Backoff::default().pause_ms(self.failures, fault.retry_after_ms, &*self.together.ports.entropy);
        let own = Duration::from_millis(own);
        // A file that is missing, a right that is: looking again costs nobody anything, and nobody else tells that it is there now.
        Some(if is_for_a_person(fault) { own.max(self.interval()) } else { own })
    }

    /// Connects, and follows until something fails.
    async fn link_and_follow(&mut self) -> Result<Leave, Fault> {
        let request = RunRequest { mail: true, ..RunRequest::default() };
        let service = self.service.clone();
        self.shown = None;
        let mut link = match self.session(&service, &request).link(&self.name).await? {
            Some(link) => link,
            None => return Ok(Leave::Nothing),
        };
        self.shown = link.login_mark;
        self.seat.pending.logs_in_with(self.shown);
        // `postrider watch` was asked for by a person.
        if !link.account.mail.auto && self.asks.is_some() {
            return Ok(Leave::Nothing);
        }
        if let Some(refused) = self.seat.sending_refused() {
            link.stop_sending(refused.fault);
        }
        // No good-bye: a server that has gone silent would be waited for.
        self.rounds(&mut link).await
    }

    fn session<'a>(&self, service: &'a Service, request: &'a RunRequest) -> Session<'a> {
        let ports = &self.together.ports;
        Session {
            service,
            ports: ports.clone(),
            run: RunId(ports.entropy.next_u64()),
            started: ports.clock.now(),
            request,
            observer: self.together.observer.clone(),
            budget: self.together.budget.clone(),
            pending: Some(self.seat.pending.clone()),
        }
    }

    /// The account's interval, as its configuration has it.
    fn interval(&self) -> Duration {
        let ready = self.service.config.ready(&self.name).ok();
        ready.map_or(self.service.config.settings.daemon.interval, |account| account.mail_interval)
    }

    /// Puts a failure into the account's row for `status`, where no run did.
    async fn note(&self, fault: &Fault) {
        let request = RunRequest { mail: true, ..RunRequest::default() };
        let session = self.session(&self.service, &request);
        session.note_failure(&self.name, fault).await;
    }

    /// What an asker is told where nothing was tried.
    fn answer_failed(&self, ask: Ask, fault: &Fault) {
        // Whoever asked may have left.
        let _ = ask.answer.send((failed_report(&self.name, fault), Plan::default()));
    }

    fn warn(&self, text: &str) {
        self.tell(Event::Warning { account: &self.name, text });
    }

    fn tell(&self, event: Event<'_>) {
        self.together.observer.event(event);
    }

    /// What was shown to the account's servers when they refused it.
    async fn refused_mark(&self) -> Option<blake3::Hash> {
        match self.shown {
            Some(shown) => Some(shown),
            None => self.login_mark().await,
        }
    }

    /// What is shown to the account's servers at a login, hashed: a login that was refused is known again by it.
    async fn login_mark(&self) -> Option<blake3::Hash> {
        self.service.login_mark(&self.name).await.ok()
    }
}

/// Whether nothing but a person's act can help.
fn is_for_a_person(fault: &Fault) -> bool {
    matches!(
        fault.class,
        ErrorClass::Login | ErrorClass::Config | ErrorClass::NotFound | ErrorClass::NotPermitted
    )
}

/// An interval of which a tenth is drawn by lot, so that many accounts do not run all at once.
fn jittered(interval: Duration, entropy: &dyn Entropy) -> Duration {
    let lot = entropy.next_u64() % u64::from(JITTER);
    interval - interval / JITTER + (interval / (JITTER * JITTER)) * u32::try_from(lot).unwrap_or(0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn next_ask(asks: &mut Option<mpsc::UnboundedReceiver<Ask>>) -> Ask {
    if let Some(asks) = asks
        && let Some(ask) = asks.recv().await
    {
        return ask;
    }
    std::future::pending().await
}

/// Waits until the process is stopping.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending().await
    }
}
