//! Waiting for what the server tells by itself: IDLE (RFC 2177), and reading without a command under NOTIFY.

use super::{Connection, Event, done};
use crate::{
    codec::{command::Command, response::Data},
    fault::{During, Failure},
};

impl Connection {
    /// Waits, for as long as it takes, until something came. Dropping this loses nothing.
    pub(crate) async fn readable(&mut self) -> Result<(), Failure> {
        match self.stream.readable().await {
            Ok(()) => Ok(()),
            Err(why) => Err(Failure::wire(&self.current_action(), &why)),
        }
    }

    /// Whether something came that was not looked at.
    pub(crate) fn has_more(&mut self) -> bool {
        !self.stream.inbox().is_empty()
    }

    /// Begins to idle: what happens in the open folder is told from now on.
    pub(crate) async fn begin_idle(
        &mut self,
        on: &mut (dyn FnMut(usize, Data) + Send),
    ) -> Result<(), Failure> {
        let action = self.folder_action("watch messages");
        self.send(&[Command::new(action.clone(), "IDLE")], on).await?;
        if self.may_go_on(on).await? {
            return Ok(());
        }
        match self.next().await? {
            Event::Done(_, status) => {
                done(&action, &status, During::Command)?;
                Err(self.garbage("the end of a command that had not begun"))
            }
            Event::Data(_) | Event::Continue => Err(self.garbage("an answer out of turn")),
        }
    }

    /// Ends idling.
    pub(crate) async fn end_idle(&mut self, on: &mut (dyn FnMut(usize, Data) + Send)) -> Result<(), Failure> {
        self.write(b"DONE\r\n").await?;
        let action = self.current_action();
        loop {
            match self.next().await? {
                Event::Data(data) => on(0, data),
                Event::Continue => {}
                Event::Done(_, status) => return done(&action, &status, During::Command),
            }
        }
    }
}
