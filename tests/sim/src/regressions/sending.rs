//! The same of what is sent.

use std::time::Duration;

use postrider::service::{FlagEdit, MailParts, NewMail};
use postrider_fake::{
    Action, Capabilities, Capability, FaultPlan, OtherClient, Then, Trigger,
    smtp::{SmtpAction, SmtpConfig, SmtpPlan, SmtpServer},
};
use postrider_model::{OutboxId, PlacementId};
use postrider_net::Endpoint;

use super::{
    daemon::{keep, seconds},
    tests::{days_ago, here, ids_in, machine, message, on_one_thread, run},
};
use crate::{
    equal::equals_servers,
    machine::{Machine, everything},
    trouble::calm,
};

/// An account that sends.
fn sender() -> (Machine, OtherClient, Endpoint, SmtpServer) {
    let (mut machine, other) = machine(Capabilities::all().without([Capability::Notify]), "all");
    let server = SmtpServer::new(SmtpConfig::default());
    let at = machine.let_send(0, &server).unwrap().unwrap();
    (machine, other, at, server)
}

fn write(machine: &Machine, subject: &str) -> OutboxId {
    let mail = NewMail::Parts(Box::new(MailParts {
        to: vec!["bert@example.org".to_owned()],
        subject: Some(subject.to_owned()),
        ..MailParts::default()
    }));
    let mut service = machine.service().unwrap();
    let caller = service.owner();
    service.queue_mail(&caller, "account0", mail).unwrap()
}

/// An entry's state, and whether its copy is filed.
fn state(machine: &Machine, id: OutboxId) -> (&'static str, bool) {
    let service = machine.service().unwrap();
    let entry = service.entry(&service.owner(), id).unwrap();
    (entry.state, entry.filed)
}

fn flag(machine: &Machine, id: PlacementId) {
    let mut service = machine.service().unwrap();
    let caller = service.owner();
    service.flag_mail(&caller, &[id], &FlagEdit::parse(["+seen"]).unwrap()).unwrap();
}

#[test]
fn a_server_that_never_answers_keeps_no_other_mail_from_its_way() {
    on_one_thread(async {
        let (machine, other, at, server) = sender();
        let silence = SmtpAction::LoseAnswer(Then::Hang);
        machine.post().plan_every(&at, SmtpPlan::none().on(Trigger::Named("BODY", 1), silence));
        keep(&machine, async {
            seconds(5).await;
            let (first, second) = (write(&machine, "first"), write(&machine, "second"));
            seconds(8).await;
            assert_eq!(state(&machine, first), ("sending", false));
            assert_eq!(state(&machine, second), ("queued", false), "one at a time");
            other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
            seconds(5).await;
            let ids = ids_in(&machine, "INBOX");
            assert_eq!(ids.len(), 1, "what arrives is here soon");
            flag(&machine, ids[0]);
            seconds(8).await;
            assert_eq!(
                other.snapshot()["INBOX"].messages[0].flags,
                ["\\Seen"],
                "and what is changed is there"
            );
            other.append("INBOX", message("two"), &[], days_ago(1)).unwrap();
            seconds(60).await;
            assert_eq!(ids_in(&machine, "INBOX").len(), 2, "after other runs too");
            assert_eq!(state(&machine, first), ("sending", false));
            machine.post().plan_every(&at, SmtpPlan::none());
            seconds(11 * 60).await;
            assert_eq!(state(&machine, first), ("uncertain", false));
            assert_eq!(state(&machine, second), ("sent", true));
        })
        .await;
        assert_eq!(server.accepted().len(), 2, "neither was sent a second time");
        assert_eq!(other.snapshot()["Sent"].messages.len(), 1);
    });
}

#[test]
fn what_a_slow_server_took_is_filed_once_and_the_next_message_goes_out_at_once() {
    on_one_thread(async {
        let (machine, other, at, server) = sender();
        let slow = SmtpAction::Delay(Duration::from_secs(40));
        machine.post().plan_every(&at, SmtpPlan::none().on(Trigger::Named("BODY", 1), slow));
        keep(&machine, async {
            seconds(5).await;
            let (first, second) = (write(&machine, "first"), write(&machine, "second"));
            seconds(20).await;
            assert_eq!(state(&machine, first), ("sending", false));
            machine.post().plan_every(&at, SmtpPlan::none());
            seconds(25).await;
            assert_eq!(state(&machine, first), ("sent", true));
            assert_eq!(state(&machine, second), ("sent", true));
        })
        .await;
        assert_eq!((server.accepted().len(), other.snapshot()["Sent"].messages.len()), (2, 2));
    });
}

#[test]
fn a_message_that_is_on_its_way_survives_another_configuration() {
    on_one_thread(async {
        let (machine, other, at, server) = sender();
        let slow = SmtpAction::Delay(Duration::from_secs(120));
        machine.post().plan_every(&at, SmtpPlan::none().on(Trigger::Named("BODY", 1), slow));
        keep(&machine, async {
            seconds(5).await;
            let id = write(&machine, "first");
            seconds(10).await;
            machine.set_interval("20s").unwrap();
            seconds(100).await;
            assert_eq!(state(&machine, id), ("sending", false));
            other.append("INBOX", message("one"), &[], days_ago(1)).unwrap();
            seconds(5).await;
            assert_eq!(ids_in(&machine, "INBOX").len(), 1);
            seconds(40).await;
            assert_eq!(state(&machine, id), ("sent", true));
        })
        .await;
        assert_eq!((server.accepted().len(), other.snapshot()["Sent"].messages.len()), (1, 1));
    });
}

#[test]
fn a_copy_whose_answer_was_lost_is_settled_where_no_folder_is_told_to_be_for_what_was_sent() {
    on_one_thread(async {
        let (machine, other, _, _) = sender();
        let id = write(&machine, "first");
        let imap = &machine.mailboxes[0].at;
        for nth in 1..=4 {
            let lost = FaultPlan::none().on(Trigger::Named("APPEND", 1), Action::LoseAnswer(Then::Close));
            machine.net().plan(imap, machine.net().dialled(imap) + nth, lost);
        }
        machine.run(&everything(), None).await.unwrap();
        calm(machine.net(), &machine.mailboxes[0]);
        assert_eq!(state(&machine, id), ("sent", false));
        run(&machine).await;
        assert_eq!(state(&machine, id), ("sent", true));
        assert_eq!((other.snapshot()["Sent"].messages.len(), here(&machine).len()), (1, 1));
    });
}

#[test]
fn what_is_restored_is_not_taken_for_another_message_of_the_same_message_id() {
    on_one_thread(async {
        let (machine, other) = machine(Capabilities::all(), "all");
        let one = message("one");
        other.append("INBOX", one.clone(), &[], days_ago(2)).unwrap();
        other.append("INBOX", message("stays"), &[], days_ago(2)).unwrap();
        run(&machine).await;
        let ids = ids_in(&machine, "INBOX");
        other.expunge("INBOX", &[1]).unwrap();
        run(&machine).await;
        let mut service = machine.service().unwrap();
        let caller = service.owner();
        service.restore(&caller, &ids[..1]).unwrap();
        drop(service);
        // It does not get there, and nobody knows; a list's copy of it comes meanwhile.
        let at = &machine.mailboxes[0].at;
        for nth in 1..=4 {
            let silence = FaultPlan::none().on(Trigger::Named("APPEND", 1), Action::Silence(Then::Close));
            machine.net().plan(at, machine.net().dialled(at) + nth, silence);
        }
        machine.run(&everything(), None).await.unwrap();
        calm(machine.net(), &machine.mailboxes[0]);
        other.append("INBOX", [&one[..], b"from a list\r\n"].concat(), &[], days_ago(1)).unwrap();
        run(&machine).await;
        run(&machine).await;
        equals_servers(&machine, &here(&machine)).unwrap();
        assert_eq!(other.snapshot()["INBOX"].messages.len(), 3);
    });
}
