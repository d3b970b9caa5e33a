use postrider_model::Timestamp;

use super::*;
use crate::{Options, Store};

fn writer(home: &tempfile::TempDir) -> Writer {
    let options = Options::new(home.path().join("store"), [1; 16], Timestamp(0));
    Store::open(&options).unwrap().writer().unwrap()
}

/// Drops every job: a crash before it.
#[derive(Debug)]
struct Crashed;

impl Executor for Crashed {
    fn submit(&self, _: Job) {}
}

#[tokio::test]
async fn jobs_are_done_in_their_order_on_either_executor() {
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let inline: Box<dyn Executor> = Box::new(InlineExecutor::new(writer(&homes[0])));
    let thread: Box<dyn Executor> = Box::new(ThreadExecutor::start(writer(&homes[1])).unwrap());
    for executor in [inline, thread] {
        for (name, id) in [("a", 1), ("b", 2), ("a", 1)] {
            let given =
                run(&*executor, move |writer| writer.transaction(|tx| tx.ensure_account(name, "x@y.test")));
            assert_eq!(given.await.unwrap().0, id);
        }
        let commits = run(&*executor, |writer| Ok(writer.commits())).await.unwrap();
        assert_eq!(commits, 2, "the third changed nothing");
    }
}

#[tokio::test]
async fn a_dropped_job_is_told_to_its_waiter() {
    let answer = run(&Crashed, |writer| Ok(writer.commits())).await;
    assert!(matches!(answer, Err(StoreError::Stopped)));
}

#[tokio::test]
async fn a_job_that_panics_takes_the_store_with_it_and_nobody_waits_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let executor = ThreadExecutor::start(writer(&home)).unwrap();
    let answer = run(&executor, |_| -> Result<()> { panic!("on purpose") }).await;
    assert!(matches!(answer, Err(StoreError::Stopped)));
    let answer = run(&executor, |writer| Ok(writer.commits())).await;
    assert!(matches!(answer, Err(StoreError::Stopped)));
}

#[test]
fn what_was_handed_over_is_done_before_the_store_closes() {
    let home = tempfile::tempdir().unwrap();
    let executor = ThreadExecutor::start(writer(&home)).unwrap();
    for count in 0..40 {
        executor.submit(Box::new(move |writer| {
            writer.transaction(|tx| tx.ensure_account(&count.to_string(), "x@y.test")).unwrap();
        }));
    }
    drop(executor);
    let options = Options::new(home.path().join("store"), [1; 16], Timestamp(0));
    let accounts = Store::open(&options).unwrap().reader().unwrap().accounts().unwrap();
    assert_eq!(accounts.len(), 40);
}
