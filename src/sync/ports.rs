//! The seams of a run: all that is not deterministic comes in through these (design, "The seams").

use std::sync::Arc;

use postrider_model::{Clock, Entropy, Fault};
use postrider_net::Dialer;
use postrider_store::{Executor, StoreError, Tx};
use tokio::sync::oneshot;

use super::{Compute, Index, Leave, stopped};

/// The world, as a run sees it. Real in `main`, seeded in a simulation.
#[derive(Clone)]
pub struct Ports {
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Every connection.
    pub dialer: Arc<dyn Dialer>,
    /// The store's one writer.
    pub store: Arc<dyn Executor>,
    /// The search index.
    pub index: Index,
    /// Whether anything may be loaded or sent now.
    pub leave: Leave,
    /// Parsing and compressing.
    pub compute: Arc<dyn Compute>,
}

impl Ports {
    /// One transaction in the store: all of it or nothing.
    ///
    /// # Errors
    /// The store's, in words; transient where the process is stopping.
    pub async fn transaction<R, F>(&self, work: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.store.submit(Box::new(move |writer| {
            let _ = answer.send(writer.transaction(work));
        }));
        result.await.map_err(|_| stopped())?.map_err(Fault::from)
    }

    /// The same, on the disk before it answers: what has to be noted before it is sent (I4).
    ///
    /// # Errors
    /// As [`transaction`](Self::transaction).
    pub async fn durable_transaction<R, F>(&self, work: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<R, StoreError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.store.submit(Box::new(move |writer| {
            let done = writer.durable(true).and_then(|()| writer.transaction(work));
            let _ = answer.send(writer.durable(false).and(done));
        }));
        result.await.map_err(|_| stopped())?.map_err(Fault::from)
    }
}
