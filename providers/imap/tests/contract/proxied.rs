//! A real Dovecot behind a proxy that cuts connections, or swallows what passes.

use std::{sync::Arc, time::Duration};

use postrider_imap::ImapRemote;
use postrider_model::{ErrorClass, Flags, Uid, UidSet};
use postrider_net::{Endpoint, TcpDialer};
use postrider_remote::{
    FolderKey, MailOp, MailRemote, MailWatcher, MailWriter, Messages, NewMessage, Reach, Written,
};
use postrider_test_support::{Dovecot, ImapClient, Proxy, proxy::Fault};
use tokio::time::{Instant, timeout};

use super::{PASSWORD, USER, settings};

fn through(proxy: &Proxy) -> ImapRemote {
    let address = proxy.addr();
    let endpoint = Endpoint::new(address.ip().to_string(), address.port());
    ImapRemote::new(settings(endpoint), Arc::new(TcpDialer))
}

fn key(name: &str) -> FolderKey {
    FolderKey(name.to_owned())
}

fn uids(client: &mut ImapClient, folder: &str) -> Vec<Uid> {
    client.select(folder).unwrap();
    client.uids().unwrap()
}

/// What came of a write, and whether it is there.
fn judge<T>(outcome: &Written<T>, is_done: bool, seen: &mut [u32; 3], when: &str) {
    match outcome {
        Ok(_) => assert!(is_done, "{when}: told as done"),
        Err(failed) if failed.reach == Reach::NotDone => {
            assert!(!is_done, "{when}: told as not done: {failed}")
        }
        Err(_) => {}
    }
    let kind = match outcome {
        Ok(_) => 0,
        Err(failed) if failed.reach == Reach::NotDone => 1,
        Err(_) => 2,
    };
    seen[kind] += 1;
}

/// Wherever an answer is cut off: what is told agrees with what is there, and nothing is there twice.
#[tokio::test]
async fn a_dovecot_whose_answers_are_cut_off() {
    let server = Dovecot::builder().user(USER, PASSWORD).start().unwrap();
    let mut other = server.client(USER).unwrap();
    for folder in ["From", "To", "Sent"] {
        other.create(folder).unwrap();
    }
    for number in 0..80 {
        other.append("From", "", "", format!("Subject: {number}\r\n\r\nx\r\n").as_bytes()).unwrap();
    }
    let uid_validity = {
        let address = server.imap_addr();
        let endpoint = Endpoint::new(address.ip().to_string(), address.port());
        let direct = ImapRemote::new(settings(endpoint), Arc::new(TcpDialer));
        direct.status(&key("From")).await.unwrap().uid_validity
    };
    let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
    let (from, to, sent) = (key("From"), key("To"), key("Sent"));
    let (mut moved, mut appended) = ([0; 3], [0; 3]);
    for cut in (300..1_500_u64).step_by(17) {
        proxy.set_fault(Fault::CutAfter(cut));
        let when = format!("cut after {cut} octets");
        let (left, arrived) = (uids(&mut other, "From"), uids(&mut other, "To").len());
        let uid = left[0];
        let remote = through(&proxy);
        let set = UidSet::range(uid, uid);
        let messages = Messages { folder: &from, uid_validity, uids: &set };
        let outcome = remote.apply(messages, &MailOp::Move { to: to.clone() }).await;
        let is_moved = !uids(&mut other, "From").contains(&uid);
        assert_eq!(uids(&mut other, "To").len(), arrived + usize::from(is_moved), "{when}");
        judge(&outcome, is_moved, &mut moved, &when);

        let before = uids(&mut other, "Sent").len();
        let remote = through(&proxy);
        let message =
            NewMessage { bytes: b"Subject: sent\r\n\r\nx\r\n", flags: &Flags::NONE, internal_date: None };
        let outcome = remote.append(&sent, message).await;
        let there = uids(&mut other, "Sent").len() - before;
        assert!(there <= 1, "{when}: twice");
        judge(&outcome, there == 1, &mut appended, &when);
    }
    for seen in [moved, appended] {
        assert!(seen.iter().all(|times| *times > 0), "each way was met: {seen:?}");
    }
}

/// Connections that stay open while nothing passes are noticed within a minute, by NOTIFY and by IDLE.
#[tokio::test]
async fn a_dovecot_behind_a_proxy_that_swallows_everything() {
    let noticed = async |withheld: &[&str]| {
        let server = Dovecot::builder().user(USER, PASSWORD).without(withheld).start().unwrap();
        let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
        let remote = through(&proxy);
        let mut watch = remote.watch(&[key("INBOX")]).await.unwrap();
        watch.next().await.unwrap();
        proxy.set_silent(true);
        let begun = Instant::now();
        let fault = timeout(Duration::from_secs(60), watch.next()).await.expect("it is noticed").unwrap_err();
        assert_eq!(fault.class, ErrorClass::Transient, "{fault}");
        assert!(begun.elapsed() > Duration::from_secs(40), "{fault}");
        proxy.set_silent(false);
        let mut watch = remote.watch(&[key("INBOX")]).await.unwrap();
        assert_eq!(watch.next().await.unwrap(), key("INBOX"), "it is replaced");
        remote.close().await;
    };
    tokio::join!(noticed(&[]), noticed(&["NOTIFY"]));
}
