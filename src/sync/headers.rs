//! Messages known by their headers: what a renumbered or renamed folder is matched by.

use async_trait::async_trait;
use postrider_formats::message;
use postrider_model::{Fault, Flags, FolderKey, MatchKey, SystemFlag, Timestamp, Uid, UidSet};
use postrider_remote::{BodySink, FetchWhat, FetchedMessage, MailRemote};

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
