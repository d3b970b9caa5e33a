//! The seam for work that keeps a core busy: parsing and compressing, off the thread that talks to servers.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

/// Does pieces of work in the order in which they were handed over.
pub trait Compute: Send + Sync + fmt::Debug {
    /// Hands one over. The caller bounds how much is under way.
    fn submit(&self, job: Job);
}

/// One thread for all of it. A second one made a first load on two cores little faster and kept a quarter more memory.
#[derive(Debug)]
pub struct ThreadCompute {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    given_up: Arc<AtomicBool>,
}

impl ThreadCompute {
    /// Starts the thread under that name.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    pub fn start(name: &str) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let given_up = Arc::new(AtomicBool::new(false));
        let seen = given_up.clone();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            queue.iter().take_while(|_| !seen.load(Relaxed)).for_each(|job| job());
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), given_up })
    }
}

impl Compute for ThreadCompute {
    fn submit(&self, job: Job) {
        // A job that cannot be handed over is dropped, and with it the channel on which its owner waits.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }
}

/// What waits is dropped, since nobody waits for it any more; what is being done is finished.
impl Drop for ThreadCompute {
    fn drop(&mut self) {
        self.given_up.store(true, Relaxed);
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
