//! Flags merged one by one against the base (F2.4).

use postrider_model::{Flags, SystemFlag};

/// What both sides should have: each flag takes the side that changed it since the base. Where both changed one, they changed
/// it alike, since a flag has two states; so there is no conflict to settle (I6: an unsent local change survives).
pub fn merge_flags(base: &Flags, local: &Flags, remote: &Flags) -> Flags {
    let mut merged = Flags::NONE;
    for flag in SystemFlag::ALL {
        if pick(base.has(flag), local.has(flag), remote.has(flag)) {
            merged.insert(flag);
        }
    }
    // The server's form of a keyword comes first, so that its case is the one that is kept.
    for keyword in remote.keywords().iter().chain(local.keywords()) {
        if pick(base.has_keyword(keyword), local.has_keyword(keyword), remote.has_keyword(keyword)) {
            merged.insert_keyword(keyword.clone());
        }
    }
    merged
}

const fn pick(base: bool, local: bool, remote: bool) -> bool {
    if local == base { remote } else { local }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_flag_takes_the_side_that_changed_it() {
        let flags = |names: &str| Flags::from_wire(names.split_whitespace());
        let table = [
            // base, local, remote, merged
            ("", "", "\\Seen", "\\Seen"),
            ("\\Seen", "\\Seen", "", ""),
            ("", "\\Flagged", "", "\\Flagged"),
            ("\\Flagged", "", "\\Flagged \\Seen", "\\Seen"),
            ("a", "a b", "c", "b c"),
            ("A", "", "A", ""),
            ("", "todo", "TODO", "TODO"),
            ("x", "X", "x y", "x y"),
        ];
        for (base, local, remote, merged) in table {
            let got = merge_flags(&flags(base), &flags(local), &flags(remote));
            assert_eq!(got.to_string(), merged, "base {base}, local {local}, remote {remote}");
        }
    }

    fn any_flags() -> impl Strategy<Value = Flags> {
        (any::<u8>(), prop::collection::vec("[abAB]{1,2}", 0..4))
            .prop_map(|(bits, keywords)| Flags::from_parts(bits, keywords))
    }

    proptest! {
        #[test]
        fn with_one_side_unchanged_the_other_side_wins(base in any_flags(), other in any_flags()) {
            prop_assert!(merge_flags(&base, &base, &other).same(&other));
            prop_assert!(merge_flags(&base, &other, &base).same(&other));
            prop_assert!(merge_flags(&base, &other, &other).same(&other));
        }

        #[test]
        fn no_change_of_either_side_is_undone(base in any_flags(), local in any_flags(), remote in any_flags()) {
            let merged = merge_flags(&base, &local, &remote);
            for flag in SystemFlag::ALL {
                for side in [&local, &remote] {
                    if side.has(flag) != base.has(flag) {
                        prop_assert_eq!(merged.has(flag), side.has(flag));
                    }
                }
            }
            for keyword in ["a", "b", "aa", "ab", "ba", "bb"] {
                for side in [&local, &remote] {
                    if side.has_keyword(keyword) != base.has_keyword(keyword) {
                        prop_assert_eq!(merged.has_keyword(keyword), side.has_keyword(keyword));
                    }
                }
            }
        }
    }
}
