//! How long something took, and how long the engine's spans took, by their names.
//!
//! What other programs of the machine take away is left out: the time in which a thread of this process could have run and had no processor
//! (`schedstat`, <https://docs.kernel.org/scheduler/sched-stats.html>). Waiting for the disk is not.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tracing::{Id, Subscriber, span::Attributes};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

/// Measures from when it is made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    begun: Instant,
    waited: Duration,
}

impl Stopwatch {
    /// Begins.
    #[allow(clippy::disallowed_methods, reason = "time that the machine really took is what is measured")]
    pub fn start() -> Self {
        // What it takes to look at the clocks is within what is measured.
        let begun = Instant::now();
        Self { begun, waited: waited() }
    }

    /// What it took until now.
    pub fn elapsed(&self) -> Duration {
        let waited = waited().saturating_sub(self.waited);
        self.begun.elapsed().saturating_sub(waited)
    }
}

/// How long threads of this process waited for a processor so far.
fn waited() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok());
    let waits = stats.filter_map(|stat| stat.split_whitespace().nth(1)?.parse::<u64>().ok());
    Duration::from_nanos(waits.sum())
}

/// The time within spans since it was asked for last.
#[derive(Debug, Clone, Default)]
pub struct Spans(Arc<Mutex<BTreeMap<&'static str, Duration>>>);

impl Spans {
    /// Watches all spans of this process from now on.
    ///
    /// # Errors
    /// Where somebody watches already.
    pub fn watch() -> anyhow::Result<Self> {
        let spans = Self::default();
        let watching = tracing_subscriber::registry().with(Watching(spans.clone()));
        tracing::subscriber::set_global_default(watching)?;
        Ok(spans)
    }

    /// The time within the spans of each name.
    pub fn take(&self) -> BTreeMap<&'static str, Duration> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Watching(Spans);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watching {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Stopwatch::start());
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(watch) = span.extensions().get::<Stopwatch>() {
            let mut spans = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            *spans.entry(span.name()).or_default() += watch.elapsed();
        }
    }
}
