//! The seams of the simulation: paused time, seeded chance, wires in memory, the store and the parser on the one thread.
//!
//! Everything passes a [`Life`], which may end at any of it, and leaves its mark in the [`Trace`].

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use postrider::{
    sync::{Compute, InlineCompute},
    world::Threads,
};
use postrider_fake::{FakeDialer, smtp::SmtpDialer};
use postrider_model::{Clock, Timestamp};
use postrider_net::{Dialer, Endpoint, Io};
use postrider_store::{Executor, Job, StoreError, Writer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::{crash::Life, trace::Trace};

/// Wall time: a first instant, and tokio's paused time since then, but for what somebody set it forward or back.
#[derive(Debug)]
pub struct SimClock {
    base: Timestamp,
    since: Instant,
    set_forward_us: AtomicI64,
}

impl SimClock {
    /// A clock that shows `base` now.
    pub fn new(base: Timestamp) -> Self {
        Self { base, since: Instant::now(), set_forward_us: AtomicI64::new(0) }
    }

    /// Sets it forward by so many seconds, or back: the machine slept, or somebody put the clock right.
    pub fn set_forward(&self, seconds: i64) {
        self.set_forward_us.fetch_add(seconds * 1_000_000, Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.base.0.saturating_add(elapsed).saturating_add(self.set_forward_us.load(Relaxed)))
    }
}

/// Work done at once on the one thread, as long as the program lives.
#[derive(Debug, Clone)]
pub struct SimThreads {
    /// How long that is.
    pub life: Arc<Life>,
    /// Where jobs leave their mark.
    pub trace: Arc<Trace>,
    /// Commits of the store, those that changed nothing left out.
    pub commits: Arc<AtomicU64>,
}

impl Threads for SimThreads {
    fn store(&self, writer: Writer) -> Result<Arc<dyn Executor>, StoreError> {
        Ok(Arc::new(SimExecutor { writer: Mutex::new(writer), threads: self.clone() }))
    }

    fn compute(&self) -> io::Result<Arc<dyn Compute>> {
        Ok(Arc::new(SimCompute { life: self.life.clone() }))
    }
}

#[derive(Debug)]
struct SimExecutor {
    writer: Mutex<Writer>,
    threads: SimThreads,
}

impl Executor for SimExecutor {
    fn submit(&self, job: Job) {
        let SimThreads { life, trace, commits } = &self.threads;
        if !life.begins_job() {
            return;
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = writer.commits();
        job(&mut writer);
        let committed = writer.commits() - before;
        commits.fetch_add(committed, Relaxed);
        drop(writer);
        trace.step(|| format!("job {}: {committed} commits", life.jobs()));
        life.ended_job();
    }
}

#[derive(Debug)]
struct SimCompute {
    life: Arc<Life>,
}

impl Compute for SimCompute {
    fn submit(&self, job: Box<dyn FnOnce() + Send>) {
        if !self.life.is_dead() {
            InlineCompute.submit(job);
        }
    }
}

/// The cable between the machine and the world; clones are the same. Connections that were open when it was pulled are dead, and nobody
/// tells their ends.
#[derive(Debug, Clone, Default)]
pub struct Cable(Arc<AtomicU64>);

impl Cable {
    /// Pulls it, and puts it in again: new connections go through.
    pub fn pull(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn times_pulled(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Dials the fake servers and puts a [`Life`] between.
#[derive(Debug)]
pub struct SimDialer {
    /// The net of fakes.
    pub net: FakeDialer,
    /// The servers that take mail.
    pub post: SmtpDialer,
    /// What they are reached by.
    pub cable: Cable,
    /// How long octets travel.
    pub life: Arc<Life>,
    /// Where they leave their mark.
    pub trace: Arc<Trace>,
    /// Connections so far.
    pub dialled: AtomicU64,
}

#[async_trait]
impl Dialer for SimDialer {
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>> {
        if self.life.is_dead() {
            return std::future::pending().await;
        }
        let number = self.dialled.fetch_add(1, Relaxed) + 1;
        self.trace.step(|| format!("connection {number} to {to}"));
        let wire = match self.post.connect(to) {
            Some(wire) => wire?,
            None => self.net.connect(to)?,
        };
        Ok(Box::new(SimWire {
            wire,
            number,
            has_spoken: false,
            cable: (self.cable.clone(), self.cable.times_pulled()),
            life: self.life.clone(),
            trace: self.trace.clone(),
        }))
    }
}

struct SimWire {
    wire: tokio::io::DuplexStream,
    number: u64,
    /// Whether the client was the last to speak.
    has_spoken: bool,
    /// With how often it had been pulled when this was dialled.
    cable: (Cable, u64),
    life: Arc<Life>,
    trace: Arc<Trace>,
}

impl SimWire {
    fn is_dead(&self) -> bool {
        let (cable, pulled) = &self.cable;
        cable.times_pulled() != *pulled
    }
}

impl AsyncRead for SimWire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.life.is_dead() || this.is_dead() {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.wire).poll_read(cx, buf))?;
        let arrived = buf.filled().len() - before;
        let travelled = this.life.travels(arrived);
        this.has_spoken &= arrived == 0;
        this.trace.octets(
            this.number,
            false,
            buf.filled().get(before..before + travelled).unwrap_or_default(),
        );
        if travelled < arrived { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl AsyncWrite for SimWire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.life.is_dead() {
            return Poll::Pending;
        }
        if this.is_dead() {
            // The kernel takes it, and sends it again and again.
            return Poll::Ready(Ok(buf.len()));
        }
        let sent = ready!(Pin::new(&mut this.wire).poll_write(cx, buf))?;
        let travelled = this.life.travels(sent);
        if !std::mem::replace(&mut this.has_spoken, true) {
            this.life.begins_trip();
        }
        this.trace.octets(this.number, true, buf.get(..travelled).unwrap_or_default());
        if travelled < sent { Poll::Pending } else { Poll::Ready(Ok(sent)) }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}
