//! A listing that was read, handed out in pages.

use async_trait::async_trait;
use postrider_model::MailCursor;
use postrider_remote::{ChangeFeed, MailChange, Page, Result, Scope};

use crate::flag_rows::FlagRows;

/// How many flags a page holds.
const PAGE: usize = 5_000;

/// The pages of a listing. Sets of UIDs come with the first page, since they are ranges and small; flags follow.
pub(super) struct Listing {
    scope: Scope,
    first: Vec<MailChange>,
    flags: FlagRows,
    handed_out: usize,
    cursor: Option<MailCursor>,
}

impl Listing {
    /// From what was read and the cursor that covers it.
    pub(super) const fn new(
        scope: Scope,
        first: Vec<MailChange>,
        flags: FlagRows,
        cursor: MailCursor,
    ) -> Self {
        Self { scope, first, flags, handed_out: 0, cursor: Some(cursor) }
    }
}

#[async_trait]
impl ChangeFeed for Listing {
    async fn next(&mut self) -> Result<Option<Page>> {
        if self.cursor.is_none() {
            return Ok(None);
        }
        let mut changes = std::mem::take(&mut self.first);
        changes.extend(self.flags.changes(self.handed_out, PAGE));
        self.handed_out += PAGE;
        let cursor = if self.handed_out >= self.flags.len() { self.cursor.take() } else { None };
        Ok(Some(Page { scope: self.scope, changes, cursor }))
    }
}
