//! The contact group by which a Google account is kept in step (F3.2).

/// A contact group as the server lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteGroup<'a> {
    /// Its id, which stays the same when it is renamed.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What is done about the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupPlan {
    /// It is there: its members are the items.
    Follow(String),
    /// It is made. Nobody was in it before.
    Make,
    /// One of that name is there and not ours: a person is asked before it is used.
    Ask(String),
    /// It was followed, and was deleted there. It is made again, nothing is taken for having left it, and the plan waits for a person's
    /// word.
    MakeAgain,
    /// As [`MakeAgain`](Self::MakeAgain), by a group that a person named for it.
    Replace(String),
}

impl GroupPlan {
    /// Why the plan waits for a person's word, where it does.
    pub const fn held(&self) -> Option<&'static str> {
        match self {
            Self::MakeAgain | Self::Replace(_) => Some("the contact group was deleted on the server"),
            Self::Follow(_) | Self::Make | Self::Ask(_) => None,
        }
    }
}

/// Decides by a complete listing of the groups. `known` is the id of the group that is followed, `confirmed` the one of which a person
/// said that it may be used.
pub fn follow_group(
    known: Option<&str>,
    listed: &[RemoteGroup<'_>],
    name: &str,
    confirmed: Option<&str>,
) -> GroupPlan {
    if let Some(group) = listed.iter().find(|group| known == Some(group.id)) {
        return GroupPlan::Follow(group.id.to_owned());
    }
    // Names of groups are unique: https://developers.google.com/people/api/rest/v1/contactGroups/create
    match listed.iter().find(|group| group.name == name) {
        Some(group) if confirmed != Some(group.id) => GroupPlan::Ask(group.id.to_owned()),
        Some(group) if known.is_some() => GroupPlan::Replace(group.id.to_owned()),
        Some(group) => GroupPlan::Follow(group.id.to_owned()),
        None if known.is_some() => GroupPlan::MakeAgain,
        None => GroupPlan::Make,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_followed_by_its_id_and_none_of_its_name_is_taken_unasked() {
        use GroupPlan::{Ask, Follow, Make, MakeAgain, Replace};
        let group = |id, name| RemoteGroup { id, name };
        let (ours, friends) = (group("g1", "Postrider"), group("g2", "Friends"));
        let renamed = group("g1", "Work");
        let table = [
            (None, vec![], None, Make),
            (None, vec![friends], None, Make),
            (None, vec![friends, ours], None, Ask("g1".to_owned())),
            (None, vec![ours], Some("g2"), Ask("g1".to_owned())),
            (None, vec![ours], Some("g1"), Follow("g1".to_owned())),
            (None, vec![friends], Some("g1"), Make),
            (Some("g1"), vec![friends, ours], None, Follow("g1".to_owned())),
            (Some("g1"), vec![renamed], None, Follow("g1".to_owned())),
            (Some("g1"), vec![group("g3", "Postrider"), renamed], None, Follow("g1".to_owned())),
            (Some("g1"), vec![friends], None, MakeAgain),
            (Some("g1"), vec![], None, MakeAgain),
            (Some("g1"), vec![group("g3", "Postrider")], None, Ask("g3".to_owned())),
            (Some("g1"), vec![group("g3", "Postrider")], Some("g3"), Replace("g3".to_owned())),
        ];
        for (known, listed, confirmed, plan) in table {
            assert_eq!(
                follow_group(known, &listed, "Postrider", confirmed),
                plan,
                "{known:?} in {listed:?}, confirmed {confirmed:?}"
            );
        }
    }

    #[test]
    fn a_plan_is_held_where_the_group_was_deleted() {
        use GroupPlan::{Ask, Follow, Make, MakeAgain, Replace};
        let id = || "g1".to_owned();
        for (plan, is_held) in [
            (Follow(id()), false),
            (Make, false),
            (Ask(id()), false),
            (MakeAgain, true),
            (Replace(id()), true),
        ] {
            let words = is_held.then_some("the contact group was deleted on the server");
            assert_eq!(plan.held(), words, "{plan:?}");
        }
    }
}
