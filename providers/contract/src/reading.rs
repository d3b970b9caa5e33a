//! One reading of a folder, gathered from its pages as the engine would.

use std::collections::BTreeMap;

use async_trait::async_trait;
use postrider_model::{Fault, Flags, FolderKey, MailChange, MailCursor, Scope, Uid, UidSet, Window};
use postrider_remote::{
    BodySink, Changes, ChangesRequest, FetchWhat, FetchedMessage, MailRemote, RemoteFolder, Renumbered,
};

/// What a reading of a folder found.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) flags: BTreeMap<Uid, Flags>,
    pub(crate) wanted: UidSet,
    /// Of what was known: by tombstone, or by its absence from a full listing.
    pub(crate) gone: UidSet,
    pub(crate) cursor: Option<MailCursor>,
}

/// A reading, or that the UIDs mean other messages.
#[derive(Debug)]
pub(crate) enum Outcome {
    Read(Reading),
    Renumbered(Renumbered),
}

impl Outcome {
    pub(crate) fn read(self) -> Reading {
        match self {
            Self::Read(reading) => reading,
            Self::Renumbered(renumbered) => panic!("nothing was renumbered: {renumbered:?}"),
        }
    }

    pub(crate) fn renumbered(self) -> Renumbered {
        match self {
            Self::Renumbered(renumbered) => renumbered,
            Self::Read(reading) => panic!("the folder was renumbered, and this was read: {reading:?}"),
        }
    }
}

/// A folder, and what somebody holds of it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) key: FolderKey,
    pub(crate) window: Window,
    pub(crate) known: UidSet,
    pub(crate) cursor: Option<MailCursor>,
}

impl Held {
    /// Nothing of that folder.
    pub(crate) async fn nothing_of(remote: &dyn MailRemote, folder: &str) -> Self {
        let key = listed(remote, folder).await.expect("the folder is listed").key;
        Self { key, window: Window::All, known: UidSet::EMPTY, cursor: None }
    }

    /// Reads what changed, without taking it.
    pub(crate) async fn read(&self, remote: &dyn MailRemote) -> Result<Outcome, Fault> {
        let request = ChangesRequest {
            since: self.cursor.clone(),
            window: self.window,
            known: self.known.clone(),
            listed: None,
        };
        let mut feed = match remote.changes(&self.key, request).await? {
            Changes::None => {
                return Ok(Outcome::Read(Reading { cursor: self.cursor.clone(), ..Reading::default() }));
            }
            Changes::Renumbered(renumbered) => return Ok(Outcome::Renumbered(renumbered)),
            Changes::Feed(feed) => feed,
        };
        let (mut reading, mut present, mut scope) = (Reading::default(), UidSet::EMPTY, None);
        while let Some(page) = feed.next().await? {
            assert!(reading.cursor.is_none(), "a page came behind the one with the cursor");
            assert_eq!(*scope.get_or_insert(page.scope), page.scope, "all pages of a feed have one scope");
            for change in page.changes {
                match change {
                    MailChange::Flags { uid, flags, .. } => drop(reading.flags.insert(uid, flags)),
                    MailChange::Wanted(uids) => reading.wanted = reading.wanted.union(&uids),
                    MailChange::Vanished(uids) => reading.gone = reading.gone.union(&uids),
                    MailChange::Present(uids) => present = present.union(&uids),
                }
            }
            reading.cursor = page.cursor;
        }
        assert!(reading.cursor.is_some(), "the last page has the cursor");
        if scope == Some(Scope::Full) {
            reading.gone = reading.gone.union(&self.known.difference(&present));
        } else {
            assert!(present.is_empty(), "what is present is told in full listings alone");
        }
        reading.gone = reading.gone.intersection(&self.known);
        Ok(Outcome::Read(reading))
    }

    /// Reads what changed and takes it: afterwards this is what is there.
    pub(crate) async fn follow(&mut self, remote: &dyn MailRemote) -> Reading {
        let reading = self.read(remote).await.expect("the folder can be read").read();
        self.known = self.known.union(&reading.wanted).difference(&reading.gone);
        self.cursor = reading.cursor.clone();
        reading
    }
}

/// A folder as the provider lists it.
pub(crate) async fn listed(remote: &dyn MailRemote, folder: &str) -> Option<RemoteFolder> {
    let folders = remote.folders().await.expect("folders can be listed");
    folders.into_iter().find(|listed| listed.name == folder)
}

/// Messages in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) Vec<FetchedMessage>);

#[async_trait]
impl BodySink for Kept {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        self.0.push(message);
        Ok(())
    }
}

/// Fetches under the UIDVALIDITY of what is held.
pub(crate) async fn fetch(
    remote: &dyn MailRemote,
    held: &Held,
    uids: &UidSet,
    what: FetchWhat,
) -> Result<BTreeMap<Uid, FetchedMessage>, Fault> {
    let uid_validity = held.cursor.as_ref().expect("the folder was read").status.uid_validity;
    let mut kept = Kept::default();
    remote.fetch(&held.key, uid_validity, uids, what, &mut kept).await?;
    let count = kept.0.len();
    let by_uid: BTreeMap<Uid, FetchedMessage> =
        kept.0.into_iter().map(|message| (message.uid, message)).collect();
    assert_eq!(by_uid.len(), count, "no message comes twice");
    Ok(by_uid)
}
