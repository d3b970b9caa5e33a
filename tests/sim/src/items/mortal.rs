//! Servers of contacts and activities as the program reaches them: as long as it lives, and with all that it says in the trace.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

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
    ContactOp, ContactRemote, FreeBusy, ItemApplied, ItemFeed, ItemPage, Making, RemoteActivity,
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
}

impl MortalServers {
    fn of(&self, server: &ItemServer) -> Result<&Groupware> {
        self.servers.get(&server.account).ok_or_else(|| {
            Fault::new(ErrorClass::Permanent, format!("reach {}", server.account), "there is no such server")
        })
    }

    fn mortal<R: ?Sized>(&self, server: &ItemServer, inner: Box<R>) -> Mortal<R> {
        let account = server.account.clone();
        Mortal { inner, account, life: self.life.clone(), trace: self.trace.clone() }
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
}

impl<R: ?Sized> Mortal<R> {
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
        let account = self.account.clone();
        Box::new(Mortal { inner: feed, account, life: self.life.clone(), trace: self.trace.clone() })
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
        self.call(&format!("{mark} {op:?}"), self.inner.apply(collection, mark, op)).await
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
        self.call(&format!("{mark} {op:?}"), self.inner.apply(collection, mark, op)).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>> {
        self.call("find an activity", self.inner.find(collection, mark)).await
    }

    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>> {
        self.call("free and busy", self.inner.free_busy(people, from, until)).await
    }

    async fn close(&self) {}
}
