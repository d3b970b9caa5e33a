//! Against the strict server in memory: every fault, with how far the message came; recipients, logins, extensions. No
//! conversation leaves a breach of the protocol behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use postrider_fake::{
    Server, ServerConfig, Then, Trigger,
    smtp::{SmtpAction as Act, SmtpConfig, SmtpDialer, SmtpPlan, SmtpServer},
};
use postrider_model::{Clock, ErrorClass, Fault, Timestamp};
use postrider_net::{Endpoint, Limits, Security, Timeouts, TlsConnector};
use postrider_remote::{AccessTokens, Credential, Reach};
use postrider_smtp::{Envelope, Patience, SendFault, Sent, SmtpSettings, send, trial};
use secrecy::SecretString;

const ME: &str = "me@a.test";
const PASSWORD: &str = "s3cret";
const MESSAGE: &[u8] = b"From: me@a.test\r\nSubject: x\r\n\r\n.dots\r\n..\r\n.\r\nend";

#[derive(Debug)]
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

/// A server, the way to it, and an account on it.
struct Rig {
    server: SmtpServer,
    dialer: SmtpDialer,
    settings: SmtpSettings,
}

impl Rig {
    fn new(config: SmtpConfig) -> Self {
        let server = SmtpServer::new(config);
        server.add_user(ME, PASSWORD);
        let dialer = SmtpDialer::new();
        let endpoint = Endpoint::new("smtp.test", 587);
        dialer.add(endpoint.clone(), &server);
        let settings = SmtpSettings {
            endpoint,
            security: Security::None,
            allow_plaintext: true,
            login_name: ME.to_owned(),
            credential: Credential::Password(PASSWORD.into()),
            tls: TlsConnector::new(Vec::new(), Arc::new(Epoch)),
            timeouts: Timeouts::default(),
            patience: Patience::default(),
            limits: Limits::default(),
            hello: "client.test".to_owned(),
            failure_notices: true,
        };
        Self { server, dialer, settings }
    }

    fn plan(&self, plan: SmtpPlan) {
        self.dialer.plan_every(&self.settings.endpoint, plan);
    }

    fn dialled(&self) -> usize {
        self.dialer.dialled(&self.settings.endpoint)
    }

    async fn send(&self, to: &[&str], message: &[u8]) -> Result<Sent, SendFault> {
        self.send_as(ME, to, message).await
    }

    async fn send_as(&self, from: &str, to: &[&str], message: &[u8]) -> Result<Sent, SendFault> {
        let to = to.iter().map(|one| (*one).to_owned()).collect();
        let envelope = Envelope { from: from.to_owned(), to };
        send(&self.settings, Arc::new(self.dialer.clone()), &envelope, message).await
    }

    fn lawful(&self) {
        assert_eq!(self.server.violations(), Vec::<String>::new());
    }
}

fn rig() -> Rig {
    Rig::new(SmtpConfig::default())
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_octet_for_octet_with_its_envelope() {
    for names in [&[][..], &["PIPELINING"], &["SIZE", "DSN", "8BITMIME", "SMTPUTF8"], &["AUTH"]] {
        let mut config = SmtpConfig::default().without(names);
        if names == ["AUTH"] {
            config = config.with("AUTH LOGIN");
        }
        let rig = Rig::new(config);
        let sent = rig.send(&["b@c.test", "d@bücher.test"], MESSAGE).await.unwrap();
        assert_eq!(sent.accepted, ["b@c.test", "d@bücher.test"]);
        assert_eq!((sent.refused, sent.reply.as_str()), (Vec::new(), "250 2.0.0 queued as 1"));
        let accepted = rig.server.accepted();
        assert_eq!(accepted.len(), 1);
        assert_eq!((accepted[0].user.as_deref(), accepted[0].from.as_str()), (Some(ME), ME));
        assert_eq!(accepted[0].to, ["b@c.test", "d@xn--bcher-kva.test"]);
        assert_eq!(*accepted[0].message, *[MESSAGE, b"\r\n"].concat());
        let commands: Vec<_> = rig.server.take_served().into_iter().map(|one| one.command).collect();
        assert_eq!(commands, ["EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA", "BODY", "QUIT"]);
        rig.lawful();
    }
}

#[tokio::test(start_paused = true)]
async fn delivery_notices_are_asked_for_where_they_are_wanted_and_offered() {
    for (wanted, offered) in [(true, true), (true, false), (false, true)] {
        let config = SmtpConfig::default();
        let mut rig = Rig::new(if offered { config } else { config.without(&["DSN"]) });
        rig.settings.failure_notices = wanted;
        rig.send(&["b@c.test"], MESSAGE).await.unwrap();
        let parameters = rig.server.accepted()[0].parameters.concat();
        assert_eq!(parameters.contains(&"RET=HDRS".to_owned()), wanted && offered);
        assert_eq!(parameters.contains(&"NOTIFY=FAILURE".to_owned()), wanted && offered);
        rig.lawful();
    }
}

#[tokio::test(start_paused = true)]
async fn some_recipients_are_refused_and_the_others_get_it() {
    for config in [SmtpConfig::default(), SmtpConfig::default().without(&["PIPELINING"])] {
        let rig = Rig::new(config);
        rig.server.refuse_recipient("gone@c.test", 550, "5.1.1 no such user");
        rig.server.refuse_recipient("later@c.test", 450, "4.2.0 greylisted");
        rig.server.refuse_recipient("busy@c.test", 452, "4.5.3 too many recipients");
        let to = ["gone@c.test", "b@c.test", "later@c.test", "busy@c.test", "d@e.test"];
        let sent = rig.send(&to, MESSAGE).await.unwrap();
        assert_eq!(sent.accepted, ["b@c.test", "d@e.test"]);
        let refused: Vec<_> = sent.refused.iter().map(|(who, fault)| (who.as_str(), fault.class)).collect();
        let expected = [
            ("gone@c.test", ErrorClass::Permanent),
            ("later@c.test", ErrorClass::Transient),
            ("busy@c.test", ErrorClass::Throttled),
        ];
        assert_eq!(refused, expected);
        assert_eq!(
            sent.refused[0].1.to_string(),
            "cannot send to \"gone@c.test\" by smtp.test:587: the server answered 550: 5.1.1 no such user"
        );
        assert_eq!(rig.server.accepted()[0].to, ["b@c.test", "d@e.test"]);
        rig.lawful();
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_recipients_are_refused_nothing_is_sent() {
    let rig = rig();
    rig.server.refuse_recipient("gone@c.test", 550, "5.1.1 no such user");
    rig.server.refuse_recipient("later@c.test", 450, "4.2.0 greylisted");
    let failed = rig.send(&["gone@c.test", "later@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Transient));
    assert_eq!(
        failed.fault.cause,
        "all 2 recipients were refused, with: the server answered 450: 4.2.0 greylisted"
    );
    assert_eq!(failed.refused.len(), 2);
    let failed = rig.send(&["gone@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent));
    assert!(failed.fault.action.contains("gone@c.test"), "{}", failed.fault.action);
    assert!(rig.server.accepted().is_empty());
    assert!(!rig.server.take_served().iter().any(|one| one.command == "DATA"));
    rig.lawful();
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_recipients_fit_over_a_narrow_wire() {
    let rig = Rig::new(SmtpConfig { most_recipients: 400, ..SmtpConfig::default() });
    let to: Vec<String> = (0..450).map(|n| format!("{}{n}@c.test", "x".repeat(150))).collect();
    let sent = rig.send(&to.iter().map(String::as_str).collect::<Vec<_>>(), MESSAGE).await.unwrap();
    assert_eq!((sent.accepted.len(), sent.refused.len()), (400, 50));
    assert!(sent.refused.iter().all(|(_, fault)| fault.class == ErrorClass::Throttled));
    rig.lawful();
}

/// Extensions that a server lacks, a line that it tells otherwise, the recipient, the message, and a part of the cause.
type Lack<'t> = (&'t [&'t str], &'t str, &'t str, &'t [u8], &'t str);

/// What is checked of a failure: how far, of which class, a part of its cause, and how many messages the server has.
type Expected = (Reach, ErrorClass, &'static str, usize);

fn faults() -> Vec<(Trigger, Act, Expected)> {
    use ErrorClass as E;
    use Reach::{NotDone, Unknown};
    let first = |name| Trigger::Named(name, 1);
    let closed = "the server closed the connection";
    let garbage = "makes no sense";
    let mut table = vec![
        (Trigger::Greeting, Act::Refuse(421, "full"), (NotDone, E::Throttled, "421: full", 0)),
        (Trigger::Greeting, Act::Refuse(554, "go away"), (NotDone, E::Permanent, "554", 0)),
        (Trigger::Greeting, Act::Garbage, (NotDone, E::Transient, garbage, 0)),
        (Trigger::Greeting, Act::Silence(Then::Hang), (NotDone, E::Transient, "within 30 s", 0)),
        (first("AUTH"), Act::Refuse(535, "5.7.8 no"), (NotDone, E::Login, "535", 0)),
        (first("AUTH"), Act::Refuse(454, "4.7.0 later"), (NotDone, E::Transient, "454", 0)),
        (first("AUTH"), Act::Refuse(454, "4.7.0 Too many logins"), (NotDone, E::Throttled, "454", 0)),
        (first("MAIL"), Act::Refuse(553, "5.7.1 not yours"), (NotDone, E::Permanent, "553", 0)),
        (first("MAIL"), Act::Refuse(451, "4.3.0 disk"), (NotDone, E::Transient, "451", 0)),
        (first("MAIL"), Act::Refuse(450, "4.7.1 rate limit"), (NotDone, E::Throttled, "450", 0)),
        (Trigger::Named("RCPT", 2), Act::Refuse(421, "down"), (NotDone, E::Throttled, "421", 0)),
        (first("DATA"), Act::Refuse(554, "5.5.1 no"), (NotDone, E::Permanent, "554", 0)),
        (first("DATA"), Act::Refuse(250, "fine"), (NotDone, E::Transient, garbage, 0)),
        (first("DATA"), Act::AnswerTwice, (NotDone, E::Transient, garbage, 0)),
        (first("DATA"), Act::CutMessage(0, Then::Close), (NotDone, E::Transient, "connection", 0)),
        (first("DATA"), Act::CutMessage(90_000, Then::Close), (NotDone, E::Transient, "connection", 0)),
        (first("DATA"), Act::BreakOff(90_000, 552, "5.3.4 too big"), (NotDone, E::Permanent, "552", 0)),
        (first("DATA"), Act::BreakOff(90_000, 421, "4.3.2 down"), (NotDone, E::Throttled, "421", 0)),
        (first("DATA"), Act::CutMessage(90_000, Then::Hang), (Unknown, E::Transient, "within 600 s", 0)),
        (first("BODY"), Act::Refuse(554, "5.7.1 spam"), (NotDone, E::Permanent, "554", 0)),
        (first("BODY"), Act::Refuse(451, "4.3.0 disk"), (NotDone, E::Transient, "451", 0)),
        (first("BODY"), Act::Refuse(421, "4.3.2 down"), (NotDone, E::Throttled, "421", 0)),
        (first("BODY"), Act::Silence(Then::Close), (Unknown, E::Transient, closed, 0)),
        (first("BODY"), Act::Silence(Then::Hang), (Unknown, E::Transient, "within 600 s", 0)),
        (first("BODY"), Act::Garbage, (Unknown, E::Transient, garbage, 0)),
        (first("BODY"), Act::Refuse(354, "go on"), (Unknown, E::Transient, garbage, 0)),
        (first("BODY"), Act::LoseAnswer(Then::Close), (Unknown, E::Transient, closed, 1)),
        (first("BODY"), Act::LoseAnswer(Then::Hang), (Unknown, E::Transient, "within 600 s", 1)),
        (first("BODY"), Act::GarbleAnswer, (Unknown, E::Transient, garbage, 1)),
    ];
    for name in ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        table.push((first(name), Act::Refuse(421, "down"), (NotDone, E::Throttled, "421", 0)));
        table.push((first(name), Act::Garbage, (NotDone, E::Transient, garbage, 0)));
        table.push((first(name), Act::Silence(Then::Close), (NotDone, E::Transient, closed, 0)));
        table.push((first(name), Act::Silence(Then::Hang), (NotDone, E::Transient, "within", 0)));
        table.push((first(name), Act::LoseAnswer(Then::Close), (NotDone, E::Transient, closed, 0)));
    }
    table
}

#[tokio::test(start_paused = true)]
async fn every_fault_says_how_far_the_message_came() {
    let message = [MESSAGE, &b"a line of text\r\n".repeat(40_000)].concat();
    for pipelining in [true, false] {
        for (when, action, (reach, class, cause, accepted)) in faults() {
            let config = SmtpConfig::default();
            let rig = Rig::new(if pipelining { config } else { config.without(&["PIPELINING"]) });
            rig.plan(SmtpPlan::none().on(when.clone(), action.clone()));
            let at = format!("{when:?} {action:?}, pipelining {pipelining}");
            let failed = rig.send(&["b@c.test", "d@e.test"], &message).await.expect_err(&at);
            assert_eq!((failed.reach, failed.fault.class), (reach, class), "{at}: {}", failed.fault);
            assert!(failed.fault.cause.contains(cause), "{at}: {}", failed.fault);
            assert_eq!(
                failed.fault.hint.is_some_and(|hint| hint.contains("may have gone out")),
                reach == Reach::Unknown,
                "{at}"
            );
            assert_eq!(rig.server.accepted().len(), accepted, "{at}");
            assert_eq!(rig.dialled(), 1, "{at}: nothing is ever sent a second time");
            rig.lawful();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_the_answer_fails_nothing() {
    for (when, action) in [
        (Trigger::Named("QUIT", 1), Act::Silence(Then::Hang)),
        (Trigger::Named("QUIT", 1), Act::Silence(Then::Close)),
        (Trigger::Named("QUIT", 1), Act::Garbage),
        (Trigger::Named("BODY", 1), Act::AnswerTwice),
        (Trigger::Named("BODY", 1), Act::Delay(Duration::from_secs(590))),
        (Trigger::Named("RCPT", 1), Act::Delay(Duration::from_secs(290))),
        (Trigger::Named("DATA", 1), Act::Delay(Duration::from_secs(110))),
        (Trigger::Greeting, Act::Delay(Duration::from_secs(25))),
    ] {
        let rig = rig();
        rig.plan(SmtpPlan::none().on(when.clone(), action.clone()));
        let sent = rig.send(&["b@c.test"], MESSAGE).await;
        assert!(sent.is_ok(), "{when:?} {action:?}: {sent:?}");
        rig.lawful();
    }
}

#[tokio::test(start_paused = true)]
async fn what_must_not_go_out_is_refused_before_anything_is_dialled() {
    let rig = rig();
    let table: [(&str, &[&str], &[u8], &str); 9] = [
        (ME, &["b@c.test\r\nRCPT TO:<x@y.test>"], MESSAGE, "control character"),
        (ME, &["b@c.test", "no address"], MESSAGE, "has no `@`"),
        ("me\n@a.test", &["b@c.test"], MESSAGE, "control character"),
        (ME, &[], MESSAGE, "there is no recipient"),
        (ME, &["b@c.test"], b"A: 1\r\n\r\nx\n.\n", "LF alone"),
        (ME, &["b@c.test"], b"A: 1\r\n\r\nx\r.\r\n", "CR of its own"),
        (ME, &["b@c.test"], b"A: 1\r\nBcc: d@e.test\r\n\r\n", "Bcc"),
        (ME, &["b@c.test"], b"A: 1\r\n\r\n\0", "NUL"),
        (ME, &["b@c.test"], &[b'x'; 1_000], "longer than 998"),
    ];
    for (from, to, message, cause) in table {
        let failed = rig.send_as(from, to, message).await.unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{cause}");
        assert!(failed.fault.cause.contains(cause), "{}", failed.fault);
        assert!(failed.fault.hint.is_some(), "{cause}");
    }
    assert_eq!(rig.dialled(), 0);
    let mut elsewhere = rig;
    elsewhere.settings.allow_plaintext = false;
    let failed = elsewhere.send(&["b@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Config));
    assert_eq!(elsewhere.dialled(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_offer_is_not_asked_of_it() {
    let eight_bit = "Subject: x\r\n\r\né\r\n".as_bytes();
    let header = "Subject: é\r\n\r\nx\r\n".as_bytes();
    let large = &[MESSAGE, &b"0123456789abcdef\r\n".repeat(100)].concat();
    let table: [Lack<'_>; 5] = [
        (&["8BITMIME"], "", "b@c.test", eight_bit, "8BITMIME"),
        (&["SMTPUTF8"], "", "b@c.test", header, "the message's header is not ASCII"),
        (&["SMTPUTF8"], "", "вера@почта.test", MESSAGE, "an address of the message is not ASCII"),
        (&[], "SIZE 1000", "b@c.test", large, "the server takes 1000 at most"),
        (&[], "SIZE 49", "b@c.test", MESSAGE, "the message has 50 octets"),
    ];
    for (without, with, to, message, cause) in table {
        let config = SmtpConfig::default().without(without);
        let rig = Rig::new(if with.is_empty() { config } else { config.with(with) });
        let failed = rig.send(&[to], message).await.expect_err(cause);
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Permanent), "{cause}");
        assert!(failed.fault.cause.contains(cause), "{}", failed.fault);
        let commands: Vec<_> = rig.server.take_served().into_iter().map(|one| one.command).collect();
        assert_eq!(commands, ["EHLO", "AUTH", "QUIT"], "{cause}");
        let able = Rig::new(SmtpConfig::default());
        assert!(able.send(&[to], message).await.is_ok(), "{cause}");
        assert_eq!(
            *able.server.accepted()[0].message,
            *[message, if message.ends_with(b"\r\n") { b"" } else { b"\r\n" }].concat()
        );
        rig.lawful();
        able.lawful();
    }
    let unlimited = Rig::new(SmtpConfig::default().with("SIZE 0"));
    assert!(unlimited.send(&["b@c.test"], MESSAGE).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_told() {
    let mut rig = rig();
    rig.settings.credential = Credential::Password("another s3cret".into());
    for mechanism in ["AUTH PLAIN", "AUTH LOGIN"] {
        let other = Rig::new(SmtpConfig::default().with(mechanism));
        let failed = send(
            &rig.settings,
            Arc::new(other.dialer.clone()),
            &Envelope { from: ME.to_owned(), to: vec!["b@c.test".to_owned()] },
            MESSAGE,
        )
        .await
        .unwrap_err();
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Login));
        assert!(!format!("{failed:?} {:?}", rig.settings).contains("s3cret"));
        other.lawful();
    }
}

/// Tokens in the order in which they are given out.
struct Tokens {
    first: &'static str,
    after: std::result::Result<&'static str, Fault>,
}

#[async_trait::async_trait]
impl AccessTokens for Tokens {
    async fn token(&self) -> postrider_remote::Result<SecretString> {
        Ok(self.first.into())
    }

    async fn after_refusal(&self, _: &SecretString) -> postrider_remote::Result<SecretString> {
        self.after.clone().map(Into::into)
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_log_in_and_are_renewed_once() {
    let dead = Fault::new(ErrorClass::Login, "renew the token", "consent was taken back");
    for mechanism in ["AUTH OAUTHBEARER XOAUTH2", "AUTH XOAUTH2"] {
        for (first, after, connections, outcome) in [
            ("good", Ok("unused"), 1, Ok(())),
            ("stale", Ok("good"), 2, Ok(())),
            ("stale", Ok("staler"), 2, Err("535")),
            ("stale", Err(dead.clone()), 1, Err("consent was taken back")),
        ] {
            let mut rig = Rig::new(SmtpConfig::default().with(mechanism));
            rig.server.add_token(ME, "good");
            rig.settings.credential = Credential::Tokens(Arc::new(Tokens { first, after }));
            let sent = rig.send(&["b@c.test"], MESSAGE).await;
            match outcome {
                Ok(()) => assert!(sent.is_ok(), "{mechanism} {first}: {sent:?}"),
                Err(cause) => {
                    let failed = sent.unwrap_err();
                    assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, ErrorClass::Login));
                    assert!(failed.fault.cause.contains(cause), "{}", failed.fault);
                }
            }
            assert_eq!(rig.dialled(), connections, "{mechanism} {first}");
            rig.lawful();
        }
    }
    let mut rig = Rig::new(SmtpConfig::default().with("AUTH PLAIN LOGIN"));
    rig.settings.credential = Credential::Tokens(Arc::new(Tokens { first: "good", after: Ok("good") }));
    let failed = rig.send(&["b@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!(
        (failed.fault.class, failed.fault.cause.as_str()),
        (ErrorClass::Config, "the server takes no access tokens on this connection")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_know_ehlo_takes_no_login() {
    let rig = Rig::new(SmtpConfig { knows_ehlo: false, ..SmtpConfig::default() });
    let failed = rig.send(&["b@c.test"], MESSAGE).await.unwrap_err();
    assert_eq!(failed.fault.class, ErrorClass::Config);
    let commands: Vec<_> = rig.server.take_served().into_iter().map(|one| one.command).collect();
    assert_eq!(commands, ["EHLO", "HELO"]);
    rig.lawful();
}

#[tokio::test(start_paused = true)]
async fn a_trial_never_says_mail() {
    let rig = rig();
    let found = trial(&rig.settings, Arc::new(rig.dialer.clone())).await.unwrap();
    assert!(found.extensions.contains(&"SMTPUTF8".to_owned()));
    let commands: Vec<_> = rig.server.take_served().into_iter().map(|one| one.command).collect();
    assert_eq!(commands, ["EHLO", "AUTH", "NOOP", "QUIT"]);
    rig.lawful();
}

#[tokio::test(start_paused = true)]
async fn starttls_is_wanted_before_the_password_is_shown() {
    for (config, plan, cause) in [
        (SmtpConfig::default(), SmtpPlan::none(), "does not offer STARTTLS"),
        (
            SmtpConfig::default().with("STARTTLS"),
            SmtpPlan::none().on(Trigger::Named("STARTTLS", 1), Act::AnswerTwice),
            "octets came behind the answer to STARTTLS",
        ),
        (SmtpConfig::default().with("STARTTLS"), SmtpPlan::none(), "did not finish the handshake"),
    ] {
        let mut rig = Rig::new(config);
        rig.settings.security = Security::StartTls;
        rig.plan(plan);
        let failed = rig.send(&["b@c.test"], MESSAGE).await.unwrap_err();
        assert_eq!(failed.reach, Reach::NotDone);
        assert!(failed.fault.cause.contains(cause), "{}", failed.fault);
        assert!(!rig.server.take_served().iter().any(|one| one.command == "AUTH"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_arrives_in_mailboxes_and_is_filed_as_sent() {
    let rig = rig();
    let mail = Server::new(ServerConfig::default());
    let (me, other) = (mail.add_user(ME, PASSWORD), mail.add_user("b", "x"));
    rig.server.deliver_to("b@c.test", &mail, "b", "INBOX");
    rig.server.file_sent(ME, &mail, ME, "Sent");
    rig.send(&["b@c.test", "d@e.test"], MESSAGE).await.unwrap();
    let inbox = &other.snapshot()["INBOX"];
    let sent = &me.snapshot()["Sent"];
    assert_eq!((inbox.messages.len(), sent.messages.len()), (1, 1));
    rig.lawful();
}
