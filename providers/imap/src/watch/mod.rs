//! Watches: connections, beside the pool, on which the server tells by itself when something changes.
//!
//! - IDLE watches one folder a connection, the most wanted first. With NOTIFY one connection watches all folders but the most wanted:
//!   that one is idled in all the same, since only a connection that has a folder open can fetch at once what arrived there.
//! - A peer may go silent while its kernel, or a proxy's, keeps the connection alive. So every [`RENEW`] something is asked, which has to
//!   be answered within [`ANSWER`]: within a minute it is noticed, in whichever moment it happened.
//! - What happens while nobody calls [`MailWatch::next`] waits in the connections; what is told while a watch is renewed is told on.
//! - Each folder is told once when the watch begins: what happened before is nobody else's to tell.
//! - No task runs behind a watch: its connections are driven by `next` alone.

mod idle;
mod notify;

#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault, UidSet};
use postrider_remote::{BodySink, FetchWhat, FolderKey, MailWatch, MailWatcher, Result};
use tokio::time::timeout;

use self::{idle::Idle, notify::Notify};
use crate::{
    connection::Connection,
    fault::{Aftermath, Failure},
    pool::Pool,
    remote::ImapRemote,
};

/// How long a watch is left alone. RFC 2177 asks for less than 29 minutes; a peer that has gone silent asks for less than one.
const RENEW: Duration = Duration::from_secs(35);
/// How long the server may take to answer then.
const ANSWER: Duration = Duration::from_secs(15);

/// One watching connection.
enum Line {
    Idle(Idle),
    Notify(Notify),
}

impl Line {
    async fn wait(&mut self) -> std::result::Result<FolderKey, Failure> {
        match self {
            Self::Idle(idle) => idle.wait().await,
            Self::Notify(notify) => notify.wait().await,
        }
    }
}

/// Why a watch did not begin.
struct Refused {
    /// The connection, where it can go on.
    connection: Option<Connection>,
    failure: Failure,
}

impl Refused {
    fn new(connection: Connection, failure: Failure) -> Self {
        let connection = (failure.aftermath == Aftermath::InOrder).then_some(connection);
        Self { connection, failure }
    }
}

/// A connection that is waited for, and is given back with what it told.
type Waiting = Pin<Box<dyn Future<Output = (Line, std::result::Result<FolderKey, Failure>)> + Send>>;

fn waiting(mut line: Line) -> Waiting {
    Box::pin(async move {
        let told = line.wait().await;
        (line, told)
    })
}

/// A watch over some folders.
struct Watch {
    watched: Vec<FolderKey>,
    /// Asked in this order, so that the same wires give the same events.
    lines: Vec<Waiting>,
    /// The one that told last.
    told: Option<Line>,
    /// Why it ended.
    ended: Option<Fault>,
}

impl Watch {
    fn new(watched: Vec<FolderKey>, lines: Vec<Line>) -> Self {
        Self { watched, lines: lines.into_iter().map(waiting).collect(), told: None, ended: None }
    }

    /// The first line that has something to tell; it is taken out.
    fn poll_lines(&mut self, cx: &mut Context<'_>) -> Poll<(Line, std::result::Result<FolderKey, Failure>)> {
        for at in 0..self.lines.len() {
            if let Some(line) = self.lines.get_mut(at)
                && let Poll::Ready(told) = line.as_mut().poll(cx)
            {
                drop(self.lines.remove(at));
                return Poll::Ready(told);
            }
        }
        Poll::Pending
    }

    fn end(&mut self, failure: Failure) -> Fault {
        self.lines.clear();
        self.told = None;
        self.ended = Some(failure.fault.clone());
        failure.fault
    }
}

#[async_trait]
impl MailWatch for Watch {
    fn watched(&self) -> &[FolderKey] {
        &self.watched
    }

    async fn next(&mut self) -> Result<FolderKey> {
        if let Some(fault) = &self.ended {
            return Err(fault.clone());
        }
        // Behind the others, so that a busy folder does not keep them from being heard.
        self.lines.extend(self.told.take().map(waiting));
        let (line, told) = poll_fn(|cx| self.poll_lines(cx)).await;
        match told {
            Ok(folder) => {
                self.told = Some(line);
                Ok(folder)
            }
            Err(failure) => Err(self.end(failure)),
        }
    }

    async fn fetch_arrived(
        &mut self,
        uid_validity: u32,
        uids: &UidSet,
        what: FetchWhat,
        sink: &mut dyn BodySink,
    ) -> Result<bool> {
        let Some(Line::Idle(mut idle)) = self.told.take_if(|line| matches!(line, Line::Idle(_))) else {
            return Ok(false);
        };
        // A call that is given up leaves the connection in the middle of an answer.
        let cause = "a fetch was given up in the middle";
        self.ended = Some(Fault::new(ErrorClass::Transient, "watch messages", cause));
        match idle.fetch_arrived(uid_validity, uids, what, sink).await {
            Ok(fetched) => {
                self.ended = None;
                self.told = Some(Line::Idle(idle));
                Ok(fetched)
            }
            Err(failure) => Err(self.end(failure)),
        }
    }
}

#[async_trait]
impl MailWatcher for ImapRemote {
    async fn watch(&self, folders: &[FolderKey]) -> Result<Box<dyn MailWatch>> {
        if folders.is_empty() {
            return Ok(Box::new(Watch::new(Vec::new(), Vec::new())));
        }
        let (watched, lines) = begin(self.pool(), folders).await?;
        Ok(Box::new(Watch::new(watched, lines)))
    }
}

/// Opens the connections.
async fn begin(pool: &Pool, folders: &[FolderKey]) -> Result<(Vec<FolderKey>, Vec<Line>)> {
    let mut connection = Connection::open(pool.settings(), pool.connector()).await?;
    let (mut watched, mut lines, mut rest) = (Vec::new(), Vec::new(), folders);
    let may_idle = connection.has("IDLE");
    if connection.has("NOTIFY") && !(may_idle && folders.len() == 1) {
        if may_idle
            && pool.settings().max_watches > 1
            && let [first, others @ ..] = folders
            && let Ok(idle) = idle_in(pool, None, first).await
        {
            (watched, lines, rest) = (vec![first.clone()], vec![Line::Idle(idle)], others);
        }
        match Notify::begin(connection, pool.settings(), rest).await {
            Ok(notify) => {
                watched.extend_from_slice(notify.folders());
                lines.push(Line::Notify(notify));
                return Ok((watched, lines));
            }
            Err(Refused { connection: Some(kept), failure }) => {
                tracing::debug!(why = %failure.fault, "NOTIFY is done without");
                connection = kept;
            }
            Err(Refused { failure, .. }) => return Err(failure.fault),
        }
    }
    if !connection.has("IDLE") {
        let action = connection.action("watch folders");
        let cause = "the server does not tell by itself when something changes (neither IDLE nor NOTIFY)";
        return Err(Fault::new(ErrorClass::Permanent, action, cause)
            .hint("changes there are seen by the next run; let runs follow each other sooner"));
    }
    idle_in_each(pool, connection, rest, (watched, lines)).await
}

/// One connection a folder, beside those that are there. A folder that cannot be opened is left out; so is what goes beyond what the
/// server allows, however it says so.
async fn idle_in_each(
    pool: &Pool,
    first: Connection,
    folders: &[FolderKey],
    (mut watched, mut lines): (Vec<FolderKey>, Vec<Line>),
) -> Result<(Vec<FolderKey>, Vec<Line>)> {
    let most = pool.settings().max_watches.max(1);
    let (mut free, mut last_failure) = (Some(first), None);
    for folder in folders {
        if lines.len() == most {
            break;
        }
        match idle_in(pool, free.take(), folder).await {
            Ok(idle) => {
                watched.push(folder.clone());
                lines.push(Line::Idle(idle));
            }
            Err(Refused { connection, failure }) => {
                tracing::debug!(why = %failure.fault, "a folder is not watched");
                let is_over = connection.is_none();
                (free, last_failure) = (connection, Some(failure.fault));
                if is_over {
                    break;
                }
            }
        }
    }
    match last_failure.filter(|_| lines.is_empty()) {
        Some(fault) => Err(fault),
        None => Ok((watched, lines)),
    }
}

async fn idle_in(
    pool: &Pool,
    free: Option<Connection>,
    folder: &FolderKey,
) -> std::result::Result<Idle, Refused> {
    let connection = match free {
        Some(connection) => connection,
        None => match Connection::open(pool.settings(), pool.connector()).await {
            Ok(connection) => connection,
            Err(failure) => return Err(Refused { connection: None, failure }),
        },
    };
    Idle::begin(connection, pool.settings(), folder).await
}

/// What the server is asked, which it has to answer in time: else it is taken for gone.
async fn in_time<T>(
    action: &str,
    answer: impl Future<Output = std::result::Result<T, Failure>>,
) -> std::result::Result<T, Failure> {
    match timeout(ANSWER, answer).await {
        Ok(answered) => answered,
        Err(_) => {
            let cause = format!("the server did not answer within {} s", ANSWER.as_secs());
            Err(Failure::lost(Fault::new(ErrorClass::Transient, action, cause)))
        }
    }
}
