//! Providers of calendars that do one thing wrong each.

use async_trait::async_trait;
use postrider_model::{
    Activity, CollectionKey, CollectionKind, ErrorClass, ItemCursor, ItemKey, Mark, Status, Timestamp,
};
use postrider_remote::{
    ActivityChange, CalendarCapabilities, CalendarOp, CalendarRemote, FreeBusy, ItemApplied, ItemFeed,
    Making, RemoteActivity, RemoteCollection, Result, Standing, Target, Written,
};

use super::bent::{Defect, Defect as D, Marks, bent_fault, bent_feed, bent_written, lose_one, made};

pub struct BentCalendars {
    pub inner: Box<dyn CalendarRemote>,
    pub defect: Defect,
    marks: Marks,
}

impl BentCalendars {
    pub fn new(inner: Box<dyn CalendarRemote>, defect: Defect) -> Self {
        Self { inner, defect, marks: Marks::default() }
    }
}

fn bent_activity(defect: Defect, mut is: RemoteActivity) -> RemoteActivity {
    match defect {
        D::MarkNotCarried => is.mark = None,
        D::ChangedNotTold => is.changed = None,
        D::MasterNotTold => is.master = None,
        D::OccurrenceNotTold => is.activity.occurrence = None,
        D::StandingNotTold => is.standing = Standing::Unknown,
        D::HiddenGuestsNotTold => is.guests_hidden = false,
        D::FreeBusyNotTold => is.is_free_busy_only = false,
        D::FrozenNotTold => is.is_read_only = false,
        D::OwnResponseLost => is.own.response = None,
        _ => {}
    }
    is
}

fn bent_activities(defect: Defect, mut changes: Vec<ActivityChange>) -> Vec<ActivityChange> {
    match defect {
        D::TombstonesDropped => changes.retain(|one| !matches!(one, ActivityChange::Gone { .. })),
        D::SeriesNotTold => changes.retain(|one| !matches!(one, ActivityChange::Series { .. })),
        D::OneItemLost => lose_one(&mut changes),
        _ => {}
    }
    let bend = |change| match change {
        ActivityChange::Put(is)
            if defect == D::TakenOutToldGone
                && is.activity.occurrence.is_some()
                && is.activity.content.status == Status::Cancelled =>
        {
            ActivityChange::Gone { key: is.key }
        }
        ActivityChange::Put(is) => ActivityChange::Put(Box::new(bent_activity(defect, *is))),
        other => other,
    };
    changes.into_iter().map(bend).collect()
}

fn bent_op(defect: Defect, op: &CalendarOp) -> CalendarOp {
    let mut op = op.clone();
    if let CalendarOp::Create { notify, .. }
    | CalendarOp::Update { notify, .. }
    | CalendarOp::Respond { notify, .. }
    | CalendarOp::Delete { notify, .. }
    | CalendarOp::Cancel { notify, .. } = &mut op
    {
        match defect {
            D::NotifiesAlways => *notify = true,
            D::NotifiesNever => *notify = false,
            _ => {}
        }
    }
    op
}

impl BentCalendars {
    async fn now(&self, collection: &CollectionKey, key: &ItemKey) -> Option<RemoteActivity> {
        match self.inner.fetch(collection, std::slice::from_ref(key)).await.ok()?.pop()? {
            ActivityChange::Put(now) => Some(*now),
            _ => None,
        }
    }
}

#[async_trait]
impl CalendarRemote for BentCalendars {
    fn capabilities(&self) -> CalendarCapabilities {
        let mut can = self.inner.capabilities();
        match self.defect {
            D::HoldsAllFields => can.fields.extend(postrider_model::ActivityField::ALL),
            D::DeliversToldWrong => can.delivers_without_mail = !can.delivers_without_mail,
            _ => {}
        }
        can
    }

    fn expresses(&self, activity: &Activity) -> std::result::Result<(), String> {
        if self.defect == D::ExpressesAll { Ok(()) } else { self.inner.expresses(activity) }
    }

    async fn collections(&self) -> Result<Vec<RemoteCollection>> {
        self.inner.collections().await.map_err(|fault| bent_fault(self.defect, fault))
    }

    async fn make_collection(&self, kind: CollectionKind, name: &str, mark: Mark) -> Written<Making> {
        let making = self.inner.make_collection(kind, name, mark).await;
        bent_written(self.defect, making).map(|making| made(self.defect, making))
    }

    async fn rename_collection(&self, collection: &CollectionKey, name: &str) -> Written<()> {
        if self.defect == D::RenamingDoesNothing {
            return Ok(());
        }
        self.inner.rename_collection(collection, name).await
    }

    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>> {
        bent_feed(self.defect, since, self.inner.changes(collection, since).await, bent_activities)
    }

    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ActivityChange>> {
        let fetched = self.inner.fetch(collection, keys).await;
        let mut changes = fetched.map_err(|fault| bent_fault(self.defect, fault))?;
        if self.defect == D::GoneNotFetched {
            changes.retain(|change| matches!(change, ActivityChange::Put(_)));
        }
        Ok(match self.defect {
            D::TombstonesDropped | D::OneItemLost => changes,
            defect => bent_activities(defect, changes),
        })
    }

    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>> {
        let defect = self.defect;
        let op = bent_op(defect, op);
        let applied = self.inner.apply(collection, self.marks.bent(defect, mark), &op).await;
        let mut applied = bent_written(defect, applied);
        let key = match op.target() {
            Some(Target::Item { key, .. }) => Some(key.clone()),
            _ => None,
        };
        if let (D::RefusalTakenForDone, Err(failed), Some(key)) = (defect, &applied, &key)
            && failed.fault.class == ErrorClass::Permanent
            && let Some(now) = self.now(collection, key).await
        {
            applied = Ok(ItemApplied::Done(Box::new(now)));
        }
        if let (D::StaleWrittenOver, Ok(ItemApplied::Stale), Some(key)) = (defect, &applied, &key)
            && let CalendarOp::Update { activity, notify, .. } = &op
            && let Some(now) = self.now(collection, key).await
        {
            let target = Target::Item { key: key.clone(), version: now.version.clone() };
            let (was, activity) = (Box::new(now.activity.clone()), activity.clone());
            let op = CalendarOp::Update { target, was, activity, notify: *notify };
            applied = self.inner.apply(collection, mark, &op).await;
        }
        Ok(match (applied?, &op) {
            (ItemApplied::Gone, _) if defect == D::GoneToldStale => ItemApplied::Stale,
            (ItemApplied::Done(mut now), op) => {
                match op {
                    CalendarOp::Create { activity, .. } if defect == D::GivenUidKept => {
                        now.activity.uid.clone_from(&activity.uid);
                    }
                    CalendarOp::UpdateOwn { own, .. } if defect == D::AnswersWhatWasSent => {
                        now.own = (**own).clone();
                    }
                    CalendarOp::Update { target: Target::Item { version, .. }, .. }
                        if defect == D::VersionStays =>
                    {
                        now.version = version.clone()
                    }
                    _ => {}
                }
                ItemApplied::Done(Box::new(bent_activity(defect, *now)))
            }
            (applied, _) => applied,
        })
    }

    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>> {
        let found =
            self.inner.find(collection, mark).await.map_err(|fault| bent_fault(self.defect, fault))?;
        Ok(found.filter(|_| self.defect != D::MarkNotFound).map(|one| bent_activity(self.defect, one)))
    }

    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>> {
        let told = self.inner.free_busy(people, from, until).await;
        let told = told.map_err(|fault| bent_fault(self.defect, fault))?;
        let bend = |mut one: FreeBusy| {
            if self.defect == D::StrangerTakenForFree && one.times.is_err() {
                one.times = Ok(Vec::new());
            }
            one
        };
        Ok(told.into_iter().map(bend).collect())
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
