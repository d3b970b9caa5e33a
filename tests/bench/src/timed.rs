//! How long something took, and how long the engine's spans took, by their names.
//!
//! What other programs of the machine take away is left out: the time in which a thread of this process could have run and had no processor
//! (`schedstat`, <https://docs.kernel.org/scheduler/sched-stats.html>). Waiting for the disk is not.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
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
    of: Threads,
    waited: Duration,
}

/// Of which threads the time is left out in which they waited for a processor.
#[derive(Debug, Clone, Copy)]
enum Threads {
    This,
    All,
}

impl Stopwatch {
    /// Begins to measure what this thread does.
    pub fn start() -> Self {
        Self::of(Threads::This)
    }

    /// Begins to measure what this process does.
    pub fn start_all() -> Self {
        Self::of(Threads::All)
    }

    #[allow(clippy::disallowed_methods, reason = "time that the machine really took is what is measured")]
    fn of(of: Threads) -> Self {
        // What it takes to look at the clocks is within what is measured.
        let begun = Instant::now();
        Self { begun, of, waited: of.waited() }
    }

    /// What it took until now.
    pub fn elapsed(&self) -> Duration {
        let waited = self.of.waited().saturating_sub(self.waited);
        self.begun.elapsed().saturating_sub(waited)
    }
}

impl Threads {
    /// How long they waited for a processor so far.
    fn waited(self) -> Duration {
        match self {
            Self::This => waited_in(Path::new("/proc/thread-self/schedstat")),
            Self::All => {
                let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
                tasks.map(|task| waited_in(&task.path().join("schedstat"))).sum()
            }
        }
    }
}

/// The second number of that file. It is read without memory of the heap, whose order is among what is measured.
fn waited_in(schedstat: &Path) -> Duration {
    let mut text = [0; 128];
    let read = File::open(schedstat).and_then(|mut file| file.read(&mut text)).unwrap_or_default();
    let text = text.get(..read).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    let nanos = text.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
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
