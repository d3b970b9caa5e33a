//! What is told to all followers at once. They hear it in the order in which they came to listen: `tokio::sync::watch` wakes those who
//! wait in an order that it draws by lot, so that no simulated seed would be lived twice alike.

use tokio::sync::broadcast::{self, error::RecvError};

/// It is rung for everybody who listens; clones are the same bell.
#[derive(Debug, Clone)]
pub struct Bell(broadcast::Sender<()>);

/// One who listens.
#[derive(Debug)]
pub struct Ear(broadcast::Receiver<()>);

impl Bell {
    /// A bell that nobody hears yet.
    pub fn new() -> Self {
        Self(broadcast::channel(1).0)
    }

    /// Rings, however many listen.
    pub fn ring(&self) {
        // That nobody does is no failure.
        let _ = self.0.send(());
    }

    /// Begins to listen.
    pub fn ear(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

impl Ear {
    /// Waits until it rang since it was heard last, once or often; for ever where the bell is gone.
    pub async fn heard(&mut self) {
        if matches!(self.0.recv().await, Err(RecvError::Closed)) {
            std::future::pending().await
        }
        self.forget();
    }

    /// Takes what rang so far for heard.
    pub fn forget(&mut self) {
        self.0 = self.0.resubscribe();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn many_rings_are_heard_once_and_by_everybody() {
        let bell = Bell::new();
        let (mut one, mut two) = (bell.ear(), bell.ear());
        assert!(one.heard().now_or_never().is_none());
        bell.ring();
        bell.ring();
        assert!(one.heard().now_or_never().is_some() && one.heard().now_or_never().is_none());
        two.forget();
        assert!(two.heard().now_or_never().is_none());
        bell.ring();
        assert!(one.heard().now_or_never().is_some() && two.heard().now_or_never().is_some());
        drop(bell);
        assert!(one.heard().now_or_never().is_none());
    }
}
