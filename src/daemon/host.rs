//! Whoever started the daemon: systemd, or a person at a terminal. It is told how the daemon is, and says when to stop and to reload.

use std::time::Duration;

use async_trait::async_trait;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};

use crate::config::LogSettings;

/// What the host wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// An end, within ten seconds.
    Stop,
    /// The configuration read anew.
    Reload,
}

/// Whoever started the daemon, as it is told things.
pub trait Host: Send {
    /// The start may take so long.
    fn extend_start(&self, by: Duration);
    /// Everything that is to be followed is.
    fn ready(&self, status: &str);
    /// Another configuration is being read, or that is over.
    fn reloading(&self, is_begun: bool);
    /// Everything works.
    fn alive(&self);
    /// How it is, in a sentence.
    fn status(&self, status: &str);
    /// Nothing more is begun.
    fn stopping(&self);
    /// Within what time it has to hear [`alive`](Self::alive) again and again.
    fn watchdog(&self) -> Option<Duration>;
    /// How much is to be logged from now on.
    fn log(&self, settings: &LogSettings);
}

/// What the host says.
#[async_trait]
pub trait Signals: Send {
    /// The next thing that it wants. May be dropped and called again without losing one.
    async fn next(&mut self) -> Signal;
}

/// How the log's amount and form are changed while the program runs.
pub type SetLog = Box<dyn Fn(&LogSettings) + Send>;

/// Nobody: where there is no host, nothing is told.
pub(super) struct Nobody;

impl Host for Nobody {
    fn extend_start(&self, _: Duration) {}
    fn ready(&self, _: &str) {}
    fn reloading(&self, _: bool) {}
    fn alive(&self) {}
    fn status(&self, _: &str) {}
    fn stopping(&self) {}
    fn watchdog(&self) -> Option<Duration> {
        None
    }
    fn log(&self, _: &LogSettings) {}
}

/// systemd where it started the daemon (sd_notify(3)); else nobody hears what is told.
pub struct Systemd {
    /// Changes the log.
    pub set_log: SetLog,
}

/// The signals of a process (daemon(7), "SysV Daemons": SIGTERM ends it, SIGHUP reloads it).
pub struct UnixSignals {
    hangup: UnixSignal,
    interrupt: UnixSignal,
    terminate: UnixSignal,
}

impl UnixSignals {
    /// Begins to take them. To be called within the runtime.
    ///
    /// # Errors
    /// Where the operating system lets no signal be handled.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

impl Host for Systemd {
    fn extend_start(&self, by: Duration) {
        notify(&[
            NotifyState::ExtendTimeoutUsec(u32::try_from(by.as_micros()).unwrap_or(u32::MAX)),
            NotifyState::Status("opening the store"),
        ]);
    }

    fn ready(&self, status: &str) {
        notify(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    fn reloading(&self, is_begun: bool) {
        match (is_begun, NotifyState::monotonic_usec_now()) {
            (true, Ok(now)) => notify(&[NotifyState::Reloading, now]),
            (true, Err(_)) => notify(&[NotifyState::Reloading]),
            (false, _) => notify(&[NotifyState::Ready]),
        }
    }

    fn alive(&self) {
        notify(&[NotifyState::Watchdog]);
    }

    fn status(&self, status: &str) {
        notify(&[NotifyState::Status(status)]);
    }

    fn stopping(&self) {
        notify(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    fn watchdog(&self) -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }

    fn log(&self, settings: &LogSettings) {
        (self.set_log)(settings);
    }
}

#[async_trait]
impl Signals for UnixSignals {
    async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}
