//! Providers that do one thing wrong each: what lies between the suite and the server bends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use postrider_model::{CollectionKey, ErrorClass, Fault, ItemCursor, ItemKey, Mark, Scope};
use postrider_remote::{
    ContactCapabilities, ContactChange, ContactOp, ContactRemote, ItemApplied, ItemFeed, ItemPage, Leaving,
    Making, Reach, RemoteCollection, RemoteContact, Result, Written,
};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    CursorOnEveryPage,
    CursorOnNone,
    FullCalledDelta,
    DeltaCalledFull,
    TombstonesDropped,
    OneItemLost,
    OldCursorAgain,
    NoServerTime,
    BreakingOffTakenForTheEnd,
    FailureTakenForEmptiness,
    VanishedTakenForEmpty,
    LeftToldDeleted,
    StaleWrittenOver,
    GoneToldStale,
    MarkNotFound,
    MarkNotCarried,
    AnotherMarkEachTime,
    UnknownToldNotDone,
    NotDoneToldUnknown,
    RefusalTakenForDone,
    AnswersWhatWasSent,
    VersionStays,
    GoneNotFetched,
    NoPauseTold,
    LoginToldTransient,
    LeavingDeletes,
    TakenToldMade,
    HoldsAllFields,
    ChangedNotTold,
    FormerKeysNotTold,
    NotifiesAlways,
    NotifiesNever,
    MasterNotTold,
    OccurrenceNotTold,
    TakenOutToldGone,
    SeriesNotTold,
    StandingNotTold,
    HiddenGuestsNotTold,
    FreeBusyNotTold,
    FrozenNotTold,
    StrangerTakenForFree,
    ExpressesAll,
    GivenUidKept,
    OwnResponseLost,
    DeliversToldWrong,
    RenamingDoesNothing,
}

use Defect as D;

/// A feed with something wrong.
struct BentFeed<C> {
    defect: Defect,
    inner: Box<dyn ItemFeed<C>>,
    given: Option<ItemCursor>,
    bend: fn(Defect, Vec<C>) -> Vec<C>,
    is_over: bool,
}

#[async_trait]
impl<C: Send + 'static> ItemFeed<C> for BentFeed<C> {
    async fn next(&mut self) -> Result<Option<ItemPage<C>>> {
        if self.is_over {
            return Ok(None);
        }
        let page = match self.inner.next().await {
            Err(_) if self.defect == D::BreakingOffTakenForTheEnd => {
                self.is_over = true;
                let cursor = Some(ItemCursor("the end".to_owned()));
                return Ok(Some(ItemPage {
                    scope: Scope::Full,
                    changes: Vec::new(),
                    cursor,
                    server_time: None,
                }));
            }
            Err(fault) => return Err(bent_fault(self.defect, fault)),
            Ok(page) => page,
        };
        Ok(page.map(|mut page| {
            match (self.defect, &self.given) {
                (D::CursorOnEveryPage, _) => {
                    page.cursor = page.cursor.or_else(|| Some(ItemCursor("early".to_owned())));
                }
                (D::CursorOnNone, _) => page.cursor = None,
                (D::FullCalledDelta, _) => page.scope = Scope::Delta,
                (D::DeltaCalledFull, _) => page.scope = Scope::Full,
                (D::NoServerTime, _) => page.server_time = None,
                (D::OldCursorAgain, Some(given)) if page.cursor.is_some() => {
                    page.cursor = Some(given.clone())
                }
                _ => {}
            }
            page.changes = (self.bend)(self.defect, page.changes);
            page
        }))
    }
}

/// A listing of nothing.
struct Nothing(bool);

#[async_trait]
impl<C: Send + 'static> ItemFeed<C> for Nothing {
    async fn next(&mut self) -> Result<Option<ItemPage<C>>> {
        if std::mem::replace(&mut self.0, true) {
            return Ok(None);
        }
        let cursor = Some(ItemCursor("nothing".to_owned()));
        Ok(Some(ItemPage { scope: Scope::Full, changes: Vec::new(), cursor, server_time: None }))
    }
}

pub fn bent_feed<C: Send + 'static>(
    defect: Defect,
    since: Option<&ItemCursor>,
    feed: Result<Box<dyn ItemFeed<C>>>,
    bend: fn(Defect, Vec<C>) -> Vec<C>,
) -> Result<Box<dyn ItemFeed<C>>> {
    match feed {
        Ok(inner) => Ok(Box::new(BentFeed { defect, inner, given: since.cloned(), bend, is_over: false })),
        Err(fault) => {
            let is_vanished = fault.class == ErrorClass::Permanent;
            match defect {
                D::VanishedTakenForEmpty if is_vanished => Ok(Box::new(Nothing(false))),
                D::FailureTakenForEmptiness if !is_vanished => Ok(Box::new(Nothing(false))),
                _ => Err(bent_fault(defect, fault)),
            }
        }
    }
}

pub fn bent_fault(defect: Defect, mut fault: Fault) -> Fault {
    match defect {
        D::NoPauseTold => fault.retry_after_ms = None,
        D::LoginToldTransient if fault.class == ErrorClass::Login => fault.class = ErrorClass::Transient,
        _ => {}
    }
    fault
}

pub fn bent_written<T>(defect: Defect, written: Written<T>) -> Written<T> {
    written.map_err(|mut failed| {
        match defect {
            D::UnknownToldNotDone => failed.reach = Reach::NotDone,
            D::NotDoneToldUnknown => failed.reach = Reach::Unknown,
            _ => {}
        }
        failed.fault = bent_fault(defect, failed.fault);
        failed
    })
}

pub fn lose_one<C>(changes: &mut Vec<C>) {
    if changes.len() > 1 {
        changes.pop();
    }
}

/// Marks that are never the same.
#[derive(Clone, Default)]
pub struct Marks(Arc<AtomicU64>);

impl Marks {
    pub fn bent(&self, defect: Defect, mark: Mark) -> Mark {
        match defect {
            D::AnotherMarkEachTime => Mark::new(7, mark.intent() * 1_000 + self.0.fetch_add(1, Relaxed)),
            _ => mark,
        }
    }
}

pub fn made(defect: Defect, making: Making) -> Making {
    match making {
        Making::Taken(one) if defect == D::TakenToldMade => Making::Made(one),
        making => making,
    }
}

pub struct BentContacts {
    pub inner: Box<dyn ContactRemote>,
    pub defect: Defect,
    marks: Marks,
}

impl BentContacts {
    pub fn new(inner: Box<dyn ContactRemote>, defect: Defect) -> Self {
        Self { inner, defect, marks: Marks::default() }
    }
}

fn bent_contact(defect: Defect, mut contact: RemoteContact) -> RemoteContact {
    match defect {
        D::MarkNotCarried => contact.mark = None,
        D::ChangedNotTold => contact.changed = None,
        D::FormerKeysNotTold => contact.former_keys.clear(),
        _ => {}
    }
    contact
}

fn bent_contacts(defect: Defect, mut changes: Vec<ContactChange>) -> Vec<ContactChange> {
    if defect == D::TombstonesDropped {
        changes.retain(|change| matches!(change, ContactChange::Put(_)));
    }
    if defect == D::OneItemLost {
        lose_one(&mut changes);
    }
    let bend = |change| match change {
        ContactChange::Put(contact) => ContactChange::Put(Box::new(bent_contact(defect, *contact))),
        ContactChange::Gone { key, .. } if defect == D::LeftToldDeleted => {
            ContactChange::Gone { key, why: Leaving::Deleted }
        }
        gone => gone,
    };
    changes.into_iter().map(bend).collect()
}

#[async_trait]
impl ContactRemote for BentContacts {
    fn capabilities(&self) -> ContactCapabilities {
        let mut can = self.inner.capabilities();
        if self.defect == D::HoldsAllFields {
            can.fields.extend(postrider_model::ContactField::ALL);
        }
        can
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.inner.collections().await.map_err(|fault| bent_fault(self.defect, fault))
    }

    async fn make_collection(&self, name: &str, mark: Mark) -> Written<Making> {
        let making = self.inner.make_collection(name, mark).await;
        bent_written(self.defect, making).map(|making| made(self.defect, making))
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ContactChange>>> {
        bent_feed(self.defect, since, self.inner.changes(collection, since).await, bent_contacts)
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ContactChange>> {
        let fetched = self.inner.fetch(collection, keys).await;
        let mut changes = fetched.map_err(|fault| bent_fault(self.defect, fault))?;
        if self.defect == D::GoneNotFetched {
            changes.retain(|change| matches!(change, ContactChange::Put(_)));
        }
        Ok(match self.defect {
            D::TombstonesDropped | D::OneItemLost => changes,
            defect => bent_contacts(defect, changes),
        })
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &ContactOp,
    ) -> Written<ItemApplied<RemoteContact>> {
        let defect = self.defect;
        let mut op = op.clone();
        if let (D::LeavingDeletes, ContactOp::Leave { key }) = (defect, &op)
            && let Ok([ContactChange::Put(now)]) =
                self.inner.fetch(collection, std::slice::from_ref(key)).await.as_deref()
        {
            op = ContactOp::Delete { key: key.clone(), version: now.version.clone() };
        }
        let applied = self.inner.apply(collection, self.marks.bent(defect, mark), &op).await;
        let mut applied = bent_written(defect, applied)?;
        if let (D::StaleWrittenOver, ItemApplied::Stale, ContactOp::Update { key, contact, .. }) =
            (defect, &applied, &op)
            && let Ok([ContactChange::Put(now)]) =
                self.inner.fetch(collection, std::slice::from_ref(key)).await.as_deref()
        {
            let (version, was, contact) =
                (now.version.clone(), Box::new(now.contact.clone()), contact.clone());
            let op = ContactOp::Update { key: key.clone(), version, was, contact };
            applied = self.inner.apply(collection, mark, &op).await?;
        }
        Ok(match (applied, &op) {
            (ItemApplied::Gone, _) if defect == D::GoneToldStale => ItemApplied::Stale,
            (ItemApplied::Done(mut now), op) => {
                match op {
                    ContactOp::Create { contact } | ContactOp::Update { contact, .. }
                        if defect == D::AnswersWhatWasSent =>
                    {
                        now.contact = (**contact).clone();
                    }
                    ContactOp::Update { version, .. } if defect == D::VersionStays => {
                        now.version = version.clone();
                    }
                    _ => {}
                }
                ItemApplied::Done(Box::new(bent_contact(defect, *now)))
            }
            (applied, _) => applied,
        })
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteContact>> {
        let found =
            self.inner.find(collection, mark).await.map_err(|fault| bent_fault(self.defect, fault))?;
        Ok(found.filter(|_| self.defect != D::MarkNotFound).map(|one| bent_contact(self.defect, one)))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
