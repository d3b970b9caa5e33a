//! The server changes, one more run follows: with QRESYNC, with CONDSTORE alone, with neither, and without what else a client might
//! lean on (F2.5, I8). After every step the store is the server's, and the run after that finds nothing to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use postrider_test_support::Delivery;

use crate::in_step::{assert_in_step, assert_still};
use crate::scene::{Scene, USER, letter, number};
use crate::stored::{self, Stored};

#[test]
fn a_server_with_everything_is_followed() {
    follow(Scene::new(), true);
}

#[test]
fn a_server_with_condstore_alone_is_followed() {
    follow(Scene::without(&["QRESYNC"]), true);
}

#[test]
fn a_server_without_condstore_is_followed() {
    follow(Scene::without(&["QRESYNC", "CONDSTORE"]), true);
}

#[test]
fn a_server_without_list_status_is_followed() {
    follow(Scene::without(&["LIST-STATUS"]), true);
}

#[test]
fn a_server_without_esearch_is_followed() {
    follow(Scene::without(&["ESEARCH", "QRESYNC"]), true);
}

#[test]
fn a_server_with_next_to_nothing_is_followed() {
    let withheld = [
        "QRESYNC",
        "CONDSTORE",
        "LIST-STATUS",
        "ESEARCH",
        "LIST-EXTENDED",
        "LITERAL+",
        "ENABLE",
        "ID",
        "NAMESPACE",
    ];
    follow(Scene::without(&withheld), false);
}

/// A mailbox's life, in steps. `are_states_told`: whether the server can say how a folder is without opening it, so that a renamed
/// folder is known before its messages are fetched.
fn follow(mut scene: Scene, are_states_told: bool) {
    furnish(&scene);
    let first = scene.sync();
    assert_eq!(number(&first["mail"]["pulled"]), 71, "{first}");
    settled(&scene, "the first load");

    flags_change(&scene);
    mail_arrives(&scene);
    mail_is_expunged(&scene);
    mail_moves(&scene);
    mail_is_copied(&scene);
    folders_are_renamed(&scene, are_states_told);
    all_of_it_at_once(&scene, are_states_told);
    a_folder_vanishes(&scene);
    a_folder_is_made_anew(&scene);
    folders_are_numbered_anew(&mut scene);
}

fn furnish(scene: &Scene) {
    // Large enough that a body fetched again shows in the count of bytes.
    for (folder, count) in
        [("INBOX", 30), ("Work", 10), ("Archive/2023", 20), ("Archive/2024", 5), ("Old", 6)]
    {
        let mail = (0..count).map(|number| Delivery::new(large_letter(&format!("{folder} {number}"))));
        scene.server.fill(USER, folder, mail).unwrap();
    }
}

fn large_letter(subject: &str) -> Vec<u8> {
    let mut bytes = letter(subject);
    for line in 0..300 {
        bytes.extend_from_slice(
            format!("line {line} of {subject}: {}\r\n", "0123456789 ".repeat(4)).as_bytes(),
        );
    }
    bytes
}

/// The store is the server's, and stays so.
fn settled(scene: &Scene, what: &str) {
    assert_in_step(scene);
    assert_still(scene, what);
}

fn rows_of(scene: &Scene, folder: &str) -> Vec<Stored> {
    let rows = stored::mail(&scene.home.store());
    rows.into_iter().filter(|row| row.is_live() && row.folder == folder).collect()
}

/// The messages of a folder that is followed: id by subject; of twins the older.
fn ids(scene: &Scene, folder: &str) -> BTreeMap<String, String> {
    rows_of(scene, folder).into_iter().rev().map(|row| (row.subject, row.id)).collect()
}

/// One run that must not fetch a body: what comes over the wire is less than any two of them.
fn sync_without_bodies(scene: &Scene, messages: u64, what: &str) {
    scene.proxy.reset();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["bytes"]), 0, "{what}: {report}");
    let (bytes, limit) = (scene.proxy.to_client(), 16_000 + messages * 600);
    assert!(bytes < limit, "{what}: {bytes} octets came for {messages} messages");
}

fn flags_change(scene: &Scene) {
    let before = ids(scene, "INBOX");
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1:10", "+FLAGS", "\\Seen").unwrap();
    client.store("5:7", "+FLAGS", "\\Flagged \\Answered Invoice $Forwarded").unwrap();
    client.store("9", "+FLAGS", "\\Deleted \\Draft").unwrap();
    sync_without_bodies(scene, 30, "flags set");
    settled(scene, "flags set");
    client.store("1:3", "-FLAGS", "\\Seen").unwrap();
    client.store("6", "FLAGS", "").unwrap();
    client.store("7", "-FLAGS", "Invoice").unwrap();
    client.store("9", "-FLAGS", "\\Deleted \\Draft").unwrap();
    sync_without_bodies(scene, 30, "flags taken back");
    settled(scene, "flags taken back");
    assert_eq!(ids(scene, "INBOX"), before);
}

fn mail_arrives(scene: &Scene) {
    let mut client = scene.client();
    client.append("INBOX", "\\Seen Invoice", "", &letter("new and seen")).unwrap();
    client.append("Work", "", "01-Mar-2004 12:00:00 +0200", &letter("new and old")).unwrap();
    let delivered = Delivery { flags: "FS".into(), ..Delivery::new(letter("delivered")) };
    scene.server.fill(USER, "INBOX", [delivered]).unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["pulled"]), 3, "{report}");
    settled(scene, "new mail");
}

fn mail_is_expunged(scene: &Scene) {
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.expunge("2,4,11:12").unwrap();
    let last = *client.uids().unwrap().last().unwrap();
    client.expunge(&last.to_string()).unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 5, "{report}");
    settled(scene, "expunged");
    // Gone and come in the same number: EXISTS alone tells nothing.
    client.expunge("13").unwrap();
    client.append("INBOX", "", "", &letter("instead")).unwrap();
    let report = scene.sync();
    assert_eq!((number(&report["mail"]["deleted"]), number(&report["mail"]["pulled"])), (1, 1), "{report}");
    settled(scene, "one for another");
    // Gone and come between two runs.
    let passing = client.append("INBOX", "", "", &letter("passing")).unwrap();
    client.expunge(&passing.to_string()).unwrap();
    scene.sync();
    settled(scene, "a message that was never seen");
}

fn mail_moves(scene: &Scene) {
    let (inbox, archive) = (ids(scene, "INBOX"), ids(scene, "Archive/2024"));
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("15", "+FLAGS", "Moved").unwrap();
    client.move_to("14:16", "Archive/2024").unwrap();
    client.select("Archive/2023").unwrap();
    client.move_to("1", "INBOX").unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 0, "{report}");
    settled(scene, "moved");
    let left = ids(scene, "INBOX");
    let moved: Vec<_> = inbox.iter().filter(|(subject, _)| !left.contains_key(*subject)).collect();
    assert_eq!(moved.len(), 3);
    let after = ids(scene, "Archive/2024");
    assert!(
        archive.iter().chain(moved).all(|(subject, id)| after.get(subject) == Some(id)),
        "ids survive a move: {after:?}"
    );

    // There and back again.
    client.select("Archive/2024").unwrap();
    client.move_to("1:2", "Work").unwrap();
    client.select("Work").unwrap();
    let newest = client.uids().unwrap();
    let back = newest.iter().rev().take(2).map(u32::to_string).collect::<Vec<_>>().join(",");
    client.move_to(&back, "Archive/2024").unwrap();
    scene.sync();
    settled(scene, "there and back again");
    assert_eq!(ids(scene, "Archive/2024"), after);
}

fn mail_is_copied(scene: &Scene) {
    let (work, inbox) = (ids(scene, "Work"), ids(scene, "INBOX"));
    let mut client = scene.client();
    client.select("Work").unwrap();
    client.command("UID COPY 1:3 INBOX").unwrap();
    client.command("UID COPY 1 Work").unwrap();
    scene.sync();
    settled(scene, "copied");
    let rows = stored::mail(&scene.home.store());
    let here = |id: &String| rows.iter().find(|row| &row.id == id).unwrap();
    for (subject, id) in &work {
        let row = here(id);
        assert!(
            row.is_live() && row.folder == "Work" && &row.subject == subject,
            "the original stays itself: {row:?}"
        );
    }
    let copies: Vec<_> =
        ids(scene, "INBOX").into_iter().filter(|(subject, _)| !inbox.contains_key(subject)).collect();
    assert_eq!(copies.len(), 3);
    for (subject, id) in &copies {
        assert_ne!(&work[subject], id, "a copy has an id of its own");
        assert_eq!(here(&work[subject]).body, here(id).body, "bytes are kept once");
    }
}

fn folders_are_renamed(scene: &Scene, are_states_told: bool) {
    let (work, archive) = (ids(scene, "Work"), ids(scene, "Archive/2023"));
    let mut client = scene.client();
    client.rename("Work", "Projects & more/Work").unwrap();
    client.rename("Archive", "Attic").unwrap();
    match are_states_told {
        true => sync_without_bodies(scene, 60, "renamed"),
        // By its bytes what a renamed folder holds is known again all the same.
        false => drop(scene.sync()),
    }
    settled(scene, "renamed");
    assert_eq!(ids(scene, "Projects & more/Work"), work, "ids survive a rename");
    assert_eq!(ids(scene, "Attic/2023"), archive, "a parent's rename is its children's");
    client.rename("Projects & more/Work", "Work").unwrap();
    client.append("Work", "", "", &letter("after the rename")).unwrap();
    let report = scene.sync();
    assert!(!are_states_told || number(&report["mail"]["pulled"]) == 1, "{report}");
    settled(scene, "renamed and written to");
}

fn all_of_it_at_once(scene: &Scene, are_states_told: bool) {
    let before = ids(scene, "Attic/2023");
    let mut client = scene.client();
    client.append("INBOX", "\\Flagged", "", &letter("at once")).unwrap();
    client.select("Attic/2023").unwrap();
    client.store("5:8", "+FLAGS", "\\Seen Later").unwrap();
    client.move_to("6,9", "INBOX").unwrap();
    client.command("UID COPY 7 Attic/2024").unwrap();
    client.expunge("10").unwrap();
    client.select("INBOX").unwrap();
    client.rename("Attic/2023", "Cellar").unwrap();
    client.create("Fresh").unwrap();
    client.append("Fresh", "", "", &letter("in a fresh folder")).unwrap();
    scene.sync();
    settled(scene, "all of it at once");
    let mut after = ids(scene, "Cellar");
    assert_eq!(after.len(), before.len() - 3);
    if !are_states_told {
        // A copy and a renamed folder's own message look the same then: one of the two goes on under the id.
        let copied = "Archive/2023 6";
        let candidates = [after.remove(copied), ids(scene, "Attic/2024").remove(copied)];
        assert!(candidates.contains(&Some(before[copied].clone())), "{candidates:?}");
    }
    assert!(after.iter().all(|(subject, id)| before.get(subject) == Some(id)), "{after:?}");
    let inbox = ids(scene, "INBOX");
    let moved = before.iter().filter(|(subject, id)| inbox.get(*subject) == Some(id)).count();
    assert_eq!(moved, 2, "moved out of a folder that was renamed meanwhile, and still themselves");
}

fn a_folder_vanishes(scene: &Scene) {
    let old = ids(scene, "Old");
    scene.client().delete("Old").unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 0, "{report}");
    settled(scene, "a folder vanished");
    for row in stored::mail(&scene.home.store()).iter().filter(|row| row.folder == "Old") {
        assert_eq!(
            (row.deleted, row.frozen.as_deref()),
            (0, Some("vanished")),
            "frozen, not deleted: {row:?}"
        );
    }
    let listed = scene.listed();
    assert!(
        old.values().all(|id| listed.iter().any(|row| row["id"] == id.as_str())),
        "what it held is still listed"
    );
}

fn a_folder_is_made_anew(scene: &Scene) {
    let mut client = scene.client();
    client.create("Box").unwrap();
    for number in 0..4 {
        client.append("Box", "", "", &letter(&format!("first box {number}"))).unwrap();
    }
    scene.sync();
    settled(scene, "a folder is made");
    let first = ids(scene, "Box");
    // A server's UIDVALIDITY may be the time in seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    client.delete("Box").unwrap();
    client.create("Box").unwrap();
    for number in 2..6 {
        client.append("Box", "", "", &letter(&format!("second box {number}"))).unwrap();
    }
    client.append("Box", "\\Seen", "", &letter("first box 3")).unwrap();
    scene.sync();
    settled(scene, "a folder of the same name");
    let second = ids(scene, "Box");
    assert_eq!(second.len(), 5);
    assert_eq!(second["first box 3"], first["first box 3"], "what came back is known again");
    let all = stored::mail(&scene.home.store());
    for id in first.values() {
        assert!(all.iter().any(|row| &row.id == id), "nothing is lost: {id}");
    }
}

fn folders_are_numbered_anew(scene: &mut Scene) {
    let (inbox, work) = (ids(scene, "INBOX"), ids(scene, "Work"));
    let root = scene.server.maildir(USER);
    scene.server.stop();
    number_anew(&root, &root, 0);
    number_anew(&root, &root.join("Work"), 1000);
    scene.server.start().unwrap();
    scene.proxy.reset();
    let report = scene.sync();
    // Two twins in one folder cannot be told apart by their headers: they alone are fetched again.
    let twins: u64 =
        rows_of(scene, "Work").iter().filter(|row| row.subject == "Work 0").map(|row| row.size).sum();
    assert_eq!(number(&report["mail"]["bytes"]), twins, "{report}");
    let (bytes, limit) = (scene.proxy.to_client(), 16_000 + twins + (inbox.len() + work.len()) as u64 * 600);
    assert!(bytes < limit, "numbered anew: {bytes} octets came, at most {limit} were to come");
    settled(scene, "numbered anew");
    assert_eq!((ids(scene, "INBOX"), ids(scene, "Work")), (inbox.clone(), work), "ids survive new numbers");

    // New numbers, and changes besides.
    scene.server.stop();
    number_anew(&root, &root, 17);
    scene.server.start().unwrap();
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    let uids = client.uids().unwrap();
    client.store(&uids[0].to_string(), "+FLAGS", "\\Flagged Renumbered").unwrap();
    client.expunge(&uids[1].to_string()).unwrap();
    client.append("INBOX", "", "", &letter("under new numbers")).unwrap();
    let report = scene.sync();
    assert_eq!(number(&report["mail"]["deleted"]), 1, "{report}");
    assert!(number(&report["mail"]["bytes"]) < 1_000, "only the new one is fetched: {report}");
    settled(scene, "numbered anew, and changed");
    let after = ids(scene, "INBOX");
    assert_eq!(after.iter().filter(|(subject, id)| inbox.get(*subject) == Some(id)).count(), inbox.len() - 1);
}

/// Gives a Maildir another UIDVALIDITY and its messages other UIDs, as a server restored from a copy has them, while the server is
/// down. Format of `dovecot-uidlist`: <https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/maildir/#uid-mapping-and-validity>.
fn number_anew(root: &Path, folder: &Path, shift: u32) {
    let list = folder.join("dovecot-uidlist");
    let text = fs::read_to_string(&list).unwrap();
    let mut lines = text.lines();
    let header: Vec<String> =
        lines.next().unwrap().split(' ').map(|word| renumber_header(word, shift)).collect();
    let messages = lines.map(|line| {
        let (uid, rest) = line.split_once(' ').unwrap();
        format!("{} {rest}\n", uid.parse::<u32>().unwrap() + shift)
    });
    let new = format!("{}\n{}", header.join(" "), messages.collect::<String>());
    assert_ne!(new, text);
    fs::write(&list, new).unwrap();
    for place in [root, folder] {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            // Dovecot's caches, in which the old numbers stand.
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("dovecot.index") && place == folder || name.starts_with("dovecot.list.index")
            {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

fn renumber_header(word: &str, shift: u32) -> String {
    let number = |text: &str| text.parse::<u32>().unwrap();
    match word.split_at(1) {
        ("V", validity) => format!("V{}", number(validity) + 7),
        ("N", next) => format!("N{}", number(next) + shift),
        _ => word.to_owned(),
    }
}
