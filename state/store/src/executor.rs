//! The fourth seam: whoever wants something written hands a job over, and the one writer does one after another
//! (design, "The seams").

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{Result, StoreError, Writer};

/// Something to be done with the store.
pub type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Jobs that wait before whoever brings the next one waits with them, and with it the whole loop that it is part of: more than all
/// accounts of a daemon bring at once.
const QUEUE: usize = 4_096;

/// Does jobs in the order in which they come. A job that is never done is dropped.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Hands a job over.
    fn submit(&self, job: Job);
}

/// Has that done and waits for what it gives.
///
/// # Errors
/// What the job gives, and [`StoreError::Stopped`] where it was dropped instead of being done.
pub async fn run<R, F>(executor: &dyn Executor, job: F) -> Result<R>
where
    R: Send + 'static,
    F: FnOnce(&mut Writer) -> Result<R> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    executor.submit(Box::new(move |writer| {
        // Nobody may be waiting any more; the job is done all the same.
        let _ = answer.send(job(writer));
    }));
    answered.await.unwrap_or(Err(StoreError::Stopped))
}

/// The store on its own thread, so that waiting for the disk stops nothing else.
#[derive(Debug)]
pub struct ThreadExecutor {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl ThreadExecutor {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(writer: Writer) -> Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(writer, &queue))
            .map_err(StoreError::io("start a thread for", "the store"))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }
}

fn work(mut writer: Writer, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(&mut writer);
    }
}

impl Executor for ThreadExecutor {
    fn submit(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Where the thread is gone the job is dropped, and whoever waits for it is told so.
            let _ = jobs.send(job);
        }
    }
}

/// What was handed over is done before the store closes.
impl Drop for ThreadExecutor {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A job that panicked has told its waiter by being dropped.
            let _ = thread.join();
        }
    }
}

/// Every job at once, on the thread that brings it: for simulations and short commands.
#[derive(Debug)]
pub struct InlineExecutor {
    writer: Mutex<Writer>,
}

impl InlineExecutor {
    /// With that writer.
    pub const fn new(writer: Writer) -> Self {
        Self { writer: Mutex::new(writer) }
    }
}

impl Executor for InlineExecutor {
    fn submit(&self, job: Job) {
        job(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
