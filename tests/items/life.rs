//! One life of the program: it may end at a job of the store or at a call of its server, before that is done or after. From then on nothing
//! that the program does has any effect.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use async_trait::async_trait;
use postrider::{
    sync::{Compute, InlineCompute},
    world::Threads,
};
use postrider_model::{Activity, CollectionKind, Timestamp};
use postrider_model::{CollectionKey, ItemCursor, ItemKey, Mark};
use postrider_remote::{
    ActivityChange, CalendarCapabilities, CalendarOp, CalendarRemote, ContactCapabilities, ContactChange,
    ContactOp, ContactRemote, FreeBusy, ItemApplied, ItemFeed, ItemPage, Making, RemoteActivity,
    RemoteCollection, RemoteContact, Result, Written,
};
use postrider_store::{Executor, Job, StoreError, Writer};
use tokio::sync::Notify;

/// How far a life came, and where it ends: at that step, counted from 1.
#[derive(Debug, Default)]
pub struct Life {
    end: Option<u64>,
    steps: AtomicU64,
    commits: AtomicU64,
    dead: AtomicBool,
    died: Notify,
}

impl Life {
    pub fn new(end: Option<u64>) -> Arc<Self> {
        Arc::new(Self { end, ..Self::default() })
    }

    /// Transactions that changed something.
    pub fn commits(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Relaxed)
    }

    pub async fn over(&self) {
        while !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// Whether it goes on.
    fn step(&self) -> bool {
        let nth = self.steps.fetch_add(1, Relaxed) + 1;
        if self.end == Some(nth) {
            self.dead.store(true, Relaxed);
            self.died.notify_one();
        }
        !self.is_dead()
    }

    async fn survive(&self) {
        if !self.step() {
            std::future::pending().await
        }
    }
}

/// The store on the one thread, as long as the program lives.
#[derive(Debug, Clone)]
pub struct MortalThreads(pub Arc<Life>);

impl Threads for MortalThreads {
    fn store(&self, writer: Writer) -> std::result::Result<Arc<dyn Executor>, StoreError> {
        Ok(Arc::new(MortalExecutor { writer: Mutex::new(writer), life: self.0.clone() }))
    }

    fn compute(&self) -> std::io::Result<Arc<dyn Compute>> {
        Ok(Arc::new(InlineCompute))
    }
}

#[derive(Debug)]
struct MortalExecutor {
    writer: Mutex<Writer>,
    life: Arc<Life>,
}

impl Executor for MortalExecutor {
    fn submit(&self, job: Job) {
        if !self.life.step() {
            return;
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let before = writer.commits();
        job(&mut writer);
        self.life.commits.fetch_add(writer.commits() - before, Relaxed);
        drop(writer);
        self.life.step();
    }
}

/// A server that hears of the program as long as it lives.
pub struct MortalContacts {
    pub inner: Box<dyn ContactRemote>,
    pub life: Arc<Life>,
}

impl MortalContacts {
    async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.life.survive().await;
        let answer = call.await;
        self.life.survive().await;
        answer
    }
}

struct MortalFeed<C> {
    inner: Box<dyn ItemFeed<C>>,
    life: Arc<Life>,
}

#[async_trait]
impl<C: Send + 'static> ItemFeed<C> for MortalFeed<C> {
    async fn next(&mut self) -> Result<Option<ItemPage<C>>> {
        self.life.survive().await;
        self.inner.next().await
    }
}

#[async_trait]
impl ContactRemote for MortalContacts {
    fn capabilities(&self) -> ContactCapabilities {
        self.inner.capabilities()
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.call(self.inner.collections()).await
    }

    async fn make_collection(&self, name: &str, mark: Mark) -> Written<Making> {
        self.call(self.inner.make_collection(name, mark)).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>> {
        let inner = self.call(self.inner.changes(collection, since)).await?;
        Ok(Box::new(MortalFeed { inner, life: self.life.clone() }))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ContactChange>> {
        self.call(self.inner.fetch(collection, keys)).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>> {
        self.call(self.inner.apply(collection, mark, op)).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteContact>> {
        self.call(self.inner.find(collection, mark)).await
    }

    async fn close(&self) {}
}

/// The same of calendars.
pub struct MortalCalendars {
    pub inner: Box<dyn CalendarRemote>,
    pub life: Arc<Life>,
}

impl MortalCalendars {
    async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.life.survive().await;
        let answer = call.await;
        self.life.survive().await;
        answer
    }
}

#[async_trait]
impl CalendarRemote for MortalCalendars {
    fn capabilities(&self) -> CalendarCapabilities {
        self.inner.capabilities()
    }

    fn expresses(&self, activity: &Activity) -> std::result::Result<(), String> {
        self.inner.expresses(activity)
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.call(self.inner.collections()).await
    }

    async fn make_collection(&self, kind: CollectionKind, name: &str, mark: Mark) -> Written<Making> {
        self.call(self.inner.make_collection(kind, name, mark)).await
    }

    async fn rename_collection(&self, collection: &CollectionKey, name: &str) -> Written<()> {
        self.call(self.inner.rename_collection(collection, name)).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>> {
        let inner = self.call(self.inner.changes(collection, since)).await?;
        Ok(Box::new(MortalFeed { inner, life: self.life.clone() }))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ActivityChange>> {
        self.call(self.inner.fetch(collection, keys)).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>> {
        self.call(self.inner.apply(collection, mark, op)).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>> {
        self.call(self.inner.find(collection, mark)).await
    }

    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>> {
        self.call(self.inner.free_busy(people, from, until)).await
    }

    async fn close(&self) {}
}
