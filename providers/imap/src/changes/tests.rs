//! Every way of reading changes, as whole conversations.

use postrider_model::{ErrorClass, Fault, Flags, Timestamp};
use postrider_remote::{ChangeFeed, MailRemote};

use super::*;
use crate::scripted::play;

/// What came of it, in one value.
#[derive(Debug, PartialEq)]
enum Outcome {
    Nothing,
    Read(Scope, Vec<MailChange>, MailCursor),
    Renumbered(Renumbered),
}

async fn pages(mut feed: Box<dyn ChangeFeed>) -> Outcome {
    let mut all = Vec::new();
    loop {
        let page = feed.next().await.unwrap().expect("a page with the cursor");
        all.extend(page.changes);
        if let Some(cursor) = page.cursor {
            assert_eq!(feed.next().await, Ok(None));
            return Outcome::Read(page.scope, all, cursor);
        }
    }
}

async fn outcome(script: &str, request: ChangesRequest) -> Result<Outcome, Fault> {
    let inbox = FolderKey("INBOX".to_owned());
    let found = play(&[script], async |remote| remote.changes(&inbox, request).await).await?;
    Ok(match found {
        Changes::None => Outcome::Nothing,
        Changes::Feed(feed) => pages(feed).await,
        Changes::Renumbered(renumbered) => Outcome::Renumbered(renumbered),
    })
}

fn set(text: &str) -> UidSet {
    crate::codec::sets::uid_set(text.as_bytes()).unwrap()
}

fn status(uid_next: u32, mod_seq: u64, messages: u32) -> FolderStatus {
    FolderStatus { uid_validity: 7, uid_next, highest_mod_seq: (mod_seq > 0).then_some(mod_seq), messages }
}

fn cursor(uid_next: u32, mod_seq: u64, messages: u32) -> MailCursor {
    MailCursor { status: status(uid_next, mod_seq, messages), complete: true, window: Window::All }
}

/// Since a cursor, with these UIDs in the store.
fn since(cursor: MailCursor, known: &str) -> ChangesRequest {
    let known = if known.is_empty() { UidSet::EMPTY } else { set(known) };
    ChangesRequest { window: cursor.window, since: Some(cursor), known, listed: None }
}

fn first(window: Window) -> ChangesRequest {
    ChangesRequest { since: None, window, known: UidSet::EMPTY, listed: None }
}

fn seen(uid: u32, mod_seq: u64) -> MailChange {
    MailChange::Flags { uid, flags: Flags::from_wire(["\\Seen"]), mod_seq: (mod_seq > 0).then_some(mod_seq) }
}

fn wanted(text: &str) -> MailChange {
    MailChange::Wanted(set(text))
}

fn delta(changes: Vec<MailChange>, cursor: MailCursor) -> Result<Outcome, Fault> {
    Ok(Outcome::Read(Scope::Delta, changes, cursor))
}

/// A server with these capabilities that opened INBOX with this answer to the EXAMINE.
fn opened(capabilities: &str, examine: &str, answer: &str) -> String {
    let enable = match capabilities.contains("QRESYNC") {
        true => "C: $ ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: $ OK\n",
        false => "",
    };
    format!(
        "S: * PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\n{enable}C: $ EXAMINE \"INBOX\"{examine}\n\
         S: * OK [UIDVALIDITY 7] valid\n{answer}\nS: $ OK [READ-ONLY] done\n"
    )
}

const QRESYNC: &str = "ENABLE CONDSTORE QRESYNC ESEARCH";
const CONDSTORE: &str = "CONDSTORE ESEARCH";

fn search(criteria: &str, found: &str) -> String {
    let all = if found.is_empty() { String::new() } else { format!(" ALL {found}") };
    format!("C: $ UID SEARCH RETURN (ALL) {criteria}\nS: * ESEARCH (TAG \"$\") UID{all}\nS: $ OK done\n")
}

fn state(exists: u32, uid_next: u32, mod_seq: u64) -> String {
    format!(
        "S: * {exists} EXISTS\nS: * OK [UIDNEXT {uid_next}] next\nS: * OK [HIGHESTMODSEQ {mod_seq}] modseq"
    )
}

#[tokio::test]
async fn a_first_load_wants_everything_up_to_the_select() {
    // A message that arrives meanwhile is the next run's.
    let script = opened(QRESYNC, "", &state(3, 11, 50))
        + "C: $ UID SEARCH RETURN (ALL) ALL\nS: * 4 EXISTS\nS: * ESEARCH (TAG \"$\") UID ALL 2:3,10:11\nS: $ OK done";
    assert_eq!(outcome(&script, first(Window::All)).await, delta(vec![wanted("2:3,10")], cursor(11, 50, 3)));
}

#[tokio::test]
async fn a_first_load_of_a_period_searches_from_a_day_earlier() {
    let window = Window::Since(Timestamp::from_seconds(837_596_665));
    let script = opened("", "", "S: * 3 EXISTS\nS: * OK [UIDNEXT 11] next")
        + "C: $ UID SEARCH SINCE 16-Jul-1996\nS: * SEARCH 10\nS: $ OK done";
    let expected = MailCursor { window, ..cursor(11, 0, 3) };
    assert_eq!(outcome(&script, first(window)).await, delta(vec![wanted("10")], expected));
}

#[tokio::test]
async fn an_empty_folder_is_not_searched() {
    let script = opened(CONDSTORE, " (CONDSTORE)", &state(0, 1, 1));
    assert_eq!(outcome(&script, first(Window::All)).await, delta(vec![], cursor(1, 1, 0)));
}

#[tokio::test]
async fn a_uid_next_that_is_missing_or_too_low_is_made_up_for() {
    let missing = opened("ESEARCH", "", "S: * 2 EXISTS") + &search("UID *", "10") + &search("ALL", "9:10");
    assert_eq!(outcome(&missing, first(Window::All)).await, delta(vec![wanted("9:10")], cursor(11, 0, 2)));
    let too_low = opened("ESEARCH", "", "S: * 2 EXISTS\nS: * OK [UIDNEXT 5] next") + &search("ALL", "9:10");
    assert_eq!(outcome(&too_low, first(Window::All)).await, delta(vec![wanted("9:10")], cursor(11, 0, 2)));
}

#[tokio::test]
async fn what_the_listing_shows_unchanged_costs_nothing() {
    let request = ChangesRequest { listed: Some(status(11, 50, 3)), ..since(cursor(11, 50, 3), "1:3") };
    let found = play(&[], async |remote| remote.changes(&FolderKey("INBOX".to_owned()), request).await).await;
    assert!(matches!(found, Ok(Changes::None)));
    let sure = since(cursor(11, 50, 3), "1:3");
    let listed = |status: FolderStatus| ChangesRequest { listed: Some(status), ..sure.clone() };
    for other in [status(12, 50, 3), status(11, 51, 3), status(11, 50, 2), status(11, 0, 3)] {
        assert!(!is_unchanged(&listed(other)));
    }
    let without_mod_seq = ChangesRequest { listed: Some(status(11, 0, 3)), ..since(cursor(11, 0, 3), "1:3") };
    assert!(!is_unchanged(&without_mod_seq));
    let mut incomplete = listed(status(11, 50, 3));
    incomplete.since.as_mut().unwrap().complete = false;
    assert!(!is_unchanged(&incomplete));
    let mut longer = listed(status(11, 50, 3));
    longer.since.as_mut().unwrap().window = Window::Since(Timestamp(0));
    assert!(!is_unchanged(&longer));
}

#[tokio::test]
async fn qresync_tells_flags_and_tombstones_with_the_select() {
    let answer = state(10, 12, 60)
        + "\nS: * VANISHED (EARLIER) 9:4,100:4294967295\nS: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (55))\n\
           S: * 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (56))\nS: * 10 FETCH (UID 11 FLAGS (\\Seen) MODSEQ (60))";
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer) + &search("UID 11:*", "11");
    let gone = MailChange::Vanished(set("4:9"));
    // Fifteen were there, six of them known vanished, one arrived.
    let expected = delta(vec![gone, wanted("11"), seen(1, 55)], cursor(12, 60, 10));
    assert_eq!(outcome(&script, since(cursor(11, 50, 15), "1:9")).await, expected);
}

#[tokio::test]
async fn nothing_new_with_the_same_state_is_nothing() {
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(3, 11, 50));
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3")).await, Ok(Outcome::Nothing));
}

#[tokio::test]
async fn data_of_the_folder_that_was_open_before_is_not_this_ones() {
    let answer = "S: * 3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (70))\nS: * VANISHED (EARLIER) 1\nS: * OK [CLOSED] closed\n\
                  S: * OK [UIDVALIDITY 7] valid\n"
        .to_owned()
        + &state(3, 11, 50);
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer);
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3")).await, Ok(Outcome::Nothing));
}

#[tokio::test]
async fn numbers_that_do_not_add_up_are_answered_by_a_full_listing() {
    // Two of five are gone, and no tombstone came.
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(3, 11, 60)) + &search("ALL", "1:2,5");
    let expected = Outcome::Read(Scope::Full, vec![MailChange::Present(set("1:2,5"))], cursor(11, 60, 3));
    assert_eq!(outcome(&script, since(cursor(11, 50, 5), "1:5")).await, Ok(expected));
    // A tombstone for a message that is still there says nothing.
    let answer = state(5, 11, 60) + "\nS: * VANISHED (EARLIER) 4";
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer) + &search("ALL", "1:5");
    assert_eq!(outcome(&script, since(cursor(11, 50, 5), "1:5")).await, delta(vec![], cursor(11, 60, 5)));
}

#[tokio::test]
async fn a_folder_that_became_empty_is_listed_in_full() {
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &(state(0, 11, 60) + "\nS: * VANISHED (EARLIER) 1:5"));
    let gone = MailChange::Vanished(set("1:5"));
    let expected =
        Outcome::Read(Scope::Full, vec![MailChange::Present(UidSet::EMPTY), gone], cursor(11, 60, 0));
    assert_eq!(outcome(&script, since(cursor(11, 50, 5), "1:5")).await, Ok(expected));
}

#[tokio::test]
async fn a_listing_that_is_not_complete_is_an_error() {
    for found in ["1:2", "", "1:9"] {
        let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(3, 11, 60)) + &search("ALL", found);
        let fault = outcome(&script, since(cursor(11, 50, 5), "1:5")).await.unwrap_err();
        assert_eq!(fault.class, ErrorClass::Transient);
        assert!(fault.cause.contains("where it says that there are 3"), "{fault}");
    }
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(3, 11, 60))
        + "C: $ UID SEARCH RETURN (ALL) ALL\nS: $ OK done";
    let fault = outcome(&script, since(cursor(11, 50, 5), "1:5")).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "cannot list messages of folder \"INBOX\" on imap.test:143: the server said OK without an answer"
    );
}

#[tokio::test]
async fn condstore_tells_flags_and_exists_tells_whether_any_is_gone() {
    let changed = "C: $ UID FETCH 1:11 (FLAGS) (CHANGEDSINCE 50)\n\
                   S: * 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (60))\nS: $ OK done\n";
    let script = opened(CONDSTORE, " (CONDSTORE)", &state(4, 12, 60)) + changed + &search("UID 11:*", "11");
    let expected = delta(vec![wanted("11"), seen(2, 60)], cursor(12, 60, 4));
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3")).await, expected);
    // One came and one went: the same number, but not the same messages.
    let script = opened(CONDSTORE, " (CONDSTORE)", &state(3, 12, 60))
        + changed
        + &search("UID 11:*", "11")
        + &search("ALL", "1:2,11");
    let present = MailChange::Present(set("1:2,11"));
    let expected = Outcome::Read(Scope::Full, vec![present, wanted("11"), seen(2, 60)], cursor(12, 60, 3));
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3")).await, Ok(expected));
}

#[tokio::test]
async fn the_last_message_is_not_taken_for_a_new_one() {
    // UIDNEXT rose, and what it rose for is gone again: `11:*` finds the last message.
    let changed = "C: $ UID FETCH 1:11 (FLAGS) (CHANGEDSINCE 50)\nS: $ OK done\n";
    let script = opened(CONDSTORE, " (CONDSTORE)", &state(3, 12, 60)) + changed + &search("UID 11:*", "3");
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3")).await, delta(vec![], cursor(12, 60, 3)));
}

#[tokio::test]
async fn what_an_interrupted_run_stored_and_is_gone_is_found() {
    // UID 11 was stored by a run that did not end; one more arrived, and 11 is gone: the numbers alone would fit.
    let changed = "C: $ UID FETCH 1:12 (FLAGS) (CHANGEDSINCE 50)\nS: $ OK done\n";
    let script = opened(CONDSTORE, " (CONDSTORE)", &state(4, 13, 60))
        + changed
        + &search("UID 11:*", "12")
        + &search("ALL", "1:3,12");
    let present = MailChange::Present(set("1:3,12"));
    let expected = Outcome::Read(Scope::Full, vec![present, wanted("12")], cursor(13, 60, 4));
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "1:3,11")).await, Ok(expected));
}

#[tokio::test]
async fn without_condstore_all_flags_of_a_small_folder_are_fetched() {
    let script = opened("", "", "S: * FLAGS (\\Seen Junk)\nS: * 3 EXISTS\nS: * OK [UIDNEXT 5] next")
        + "C: $ UID FETCH 1:* (FLAGS)\nS: * 1 FETCH (UID 1 FLAGS (\\Seen))\nS: * 2 FETCH (UID 2 FLAGS (\\Seen))\n\
           S: * 3 FETCH (UID 4 FLAGS ())\nS: $ OK done";
    let changes = vec![MailChange::Present(set("1:2,4")), wanted("4"), seen(1, 0), seen(2, 0)];
    let expected = Outcome::Read(Scope::Full, changes, cursor(5, 0, 3));
    assert_eq!(outcome(&script, since(cursor(4, 0, 3), "1:3")).await, Ok(expected));
}

#[tokio::test]
async fn without_condstore_the_flags_of_a_large_folder_are_searched_for() {
    let flags = |uid, names: &[&str]| MailChange::Flags {
        uid,
        flags: Flags::from_wire(names.iter().copied()),
        mod_seq: None,
    };
    let opened_large = |capabilities| {
        opened(capabilities, "", "S: * FLAGS (\\Seen Junk)\nS: * 1001 EXISTS\nS: * OK [UIDNEXT 1005] next")
    };
    let expected = Ok(Outcome::Read(
        Scope::Full,
        vec![
            MailChange::Present(set("4:1004")),
            wanted("7:1004"),
            flags(4, &["Junk"]),
            flags(5, &["\\Seen", "Junk"]),
            flags(6, &[]),
        ],
        cursor(1005, 0, 1_001),
    ));
    // With ESEARCH in one flight, told apart by tag in whatever order.
    let criteria = ["ALL", "SEEN", "ANSWERED", "FLAGGED", "DELETED", "DRAFT", "KEYWORD Junk"];
    let sent: String = criteria.iter().map(|one| format!("C: $ UID SEARCH RETURN (ALL) {one}\n")).collect();
    let answers = "S: * ESEARCH (TAG \"p7\") UID\nS: * ESEARCH (TAG \"p2\") UID ALL 4:1004\nS: * ESEARCH (TAG \"p3\") UID ALL 5\n\
                   S: * ESEARCH (TAG \"p8\") UID ALL 4:5\nS: * ESEARCH (TAG \"p4\") UID\nS: * ESEARCH (TAG \"p5\") UID\n\
                   S: * ESEARCH (TAG \"p6\") UID\n";
    let script = opened_large("ESEARCH") + &sent + answers + &"S: $ OK done\n".repeat(7);
    assert_eq!(outcome(&script, since(cursor(7, 0, 3), "1:6")).await, expected);
    // Without, one after the other.
    let all: String = (4..=1004).map(|uid| format!(" {uid}")).collect();
    let found = [all.as_str(), " 5", "", "", "", "", " 5 4"];
    let asked = criteria
        .iter()
        .zip(found)
        .map(|(one, uids)| format!("C: $ UID SEARCH {one}\nS: * SEARCH{uids}\nS: $ OK done\n"));
    let script = opened_large("") + &asked.collect::<String>();
    assert_eq!(outcome(&script, since(cursor(7, 0, 3), "1:6")).await, expected);
}

#[tokio::test]
async fn a_keyword_that_cannot_be_searched_for_makes_all_flags_be_fetched() {
    let rows: String = (1..=1001).map(|n| format!("S: * {n} FETCH (UID {n} FLAGS (\\Seen))\n")).collect();
    let script =
        opened("ESEARCH", "", "S: * FLAGS (\\Seen a]b)\nS: * 1001 EXISTS\nS: * OK [UIDNEXT 1002] next")
            + &format!("C: $ UID FETCH 1:* (FLAGS)\n{rows}S: $ OK done");
    let expected = delta(vec![seen(1, 0), seen(2, 0)], cursor(1002, 0, 1_001));
    let mut request = since(cursor(1002, 0, 1_001), "1:2");
    request.window = Window::Since(Timestamp(0));
    assert_eq!(outcome(&script, request).await, expected);
}

#[tokio::test]
async fn a_folder_without_mod_seq_on_a_server_with_it_is_read_without() {
    let rows = "S: * 1 FETCH (UID 1 FLAGS (\\Seen))\nS: * 2 FETCH (UID 2 FLAGS (\\Seen))\n";
    for mod_seq in ["S: * OK [NOMODSEQ] none", "S: * OK [HIGHESTMODSEQ 0] none"] {
        let answer = format!("S: * 2 EXISTS\nS: * OK [UIDNEXT 5] next\n{mod_seq}");
        let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer)
            + &format!("C: $ UID FETCH 1:* (FLAGS)\n{rows}S: $ OK done");
        let expected = delta(vec![seen(1, 0), seen(2, 0)], cursor(5, 0, 2));
        assert_eq!(outcome(&script, since(cursor(5, 50, 2), "1:2")).await, expected);
    }
}

#[tokio::test]
async fn a_longer_period_or_an_unfinished_load_lists_the_window_again() {
    let short = Window::Since(Timestamp::from_seconds(837_596_665));
    let request = ChangesRequest {
        since: Some(MailCursor { window: short, ..cursor(11, 50, 5) }),
        window: Window::All,
        known: set("4:5"),
        listed: Some(status(11, 50, 5)),
    };
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(5, 11, 50)) + &search("ALL", "1:5");
    assert_eq!(outcome(&script, request).await, delta(vec![wanted("1:3")], cursor(11, 50, 5)));
    let mut unfinished = since(MailCursor { window: short, complete: false, ..cursor(11, 50, 5) }, "4");
    unfinished.window = short;
    let script =
        opened(QRESYNC, " (QRESYNC (7 50))", &state(5, 11, 50)) + &search("SINCE 16-Jul-1996", "3:5");
    let expected = delta(vec![wanted("3,5")], MailCursor { window: short, ..cursor(11, 50, 5) });
    assert_eq!(outcome(&script, unfinished).await, expected);
}

#[tokio::test]
async fn a_shorter_period_leaves_the_cursor_as_it_is() {
    let mut request = since(cursor(11, 50, 5), "1:5");
    request.window = Window::Since(Timestamp(0));
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &state(5, 11, 50));
    assert_eq!(outcome(&script, request).await, Ok(Outcome::Nothing));
}

#[tokio::test]
async fn uids_that_changed_their_meaning_are_told_with_all_that_is_there() {
    let table = [
        (
            state(3, 11, 60).replace("S: * 3", "S: * OK [CLOSED] x\nS: * OK [UIDVALIDITY 8] new\nS: * 3"),
            "",
            "UIDVALIDITY was 7 and is 8",
        ),
        (state(3, 9, 60), "UID *", "UIDNEXT ran backwards, from 11 to 9"),
        (state(3, 11, 40), "", "HIGHESTMODSEQ ran backwards, from 50 to 40"),
    ];
    for (answer, before, why) in table {
        let before = if before.is_empty() { String::new() } else { search(before, "8") };
        let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer) + &before + &search("ALL", "1:2,8");
        let Ok(Outcome::Renumbered(told)) = outcome(&script, since(cursor(11, 50, 5), "1:5")).await else {
            panic!("{why}")
        };
        assert_eq!((told.why.as_str(), &told.present, &told.wanted), (why, &set("1:2,8"), &set("1:2,8")));
    }
}

#[tokio::test]
async fn a_uid_next_that_is_always_too_low_is_no_restored_backup() {
    let answer = state(3, 5, 50);
    let script = opened(QRESYNC, " (QRESYNC (7 50))", &answer) + &search("UID *", "10");
    assert_eq!(outcome(&script, since(cursor(11, 50, 3), "8:10")).await, Ok(Outcome::Nothing));
}

#[tokio::test]
async fn a_large_folder_is_searched_by_windows_and_anew_when_they_shift() {
    let window = |range: &str, found: &str, more: &str| {
        format!(
            "C: $ UID SEARCH RETURN (ALL) {range} ALL\n{more}S: * ESEARCH (TAG \"$\") UID ALL {found}\nS: $ OK done\n"
        )
    };
    let script = opened("ESEARCH", "", "S: * 100000 EXISTS\nS: * OK [UIDNEXT 100001] next")
        + &window("1:90000", "1:90000", "S: * 7 EXPUNGE\n")
        + &window("1:90000", "1:6,8:90001", "")
        + &window("90001:99999", "90002:100000", "");
    let expected = delta(vec![wanted("1:6,8:100000")], cursor(100_001, 0, 100_000));
    assert_eq!(outcome(&script, first(Window::All)).await, expected);
}

#[tokio::test]
async fn a_folder_that_had_seemed_empty_is_listed_whole() {
    // Three messages below a UIDNEXT that has not risen: they were there when the folder was read and seemed to have none.
    let flags =
        "S: * 1 FETCH (UID 1 FLAGS (\\Seen))\nS: * 2 FETCH (UID 2 FLAGS ())\nS: * 3 FETCH (UID 3 FLAGS ())\n";
    let listing = format!("C: $ UID FETCH 1:* (FLAGS)\n{flags}S: $ OK done\n");
    let bare = opened("", "", "S: * 3 EXISTS\nS: * OK [UIDNEXT 4] next") + &listing;
    let expected = vec![MailChange::Present(set("1:3")), wanted("1:3")];
    let expected = Ok(Outcome::Read(Scope::Full, expected, cursor(4, 0, 3)));
    assert_eq!(outcome(&bare, since(cursor(4, 0, 0), "")).await, expected);
    // What is held here as gone is told to be there, so that it can be let go of.
    let quick = opened(QRESYNC, " (QRESYNC (7 50))", &state(3, 4, 50)) + &listing;
    let expected = vec![
        MailChange::Present(set("1:3")),
        wanted("3"),
        seen(1, 0),
        MailChange::Flags { uid: 2, flags: Flags::NONE, mod_seq: None },
    ];
    let expected = Ok(Outcome::Read(Scope::Full, expected, cursor(4, 50, 3)));
    assert_eq!(outcome(&quick, since(cursor(4, 50, 0), "1:2")).await, expected);
}

#[tokio::test]
async fn a_period_without_a_message_is_believed_where_the_last_message_is_found() {
    let request = || first(Window::Since(Timestamp::from_seconds(1_700_000_000)));
    let script = |last: &str| {
        opened("ESEARCH", "", "S: * 3 EXISTS\nS: * OK [UIDNEXT 4] next")
            + "C: $ UID SEARCH RETURN (ALL) SINCE 13-Nov-2023\nS: * ESEARCH (TAG \"$\") UID\nS: $ OK done\n"
            + &format!(
                "C: $ UID SEARCH RETURN (ALL) UID *\nS: * ESEARCH (TAG \"$\") UID{last}\nS: $ OK done\n"
            )
    };
    assert!(
        matches!(outcome(&script(" ALL 3"), request()).await, Ok(Outcome::Read(Scope::Delta, changes, _)) if changes.is_empty())
    );
    let fault = outcome(&script(""), request()).await.unwrap_err();
    assert_eq!(fault.cause, "the server does not find the last message of the folder");
}
