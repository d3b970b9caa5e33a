//! One follower an account: started where there is an account, stopped where there is none any more, and begun anew where its settings
//! are others. Nothing else ends one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use postrider_model::Fault;
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::sleep,
};

use super::{
    Handle, Host,
    files::{Fingerprint, fingerprint},
    handle::Order,
    reload::{self, Checked},
    sleep::watch_for_sleep,
};
use crate::{
    config::{ConfigError, MailSettings, ReadyAccount, ReadyActivities, ReadyContacts, StoreSettings},
    service::{
        Service, Shared,
        follow::{Ask, Bell, Board, Ear, Follower, News, Together},
        watch::tell_of_changes,
    },
    sync::{Budget, Observer},
};

/// How long what is under way may take to come to an end of its own when the daemon stops; then it is cut off, as a death would.
const GRACE: Duration = Duration::from_secs(4);
/// The same where only the account's settings are others, or it is gone.
const LEISURE: Duration = Duration::from_secs(60);
/// How long after the store failed it is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(10);

/// What a follower depends on; where it is another, the follower begins anew.
#[derive(PartialEq, Eq)]
struct Settings {
    account: Result<Box<ReadyAccount>, String>,
    contacts: Result<Option<ReadyContacts>, String>,
    activities: Result<Option<ReadyActivities>, String>,
    /// How long what was deleted is kept, among it.
    store: StoreSettings,
}

impl Settings {
    /// Whether what one server refused or put off under these settings, it would under the others as well.
    fn is_reached_like(&self, other: &Self) -> bool {
        match (&self.account, &other.account) {
            (Ok(one), Ok(other)) => one.is_reached_like(other),
            _ => false,
        }
    }
}

/// A follower, as the keeper holds it.
struct Kept {
    settings: Settings,
    asks: mpsc::UnboundedSender<Ask>,
    stop: watch::Sender<bool>,
    /// Tells it from those of the same name before it.
    nth: u64,
}

/// See above.
pub struct Keeper {
    shared: Arc<Shared>,
    together: Arc<Together>,
    orders: mpsc::UnboundedReceiver<Order>,
    kept: BTreeMap<String, Kept>,
    loops: FuturesUnordered<LocalBoxFuture<'static, (String, u64)>>,
    /// Tells of what somebody else did to the store, and that the machine slept; never ends.
    watches: LocalBoxFuture<'static, ()>,
    changed: Ear,
    /// The daemon stops, and nobody has leisure any more.
    parting: watch::Sender<bool>,
    /// The configuration's files as they were last read.
    seen: Fingerprint,
    /// What is wrong with them, where they are not in force.
    not_in_force: Option<String>,
    parallel: usize,
    started: u64,
}

impl Keeper {
    /// A keeper of no account yet, with its handle, over files that were as `seen` when they were read.
    ///
    /// # Errors
    /// Where the operating system gives no thread, or the store's writer does not open.
    pub(super) fn new(
        shared: Arc<Shared>,
        seen: Fingerprint,
        observer: Arc<dyn Observer>,
    ) -> Result<(Handle, Self), Fault> {
        let news = News { changed: Bell::new(), resumed: Bell::new() };
        let changed = news.changed.ear();
        let parallel = shared.files().settings.daemon.parallel_accounts.max(1);
        let together = Arc::new(Together {
            ports: shared.service()?.daemon_ports()?,
            observer,
            running: Semaphore::new(parallel),
            board: Board::default(),
            budget: Budget::default(),
            news,
        });
        let (send_orders, orders) = mpsc::unbounded_channel();
        let watcher = together.clone();
        let watches = async move {
            let look = async {
                loop {
                    let fault = tell_of_changes(&watcher, &watcher.news.changed).await;
                    tracing::error!(error = %fault, "the store does not say whether it was changed");
                    sleep(STORE_PAUSE).await;
                }
            };
            tokio::join!(look, watch_for_sleep(&*watcher.ports.clock, || watcher.news.resumed.ring()));
        };
        let keeper = Self {
            shared,
            together: together.clone(),
            orders,
            kept: BTreeMap::new(),
            loops: FuturesUnordered::new(),
            watches: watches.boxed_local(),
            changed,
            parting: watch::channel(false).0,
            seen,
            not_in_force: None,
            parallel,
            started: 0,
        };
        Ok((Handle::new(send_orders, together), keeper))
    }

    /// Starts and stops followers as the configuration in force and the store say now.
    pub fn follow_accounts(&mut self) {
        let service = match self.shared.service() {
            Ok(service) => Arc::new(service),
            Err(fault) => {
                tracing::error!(error = %fault, "the accounts are followed as before");
                return;
            }
        };
        let config = service.config();
        self.allow_parallel(config.settings.daemon.parallel_accounts.max(1));
        let gone: Vec<String> =
            self.kept.keys().filter(|name| !config.accounts.contains_key(*name)).cloned().collect();
        for name in gone {
            if let Some(kept) = self.kept.remove(&name) {
                kept.stop.send_replace(true);
            }
            self.together.board.seat(&name).forget_trouble();
            tracing::info!(account = name, "account is followed no more");
        }
        let names: Vec<String> = config.accounts.keys().cloned().collect();
        for name in names {
            let settings = settings_of(&service, &name);
            match self.kept.get(&name) {
                Some(kept) if kept.settings == settings => {}
                Some(kept) => {
                    kept.stop.send_replace(true);
                    if !settings.is_reached_like(&kept.settings) {
                        self.together.board.seat(&name).forget_trouble();
                    }
                    tracing::info!(account = name, "account has other settings");
                    self.start(&service, name, settings);
                }
                None => self.start(&service, name, settings),
            }
        }
    }

    /// Does the next thing that there is to do.
    pub async fn step(&mut self, host: &dyn Host) {
        tokio::select! {
            biased;
            order = self.orders.recv() => match order {
                Some(order) => self.obey(order, host),
                None => std::future::pending().await,
            },
            ended = next_of(&mut self.loops) => self.ended(ended),
            () = self.changed.heard() => self.follow_accounts(),
            () = &mut self.watches => {}
        }
    }

    fn obey(&mut self, order: Order, host: &dyn Host) {
        match order {
            Order::Ask { account, ask } => {
                // One that was just added may not have been seen yet.
                if !self.kept.contains_key(&account) {
                    self.follow_accounts();
                }
                // Where there is none, or its follower has just ended, the answer is dropped, and whoever waits is told so.
                if let Some(kept) = self.kept.get(&account) {
                    drop(kept.asks.send(ask));
                }
            }
            Order::Reload { answer } => {
                host.reloading(true);
                let outcome = self.reload(host);
                self.not_in_force = outcome.as_ref().err().map(ToString::to_string);
                if let Err(fault) = &outcome {
                    tracing::error!(error = %fault, hint = fault.hint, "the new configuration is not in force");
                }
                answer(outcome);
                host.reloading(false);
            }
        }
    }

    fn reload(&mut self, host: &dyn Host) -> Result<Vec<String>, Fault> {
        // Before they are read: what changes meanwhile is another change.
        self.seen = fingerprint(&self.shared.files().dir);
        let Checked { files, changed, warnings } = reload::check(&self.shared)?;
        host.log(&files.settings.log);
        self.shared.put_in_force(files);
        self.follow_accounts();
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        tracing::info!(changed = changed.len(), "the new configuration is in force");
        Ok(changed)
    }

    fn start(&mut self, service: &Arc<Service>, name: String, settings: Settings) {
        self.started += 1;
        let nth = self.started;
        let (send_asks, asks) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(false);
        let follower =
            Follower::new(service.clone(), self.together.clone(), name.clone(), Some(asks), stopping.clone());
        // The one before it may still be coming to its end; both want the account's turn, so they never speak to a server at once.
        self.kept.insert(name.clone(), Kept { settings, asks: send_asks, stop, nth });
        let parting = self.parting.subscribe();
        let one = async move {
            tokio::select! {
                biased;
                _ = follower.follow() => {}
                () = cut_off(stopping, parting) => {}
            }
            (name, nth)
        };
        self.loops.push(one.boxed_local());
    }

    /// A follower ends only where it was stopped; whatever else could end one must not leave an account behind.
    fn ended(&mut self, (name, nth): (String, u64)) {
        if self.kept.get(&name).is_some_and(|kept| kept.nth == nth && !*kept.stop.borrow()) {
            tracing::error!(account = name, "account was left by its follower, and is followed anew");
            if let (Some(kept), Ok(service)) = (self.kept.remove(&name), self.shared.service()) {
                self.start(&Arc::new(service), name, kept.settings);
            }
        }
    }

    fn allow_parallel(&mut self, parallel: usize) {
        match parallel.checked_sub(self.parallel) {
            Some(more) => self.together.running.add_permits(more),
            // Those that are taken are not taken back: the number is right once these runs have ended.
            None => drop(self.together.running.forget_permits(self.parallel - parallel)),
        }
        self.parallel = parallel;
    }

    /// Stops all followers, and waits until they have come to an end.
    pub async fn stop(&mut self) {
        self.parting.send_replace(true);
        for kept in self.kept.values() {
            kept.stop.send_replace(true);
        }
        while self.loops.next().await.is_some() {}
        self.kept.clear();
    }

    /// Whether the configuration's files are others than those that were last read.
    pub(super) fn has_other_files(&self) -> bool {
        fingerprint(&self.shared.files().dir) != self.seen
    }

    /// Asks the store's thread for a sign of life; it comes where it is given.
    pub fn probe(&self) -> oneshot::Receiver<()> {
        let (answer, answered) = oneshot::channel();
        self.together.ports.store.submit(Box::new(move |_| {
            let _ = answer.send(());
        }));
        answered
    }

    /// How many accounts are followed.
    pub fn accounts(&self) -> usize {
        self.kept.len()
    }

    /// How they are, in a sentence.
    pub fn status(&self) -> String {
        let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.kept.keys() {
            let phase = self.together.board.following(name).map_or("", |following| following.phase);
            *phases.entry(phase).or_default() += 1;
        }
        let count = |phase| phases.get(phase).copied().unwrap_or_default();
        let mut status = match self.kept.len() {
            1 => "following 1 account".to_owned(),
            many => format!("following {many} accounts"),
        };
        for (count, words) in
            [(count("paused"), "tried again later"), (count("stopped"), "waiting for a person")]
        {
            if count > 0 {
                status.push_str(&format!(", {count} {words}"));
            }
        }
        if let Some(why) = &self.not_in_force {
            status.push_str(&format!("; the new configuration is not in force: {why}"));
        }
        status
    }
}

fn settings_of(service: &Service, name: &str) -> Settings {
    let config = service.config();
    Settings {
        account: config.ready(name).map(|account| Box::new(followed(account))).map_err(in_words),
        contacts: config.ready_contacts(name).map_err(in_words),
        activities: config.ready_activities(name).map_err(in_words),
        store: config.settings.store.clone(),
    }
}

fn in_words(errors: Vec<ConfigError>) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The account without what only those need who write a message.
fn followed(account: ReadyAccount) -> ReadyAccount {
    let written = MailSettings {
        alias: None,
        signature: None,
        signature_file: None,
        default_sender: false,
        ..account.mail
    };
    ReadyAccount { mail: written, ..account }
}

async fn next_of<T>(loops: &mut FuturesUnordered<LocalBoxFuture<'static, T>>) -> T {
    match loops.next().await {
        Some(ended) => ended,
        None => std::future::pending().await,
    }
}

/// Waits until a follower has had its time to come to an end. Where nobody is left to say that it is to, that is said too.
async fn cut_off(mut stopping: watch::Receiver<bool>, mut parting: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
    let parted = async {
        let _ = parting.wait_for(|parting| *parting).await;
        sleep(GRACE).await;
    };
    tokio::select! {
        biased;
        () = parted => {}
        () = sleep(LEISURE) => {}
    }
}
