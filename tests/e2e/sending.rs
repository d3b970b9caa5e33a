//! What is written goes out once, by a real Postfix, and has its copy in Sent once (F2.6).

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use postrider_test_support::home::output_of;
use postrider_test_support::proxy::Fault as Cut;
use postrider_test_support::{Certs, Delivery, Dovecot, Home, Postfix, Proxy, postfix, programs};
use serde_json::Value;

use crate::scene::{ACCOUNT, Answer, PASSWORD, USER, letter, run_in, text};

const FOLDERS: &str = "namespace inbox {\n  inbox = yes\n  mailbox Sent {\n    special_use = \\Sent\n    auto = create\n  }\n  \
                       mailbox Drafts {\n    special_use = \\Drafts\n    auto = create\n  }\n}\n";
const READER: &str = include_str!("sending.py");

/// A mailbox, a server for sending, and a home with an account for both.
pub struct Post {
    pub dovecot: Dovecot,
    pub postfix: Postfix,
    /// Before the Postfix.
    pub proxy: Proxy,
    _certs: Certs,
    pub home: Home,
}

impl Post {
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub fn with(shape: impl FnOnce(postfix::Builder) -> postfix::Builder) -> Self {
        let extra = format!("{}{FOLDERS}", postfix::AUTH_LISTENER);
        let dovecot = Dovecot::builder().user(USER, PASSWORD).extra(&extra).start().unwrap();
        Self::at(dovecot, None, shape)
    }

    /// Mail at the one server; logins for sending are asked of the other.
    fn at(
        dovecot: Dovecot,
        logins: Option<&Dovecot>,
        shape: impl FnOnce(postfix::Builder) -> postfix::Builder,
    ) -> Self {
        let certs = Certs::new().unwrap();
        let postfix = shape(Postfix::builder(logins.unwrap_or(&dovecot)).tls(&certs.good)).start().unwrap();
        let proxy = Proxy::start(postfix.submission_addr(), Duration::ZERO).unwrap();
        let home = Home::new().unwrap();
        provide(&home, dovecot.imap_addr(), proxy.addr(), &certs);
        let post = Self { dovecot, postfix, proxy, _certs: certs, home };
        post.configure("");
        post
    }

    /// Writes the account's file, with more lines for `[mail]`.
    fn configure(&self, mail: &str) {
        let_send(&self.home, mail);
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    pub fn send(&self, arguments: &[&str]) -> Answer {
        self.run(&[&["--json", "mail", "send"], arguments].concat())
    }

    fn in_sent(&self) -> Vec<Value> {
        self.run(&["--sync-now"]).ok();
        let rows = self.run(&["mail", "list", "--json", "--folder", "Sent"]).ok().json();
        rows.as_array().unwrap().clone()
    }
}

/// Writes a provider's file for these servers, the second of which has such a certificate.
pub fn provide(home: &Home, imap: SocketAddr, smtp: SocketAddr, certs: &Certs) {
    let provider = format!(
        "type = \"imap\"\ndomains = [\"example.com\"]\nlogin = \"email\"\nauth = \"basic\"\n\
         [imap]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"starttls\"\n[tls]\nca_file = \"{}\"\n",
        imap.port(),
        smtp.port(),
        certs.ca_file().display()
    );
    home.write_config("providers.d/here.toml", &provider).unwrap();
}

/// Writes the file of an account that sends too, with more lines for `[mail]`.
pub fn let_send(home: &Home, mail: &str) {
    let password = home.write_config("secrets/work", PASSWORD).unwrap();
    let file = format!(
        "address = \"{USER}\"\nprovider = \"here\"\n[credentials]\npassword_file = \"{}\"\n\
         [mail]\nload = true\nsend = true\nperiod = \"all\"\nfolders = \"all\"\n{mail}",
        password.display()
    );
    home.write_config(&format!("accounts.d/{ACCOUNT}.toml"), &file).unwrap();
}

/// How Python's `email` package reads a message.
fn read(message: &[u8]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), message).unwrap();
    let mut command = Command::new(programs::python().unwrap());
    command.arg("-c").arg(READER).arg(file.path());
    let output = output_of(command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_message_with_everything_arrives_as_it_was_meant() {
    let post = Post::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = post.home.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let logo = b"\x89PNG\r\n\x1a\nlogo";
    file("logo.png", logo);
    let signature = file(
        "signature.html",
        b"<p>Anna Smith</p><img src=\"logo.png\"><img src=\"https://example.com/x.png\">",
    );
    let report = file("Отчёт за май.pdf", b"%PDF-1.4 report");
    let picture = file("chart.png", b"\x89PNG\r\n\x1a\nchart");
    post.configure(&format!("alias = \"Anna Smith-Ионова\"\nsignature_file = \"{signature}\"\n"));
    let sent = post.send(&[
        "--to",
        "Bert <bert@example.org>, \"Kühn, Carl\" <carl@example.org>",
        "--cc",
        "dora@example.org",
        "--bcc",
        "secret@example.org",
        "--subject",
        "Почта: the figures for May",
        "--text",
        "See the chart.",
        "--html",
        "<p>See the chart: <img src=\"cid:chart.png\"></p>",
        "--attach",
        &report,
        "--inline",
        &picture,
    ]);
    let entry = sent.ok().json();
    assert_eq!((&entry["state"], &entry["filed"]), (&Value::from("sent"), &Value::from(true)), "{entry}");
    let delivered = post.postfix.wait_for(4).unwrap();
    let mut to: Vec<&str> = delivered.iter().map(|one| one.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["bert@example.org", "carl@example.org", "dora@example.org", "secret@example.org"]);
    assert!(delivered.iter().all(|one| one.from == USER && one.message == delivered[0].message));

    let message = &delivered[0].message;
    assert!(!String::from_utf8_lossy(message).to_lowercase().contains("secret@"), "nobody hears of Bcc");
    let read = read(message);
    assert_eq!(read["from"], serde_json::json!([["Anna Smith-Ионова", USER]]));
    assert_eq!(
        read["to"],
        serde_json::json!([["Bert", "bert@example.org"], ["Kühn, Carl", "carl@example.org"]])
    );
    assert_eq!(read["subject"], "Почта: the figures for May");
    assert_eq!(read["defects"], serde_json::json!([]), "{read}");
    let part = |kind: &str| {
        let parts = read["parts"].as_array().unwrap();
        parts.iter().find(|part| part["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {read}")).clone()
    };
    assert!(text(&part("text/plain")["text"]).starts_with("See the chart."), "{read}");
    let html = text(&part("text/html")["text"]);
    assert!(
        html.contains("cid:chart.png")
            && html.contains("cid:signature.1")
            && html.contains("https://example.com/x.png"),
        "{html}"
    );
    let pdf = part("application/pdf");
    assert_eq!(
        (&pdf["name"], &pdf["disposition"]),
        (&Value::from("Отчёт за май.pdf"), &Value::from("attachment"))
    );
    let pictures: Vec<_> =
        read["parts"].as_array().unwrap().iter().filter(|part| part["type"] == "image/png").collect();
    let ids: Vec<_> = pictures.iter().map(|part| text(&part["id"])).collect();
    assert_eq!(ids, ["<chart.png>", "<signature.1>"]);
    assert!(pictures.iter().any(|part| text(&part["hex"]) == hex(logo)));

    let copies = post.in_sent();
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert_eq!(text(&copies[0]["message_id"]), text(&entry["message_id"]));
    assert_eq!(copies[0]["flags"], serde_json::json!(["seen"]));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_must_not_go_out_is_refused_and_nothing_is_kept() {
    let post = Post::new();
    let foreign = post.home.path().join("foreign.eml");
    fs::write(&foreign, "From: Boss <boss@example.com>\r\nTo: bert@example.org\r\nSubject: x\r\n\r\nx\r\n")
        .unwrap();
    let table: [(&[&str], &str); 5] = [
        (&["--to", "bert@example.org", "--subject", "a\r\nBcc: evil@example.org", "--text", "x"], "Subject"),
        (&["--to", "bert@example.org\r\nX: y", "--text", "x"], "--to"),
        (&["--subject", "nobody", "--text", "x"], "recipient"),
        (&["--to", "no address", "--text", "x"], "--to"),
        (&[foreign.to_str().unwrap()], "boss@example.com"),
    ];
    for (arguments, word) in table {
        let refused = post.send(arguments);
        assert_eq!(refused.code, 2, "{arguments:?}: {refused:?}");
        assert!(text(&refused.json()["error"]["message"]).contains(word), "{arguments:?}: {refused:?}");
    }
    assert!(
        !post.home.store().join("store.db").exists()
            || post.run(&["--json", "outbox", "list"]).ok().json() == serde_json::json!([])
    );
    assert_eq!(post.postfix.delivered().unwrap().len(), 0);
}

#[test]
fn one_refused_recipient_does_not_keep_it_from_the_others() {
    let post = Post::with(|builder| builder.refuse("gone@example.org", "550 5.1.1 no such user"));
    let entry = post.send(&["--to", "bert@example.org, gone@example.org", "--text", "x"]).ok().json();
    assert_eq!(entry["state"], "sent");
    assert_eq!(text(&entry["refused"][0][0]), "gone@example.org", "{entry}");
    assert_eq!(post.postfix.wait_for(1).unwrap()[0].to, "bert@example.org");
    let all_gone = post.send(&["--to", "gone@example.org", "--text", "x"]);
    assert_eq!((all_gone.code, &all_gone.json()["state"]), (1, &Value::from("failed")), "{all_gone:?}");
    assert_eq!(post.in_sent().len(), 1, "what was not sent has no copy");
}

#[test]
fn what_cannot_go_now_waits_and_goes_with_a_later_run() {
    let post = Post::with(|builder| builder.refuse("full@example.org", "452 4.2.2 mailbox full"));
    let entry = post.send(&["--to", "full@example.org", "--text", "x"]);
    let id = text(&entry.json()["id"]);
    assert_eq!((entry.code, &entry.json()["state"]), (1, &Value::from("queued")), "{entry:?}");
    let later = post.send(&["--to", "bert@example.org", "--text", "x", "--later"]).ok().json();
    assert_eq!(later["state"], "queued");
    assert_eq!(post.postfix.delivered().unwrap().len(), 0);
    post.run(&["--sync-now"]);
    assert_eq!(post.postfix.wait_for(1).unwrap()[0].to, "bert@example.org");
    let dropped = post.run(&["--json", "outbox", "drop", &id]).ok().json();
    assert_eq!(dropped["state"], "dropped");
    assert_eq!(post.run(&["--json", "outbox", "list"]).ok().json(), serde_json::json!([]));
    assert_eq!(post.run(&["outbox", "drop", &id]).code, 2);
}

#[test]
fn a_refused_login_is_not_tried_for_each_message_that_waits() {
    let extra = format!("{}{FOLDERS}", postfix::AUTH_LISTENER);
    let dovecot = Dovecot::builder().user(USER, PASSWORD).extra(&extra).start().unwrap();
    let others = Dovecot::builder().user(USER, "another").extra(&extra).start().unwrap();
    let post = Post::at(dovecot, Some(&others), |builder| builder);
    for _ in 0..3 {
        post.send(&["--to", "bert@example.org", "--text", "x", "--later"]).ok();
    }
    let run = post.run(&["--sync-now", "--json"]);
    assert_eq!(
        (run.code, &run.json()["accounts"][0]["status"]),
        (3, &Value::from("login_needed")),
        "{run:?}"
    );
    assert_eq!(post.proxy.connections(), 1, "one try is enough");
    assert_eq!(post.run(&["outbox", "list", "--json"]).ok().json().as_array().unwrap().len(), 3);
}

/// The connection ends when the server has the whole message and its answer is on the way.
#[test]
fn a_lost_answer_is_uncertain_and_is_never_sent_again_by_itself() {
    let post = Post::new();
    post.run(&["--sync-now"]).ok();
    // Everything but the answer to the final dot passes: what a whole conversation takes is known, and less is tried.
    post.proxy.reset();
    post.send(&["--to", "bert@example.org", "--text", "x"]).ok();
    let whole = post.proxy.to_client();
    let mut uncertain = None;
    let mut before = post.postfix.wait_for(1).unwrap().len();
    for less in (10..400).step_by(10) {
        post.proxy.set_fault(Cut::CutAfter(whole - less));
        let answer = post.send(&["--to", "bert@example.org", "--text", "x"]);
        let entry = answer.json();
        let id = text(&entry["id"]);
        if entry["state"] == "uncertain" {
            // Cut so late that the server has it: that is the case in question.
            thread::sleep(Duration::from_secs(2));
            if post.postfix.delivered().unwrap().len() > before {
                uncertain = Some((id, text(&entry["message_id"]), answer.code));
                break;
            }
        }
        if entry["state"] != "sent" {
            post.run(&["outbox", "drop", &id]).ok();
        }
        before = post.postfix.delivered().unwrap().len();
    }
    post.proxy.set_fault(Cut::None);
    let (id, message_id, code) = uncertain.expect("no cut loses the answer alone");
    assert_eq!(code, 1);
    let delivered = |message_id: &str| {
        let all = post.postfix.delivered().unwrap();
        all.iter().filter(|one| String::from_utf8_lossy(&one.message).contains(message_id)).count()
    };
    for _ in 0..3 {
        let report = post.run(&["--sync-now", "--json"]);
        assert!(report.out.contains("may have been sent"), "{report:?}");
    }
    thread::sleep(Duration::from_secs(2));
    assert_eq!(delivered(&message_id), 1, "never a second time");
    // Another program files what the server sent: that settles it.
    let entry = post.run(&["outbox", "show", &id, "--raw"]).ok();
    let copy = entry.out.into_bytes();
    post.dovecot.client(USER).unwrap().append("Sent", "\\Seen", "01-Mar-2024 12:00:00 +0000", &copy).unwrap();
    post.run(&["--sync-now"]).ok();
    let settled = post.run(&["--json", "outbox", "show", &id]).ok().json();
    assert_eq!(
        (&settled["state"], &settled["filed"]),
        (&Value::from("sent"), &Value::from(true)),
        "{settled}"
    );
    assert_eq!(delivered(&message_id), 1);
}

#[test]
fn answers_and_forwards_hang_together_with_what_they_answer() {
    let post = Post::new();
    post.dovecot.fill(USER, "INBOX", [Delivery::new(letter("the question"))]).unwrap();
    post.run(&["--sync-now"]).ok();
    let rows = post.run(&["mail", "list", "--json"]).ok().json();
    let id = text(&rows[0]["id"]);
    post.send(&["--reply-to-id", &id, "--text", "the answer"]).ok();
    post.send(&["--forward-id", &id, "--to", "carl@example.org", "--text", "for you"]).ok();
    let mut delivered = post.postfix.wait_for(2).unwrap();
    delivered.sort_by(|a, b| a.to.cmp(&b.to));
    let (answer, forward) = (read(&delivered[0].message), read(&delivered[1].message));
    assert_eq!(delivered[0].to, "bert@example.org");
    assert_eq!(
        (text(&answer["subject"]), text(&forward["subject"])),
        ("Re: the question".to_owned(), "Fwd: the question".to_owned())
    );
    assert_eq!(text(&answer["in_reply_to"]), "<the-question@example.org>");
    assert_eq!(text(&answer["references"]), "<the-question@example.org>");
    assert!(
        forward["parts"].as_array().unwrap().iter().any(|part| part["type"] == "message/rfc822"),
        "{forward}"
    );
}

#[test]
fn a_file_goes_out_as_it_is_and_a_draft_reaches_the_server() {
    let post = Post::new();
    post.run(&["--sync-now"]).ok();
    let file = post.home.path().join("whole.eml");
    fs::write(
        &file,
        format!("From: {USER}\nTo: bert@example.org\nBcc: carl@example.org\nSubject: whole\n\nbody\n"),
    )
    .unwrap();
    post.send(&[file.to_str().unwrap()]).ok();
    let delivered = post.postfix.wait_for(2).unwrap();
    assert!(delivered.iter().all(|one| !String::from_utf8_lossy(&one.message).contains("carl")));
    let draft = post
        .run(&[
            "--json",
            "mail",
            "draft",
            "--to",
            "bert@example.org",
            "--subject",
            "unfinished",
            "--text",
            "…",
        ])
        .ok()
        .json();
    post.run(&["--sync-now"]).ok();
    let rows = post.run(&["mail", "list", "--json", "--folder", "Drafts"]).ok().json();
    assert_eq!(
        (rows[0]["id"].clone(), &rows[0]["flags"]),
        (draft["id"].clone(), &serde_json::json!(["seen", "draft"]))
    );
    assert!(rows[0]["uid"].is_u64(), "it is on the server: {rows}");
    let mut client = post.dovecot.client(USER).unwrap();
    client.select("Drafts").unwrap();
    assert_eq!(client.uids().unwrap().len(), 1);
    assert!(Path::new(&post.home.store()).exists());
}
