//! Contacts and activities of an account, each on an interval of its own beside its mail (F6.1): a run at once, and one whenever it is due. Where
//! `auto` is false, a kind runs when somebody asks for it alone.
//!
//! They share the account's turn with its mail, so that no two runs of it go on at once. What fails of one kind is tried again after pauses
//! that grow, and stops neither the other nor mail; a login that was refused is not shown again before it is another.

use std::{sync::Arc, time::Duration};

use postrider_model::{AccountReport, ErrorClass, RunId};
use postrider_net::Backoff;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Ear, Follower, Seat, Together, jittered, stopped};
use crate::{
    service::{RunRequest, Service, run::Session},
    sync::Event,
};

/// The loop of one account.
pub(super) struct ItemsFollower {
    service: Arc<Service>,
    together: Arc<Together>,
    name: String,
    seat: Arc<Seat>,
    resumed: Ear,
    stopping: watch::Receiver<bool>,
    kinds: Vec<Kind>,
}

/// One kind of data, and when it runs next.
struct Kind {
    request: RunRequest,
    interval: Duration,
    due: Instant,
    failures: u32,
    /// What was shown to the server that refused it.
    refused: Option<Option<blake3::Hash>>,
}

impl Kind {
    fn new(request: RunRequest, interval: Duration) -> Self {
        Self { request, interval, due: Instant::now(), failures: 0, refused: None }
    }
}

impl ItemsFollower {
    /// Beside that follower.
    pub(super) fn beside(follower: &Follower) -> Self {
        let Follower { service, together, name, seat, news, .. } = follower;
        let mut kinds = Vec::new();
        // `postrider watch` is told to be about mail.
        if follower.asks.is_some() {
            let contacts = service.config.ready_contacts(name).ok().flatten();
            let contacts = contacts.filter(|ready| ready.contacts.auto).map(|ready| ready.interval);
            let activities = service.config.ready_activities(name).ok().flatten();
            let activities = activities.filter(|ready| ready.activities.auto).map(|ready| ready.interval);
            let of = |contacts, activities| RunRequest { contacts, activities, ..RunRequest::default() };
            kinds.extend(contacts.map(|interval| Kind::new(of(true, false), interval)));
            kinds.extend(activities.map(|interval| Kind::new(of(false, true), interval)));
        }
        Self {
            service: service.clone(),
            together: together.clone(),
            name: name.clone(),
            seat: seat.clone(),
            resumed: together.news.resumed.ear(),
            stopping: news.stopping.clone(),
            kinds,
        }
    }

    /// Follows until it is told to stop; ends at once where nothing runs by itself.
    pub(super) async fn follow(mut self) {
        while let Some(next) = self.kinds.iter().map(|kind| kind.due).min() {
            self.seat.items_next(Some(self.together.wall_time(next)));
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => break,
                // What was due while the machine slept is due now.
                () = self.resumed.heard() => self.hurry(),
                () = sleep_until(next) => self.run_due().await,
            }
        }
        self.seat.items_next(None);
    }

    fn hurry(&mut self) {
        let well = self.kinds.iter_mut().filter(|kind| kind.failures == 0);
        well.for_each(|kind| kind.due = Instant::now());
    }

    async fn run_due(&mut self) {
        for at in 0..self.kinds.len() {
            let is_due = self.kinds.get(at).is_some_and(|kind| kind.due <= Instant::now());
            if is_due && !*self.stopping.borrow() {
                self.run(at).await;
            }
        }
    }

    async fn run(&mut self, at: usize) {
        let entropy = self.together.ports.entropy.clone();
        let Some(Kind { request, interval, refused, .. }) = self.kinds.get(at) else { return };
        let (request, interval, refused) = (request.clone(), *interval, *refused);
        // Where it was refused, what was shown then is not shown again.
        let is_same = match refused {
            Some(shown) => shown == self.login_mark().await,
            None => false,
        };
        let ran = if is_same { None } else { self.run_once(&request).await };
        let mark = match ran.as_ref().and_then(|(_, report)| report.error.as_ref()) {
            Some(error) if error.class == ErrorClass::Login => Some(self.login_mark().await),
            _ => None,
        };
        let Some(kind) = self.kinds.get_mut(at) else { return };
        let Some((run, report)) = ran else {
            kind.due = Instant::now() + interval;
            return;
        };
        let pause = match &report.error {
            None => {
                (kind.failures, kind.refused) = (0, None);
                jittered(interval, &*entropy)
            }
            Some(error) => {
                kind.failures += 1;
                kind.refused = mark;
                let own = Duration::from_millis(Backoff::default().pause_ms(kind.failures, None, &*entropy));
                // A server that wants to be left alone, or a person who has to do something, is left the whole of it.
                if error.class == ErrorClass::Transient { own } else { own.max(interval) }
            }
        };
        kind.due = Instant::now() + pause;
        self.tell(run, &report);
    }

    async fn login_mark(&self) -> Option<blake3::Hash> {
        self.service.login_mark(&self.name).await.ok()
    }

    /// One run, when nobody else speaks to the account's servers; `None` where the process is stopping.
    async fn run_once(&self, request: &RunRequest) -> Option<(RunId, AccountReport)> {
        let _turn = self.seat.turn().await;
        let _permit = self.together.running.acquire().await.ok()?;
        let _running = self.seat.items_run();
        let ports = &self.together.ports;
        let run = RunId(ports.entropy.next_u64());
        let session = Session {
            service: &self.service,
            ports: ports.clone(),
            run,
            started: ports.clock.now(),
            request,
            observer: self.together.observer.clone(),
            budget: self.together.budget.clone(),
            pending: Some(self.seat.pending.clone()),
        };
        let (report, _) = session.run_once(&self.name).await;
        Some((run, report))
    }

    fn tell(&self, run: RunId, report: &AccountReport) {
        let observer = &self.together.observer;
        observer.event(Event::Ran { run, report });
        let failed = report.error.iter().map(|error| &error.message);
        for text in failed.chain(&report.warnings) {
            observer.event(Event::Warning { account: &self.name, text });
        }
    }
}
