//! Someone else's client: Python's imaplib drives the server over TCP, and what it left is what it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Stdio;

use postrider_fake::{Capabilities, Capability, FaultPlan, Server, ServerConfig, listen};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Runs the script against the server; panics with what it said if it fails.
async fn drive(server: &Server, mode: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imaplib_client.py");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Command::new("python3")
        .arg(script)
        .args([&port.to_string(), mode])
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let plan = FaultPlan::none();
    let output = tokio::select! {
        output = client => output.expect("python3 is needed for this test"),
        ended = listen(server, &listener, &plan) => panic!("the server ended: {ended:?}"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nviolations: {:#?}", server.violations());
}

async fn driven(capabilities: Capabilities, mode: &str) -> Server {
    let server = Server::new(ServerConfig { capabilities, ..ServerConfig::default() });
    server.add_user("anna", "se cr\"et");
    drive(&server, mode).await;
    server
}

#[tokio::test]
async fn imaplib_on_a_bare_server() {
    let server = driven(Capabilities::bare(), "plain").await;
    // It knows no other way to erase a message there.
    assert_eq!(server.violations(), ["connection 1: EXPUNGE without UIDs"]);
    let all = server.other_client("anna").snapshot();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["INBOX", "plain", "plain/Grüße"]);
    let flags = |mailbox: &str| all[mailbox].messages.iter().map(|m| m.flags.join(" ")).collect::<Vec<_>>();
    assert_eq!(flags("INBOX"), [""]);
    assert_eq!(flags("plain"), ["", "$Work \\Flagged \\Seen"]);
}

#[tokio::test]
async fn imaplib_on_a_full_server() {
    let all = Capabilities::all().without([Capability::SaslIr]);
    let server = driven(all, "uidplus").await;
    assert_eq!(server.violations(), Vec::<String>::new());
    let all = server.other_client("anna").snapshot();
    assert_eq!(all["INBOX"].messages.iter().map(|m| m.uid).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(all["plain"].messages.len(), 2);
}
