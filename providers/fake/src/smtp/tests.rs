//! Whole conversations: what a careless client does is refused and kept, and what a careful one does is neither.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;
use crate::{Server, ServerConfig, Then, Trigger};

// "\0anna\0secret"
const AUTH: &str = "AUTH PLAIN AGFubmEAc2VjcmV0";

fn server(config: SmtpConfig) -> SmtpServer {
    let server = SmtpServer::new(config);
    server.add_user("anna", "secret");
    server
}

async fn answer(client: &mut DuplexStream) -> String {
    let mut all = String::new();
    loop {
        let Ok(octet) = client.read_u8().await else { return all };
        all.push(char::from(octet));
        let last = all.trim_end().rsplit('\n').next().unwrap_or_default();
        if all.ends_with('\n') && last.as_bytes().get(3) != Some(&b'-') {
            return last.to_owned();
        }
    }
}

/// Sends each piece, and a QUIT, and tells the last line of each answer; the greeting comes first.
async fn talk(server: &SmtpServer, plan: SmtpPlan, pieces: &[&[u8]]) -> (Vec<String>, SmtpOutcome) {
    let (mut client, side) = tokio::io::duplex(1 << 20);
    let conversation = async {
        let mut answers = vec![answer(&mut client).await];
        for piece in pieces {
            client.write_all(piece).await.ok();
            answers.push(answer(&mut client).await);
        }
        client.write_all(b"QUIT\r\n").await.ok();
        answer(&mut client).await;
        answers
    };
    let (answers, outcome) = tokio::join!(conversation, serve(server, side, plan));
    (answers, outcome.unwrap())
}

/// After EHLO and a login.
async fn logged_in(config: SmtpConfig, pieces: &[&[u8]]) -> (Vec<String>, Vec<String>) {
    let server = server(config);
    let auth = format!("{AUTH}\r\n");
    let all = [&[&b"EHLO client.test\r\n"[..], auth.as_bytes()], pieces].concat();
    let (answers, _) = talk(&server, SmtpPlan::none(), &all).await;
    (answers[3..].to_vec(), server.violations())
}

#[tokio::test]
async fn a_careful_client_leaves_no_breach() {
    let (answers, violations) = logged_in(
        SmtpConfig::default(),
        &[
            b"MAIL FROM:<a@b.test> SIZE=14\r\n",
            b"RCPT TO:<c@d.test>\r\n",
            b"DATA\r\n",
            b"A: 1\r\n\r\n..dot\r\n.\r\n",
            b"MAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\n",
            "RCPT TO:<вера@d.test> NOTIFY=NEVER\r\n".as_bytes(),
            b"RSET\r\n",
            b"NOOP\r\n",
        ],
    )
    .await;
    assert_eq!(answers[3], "250 2.0.0 queued as 1");
    assert!(answers.iter().all(|line| line.starts_with('2') || line.starts_with("354")), "{answers:?}");
    assert_eq!(violations, Vec::<String>::new());
}

#[tokio::test]
async fn a_careless_client_is_refused_and_remembered() {
    let few = || SmtpConfig::default().without(&["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN"]);
    let all = SmtpConfig::default;
    let mail = b"MAIL FROM:<a@b.test>\r\n";
    let rcpt = b"RCPT TO:<c@d.test>\r\n";
    let long = [b"NOOP ", &[b'x'; 2_000][..], b"\r\n"].concat();
    let table: [(SmtpConfig, Vec<&[u8]>, &str); 22] = [
        (all(), vec![rcpt], "RCPT without MAIL"),
        (all(), vec![b"DATA\r\n"], "DATA without a recipient"),
        (all(), vec![mail, b"DATA\r\n"], "DATA without a recipient"),
        (all(), vec![mail, mail], "MAIL before EHLO, or within a transaction"),
        (all(), vec![mail, rcpt, rcpt], "a recipient is named a second time"),
        (all(), vec![b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n"], "AUTH a second time"),
        (all(), vec![b"NOOP\n"], "a command ends with a bare LF"),
        (all(), vec![b"NOOP\rQUIT\r\n"], "a command holds a control character"),
        (all(), vec![&long], "a command is too long"),
        (all(), vec![b"NOOP\r\nNOOP\r\n"], "octets behind NOOP before its answer"),
        (all(), vec![mail, rcpt, b"DATA\r\nA: 1\r\n.\r\n"], "octets behind DATA before its answer"),
        (all(), vec![b"MAIL FROM:<a@b.test> SIZE=90000000\r\n"], "larger than the limit that was told"),
        (all(), vec![b"MAIL FROM:<a@b.test> MAGIC=1\r\n"], "an unknown parameter of MAIL"),
        (all(), vec!["MAIL FROM:<вера@b.test>\r\n".as_bytes()], "beyond ASCII without SMTPUTF8"),
        (
            few(),
            vec![b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"],
            "octets behind MAIL before its answer",
        ),
        (few(), vec![b"MAIL FROM:<a@b.test> SIZE=5\r\n"], "SIZE is not offered"),
        (few(), vec![b"MAIL FROM:<a@b.test> BODY=8BITMIME\r\n"], "8BITMIME is not offered"),
        (few(), vec![b"MAIL FROM:<a@b.test> SMTPUTF8\r\n"], "SMTPUTF8 is not offered"),
        (few(), vec![mail, b"RCPT TO:<c@d.test> NOTIFY=NEVER\r\n"], "DSN is not offered"),
        (all(), vec![mail, rcpt, b"DATA\r\n", b"Bcc: x\r\n.\r\n"], "a Bcc field"),
        (all(), vec![mail, rcpt, b"DATA\r\n", b"A: 1\n.\r\n.\r\n"], "ends with a bare LF"),
        (all(), vec![mail, rcpt, b"DATA\r\n", b".A: 1\r\n.\r\n"], "a dot that was not doubled"),
    ];
    for (config, pieces, breach) in table {
        let (answers, violations) = logged_in(config, &pieces).await;
        assert!(violations.iter().any(|said| said.contains(breach)), "{breach}: {violations:?} {answers:?}");
    }
}

#[tokio::test]
async fn before_the_login_nothing_is_sent() {
    for (pieces, breach) in [
        (vec![&b"MAIL FROM:<a@b.test>\r\n"[..]], "MAIL before EHLO"),
        (vec![b"EHLO x\r\n", b"MAIL FROM:<a@b.test>\r\n"], "MAIL without a login"),
        (vec![b"EHLO x\r\n", b"AUTH CRAM-MD5\r\n"], "the mechanism CRAM-MD5 is not offered"),
        (vec![b"EHLO x\r\n", b"STARTTLS\r\n"], "STARTTLS is not offered"),
        (vec![b"EHLO x\r\n", b"AUTH PLAIN !!!\r\n"], "an unreadable response"),
        (vec![b"HELO x\r\n", b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n"], "AUTH is not offered"),
    ] {
        let server = server(SmtpConfig::default());
        let (answers, outcome) = talk(&server, SmtpPlan::none(), &pieces).await;
        assert!(answers.last().unwrap().starts_with('5'), "{answers:?}");
        assert!(server.violations()[0].contains(breach), "{:?}", server.violations());
        assert_eq!(outcome, SmtpOutcome::Quit);
    }
}

#[tokio::test]
async fn who_sends_together_cannot_know_of_a_refusal_and_who_waits_must() {
    let together = b"MAIL FROM:<other@b.test>\r\nRCPT TO:<c@d.test>\r\n";
    let config = SmtpConfig { own_senders_only: true, ..SmtpConfig::default() };
    let (answers, violations) = logged_in(config.clone(), &[together]).await;
    assert!(answers[0].starts_with("553"), "{answers:?}");
    assert_eq!(violations, Vec::<String>::new());
    let apart: &[&[u8]] = &[b"MAIL FROM:<other@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n"];
    let (_, violations) = logged_in(config, apart).await;
    assert!(violations[0].contains("RCPT without MAIL"), "{violations:?}");
}

#[tokio::test]
async fn tokens_are_judged_and_an_error_is_told_in_a_challenge() {
    let server = server(SmtpConfig::default());
    server.add_token("anna", "good");
    let encode = |text: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.encode(text)
    };
    let xoauth2 = |token: &str| {
        format!("AUTH XOAUTH2 {}\r\n", encode(&format!("user=anna\x01auth=Bearer {token}\x01\x01")))
    };
    let bearer = |token: &str| {
        format!(
            "AUTH OAUTHBEARER {}\r\n",
            encode(&format!("n,a=anna,\x01host=x\x01auth=Bearer {token}\x01\x01"))
        )
    };
    let said = async |line: String, dummy: &str| {
        let pieces = [b"EHLO x\r\n".to_vec(), line.into_bytes(), format!("{dummy}\r\n").into_bytes()];
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (answers, _) = talk(&server, SmtpPlan::none(), &pieces).await;
        (answers[2][..3].to_owned(), answers[3][..3].to_owned())
    };
    assert_eq!(said(xoauth2("good"), "NOOP").await.0, "235");
    assert_eq!(said(bearer("good"), "NOOP").await.0, "235");
    assert_eq!(said(xoauth2("bad"), "").await, ("334".to_owned(), "535".to_owned()));
    assert_eq!(said(bearer("bad"), "AQ==").await, ("334".to_owned(), "535".to_owned()));
    assert_eq!(server.violations(), Vec::<String>::new());
    server.revoke_token("good");
    assert_eq!(said(bearer("good"), "odd").await.0, "334");
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn faults_strike_where_the_plan_says() {
    let on = |name, action| SmtpPlan::none().on(Trigger::Named(name, 1), action);
    let message: &[&[u8]] = &[
        b"EHLO x\r\n",
        b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n",
        b"MAIL FROM:<a@b.test>\r\n",
        b"RCPT TO:<c@d.test>\r\n",
        b"DATA\r\n",
        b"A: 1\r\n.\r\n",
    ];
    for (plan, last, accepted) in [
        (SmtpPlan::none(), "250 2.0.0 queued as 1", 1),
        (on("BODY", SmtpAction::Refuse(451, "later")), "451 later", 0),
        (on("BODY", SmtpAction::Silence(Then::Close)), "", 0),
        (on("BODY", SmtpAction::LoseAnswer(Then::Close)), "", 1),
        (on("BODY", SmtpAction::GarbleAnswer), "?!)( no reply of any kind", 1),
        (on("BODY", SmtpAction::Garbage), "?!)( no reply of any kind", 0),
        (on("BODY", SmtpAction::Delay(Duration::from_secs(60))), "250 2.0.0 queued as 1", 1),
        (on("DATA", SmtpAction::CutMessage(3, Then::Close)), "", 0),
        (on("DATA", SmtpAction::BreakOff(3, 552, "enough")), "552 enough", 0),
        (on("BODY", SmtpAction::Refuse(421, "down")), "421 down", 0),
    ] {
        let server = server(SmtpConfig::default());
        let (answers, _) = talk(&server, plan.clone(), message).await;
        assert_eq!((answers[6].as_str(), server.accepted().len()), (last, accepted), "{plan:?}");
    }
}

#[tokio::test]
async fn what_is_accepted_goes_where_it_is_to_go() {
    let mail = Server::new(ServerConfig::default());
    let (anna, boris) = (mail.add_user("anna", "x"), mail.add_user("boris", "x"));
    let server = server(SmtpConfig::default());
    server.deliver_to("c@d.test", &mail, "boris", "INBOX");
    server.file_sent("anna", &mail, "anna", "Sent");
    let pieces: &[&[u8]] = &[
        b"EHLO x\r\n",
        b"AUTH PLAIN AGFubmEAc2VjcmV0\r\n",
        b"MAIL FROM:<a@b.test>\r\n",
        b"RCPT TO:<c@d.test>\r\n",
        b"DATA\r\n",
        b"A: 1\r\n.\r\n",
    ];
    talk(&server, SmtpPlan::none(), pieces).await;
    let bytes = b"Received: by smtp.test with ESMTPSA id 1\r\nA: 1\r\n";
    let inbox = &boris.snapshot()["INBOX"].messages;
    let sent = &anna.snapshot()["Sent"].messages;
    assert_eq!((inbox.len(), &*inbox[0].bytes, inbox[0].flags.len()), (1, &bytes[..], 0));
    assert_eq!(
        (sent.len(), &*sent[0].bytes, sent[0].flags.as_slice()),
        (1, &bytes[..], &["\\Seen".to_owned()][..])
    );
    assert_eq!(server.violations(), Vec::<String>::new());
}

/// Python's smtplib, a client of other people, over a real socket.
#[tokio::test]
async fn smtplib_leaves_no_breach() {
    const SCRIPT: &str = r#"
import smtplib, sys
for _ in range(2):
    smtp = smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "client.test", timeout=30)
    smtp.ehlo()
    smtp.login("anna", "secret")
    gone = smtp.sendmail("anna@b.test", ["c@d.test", "gone@d.test"], b"Subject: x\r\n\r\n.dot\r\n")
    assert list(gone) == ["gone@d.test"] and gone["gone@d.test"][0] == 550, gone
    assert smtp.quit()[0] == 221
"#;
    let server = server(SmtpConfig::default());
    server.refuse_recipient("gone@d.test", 550, "5.1.1 no such user");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let client = tokio::process::Command::new("python3").args(["-c", SCRIPT, &port]).output();
    let serving = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            serve(&server, stream, SmtpPlan::none()).await.unwrap();
        }
    };
    let output = tokio::select! {
        output = client => output.unwrap(),
        () = serving => unreachable!("it serves for ever"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.violations(), Vec::<String>::new());
    let accepted = server.accepted();
    assert_eq!((accepted.len(), &*accepted[0].message), (2, &b"Subject: x\r\n\r\n.dot\r\n"[..]));
    assert_eq!(accepted[0].to, ["c@d.test"]);
}

#[tokio::test]
async fn one_dialer_reaches_mail_of_both_kinds() {
    use postrider_net::{Dialer, Endpoint};
    let (imap, smtp) = (Endpoint::new("mail.test", 143), Endpoint::new("mail.test", 587));
    let others = crate::FakeDialer::new();
    others.add(imap.clone(), &Server::new(ServerConfig::default()));
    let dialer = SmtpDialer::over(std::sync::Arc::new(others));
    dialer.add(smtp.clone(), &server(SmtpConfig::default()));
    for (to, greeting) in [(&imap, "* OK"), (&smtp, "220 ")] {
        let mut wire = dialer.dial(to).await.unwrap();
        let mut heard = [0; 4];
        wire.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, greeting.as_bytes());
    }
    assert_eq!(dialer.dialled(&smtp), 1);
    dialer.refuse(&smtp, true);
    let refused = dialer.dial(&smtp).await.err().unwrap();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let unknown = dialer.dial(&Endpoint::new("mail.test", 25)).await.err().unwrap();
    assert_eq!(unknown.kind(), std::io::ErrorKind::NotFound);
}
