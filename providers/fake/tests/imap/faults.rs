//! Every fault does what its name says, and only there.

use postrider_fake::{Action, Bend, Capability, FaultPlan, Then, Trigger, faults::codes};

use crate::transcript::{all, only, play, three};

const LOGIN: &str = "S: * OK ...\nC: login LOGIN anna secret\nS: ...\nC: e ENABLE QRESYNC\nS: ...\n";

async fn at(trigger: Trigger, action: Action, script: &str) {
    let (server, _) = three(all());
    play(&server, FaultPlan::none().on(trigger, action), &format!("{LOGIN}{script}")).await;
}

fn on(name: &'static str, action: Action) -> (Trigger, Action) {
    (Trigger::Named(name, 1), action)
}

#[tokio::test(start_paused = true)]
async fn refusals() {
    let cases = [
        (Action::No(codes::UNAVAILABLE), "x NO [UNAVAILABLE] ..."),
        (Action::No(codes::LIMIT), "x NO [LIMIT] ..."),
        (Action::Bad, "x BAD ..."),
    ];
    for (action, answer) in cases {
        let script = format!("C: x SELECT INBOX\nS: {answer}\nC: y SELECT INBOX\nS: ...");
        at(Trigger::Named("SELECT", 1), action, &script).await;
    }
    at(Trigger::Nth(3), Action::Bye("over"), "C: x NOOP\nS: * BYE over\nE:").await;
}

#[tokio::test(start_paused = true)]
async fn silence() {
    let half = "C: x NOOP\nS: * 1 FETCH (UID 1 BODY[] {1000}\nS: Subject: half\nS: \nS: hhhh...\nE:";
    let (trigger, action) = on("NOOP", Action::HalfLiteral(Then::Close));
    at(trigger, action, half).await;
    let (trigger, action) = on("NOOP", Action::Silence(Then::Hang));
    at(trigger, action, "C: x NOOP\nC: y NOOP").await;
    let (trigger, action) = on("NOOP", Action::Silence(Then::Close));
    at(trigger, action, "C: x NOOP\nE:").await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_the_deed() {
    let (server, anna) = three(all());
    let plan = FaultPlan::none().on(Trigger::Named("APPEND", 1), Action::LoseAnswer(Then::Close));
    play(&server, plan, &format!("{LOGIN}C: x APPEND INBOX {{1+}}\nC> y\\r\\n\nE:")).await;
    assert_eq!(anna.snapshot()["INBOX"].messages.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn noise() {
    let (trigger, action) = on("NOOP", Action::GarbageLine);
    at(trigger, action, "C: x NOOP\nS: * \u{0}...\nS: x OK done").await;
    let (trigger, action) = on("NOOP", Action::LongLine(2 << 20));
    at(trigger, action, "C: x NOOP\nS: * OK xxxx...\nS: x OK done").await;
    let sprinkled = r#"
        C: s SELECT INBOX
        S: ...
        C: x UID FETCH 1 (FLAGS)
        S: * OK still here
        S: * XPOSTRIDER 7 (a "b \" c" NIL {5}
        S:
        S: * 1 (d))
        S: * OK [XCODE ...
        S: * NO a warning
        S: * CAPABILITY ...
        S: * 3 FETCH (UID 3 FLAGS (\Recent) MODSEQ (4))
        S: * 1 FETCH (FLAGS (\Recent) UID 1)
        S: * 3 FETCH (UID 3 FLAGS (\Recent) MODSEQ (4))
        S: * OK [ALERT] ...
        S: * STATUS "Somewhere else" (MESSAGES 3 XUNKNOWN (4 5))
        S: x OK done"#;
    let (trigger, action) = on("UID FETCH", Action::Bend(Bend::Sprinkle));
    at(trigger, action, sprinkled).await;
}

#[tokio::test(start_paused = true)]
async fn bent_selects() {
    let cases = [
        (Bend::UidNext(1), vec!["* OK [UIDNEXT 1] predicted next UID"]),
        (Bend::ModSeqBack(2), vec!["* OK [HIGHESTMODSEQ 2] highest"]),
        (Bend::ModSeqBack(99), vec!["* OK [HIGHESTMODSEQ 1] highest"]),
        (Bend::ModSeqZero, vec!["* OK [HIGHESTMODSEQ 0] highest"]),
        (Bend::NoModSeq, vec!["* OK [NOMODSEQ] no mod-sequences here"]),
        (Bend::Empty, vec!["* 0 EXISTS", "* OK [UIDNEXT 4] predicted next UID"]),
        (
            Bend::UidValidityMidway,
            vec!["* OK [UIDVALIDITY 1000] UIDs valid", "* OK [UIDVALIDITY 1001] UIDs valid"],
        ),
    ];
    for (bend, wanted) in cases {
        let said = said(bend, "SELECT INBOX").await;
        for line in wanted {
            assert!(said.contains(&line.to_owned()), "{bend:?}: {line} is not in {said:#?}");
        }
    }
    let missing = said(Bend::ModSeqMissing, "SELECT INBOX").await;
    assert!(!missing.iter().any(|line| line.contains("MODSEQ")), "{missing:#?}");
}

/// What the server says to a command at which it bends the truth.
async fn said(bend: Bend, command: &str) -> Vec<String> {
    let (server, _) = three(all());
    let name = if command.starts_with("UID") { "UID FETCH" } else { command.split(' ').next().unwrap() };
    let name: &'static str =
        ["SELECT", "LIST", "STATUS", "UID FETCH"].into_iter().find(|n| *n == name).unwrap();
    let plan = FaultPlan::none().on(Trigger::Named(name, 1), Action::Bend(bend));
    let select = if name == "UID FETCH" { "4 SELECT INBOX\r\n" } else { "" };
    let text = format!("1 LOGIN anna secret\r\n2 ENABLE QRESYNC\r\n{select}5 {command}\r\n6 LOGOUT\r\n");
    let (client, side) = tokio::io::duplex(1 << 16);
    let session = async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut client = client;
        client.write_all(text.as_bytes()).await.unwrap();
        let mut all = String::new();
        client.read_to_string(&mut all).await.unwrap();
        all
    };
    let (all, _) = tokio::join!(session, postrider_fake::serve(&server, side, plan));
    assert!(server.violations().is_empty());
    all.lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn bent_fetches_and_lists() {
    let fetched = said(Bend::ModSeqZero, "UID FETCH 1 (MODSEQ)").await;
    assert!(fetched.contains(&"* 1 FETCH (MODSEQ (0) UID 1)".to_owned()), "{fetched:#?}");
    let fetched = said(Bend::Nil, "UID FETCH 1 (BODY.PEEK[] ENVELOPE)").await;
    let nils = "* 1 FETCH (BODY[] NIL ENVELOPE (NIL NIL ((NIL NIL NIL NIL))...";
    assert!(fetched.iter().any(|line| line.starts_with(nils.trim_end_matches("..."))), "{fetched:#?}");
    let fetched = said(Bend::Empty, "UID FETCH 1:* (FLAGS)").await;
    assert!(!fetched.iter().any(|line| line.contains("FETCH")), "{fetched:#?}");
    let listed = said(Bend::Literals, "LIST \"\" *").await;
    assert!(listed.contains(&"* LIST (\\HasNoChildren) \"/\" {5}".to_owned()), "{listed:#?}");
    let listed = said(Bend::Empty, "LIST \"\" *").await;
    assert!(!listed.iter().any(|line| line.contains("LIST (")), "{listed:#?}");
    let status = said(Bend::Empty, "STATUS INBOX (MESSAGES UIDNEXT)").await;
    assert!(status.contains(&"* STATUS INBOX (MESSAGES 0 UIDNEXT 4)".to_owned()), "{status:#?}");
}

#[tokio::test(start_paused = true)]
async fn vanished_backwards() {
    let (server, anna) = three(all());
    anna.expunge("INBOX", &[1, 2]).unwrap();
    let plan = FaultPlan::none().on(Trigger::Every("SELECT"), Action::Bend(Bend::ReversedVanished));
    let script = format!(
        "{LOGIN}
        C: x SELECT INBOX (QRESYNC (1000 4))
        S: * FLAGS ...
        S: * OK [PERM...
        S: * 1 EXISTS
        S: * 1 RECENT
        S: * OK [UNSEEN ...
        S: * OK [UIDVAL...
        S: * OK [UIDNEXT...
        S: * OK [HIGH...
        S: * OK [MAILBOXID...
        S: * VANISHED (EARLIER) 2:1
        S: x OK ..."
    );
    play(&server, plan, &script).await;
}

#[tokio::test(start_paused = true)]
async fn greetings() {
    let greeted = |action| FaultPlan::none().on(Trigger::Greeting, action);
    let (server, _) = three(all());
    play(
        &server,
        greeted(Action::PreAuth),
        "S: * PREAUTH ...\nC: x STATUS INBOX (MESSAGES)\nS: * STATUS ...\nS: x OK done",
    )
    .await;
    play(&server, greeted(Action::Bye("full")), "S: * BYE full\nE:").await;
    play(&server, greeted(Action::Silence(Then::Hang)), "").await;
    play(&server, greeted(Action::Silence(Then::Close)), "E:").await;
}

#[tokio::test(start_paused = true)]
async fn extra_octets_after_starttls() {
    let (server, _) = three(only([Capability::StartTls]));
    let plan = FaultPlan::none().on(Trigger::Named("STARTTLS", 1), Action::ExtraAfterStartTls);
    let script = "S: * OK ...\nC: x STARTTLS\nS: x OK begin TLS\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN";
    play(&server, plan, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_deaf_idle_hears_nothing() {
    let (server, _) = three(all());
    let plan = FaultPlan::none().on(Trigger::Every("IDLE"), Action::DeafIdle);
    let script = format!(
        "{LOGIN}C: s SELECT INBOX\nS: ...\nC: x IDLE\nS: + idling\nO: append INBOX four\nC> DONE\\r\\n\nS: x OK done"
    );
    play(&server, plan, &script).await;
}

#[tokio::test(start_paused = true)]
async fn something_else_happens_meanwhile() {
    let (server, _) = three(all());
    let act = Action::meanwhile(|server| {
        server.other_client("anna").expunge("INBOX", &[2]).unwrap();
    });
    let plan = FaultPlan::none().on(Trigger::Named("UID FETCH", 1), act);
    let script = format!(
        "{LOGIN}C: s SELECT INBOX\nS: ...\nC: x UID FETCH 2:3 (UID)\nS: * 3 FETCH (UID 3)\nS: * VANISHED 2\nS: x OK done"
    );
    play(&server, plan, &script).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_can_be_cut_at_any_octet() {
    let whole = 20_usize;
    for octets in 0..whole {
        let (server, _) = three(all());
        let (mut client, side) = tokio::io::duplex(1 << 16);
        let plan = FaultPlan::none().cut_output(octets as u64, Then::Close);
        let read = async {
            use tokio::io::AsyncReadExt as _;
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            all.len()
        };
        let (got, _) = tokio::join!(read, postrider_fake::serve(&server, side, plan));
        assert_eq!(got, octets);
    }
    let (server, _) = three(all());
    play(&server, FaultPlan::none().cut_input(4, Then::Close), "S: * OK ...\nC: x NOOP\nE:").await;
}
