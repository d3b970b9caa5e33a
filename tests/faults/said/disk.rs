//! A full disk: what came in stays, the message says what to do, and the run goes on by itself once there is room.
//!
//! The disk is a small one in memory, mounted in a mount namespace that ends with the commands in it, so that nothing stays
//! behind. Without the right to do that the test fails and says so.

use std::process::Command;

use postrider_test_support::{Delivery, Dovecot};
use rustix::process::geteuid;

use super::teller::{PASSWORD, PROGRAM, Told, USER, home, tell_of};

/// Mounts a disk of 5 MiB, runs, makes it larger, and runs again. The configuration is `$1`, the disk's place `$2`, the
/// program `$3`.
const TWICE: &str = r#"
mount -t tmpfs -o size=5m,mode=0700 none "$2" || { echo "cannot mount a disk for the test" >&2; exit 99; }
"$3" --config "$1" --sync-now -q; echo "exit $?"
"$3" --config "$1" --json mail list --limit 1000 > "$2.first"
mount -o remount,size=128m "$2" || exit 99
"$3" --config "$1" --sync-now -q; echo "exit $?"
"$3" --config "$1" --json mail list --limit 1000 > "$2.second"
"$3" --config "$1" doctor --offline > /dev/null; echo "exit $?"
"#;

/// Octets that no compression makes fewer.
fn noise(seed: u32, octets: usize) -> String {
    let mut state = u64::from(seed) | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
    };
    std::iter::repeat_with(next).take(octets).collect()
}

#[test]
fn a_full_disk_stops_the_load_and_nothing_else() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let message = |number: u32| {
        let lines: Vec<String> = (0..1_000).map(|line| noise(number * 1_000 + line, 200)).collect();
        let text = format!("Subject: message {number}\r\n\r\n{}\r\n", lines.join("\r\n"));
        Delivery::new(text.into_bytes())
    };
    server.fill(USER, "INBOX", (1..=120).map(message)).unwrap();
    let home = home(server.imap_addr(), "none", None);
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    home.write_config("postrider.toml", &format!("[store]\npath = \"{}\"\n", disk.join("store").display()))
        .unwrap();

    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", TWICE, "sh"]).arg(home.config()).arg(&disk).arg(PROGRAM);
    let mut told = tell_of(&home, command, &[]);
    // How much was free then hangs on the moment. The search index is beside the store and may meet the same, or be through before.
    let mut lines: Vec<&str> = told.err.lines().map(|line| line.split(": it has ").next().unwrap()).collect();
    lines.retain(|line| !line.starts_with("warning: work: search is behind: "));
    told.err = lines.join("\n");
    assert_eq!(
        told,
        Told::new(
            0,
            "exit 1\nexit 0\nexit 0\n",
            "error: work: cannot load more mail: the disk is nearly full\n\
             hint: free some space; what is changed here is sent all the same, and the load goes on by itself"
        )
    );
    let count =
        |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap().matches("\"uid\":").count();
    let first = count("disk.first");
    assert!((1..120).contains(&first), "{first} of 120 messages fit");
    assert_eq!(count("disk.second"), 120);
}
