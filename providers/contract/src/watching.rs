//! The cases for a server that tells by itself when something changes.

use std::{collections::BTreeSet, time::Duration};

use postrider_model::{ErrorClass, FolderKey, Uid, UidSet};
use postrider_remote::{FetchWhat, MailWatch};
use tokio::time::timeout;

use crate::{
    harness::WriteHarness,
    mail::{YOUNG_S, letter},
    reading::Kept,
    writing::Scene,
};

/// How long a change may take until it is told: servers gather changes, and see those of other programs by the clock.
const SOON: Duration = Duration::from_secs(10);
/// How long nothing has to be told until it is believed that nothing is.
const QUIET: Duration = Duration::from_secs(2);

/// What a server does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// Nothing.
    Nothing,
    /// That something changed.
    Changes,
    /// The same, and the most wanted folder is open on the connection that tells.
    ChangesOfWhatIsOpen,
}

/// All cases, one after another.
pub async fn watch_suite(harness: &mut dyn WriteHarness, tells: Tells) {
    let first = Scene::new(harness, "Watched").await;
    let second = Scene::new(harness, "Watched too").await;
    let folders = [first.held.key.clone(), second.held.key.clone()];
    let watcher = harness.watcher();
    if tells == Tells::Nothing {
        let fault = watcher.watch(&folders).await.err().expect("it cannot be watched");
        assert_eq!(fault.class, ErrorClass::Permanent, "{fault}");
        return;
    }
    let mut watch = watcher.watch(&folders).await.unwrap();
    assert_eq!(watch.watched(), folders);
    // What happened before is told by telling each folder once.
    assert_eq!(all_told(&mut *watch).await, folders.iter().cloned().collect());
    let is_open = tells == Tells::ChangesOfWhatIsOpen;
    each_change_is_told(harness, &mut *watch, &first, "Watched", is_open).await;
    each_change_is_told(harness, &mut *watch, &second, "Watched too", false).await;
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
    is_open: bool,
) {
    let key = &scene.held.key;
    harness.append(name, &letter("watched-new", YOUNG_S, &[])).await;
    assert_eq!(soon(watch).await, *key, "a new message");
    what_arrived_can_be_fetched(watch, scene, is_open).await;
    all_told(watch).await;
    harness.set_flags(name, scene.uids[0], &["\\Flagged"]).await;
    assert_eq!(soon(watch).await, *key, "a flag");
    all_told(watch).await;
    harness.expunge(name, &scene.uids[1..2]).await;
    assert_eq!(soon(watch).await, *key, "a message that goes");
    all_told(watch).await;
}

/// Over the connection that told it, if that has the folder open: `is_open` says that it must.
async fn what_arrived_can_be_fetched(watch: &mut dyn MailWatch, scene: &Scene, is_open: bool) {
    let new = UidSet::range(scene.uids.iter().max().unwrap() + 1, Uid::MAX);
    let mut kept = Kept::default();
    let fetched = watch.fetch_arrived(scene.uid_validity(), &new, FetchWhat::Body, &mut kept).await.unwrap();
    assert!(fetched || !is_open, "the most wanted folder is open on the connection that tells");
    let arrived: Vec<_> = kept.0.iter().map(|message| message.content.clone()).collect();
    let expected = if fetched { vec![Ok(letter("watched-new", YOUNG_S, &[]).bytes)] } else { Vec::new() };
    assert_eq!(arrived, expected);
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
