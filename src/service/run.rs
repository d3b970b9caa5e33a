//! One run of some accounts (F6.3 without a daemon).

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use postrider_imap::ImapRemote;
use postrider_model::{
    AccountId, AccountReport, AccountStatus, ErrorClass, ErrorReport, Fault, RunId, RunReport, Timestamp,
};
use postrider_reconcile::Selection;
use postrider_remote::{Credential, MailRemote};
use postrider_store::{RunRow, SyncLock};

use super::{Caller, Service, consent::mark_of, trial::CONNECTIONS};
use crate::{
    access::Act,
    config::{Choice, ReadyAccount, fault},
    report::status_of,
    sync::{
        self, Budget, Index, Leave, MailRun, Observer, Pending, Plan, Ports, RunContext, Submit, is_for_all,
        run_mail,
    },
};

/// What is to be run.
#[derive(Debug, Clone, Default)]
pub struct RunRequest {
    /// The accounts by name; all of them where none is named.
    pub accounts: Vec<String>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Whether mail is among the kinds to be run.
    pub mail: bool,
    /// Whether contacts are.
    pub contacts: bool,
    /// Whether activities are.
    pub activities: bool,
    /// Only send what waits in the outbox.
    pub outbox_only: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunOutcome {
    /// The report.
    pub report: RunReport,
    /// What was, or would be, done: one for each account of the report.
    pub plans: Vec<Plan>,
}

impl Service {
    /// Runs accounts once.
    ///
    /// # Errors
    /// Where nothing could be run at all: the store, a name that is no account's. What fails for one account is in its report.
    pub async fn sync_now(
        &mut self,
        caller: &Caller,
        request: &RunRequest,
        observer: Arc<dyn Observer>,
    ) -> Result<RunOutcome, Fault> {
        let names = self.accounts_to_run(caller, &request.accounts)?;
        if names.is_empty() && !caller.has_everything() {
            // To whoever keeps accounts in step, no name would mean all.
            let run = RunId(self.world.entropy.next_u64());
            return Ok(RunOutcome { report: RunReport { run, accounts: Vec::new() }, plans: Vec::new() });
        }
        if let Some(supervisor) = &self.supervisor {
            return supervisor.run(RunRequest { accounts: names, ..request.clone() }).await;
        }
        let run = RunId(self.world.entropy.next_u64());
        let store = self.store()?;
        let _lock = match SyncLock::acquire(store.dir()) {
            Ok(lock) => lock,
            Err(error) => return busy(run, names, &error.into()),
        };
        let ports = self.ports(&store)?;
        let started = self.world.clock.now();
        let session = Session {
            service: self,
            ports,
            run,
            started,
            request,
            observer,
            budget: Budget::default(),
            pending: None,
        };
        let runs = names.iter().map(|name| session.run_account(name));
        let limit = self.config.settings.daemon.parallel_accounts.max(1);
        let mut ended: Vec<(AccountReport, Plan)> = stream::iter(runs).buffered(limit).collect().await;
        if !request.dry_run && !request.outbox_only {
            session.finish(&mut ended, session.run, session.started).await;
        }
        let (accounts, plans) = ended.into_iter().unzip();
        Ok(RunOutcome { report: RunReport { run, accounts }, plans })
    }

    /// The accounts that are named, else all that the caller may run.
    pub(super) fn accounts_to_run(&self, caller: &Caller, named: &[String]) -> Result<Vec<String>, Fault> {
        if named.is_empty() {
            let names = self.config.accounts.keys().filter(|name| self.may(caller, Act::Sync, name));
            return Ok(names.cloned().collect());
        }
        for name in named {
            self.permit(caller, Act::Sync, name)?;
            if !self.config.accounts.contains_key(name) {
                // Answers with the nearest name.
                self.config.account(name).map_err(|errors| fault(&errors))?;
            }
        }
        let mut names = named.to_vec();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    pub(super) fn ports(&self, store: &postrider_store::Store) -> Result<Ports, Fault> {
        let no_thread =
            |error: std::io::Error| Fault::new(ErrorClass::Transient, "start a thread", error.to_string());
        let threads = &self.world.threads;
        let leave = Leave::new(store.clone(), self.world.disk.clone());
        Ok(Ports {
            clock: self.world.clock.clone(),
            entropy: self.world.entropy.clone(),
            dialer: self.world.dialer.clone(),
            store: threads.store(store.writer()?)?,
            index: Index::new(
                store.indexer()?,
                store.reader()?,
                threads.index().map_err(no_thread)?,
                leave.clone(),
            ),
            leave,
            compute: threads.compute().map_err(no_thread)?,
        })
    }
}

fn busy(run: RunId, names: Vec<String>, why: &Fault) -> Result<RunOutcome, Fault> {
    if why.class != ErrorClass::Busy {
        return Err(why.clone());
    }
    let report = |account| {
        let mut report = empty_report(account);
        report.status = AccountStatus::Busy;
        report.error = Some(ErrorReport::from(why));
        report
    };
    let plans = names.iter().map(|_| Plan::default()).collect();
    Ok(RunOutcome { report: RunReport { run, accounts: names.into_iter().map(report).collect() }, plans })
}

/// The report of an account that could not be run.
pub(crate) fn failed_report(name: &str, fault: &Fault) -> AccountReport {
    let mut report = empty_report(name.to_owned());
    fail(&mut report, fault);
    report
}

const fn empty_report(account: String) -> AccountReport {
    AccountReport {
        account,
        status: AccountStatus::Ok,
        mail: None,
        contacts: None,
        activities: None,
        conflicts: 0,
        elapsed_ms: 0,
        error: None,
        held: Vec::new(),
        warnings: Vec::new(),
    }
}

/// One run over some accounts.
pub(super) struct Session<'a> {
    pub(super) service: &'a Service,
    pub(super) ports: Ports,
    pub(super) run: RunId,
    pub(super) started: Timestamp,
    pub(super) request: &'a RunRequest,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) budget: Budget,
    /// Who looks after a message that takes its time to go out.
    pub(super) pending: Option<Arc<Pending>>,
}

/// An account with its ways to and from its servers. Nothing is dialled before it is used.
pub(super) struct Link {
    /// Its settings.
    pub(super) account: ReadyAccount,
    /// Its mail.
    pub(super) remote: ImapRemote,
    submit: Option<Arc<dyn Submit>>,
    /// Why nothing more is sent.
    sending_stopped: Option<Fault>,
    /// What its runs are about.
    pub(super) context: RunContext,
    /// The password that its servers are shown, hashed; `None` where tokens are, which renew themselves.
    pub(super) login_mark: Option<blake3::Hash>,
}

/// What keeps from going on with an account.
#[derive(Debug, Default)]
pub(super) struct Stops {
    /// With its mail.
    pub(super) all: Option<Fault>,
    /// With what it sends.
    pub(super) sending: Option<Fault>,
}

impl Link {
    /// The next run, of an account that has been linked for a while: the period reaches up to now.
    pub(super) fn begin_run(&mut self, run: RunId, now: Timestamp) {
        self.context.run = run;
        self.context.window = self.account.mail.period.window(now);
    }

    /// Nothing more is sent; the account's runs go on telling why.
    pub(super) fn stop_sending(&mut self, why: Fault) {
        self.sending_stopped = Some(why);
    }

    /// Sending is tried again.
    pub(super) fn send_again(&mut self) {
        self.sending_stopped = None;
    }

    /// Its way out, where it sends.
    pub(super) const fn submit(&self) -> Option<&Arc<dyn Submit>> {
        match self.sending_stopped {
            Some(_) => None,
            None => self.submit.as_ref(),
        }
    }
}

impl Session<'_> {
    async fn run_account(&self, name: &str) -> (AccountReport, Plan) {
        let mut report = empty_report(name.to_owned());
        let mut plan = Plan::default();
        let started = self.service.world.clock.now();
        tracing::info!(run = %self.run, account = name, "run begins");
        match self.try_account(name, &mut report).await {
            Ok(Some(mail)) => plan = take_mail(&mut report, mail),
            Ok(None) => {}
            Err(fault) => fail(&mut report, &fault),
        }
        self.run_items(name, &mut report, &mut plan).await;
        let now = self.service.world.clock.now();
        report.elapsed_ms = now.millis_since(started);
        if let Some(mail) = &mut report.mail {
            mail.durable_ms = now.millis_since(self.started);
        }
        tracing::info!(run = %self.run, account = name, status = report.status.name(), elapsed_ms = report.elapsed_ms, "run ended");
        (report, plan)
    }

    async fn try_account(&self, name: &str, report: &mut AccountReport) -> Result<Option<MailRun>, Fault> {
        let Some(link) = self.link(name).await? else { return Ok(None) };
        report.warnings.extend(link.account.warnings.iter().map(ToString::to_string));
        let mail = self.run_mail_of(&link).await;
        link.remote.close().await;
        mail.map(Some)
    }

    /// An account's ways to its servers; `None` where none of its mail is wanted.
    pub(super) async fn link(&self, name: &str) -> Result<Option<Link>, Fault> {
        if self.service.config.is_without_mail(name) {
            return Ok(None);
        }
        let account = self.service.config.ready(name).map_err(|errors| fault(&errors))?;
        if !self.request.mail || !(account.mail.load || account.mail.send) {
            return Ok(None);
        }
        // Before anybody is asked for anything: what is damaged is looked at by a person first.
        self.ports.leave.to_begin()?;
        let credential = self.service.credential(&account).await?;
        let login_mark = match &credential {
            Credential::Password(password) => Some(mark_of(&account, password)),
            Credential::Tokens(_) => None,
        };
        let remote = self.service.remote(&account, credential.clone())?;
        let submit =
            self.service.submit(&account, credential)?.map(|submit| Arc::new(submit) as Arc<dyn Submit>);
        let id = self.account_id(&account).await?;
        let context = self.context(&account, id);
        Ok(Some(Link { account, remote, submit, sending_stopped: None, context, login_mark }))
    }

    async fn run_mail_of(&self, link: &Link) -> Result<MailRun, Fault> {
        let Link { account, remote, context, .. } = link;
        match (account.mail.load, link.submit()) {
            _ if !self.request.mail => Ok(MailRun::default()),
            (true, submit) if !self.request.outbox_only => {
                run_mail(&self.ports, remote, submit, context).await
            }
            (true, Some(submit)) => sync::send_outbox(&self.ports, remote, submit, context).await,
            // Without mail that comes in there is no Sent either.
            (false, Some(submit)) if !self.request.dry_run => {
                let mut mail = MailRun::default();
                mail.take_delivered(sync::deliver(&self.ports, submit, context, None).await?);
                Ok(mail)
            }
            _ => Ok(MailRun::default()),
        }
    }

    /// One run of an account that is linked already, with all that belongs to it; its report, what was or would be done, and what keeps
    /// from going on.
    pub(super) async fn run_link(&self, link: &Link) -> (AccountReport, Plan, Stops) {
        let mut report = empty_report(link.account.name.clone());
        let started = self.service.world.clock.now();
        let (mut plan, stops) = match self.run_mail_of(link).await {
            Ok(mail) => {
                let stops = Stops {
                    all: mail.stops().cloned(),
                    sending: mail.out_faults.iter().find(|fault| is_for_all(fault)).cloned(),
                };
                (take_mail(&mut report, mail), stops)
            }
            Err(fault) => {
                fail(&mut report, &fault);
                (Plan::default(), Stops { all: Some(fault), sending: None })
            }
        };
        if !self.request.mail {
            report.mail = None;
        }
        self.run_items(&link.account.name, &mut report, &mut plan).await;
        if let Some(fault) = link.sending_stopped.as_ref().filter(|_| report.error.is_none()) {
            fail(&mut report, fault);
        }
        report.elapsed_ms = self.service.world.clock.now().millis_since(started);
        if let Some(mail) = &mut report.mail {
            mail.durable_ms = report.elapsed_ms;
        }
        let mut ended = [(report, plan)];
        if !self.request.dry_run && !self.request.outbox_only {
            self.finish(&mut ended, link.context.run, started).await;
        }
        let [(report, plan)] = ended;
        (report, plan, stops)
    }

    /// One run of an account that is linked for it alone, with all that belongs to it.
    pub(super) async fn run_once(&self, name: &str) -> (AccountReport, Plan) {
        let mut ended = [self.run_account(name).await];
        if !self.request.dry_run && !self.request.outbox_only {
            self.finish(&mut ended, self.run, self.started).await;
        }
        let [ended] = ended;
        ended
    }

    /// Puts what failed outside a run into the account's row for `status`. What keeps from that is told by the next run.
    pub(super) async fn note_failure(&self, name: &str, fault: &Fault) {
        let mut ended = [(failed_report(name, fault), Plan::default())];
        if let Ok(account) = self.service.config.ready(name)
            && let Err(why) = self.account_id(&account).await
        {
            tracing::warn!(account = name, %why, "a failure could not be noted");
            return;
        }
        self.finish(&mut ended, self.run, self.started).await;
    }

    async fn account_id(&self, account: &ReadyAccount) -> Result<AccountId, Fault> {
        self.account_id_of(&account.name, &account.address).await
    }

    pub(super) async fn account_id_of(&self, name: &str, address: &str) -> Result<AccountId, Fault> {
        let (name, address) = (name.to_owned(), address.to_owned());
        if self.request.dry_run {
            // An account that the store does not know has nothing in it, under whatever number.
            let known = self.ports.transaction(move |tx| tx.account_id(&name)).await?;
            return Ok(known.unwrap_or(AccountId(0)));
        }
        self.ports.transaction(move |tx| tx.ensure_account(&name, &address)).await
    }

    fn context(&self, account: &ReadyAccount, account_id: AccountId) -> RunContext {
        RunContext {
            run: self.run,
            account: Arc::from(account.name.as_str()),
            account_id,
            selection: match &account.mail.folders {
                Choice::All => Selection::All,
                Choice::Listed(names) => Selection::Names(names.clone()),
            },
            window: account.mail.period.window(self.service.world.clock.now()),
            parallel: CONNECTIONS,
            dry_run: self.request.dry_run,
            observer: self.observer.clone(),
            budget: self.budget.clone(),
            pending: self.pending.clone(),
        }
    }

    /// What follows the load: search, what is past its time, and the runs' rows for `status`.
    async fn finish(&self, ended: &mut [(AccountReport, Plan)], run: RunId, started: Timestamp) {
        let indexed = sync::catch_up(&self.ports, &self.observer).await;
        let now = self.service.world.clock.now();
        for (report, _) in &mut *ended {
            if let Err(fault) = &indexed {
                report.warnings.push(format!("search is behind: {}", fault.message()));
            }
            if let Some(mail) = &mut report.mail {
                mail.searchable_ms = now.millis_since(started);
            }
        }
        let reports: Vec<AccountReport> = ended.iter().map(|(report, _)| report.clone()).collect();
        let settings = &self.service.config.settings.store;
        let expired = now.minus_days(days(settings.keep_deleted));
        let audited = now.minus_days(i64::from(settings.audit_days));
        let noted = self
            .ports
            .transaction(move |tx| {
                for report in &reports {
                    // An account that never got as far as the store has nothing to be noted at.
                    if let Some(account) = tx.account_id(&report.account)? {
                        tx.record_run(&row(account, run, started, now, report))?;
                    }
                }
                Ok(())
            })
            .await;
        let noted = match noted {
            Ok(()) => sync::purge(&self.ports, expired, audited).await,
            failed => failed,
        };
        if let Err(fault) = noted {
            for (report, _) in ended {
                fail(report, &fault);
            }
        }
    }
}

fn row(
    account: AccountId,
    run: RunId,
    started: Timestamp,
    ended: Timestamp,
    report: &AccountReport,
) -> RunRow {
    RunRow {
        counts: serde_json::to_string(&report.mail).unwrap_or_default(),
        error: report.error.as_ref().and_then(|error| serde_json::to_string(error).ok()),
        ..RunRow::new(account, run, started, ended, report.status.name())
    }
}

fn days(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs() / 86_400).unwrap_or(i64::MAX)
}

fn take_mail(report: &mut AccountReport, mail: MailRun) -> Plan {
    let mut faults: Vec<Fault> = mail.all_faults().cloned().collect();
    // A login that is needed is the account's error, whatever else failed before it.
    faults.sort_by_key(|fault| !is_for_all(fault));
    report.mail = Some(mail.counts);
    report.warnings.extend(mail.warnings);
    if !mail.held.is_empty() {
        report.status = AccountStatus::Held;
    }
    report.held = mail.held;
    report.warnings.extend(faults.iter().skip(1).map(Fault::message));
    if let Some(fault) = faults.first() {
        fail(report, fault);
    }
    mail.plan
}

pub(super) fn fail(report: &mut AccountReport, fault: &Fault) {
    report.status = status_of(fault.class);
    report.error = Some(ErrorReport::from(fault));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_is_needed_is_told_before_whatever_else_failed() {
        let fault = |class, cause: &str| Fault::new(class, "read a folder", cause);
        let mail = MailRun {
            faults: vec![fault(ErrorClass::Transient, "busy"), fault(ErrorClass::Login, "refused")],
            out_faults: vec![fault(ErrorClass::Permanent, "no such user")],
            ..MailRun::default()
        };
        assert_eq!(mail.stops().map(|fault| fault.class), Some(ErrorClass::Login));
        let mut report = empty_report("work".to_owned());
        take_mail(&mut report, mail);
        assert_eq!(report.status, AccountStatus::LoginNeeded);
        assert_eq!(report.error.map(|error| error.message), Some("cannot read a folder: refused".to_owned()));
        assert_eq!(report.warnings, ["cannot read a folder: busy", "cannot read a folder: no such user"]);
    }
}
