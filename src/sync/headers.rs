//! Messages known by their headers: what a renumbered or renamed folder is matched by.

use async_trait::async_trait;
use postrider_formats::message;
use postrider_model::{Fault, Flags, FolderKey, MatchKey, SystemFlag, Timestamp, Uid, UidSet};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, MailRemote};
use postrider_store::Named;

/// What a header tells of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub uid: Uid,
    pub flags: Flags,
    pub mod_seq: Option<u64>,
    pub internal_date: Option<Timestamp>,
    /// `None` where the header proves nothing: see [`message::match_key`]. A draft's header stays while its text changes.
    pub match_key: Option<MatchKey>,
}

#[derive(Default)]
struct Headers(Vec<Header>);

#[async_trait]
impl BodySink for Headers {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        let draft = message.flags.has(SystemFlag::Draft);
        let header = message.content.as_deref().ok().filter(|_| !draft);
        let match_key = header.and_then(|header| message::match_key(header, message.size));
        let FetchedMessage { uid, flags, mod_seq, internal_date, .. } = message;
        self.0.push(Header { uid, flags, mod_seq, internal_date, match_key });
        Ok(())
    }
}

/// What the server names the content of messages.
#[derive(Default)]
pub(super) struct Names(pub(super) Vec<Named>);

#[async_trait]
impl BodySink for Names {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        let FetchedMessage { uid, flags, mod_seq, internal_date, size, email_id, .. } = message;
        // A draft is written again and again, by whatever name.
        if let Some(email_id) = email_id.filter(|_| !flags.has(SystemFlag::Draft)) {
            self.0.push(Named { uid, flags, mod_seq, internal_date, email_id, size });
        }
        Ok(())
    }
}

/// What the server names the content of those of `uids` that are there. Nothing, where it has no such names.
pub(super) async fn named(
    remote: &dyn MailRemote,
    folder: &FolderKey,
    uid_validity: u32,
    uids: &UidSet,
) -> Result<Vec<Named>, Fault> {
    let mut names = Names::default();
    remote.fetch(folder, uid_validity, uids, FetchWhat::Identity, &mut names).await?;
    Ok(names.0)
}

/// The headers of those of `uids` that are there.
pub(super) async fn fetch_headers(
    remote: &dyn MailRemote,
    folder: &FolderKey,
    uid_validity: u32,
    uids: &UidSet,
) -> Result<Vec<Header>, Fault> {
    let mut headers = Headers::default();
    if !uids.is_empty() {
        remote.fetch(folder, uid_validity, uids, FetchWhat::Header, &mut headers).await?;
    }
    Ok(headers.0)
}
