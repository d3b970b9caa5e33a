//! The loop that keeps accounts in step for as long as it runs (F6.1, F6.2): a run at once and on an interval, and between two runs
//! whatever the server or a person here tells of. The daemon will be this loop with a supervisor around it.
//!
//! - One account's trouble stops no other: each has a loop of its own, all on one thread, none detached.
//! - A login that was refused is not tried again. What may pass is, after pauses that grow; a server's own wish is kept.
//! - What was changed here is sent within a second, since nothing tells of it but the store.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use postrider_model::{ErrorClass, Fault, FolderKey, RunId, Timestamp};
use postrider_net::Backoff;
use postrider_remote::{MailRemote, MailWatch, MailWatcher};
use postrider_store::SyncLock;
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Caller, Service,
    run::{Link, RunRequest, Session},
};
use crate::sync::{self, Budget, Event, MailRun, Observer};

/// A tenth of the interval is drawn by lot, so that many accounts do not run all at once.
const JITTER: u32 = 10;
/// What is told of within this time belongs together.
const TOGETHER: Duration = Duration::from_millis(150);
/// And what is told of for longer than this does not wait.
const MOST_TOGETHER: Duration = Duration::from_secs(2);
/// A watch that lived for so long was no failure.
const LASTING: Duration = Duration::from_secs(60);
/// The interval where a server does not let itself be watched though it could.
const UNWATCHED: Duration = Duration::from_secs(60);

impl Service {
    /// Keeps accounts in step until it is dropped: those that are named, or all. It ends by itself where nothing is left to follow,
    /// and answers why: what a person has to put right first, by account. Nothing, where no account wants mail.
    ///
    /// # Errors
    /// What keeps from it altogether: the store, another postrider that syncs it, a name that is no account's. What fails for one
    /// account is told to the observer.
    pub async fn watch(
        &mut self,
        _caller: &Caller,
        accounts: &[String],
        observer: Arc<dyn Observer>,
    ) -> Result<Vec<Fault>, Fault> {
        let names = self.accounts_to_run(accounts)?;
        let store = self.store()?;
        let _lock = SyncLock::acquire(store.dir())?;
        let ports = self.ports(&store)?;
        let request = RunRequest { mail: true, ..RunRequest::default() };
        let session = Session {
            service: self,
            ports,
            run: RunId(self.world.entropy.next_u64()),
            started: self.world.clock.now(),
            request: &request,
            observer,
            budget: Budget::default(),
        };
        let (told, changed) = watch::channel(0);
        let running = Semaphore::new(self.config.settings.daemon.parallel_accounts.max(1));
        let loops: FuturesUnordered<_> = names
            .iter()
            .map(|name| {
                let changed = changed.clone();
                Follower { session: &session, running: &running, changed, sending_ended: false, name }
                    .follow()
            })
            .collect();
        let look = async {
            let mut seen = 0;
            loop {
                seen = sync::changed_here(&session.ports, seen).await?;
                told.send_replace(seen);
            }
        };
        tokio::select! {
            biased;
            stopped = look => stopped,
            ended = loops.collect::<Vec<_>>() => Ok(ended.into_iter().flatten().collect()),
        }
    }
}

/// One account's loop.
struct Follower<'a> {
    session: &'a Session<'a>,
    /// Runs that may go on at once.
    running: &'a Semaphore,
    /// Tells when the store was changed by somebody else.
    changed: watch::Receiver<i64>,
    /// The server for sending refused the login.
    sending_ended: bool,
    name: &'a str,
}

impl Follower<'_> {
    /// Answers only where there is nothing to follow, or a person has to do something first.
    async fn follow(mut self) -> Option<Fault> {
        let mut failures = 0;
        loop {
            let fault = self.link_and_follow(&mut failures).await?;
            let by_hand =
                matches!(fault.class, ErrorClass::Login | ErrorClass::Config | ErrorClass::NotPermitted);
            failures += 1;
            let pause_ms =
                Backoff::default().pause_ms(failures, fault.retry_after_ms, &*self.session.ports.entropy);
            let pause = (!by_hand).then_some(pause_ms);
            self.tell(Event::Failed { account: self.name, fault: &fault, pause_ms: pause });
            match pause {
                Some(millis) => sleep(Duration::from_millis(millis)).await,
                None => return Some(fault),
            }
        }
    }

    /// Connects, and follows until something fails; answers with what. `None` where none of the account's mail is wanted.
    async fn link_and_follow(&mut self, failures: &mut u32) -> Option<Fault> {
        let mut link = match self.session.link(self.name).await {
            Ok(link) => link?,
            Err(fault) => return Some(fault),
        };
        if self.sending_ended {
            link.stop_sending();
        }
        // No good-bye: a server that has gone silent would be waited for.
        self.rounds(&mut link, failures).await.err()
    }

    /// A run, then what is told until the next one is due, and so on.
    async fn rounds(&mut self, link: &mut Link, failures: &mut u32) -> Result<(), Fault> {
        loop {
            let due = Instant::now() + self.interval(link);
            self.changed.mark_unchanged();
            self.run(link).await?;
            self.until(link, due, failures).await?;
        }
    }

    fn interval(&self, link: &Link) -> Duration {
        let interval = link.account.mail_interval;
        let lot = self.session.ports.entropy.next_u64() % u64::from(JITTER);
        interval - interval / JITTER + (interval / (JITTER * JITTER)) * u32::try_from(lot).unwrap_or(0)
    }

    /// One run. What fails for one folder or one message is in its report, and keeps nothing else from being followed.
    async fn run(&mut self, link: &mut Link) -> Result<(), Fault> {
        let stops = {
            let _permit = self.running.acquire().await.map_err(|_| {
                let action = format!("run account {}", self.name);
                Fault::new(ErrorClass::Transient, action, "postrider is stopping")
            })?;
            let ports = &self.session.ports;
            link.begin_run(RunId(ports.entropy.next_u64()), ports.clock.now());
            let (report, stops) = self.session.run_link(link).await;
            self.tell(Event::Ran { report: &report });
            // What stops the account is told by whoever pauses for it.
            if let Some(error) = report.error.as_ref().filter(|_| stops.all.is_none()) {
                self.warn(&error.message);
            }
            report.warnings.iter().for_each(|warning| self.warn(warning));
            stops
        };
        self.end_sending(link, stops.sending);
        stops.all.map_or(Ok(()), Err)
    }

    /// A login that was refused is not tried again, for sending as for reading; each has a server of its own. What it said was told.
    fn end_sending(&mut self, link: &mut Link, why: Option<Fault>) {
        let Some(fault) = why.filter(|fault| fault.class != ErrorClass::Throttled) else { return };
        self.sending_ended = true;
        link.stop_sending();
        let hint = fault.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.warn(&format!("nothing more is sent before `watch` begins anew{hint}"));
    }

    /// Follows what is told until the next run is due.
    async fn until(&mut self, link: &mut Link, mut due: Instant, failures: &mut u32) -> Result<(), Fault> {
        let mut watched = match link.account.mail.load {
            true => self.watch(link, &mut due).await?,
            false => None,
        };
        let begun = Instant::now();
        loop {
            // In no order: what is told without end keeps neither the next run nor what is sent from its turn.
            tokio::select! {
                told = next(&mut watched) => self.read(link, &mut watched, told?).await?,
                changed = self.changed.changed() => {
                    if changed.is_err() {
                        return std::future::pending().await;
                    }
                    self.send(link).await?;
                }
                () = sleep_until(due) => {
                    *failures = 0;
                    return Ok(());
                }
            }
            if begun.elapsed() > LASTING {
                *failures = 0;
            }
        }
    }

    /// Begins to be told. Where the server lets nobody in beside the connections that are kept for the next run, those are given up
    /// for it; and where it does not at all, the interval has to do, and it is tried again then.
    async fn watch(&self, link: &Link, due: &mut Instant) -> Result<Option<Box<dyn MailWatch>>, Fault> {
        let folders = sync::folders_to_watch(&self.session.ports, &link.context).await?;
        let mut begun = link.remote.watch(&folders).await;
        if begun.as_ref().is_err_and(|fault| {
            matches!(fault.class, ErrorClass::Transient | ErrorClass::Throttled | ErrorClass::Busy)
        }) {
            link.remote.close().await;
            begun = link.remote.watch(&folders).await;
        }
        let watched = match begun {
            Ok(watched) => Some(watched),
            Err(fault) if fault.class == ErrorClass::Login => return Err(fault),
            Err(fault) => {
                if fault.class != ErrorClass::Permanent {
                    *due = (*due).min(Instant::now() + UNWATCHED);
                }
                let hint = fault.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                self.warn(&format!("{}{hint}", fault.message()));
                None
            }
        };
        let count = watched.as_ref().map_or(0, |watched| watched.watched().len());
        self.tell(Event::Watching { account: self.name, folders: count });
        Ok(watched)
    }

    /// Sends what a person changed here, and what waits in the outbox.
    async fn send(&mut self, link: &mut Link) -> Result<(), Fault> {
        let at = self.session.ports.clock.now();
        let ports = &self.session.ports;
        let mail = match (link.account.mail.load, link.submit()) {
            (true, submit) => sync::push_soon(ports, &link.remote, submit, &link.context).await?,
            // Without mail that comes in there is no Sent either.
            (false, submit) => {
                let mut mail = MailRun::default();
                if let Some(submit) = submit {
                    mail.take_delivered(sync::deliver(ports, submit, &link.context, None).await?);
                }
                mail
            }
        };
        self.followed("", mail.counts.pushed, at);
        for warning in &mail.warnings {
            self.warn(warning);
        }
        for fault in mail.all_faults() {
            self.warn(&fault.message());
        }
        let sending = mail.out_faults.iter().find(|fault| sync::is_for_all(fault)).cloned();
        self.end_sending(link, sending);
        mail.stops().cloned().map_or(Ok(()), Err)
    }

    /// Takes in what arrived in the folder that was told of, and in those that are told of right after it: a move is told of twice.
    /// Then all that changed in them is read, and what vanished is settled for all of them together.
    async fn read(
        &self,
        link: &Link,
        watched: &mut Option<Box<dyn MailWatch>>,
        first: FolderKey,
    ) -> Result<(), Fault> {
        let ports = &self.session.ports;
        let (mut told, mut folders) = (Some(first), Vec::new());
        let deadline = Instant::now() + MOST_TOGETHER;
        while let (Some(folder), Some(watch)) = (told.take(), watched.as_mut()) {
            let at = ports.clock.now();
            if let Some((name, messages)) =
                sync::take_arrived(ports, &mut **watch, &link.context, &folder).await?
            {
                self.followed(&name, messages, at);
            }
            if !folders.iter().any(|(known, _)| *known == folder) {
                folders.push((folder, at));
            }
            if Instant::now() < deadline {
                told = timeout(TOGETHER, watch.next()).await.ok().transpose()?;
            }
        }
        let mut read = Vec::new();
        for (folder, at) in folders {
            if let Some(folder) = sync::read_soon(ports, &link.remote, &link.context, &folder).await? {
                self.followed(&folder.folder, folder.messages, at);
                read.push(folder);
            }
        }
        let at = ports.clock.now();
        let settled = sync::settle_soon(ports, &link.context, read).await?;
        self.followed("", settled, at);
        sync::catch_up(ports, &self.session.observer).await
    }

    fn followed(&self, folder: &str, messages: u64, at: Timestamp) {
        if messages == 0 {
            return;
        }
        let now = self.session.ports.clock.now();
        let micros = now.0.saturating_sub(at.0).max(0).cast_unsigned();
        self.tell(Event::Followed { account: self.name, folder, messages, micros });
    }

    fn warn(&self, text: &str) {
        self.tell(Event::Warning { account: self.name, text });
    }

    fn tell(&self, event: Event<'_>) {
        self.session.observer.event(event);
    }
}

async fn next(watched: &mut Option<Box<dyn MailWatch>>) -> Result<FolderKey, Fault> {
    match watched {
        Some(watched) => watched.next().await,
        None => std::future::pending().await,
    }
}
