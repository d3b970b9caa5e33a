//! The store's life by the built program and a real Dovecot (F10): a backup under load that is put back, a store that comes to another
//! machine, a disk that fills up in mid-run, damage that a run meets, a newer schema. Nothing is lost, and nothing is sent that should
//! not be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::home::output_of;
use postrider_test_support::{Daemon, Delivery, programs};
use rustix::process::geteuid;
use serde_json::Value;

use crate::in_step::{assert_in_step, on_server};
use crate::scene::{Answer, Scene, USER, letter, number, postrider, text};
use crate::sending::Post;
use crate::stored;
use crate::watching::Watching;

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(120);

/// Does something to a store as somebody else's SQLite does it.
fn sqlite(store: &Path, script: &str) -> String {
    let mut command = Command::new(programs::python().unwrap());
    let opened =
        format!("import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1])\n{script}\ndb.commit()\ndb.close()\n");
    command.arg("-c").arg(opened).arg(store.join("store.db"));
    let output = output_of(command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// All files of a folder but the lock, with their octets.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// The flags of a message of INBOX, on the server.
fn flags_there(scene: &Scene, uid: u64) -> Vec<String> {
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    let answer = client.command(&format!("UID FETCH {uid} (FLAGS)")).unwrap();
    let line = answer.lines().into_iter().find(|line| line.contains("FLAGS (")).unwrap();
    let flags = line.split("FLAGS (").nth(1).unwrap().split(')').next().unwrap().to_owned();
    flags.split_whitespace().map(ToOwned::to_owned).collect()
}

/// The same of the one with that subject.
fn is_flagged_there(scene: &Scene, subject: &str) -> bool {
    let row = scene.listed().into_iter().find(|row| row["subject"] == subject);
    flags_there(scene, number(&row.unwrap()["uid"])).iter().any(|flag| flag == "\\Flagged")
}

fn id_of(scene: &Scene, subject: &str) -> String {
    let row = scene.listed().into_iter().find(|row| row["subject"] == subject);
    text(&row.unwrap_or_else(|| panic!("{subject} is not here"))["id"])
}

fn status(answer: Answer) -> Value {
    answer.ok().json()[0].clone()
}

fn warnings(account: &Value) -> String {
    account["warnings"].to_string()
}

#[test]
fn a_backup_taken_under_load_is_put_back_and_sends_once_it_is_adopted() {
    let scene = Scene::new();
    let mail =
        (0..400).map(|at| Delivery::new([letter(&format!("letter {at}")), vec![b'x'; 20_000]].concat()));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    let folder = scene.home.path().join("backups");
    fs::create_dir(&folder).unwrap();
    let target = folder.to_str().unwrap();

    let mut load = scene.command(&["--sync-now", "-q"]).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !scene.home.store().join("store.db").exists() {
        assert!(begun.elapsed() < LIMIT, "the load makes no store");
        thread::sleep(Duration::from_millis(2));
    }
    let made = scene.run(&["--json", "store", "backup", target]).ok().json();
    assert!(load.wait().unwrap().success());
    let file = PathBuf::from(text(&made["file"]));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(number(&made["octets"]), fs::metadata(&file).unwrap().len());
    let early = tempfile::tempdir().unwrap();
    fs::copy(&file, early.path().join("store.db")).unwrap();
    let early = stored::mail(early.path()).len();
    assert!(early <= 400, "{early}");
    // What has that name is not written over.
    let again = scene.run(&["store", "backup", file.to_str().unwrap()]);
    assert_eq!(again.code, 2, "{again:?}");

    // Another one, of the whole; then the world goes on.
    let whole = folder.join("whole.db");
    let whole = whole.to_str().unwrap();
    scene.run(&["store", "backup", whole]).ok();
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1:3", "+FLAGS", "\\Deleted").unwrap();
    client.expunge("1:3").unwrap();
    scene.server.fill(USER, "INBOX", [Delivery::new(letter("after the backup"))]).unwrap();
    scene.sync();

    // Nobody takes it from under a syncer.
    let watching = Watching::start(&scene);
    let busy = scene.run(&["store", "restore", whole]);
    assert_eq!(busy.code, 1, "{busy:?}");
    assert!(busy.err.contains("is syncing this store"), "{busy:?}");
    watching.stop();

    let restored = scene.run(&["--json", "store", "restore", whole]).ok().json();
    let kept = PathBuf::from(text(&restored["kept"]));
    assert_eq!(stored::mail(&kept).iter().filter(|row| row.is_live()).count(), 398, "{restored}");
    assert_eq!(scene.listed().len(), 400);
    scene.run(&["store", "check", "--full"]).ok();

    // It takes in, and sends nothing.
    let subject = "letter 7";
    scene.run(&["mail", "flag", &id_of(&scene, subject), "+flagged"]).ok();
    let account = scene.sync();
    assert!(warnings(&account).contains("was put back from a copy"), "{account}");
    assert!(!is_flagged_there(&scene, subject));
    assert_eq!(scene.listed().len(), 398);
    let found = status(scene.run(&["status", "--json"]));
    assert_eq!((&found["away"], number(&found["unsent"])), (&Value::Bool(true), 1));
    let refused = scene.run(&["folder", "create", "New", "--account", "work"]);
    assert!(refused.code == 2 && refused.err.contains("postrider adopt"), "{refused:?}");
    assert!(!on_server(&scene).contains_key("New"));

    scene.run(&["adopt"]).ok();
    let account = scene.sync();
    assert!(account["warnings"].is_null(), "{account}");
    assert!(is_flagged_there(&scene, subject));
    assert_in_step(&scene);
    let found = scene.run(&["mail", "search", "--json", "--limit", "1000", "letter"]).ok().json();
    assert_eq!(found.as_array().unwrap().len(), 397, "search is made anew");
}

#[test]
fn what_waited_in_a_store_that_comes_to_another_machine_is_sent_by_nobody_but_a_person() {
    let post = Post::new();
    post.run(&["--sync-now"]).ok();
    let queue = |subject: &str| {
        post.send(&["--later", "--to", "bert@example.org", "--subject", subject, "--text", "hello"]).ok()
    };
    queue("one");
    queue("two");
    let folder = post.home.path().join("copy.db");
    post.run(&["store", "backup", folder.to_str().unwrap()]).ok();
    // The original goes on, and sends the first; of the second nobody knows.
    let entries = post.run(&["--json", "outbox", "list"]).ok().json();
    post.run(&["outbox", "drop", &text(&entries[1]["id"])]).ok();
    post.run(&["--sync-now"]).ok();
    assert_eq!(post.postfix.wait_for(1).unwrap().len(), 1);

    // The copy stands up elsewhere.
    post.run(&["store", "restore", folder.to_str().unwrap()]).ok();
    let outbox = || {
        let entries = post.run(&["--json", "outbox", "list", "--all"]).ok().json();
        let rows = entries.as_array().unwrap().iter();
        rows.map(|row| (text(&row["subject"]), text(&row["state"]))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(outbox().values().collect::<Vec<_>>(), ["uncertain", "uncertain"]);
    let ran = post.run(&["--sync-now", "--json"]).ok();
    assert!(ran.out.contains("the original may have sent it since"), "{ran:?}");
    let settled = outbox();
    assert_eq!((settled["one"].as_str(), settled["two"].as_str()), ("sent", "uncertain"), "one is in Sent");
    // What is written here waits, too, and is no matter of doubt.
    queue("three");
    post.run(&["--sync-now"]).ok();
    assert_eq!(post.postfix.delivered().unwrap().len(), 1);

    post.run(&["adopt"]).ok();
    post.run(&["--sync-now"]).ok();
    assert_eq!(post.postfix.wait_for(2).unwrap().len(), 2);
    let ended = outbox();
    assert_eq!((ended["two"].as_str(), ended["three"].as_str()), ("uncertain", "sent"));
}

#[test]
fn a_store_of_another_machine_takes_in_and_sends_nothing_before_it_is_adopted() {
    let scene = Scene::new();
    scene.server.fill(USER, "INBOX", [Delivery::new(letter("first"))]).unwrap();
    scene.sync();
    scene.run(&["mail", "flag", &id_of(&scene, "first"), "+flagged"]).ok();
    // Nothing else tells a copied store from one that stayed.
    sqlite(&scene.home.store(), "db.execute(\"UPDATE meta SET machine_id = 'another machine'\")");
    scene.server.fill(USER, "INBOX", [Delivery::new(letter("second"))]).unwrap();
    for _ in 0..2 {
        let account = scene.sync();
        assert!(warnings(&account).contains("comes from another machine"), "{account}");
        assert_eq!(scene.listed().len(), 2);
        assert!(!is_flagged_there(&scene, "first"));
    }
    let told = scene.run(&["status"]).ok();
    assert!(told.out.contains("warning: this store comes from another machine"), "{told:?}");
    // A watch that is under way holds to it as well, and goes on when it is adopted.
    let watching = Watching::start(&scene);
    scene.run(&["mail", "flag", &id_of(&scene, "second"), "+flagged"]).ok();
    let is_told = |event: &Value| {
        event["event"] == "warning" && event["message"].to_string().contains("another machine")
    };
    watching.until(LIMIT, is_told);
    assert!(!is_flagged_there(&scene, "first") && !is_flagged_there(&scene, "second"));
    let adopted = scene.run(&["--json", "adopt"]).ok().json();
    assert_eq!(adopted["adopted"], true);
    assert_eq!(scene.run(&["--json", "adopt"]).ok().json()["adopted"], false);
    watching.until(LIMIT, |event| event["event"] == "followed" && event["messages"] == 2);
    assert!(is_flagged_there(&scene, "first") && is_flagged_there(&scene, "second"));
    watching.stop();
    assert_in_step(&scene);
}

#[test]
fn a_newer_schema_is_refused_and_no_octet_of_the_folder_changes() {
    let scene = Scene::new();
    scene.server.fill(USER, "INBOX", [Delivery::new(letter("first"))]).unwrap();
    scene.sync();
    let store = scene.home.store();
    sqlite(&store, "db.execute('PRAGMA user_version = 99')");
    let before = files(&store);
    let backup = scene.home.path().join("b.db");
    for command in [
        &["--sync-now"][..],
        &["watch"],
        &["status"],
        &["mail", "list"],
        &["mail", "flag", "m1", "+seen"],
        &["store", "check", "--full"],
        &["store", "compact"],
        &["store", "backup", backup.to_str().unwrap()],
        &["adopt"],
        &["key", "rotate"],
        &["doctor", "--offline"],
    ] {
        let refused = scene.run(command);
        assert_eq!(refused.code, 1, "{command:?}: {refused:?}");
        let said = [refused.out, refused.err].concat();
        assert!(said.contains("has schema 99, and this version knows schemas up to"), "{command:?}: {said}");
        assert!(files(&store) == before, "{command:?} changed the store's folder");
    }
    assert!(!backup.exists());
}

#[test]
fn damage_that_a_run_meets_stops_what_is_sent_until_a_backup_is_put_back() {
    let scene = Scene::new();
    let mail = (0..50).map(|at| Delivery::new(letter(&format!("letter {at}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.sync();
    let backup = scene.home.path().join("backup.db");
    scene.run(&["store", "backup", backup.to_str().unwrap()]).ok();
    scene.run(&["mail", "flag", &id_of(&scene, "letter 7"), "+flagged"]).ok();
    // The page that only whoever sends reads: what was noted before it is sent.
    let store = scene.home.store();
    let page = sqlite(
        &store,
        "db.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchall()\n\
         print(db.execute(\"SELECT rootpage FROM sqlite_schema WHERE name = 'intent'\").fetchone()[0])",
    );
    let page: usize = page.parse().unwrap();
    let file = store.join("store.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[(page - 1) * 16_384..page * 16_384].fill(0xa5);
    fs::write(&file, &bytes).unwrap();

    scene.server.fill(USER, "INBOX", [Delivery::new(letter("new"))]).unwrap();
    let (code, account) = scene.try_sync();
    assert_eq!(code, 1, "{account}");
    assert!(account["error"].to_string().contains("store.db is damaged"), "{account}");
    assert!(!is_flagged_there(&scene, "letter 7"));
    // From now on nobody begins.
    scene.proxy.reset();
    let refused = scene.run(&["--sync-now"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("`postrider store check`") && refused.err.contains("store restore"),
        "{refused:?}"
    );
    assert_eq!(scene.proxy.connections(), 0, "no server is asked");
    let checked = scene.run(&["store", "check"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.out.contains("damaged: ") && checked.out.contains("store restore"), "{checked:?}");

    scene.run(&["store", "restore", backup.to_str().unwrap()]).ok();
    scene.run(&["store", "check", "--full"]).ok();
    scene.run(&["adopt"]).ok();
    scene.sync();
    assert_in_step(&scene);
}

#[test]
fn damage_that_only_a_reader_meets_stops_the_daemon_beside_it() {
    let scene = Scene::new();
    scene
        .server
        .fill(USER, "INBOX", (0..3).map(|at| Delivery::new(letter(&format!("letter {at}")))))
        .unwrap();
    scene.sync();
    let _daemon = Daemon::start(&scene.home, postrider()).unwrap();
    scene.run(&["--sync-now"]).ok();
    sqlite(&scene.home.store(), "db.execute(\"DELETE FROM body_chunk\")");
    scene.run(&["--sync-now"]).ok();
    let id = id_of(&scene, "letter 1");
    let met = scene.run(&["mail", "show", &id, "--raw"]);
    assert!(met.code == 1 && met.err.contains("nothing is sent any more"), "{met:?}");
    scene.run(&["mail", "flag", &id, "+flagged"]).ok();
    let refused = scene.run(&["--sync-now"]);
    assert!(refused.code == 1 && refused.err.contains("store.db is damaged"), "{refused:?}");
    assert!(!is_flagged_there(&scene, "letter 1"));
}

#[test]
fn a_damaged_search_index_is_made_anew_and_nothing_else() {
    let scene = Scene::new();
    let mail = (0..50).map(|at| Delivery::new(letter(&format!("letter {at}"))));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.sync();
    let search = scene.home.store().join("search.db");
    let mut bytes = fs::read(&search).unwrap();
    let len = bytes.len();
    bytes[len / 3..].fill(0xa5);
    fs::write(&search, &bytes).unwrap();
    // Whoever meets it says what to do, and sees to it that it is made anew.
    let met = scene.run(&["mail", "search", "letter"]);
    assert!(met.code == 1 && met.err.contains("search.db is damaged"), "{met:?}");
    let checked = scene.run(&["store", "check"]).ok();
    assert!(checked.out.contains("the next run makes the index anew"), "{checked:?}");
    let before = stored::mail(&scene.home.store());
    scene.sync();
    assert_eq!(stored::mail(&scene.home.store()), before);
    assert_eq!(scene.found(&["letter"]).len(), 50);
    assert!(!scene.run(&["store", "check"]).ok().out.contains("search:"));
}

#[test]
fn compacting_gives_back_what_was_purged() {
    let scene = Scene::new();
    let noise = |seed: u32| noise(seed, 60_000).into_bytes();
    let mail = (0..60).map(|at| Delivery::new([letter(&format!("letter {at}")), noise(at)].concat()));
    scene.server.fill(USER, "INBOX", mail).unwrap();
    scene.sync();
    let mut client = scene.client();
    client.select("INBOX").unwrap();
    client.store("1:20", "+FLAGS", "\\Deleted").unwrap();
    client.expunge("1:20").unwrap();
    let (_, account) = scene.try_sync();
    if let Some(plan) = account["held"][0]["plan"].as_str() {
        scene.run(&["allow", plan]).ok();
    }
    let deleted = scene.run(&["--json", "mail", "list", "--deleted", "--limit", "100"]).ok().json();
    let ids: Vec<String> = deleted.as_array().unwrap().iter().map(|row| text(&row["id"])).collect();
    assert_eq!(ids.len(), 20);
    let purge: Vec<&str> = ["mail", "purge"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    scene.run(&purge).ok();
    scene.sync();
    let compacted = scene.run(&["--json", "store", "compact"]).ok().json();
    assert!(number(&compacted["freed"]) > 500_000, "{compacted}");
    scene.run(&["store", "check", "--full"]).ok();
    assert_in_step(&scene);
}

/// Octets that no compression makes much fewer.
fn noise(seed: u32, octets: usize) -> String {
    let mut state = u64::from(seed) | 1;
    let next = |at: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match at % 100 {
            98 => '\r',
            99 => '\n',
            _ => char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap()),
        }
    };
    (0..octets).map(next).collect()
}

/// On a disk of 64 MiB of which 18 are free. `$1`: the configuration, `$2`: the disk's place, `$3`: the program. What each step came to
/// goes to `$2.NAME`.
const FILLING_UP: &str = r#"
mount -t tmpfs -o size=64m,mode=0700 none "$2" || { echo "cannot mount a disk for the test" >&2; exit 99; }
fallocate -l 46M "$2/others" || exit 98
run() { "$3" --config "$1" "${@:4}"; }
sync() { run "$1" "$2" "$3" --sync-now --json > "$2.$4"; echo "$4 $?"; }
state() { run "$1" "$2" "$3" --json status > "$2.$4.status"; }
sync "$1" "$2" "$3" load
first=$(run "$1" "$2" "$3" --json mail list --limit 1 | sed 's/.*"id":"\(m[0-9]*\)".*/\1/')
echo "$first" > "$2.first"
run "$1" "$2" "$3" -q mail flag "$first" +flagged > /dev/null; echo "flag $?"
sync "$1" "$2" "$3" flags
state "$1" "$2" "$3" flags
run "$1" "$2" "$3" -q mail flag "$first" +answered > /dev/null; echo "flag $?"
free=$(df --output=avail -B1024 "$2" | tail -n 1)
fallocate -l $(( (free - 380) * 1024 )) "$2/more" || exit 97
sync "$1" "$2" "$3" nothing
state "$1" "$2" "$3" nothing
rm "$2/more" "$2/others"
sync "$1" "$2" "$3" all
state "$1" "$2" "$3" all
run "$1" "$2" "$3" store check --full > /dev/null; echo "check $?"
run "$1" "$2" "$3" --json mail list --limit 1000 > "$2.list"
"#;

#[test]
fn a_disk_that_fills_up_stops_the_load_first_then_what_is_sent_and_both_go_on_by_themselves() {
    let scene = Scene::new();
    let message =
        |at: u32| Delivery::new([letter(&format!("letter {at}")), noise(at, 200_000).into_bytes()].concat());
    scene.server.fill(USER, "INBOX", (1..=100).map(message)).unwrap();
    let disk = scene.home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    scene
        .home
        .write_config("postrider.toml", &format!("[store]\npath = \"{}\"\n", disk.join("store").display()))
        .unwrap();
    let mut command = scene.home.bare_command(Path::new("unshare"));
    command.arg("--mount");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["bash", "-c", FILLING_UP, "bash"]).arg(scene.home.config()).arg(&disk).arg(postrider());
    let output = output_of(command).unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        ["load 1", "flag 0", "flags 1", "flag 0", "nothing 1", "all 0", "check 0"],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let read = |name: &str| -> Value {
        let path = scene.home.path().join(format!("disk.{name}"));
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let error = |name: &str| text(&read(name)["accounts"][0]["error"]["message"]);
    assert!(error("load").contains("cannot load more mail: the disk is nearly full"), "{}", error("load"));
    assert!(error("flags").contains("cannot load more mail: the disk is nearly full"), "{}", error("flags"));
    let unsent = |name: &str| number(&read(&format!("{name}.status"))[0]["unsent"]);
    assert_eq!(unsent("flags"), 0, "what was changed here went out");
    let report = read("nothing").to_string();
    assert!(report.contains("cannot send anything: the disk is nearly full"), "{report}");
    assert_eq!((unsent("nothing"), unsent("all")), (1, 0));
    assert_eq!(read("list").as_array().unwrap().len(), 100);
    let loaded = number(&read("flags.status")[0]["messages"]);
    assert!((1..100).contains(&loaded), "{loaded} of 100 fit");
    let flagged = fs::read_to_string(scene.home.path().join("disk.first")).unwrap();
    let rows = read("list");
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == flagged.trim()).unwrap();
    let there = flags_there(&scene, number(&row["uid"]));
    assert!(["\\Flagged", "\\Answered"].iter().all(|flag| there.iter().any(|one| one == flag)), "{there:?}");
}
