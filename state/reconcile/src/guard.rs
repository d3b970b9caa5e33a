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

/// What a plan would take from one collection of contacts or activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leavings {
    /// What it holds.
    pub what: Kept,
    /// Records and items that would be deleted, those that are held already among them.
    pub deleted: u64,
    /// Records and items that would be unlinked (F3.3), those that are held already among them.
    pub unlinked: u64,
    /// Activities that would be cancelled, those that are held already among them.
    pub cancelled: u64,
    /// How many items the collection has here before all that.
    pub of: u64,
    /// Whether it follows from a complete listing that came back with nothing in it.
    pub listing_was_empty: bool,
}

/// What a collection holds besides mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Contacts.
    Contacts,
    /// Appointments or tasks.
    Activities,
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

/// Why a plan is held.
#[derive(Clone, Copy)]
enum Bound {
    /// The listing from which it follows was empty.
    EmptyListing,
    /// Nothing would be left.
    Emptied,
    /// Too much at once.
    Many,
}

/// Held are those that are more than 25 and more than 20 %, or would empty a collection of 10 or more, or follow from an empty listing.
const fn exceeded(count: u64, of: u64, listing_was_empty: bool) -> Option<Bound> {
    if count == 0 {
        None
    } else if listing_was_empty {
        Some(Bound::EmptyListing)
    } else if count >= of && of >= SMALL {
        Some(Bound::Emptied)
    } else if count > MANY && count.saturating_mul(100) > of.saturating_mul(SHARE_PERCENT) {
        Some(Bound::Many)
    } else {
        None
    }
}

/// Judges a folder's deletions by the bounds of F5.4. Trash, Junk and Drafts are exempt.
pub fn judge_deletions(deletions: Deletions) -> Verdict {
    let Deletions { count, of, role, listing_was_empty } = deletions;
    if role.is_some_and(FolderRole::is_exempt_from_guard) {
        return Verdict::Go;
    }
    match exceeded(count, of, listing_was_empty) {
        None => Verdict::Go,
        Some(Bound::EmptyListing) => Verdict::Held("the server listed the folder as empty"),
        Some(Bound::Emptied) => Verdict::Held("every message of the folder would be deleted"),
        Some(Bound::Many) => {
            Verdict::Held("more than 25 messages and more than 20 % of the folder would be deleted")
        }
    }
}

/// So many items of a collection have to be counted for that many leavings to be judged: of more than these, no more follows.
pub const fn most_to_count(leavings: u64) -> u64 {
    let most = leavings.saturating_mul(100 / SHARE_PERCENT).saturating_add(1);
    if most > SMALL { most } else { SMALL }
}

/// Why what follows from an empty listing of contacts is held: until a person says so, or they are there again.
pub const CONTACTS_LISTED_EMPTY: &str = "the server listed the contacts as empty";

/// Judges what a plan would take from a collection of contacts or activities by the bounds of F5.4: deletions, unlinkings and
/// cancellations together. A plan that is allowed and has grown is judged anew: that is the caller's.
pub const fn judge_leavings(leavings: Leavings) -> Verdict {
    let Leavings { what, deleted, unlinked, cancelled, of, listing_was_empty } = leavings;
    let count = deleted.saturating_add(unlinked).saturating_add(cancelled);
    let words = match (exceeded(count, of, listing_was_empty), what) {
        (None, _) => return Verdict::Go,
        (Some(Bound::EmptyListing), Kept::Contacts) => CONTACTS_LISTED_EMPTY,
        (Some(Bound::EmptyListing), Kept::Activities) => "the server listed the calendar as empty",
        (Some(Bound::Emptied), Kept::Contacts) => "every contact would be deleted or unlinked",
        (Some(Bound::Emptied), Kept::Activities) => "every activity would be deleted, unlinked or cancelled",
        (Some(Bound::Many), Kept::Contacts) => {
            "more than 25 contacts and more than 20 % of all would be deleted or unlinked"
        }
        (Some(Bound::Many), Kept::Activities) => {
            "more than 25 activities and more than 20 % of all would be deleted, unlinked or cancelled"
        }
    };
    Verdict::Held(words)
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

    fn leavings(what: Kept, [deleted, unlinked, cancelled]: [u64; 3], of: u64, empty: bool) -> Leavings {
        Leavings { what, deleted, unlinked, cancelled, of, listing_was_empty: empty }
    }

    #[test]
    fn who_counts_no_further_than_has_to_be_judges_alike() {
        for count in 0..60 {
            for of in count..400 {
                let judge = |of| judge_leavings(leavings(Kept::Contacts, [count, 0, 0], of, false));
                assert_eq!(judge(of.min(most_to_count(count))), judge(of), "{count} of {of}");
            }
        }
        let most = most_to_count(40);
        let held = judge_leavings(leavings(Kept::Contacts, [40, 0, 0], most, false));
        assert_eq!((held, most), (Verdict::Go, 201), "of what is held all was counted");
    }

    #[test]
    fn all_that_leaves_is_counted_together() {
        let table = [
            ([0, 0, 0], 0, true, false),
            ([26, 0, 0], 100, false, true),
            ([0, 26, 0], 100, false, true),
            ([0, 0, 26], 100, false, true),
            ([9, 9, 8], 100, false, true),
            ([9, 8, 8], 100, false, false),
            ([9, 9, 8], 130, false, false),
            ([4, 3, 3], 10, false, true),
            ([3, 3, 3], 9, false, false),
            ([0, 1, 0], 50, true, true),
            ([u64::MAX, u64::MAX, u64::MAX], u64::MAX, false, true),
        ];
        for what in [Kept::Contacts, Kept::Activities] {
            for (counts, of, empty, held) in table {
                let verdict = judge_leavings(leavings(what, counts, of, empty));
                assert_eq!(
                    verdict != Verdict::Go,
                    held,
                    "{what:?}: {counts:?} of {of}, empty listing {empty}"
                );
            }
        }
    }

    #[test]
    fn a_held_plan_says_what_it_would_have_done() {
        let words = |what, counts, of, empty| match judge_leavings(leavings(what, counts, of, empty)) {
            Verdict::Held(words) => words,
            Verdict::Go => "",
        };
        let (contacts, activities) = (Kept::Contacts, Kept::Activities);
        assert_eq!(words(contacts, [1, 0, 0], 9, true), "the server listed the contacts as empty");
        assert_eq!(words(activities, [1, 0, 0], 9, true), "the server listed the calendar as empty");
        assert_eq!(words(contacts, [10, 0, 0], 10, false), "every contact would be deleted or unlinked");
        assert_eq!(
            words(activities, [10, 0, 0], 10, false),
            "every activity would be deleted, unlinked or cancelled"
        );
        assert_eq!(
            words(contacts, [26, 0, 0], 50, false),
            "more than 25 contacts and more than 20 % of all would be deleted or unlinked"
        );
        assert_eq!(
            words(activities, [26, 0, 0], 50, false),
            "more than 25 activities and more than 20 % of all would be deleted, unlinked or cancelled"
        );
    }

    #[test]
    fn a_folders_held_deletions_say_why() {
        let words = |count, of, listing_was_empty| {
            judge_deletions(Deletions { count, of, role: None, listing_was_empty })
        };
        assert_eq!(words(1, 9, true), Verdict::Held("the server listed the folder as empty"));
        assert_eq!(words(10, 10, false), Verdict::Held("every message of the folder would be deleted"));
        assert_eq!(
            words(26, 50, false),
            Verdict::Held("more than 25 messages and more than 20 % of the folder would be deleted")
        );
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
