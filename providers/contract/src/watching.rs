//! The cases for a server that tells by itself when something changes.

use std::{collections::BTreeSet, time::Duration};

use postrider_model::{ErrorClass, FolderKey};
use postrider_remote::MailWatch;
use tokio::time::timeout;

use crate::{
    harness::WriteHarness,
    mail::{YOUNG_S, letter},
    writing::Scene,
};

/// How long a change may take until it is told: servers gather changes, and see those of other programs by the clock.
const SOON: Duration = Duration::from_secs(10);
/// How long nothing has to be told until it is believed that nothing is.
const QUIET: Duration = Duration::from_secs(2);

/// All cases, one after another. `can_watch` says whether the server can at all.
pub async fn watch_suite(harness: &mut dyn WriteHarness, can_watch: bool) {
    let first = Scene::new(harness, "Watched").await;
    let second = Scene::new(harness, "Watched too").await;
    let folders = [first.held.key.clone(), second.held.key.clone()];
    let watcher = harness.watcher();
    if !can_watch {
        let fault = watcher.watch(&folders).await.err().expect("it cannot be watched");
        assert_eq!(fault.class, ErrorClass::Permanent, "{fault}");
        return;
    }
    let mut watch = watcher.watch(&folders).await.unwrap();
    assert_eq!(watch.watched(), folders);
    // What happened before is told by telling each folder once.
    assert_eq!(all_told(&mut *watch).await, folders.iter().cloned().collect());
    each_change_is_told(harness, &mut *watch, &first, "Watched").await;
    each_change_is_told(harness, &mut *watch, &second, "Watched too").await;
    harness.append("Watched", &letter("between", YOUNG_S, &[])).await;
    // Nobody asks for a while: it is told later.
    tokio::time::sleep(QUIET).await;
    assert_eq!(soon(&mut *watch).await, folders[0]);
    harness.vanish().await;
    let ended = timeout(Duration::from_secs(70), async {
        loop {
            if let Err(fault) = watch.next().await {
                return fault;
            }
        }
    });
    assert_eq!(ended.await.expect("it is noticed").class, ErrorClass::Transient);
}

async fn each_change_is_told(
    harness: &mut dyn WriteHarness,
    watch: &mut dyn MailWatch,
    scene: &Scene,
    name: &str,
) {
    let key = &scene.held.key;
    harness.append(name, &letter("watched-new", YOUNG_S, &[])).await;
    assert_eq!(soon(watch).await, *key, "a new message");
    all_told(watch).await;
    harness.set_flags(name, scene.uids[0], &["\\Flagged"]).await;
    assert_eq!(soon(watch).await, *key, "a flag");
    all_told(watch).await;
    harness.expunge(name, &scene.uids[1..2]).await;
    assert_eq!(soon(watch).await, *key, "a message that goes");
    all_told(watch).await;
}

async fn soon(watch: &mut dyn MailWatch) -> FolderKey {
    timeout(SOON, watch.next()).await.expect("it is told soon").unwrap()
}

/// The folders that are told until all is quiet.
async fn all_told(watch: &mut dyn MailWatch) -> BTreeSet<FolderKey> {
    let mut told = BTreeSet::new();
    while let Ok(folder) = timeout(QUIET, watch.next()).await {
        told.insert(folder.unwrap());
    }
    told
}
