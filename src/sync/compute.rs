//! The seam for work that keeps a core busy: parsing and compressing, off the thread that talks to servers.

use std::{
    fmt,
    sync::mpsc::{Sender, channel},
    thread::{Builder, JoinHandle},
};

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

/// Does pieces of work in the order in which they were handed over.
pub trait Compute: Send + Sync + fmt::Debug {
    /// Hands one over. The caller bounds how much is under way.
    fn submit(&self, job: Job);
}

/// One thread for all of it. On machines of more cores the store's writer is the narrow place before this thread is.
#[derive(Debug)]
pub struct ThreadCompute {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl ThreadCompute {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let thread = Builder::new().name("compute".to_owned()).spawn(move || queue.iter().for_each(|job| job()))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }
}

impl Compute for ThreadCompute {
    fn submit(&self, job: Job) {
        // A job that cannot be handed over is dropped, and with it the channel on which its owner waits.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }
}

impl Drop for ThreadCompute {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Works at once on the caller's thread: for simulations.
#[derive(Debug)]
pub struct InlineCompute;

impl Compute for InlineCompute {
    fn submit(&self, job: Job) {
        job();
    }
}
