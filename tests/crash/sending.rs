//! Runs that die while they send: no message goes out twice, what is sent has its one copy in Sent, and what nobody knows is left to a
//! person (F2.6, I4).

use std::{collections::BTreeMap, sync::Arc};

use postrider::service::{MailParts, NewMail, OutboxView};
use postrider_fake::{
    ServerConfig,
    smtp::{SmtpConfig, SmtpServer},
};
use postrider_sim::{
    crash::CrashAt,
    machine::{Ended, Lived, Machine, everything},
    trace::Trace,
};

use crate::{
    deaths::{on_one_thread, points, power_losses, undisturbed},
    scene::other,
};

const LOGIN: &str = "account0@example.com";
/// Messages that wait when a run begins.
const MESSAGES: usize = 3;

/// A machine that has been in step, and then was given messages to send.
struct Post {
    machine: Machine,
    server: SmtpServer,
}

impl Post {
    /// `files_itself`: the server puts what it sends into Sent.
    async fn new(files_itself: bool) -> Self {
        let mut machine = Machine::new(0, Arc::new(Trace::new(false))).unwrap();
        machine.add_account(ServerConfig::default(), "all", &[]).unwrap();
        other(&machine).create_mailbox("Sent").unwrap();
        other(&machine).set_special_use("Sent", &["\\Sent"]).unwrap();
        let server = SmtpServer::new(SmtpConfig::default());
        machine.let_send(0, &server).unwrap();
        if files_itself {
            server.file_sent(LOGIN, &machine.mailboxes[0].server, LOGIN, "Sent");
        }
        undisturbed(&machine).await;
        let mut service = machine.service().unwrap();
        let caller = service.owner();
        for number in 0..MESSAGES {
            let mail = NewMail::Parts(Box::new(MailParts {
                to: vec!["bert@example.org".to_owned()],
                subject: Some(format!("number {number}")),
                text: Some("x".to_owned()),
                ..MailParts::default()
            }));
            service.queue_mail(&caller, "account0", mail).unwrap();
        }
        drop(service);
        Self { machine, server }
    }

    fn entries(&self) -> Vec<OutboxView> {
        let service = self.machine.service().unwrap();
        service.outbox(&service.owner(), None, true).unwrap()
    }

    /// How often each message went out and how often it stands in Sent, by its Message-ID.
    fn counts(&self) -> BTreeMap<String, (usize, usize)> {
        let sent: Vec<String> = other(&self.machine).snapshot()["Sent"]
            .messages
            .iter()
            .map(|message| String::from_utf8_lossy(&message.bytes).into_owned())
            .collect();
        let accepted = self.server.accepted();
        let out: Vec<String> =
            accepted.iter().map(|one| String::from_utf8_lossy(&one.message).into_owned()).collect();
        let count = |all: &[String], id: &str| all.iter().filter(|one| one.contains(id)).count();
        self.entries()
            .into_iter()
            .map(|entry| (count(&out, &entry.message_id), count(&sent, &entry.message_id), entry.message_id))
            .map(|(out, sent, id)| (id, (out, sent)))
            .collect()
    }

    /// Runs until nothing is left to do but for a person; answers how many messages nobody knows about.
    async fn settle(&self, at: &str) -> usize {
        for _ in 0..2 {
            let lived = self.machine.run(&everything(), None).await.unwrap();
            assert!(matches!(lived.ended, Ended::Ran(_)), "{at}: {:?}", lived.ended);
        }
        let counts = self.counts();
        let mut uncertain = 0;
        for entry in self.entries() {
            let (out, filed) = counts[&entry.message_id];
            match entry.state {
                "sent" => assert_eq!((out, filed), (1, 1), "{at}: {entry:?}"),
                "uncertain" => {
                    assert!(out <= 1 && filed == 0, "{at}: out {out}, in Sent {filed}: {entry:?}");
                    uncertain += 1;
                }
                state => panic!("{at}: {state}: {entry:?}"),
            }
        }
        uncertain
    }

    /// A person knows what became of them, and says so; then each went out once.
    async fn told(&self, at: &str) {
        let counts = self.counts();
        let mut service = self.machine.service().unwrap();
        let caller = service.owner();
        for entry in self.entries().into_iter().filter(|entry| entry.state == "uncertain") {
            match counts[&entry.message_id].0 {
                0 => drop(service.retry_outgoing(&caller, entry.id).unwrap()),
                _ => drop(service.drop_outgoing(&caller, entry.id).unwrap()),
            }
        }
        drop(service);
        for _ in 0..2 {
            undisturbed(&self.machine).await;
        }
        for (id, (out, filed)) in self.counts() {
            assert!(
                out == 1 && filed <= 1,
                "{at}: {id} went out {out} times and stands in Sent {filed} times"
            );
        }
        assert!(self.server.violations().is_empty(), "{at}: {:?}", self.server.violations());
    }
}

async fn dies(files_itself: bool, at: CrashAt, power: Option<u64>) -> usize {
    let post = Post::new(files_itself).await;
    let lived: Lived = match power {
        None => post.machine.run(&everything(), Some(at)).await,
        Some(kept) => post.machine.run_to_power_loss(&everything(), at, kept).await,
    }
    .unwrap();
    assert!(matches!(lived.ended, Ended::Crashed), "{at}: {:?}", lived.ended);
    let uncertain = post.settle(&at.to_string()).await;
    assert!(uncertain <= 1, "{at}: only what was being sent is uncertain, not {uncertain} messages");
    post.told(&at.to_string()).await;
    uncertain
}

fn dies_anywhere(files_itself: bool) {
    on_one_thread(async {
        let post = Post::new(files_itself).await;
        let whole = undisturbed(&post.machine).await;
        assert_eq!(post.settle("without a death").await, 0);
        let points = points(&whole);
        let mut uncertain = 0;
        for at in &points {
            uncertain += dies(files_itself, *at, None).await;
        }
        let losses: Vec<_> = power_losses(&whole).collect();
        for (at, kept) in &losses {
            dies(files_itself, *at, Some(*kept)).await;
        }
        let (deaths, losses) = (points.len(), losses.len());
        eprintln!(
            "sending: {deaths} deaths, after {uncertain} of which a message is uncertain; {losses} power losses"
        );
        assert!(deaths >= 80, "there are to be at least 80 deaths, and there were {deaths}");
        assert!(uncertain > 0, "some deaths meet the answer to the final dot");
    });
}

#[test]
fn nothing_is_sent_twice_whenever_a_run_dies() {
    dies_anywhere(false);
}

#[test]
fn nothing_is_sent_or_filed_twice_by_a_server_that_files_itself() {
    dies_anywhere(true);
}
