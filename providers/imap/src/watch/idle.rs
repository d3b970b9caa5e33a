//! A watch of one folder by IDLE (RFC 2177).

use postrider_model::{ErrorClass, Fault, UidSet};
use postrider_remote::{BodySink, FetchWhat, FolderKey};
use tokio::time::{Instant, sleep_until};

use super::{RENEW, Refused, in_time};
use crate::{
    codec::response::Data,
    connection::{Connection, Event},
    fault::Failure,
    fetch::{Order, deliver},
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
    /// Messages arrived that were not asked for.
    has_arrivals: bool,
}

impl Ear {
    fn take(&mut self, data: &Data) {
        let before = self.exists;
        match data {
            Data::Exists(count) => {
                self.has_arrivals |= *count > before;
                self.exists = *count;
            }
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
            Ok(opened) => Ear { exists: opened.status.messages, has_news: true, has_arrivals: true },
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

    /// Fetches messages between two times of idling, where some arrived.
    pub(super) async fn fetch_arrived(
        &mut self,
        uid_validity: u32,
        uids: &UidSet,
        what: FetchWhat,
        sink: &mut dyn BodySink,
    ) -> Result<bool, Failure> {
        let Self { connection, folder, ear, .. } = self;
        let mut order = Order { folder, uid_validity, wanted: uids, what, delivered: UidSet::EMPTY };
        let is_the_same = connection
            .selected
            .as_ref()
            .is_some_and(|selected| selected.uid_validity == Some(uid_validity) && !selected.is_renumbered);
        if !ear.has_arrivals || !is_the_same || order.has_no_answer(connection) {
            return Ok(ear.has_arrivals && is_the_same);
        }
        // Names are asked for before the messages themselves.
        ear.has_arrivals = what == FetchWhat::Identity;
        let action = connection.folder_action("watch messages");
        in_time(&action, connection.end_idle(&mut |_, data| ear.take(&data))).await?;
        deliver(connection, &mut order, uids, sink, &mut |data| ear.take(data)).await?;
        connection.shrink();
        in_time(&action, connection.begin_idle(&mut |_, data| ear.take(&data))).await?;
        self.renew_at = Instant::now() + RENEW;
        // Whoever asked reads all that changed after this.
        self.ear.has_news = false;
        Ok(true)
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
