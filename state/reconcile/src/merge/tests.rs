use postrider_model::{ActivityField, Content};

use super::*;

fn content(text: &str) -> Content {
    let (title, place) = text.split_once('@').unwrap_or((text, ""));
    Content {
        title: title.to_owned(),
        place: (!place.is_empty()).then(|| place.to_owned()),
        ..Content::default()
    }
}

const BOTH: Ways = Ways { feeds: true, sends: true };
const COMES: Ways = Ways { feeds: true, sends: false };
const GOES: Ways = Ways { feeds: false, sends: true };
const NEITHER: Ways = Ways { feeds: false, sends: false };

fn all() -> BTreeSet<ActivityField> {
    ActivityField::ALL.into()
}

fn merge(sides: [&str; 4], ways: Ways, later: Side, holds: &BTreeSet<ActivityField>) -> Group<Content> {
    merge_group(Sides::from(&sides.map(content)), holds, ways, later)
}

#[test]
fn a_group_is_taken_from_the_side_that_changed_it_and_from_the_later_where_both_did() {
    use Outcome::{Alike, FromThere, NotSent, ToSend, Unchanged, Won};
    use Side::{Here, There};
    let table = [
        // agreed, image, here, there, ways, later, here then, there then, outcome. `title@place`
        (["a", "a", "a", "a"], BOTH, Here, "a", "a", Unchanged),
        (["a", "a", "a", "b"], BOTH, Here, "b", "b", FromThere),
        (["a", "a", "b", "a"], BOTH, There, "b", "b", ToSend),
        (["a", "a", "b", "b"], BOTH, Here, "b", "b", Alike),
        (["a", "a", "b", "c"], BOTH, Here, "b", "b", Won(Here)),
        (["a", "a", "b", "c"], BOTH, There, "c", "c", Won(There)),
        // The winner's change is brought onto what the loser had before, since a group is won as a whole.
        (["a@p", "a@p", "b@p", "a@q"], BOTH, Here, "b@p", "b@p", Won(Here)),
        (["a@p", "a@p", "b@p", "a@q"], BOTH, There, "a@q", "a@q", Won(There)),
        // A server that writes a field in its own way goes on doing so.
        (["a@p", "A@p", "a@p", "A@q"], BOTH, Here, "a@q", "A@q", FromThere),
        (["a@p", "A@p", "a@q", "A@p"], BOTH, Here, "a@q", "A@q", ToSend),
        (["a@p", "A@p", "a@q", "A@r"], BOTH, Here, "a@q", "A@q", Won(Here)),
        (["a@p", "A@p", "a@q", "A@r"], BOTH, There, "a@r", "A@r", Won(There)),
        (["a@p", "A@p", "a@q", "A@q"], BOTH, There, "a@q", "A@q", Alike),
        // What may not be sent stays, and what there is believed wins.
        (["a", "a", "b", "a"], COMES, Here, "b", "a", NotSent),
        (["a", "a", "a", "b"], COMES, Here, "b", "b", FromThere),
        (["a", "a", "b", "c"], COMES, Here, "c", "c", Won(There)),
        (["a", "a", "b", "b"], COMES, Here, "b", "b", Alike),
        // What does not count is not taken, and does not stay where it may be written.
        (["a", "a", "a", "b"], GOES, There, "a", "a", Won(Here)),
        (["a", "a", "b", "a"], GOES, There, "b", "b", ToSend),
        (["a", "a", "b", "c"], GOES, There, "b", "b", Won(Here)),
        (["a", "a", "a", "a"], GOES, There, "a", "a", Unchanged),
        (["a", "a", "a", "b"], NEITHER, There, "a", "b", Unchanged),
        (["a", "a", "b", "c"], NEITHER, There, "b", "c", NotSent),
    ];
    for (sides, ways, later, here, there, outcome) in table {
        let group = merge(sides, ways, later, &all());
        assert_eq!(
            (group.here, group.there, group.outcome),
            (content(here), content(there), outcome),
            "{sides:?}, {ways:?}, later {later:?}"
        );
    }
}

#[test]
fn what_the_server_cannot_hold_is_neither_sent_nor_removed_nor_fought_for() {
    let holds = BTreeSet::from([ActivityField::Title]);
    let table = [
        (["a@p", "a", "a@q", "a"], Side::There, "a@q", "a", Outcome::Unchanged),
        (["a@p", "a", "a@p", "b"], Side::Here, "b@p", "b", Outcome::FromThere),
        (["a@p", "a", "b@q", "a"], Side::There, "b@q", "b", Outcome::ToSend),
        (["a@p", "a", "b@q", "c"], Side::There, "c@q", "c", Outcome::Won(Side::There)),
        (["a@p", "a", "b@q", "c"], Side::Here, "b@q", "b", Outcome::Won(Side::Here)),
        (["a@p", "a", "b@q", "b"], Side::Here, "b@q", "b", Outcome::Alike),
        (["a@p", "a@x", "b@p", "a@y"], Side::Here, "b@p", "b@y", Outcome::ToSend),
        (["a@p", "a@x", "b@p", "c@y"], Side::Here, "b@p", "b@y", Outcome::Won(Side::Here)),
    ];
    for (sides, later, here, there, outcome) in table {
        let group = merge(sides, BOTH, later, &holds);
        assert_eq!(
            (group.here, group.there, group.outcome),
            (content(here), content(there), outcome),
            "{sides:?}, later {later:?}"
        );
    }
}

#[test]
fn at_a_first_meeting_each_fills_what_the_other_leaves_empty() {
    use Outcome::{Alike, FromThere, Joined, ToSend, Unchanged, Won};
    use Side::{Here, There};
    let table = [
        // here, there, ways, later, here then, there then, outcome
        ("a@p", "a@p", BOTH, Here, "a@p", "a@p", Alike),
        ("a", "a@p", BOTH, Here, "a@p", "a@p", FromThere),
        ("a@p", "a", BOTH, There, "a@p", "a@p", ToSend),
        ("a", "@p", BOTH, There, "a@p", "a@p", Joined),
        ("a", "b", BOTH, There, "b", "b", Won(There)),
        ("a", "b@p", BOTH, Here, "a@p", "a@p", Won(Here)),
        ("a@p", "b", BOTH, There, "b@p", "b@p", Won(There)),
        ("", "b", BOTH, Here, "b", "b", FromThere),
        ("", "", BOTH, Here, "", "", Alike),
        // One way: as it is there, or as it is here.
        ("a", "a", COMES, Here, "a", "a", Alike),
        ("a@p", "a", COMES, Here, "a", "a", Won(There)),
        ("", "a", COMES, Here, "a", "a", FromThere),
        ("a", "a@p", GOES, There, "a", "a", Won(Here)),
        ("a", "", GOES, There, "a", "a", ToSend),
        ("a", "b", NEITHER, There, "a", "b", Unchanged),
    ];
    for (here, there, ways, later, here_then, there_then, outcome) in table {
        let group = meet(&content(here), &content(there), &all(), ways, later);
        assert_eq!(
            (group.here, group.there, group.outcome),
            (content(here_then), content(there_then), outcome),
            "{here} meets {there}, {ways:?}, later {later:?}"
        );
    }
    let holds = BTreeSet::from([ActivityField::Title]);
    let group = meet(&content("a@p"), &content("b@q"), &holds, BOTH, There);
    assert_eq!((group.here, group.there), (content("b@p"), content("b@q")));
}

#[test]
fn the_later_side_wins_by_our_clock_and_a_tie_is_the_servers() {
    let second = |seconds| Some(Timestamp::from_seconds(seconds));
    let table = [
        // here, there, the server ahead by, later
        (second(10), second(9), 0, Side::Here),
        (second(10), second(11), 0, Side::There),
        (second(10), second(10), 0, Side::There),
        (second(10), second(12), 3_000, Side::Here),
        (second(10), second(12), 2_000, Side::There),
        (second(10), second(12), 1_999, Side::There),
        (second(10), second(8), -2_000, Side::There),
        (second(10), second(8), -1_999, Side::Here),
        (second(10), None, 0, Side::There),
        (None, second(10), 0, Side::There),
        (None, None, 0, Side::There),
        (Some(Timestamp(i64::MAX)), Some(Timestamp(i64::MIN)), i64::MAX, Side::Here),
        (Some(Timestamp(i64::MIN)), Some(Timestamp(i64::MIN)), i64::MAX, Side::There),
    ];
    for (here, there, ahead_ms, later) in table {
        let times = Times { here: Changed::<u8>::at(here), there: Changed::at(there), ahead_ms };
        assert_eq!(times.later(&0), later, "here {here:?}, there {there:?}, ahead {ahead_ms}");
        assert_eq!(times.origin(&0), there.map(|there| by_our_clock(there, ahead_ms)));
    }
    assert_eq!(by_our_clock(Timestamp(5_000), 2), Timestamp(3_000));
}

#[test]
fn a_group_has_its_own_time_or_that_of_all() {
    let here = Changed { all: Some(Timestamp(5)), of: BTreeMap::from([("own", Timestamp(50))]) };
    let there = Changed { all: Some(Timestamp(10)), of: BTreeMap::from([("theirs", Timestamp(1))]) };
    let times = Times { here, there, ahead_ms: 0 };
    assert_eq!(times.later(&"own"), Side::Here);
    assert_eq!(times.later(&"other"), Side::There);
    assert_eq!(times.later(&"theirs"), Side::Here);
    assert_eq!(Times::<&str>::default().later(&"own"), Side::There);
}

#[test]
fn a_merge_names_its_losers_and_what_it_writes() {
    let groups = [
        (1, Outcome::Unchanged),
        (2, Outcome::Won(Side::Here)),
        (3, Outcome::Won(Side::There)),
        (4, Outcome::FromThere),
        (5, Outcome::Won(Side::Here)),
    ];
    let merged = Merged::new("h2", "t", groups);
    assert_eq!(merged.conflicts(), 3);
    assert_eq!(merged.losers(), BTreeSet::from([Side::Here, Side::There]));
    assert_eq!(merged.groups.keys().copied().collect::<Vec<_>>(), [2, 3, 4, 5]);
    let sides = Sides { agreed: &"a", image: &"i", here: &"h", there: &"t" };
    assert!(merged.writes(Side::Here, sides));
    assert!(!merged.writes(Side::There, sides));
    for outcome in [Outcome::Unchanged, Outcome::Alike, Outcome::ToSend, Outcome::Joined, Outcome::NotSent] {
        assert_eq!(outcome.loser(), None, "{outcome:?}");
    }
    assert_eq!(Outcome::Won(Side::Here).loser(), Some(Side::There));
    assert_eq!(Outcome::Won(Side::There).loser(), Some(Side::Here));
}
