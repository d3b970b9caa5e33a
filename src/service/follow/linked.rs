//! While an account's servers are within reach: runs, and what is told between them.

use std::time::Duration;

use postrider_model::{AccountReport, ErrorClass, Fault, FolderKey, RunId, Timestamp};
use postrider_remote::{MailRemote, MailWatch, MailWatcher};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Ask, Follower, Leave, Link, Refused, RunRequest, jittered, next_ask, stopped};
use crate::{
    service::run::Stops,
    sync::{self, Delivered, Event, MailRun, Plan},
};

/// What is told of within this time belongs together.
const TOGETHER: Duration = Duration::from_millis(150);
/// And what is told of for longer than this does not wait.
const MOST_TOGETHER: Duration = Duration::from_secs(2);
/// A watch that lived for so long was no failure.
const LASTING: Duration = Duration::from_secs(60);
/// The interval where a server does not let itself be watched though it could.
const UNWATCHED: Duration = Duration::from_secs(60);

impl Follower {
    /// A run, then what is told until the next one is due, and so on.
    pub(super) async fn rounds(&mut self, link: &mut Link) -> Result<Leave, Fault> {
        loop {
            if *self.news.stopping.borrow() {
                return Ok(Leave::Stopping);
            }
            let due = Instant::now() + jittered(link.account.mail_interval, &*self.together.ports.entropy);
            self.news.changed.forget();
            self.news.resumed.forget();
            let run = RunId(self.together.ports.entropy.next_u64());
            let request = RunRequest { mail: true, ..RunRequest::default() };
            if self.seat.sending_refused().is_none() {
                link.send_again();
            }
            let (_, _, stops) = self.run(link, run, &request).await?;
            self.go_on(link, stops).await?;
            self.seat.set_halt(None);
            if let Some(leave) = self.until(link, due).await? {
                return Ok(leave);
            }
            let refused = self.seat.sending_refused();
            if refused.is_some() && self.has_another_login(refused.as_ref()).await {
                self.seat.set_sending_refused(None);
                return Ok(Leave::Again);
            }
        }
    }

    /// One run. What fails for one folder or one message is in its report, and keeps nothing else from being followed.
    async fn run(
        &mut self,
        link: &mut Link,
        run: RunId,
        request: &RunRequest,
    ) -> Result<(AccountReport, Plan, Stops), Fault> {
        self.seat.enter("running", None);
        let _turn = self.seat.turn().await;
        let _permit = self.together.running.acquire().await.map_err(|_| self.stopping())?;
        link.begin_run(run, self.together.ports.clock.now());
        link.context.dry_run = request.dry_run;
        let service = self.service.clone();
        let ran = self.session(&service, request).run_link(link).await;
        link.context.dry_run = false;
        let (report, _, stops) = &ran;
        if !request.dry_run {
            // What fails between two runs is not in this one's row.
            self.is_noted = stops.all.is_some();
            self.tell(Event::Ran { run, report });
            // What stops the account is told by whoever pauses for it.
            if let Some(error) = report.error.as_ref().filter(|_| stops.all.is_none()) {
                self.warn(&error.message);
            }
            report.warnings.iter().for_each(|warning| self.warn(warning));
        }
        Ok(ran)
    }

    fn stopping(&self) -> Fault {
        Fault::new(ErrorClass::Transient, format!("run account {}", self.name), "postrider is stopping")
    }

    async fn go_on(&mut self, link: &mut Link, stops: Stops) -> Result<(), Fault> {
        self.end_sending(link, stops.sending).await;
        stops.all.map_or(Ok(()), Err)
    }

    /// A login that was refused is not tried again, for sending as for reading; each has a server of its own. What it said was told.
    /// What else keeps from sending at all is asked again by the next run.
    async fn end_sending(&mut self, link: &mut Link, why: Option<Fault>) {
        let Some(fault) = why.filter(|fault| fault.class != ErrorClass::Throttled) else { return };
        let hint = fault.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        let until = match (fault.class, self.asks.is_some()) {
            (ErrorClass::Login, true) => "the login is another",
            (ErrorClass::Login, false) => "`watch` begins anew",
            _ => "the next run",
        };
        self.warn(&format!("nothing more is sent before {until}{hint}"));
        link.stop_sending(fault.clone());
        let mark = self.refused_mark().await;
        // Whoever comes after may have other servers, of which this says nothing.
        if fault.class == ErrorClass::Login && !*self.news.stopping.borrow() {
            self.seat.set_sending_refused(Some(Refused { mark, fault }));
        }
    }

    /// Follows what is told until the next run is due; `None` then.
    async fn until(&mut self, link: &mut Link, due: Instant) -> Result<Option<Leave>, Fault> {
        let begun = Instant::now();
        let left = self.follow_told(link, due).await;
        if begun.elapsed() > LASTING {
            self.failures = 0;
        }
        left
    }

    async fn follow_told(&mut self, link: &mut Link, mut due: Instant) -> Result<Option<Leave>, Fault> {
        let mut watched = match link.account.mail.load {
            true => self.watch(link, &mut due).await?,
            false => None,
        };
        let phase = if watched.is_some() { "watching" } else { "waiting" };
        loop {
            self.seat.enter(phase, Some(self.together.wall_time(due)));
            // What a server may tell without end comes last: it keeps neither the next run nor what is sent from its turn.
            tokio::select! {
                biased;
                () = stopped(&mut self.news.stopping) => return Ok(Some(Leave::Stopping)),
                () = self.news.resumed.heard() => return Ok(Some(Leave::Again)),
                () = sleep_until(due) => {
                    self.failures = 0;
                    return Ok(None);
                }
                ask = next_ask(&mut self.asks) => self.answer(link, ask).await?,
                () = self.seat.pending.has_ended() => self.send(link).await?,
                () = self.news.changed.heard() => self.send(link).await?,
                told = next(&mut watched) => self.read(link, &mut watched, told?).await?,
            }
        }
    }

    /// A run that somebody asked for.
    async fn answer(&mut self, link: &mut Link, ask: Ask) -> Result<(), Fault> {
        let request = ask.request.clone();
        match self.run(link, ask.run, &request).await {
            Ok((report, plan, stops)) => {
                // Whoever asked may have left.
                let _ = ask.answer.send((report, plan));
                link.remote.rest().await;
                self.go_on(link, stops).await
            }
            Err(fault) => {
                self.answer_failed(ask, &fault);
                Err(fault)
            }
        }
    }

    /// Begins to be told. Where the server lets nobody in beside the connections that are kept for the next run, those are given up
    /// for it; and where it does not at all, the interval has to do, and it is tried again then.
    async fn watch(&self, link: &Link, due: &mut Instant) -> Result<Option<Box<dyn MailWatch>>, Fault> {
        link.remote.rest().await;
        let folders = sync::folders_to_watch(&self.together.ports, &link.context).await?;
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
        self.seat.watched(count);
        self.tell(Event::Watching { account: &self.name, folders: count });
        Ok(watched)
    }

    /// Sends what a person changed here, and what waits in the outbox.
    async fn send(&mut self, link: &mut Link) -> Result<(), Fault> {
        let _turn = self.seat.turn().await;
        let ports = &self.together.ports;
        let at = ports.clock.now();
        let mut mail = match (link.account.mail.load, link.submit()) {
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
        // Where nothing is left to be sent, or sending was stopped, nobody has asked for it.
        mail.take_delivered(Delivered::meanwhile(&self.seat.pending));
        self.followed("", mail.counts.pushed, at);
        for warning in &mail.warnings {
            self.warn(warning);
        }
        for fault in mail.all_faults() {
            self.warn(&fault.message());
        }
        let sending = mail.out_faults.iter().find(|fault| sync::is_for_all(fault)).cloned();
        self.end_sending(link, sending).await;
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
        let _turn = self.seat.turn().await;
        let ports = &self.together.ports;
        if let Err(fault) = ports.leave.to_load(0) {
            // What is sent goes on; what was told of is read by a run once there is room.
            self.warn(&fault.message());
            return Ok(());
        }
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
        sync::catch_up(ports, &self.together.observer).await
    }

    fn followed(&self, folder: &str, messages: u64, at: Timestamp) {
        if messages == 0 {
            return;
        }
        let now = self.together.ports.clock.now();
        let micros = now.0.saturating_sub(at.0).max(0).cast_unsigned();
        self.tell(Event::Followed { account: &self.name, folder, messages, micros });
    }
}

async fn next(watched: &mut Option<Box<dyn MailWatch>>) -> Result<FolderKey, Fault> {
    match watched {
        Some(watched) => watched.next().await,
        None => std::future::pending().await,
    }
}
