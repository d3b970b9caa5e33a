//! The heads: one account's contacts and calendars as a provider promises them.
//!
//! Rule: a head decides nothing; each call is one step that a plan of troubles may strike, and then one act of the core.

use std::collections::VecDeque;

use async_trait::async_trait;
use postrider_model::{
    Activity, CollectionKey, CollectionKind, ErrorClass, Fault, ItemCursor, ItemKey, Mark, Timestamp,
};
use postrider_remote::{
    ActivityChange, CalendarCapabilities, CalendarOp, CalendarRemote, ContactCapabilities, ContactChange,
    ContactOp, ContactRemote, FreeBusy, ItemApplied, ItemFeed, ItemPage, Making, RemoteActivity,
    RemoteCollection, RemoteContact, Result, WriteFault, Written,
};

use super::faults::{Going, lost, step};
use super::state::{Act, Refusal, State};
use super::{Groupware, rewriting};

/// A user's contacts on the fake server.
#[derive(Clone, Debug)]
pub struct FakeContacts(pub(super) Head);

/// A user's calendars and task lists on the fake server.
#[derive(Clone, Debug)]
pub struct FakeCalendars(pub(super) Head);

#[derive(Clone, Debug)]
pub(super) struct Head {
    pub server: Groupware,
    pub account: String,
}

impl Head {
    fn fault(&self, name: &str, refusal: Refusal) -> Fault {
        Fault::new(ErrorClass::Permanent, format!("do {name} for {}", self.account), refusal.cause)
    }

    fn act(&self, mark: Option<Mark>) -> Act<'_> {
        Act { by: &self.account, mark, strict: true }
    }

    /// A call that changes nothing.
    async fn read<T>(
        &self,
        name: &'static str,
        ask: impl FnOnce(&mut State) -> std::result::Result<T, Refusal> + Send,
    ) -> Result<T> {
        let going = step(&self.server, &self.account, name).await?;
        let answer = {
            let mut state = self.server.lock();
            let answer = ask(&mut state);
            state.judged(&self.act(None), answer)
        };
        if going == Going::Unheard {
            return Err(lost(name));
        }
        answer.map_err(|refusal| self.fault(name, refusal))
    }

    /// A call that changes something.
    async fn write<T>(
        &self,
        name: &'static str,
        mark: Option<Mark>,
        change: impl FnOnce(&mut State, &Act<'_>) -> std::result::Result<T, Refusal> + Send,
    ) -> Written<T> {
        let going = step(&self.server, &self.account, name).await.map_err(WriteFault::not_done)?;
        let answer = {
            let mut state = self.server.lock();
            let act = self.act(mark);
            let answer = change(&mut state, &act);
            state.judged(&act, answer)
        };
        if going == Going::Unheard {
            return Err(WriteFault::unknown(lost(name)));
        }
        answer.map_err(|refusal| WriteFault::not_done(self.fault(name, refusal)))
    }
}

/// Holds an account's one place for writing contacts.
struct Turn<'a>(&'a Head);

impl<'a> Turn<'a> {
    fn take(head: &'a Head) -> Self {
        let mut state = head.server.lock();
        if !state.writing.insert(head.account.clone()) && state.habits.one_write_at_a_time {
            state.violations.push(format!("{}: two writes of contacts at a time", head.account));
        }
        drop(state);
        Self(head)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.server.lock().writing.remove(&self.0.account);
    }
}

/// The pages of a listing that was made when it was asked for.
struct Pages<C> {
    head: Head,
    name: &'static str,
    pages: VecDeque<ItemPage<C>>,
    has_failed: bool,
}

#[async_trait]
impl<C: Send + 'static> ItemFeed<C> for Pages<C> {
    async fn next(&mut self) -> Result<Option<ItemPage<C>>> {
        if self.has_failed {
            let what = format!("{}: a listing that failed is asked on", self.head.account);
            self.head.server.lock().violations.push(what);
            return Err(lost(self.name));
        }
        if self.pages.is_empty() {
            return Ok(None);
        }
        self.has_failed = true;
        if step(&self.head.server, &self.head.account, self.name).await? == Going::Unheard {
            return Err(lost(self.name));
        }
        self.has_failed = false;
        Ok(self.pages.pop_front())
    }
}

#[async_trait]
impl ContactRemote for FakeContacts {
    fn capabilities(&self) -> ContactCapabilities {
        self.0.server.lock().contact_capabilities()
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        let ask = |state: &mut State| {
            state.collections(&self.0.account, |kind| kind == CollectionKind::AddressBook)
        };
        self.0.read("contacts.collections", ask).await
    }

    async fn make_collection(&self, name: &str, mark: Mark) -> Written<Making> {
        let make = |state: &mut State, act: &Act<'_>| {
            state.make_collection(act.by, CollectionKind::AddressBook, name, Some(mark))
        };
        self.0.write("contacts.make_collection", Some(mark), make).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>> {
        let ask = |state: &mut State| state.list_contacts(&self.0.account, collection, since);
        let pages = self.0.read("contacts.changes", ask).await?;
        Ok(Box::new(Pages { head: self.0.clone(), name: "contacts.page", pages, has_failed: false }))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ContactChange>> {
        let ask = |state: &mut State| state.fetch_contacts(&self.0.account, collection, keys);
        self.0.read("contacts.fetch", ask).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>> {
        let _turn = Turn::take(&self.0);
        // Whoever writes beside it gets the chance to.
        tokio::task::yield_now().await;
        let change = |state: &mut State, act: &Act<'_>| state.apply_contact(act, collection, op);
        self.0.write("contacts.apply", Some(mark), change).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteContact>> {
        let ask = |state: &mut State| state.find_contact(&self.0.account, collection, mark);
        self.0.read("contacts.find", ask).await
    }

    async fn close(&self) {}
}

#[async_trait]
impl CalendarRemote for FakeCalendars {
    fn capabilities(&self) -> CalendarCapabilities {
        self.0.server.lock().calendar_capabilities()
    }

    fn expresses(&self, activity: &Activity) -> std::result::Result<(), String> {
        rewriting::expresses(&self.0.server.lock().habits, activity)
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        let ask = |state: &mut State| {
            state.collections(&self.0.account, |kind| kind != CollectionKind::AddressBook)
        };
        self.0.read("calendars.collections", ask).await
    }

    async fn make_collection(&self, kind: CollectionKind, name: &str, mark: Mark) -> Written<Making> {
        let make = |state: &mut State, act: &Act<'_>| state.make_collection(act.by, kind, name, Some(mark));
        self.0.write("calendars.make_collection", Some(mark), make).await
    }

    async fn rename_collection(&self, collection: &CollectionKey, name: &str) -> Written<()> {
        let rename = |state: &mut State, act: &Act<'_>| state.rename_collection(act.by, collection, name);
        self.0.write("calendars.rename_collection", None, rename).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>> {
        let ask = |state: &mut State| state.list_activities(&self.0.account, collection, since);
        let pages = self.0.read("calendars.changes", ask).await?;
        Ok(Box::new(Pages { head: self.0.clone(), name: "calendars.page", pages, has_failed: false }))
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ActivityChange>> {
        let ask = |state: &mut State| state.fetch_activities(&self.0.account, collection, keys);
        self.0.read("calendars.fetch", ask).await
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>> {
        let change = |state: &mut State, act: &Act<'_>| state.apply_activity(act, collection, op);
        self.0.write("calendars.apply", Some(mark), change).await
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>> {
        let ask = |state: &mut State| state.find_activity(&self.0.account, collection, mark);
        self.0.read("calendars.find", ask).await
    }

    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>> {
        let ask = |state: &mut State| {
            Ok(people.iter().map(|person| state.free_busy(person, from, until)).collect())
        };
        self.0.read("calendars.free_busy", ask).await
    }

    async fn close(&self) {}
}
