//! Servers of contacts and activities as the program reaches them: as long as it lives, and with all that it says in the trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use postrider::{
    config::{ItemServer, ProviderKind},
    world::ItemServers,
};
use postrider_fake::groupware::Groupware;
use postrider_model::{
    Activity, CollectionKey, CollectionKind, ErrorClass, Fault, ItemCursor, ItemKey, Mark, Timestamp,
};
use postrider_remote::{
    ActivityChange, CalendarCapabilities, CalendarOp, CalendarRemote, ContactCapabilities, ContactChange,
    ContactOp, ContactRemote, FreeBusy, ItemApplied, ItemFeed, ItemPage, Making, Reach, RemoteActivity,
    RemoteCollection, RemoteContact, Result, Written,
};

use crate::{crash::Life, trace::Trace};

/// The servers of one life of the program.
pub struct MortalServers {
    /// Each account's, by the account's name.
    pub servers: BTreeMap<String, Groupware>,
    /// How long the program lives.
    pub life: Arc<Life>,
    /// Where calls leave their mark.
    pub trace: Arc<Trace>,
    /// What was changed without the program hearing of it.
    pub unheard: Unheard,
}

/// Names of what was changed on a server without the program hearing of it.
#[derive(Debug, Clone, Default)]
pub struct Unheard(Arc<Mutex<BTreeSet<String>>>);

impl Unheard {
    fn note<T>(&self, answer: Option<&Written<T>>, name: &str) {
        let is_heard =
            |written: &Written<T>| written.as_ref().err().is_none_or(|fault| fault.reach == Reach::NotDone);
        if !answer.is_some_and(is_heard) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
    }

    /// All of them.
    pub fn names(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MortalServers {
    fn of(&self, server: &ItemServer) -> Result<&Groupware> {
        self.servers.get(&server.account).ok_or_else(|| {
            Fault::new(ErrorClass::Permanent, format!("reach {}", server.account), "there is no such server")
        })
    }

    fn mortal<R: ?Sized>(&self, server: &ItemServer, inner: Box<R>) -> Mortal<R> {
        let account = server.account.clone();
        let (life, trace, unheard) = (self.life.clone(), self.trace.clone(), self.unheard.clone());
        Mortal { inner, account, life, trace, unheard }
    }
}

impl ItemServers for MortalServers {
    fn kinds(&self) -> &[ProviderKind] {
        &[ProviderKind::Google, ProviderKind::Exchange]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>> {
        let inner: Box<dyn ContactRemote> = Box::new(self.of(server)?.contacts(&server.address));
        Ok(Box::new(self.mortal(server, inner)))
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>> {
        let inner: Box<dyn CalendarRemote> = Box::new(self.of(server)?.calendars(&server.address));
        Ok(Box::new(self.mortal(server, inner)))
    }
}

/// A server that hears of the program as long as it lives.
struct Mortal<R: ?Sized> {
    inner: Box<R>,
    account: String,
    life: Arc<Life>,
    trace: Arc<Trace>,
    unheard: Unheard,
}

impl<R: ?Sized> Mortal<R> {
    /// A change of what has that name.
    async fn change<T: Debug>(
        &self,
        name: Option<&str>,
        what: &str,
        call: impl Future<Output = Written<T>>,
    ) -> Written<T> {
        let tell = |answer: &Written<T>| {
            if let Some(name) = name {
                self.unheard.note(Some(answer).filter(|_| !self.life.dies_after_call()), name);
            }
            format!("{answer:?}")
        };
        self.heard(what, call, tell).await
    }

    async fn call<T: Debug>(&self, name: &str, call: impl Future<Output = T>) -> T {
        self.heard(name, call, |answer| format!("{answer:?}")).await
    }

    async fn heard<T>(
        &self,
        name: &str,
        call: impl Future<Output = T>,
        tell: impl FnOnce(&T) -> String,
    ) -> T {
        if !self.life.begins_call() {
            return std::future::pending().await;
        }
        let answer = call.await;
        self.trace.step(|| format!("{} {name}: {}", self.account, tell(&answer)));
        if !self.life.ended_call() {
            return std::future::pending().await;
        }
        answer
    }

    fn feed<C>(&self, feed: Box<dyn ItemFeed<C>>) -> Box<dyn ItemFeed<C>>
    where
        C: Debug + Send + 'static,
    {
        let (account, life, trace) = (self.account.clone(), self.life.clone(), self.trace.clone());
        Box::new(Mortal { inner: feed, account, life, trace, unheard: self.unheard.clone() })
    }
}

#[async_trait]
impl<C: Debug + Send + 'static> ItemFeed<C> for Mortal<dyn ItemFeed<C>> {
    async fn next(&mut self) -> Result<Option<ItemPage<C>>> {
        if !self.life.begins_call() {
            return std::future::pending().await;
        }
        let page = self.inner.next().await;
        self.trace.step(|| format!("{} page: {page:?}", self.account));
        if !self.life.ended_call() {
            return std::future::pending().await;
        }
        page
    }
}

fn told<T>(answer: &Result<T>) -> String {
    answer.as_ref().map_or_else(|fault| format!("{fault:?}"), |_| "begun".to_owned())
}

#[async_trait]
impl ContactRemote for Mortal<dyn ContactRemote> {
    fn capabilities(&self) -> ContactCapabilities {
        self.inner.capabilities()
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.call("address books", self.inner.collections()).await
    }

    async fn make_collection(&self, name: &str, mark: Mark) -> Written<Making> {
        self.call("make a group", self.inner.make_collection(name, mark)).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>> {
        let feed = self.heard("contacts", self.inner.changes(collection, since), told).await?;
        Ok(self.feed(feed))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ContactChange>> {
        self.call("fetch contacts", self.inner.fetch(collection, keys)).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>> {
        let name = match op {
            ContactOp::Update { contact, .. } => Some(&*contact.display_name),
            _ => None,
        };
        self.change(name, &format!("{mark} {op:?}"), self.inner.apply(collection, mark, op)).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteContact>> {
        self.call("find a contact", self.inner.find(collection, mark)).await
    }

    async fn close(&self) {}
}

#[async_trait]
impl CalendarRemote for Mortal<dyn CalendarRemote> {
    fn capabilities(&self) -> CalendarCapabilities {
        self.inner.capabilities()
    }

    fn expresses(&self, activity: &Activity) -> std::result::Result<(), String> {
        self.inner.expresses(activity)
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.call("calendars", self.inner.collections()).await
    }

    async fn make_collection(&self, kind: CollectionKind, name: &str, mark: Mark) -> Written<Making> {
        self.call("make a calendar", self.inner.make_collection(kind, name, mark)).await
    }

    async fn rename_collection(&self, collection: &CollectionKey, name: &str) -> Written<()> {
        self.call("rename a calendar", self.inner.rename_collection(collection, name)).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>> {
        let feed = self.heard("activities", self.inner.changes(collection, since), told).await?;
        Ok(self.feed(feed))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ActivityChange>> {
        self.call("fetch activities", self.inner.fetch(collection, keys)).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>> {
        let name = match op {
            CalendarOp::Update { activity, .. } => Some(&*activity.content.title),
            _ => None,
        };
        self.change(name, &format!("{mark} {op:?}"), self.inner.apply(collection, mark, op)).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>> {
        self.call("find an activity", self.inner.find(collection, mark)).await
    }

    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>> {
        self.call("free and busy", self.inner.free_busy(people, from, until)).await
    }

    async fn close(&self) {}
}
