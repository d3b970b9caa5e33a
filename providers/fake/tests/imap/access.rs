//! Greeting, login, and what is turned on for a session.

use postrider_fake::{Capability, FaultPlan, Server, ServerConfig};

use crate::transcript::{all, logged_in, only, play, server};

#[tokio::test(start_paused = true)]
async fn login_and_logout() {
    let (server, _) = server(only([Capability::Idle]));
    let script = "
        S: * OK [CAPABILITY IMAP4rev1 IDLE] ready
        C: a1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 IDLE
        S: a1 OK done
        C: a2 login anna wrong
        S: a2 NO [AUTHENTICATIONFAILED] invalid credentials
        C: a3 LOGIN {4}
        S: + go ahead
        C> anna {6}\\r\\n
        S: + go ahead
        C> secret\\r\\n
        S: a3 OK [CAPABILITY IMAP4rev1 IDLE] welcome
        C: a4 NOOP
        S: a4 OK done
        C: a5 LOGOUT
        S: * BYE until next time
        S: a5 OK done
        E:";
    play(&server, FaultPlan::none(), script).await;
}

#[tokio::test(start_paused = true)]
async fn less_is_offered_before_login_and_a_client_may_have_to_ask() {
    let server = Server::new(ServerConfig {
        capabilities: only([Capability::Enable, Capability::Id]),
        before_login: Some(only([Capability::Id])),
        tells_capabilities: false,
        ..ServerConfig::default()
    });
    server.add_user("anna", "secret");
    let script = "
        S: * OK ready
        C: a1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 ID
        S: a1 OK done
        C: a2 LOGIN anna secret
        S: a2 OK welcome
        C: a3 CAPABILITY
        S: * CAPABILITY IMAP4rev1 ENABLE ID
        S: a3 OK done";
    play(&server, FaultPlan::none(), script).await;
}

#[tokio::test(start_paused = true)]
async fn quoted_passwords_may_hold_anything() {
    let (server, _) = server(all());
    server.add_user("b o", "a\"b\\c");
    let script = r#"
        S: * OK ...
        C: a1 LOGIN "b o" "a\"b\\c"
        S: a1 OK ..."#;
    play(&server, FaultPlan::none(), script).await;
}

#[tokio::test(start_paused = true)]
async fn authenticate_plain() {
    let (server, _) = server(only([Capability::AuthPlain, Capability::SaslIr]));
    let script = "
        S: * OK ...
        C: a1 AUTHENTICATE PLAIN
        S: + ...
        C> *\\r\\n
        S: a1 BAD given up
        C: a2 AUTHENTICATE PLAIN
        S: + ...
        C> AGFubmEAd3Jvbmc=\\r\\n
        S: a2 NO [AUTHENTICATIONFAILED] invalid credentials
        C: a3 AUTHENTICATE PLAIN AGFubmEAc2VjcmV0
        S: a3 OK ...";
    play(&server, FaultPlan::none(), script).await;
    let script = "
        S: * OK ...
        C: a1 AUTHENTICATE PLAIN
        S: + ...
        C> AGFubmEAc2VjcmV0\\r\\n
        S: a1 OK ...";
    play(&server, FaultPlan::none(), script).await;
}

#[tokio::test(start_paused = true)]
async fn enable_namespace_id() {
    let (with_all, _) = server(all());
    let script = "
        C: a1 ENABLE QRESYNC XUNKNOWN UTF8=ACCEPT
        S: * ENABLED QRESYNC UTF8=ACCEPT
        S: a1 OK done
        C: a2 NAMESPACE
        S: * NAMESPACE ((\"\" \"/\")) NIL NIL
        S: a2 OK done
        C: a3 ID (\"name\" \"test\" \"os\" NIL)
        S: * ID (\"name\" \"Postrider fake\")
        S: a3 OK done
        C: a4 ID NIL
        S: * ID ...
        S: a4 OK done";
    logged_in(&with_all, script).await;
    let (without, _) = server(only([Capability::Enable]));
    logged_in(&without, "C: a1 ENABLE CONDSTORE\nS: * ENABLED\nS: a1 OK done").await;
}

#[tokio::test(start_paused = true)]
async fn tokens_by_either_mechanism() {
    use base64::Engine as _;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (server, _) =
        server(only([Capability::AuthOauthBearer, Capability::AuthXoauth2, Capability::SaslIr]));
    server.set_tokens("anna", &["t0ken"]);
    let bearer =
        |token: &str| encode(&format!("n,a=anna,\u{1}host=x\u{1}port=993\u{1}auth=Bearer {token}\u{1}\u{1}"));
    let google = |token: &str| encode(&format!("user=anna\u{1}auth=Bearer {token}\u{1}\u{1}"));
    for (mechanism, good, bad, last_word) in [
        ("OAUTHBEARER", bearer("t0ken"), bearer("old"), "AQ=="),
        ("XOAUTH2", google("t0ken"), google("old"), ""),
    ] {
        let script = format!(
            "S: * OK ...
            C: a1 AUTHENTICATE {mechanism} {bad}
            S: + eyJzdGF0dXMi...
            C> {last_word}\\r\\n
            S: a1 NO [AUTHENTICATIONFAILED] the token is not valid
            C: a2 AUTHENTICATE {mechanism}
            S: +
            C> {bad}\\r\\n
            S: + ey...
            C> {}\\r\\n
            S: a2 NO [AUTHENTICATIONFAILED] ...
            V: the error challenge was not answered
            C: a3 AUTHENTICATE {mechanism} {}
            S: a3 BAD ...
            V: is not one
            C: a4 AUTHENTICATE {mechanism} {good}
            S: a4 OK ...",
            if last_word.is_empty() { "AQ==" } else { "" },
            encode("user=anna"),
        );
        play(&server, FaultPlan::none(), &script.replace("S: +\n", "S: + ...\n")).await;
    }
    let (without, _) = super::transcript::server(only([Capability::AuthPlain]));
    let script = "S: * OK ...\nC: a1 AUTHENTICATE XOAUTH2\nS: a1 BAD ...\nV: XOAUTH2 is not offered";
    play(&without, FaultPlan::none(), script).await;
}
