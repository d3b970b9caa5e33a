//! What is sent for what was done here.
//!
//! Only the difference to what both sides last agreed on is sent, so what was taken back in the meantime is not sent at all.
//! Flags go before a move, so that they arrive with the message; a message that is to be discarded takes no flags along.

use std::collections::BTreeMap;

use postrider_model::{CollectionId, Flags, PermanentFlags, PlacementId, Uid};

/// A message that is on the server and differs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalChange {
    /// The message.
    pub id: PlacementId,
    /// The folder in which the server has it.
    pub folder: CollectionId,
    /// Its UID there.
    pub uid: Uid,
    /// The flags on which both sides agreed last.
    pub base: Flags,
    /// Its flags here.
    pub local: Flags,
    /// Where it is to go.
    pub to: Option<CollectionId>,
    /// What is to become of it, where it is deleted here.
    pub gone: Option<Gone>,
}

/// What is to become of a message that is deleted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gone {
    /// It goes to the server's trash, which is not followed here.
    Trash,
    /// It is erased.
    Expunge,
    /// It is what a move left behind, and is erased.
    Rest,
    /// The server could not erase it by itself, and it carries `\Deleted`: nothing more is to be done.
    Marked,
}

/// One write for messages of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The folder.
    pub folder: CollectionId,
    /// What is done.
    pub what: PushOp,
    /// To which messages, by UID.
    pub messages: Vec<(PlacementId, Uid)>,
}

/// What is done to messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOp {
    /// Flags are set and taken away.
    Flags {
        /// To be set.
        add: Flags,
        /// To be taken away.
        remove: Flags,
    },
    /// Into another folder.
    Move(CollectionId),
    /// Into the server's trash.
    Trash,
    /// Erased.
    Expunge,
}

/// The flags to be set and to be taken away, so that `from` becomes `to`.
pub fn flag_changes(from: &Flags, to: &Flags) -> (Flags, Flags) {
    let only_in = |one: &Flags, other: &Flags| {
        let mut only = Flags::NONE;
        one.system().filter(|flag| !other.has(*flag)).for_each(|flag| only.insert(flag));
        let keywords = one.keywords().iter().filter(|keyword| !other.has_keyword(keyword));
        keywords.for_each(|keyword| only.insert_keyword(keyword.clone()));
        only
    };
    (only_in(to, from), only_in(from, to))
}

/// Plans the writes, in the order in which they are to be sent. Flags that a folder does not keep (`permanent`, where it was
/// told) stay here.
pub fn plan_push(changes: &[LocalChange], permanent: &BTreeMap<CollectionId, PermanentFlags>) -> Vec<Push> {
    let mut flags: Vec<Push> = Vec::new();
    let mut moves: BTreeMap<(CollectionId, CollectionId), Vec<(PlacementId, Uid)>> = BTreeMap::new();
    let mut gone: BTreeMap<(CollectionId, Gone), Vec<(PlacementId, Uid)>> = BTreeMap::new();
    for change in changes {
        let message = (change.id, change.uid);
        if let Some(how) = change.gone {
            gone.entry((change.folder, how)).or_default().push(message);
            continue;
        }
        let kept =
            |flags: Flags| permanent.get(&change.folder).map_or(flags.clone(), |keeps| keeps.kept_of(&flags));
        let (add, remove) = flag_changes(&change.base, &change.local);
        add_flags(&mut flags, change.folder, (kept(add), kept(remove)), message);
        if let Some(to) = change.to {
            moves.entry((change.folder, to)).or_default().push(message);
        }
    }
    let moves =
        moves.into_iter().map(|((folder, to), messages)| Push { folder, what: PushOp::Move(to), messages });
    let gone = gone.into_iter().filter_map(|((folder, how), messages)| {
        let what = match how {
            Gone::Trash => PushOp::Trash,
            Gone::Expunge | Gone::Rest => PushOp::Expunge,
            Gone::Marked => return None,
        };
        Some(Push { folder, what, messages })
    });
    flags.into_iter().chain(moves).chain(gone).collect()
}

/// Puts a message to those of its folder that need the same.
fn add_flags(
    pushes: &mut Vec<Push>,
    folder: CollectionId,
    (add, remove): (Flags, Flags),
    message: (PlacementId, Uid),
) {
    if add == Flags::NONE && remove == Flags::NONE {
        return;
    }
    let what = PushOp::Flags { add, remove };
    match pushes.iter_mut().find(|push| push.folder == folder && push.what == what) {
        Some(push) => push.messages.push(message),
        None => pushes.push(Push { folder, what, messages: vec![message] }),
    }
}

/// What became of a move of which no answer came: whether the message is in its old place still, and where it was found in the new
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It was moved.
    Done(Uid),
    /// It was copied, and is in its old place too: that is to be erased.
    Copied(Uid),
    /// Nothing was done.
    NotDone,
    /// It is in neither: somebody else took it away. What reads the folder next says what became of it.
    Vanished,
}

/// Judges a move by a look at both folders (I4).
pub const fn judge_move(is_in_old_place: bool, found: Option<Uid>) -> Moved {
    match (is_in_old_place, found) {
        (false, Some(uid)) => Moved::Done(uid),
        (true, Some(uid)) => Moved::Copied(uid),
        (true, None) => Moved::NotDone,
        (false, None) => Moved::Vanished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INBOX: CollectionId = CollectionId(1);
    const ARCHIVE: CollectionId = CollectionId(2);

    fn flags(names: &[&str]) -> Flags {
        Flags::from_wire(names.iter().copied())
    }

    fn change(id: i64, base: &[&str], local: &[&str]) -> LocalChange {
        LocalChange {
            id: PlacementId(id),
            folder: INBOX,
            uid: u32::try_from(id).unwrap() + 100,
            base: flags(base),
            local: flags(local),
            to: None,
            gone: None,
        }
    }

    fn push(what: PushOp, ids: &[i64]) -> Push {
        let messages = ids.iter().map(|id| (PlacementId(*id), u32::try_from(*id).unwrap() + 100)).collect();
        Push { folder: INBOX, what, messages }
    }

    #[test]
    fn the_same_change_goes_out_once_for_all() {
        let changes = [
            change(1, &[], &["\\Seen"]),
            change(2, &["\\Flagged", "a"], &["A"]),
            change(3, &["b"], &["\\Seen", "B"]),
        ];
        let seen = PushOp::Flags { add: flags(&["\\Seen"]), remove: flags(&[]) };
        let unflagged = PushOp::Flags { add: flags(&[]), remove: flags(&["\\Flagged"]) };
        assert_eq!(plan_push(&changes, &BTreeMap::new()), [push(seen, &[1, 3]), push(unflagged, &[2])]);
    }

    #[test]
    fn the_same_change_in_two_folders_is_two() {
        let mut other = change(2, &[], &["\\Seen"]);
        other.folder = ARCHIVE;
        let plan = plan_push(&[change(1, &[], &["\\Seen"]), other], &BTreeMap::new());
        assert_eq!(
            plan.iter().map(|push| (push.folder, push.messages.len())).collect::<Vec<_>>(),
            [(INBOX, 1), (ARCHIVE, 1)]
        );
    }

    #[test]
    fn what_agrees_is_not_sent() {
        assert_eq!(plan_push(&[change(1, &["a"], &["A"]), change(2, &[], &[])], &BTreeMap::new()), []);
    }

    #[test]
    fn what_the_folder_does_not_keep_stays_here() {
        let keeps = |names: &[&str], any_keyword| {
            BTreeMap::from([(INBOX, PermanentFlags { flags: flags(names), any_keyword })])
        };
        let changes = [change(1, &["old"], &["\\Seen", "new", "known"])];
        let sent =
            |permanent: &BTreeMap<_, _>| match plan_push(&changes, permanent).pop().map(|push| push.what) {
                Some(PushOp::Flags { add, remove }) => (add.to_string(), remove.to_string()),
                other => panic!("{other:?}"),
            };
        let both = |add: &str, remove: &str| (add.to_owned(), remove.to_owned());
        assert_eq!(sent(&BTreeMap::new()), both("\\Seen known new", "old"));
        assert_eq!(sent(&keeps(&["\\Seen"], true)), both("\\Seen known new", "old"));
        assert_eq!(sent(&keeps(&["\\Seen", "Known"], false)), both("\\Seen known", ""));
        assert_eq!(plan_push(&changes, &keeps(&["\\Draft"], false)), []);
    }

    #[test]
    fn flags_go_before_the_move_and_nothing_before_the_end() {
        let mut moved = change(1, &[], &["\\Seen"]);
        moved.to = Some(ARCHIVE);
        let gone =
            |id, how| LocalChange { gone: Some(how), to: Some(ARCHIVE), ..change(id, &[], &["\\Seen"]) };
        let plan = plan_push(
            &[gone(4, Gone::Marked), gone(3, Gone::Trash), gone(2, Gone::Expunge), moved],
            &BTreeMap::new(),
        );
        let seen = PushOp::Flags { add: flags(&["\\Seen"]), remove: flags(&[]) };
        assert_eq!(
            plan,
            [
                push(seen, &[1]),
                push(PushOp::Move(ARCHIVE), &[1]),
                push(PushOp::Trash, &[3]),
                push(PushOp::Expunge, &[2])
            ]
        );
    }

    #[test]
    fn a_lost_answer_is_judged_by_both_places() {
        assert_eq!(judge_move(false, Some(9)), Moved::Done(9));
        assert_eq!(judge_move(true, Some(9)), Moved::Copied(9));
        assert_eq!(judge_move(true, None), Moved::NotDone);
        assert_eq!(judge_move(false, None), Moved::Vanished);
    }
}
