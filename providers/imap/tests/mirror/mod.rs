//! A mirror of an account, kept by the remote's calls alone: the least that a store has to do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use postrider_model::{Flags, MailCursor, Timestamp, Uid, UidSet, Window};
use postrider_remote::{
    BodySink, Changes, ChangesRequest, FetchWhat, FetchedMessage, MailChange, MailRemote, RemoteFolder,
    Result, Scope,
};

/// What is kept of a folder.
#[derive(Debug, Default)]
pub struct Kept {
    pub cursor: Option<MailCursor>,
    pub messages: BTreeMap<Uid, (Flags, Option<Timestamp>, Vec<u8>)>,
}

#[async_trait]
impl BodySink for Kept {
    async fn take(&mut self, message: FetchedMessage) -> Result<()> {
        let bytes = message.content.expect("no message is over the cap");
        self.messages.insert(message.uid, (message.flags, message.internal_date, bytes));
        Ok(())
    }
}

/// What is kept of an account, and how often there was something to read.
#[derive(Debug, Default)]
pub struct Mirror {
    pub folders: BTreeMap<String, Kept>,
}

impl Mirror {
    /// One run; how many folders had changed, and how many messages were fetched.
    pub async fn run(&mut self, remote: &dyn MailRemote) -> Result<(usize, u64)> {
        let listed: Vec<RemoteFolder> =
            remote.folders().await?.into_iter().filter(|folder| folder.selectable).collect();
        self.folders.retain(|name, _| listed.iter().any(|folder| folder.name == *name));
        let (mut changed, mut fetched) = (0, 0);
        for folder in listed {
            let kept = self.folders.entry(folder.name.clone()).or_default();
            let request = ChangesRequest {
                since: kept.cursor.clone(),
                window: Window::All,
                known: kept.messages.keys().copied().collect(),
                listed: folder.status.clone(),
            };
            let (cursor, wanted) = match remote.changes(&folder.key, request).await? {
                Changes::None => continue,
                Changes::Renumbered(told) => {
                    kept.messages.clear();
                    (MailCursor { status: told.status, complete: true, window: Window::All }, told.wanted)
                }
                Changes::Feed(mut feed) => {
                    let mut wanted = UidSet::EMPTY;
                    loop {
                        let page = feed.next().await?.expect("a page with the cursor");
                        page.changes
                            .into_iter()
                            .for_each(|change| kept.apply(change, page.scope, &mut wanted));
                        if let Some(cursor) = page.cursor {
                            break (cursor, wanted);
                        }
                    }
                }
            };
            changed += 1;
            fetched += wanted.len();
            remote.fetch(&folder.key, cursor.status.uid_validity, &wanted, FetchWhat::Body, kept).await?;
            let is_all = wanted.iter().all(|uid| kept.messages.contains_key(&uid));
            kept.cursor = match kept.cursor.take() {
                // A cursor covers nothing that did not come (I3).
                Some(old) if !is_all && old.status.uid_validity == cursor.status.uid_validity => Some(old),
                _ => Some(MailCursor { complete: is_all, ..cursor }),
            };
        }
        Ok((changed, fetched))
    }
}

impl Kept {
    fn apply(&mut self, change: MailChange, scope: Scope, wanted: &mut UidSet) {
        match change {
            MailChange::Flags { uid, flags, .. } => {
                if let Some(message) = self.messages.get_mut(&uid) {
                    message.0 = flags;
                }
            }
            MailChange::Wanted(uids) => *wanted = wanted.union(&uids),
            MailChange::Vanished(uids) => self.messages.retain(|uid, _| !uids.contains(*uid)),
            MailChange::Present(uids) => {
                assert_eq!(scope, Scope::Full);
                self.messages.retain(|uid, _| uids.contains(*uid));
            }
        }
    }
}
