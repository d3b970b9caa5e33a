//! The daemon: keeps every account in step for as long as it lives, and has to be looked after by nobody (F6.1–F6.4).
//!
//! | module | holds |
//! |---|---|
//! | `keeper` | one follower an account, started and stopped as the configuration and the store say |
//! | `handle` | what use cases of this process have the keeper do: runs, turns, a reload |
//! | `reload` | another configuration, checked whole before it is in force |
//! | `files` | whether the configuration's files changed |
//! | `sleep` | whether the machine slept |
//! | `host` | whoever started it: what it is told, and what it tells |
//! | `log` | what is logged of what happens |
//!
//! It decides nothing about mail: a follower (`service::follow`) does what `postrider watch` does. Nothing in here knows a protocol or
//! SQL, or prints.

mod files;
mod handle;
mod host;
mod keeper;
mod log;
mod reload;
mod sleep;

use std::{sync::Arc, time::Duration};

use postrider_model::{ErrorClass, Fault};
use postrider_store::SyncLock;
use tokio::{sync::oneshot, time::timeout};

use crate::{
    api::{Answering, Doors, socket_of},
    config::{Config, fault},
    service::{Environment, Service, Shared},
    sync::Observer,
    world::World,
};

pub use handle::Handle;
use handle::Order;
pub use host::{Host, SetLog, Signal, Signals, Systemd, UnixSignals};
pub use keeper::Keeper;
pub use log::Logger;

/// How often the configuration's files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long opening the store may take, an upgrade of a large one included.
const OPENING: Duration = Duration::from_secs(3600);
/// How long renewals of tokens that are under way are waited for at the end.
const PARTING: Duration = Duration::from_secs(3);
/// How often it is looked whether all is well, where the host does not want to know more often.
const PULSE: Duration = Duration::from_secs(1);

/// Runs until the host says stop.
///
/// # Errors
/// What keeps it from starting: a configuration that is wrong as a whole, a store that cannot be opened, another postrider that syncs
/// it. Once it runs, nothing ends it but a stop.
pub async fn run(
    world: World,
    env: Environment,
    host: &dyn Host,
    signals: &mut dyn Signals,
) -> Result<(), Fault> {
    host.extend_start(OPENING);
    // Before they are read: what changes meanwhile is another change.
    let seen = files::fingerprint(&env.config_dir);
    let files = read_files(&env);
    host.log(&files.settings.log);
    let (shared, _lock) = open(world, env, files)?;
    let (handle, mut keeper) = Keeper::new(shared.clone(), seen, Arc::new(Logger))?;
    shared.supervise(Some(Arc::new(handle.clone())));
    keeper.follow_accounts();
    let api = answer(&shared)?;
    tracing::info!(accounts = keeper.accounts(), version = env!("CARGO_PKG_VERSION"), "postrider is ready");
    host.ready(&keeper.status());
    attend(&handle, &mut keeper, host, signals).await;
    host.stopping();
    tracing::info!("postrider stops");
    api.stop();
    keeper.stop().await;
    api.join();
    shared.supervise(None);
    let service = shared.service()?;
    let lost = timeout(PARTING, service.settle()).await.unwrap_or_else(|_| {
        let cause = "the provider did not answer in time";
        vec![Fault::new(ErrorClass::Transient, "finish a renewal of tokens", cause)]
    });
    for lost in lost {
        tracing::error!(error = %lost, hint = lost.hint, "something was lost at the end");
    }
    Ok(())
}

/// Answers the API from now on.
fn answer(shared: &Arc<Shared>) -> Result<Answering, Fault> {
    let (env, settings) = (shared.environment(), shared.files().settings.api.clone());
    let doors = Doors::handed_in()?.with_socket(&socket_of(env, &settings))?.with_port(settings.listen)?;
    Answering::begin(shared.clone(), doors)
}

/// The daemon without a host, an API, or files that are looked at, until that time comes: for a world in which there are none of these.
///
/// # Errors
/// As [`run`].
pub async fn keep(
    world: World,
    env: Environment,
    observer: Arc<dyn Observer>,
    until: impl Future<Output = ()>,
) -> Result<(), Fault> {
    let files = read_files(&env);
    let (shared, _lock) = open(world, env, files)?;
    let (_handle, mut keeper) = Keeper::new(shared, files::Fingerprint::default(), observer)?;
    keeper.follow_accounts();
    tokio::pin!(until);
    loop {
        tokio::select! {
            biased;
            () = &mut until => break,
            () = keeper.step(&host::Nobody) => {}
        }
    }
    keeper.stop().await;
    Ok(())
}

/// The store, which is this process's to sync for as long as the lock is held, and what is shared over it.
fn open(world: World, env: Environment, files: Config) -> Result<(Arc<Shared>, SyncLock), Fault> {
    if !files.errors.is_empty() {
        return Err(fault(&files.errors));
    }
    let store = Service::with_config(world.clone(), env.clone(), files.clone()).make_store()?;
    let lock = SyncLock::acquire(store.dir())?;
    Ok((Arc::new(Shared::new(world, env, store, files)), lock))
}

/// The configuration as its files have it, whatever is wrong with it.
pub(crate) fn read_files(env: &Environment) -> Config {
    Service::read_config(env)
}

/// Keeps the keeper going, and hears the host meanwhile.
async fn attend(handle: &Handle, keeper: &mut Keeper, host: &dyn Host, signals: &mut dyn Signals) {
    let watchdog = host.watchdog();
    let mut pulse = tokio::time::interval(watchdog.map_or(PULSE, |limit| (limit / 3).min(PULSE)));
    let mut look = tokio::time::interval(LOOK);
    for ticks in [&mut pulse, &mut look] {
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    // How it goes is in the log and in the status.
    let reload = || handle.order(Order::Reload { answer: Box::new(drop) });
    let (mut probe, mut status) = (None, String::new());
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Stop => return,
                Signal::Reload => reload(),
            },
            _ = look.tick() => {
                if keeper.has_other_files() {
                    reload();
                }
            }
            // The store's thread has to answer too: a loop that only counts its own turns proves nothing.
            _ = pulse.tick(), if probe.is_none() => probe = Some(keeper.probe()),
            is_alive = answered(&mut probe) => {
                probe = None;
                if is_alive && watchdog.is_some() {
                    host.alive();
                }
                let now = keeper.status();
                if now != status {
                    host.status(&now);
                    status = now;
                }
            }
            () = keeper.step(host) => {}
        }
    }
}

async fn answered(probe: &mut Option<oneshot::Receiver<()>>) -> bool {
    match probe {
        Some(probe) => probe.await.is_ok(),
        None => std::future::pending().await,
    }
}

fn stopping() -> Fault {
    Fault::new(ErrorClass::Transient, "ask the daemon", "it is stopping").hint("try again in a moment")
}
