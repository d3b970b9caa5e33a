//! A watch of one folder by IDLE (RFC 2177).

use postrider_model::{ErrorClass, Fault};
use postrider_remote::FolderKey;
use tokio::time::{Instant, sleep_until};

use super::{RENEW, Refused, in_time};
use crate::{
    codec::response::Data,
    connection::{Connection, Event},
    fault::Failure,
    select::examine,
    settings::ImapSettings,
};

/// A connection that idles in one folder.
pub(super) struct Idle {
    connection: Connection,
    folder: FolderKey,
    ear: Ear,
    renew_at: Instant,
}

/// What of all that is told means that something changed.
#[derive(Debug)]
struct Ear {
    /// How many messages there are.
    exists: u32,
    /// Something changed that was not told on.
    has_news: bool,
}

impl Ear {
    fn take(&mut self, data: &Data) {
        let before = self.exists;
        match data {
            Data::Exists(count) => self.exists = *count,
            Data::Expunge(_) => self.lose(1),
            Data::Vanished { is_earlier: false, uids } => self.lose(uids.len()),
            Data::Fetch(row) => self.has_news |= row.flags.is_some(),
            Data::Status(status) => self.has_news |= status.code_name() == "UIDVALIDITY",
            _ => {}
        }
        self.has_news |= self.exists != before;
    }

    fn lose(&mut self, count: u64) {
        self.exists = self.exists.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
        self.has_news = true;
    }
}

impl Idle {
    /// Opens the folder and idles in it. Where the server refuses, the connection comes back with the failure.
    pub(super) async fn begin(
        mut connection: Connection,
        settings: &ImapSettings,
        folder: &FolderKey,
    ) -> Result<Self, Refused> {
        let mut ear = match examine(&mut connection, settings, folder, None).await {
            Ok(opened) => Ear { exists: opened.status.messages, has_news: true },
            Err(failure) => return Err(Refused::new(connection, failure)),
        };
        connection.shrink();
        match connection.begin_idle(&mut |_, data| ear.take(&data)).await {
            Ok(()) => Ok(Self { connection, folder: folder.clone(), ear, renew_at: Instant::now() + RENEW }),
            Err(failure) => Err(Refused::new(connection, failure)),
        }
    }

    /// Waits until something changed.
    pub(super) async fn wait(&mut self) -> Result<FolderKey, Failure> {
        loop {
            if std::mem::take(&mut self.ear.has_news) {
                return Ok(self.folder.clone());
            }
            tokio::select! {
                biased;
                came = self.connection.readable() => {
                    came?;
                    self.hear_all().await?;
                }
                () = sleep_until(self.renew_at) => self.renew().await?,
            }
        }
    }

    /// Takes all that came already, so that one change that is told in several lines is one.
    async fn hear_all(&mut self) -> Result<(), Failure> {
        let action = self.connection.folder_action("watch messages");
        while self.connection.has_more() {
            match in_time(&action, self.connection.next()).await? {
                Event::Data(data) => self.ear.take(&data),
                Event::Continue => {}
                Event::Done(..) => {
                    let cause = "the server ended the watch (IDLE)";
                    return Err(Failure::lost(Fault::new(ErrorClass::Transient, action, cause)));
                }
            }
        }
        self.connection.shrink();
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), Failure> {
        let action = self.connection.folder_action("watch messages");
        let Self { connection, ear, .. } = self;
        let renewed = async {
            connection.end_idle(&mut |_, data| ear.take(&data)).await?;
            connection.begin_idle(&mut |_, data| ear.take(&data)).await
        };
        in_time(&action, renewed).await?;
        self.renew_at = Instant::now() + RENEW;
        Ok(())
    }
}
