//! The matrix, over a real daemon: by the command line as each Unix user, which asks at the socket, and by tokens at the port.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use postrider_model::{ContactId, Visibility};
use postrider_test_support::{Daemon, home::output_of, ports::Reservation, programs};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    house::{House, Mailbox, WORD},
    matrix::{CALLERS, DOINGS, Doing, Expected, HOUSE, NO_CALENDARS, UNIX_USERS, expected},
};

const ACCOUNT: &str = "support";
/// Users that every Debian has (base-passwd), for those of the matrix, in its order.
const SYSTEM: [(&str, u32); 7] =
    [("games", 5), ("man", 6), ("lp", 7), ("mail", 8), ("news", 9), ("uucp", 10), ("proxy", 13)];
const LIMIT: Duration = Duration::from_secs(60);

/// A house with a daemon in it, and the program where everybody can run it.
struct Inhabited {
    house: House,
    mailbox: Mailbox,
    contact: ContactId,
    private: ContactId,
    port: Reservation,
    open: TempDir,
    daemon: Daemon,
}

impl Inhabited {
    fn new() -> Self {
        let house = House::new(&[]);
        for (name, text) in HOUSE {
            let known = UNIX_USERS.iter().zip(SYSTEM);
            let text = known.fold(text.to_owned(), |text, ((_, unix_user, _), (system, _))| {
                text.replace(&format!("\"{unix_user}\""), &format!("\"{system}\""))
            });
            house.write(name, &text);
        }
        house.account(ACCOUNT, Some("holder"));
        house.account("private", Some("stranger"));
        house.fill("private", 3);
        let mailbox = house.fill(ACCOUNT, 4);
        let contact = house.contact("holder", &Visibility::All);
        let private = house.contact("holder", &Visibility::Private);
        let open = tempfile::Builder::new().prefix("postrider-open-").tempdir_in("/tmp").unwrap();
        fs::create_dir(open.path().join("postrider")).unwrap();
        let program = open.path().join("program");
        fs::copy(env!("CARGO_BIN_EXE_postrider"), &program).unwrap();
        for path in [open.path(), &open.path().join("postrider"), &program] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let port = Reservation::new().unwrap();
        let settings = format!(
            "[store]\npath = {:?}\nkeep_deleted = \"36500d\"\n[api]\nsocket = {:?}\nlisten = \"{}\"\n[daemon]\ninterval = \"1h\"\n",
            house.path().join("store"),
            open.path().join("postrider/api.sock"),
            port.address()
        );
        house.write("postrider.toml", &settings);
        let mut daemon = Daemon::launch(command(&house, &open, &program, None)).unwrap();
        daemon.wait_for("READY=1", LIMIT).unwrap();
        Self { house, mailbox, contact, private, port, open, daemon }
    }

    /// Runs the program as the user of the matrix, or as the owner; answers with its exit code and what it printed.
    fn run(&self, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let (actor, user) = match name.split_once(" for ") {
            Some((actor, user)) => (actor, Some(user)),
            None => (name, None),
        };
        let at = UNIX_USERS.iter().position(|(user, ..)| *user == actor);
        let uid = at.map(|at| SYSTEM[at].1);
        let mut command = command(&self.house, &self.open, &self.open.path().join("program"), uid);
        if let Some(user) = user {
            command.args(["--as", user]);
        }
        command.args(arguments);
        let output = output_of(command).unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn token(&self, name: &str) -> String {
        let made = self.run("owner", &["--json", "api", "token", "create", name, "--user", name]);
        assert_eq!(made.0, Some(0), "{made:?}");
        let made: Value = serde_json::from_str(&made.1).unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    /// Asks by a token; answers with the status and what was said.
    fn ask(&self, token: &str, as_user: Option<&str>, request: &Asked) -> (u16, Value) {
        let Asked { method, path, body } = request;
        let body = body.as_ref().map(ToString::to_string).unwrap_or_default();
        let act_as = as_user.map(|user| format!("Postrider-As: {user}\r\n")).unwrap_or_default();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n{act_as}Content-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port.address(),
            body.len()
        );
        let mut stream = TcpStream::connect(self.port.address()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        // A message is no JSON.
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

/// The program as that user, who sees nothing of the house but its socket.
fn command(house: &House, open: &TempDir, program: &Path, uid: Option<u32>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", house.path());
    command.env("XDG_RUNTIME_DIR", open.path()).arg("--config").arg(house.path().join("config"));
    if let Some(uid) = uid {
        command.uid(uid).gid(uid);
    }
    command
}

struct Asked {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

impl Asked {
    fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: None }
    }

    fn post(path: &str, body: Value) -> Self {
        Self { method: "POST", path: path.to_owned(), body: Some(body) }
    }
}

/// By the command line.
fn typed(house: &Inhabited, name: &str, doing: Doing) -> Expected {
    let (live, deleted) = (house.mailbox.live[0].to_string(), house.mailbox.deleted.to_string());
    let (contact, private) = (house.contact.to_string(), house.private.to_string());
    let line: Vec<&str> = match doing {
        Doing::Read => vec!["mail", "show", &live, "--raw"],
        Doing::ListNamed => vec!["mail", "list", "--json", "--account", ACCOUNT],
        Doing::Search => vec!["mail", "search", "--json", WORD],
        Doing::BesideContact => vec!["mail", "list", "--json", "--contact", &contact],
        Doing::BesidePrivate => vec!["mail", "list", "--json", "--contact", &private],
        Doing::ListOwn => vec!["mail", "list", "--json"],
        Doing::Folders => vec!["folder", "list", "--json"],
        Doing::Flag => vec!["mail", "flag", &live, "+seen"],
        Doing::Purge => vec!["mail", "purge", &deleted],
        Doing::Send => {
            vec!["mail", "send", "--account", ACCOUNT, "--to", "anna@example.org", "--text", "x", "--later"]
        }
        Doing::Outbox => vec!["outbox", "list", "--json", "--all"],
        Doing::Configure => vec!["account", "set", ACCOUNT, "--period", "1M"],
        Doing::Introduce => {
            vec![
                "account",
                "set",
                ACCOUNT,
                "--alias",
                "Service",
                "--interval",
                "90s",
                "--signature",
                "Service",
            ]
        }
        Doing::ChangeHost => vec!["provider", "add", "other", "--imap", "imap.example.net"],
        Doing::SeeAccount => vec!["account", "show", ACCOUNT],
        Doing::Audit => vec!["audit", "list"],
        Doing::SeeCalendars => vec!["calendar", "list", "--account", ACCOUNT],
        Doing::RenameCalendar => {
            vec!["calendar", "edit", "Calendar", "--account", ACCOUNT, "--name", "Service"]
        }
    };
    let (code, said) = house.run(name, &line);
    match code {
        Some(0) if is_listing(doing) => shown(&serde_json::from_str(&said).unwrap()),
        Some(0) => Expected::Done,
        Some(2) if said.contains(NO_CALENDARS) => Expected::Done,
        Some(5) => Expected::Refused,
        Some(2) => Expected::Absent,
        _ => panic!("{name}, {doing:?}: {code:?} {said}"),
    }
}

/// By a token.
fn asked(house: &Inhabited, token: &str, as_user: Option<&str>, doing: Doing) -> Expected {
    let (live, deleted) = (house.mailbox.live[0].to_string(), house.mailbox.deleted.to_string());
    let request = match doing {
        Doing::Read => Asked::get(format!("/v1/messages/raw?id={live}")),
        Doing::ListNamed => Asked::get(format!("/v1/messages?account={ACCOUNT}")),
        Doing::Search => Asked::get(format!("/v1/messages?query={WORD}&reach=readable")),
        Doing::BesideContact => Asked::get(format!("/v1/messages?contact={}", house.contact)),
        Doing::BesidePrivate => Asked::get(format!("/v1/messages?contact={}", house.private)),
        Doing::ListOwn => Asked::get("/v1/messages"),
        Doing::Folders => Asked::get("/v1/folders"),
        Doing::Flag => Asked::post("/v1/messages/flag", json!({ "ids": [live], "flags": ["+seen"] })),
        Doing::Purge => Asked::post("/v1/messages/purge", json!({ "ids": [deleted] })),
        Doing::Send => Asked::post(
            "/v1/messages/send",
            json!({ "account": ACCOUNT, "later": true, "message": { "to": ["anna@example.org"], "text": "x" } }),
        ),
        Doing::Outbox => Asked::get("/v1/outbox?all=true"),
        Doing::Configure => Asked::post("/v1/accounts/set", json!({ "name": ACCOUNT, "period": "1M" })),
        Doing::Introduce => Asked::post(
            "/v1/accounts/set",
            json!({ "name": ACCOUNT, "alias": "Service", "interval": "90s", "signature": "Service" }),
        ),
        Doing::ChangeHost => Asked::post(
            "/v1/providers/add",
            json!({ "name": "other", "imap": { "host": "imap.example.net" } }),
        ),
        Doing::SeeAccount => Asked::get(format!("/v1/accounts/show?name={ACCOUNT}")),
        Doing::Audit => Asked::get("/v1/audit"),
        Doing::SeeCalendars => Asked::get(format!("/v1/calendars?account={ACCOUNT}")),
        Doing::RenameCalendar => Asked::post(
            "/v1/calendars/edit",
            json!({ "account": ACCOUNT, "name": "Calendar", "new_name": "Service" }),
        ),
    };
    let (status, answer) = house.ask(token, as_user, &request);
    match status {
        200 if is_listing(doing) => shown(answer.get("messages").unwrap_or(&answer)),
        200 => Expected::Done,
        422 if answer.to_string().contains(NO_CALENDARS) => Expected::Done,
        403 => Expected::Refused,
        404 => Expected::Absent,
        _ => panic!("{doing:?}: {status} {answer}"),
    }
}

const fn is_listing(doing: Doing) -> bool {
    matches!(
        doing,
        Doing::ListNamed
            | Doing::Search
            | Doing::BesideContact
            | Doing::BesidePrivate
            | Doing::ListOwn
            | Doing::Folders
            | Doing::Outbox
    )
}

fn shown(rows: &Value) -> Expected {
    let rows = rows.as_array().unwrap_or_else(|| panic!("no list: {rows}"));
    match rows.iter().any(|row| row["account"] == ACCOUNT) {
        true => Expected::Done,
        false => Expected::Absent,
    }
}

fn audit_is_whole(house: &Inhabited) {
    let verified = house.run("owner", &["audit", "verify"]);
    assert_eq!(verified.0, Some(0), "{verified:?}");
}

#[test]
fn the_matrix_holds_for_unix_users_at_the_command_line() {
    // Only root can be somebody else: whoever else runs this is the owner, and has that row alone.
    let is_anybody = rustix::process::geteuid().is_root();
    let mut wrong = Vec::new();
    for name in CALLERS {
        if !is_anybody && name != "owner" {
            println!(
                "skipped: {name}, in the_matrix_holds_for_unix_users_at_the_command_line (this is not root)"
            );
            continue;
        }
        let house = Inhabited::new();
        for doing in DOINGS {
            let (found, wanted) = (typed(&house, name, doing), expected(name, doing));
            if found != wanted {
                wrong.push(format!("{name}, {doing:?}: {found:?} instead of {wanted:?}"));
            }
        }
        audit_is_whole(&house);
        assert!(house.daemon.pid() > 0);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_matrix_holds_for_tokens_at_the_port() {
    let mut wrong = Vec::new();
    for name in CALLERS.into_iter().filter(|name| *name != "owner") {
        let house = Inhabited::new();
        let (actor, as_user) = match name.split_once(" for ") {
            Some((actor, user)) => (actor, Some(user)),
            None => (name, None),
        };
        let token = house.token(actor);
        for doing in DOINGS {
            let (found, wanted) = (asked(&house, &token, as_user, doing), expected(name, doing));
            if found != wanted {
                wrong.push(format!("{name}, {doing:?}: {found:?} instead of {wanted:?}"));
            }
        }
        audit_is_whole(&house);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A file of grants that changes holds without a restart, for whoever is connected by whatever way.
#[test]
fn a_grant_that_is_taken_back_is_gone_without_a_restart() {
    let house = Inhabited::new();
    let token = house.token("reader");
    let live = house.mailbox.live[0].to_string();
    let read = || house.ask(&token, None, &Asked::get(format!("/v1/messages/raw?id={live}"))).0;
    assert_eq!(read(), 200);
    let file: PathBuf = house.house.path().join("config/shared-mailboxes.d/support.toml");
    let kept = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    until(|| read() == 404);
    house.house.write("shared-mailboxes.d/support.toml", &kept);
    until(|| read() == 200);
}

fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within half a minute");
}

/// Whoever changes the log is found out (F7.7).
#[test]
fn a_line_that_was_tampered_with_is_found() {
    let house = Inhabited::new();
    house.run("owner", &["provider", "add", "other", "--imap", "imap.example.net"]);
    house.run("owner", &["mail", "flag", &house.mailbox.live[0].to_string(), "+seen"]);
    audit_is_whole(&house);
    let database = house.house.path().join("store/store.db");
    let python = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                  c.execute(\"UPDATE audit SET actor = 'somebody else' WHERE what = 'mail.flag'\"); c.commit(); \
                  assert c.total_changes > 0";
    let mut tamper = Command::new(programs::python().unwrap());
    tamper.args(["-c", python]).arg(&database);
    assert!(output_of(tamper).unwrap().status.success());
    let (code, said) = house.run("owner", &["audit", "verify"]);
    assert_eq!(code, Some(1), "{said}");
}
