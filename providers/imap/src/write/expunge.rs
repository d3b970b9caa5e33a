//! Erasing messages: `\Deleted`, then UID EXPUNGE (RFC 4315, section 2.1).
//!
//! Without UIDPLUS the mark stays: EXPUNGE and CLOSE erase all that is marked, by whomever.

use postrider_model::{Flags, SystemFlag, UidSet};
use postrider_remote::{Applied, Messages, Reach};

use super::{
    Heard, WriteFailure, ask_untold, check_erasable,
    flags::{run_stores, store},
    open, over, run,
};
use crate::{connection::Connection, settings::ImapSettings};

const WHAT: &str = "delete messages";

/// Erases messages, or leaves them marked.
pub(crate) async fn expunge(
    connection: &mut Connection,
    settings: &ImapSettings,
    messages: &Messages<'_>,
) -> Result<Applied, WriteFailure> {
    open(connection, settings, messages, WHAT).await?;
    check_erasable(connection, WHAT)?;
    erase(connection, messages.uids, WHAT).await
}

/// The same in the open folder.
pub(super) async fn erase(
    connection: &mut Connection,
    uids: &UidSet,
    what: &str,
) -> Result<Applied, WriteFailure> {
    let permanent = connection.selected.as_ref().and_then(|selected| selected.permanent.clone());
    let mut heard = Heard::of(uids);
    if uids.is_empty() {
        return Ok(heard.into_applied(permanent));
    }
    let can_name = connection.has("UIDPLUS");
    // Without QRESYNC it is told by numbers what is gone, and these come with the echo.
    let is_silent = can_name && connection.enabled.qresync;
    let item = if is_silent { "+FLAGS.SILENT" } else { "+FLAGS" };
    let mut deleted = Flags::NONE;
    deleted.insert(SystemFlag::Deleted);
    let marks = store(connection, uids, item, &deleted, what);
    run_stores(connection, &marks, &mut heard).await?;
    if !is_silent {
        ask_untold(connection, what, &mut heard).await.map_err(WriteFailure::unknown)?;
    }
    if can_name {
        for command in over(connection, uids, "UID EXPUNGE", "", what) {
            let done = run(connection, &command, &mut heard, Reach::Unknown).await;
            done.map_err(|failed| failed.after(true))?;
        }
    }
    let (gone, left_marked) = (heard.gone().clone(), heard.marked());
    Ok(Applied { gone, left_marked, ..heard.into_applied(permanent) })
}
