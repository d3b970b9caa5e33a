//! A server that cannot be spoken with at all, by the words that are told of it; and a wire that breaks at any octet.

use std::time::Duration;

use postrider_fake::{Action, Capabilities, FaultPlan, ServerConfig, Then, Trigger};
use postrider_model::{AccountStatus, ErrorClass};
use tokio::time::Instant;

use super::rig::{Live, Rig, change, fill, place};

fn rig() -> Rig {
    let rig = Rig::new(&ServerConfig { capabilities: Capabilities::all(), ..ServerConfig::default() }, "all");
    fill(&rig.anna);
    rig
}

fn greeted(action: Action) -> FaultPlan {
    FaultPlan::none().on(Trigger::Greeting, action)
}

#[tokio::test(start_paused = true)]
async fn each_bad_greeting_is_told_in_its_own_words() {
    let table = [
        (
            greeted(Action::Bye("[UNAVAILABLE] down for maintenance")),
            ErrorClass::Transient,
            "cannot connect to localhost:143: the server ended the connection [UNAVAILABLE]: down for maintenance",
            None,
            0,
        ),
        (
            greeted(Action::Bye("Too many connections from your address")),
            ErrorClass::Throttled,
            "cannot connect to localhost:143: the server ended the connection: Too many connections from your address",
            Some("the server asks for patience: it is tried again later, with fewer requests"),
            0,
        ),
        (
            greeted(Action::GarbageLine),
            ErrorClass::Transient,
            "cannot connect to localhost:143: the server's answer makes no sense: it is not an IMAP greeting",
            Some(
                "check `host`, `port` and `security` in the provider's file: what answers there is no IMAP server",
            ),
            0,
        ),
        (
            greeted(Action::LongLine(2 << 20)),
            ErrorClass::Transient,
            "cannot connect to localhost:143: the server sent a line that is too long",
            None,
            0,
        ),
        (
            greeted(Action::Silence(Then::Close)),
            ErrorClass::Transient,
            "cannot connect to localhost:143: the server closed the connection",
            None,
            0,
        ),
        (
            greeted(Action::Silence(Then::Hang)),
            ErrorClass::Transient,
            "cannot log in to localhost:143: the server did not finish the login within 30 s",
            Some(
                "check `port` and `security` in the provider's file: a port for TLS says nothing without it",
            ),
            30,
        ),
    ];
    for (plan, class, message, hint, seconds) in table {
        let rig = rig();
        rig.net.plan_every(&place(), plan);
        let started = Instant::now();
        let report = rig.sync().await;
        assert_eq!(started.elapsed().as_secs(), seconds, "{message}");
        let error = report.error.unwrap();
        assert_eq!((error.class, &*error.message, error.hint.as_deref()), (class, message, hint));
        assert_eq!((report.status, rig.live()), (AccountStatus::Failed, Live::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_down_deletes_nothing() {
    let rig = rig();
    assert_eq!(rig.sync().await.error, None);
    let before = rig.live();
    rig.net.refuse(&place(), true);
    let error = rig.sync().await.error.unwrap();
    assert_eq!(
        (error.class, &*error.message, error.hint.as_deref()),
        (
            ErrorClass::Transient,
            "cannot connect to localhost:143: nothing accepts connections on port 143",
            Some("check `host` and `port` in the provider's file, and whether the server runs")
        )
    );
    assert_eq!(rig.live(), before);
    rig.net.refuse(&place(), false);
    change(&rig.anna);
    assert_eq!(rig.sync().await.error, None);
    assert_eq!(rig.live(), rig.there(""));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_logs_us_in_unasked_is_read_on_a_wire_that_a_person_allowed() {
    let rig = rig();
    rig.net.plan_every(&place(), greeted(Action::PreAuth));
    assert_eq!(rig.sync().await.error, None);
    assert_eq!(rig.live(), rig.there(""));
}

/// Of a first load and then of a later run every connection breaks after so many octets, closed or silent.
#[tokio::test(start_paused = true)]
async fn a_wire_that_breaks_at_any_octet_loses_nothing() {
    const LONGEST: Duration = Duration::from_secs(5 * 60);
    for (round, octets) in (0..9_000).step_by(173).enumerate() {
        let then = if round % 2 == 0 { Then::Close } else { Then::Hang };
        let rig = rig();
        let mut before = Live::new();
        for is_later in [false, true] {
            if is_later {
                change(&rig.anna);
            }
            rig.net.plan_every(&place(), FaultPlan::none().cut_output(octets, then));
            let started = Instant::now();
            let report = rig.sync().await;
            assert!(
                started.elapsed() < LONGEST,
                "cut after {octets} ({then:?}): took {:?}",
                started.elapsed()
            );
            let class = report.error.as_ref().map(|error| error.class);
            assert!(
                class.is_none_or(|class| class == ErrorClass::Transient),
                "cut after {octets}: {:?}",
                report.error
            );
            let there = rig.there("");
            let after = rig.live();
            let lost = before.iter().filter(|(place, content)| {
                there.get(*place).is_some_and(|now| now.1 == content.1)
                    && !after.values().any(|now| now.1 == content.1)
            });
            assert_eq!(lost.count(), 0, "cut after {octets} ({then:?})");
            rig.net.plan_every(&place(), FaultPlan::none());
            let report = rig.sync().await;
            assert_eq!(
                (report.status, report.error),
                (AccountStatus::Ok, None),
                "cut after {octets}, then whole"
            );
            assert_eq!(rig.live(), rig.there(""), "cut after {octets} ({then:?}), then whole");
            before = rig.live();
        }
        assert!(rig.server.violations().is_empty(), "cut after {octets}: {:?}", rig.server.violations());
    }
}
