//! A watch of all folders on one connection by NOTIFY (RFC 5465): no folder is open, and what changes in one is told by a STATUS.

use std::collections::VecDeque;

use postrider_model::{ErrorClass, Fault};
use postrider_remote::FolderKey;
use tokio::time::{Instant, sleep_until};

use super::{RENEW, Refused, in_time};
use crate::{
    codec::{command::Command, response::Data},
    connection::{Connection, Event, done},
    fault::{During, Failure},
    name,
    settings::ImapSettings,
};

const WHAT: &str = "watch folders";
/// The longest command: servers take lines of 8,192 octets (RFC 7162, section 4).
const LINE_OCTETS: usize = 7_500;

/// A connection on which the server tells of all folders.
pub(super) struct Notify {
    connection: Connection,
    folders: Vec<FolderKey>,
    news: News,
    renew_at: Instant,
}

/// What was told and not told on.
struct News {
    /// Each folder once, the longest known first.
    folders: VecDeque<FolderKey>,
    /// The server tells no more (RFC 5465, section 5.8).
    is_over: bool,
}

impl News {
    fn take(&mut self, data: &Data, watched: &[FolderKey], is_utf8: bool) {
        match data {
            Data::FolderStatus(row) => {
                let key = name::key(&row.name, is_utf8);
                if watched.contains(&key) && !self.folders.contains(&key) {
                    self.folders.push_back(key);
                }
            }
            Data::Status(status) => self.is_over |= status.code_name() == "NOTIFICATIONOVERFLOW",
            _ => {}
        }
    }
}

impl Notify {
    /// Asks to be told. Where the server refuses, the connection comes back with the failure.
    pub(super) async fn begin(
        mut connection: Connection,
        settings: &ImapSettings,
        folders: &[FolderKey],
    ) -> Result<Self, Refused> {
        match ask(&mut connection, settings, folders).await {
            Ok((folders, news)) => Ok(Self { connection, folders, news, renew_at: Instant::now() + RENEW }),
            Err(failure) => Err(Refused::new(connection, failure)),
        }
    }

    /// The folders that are watched.
    pub(super) fn folders(&self) -> &[FolderKey] {
        &self.folders
    }

    /// Waits until something changed, and says where.
    pub(super) async fn wait(&mut self) -> Result<FolderKey, Failure> {
        loop {
            if let Some(folder) = self.news.folders.pop_front() {
                return Ok(folder);
            }
            if self.news.is_over {
                let cause = "the server ended the watch (NOTIFICATIONOVERFLOW)";
                let action = self.connection.action(WHAT);
                return Err(Failure::lost(Fault::new(ErrorClass::Transient, action, cause)));
            }
            tokio::select! {
                biased;
                came = self.connection.readable() => {
                    came?;
                    self.hear_all().await?;
                }
                () = sleep_until(self.renew_at) => self.ask_for_life().await?,
            }
        }
    }

    async fn hear_all(&mut self) -> Result<(), Failure> {
        let action = self.connection.action(WHAT);
        while self.connection.has_more() {
            if let Event::Data(data) = in_time(&action, self.connection.next()).await? {
                self.news.take(&data, &self.folders, self.connection.enabled.utf8);
            }
        }
        self.connection.shrink();
        Ok(())
    }

    async fn ask_for_life(&mut self) -> Result<(), Failure> {
        let action = self.connection.action(WHAT);
        let Self { connection, folders, news, .. } = self;
        let is_utf8 = connection.enabled.utf8;
        let noop = [Command::new(action.clone(), "NOOP")];
        let mut on = |_: usize, data: Data| news.take(&data, folders, is_utf8);
        in_time(&action, connection.run_all(&noop, &mut on)).await?;
        self.renew_at = Instant::now() + RENEW;
        Ok(())
    }
}

/// Asks to be told of as many of the folders as fit a line.
async fn ask(
    connection: &mut Connection,
    settings: &ImapSettings,
    folders: &[FolderKey],
) -> Result<(Vec<FolderKey>, News), Failure> {
    connection.prepare(&settings.client, settings.compress).await?;
    let action = connection.action(WHAT);
    let (is_utf8, literals) = (connection.enabled.utf8, connection.literals());
    let mut watched = Vec::new();
    let mut command = Command::new(action.clone(), "NOTIFY SET (mailboxes (");
    let mut room = LINE_OCTETS;
    for folder in folders {
        let wire = name::wire(folder, is_utf8);
        room = match room.checked_sub(wire.len() + 16) {
            Some(room) => room,
            None => break,
        };
        let space = if watched.is_empty() { "" } else { " " };
        command = command.text(space).string(&wire, literals, is_utf8);
        watched.push(folder.clone());
    }
    let command = command.text(") (MessageNew MessageExpunge FlagChange))");
    let mut news = News { folders: watched.iter().cloned().collect(), is_over: false };
    let mut on = |_: usize, data: Data| news.take(&data, &watched, is_utf8);
    let statuses = connection.run(&[command], &mut on).await?;
    statuses.iter().try_for_each(|status| done(&action, status, During::Command))?;
    connection.shrink();
    Ok((watched, news))
}
