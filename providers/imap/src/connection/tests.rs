//! From the greeting to the login, and good-bye.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postrider_model::{ErrorClass, Fault};
use postrider_net::Security;
use postrider_remote::{AccessTokens, Credential, MailRemote};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    ImapSettings, Trial,
    scripted::{play, play_with, settings},
};

const LISTED: &str = "C: $ LIST \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: $ OK done\n";

async fn tried(settings: ImapSettings, script: &str) -> Result<Trial, Fault> {
    play_with(settings, &[script], async |remote| remote.trial().await).await
}

async fn login(lines: &str) -> Result<Trial, Fault> {
    tried(settings(), &format!("{lines}\n{LISTED}")).await
}

#[tokio::test]
async fn each_way_of_logging_in_works() {
    let ways = [
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
         C: $ AUTHENTICATE PLAIN AG1lAHMzY3JldA==
         S: $ OK [CAPABILITY IMAP4rev1 XYZ] in",
        "S: * OK hi
         C: $ CAPABILITY
         S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
         S: $ OK done
         C: $ AUTHENTICATE PLAIN
         S: +
         C: AG1lAHMzY3JldA==
         S: * CAPABILITY IMAP4rev1 XYZ
         S: $ OK in",
        "S: * OK [CAPABILITY IMAP4rev1] hi
         C: $ LOGIN \"me\" \"s3cret\"
         S: $ OK in
         C: $ CAPABILITY
         S: * CAPABILITY IMAP4rev1 XYZ
         S: $ OK done",
        "S: * PREAUTH [CAPABILITY IMAP4rev1 XYZ] in",
    ];
    for way in ways {
        let trial = login(way).await.unwrap();
        assert_eq!(trial.capabilities, ["IMAP4REV1", "XYZ"]);
        assert_eq!(trial.folders.len(), 1);
    }
}

#[tokio::test]
async fn a_password_that_cannot_be_quoted_goes_as_a_literal() {
    let settings = ImapSettings { credential: Credential::Password("pässwörd".into()), ..settings() };
    let script = "S: * OK [CAPABILITY IMAP4rev1] hi
         C: $ LOGIN \"me\" {10}
         S: + go on
         C: pässwörd
         S: $ OK [CAPABILITY IMAP4rev1] in\n"
        .to_owned()
        + LISTED;
    assert!(tried(settings, &script).await.is_ok());
}

/// Hands out these tokens, one after the other, and says what it was asked.
struct Purse(Mutex<(Vec<&'static str>, Vec<String>)>);

impl Purse {
    fn with(tokens: &[&'static str]) -> Arc<Self> {
        Arc::new(Self(Mutex::new((tokens.to_vec(), Vec::new()))))
    }

    fn take(&self, asked: String) -> Result<SecretString, Fault> {
        let mut held = self.0.lock().unwrap();
        held.1.push(asked);
        match held.0.is_empty() {
            true => Err(Fault::new(ErrorClass::Login, "renew the access token", "the consent was withdrawn")),
            false => Ok(held.0.remove(0).into()),
        }
    }

    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }
}

#[async_trait]
impl AccessTokens for Purse {
    async fn token(&self) -> Result<SecretString, Fault> {
        self.take("token".to_owned())
    }

    async fn after_refusal(&self, refused: &SecretString) -> Result<SecretString, Fault> {
        self.take(format!("instead of {}", refused.expose_secret()))
    }
}

fn by_token(purse: &Arc<Purse>) -> ImapSettings {
    let credential = Credential::Tokens(Arc::clone(purse) as Arc<dyn AccessTokens>);
    ImapSettings { login_name: "m,e=x".to_owned(), credential, ..settings() }
}

// n,a=m=2Ce=3Dx, host=imap.test port=143 auth=Bearer t1, each behind a control-A
const BEARER_1: &str = "bixhPW09MkNlPTNEeCwBaG9zdD1pbWFwLnRlc3QBcG9ydD0xNDMBYXV0aD1CZWFyZXIgdDEBAQ==";
// user=m,e=x auth=Bearer t1
const XOAUTH2_1: &str = "dXNlcj1tLGU9eAFhdXRoPUJlYXJlciB0MQEB";
// user=m,e=x auth=Bearer t2
const XOAUTH2_2: &str = "dXNlcj1tLGU9eAFhdXRoPUJlYXJlciB0MgEB";

#[tokio::test]
async fn each_way_of_logging_in_by_token_works() {
    let ways = [
        format!(
            "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN] hi
             C: $ AUTHENTICATE OAUTHBEARER {BEARER_1}"
        ),
        format!(
            "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN] hi
             C: $ AUTHENTICATE XOAUTH2 {XOAUTH2_1}"
        ),
        format!(
            "S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] hi
             C: $ AUTHENTICATE XOAUTH2
             S: +
             C: {XOAUTH2_1}"
        ),
    ];
    for way in ways {
        let purse = Purse::with(&["t1"]);
        let script = format!("{way}\nS: $ OK [CAPABILITY IMAP4rev1] in\n{LISTED}");
        tried(by_token(&purse), &script).await.unwrap();
        assert_eq!(purse.asked(), ["token"]);
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let greeting = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi\n";
    let refused = |sent: &str| {
        format!(
            "{greeting}C: $ AUTHENTICATE XOAUTH2 {sent}\nS: + eyJzdGF0dXMiOiI0MDEifQ==\nC: \nS: $ NO {sent} t1 t2 is no good"
        )
    };
    let accepted = format!(
        "{greeting}C: $ AUTHENTICATE XOAUTH2 {XOAUTH2_2}\nS: $ OK [CAPABILITY IMAP4rev1] in\n{LISTED}"
    );
    let purse = Purse::with(&["t1", "t2"]);
    let run = async |remote: crate::ImapRemote| remote.trial().await;
    play_with(by_token(&purse), &[&refused(XOAUTH2_1), &accepted], run).await.unwrap();
    assert_eq!(purse.asked(), ["token", "instead of t1"]);

    let purse = Purse::with(&["t1", "t2"]);
    let scripts = [refused(XOAUTH2_1), refused(XOAUTH2_2)];
    let fault = play_with(by_token(&purse), &[&scripts[0], &scripts[1]], run).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert_eq!(fault.cause, "the server answered NO: <hidden> t1 <hidden> is no good", "t1 is old");
    assert!(fault.hint.is_some_and(|hint| hint.contains("log in to the account again")));

    let purse = Purse::with(&["t1"]);
    let fault = play_with(by_token(&purse), &[&refused(XOAUTH2_1)], run).await.unwrap_err();
    assert_eq!((fault.class, fault.cause.as_str()), (ErrorClass::Login, "the consent was withdrawn"));
    assert_eq!(play_with(by_token(&Purse::with(&[])), &[], run).await.unwrap_err().class, ErrorClass::Login);
}

#[tokio::test]
async fn a_token_is_not_replaced_for_other_reasons() {
    let sent = format!("C: $ AUTHENTICATE OAUTHBEARER {BEARER_1}");
    let greeting = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=OAUTHBEARER] hi";
    let table = [
        (format!("{greeting}\n{sent}\nS: $ NO [UNAVAILABLE] later"), ErrorClass::Transient),
        (format!("{greeting}\n{sent}\nS: + e30=\nC: AQ==\nS: + e30="), ErrorClass::Transient),
        ("S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi".to_owned(), ErrorClass::Config),
    ];
    for (script, class) in table {
        let purse = Purse::with(&["t1", "t2"]);
        assert_eq!(tried(by_token(&purse), &script).await.unwrap_err().class, class, "{script}");
        assert_eq!(purse.asked(), ["token"]);
    }
}

#[tokio::test]
async fn each_refusal_of_a_login_says_what_to_do_and_nothing_secret() {
    let plain = "S: * OK [CAPABILITY IMAP4rev1] hi\nC: $ LOGIN \"me\" \"s3cret\"\n";
    let table = [
        (
            format!("{plain}S: $ NO [AUTHENTICATIONFAILED] s3cret is wrong"),
            ErrorClass::Login,
            "cannot log in to imap.test:143: the server answered NO [AUTHENTICATIONFAILED]: <hidden> is wrong",
            "check login name and password",
        ),
        (
            format!("{plain}S: * BYE no more: LOGIN me s3cret"),
            ErrorClass::Transient,
            "cannot log in to imap.test:143: the server ended the connection: no more: LOGIN me <hidden>",
            "",
        ),
        (
            format!("{plain}S: $ NO [UNAVAILABLE] later"),
            ErrorClass::Transient,
            "cannot log in to imap.test:143: the server answered NO [UNAVAILABLE]: later",
            "",
        ),
        (
            "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi".to_owned(),
            ErrorClass::Config,
            "cannot log in to imap.test:143: the server takes no password on this connection (LOGINDISABLED)",
            "`tls` or `starttls`",
        ),
        (
            "S: * BYE [UNAVAILABLE] too many connections".to_owned(),
            ErrorClass::Transient,
            "cannot connect to imap.test:143: the server ended the connection [UNAVAILABLE]: too many connections",
            "",
        ),
        (
            "S: HTTP/1.1 400 Bad Request".to_owned(),
            ErrorClass::Transient,
            "cannot connect to imap.test:143: the server's answer makes no sense: a line that is no IMAP",
            "",
        ),
    ];
    for (script, class, message, hint) in table {
        let fault = tried(settings(), &script).await.unwrap_err();
        assert_eq!((fault.class, fault.message().as_str()), (class, message));
        assert!(fault.hint.unwrap_or_default().contains(hint), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_greets_is_given_up() {
    let fault = tried(settings(), "hang").await.unwrap_err();
    assert_eq!(
        fault.message(),
        "cannot log in to imap.test:143: the server did not finish the login within 30 s"
    );
    assert!(fault.hint.is_some_and(|hint| hint.contains("`security`")));
}

#[tokio::test]
async fn starttls_is_never_done_without() {
    let start_tls = ImapSettings { security: Security::StartTls, ..settings() };
    let offered = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: $ STARTTLS\n";
    let table = [
        ("S: * PREAUTH [CAPABILITY IMAP4rev1] in".to_owned(), ErrorClass::Permanent, "(PREAUTH)"),
        ("S: * OK [CAPABILITY IMAP4rev1] hi".to_owned(), ErrorClass::Permanent, "does not offer STARTTLS"),
        (
            format!("{offered}S: $ OK go on\\r\\n* OK injected"),
            ErrorClass::Permanent,
            "before TLS, as an attacker",
        ),
        (format!("{offered}S: $ BAD no"), ErrorClass::Permanent, "the server answered BAD: no"),
    ];
    for (script, class, cause) in table {
        let fault = tried(start_tls.clone(), &script).await.unwrap_err();
        assert_eq!((fault.class, fault.action.as_str()), (class, "start TLS with imap.test:143"));
        assert!(fault.cause.contains(cause), "{fault}");
    }
}

#[tokio::test]
async fn plaintext_to_another_machine_wants_leave() {
    let refused = ImapSettings { allow_plaintext: false, ..settings() };
    let fault = play_with(refused, &[], async |remote| remote.trial().await).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Config);
}

#[tokio::test]
async fn connections_are_kept_replaced_when_dead_and_closed_with_a_good_bye() {
    let greeting = "S: * PREAUTH [CAPABILITY IMAP4rev1] in\n";
    let first = format!("{greeting}{LISTED}{LISTED}");
    let second = format!("{greeting}{LISTED}C: $ LOGOUT\nS: * BYE bye\nS: $ OK done");
    let run = async |remote: crate::ImapRemote| {
        for _ in 0..3 {
            remote.folders().await?;
        }
        remote.close().await;
        Ok::<(), Fault>(())
    };
    play(&[&first, &second], run).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_say_good_bye_does_not_hold_us_up() {
    let script = format!("S: * PREAUTH [CAPABILITY IMAP4rev1] in\n{LISTED}C: $ LOGOUT\nhang");
    let begun = tokio::time::Instant::now();
    let run = async |remote: crate::ImapRemote| {
        remote.folders().await.unwrap();
        remote.close().await;
    };
    play(&[&script], run).await;
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_takes_its_connection_with_it() {
    let first =
        "S: * PREAUTH [CAPABILITY IMAP4rev1] in\nC: $ LIST \"\" \"*\"\nS: * LIST () \"/\" INBOX\nhang";
    let second = format!("S: * PREAUTH [CAPABILITY IMAP4rev1] in\n{LISTED}");
    let run = async |remote: crate::ImapRemote| {
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), remote.folders()).await;
        assert!(given_up.is_err());
        remote.folders().await
    };
    assert_eq!(play(&[first, &second], run).await.unwrap().len(), 1);
}
