//! The guard before mass deletions (I7, F5.4).

use postrider_model::FolderRole;

/// The deletions that a plan would make in one collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletions {
    /// How many, those that are held already among them.
    pub count: u64,
    /// How many items the collection has here before them.
    pub of: u64,
    /// What the collection is for.
    pub role: Option<FolderRole>,
    /// Whether they follow from a complete listing that came back with nothing in it.
    pub listing_was_empty: bool,
}

/// What the guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They may go ahead.
    Go,
    /// They wait for a person's word, for that reason.
    Held(&'static str),
}

const MANY: u64 = 25;
const SHARE_PERCENT: u64 = 20;
const SMALL: u64 = 10;

/// Judges a collection's deletions: held are those that are more than 25 and more than 20 %, or would empty a collection of 10
/// or more, or follow from an empty listing. Trash, Junk and Drafts are exempt.
pub fn judge_deletions(deletions: Deletions) -> Verdict {
    let Deletions { count, of, role, listing_was_empty } = deletions;
    if count == 0 || role.is_some_and(FolderRole::is_exempt_from_guard) {
        return Verdict::Go;
    }
    if listing_was_empty {
        return Verdict::Held("the server listed the folder as empty");
    }
    if count >= of && of >= SMALL {
        return Verdict::Held("every message of the folder would be deleted");
    }
    if count > MANY && count.saturating_mul(100) > of.saturating_mul(SHARE_PERCENT) {
        return Verdict::Held("more than 25 messages and more than 20 % of the folder would be deleted");
    }
    Verdict::Go
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_specifications() {
        let table = [
            // count, of, empty listing, held
            (0, 0, true, false),
            (25, 26, false, false),
            (26, 129, false, true),
            (26, 130, false, false),
            (200, 1000, false, false),
            (201, 1000, false, true),
            (9, 9, false, false),
            (10, 10, false, true),
            (9, 10, false, false),
            (1, 1, true, true),
            (9, 9, true, true),
            (u64::MAX, u64::MAX, false, true),
        ];
        for (count, of, listing_was_empty, held) in table {
            let verdict = judge_deletions(Deletions { count, of, role: None, listing_was_empty });
            assert_eq!(
                matches!(verdict, Verdict::Held(_)),
                held,
                "{count} of {of}, empty listing {listing_was_empty}"
            );
        }
    }

    #[test]
    fn only_trash_junk_and_drafts_are_exempt() {
        for role in FolderRole::ALL {
            let verdict =
                judge_deletions(Deletions { count: 100, of: 100, role: Some(role), listing_was_empty: true });
            let exempt = matches!(role, FolderRole::Trash | FolderRole::Junk | FolderRole::Drafts);
            assert_eq!(verdict == Verdict::Go, exempt, "{role:?}");
        }
    }
}
