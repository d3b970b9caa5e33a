//! Consents against a strict server in memory: by redirect, pasted, on another device; and what may be shown of them.

use std::time::Duration;

use postrider_model::ErrorClass;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Client, Confirmed, SecretIn, StoredTokens,
    peer::{Counting, Peer},
};

mod loopback;

const REDIRECT: &str = "http://127.0.0.1:4711/";

#[tokio::test(start_paused = true)]
async fn a_consent_becomes_tokens() {
    for secret_in in [SecretIn::Header, SecretIn::Body] {
        let peer = Peer::new();
        let client = peer.client(crate::ClientSettings { secret_in, ..Peer::settings() });
        let consent = client.begin(REDIRECT, Some("me@mail.test"), &Counting::default()).unwrap();
        assert!(consent.url.query_pairs().any(|pair| pair == ("login_hint".into(), "me@mail.test".into())));
        let tokens = client.finish(&consent, &peer.consent(&consent.url)).await.unwrap();
        assert_eq!(tokens.access.expose_secret(), "access-token-0002");
        assert_eq!(tokens.refresh.as_ref().unwrap().expose_secret(), "refresh-token-0002");
        assert_eq!(tokens.expires_at.unwrap().millis_since(tokens.obtained_at), 3_600_000);
        assert_eq!(tokens.scopes, ["mail", "offline_access"]);
        assert_eq!(peer.book().violations, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_public_client_says_its_id_in_the_body() {
    let peer = Peer::new();
    let client = peer.client(crate::ClientSettings { client_secret: None, ..Peer::settings() });
    let consent = client.begin(REDIRECT, None, &Counting::default()).unwrap();
    client.finish(&consent, &peer.consent(&consent.url)).await.unwrap();
    assert_eq!(
        peer.book().violations,
        ["client authentication"],
        "the peer knows confidential clients alone"
    );
}

#[tokio::test(start_paused = true)]
async fn another_consents_answer_is_refused_before_anything_is_sent() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let entropy = Counting::default();
    let [mine, other] = [(); 2].map(|()| client.begin(REDIRECT, None, &entropy).unwrap());
    assert_ne!(mine.state.expose_secret(), other.state.expose_secret());
    assert_ne!(mine.verifier.expose_secret(), other.verifier.expose_secret());
    assert_ne!(mine.verifier.expose_secret(), mine.state.expose_secret());
    let fault = client.finish(&mine, &peer.consent(&other.url)).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Login);
    assert_eq!(
        fault.message(),
        "cannot read the answer to the consent: it answers another consent: its `state` is not the one that was given out"
    );
    assert_eq!(peer.asked(), [""; 0]);
    client.finish(&mine, &peer.consent(&mine.url)).await.expect("the right answer may still come");
}

#[tokio::test(start_paused = true)]
async fn a_stolen_code_is_worth_nothing_without_its_verifier() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let mut consent = client.begin(REDIRECT, None, &Counting::default()).unwrap();
    let answer = peer.consent(&consent.url);
    consent.verifier = "a".repeat(43).into();
    let fault = client.finish(&consent, &answer).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.message()),
        (
            ErrorClass::Login,
            "cannot exchange the code at localhost: the server answered invalid_grant: PKCE".to_owned()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn every_odd_answer_is_classed_and_quotes_no_token() {
    use ErrorClass::{Config, Login, Permanent, Throttled, Transient};
    const JSON: &str = "content-type: application/json";
    let table = [
        (200, JSON, "{\"access_token\":\"s3cret\",\"token_type\":\"mac\"}", Permanent, "no bearer token"),
        (
            200,
            JSON,
            "{\"access_token\":\"s3cret\\r\\nX\",\"token_type\":\"Bearer\"}",
            Permanent,
            "characters that no token has",
        ),
        (
            200,
            JSON,
            "{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
            Permanent,
            "characters that no token has",
        ),
        (
            200,
            JSON,
            "{\"token_type\":\"Bearer\",\"refresh_token\":\"s3cret\"}",
            Permanent,
            "not what OAuth wants",
        ),
        (
            200,
            JSON,
            "{\"access_token\":[\"s3cret\"],\"token_type\":\"Bearer\"}",
            Permanent,
            "not what OAuth wants",
        ),
        (
            200,
            JSON,
            "{\"access_token\":\"s3cret\",\"token_type\":\"Bearer\",\"id_token\":\"s3cret\"}",
            Permanent,
            "ID token is not usable",
        ),
        (200, "content-type: text/html", "<p>s3cret", Permanent, "not what OAuth wants"),
        (200, JSON, "", Permanent, "not what OAuth wants"),
        (302, "location: https://evil.test/", "s3cret", Permanent, "not what OAuth wants"),
        (404, "", "<p>s3cret", Permanent, "not what OAuth wants"),
        (
            400,
            JSON,
            "{\"error\":\"invalid_grant\",\"error_description\":\"no code/1, p& w:/\"}",
            Login,
            "invalid_grant: no <hidden>, <hidden>",
        ),
        (401, JSON, "{\"error\":\"invalid_client\"}", Config, "invalid_client"),
        (400, JSON, "{\"error\":\"invalid_scope\"}", Config, "invalid_scope"),
        (429, "retry-after: 7", "", Throttled, "429"),
        (503, "retry-after: 7", "<p>s3cret", Throttled, "503"),
        (500, JSON, "{\"error\":\"invalid_grant\"}", Transient, "500"),
    ];
    for (status, head, body, class, words) in table {
        let peer = Peer::new();
        let client = peer.client(Peer::settings());
        let consent = client.begin(REDIRECT, None, &Counting::default()).unwrap();
        let answer = peer.consent(&consent.url);
        peer.book().instead.push_back((status, head, body));
        let fault = client.finish(&consent, &answer).await.unwrap_err();
        assert_eq!(fault.class, class, "{status} {body}: {fault}");
        assert!(fault.cause.contains(words), "{status} {body}: {fault}");
        assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
        assert_eq!(fault.retry_after_ms, (class == Throttled).then_some(7_000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_is_waited_for_as_the_server_wants() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let consent = client.begin_on_device().await.unwrap();
    assert_eq!((consent.user_code(), consent.page()), ("ABCD-EFGH", "https://login.test/device"));
    assert_eq!(consent.page_with_code(), Some("https://login.test/device?user_code=ABCD-EFGH"));
    assert_eq!(consent.expires_in(), Duration::from_secs(600));
    peer.book().device_pending.extend([
        "authorization_pending",
        "slow_down",
        "authorization_pending",
        "hang up",
        "authorization_pending",
    ]);
    let tokens = client.finish_on_device(&consent).await.unwrap();
    assert_eq!(tokens.access.expose_secret(), "access-token-0001");
    let book = peer.book();
    let times: Vec<u64> = book.asked.iter().skip(1).map(|(_, at)| at.as_secs()).collect();
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // 5 s, then 5 more for good; 5 more again for a server in trouble.
    assert_eq!(pauses, [5, 10, 10, 15, 15]);
    assert_eq!(book.violations, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_device_consent_ends_with_no_or_with_its_time() {
    let table = [
        (vec!["authorization_pending", "access_denied"], "the server answered access_denied"),
        (vec!["expired_token"], "the server answered expired_token"),
        (vec!["authorization_pending"; 1_000], "nobody consented before the code expired"),
    ];
    for (pending, cause) in table {
        let peer = Peer::new();
        let client = peer.client(Peer::settings());
        let consent = client.begin_on_device().await.unwrap();
        peer.book().device_pending.extend(pending);
        let fault = client.finish_on_device(&consent).await.unwrap_err();
        assert_eq!((fault.class, &*fault.cause), (ErrorClass::Login, cause));
        assert!(peer.asked().len() <= 122, "asked too often");
    }
    let peer = Peer::new();
    let client = peer.client(crate::ClientSettings { device_url: None, ..Peer::settings() });
    assert!(!client.has_device_consent());
    assert_eq!(client.begin_on_device().await.unwrap_err().class, ErrorClass::Config);
}

#[tokio::test(start_paused = true)]
async fn trouble_at_the_device_endpoint_is_told_at_once() {
    const JSON: &str = "content-type: application/json";
    let too_seldom = r#"{"device_code":"d","user_code":"u","verification_uri":"https://login.test/","expires_in":600,"interval":18446744073709551615}"#;
    for (status, body, class) in [
        (200, too_seldom, ErrorClass::Permanent),
        (200, "{}", ErrorClass::Permanent),
        (400, "{\"error\":\"unauthorized_client\"}", ErrorClass::Config),
        (503, "", ErrorClass::Throttled),
    ] {
        let peer = Peer::new();
        peer.book().instead.push_back((status, JSON, body));
        let fault = peer.client(Peer::settings()).begin_on_device().await.unwrap_err();
        assert_eq!(fault.class, class, "{fault}");
    }
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let body = r#"{"device_code":"dev","user_code":"u","verification_uri":"https://login.test/","expires_in":99999999}"#;
    peer.book().instead.push_back((200, JSON, body));
    peer.book().device_pending.extend(["authorization_pending"; 1_000]);
    let consent = client.begin_on_device().await.unwrap();
    let started = tokio::time::Instant::now();
    let fault = client.finish_on_device(&consent).await.unwrap_err();
    assert_eq!(fault.cause, "nobody consented before the code expired");
    assert_eq!(started.elapsed().as_secs(), 3_600);
    // And while the person is waited for: what does not pass ends the waiting.
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let consent = client.begin_on_device().await.unwrap();
    peer.book().instead.push_back((200, "", "x".repeat(2 << 20).leak()));
    let fault = client.finish_on_device(&consent).await.unwrap_err();
    assert_eq!(fault.message(), "cannot ask localhost:80: the answer is larger than 1048576 octets");
}

async fn consented(client: &Client, peer: &Peer) -> crate::Tokens {
    let consent = client.begin(REDIRECT, None, &Counting::default()).unwrap();
    client.finish(&consent, &peer.consent(&consent.url)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_consent_is_refused_by_name() {
    let mine = r#"{"aud":"postrider","email":"Me@Mail.Test"}"#;
    let alias = r#"{"aud":"postrider","email":"other@mail.test","preferred_username":"me@mail.test"}"#;
    let others = r#"{"aud":"postrider","email":"other@mail.test"}"#;
    for (payload, is_mine) in [(mine, true), (alias, true), (others, false)] {
        let peer = Peer::new();
        peer.book().id_token = Some(payload);
        let client = peer.client(Peer::settings());
        let tokens = consented(&client, &peer).await;
        match client.confirm(&tokens, "me@mail.test").await {
            Ok(confirmed) => assert!(is_mine && confirmed == Confirmed::Yes),
            Err(fault) => {
                assert!(!is_mine && fault.class == ErrorClass::Login);
                assert_eq!(
                    fault.message(),
                    "cannot log in as me@mail.test: the consent came from other@mail.test"
                );
            }
        }
        assert_eq!(peer.asked(), ["authorization_code"], "the ID token says it all");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_id_token_the_userinfo_endpoint_is_asked() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let tokens = consented(&client, &peer).await;
    assert_eq!(client.confirm(&tokens, "ME@mail.test").await.unwrap(), Confirmed::Yes);
    assert!(client.confirm(&tokens, "you@mail.test").await.unwrap_err().cause.contains("me@mail.test"));
    // A token that opens mail alone is refused there.
    peer.book().instead.push_back((403, "", ""));
    assert_eq!(client.confirm(&tokens, "you@mail.test").await.unwrap(), Confirmed::Unknown);
    peer.book().instead.push_back((500, "", ""));
    assert_eq!(client.confirm(&tokens, "me@mail.test").await.unwrap_err().class, ErrorClass::Transient);
    let client = peer.client(crate::ClientSettings { userinfo_url: None, ..Peer::settings() });
    assert_eq!(client.confirm(&tokens, "you@mail.test").await.unwrap(), Confirmed::Unknown);
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_is_in_any_printed_form() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    let consent = client.begin(REDIRECT, None, &Counting::default()).unwrap();
    let answer = peer.consent(&consent.url);
    let tokens = client.finish(&consent, &answer).await.unwrap();
    let device = client.begin_on_device().await.unwrap();
    let stored = StoredTokens::from(tokens.clone());
    let shown = format!("{client:?} {consent:?} {tokens:?} {stored:?} {device:?} {:?}", Peer::settings());
    let state = consent.state.expose_secret();
    let verifier = consent.verifier.expose_secret();
    for secret in [crate::peer::SECRET, state, verifier, "access-token", "refresh-token", "dev\"", "ABCD"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let peer = Peer::new();
    let refuse = |settings| peer.try_client(settings).unwrap_err();
    let remote = Some("http://login.test/".to_owned());
    let table = [
        crate::ClientSettings { client_id: String::new(), ..Peer::settings() },
        crate::ClientSettings { token_url: "http://login.test/token".to_owned(), ..Peer::settings() },
        crate::ClientSettings { auth_url: "login.test".to_owned(), ..Peer::settings() },
        crate::ClientSettings { device_url: remote.clone(), ..Peer::settings() },
        crate::ClientSettings { userinfo_url: remote.clone(), ..Peer::settings() },
        crate::ClientSettings { revocation_url: remote, ..Peer::settings() },
        crate::ClientSettings {
            revocation_url: Some("http://localhost/revoke".to_owned()),
            ..Peer::settings()
        },
    ];
    for settings in table {
        let shown = format!("{settings:?}");
        assert_eq!(refuse(settings).class, ErrorClass::Config, "{shown}");
    }
    let client = peer.client(Peer::settings());
    assert_eq!(client.begin("nowhere", None, &Counting::default()).unwrap_err().class, ErrorClass::Config);
}

#[tokio::test]
async fn what_cannot_be_revoked_is_said_to_be_so() {
    let peer = Peer::new();
    let client = peer.client(Peer::settings());
    assert!(!client.can_revoke());
    let tokens = StoredTokens {
        access: SecretString::from("a"),
        refresh: None,
        obtained_at: postrider_model::Timestamp(0),
        expires_at: None,
        scopes: Vec::new(),
        dead: false,
    };
    let fault = client.revoke(&tokens).await.unwrap_err();
    assert_eq!(
        (fault.class, &*fault.cause),
        (ErrorClass::Permanent, "the provider has no revocation endpoint")
    );
}
