//! Which folders are followed, made, renamed, frozen (F2.2).
//!
//! A folder that is taken off the list, or that a complete listing no longer has, is frozen: what is here stays as it is and
//! nothing of it is deleted.

use std::collections::{BTreeMap, BTreeSet};

use postrider_model::RemoteFolder;
use postrider_model::{CollectionId, MailCursor};

/// Which folders an account wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those of exactly these names: decoded, `/` between levels. A parent does not include its children.
    Names(Vec<String>),
}

impl Selection {
    /// Whether a folder of that name is wanted. `INBOX` is equal in any case (RFC 3501, section 5.1).
    pub fn wants(&self, name: &str) -> bool {
        let same =
            |wanted: &String| wanted == name || (name == "INBOX" && wanted.eq_ignore_ascii_case("INBOX"));
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(same),
        }
    }
}

/// A folder as the store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFolder {
    /// Its id.
    pub id: CollectionId,
    /// The server's name when it was last seen.
    pub key: String,
    /// An id that survives renaming, where the server has one.
    pub mailbox_id: Option<String>,
    /// How far it was read.
    pub cursor: Option<MailCursor>,
    /// Whether it is frozen.
    pub frozen: bool,
}

/// Why a folder is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreezeReason {
    /// A complete listing does not have it, or has it as a name that holds no messages.
    Vanished,
    /// The configuration does not want it (any more).
    Deselected,
}

impl FreezeReason {
    /// The reason's name in the store and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vanished => "vanished",
            Self::Deselected => "deselected",
        }
    }
}

/// A folder that a run goes into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// The folder in the listing.
    pub remote: RemoteFolder,
    /// Which one here it is; `None` makes a new one.
    pub known: Option<CollectionId>,
    /// Folders here that may be this one under its old name, the likeliest first. Their content has to prove it, since a
    /// UIDVALIDITY may be shared by all folders that were made in one second.
    pub maybe_renamed_from: Vec<CollectionId>,
}

/// What a run does about folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderPlan {
    /// The folders that the run goes into, in the order of the listing.
    pub follow: Vec<Follow>,
    /// Those to be frozen, unless one of them turns out to have been renamed.
    pub freeze: Vec<(CollectionId, FreezeReason)>,
    /// Names that are wanted and are not on the server.
    pub missing: Vec<String>,
}

impl FolderPlan {
    /// One of the followed folders is that one here, under another name. Whoever was taken for it by its name alone is not, and what
    /// stood here under the name that it has now is frozen, until it is found under another.
    pub fn rename(&mut self, follow: usize, is: CollectionId) {
        for other in &mut self.follow {
            other.known = other.known.filter(|known| *known != is);
        }
        self.freeze.retain(|(id, _)| *id != is);
        if let Some(follow) = self.follow.get_mut(follow)
            && let Some(displaced) = follow.known.replace(is)
        {
            self.freeze.push((displaced, FreezeReason::Vanished));
        }
    }
}

impl FolderPlan {
    /// Which of the folders is which cannot be told in this run: all that may have got other names are left as they are.
    pub fn leave_undecided(&mut self) {
        let undecided: BTreeSet<CollectionId> =
            self.follow.iter().flat_map(|follow| follow.maybe_renamed_from.iter().copied()).collect();
        self.follow.retain(|follow| follow.maybe_renamed_from.is_empty());
        self.freeze.retain(|(id, _)| !undecided.contains(id));
    }
}

/// Plans an account's folders from a complete listing.
pub fn plan_folders(listing: &[RemoteFolder], known: &[KnownFolder], selection: &Selection) -> FolderPlan {
    // A frozen folder may have the name of one that is followed: it stood there before.
    let (frozen, live): (Vec<_>, Vec<_>) = known.iter().partition(|folder| folder.frozen);
    let by_key: BTreeMap<&str, &KnownFolder> =
        frozen.into_iter().chain(live).map(|folder| (folder.key.as_str(), folder)).collect();
    let by_mailbox_id: BTreeMap<&str, &KnownFolder> =
        known.iter().filter_map(|folder| Some((folder.mailbox_id.as_deref()?, folder))).collect();
    let there: BTreeSet<&str> = listing.iter().filter(|f| f.selectable).map(|f| f.key.0.as_str()).collect();
    let stands_as = |remote: &RemoteFolder| {
        let by_id = remote.mailbox_id.as_deref().and_then(|id| by_mailbox_id.get(id));
        // Under one key with two different MAILBOXIDs stands another folder than before: the old one was renamed or deleted.
        let by_name = by_key.get(remote.key.0.as_str()).filter(|folder| {
            !matches!((&folder.mailbox_id, &remote.mailbox_id), (Some(old), Some(new)) if old != new)
        });
        by_id.or(by_name).copied()
    };
    let stands_there = |remote: &RemoteFolder| {
        stands_as(remote).filter(|folder| is_surely(folder, remote)).map(|folder| folder.id)
    };
    let placed: BTreeSet<CollectionId> =
        listing.iter().filter(|folder| folder.selectable).filter_map(stands_there).collect();
    let adrift: Vec<&KnownFolder> = known.iter().filter(|folder| !placed.contains(&folder.id)).collect();

    let mut plan = FolderPlan::default();
    let mut taken = BTreeSet::new();
    for remote in listing.iter().filter(|folder| folder.selectable && selection.wants(&folder.name)) {
        let known = stands_as(remote).map(|folder| folder.id).filter(|id| taken.insert(*id));
        let is_sure = known.is_some_and(|id| placed.contains(&id));
        let maybe_renamed_from = if is_sure { Vec::new() } else { candidates(remote, &adrift) };
        plan.follow.push(Follow { remote: remote.clone(), known, maybe_renamed_from });
    }
    plan.freeze = known
        .iter()
        .filter(|folder| !folder.frozen && !taken.contains(&folder.id))
        .map(|folder| (folder.id, reason(folder, &there)))
        .collect();
    plan.missing = missing(listing, selection);
    plan
}

/// Whether the folder that has that name is the one that had it: by its MAILBOXID, or by its UIDVALIDITY. Another UIDVALIDITY may mean
/// that it was numbered anew, or that another folder has got its name.
fn is_surely(folder: &KnownFolder, remote: &RemoteFolder) -> bool {
    let same_id = folder.mailbox_id.is_some() && folder.mailbox_id == remote.mailbox_id;
    let differs = match (&folder.cursor, &remote.status) {
        (Some(cursor), Some(status)) => cursor.status.uid_validity != status.uid_validity,
        _ => false,
    };
    same_id || !differs
}

/// Folders of the same UIDVALIDITY that surely stand nowhere else and whose UIDNEXT has not run backwards. Where both have a MAILBOXID,
/// that has decided already.
fn candidates(remote: &RemoteFolder, adrift: &[&KnownFolder]) -> Vec<CollectionId> {
    let Some(status) = &remote.status else { return Vec::new() };
    let fits = |folder: &&&KnownFolder| {
        let decided = folder.mailbox_id.is_some() && remote.mailbox_id.is_some();
        let same = folder.cursor.as_ref().is_some_and(|cursor| {
            cursor.status.uid_validity == status.uid_validity && cursor.status.uid_next <= status.uid_next
        });
        !decided && same
    };
    let mut found: Vec<&&KnownFolder> = adrift.iter().filter(fits).collect();
    found.sort_by_key(|folder| {
        let uid_next = folder.cursor.as_ref().map_or(0, |cursor| cursor.status.uid_next);
        (status.uid_next - uid_next, folder.id)
    });
    found.into_iter().map(|folder| folder.id).collect()
}

fn reason(folder: &KnownFolder, there: &BTreeSet<&str>) -> FreezeReason {
    match there.contains(folder.key.as_str()) {
        true => FreezeReason::Deselected,
        false => FreezeReason::Vanished,
    }
}

fn missing(listing: &[RemoteFolder], selection: &Selection) -> Vec<String> {
    let Selection::Names(names) = selection else { return Vec::new() };
    let has = |name: &String| {
        let only = Selection::Names(vec![name.clone()]);
        listing.iter().any(|folder| folder.selectable && only.wants(&folder.name))
    };
    names.iter().filter(|name| !has(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use postrider_model::FolderKey;
    use postrider_model::{FolderStatus, Window};

    use super::*;

    fn status(uid_validity: u32, uid_next: u32) -> FolderStatus {
        FolderStatus { uid_validity, uid_next, highest_mod_seq: None, messages: 1 }
    }

    fn remote(name: &str, uid_validity: u32, uid_next: u32) -> RemoteFolder {
        RemoteFolder {
            key: FolderKey(name.to_owned()),
            name: name.to_owned(),
            role: None,
            selectable: true,
            status: Some(status(uid_validity, uid_next)),
            mailbox_id: None,
        }
    }

    fn known(id: i64, key: &str, uid_validity: u32, uid_next: u32) -> KnownFolder {
        KnownFolder {
            id: CollectionId(id),
            key: key.to_owned(),
            mailbox_id: None,
            cursor: Some(MailCursor {
                status: status(uid_validity, uid_next),
                complete: true,
                window: Window::All,
            }),
            frozen: false,
        }
    }

    fn names(list: &[&str]) -> Selection {
        Selection::Names(list.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_parent_does_not_include_its_children() {
        let listing = [remote("Projects", 1, 1), remote("Projects/2026", 1, 1), remote("INBOX", 1, 1)];
        let plan = plan_folders(&listing, &[], &names(&["Projects", "inbox", "Gone"]));
        let followed: Vec<_> = plan.follow.iter().map(|follow| follow.remote.name.as_str()).collect();
        assert_eq!(followed, ["Projects", "INBOX"]);
        assert_eq!(plan.missing, ["Gone"]);
        assert_eq!(plan_folders(&listing, &[], &Selection::All).follow.len(), 3);
    }

    #[test]
    fn a_renamed_folder_is_known_by_its_numbers_where_only_one_side_has_an_id_for_it() {
        for (mine, theirs) in [(Some("F1"), None), (None, Some("F1")), (None, None)] {
            let known = KnownFolder { mailbox_id: mine.map(str::to_owned), ..known(1, "Old", 7, 5) };
            let listing = [RemoteFolder { mailbox_id: theirs.map(str::to_owned), ..remote("New", 7, 6) }];
            let plan = plan_folders(&listing, &[known], &Selection::All);
            assert_eq!(plan.follow[0].maybe_renamed_from, [CollectionId(1)], "{mine:?}, {theirs:?}");
        }
    }

    #[test]
    fn reasons_have_names() {
        assert_eq!(
            (FreezeReason::Vanished.name(), FreezeReason::Deselected.name()),
            ("vanished", "deselected")
        );
    }

    #[test]
    fn what_is_off_the_list_or_gone_is_frozen_once() {
        let mut frozen = known(3, "Old", 1, 1);
        frozen.frozen = true;
        let here = [known(1, "INBOX", 1, 1), known(2, "Lost", 9, 5), frozen, known(4, "Work", 1, 1)];
        let listing = [remote("INBOX", 1, 1), remote("Work", 1, 1)];
        let plan = plan_folders(&listing, &here, &names(&["INBOX"]));
        let expected =
            [(CollectionId(2), FreezeReason::Vanished), (CollectionId(4), FreezeReason::Deselected)];
        assert_eq!(plan.freeze, expected);
    }

    #[test]
    fn a_name_that_holds_no_messages_any_more_is_frozen_and_not_entered() {
        let mut listing = [remote("Work", 1, 1)];
        listing[0].selectable = false;
        let plan = plan_folders(&listing, &[known(1, "Work", 1, 1)], &Selection::All);
        assert_eq!((plan.follow.len(), plan.freeze), (0, vec![(CollectionId(1), FreezeReason::Vanished)]));
    }

    #[test]
    fn a_rename_is_guessed_from_uid_validity_and_never_onto_a_folder_that_is_there() {
        let here = [known(1, "A", 7, 5), known(2, "B", 7, 9), known(3, "C", 8, 5), known(4, "D", 7, 5)];
        let listing = [remote("D", 7, 5), remote("New", 7, 6)];
        let plan = plan_folders(&listing, &here, &Selection::All);
        assert_eq!(plan.follow[0].known, Some(CollectionId(4)));
        assert_eq!(plan.follow[1].known, None);
        assert_eq!(plan.follow[1].maybe_renamed_from, [CollectionId(1)], "B's UIDNEXT would run backwards");
    }

    #[test]
    fn of_several_that_a_folder_may_have_been_the_one_comes_first_that_it_outgrew_least() {
        let here = [known(1, "A", 7, 3), known(2, "B", 7, 5), known(3, "C", 7, 4), known(4, "D", 7, 5)];
        let plan = plan_folders(&[remote("New", 7, 6)], &here, &Selection::All);
        assert_eq!(plan.follow[0].maybe_renamed_from, [2, 4, 3, 1].map(CollectionId));
    }

    #[test]
    fn two_folders_that_swapped_their_names_may_be_each_other() {
        let here = [known(1, "A", 7, 5), known(2, "B", 8, 5)];
        let mut plan = plan_folders(&[remote("A", 8, 5), remote("B", 7, 6)], &here, &Selection::All);
        let known_as = |plan: &FolderPlan| plan.follow.iter().map(|f| f.known).collect::<Vec<_>>();
        assert_eq!(
            known_as(&plan),
            [Some(CollectionId(1)), Some(CollectionId(2))],
            "until content proves it"
        );
        assert_eq!(plan.follow[0].maybe_renamed_from, [CollectionId(2)]);
        assert_eq!(plan.follow[1].maybe_renamed_from, [CollectionId(1)]);
        plan.rename(0, CollectionId(2));
        assert_eq!(known_as(&plan), [Some(CollectionId(2)), None]);
        assert_eq!(plan.freeze, [(CollectionId(1), FreezeReason::Vanished)]);
        plan.rename(1, CollectionId(1));
        assert_eq!(known_as(&plan), [Some(CollectionId(2)), Some(CollectionId(1))]);
        assert_eq!(plan.freeze, []);
    }

    #[test]
    fn where_it_cannot_be_told_which_is_which_nothing_is_frozen_or_renamed() {
        let here = [known(1, "A", 7, 5), known(2, "B", 8, 5), known(3, "Old", 9, 5), known(4, "C", 3, 1)];
        let listing = [remote("A", 8, 5), remote("B", 7, 6), remote("New", 9, 5), remote("C", 3, 1)];
        let mut plan = plan_folders(&listing, &here, &Selection::All);
        assert_eq!(plan.freeze, [(CollectionId(3), FreezeReason::Vanished)]);
        plan.leave_undecided();
        assert_eq!(plan.freeze, []);
        assert_eq!(plan.follow.iter().map(|f| f.known).collect::<Vec<_>>(), [Some(CollectionId(4))]);
    }

    #[test]
    fn what_was_renamed_onto_another_is_known_there_from_then_on() {
        let mut old = known(2, "A", 7, 5);
        old.frozen = true;
        let here = [known(1, "A", 8, 5), old];
        let plan = plan_folders(&[remote("A", 8, 5)], &here, &Selection::All);
        assert_eq!(plan.follow[0].known, Some(CollectionId(1)), "a frozen one of that name comes second");
        let plan = plan_folders(&[remote("A", 7, 5)], &here, &Selection::All);
        assert_eq!(plan.follow[0].maybe_renamed_from, [CollectionId(2)], "it has got its name again");
    }

    #[test]
    fn a_folder_that_is_not_wanted_and_stands_where_it_stood_is_no_other() {
        let here = [known(1, "A", 7, 5), known(2, "B", 8, 5)];
        let listing = [remote("A", 9, 5), remote("B", 8, 5), remote("C", 8, 5)];
        let plan = plan_folders(&listing, &here, &names(&["A", "C"]));
        assert!(plan.follow.iter().all(|follow| follow.maybe_renamed_from.is_empty()), "{plan:?}");
    }

    #[test]
    fn a_folder_that_was_numbered_anew_is_surely_itself_by_its_mailbox_id_alone() {
        let here = [KnownFolder { mailbox_id: Some("x".to_owned()), ..known(1, "A", 7, 5) }];
        for (theirs, may_be) in [(Some("x"), vec![]), (None, vec![CollectionId(1)])] {
            let numbered_anew = RemoteFolder { mailbox_id: theirs.map(str::to_owned), ..remote("A", 9, 2) };
            let plan = plan_folders(&[numbered_anew, remote("New", 7, 6)], &here, &Selection::All);
            assert_eq!(plan.follow[0].known, Some(CollectionId(1)), "{theirs:?}");
            assert_eq!(plan.follow[1].maybe_renamed_from, may_be, "{theirs:?}");
        }
    }

    #[test]
    fn a_mailbox_id_decides_renames_and_swaps() {
        let with_id = |mut folder: KnownFolder, id: &str| {
            folder.mailbox_id = Some(id.to_owned());
            folder
        };
        let here = [with_id(known(1, "A", 7, 5), "x"), with_id(known(2, "B", 7, 5), "y")];
        let mut listing = [remote("A", 7, 5), remote("C", 7, 5)];
        listing[0].mailbox_id = Some("y".to_owned());
        listing[1].mailbox_id = Some("x".to_owned());
        let plan = plan_folders(&listing, &here, &Selection::All);
        assert_eq!(
            plan.follow.iter().map(|f| f.known).collect::<Vec<_>>(),
            [Some(CollectionId(2)), Some(CollectionId(1))]
        );
        assert_eq!(plan.freeze, []);

        listing[0].mailbox_id = Some("new".to_owned());
        let plan = plan_folders(&listing[..1], &here, &Selection::All);
        assert_eq!(plan.follow[0].known, None, "another folder stands under the old name");
        assert_eq!(plan.freeze.len(), 2);
    }
}
