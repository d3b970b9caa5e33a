//! Which contacts go out to an account (F3.2, F3.4).

/// Which contacts an account wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportRule<'a> {
    /// Google: those under the user's own personal tag of that name.
    Tagged(&'a str),
    /// Exchange: all.
    All,
    /// Exchange: those of these types, and those in these groups: the two add up.
    Any {
        /// Types by name, such as `employee`.
        types: &'a [String],
        /// Groups by name.
        groups: &'a [String],
    },
}

/// Whose a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagScope {
    /// The account's user's own.
    Own,
    /// Another user's own.
    Others,
    /// Of all who work here.
    Corporate,
    /// Of all.
    Public,
}

/// A tag of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Whose.
    pub scope: TagScope,
    /// Its name.
    pub name: &'a str,
}

/// A contact that may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Whether the account's user may see it.
    pub is_visible: bool,
    /// Its tags.
    pub tags: &'a [Tag<'a>],
    /// Its types.
    pub types: &'a [String],
    /// Its groups.
    pub groups: &'a [String],
    /// How it came to be linked with the account, where it is.
    pub link: Option<LinkOrigin>,
}

/// How a link came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkOrigin {
    /// The item came in.
    Imported,
    /// The record went out.
    Exported,
}

/// What the rule comes to for a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Export {
    /// An item is made, where none is found that is it already.
    Make,
    /// Its item stays linked.
    Keep,
    /// It does not belong into the link any more ([`Change::Unlinked`](crate::Change::Unlinked)).
    Leave,
    /// Nothing.
    Nothing,
}

impl ExportRule<'_> {
    fn wants(&self, contact: &Candidate<'_>) -> bool {
        match self {
            Self::Tagged(name) => {
                contact.tags.iter().any(|tag| tag.scope == TagScope::Own && tag.name == *name)
            }
            Self::All => true,
            Self::Any { types, groups } => {
                contact.types.iter().any(|one| types.contains(one))
                    || contact.groups.iter().any(|one| groups.contains(one))
            }
        }
    }
}

/// Judges a contact. What the user may not see is not wanted. What came in by an import does not have to qualify for an export to stay
/// linked, unless it is a tag that says what is kept in step.
pub fn judge_export(rule: ExportRule<'_>, contact: &Candidate<'_>) -> Export {
    let is_wanted = rule.wants(contact);
    let is_held_by_import =
        contact.link == Some(LinkOrigin::Imported) && !matches!(rule, ExportRule::Tagged(_));
    match (contact.link, contact.is_visible && (is_wanted || is_held_by_import)) {
        (None, true) => Export::Make,
        (None, false) => Export::Nothing,
        (Some(_), true) => Export::Keep,
        (Some(_), false) => Export::Leave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn candidate<'a>(tags: &'a [Tag<'a>], types: &'a [String], groups: &'a [String]) -> Candidate<'a> {
        Candidate { is_visible: true, tags, types, groups, link: None }
    }

    #[test]
    fn only_the_users_own_tag_of_that_name_sends_a_contact_to_google() {
        let tag = |scope, name| Tag { scope, name };
        let table = [
            (vec![tag(TagScope::Own, "sync")], true),
            (vec![tag(TagScope::Public, "sync"), tag(TagScope::Own, "sync")], true),
            (vec![tag(TagScope::Own, "other")], false),
            (vec![tag(TagScope::Others, "sync")], false),
            (vec![tag(TagScope::Corporate, "sync"), tag(TagScope::Public, "sync")], false),
            (vec![], false),
        ];
        let types = names(&["employee"]);
        for (tags, goes_out) in table {
            let contact = candidate(&tags, &types, &types);
            let made = judge_export(ExportRule::Tagged("sync"), &contact);
            assert_eq!(made == Export::Make, goes_out, "{tags:?}");
            for link in [LinkOrigin::Imported, LinkOrigin::Exported] {
                let linked =
                    judge_export(ExportRule::Tagged("sync"), &Candidate { link: Some(link), ..contact });
                let stays = if goes_out { Export::Keep } else { Export::Leave };
                assert_eq!(linked, stays, "{tags:?}, {link:?}");
            }
        }
    }

    #[test]
    fn types_and_groups_add_up() {
        let (types, groups) = (names(&["employee", "partner"]), names(&["Staff"]));
        let rule = ExportRule::Any { types: &types, groups: &groups };
        let table = [
            (names(&["employee"]), names(&[]), true),
            (names(&[]), names(&["Staff"]), true),
            (names(&["customer"]), names(&["Other", "Staff"]), true),
            (names(&["customer", "partner"]), names(&[]), true),
            (names(&["customer"]), names(&["Other"]), false),
            (names(&["Staff"]), names(&["employee"]), false),
            (names(&[]), names(&[]), false),
        ];
        for (types, groups, goes_out) in table {
            let contact = candidate(&[], &types, &groups);
            assert_eq!(judge_export(rule, &contact) == Export::Make, goes_out, "{types:?}, {groups:?}");
            assert_eq!(judge_export(ExportRule::All, &contact), Export::Make);
        }
    }

    #[test]
    fn what_no_longer_qualifies_leaves_unless_an_import_brought_it() {
        let (types, none) = (names(&["employee"]), names(&[]));
        let rule = ExportRule::Any { types: &types, groups: &none };
        let linked = |link, types| Candidate { link: Some(link), ..candidate(&[], types, &[]) };
        assert_eq!(judge_export(rule, &linked(LinkOrigin::Exported, &types)), Export::Keep);
        assert_eq!(judge_export(rule, &linked(LinkOrigin::Exported, &none)), Export::Leave);
        assert_eq!(judge_export(rule, &linked(LinkOrigin::Imported, &none)), Export::Keep);
    }

    #[test]
    fn what_the_user_may_not_see_never_goes_out_and_leaves() {
        let tags = [Tag { scope: TagScope::Own, name: "sync" }];
        for rule in [ExportRule::All, ExportRule::Tagged("sync")] {
            let unseen = Candidate { is_visible: false, ..candidate(&tags, &[], &[]) };
            assert_eq!(judge_export(rule, &unseen), Export::Nothing);
            for link in [LinkOrigin::Imported, LinkOrigin::Exported] {
                assert_eq!(judge_export(rule, &Candidate { link: Some(link), ..unseen }), Export::Leave);
            }
        }
    }
}
