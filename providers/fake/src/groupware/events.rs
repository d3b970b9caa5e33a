//! Activities as they are told: single items, listings, whose calendar it is, and when people have no time.

use std::collections::{BTreeSet, VecDeque};

use postrider_model::{
    Activity, CollectionKey, CollectionKind, Content, ItemCursor, ItemKey, Mark, Occurrence, Own, People,
    Response, Scope, ShowAs, Status, Timestamp,
};
use postrider_remote::{
    Access, ActivityChange, BusyTime, CalendarCapabilities, FreeBusy, ItemPage, RemoteActivity, Standing,
};

use super::habits::Writing;
use super::listing::{Since, listed};
use super::shelf::{Homed, Rev, Shelf};
use super::state::{Act, Event, Refusal, State, breach, fold, refused};
use super::zones;

/// Whose activities a collection shows, and how much of them.
struct View {
    account: String,
    collection: CollectionKey,
    access: Access,
    is_shared: bool,
}

impl State {
    pub fn calendar_capabilities(&self) -> CalendarCapabilities {
        let mut kinds = self.habits.kinds.clone();
        kinds.remove(&CollectionKind::AddressBook);
        CalendarCapabilities {
            kinds,
            fields: self.habits.activity_fields.clone(),
            shows_only_busy_or_free: self.habits.shows_only_busy_or_free,
            is_delete_conditional: !self.habits.splits_series,
            delivers_without_mail: self.habits.delivers_without_mail,
            mails_outsiders_regardless: self.habits.mails_outsiders_regardless,
            lag_ms: 0,
        }
    }

    fn view(&self, account: &str, collection: &CollectionKey) -> Result<View, Refusal> {
        let found = self.collection(account, collection)?;
        if found.kind == CollectionKind::AddressBook {
            return refused("it holds no activities");
        }
        let (whose, source) =
            found.source.clone().unwrap_or_else(|| (account.to_owned(), collection.clone()));
        // Who shares a calendar may have deleted it.
        self.collection(&whose, &source)?;
        let is_shared = found.source.is_some();
        Ok(View { account: whose, collection: source, access: found.access, is_shared })
    }

    /// The stamp by which a version is made: of times of one series that stand within it, the newest of all.
    fn version_stamp(&self, account: &str, key: &ItemKey, event: &Event, stamp: u64) -> u64 {
        if !self.habits.splits_series {
            return stamp;
        }
        let series = event.master.as_ref().unwrap_or(key);
        self.series(account, series).map(|(_, stamp)| stamp).chain([stamp]).max().unwrap_or(stamp)
    }

    /// The items of a series, the series among them, each with the stamp of its newest change; gone ones too.
    fn series(&self, account: &str, series: &ItemKey) -> impl Iterator<Item = (ItemKey, u64)> {
        let entries = self.accounts.get(account).into_iter().flat_map(|account| account.activities.iter());
        let of_series = entries.filter_map(|(key, entry)| {
            let rev = entry.rev()?;
            let master = rev.is.as_ref().and_then(|event| event.master.as_ref());
            (key == series || master == Some(series)).then(|| (key.clone(), rev.stamp))
        });
        of_series.collect::<Vec<_>>().into_iter()
    }

    /// An activity as it is told.
    fn activity_at(
        &self,
        view: &View,
        key: &ItemKey,
        mark: Option<Mark>,
        rev: &Rev<Event>,
    ) -> Option<RemoteActivity> {
        let event = rev.is.as_ref()?;
        let stamp = self.version_stamp(&view.account, key, event, rev.stamp);
        let mut told = RemoteActivity {
            key: key.clone(),
            version: self.version(stamp),
            mark,
            activity: event.activity.clone(),
            own: event.own.clone(),
            standing: event.standing,
            guests_hidden: event.standing == Standing::Attendee && event.hides_guests,
            is_free_busy_only: false,
            is_read_only: event.read_only,
            master: event.master.clone(),
            changed: Some(rev.changed),
        };
        if is_taken_out(event) {
            told.activity = Activity::new(event.activity.kind, "");
            if self.habits.writing == Writing::Exchange {
                told.activity.uid.clone_from(&event.activity.uid);
            }
            told.activity.occurrence = event.activity.occurrence;
            told.activity.content.status = Status::Cancelled;
            told.own = Own::default();
        }
        if view.is_shared {
            told.standing = Standing::Unknown;
            told.own = Own { show_as: event.own.show_as, ..Own::default() };
            told.is_read_only = true;
        }
        if view.access == Access::FreeBusy {
            told.mark = None;
            told.is_free_busy_only = true;
            told.activity.content = Content { status: told.activity.content.status, ..Content::default() };
            told.activity.people = People::default();
        }
        Some(told)
    }

    /// An activity as it is.
    pub fn activity_now(&self, account: &str, key: &ItemKey) -> Option<RemoteActivity> {
        let entry = self.accounts.get(account)?.activities.get(key)?;
        let collection = entry.now()?.collection.clone();
        let view = View { account: account.to_owned(), collection, access: Access::Write, is_shared: false };
        self.activity_at(&view, key, entry.mark, entry.rev()?)
    }

    pub fn list_activities(
        &mut self,
        account: &str,
        collection: &CollectionKey,
        cursor: Option<&ItemCursor>,
    ) -> Result<VecDeque<ItemPage<ActivityChange>>, Refusal> {
        let view = self.view(account, collection)?;
        let since = self.since(account, collection, cursor)?;
        let (shelf, horizon) = (&self.account(&view.account)?.activities, self.stamp);
        let mut keys = BTreeSet::new();
        let mut series = BTreeSet::new();
        for (key, entry, rev) in listed(shelf, &view.collection, since, horizon, false) {
            let Some(event) = entry.last() else { continue };
            if self.habits.splits_series {
                series.extend(event.master.clone().or_else(|| event.activity.recurs().then(|| key.clone())));
            }
            if rev.is.is_some() || self.is_told_gone(shelf, event) {
                keys.insert(key.clone());
            }
        }
        let mut told = Vec::new();
        for master in series {
            let is_there = |key: &ItemKey| {
                shelf
                    .get(key)
                    .and_then(|entry| entry.now())
                    .is_some_and(|event| event.is_in(&view.collection))
            };
            if !is_there(&master) {
                continue;
            }
            let items: Vec<ItemKey> =
                self.series(&view.account, &master).map(|(key, _)| key).filter(is_there).collect();
            keys.extend(items.iter().cloned());
            let occurrences = items.into_iter().filter(|key| *key != master).collect();
            told.push(ActivityChange::Series { master, occurrences });
        }
        let mut changes: Vec<ActivityChange> =
            keys.iter().filter_map(|key| self.activity_change(&view, key)).collect();
        changes.append(&mut told);
        let scope = if since == Since::Nothing { Scope::Full } else { Scope::Delta };
        let cursor = self.cursor(account, collection, horizon);
        Ok(self.pages(scope, changes, cursor))
    }

    /// Whether it is said of an item that it is gone: of a time of a series that stands within it, what is left says so; of one whose series
    /// is gone, that.
    fn is_told_gone(&self, shelf: &Shelf<Event>, event: &Event) -> bool {
        let Some(master) = &event.master else { return true };
        !self.habits.splits_series && shelf.get(master).is_none_or(|series| series.now().is_some())
    }

    fn activity_change(&self, view: &View, key: &ItemKey) -> Option<ActivityChange> {
        let entry = self.accounts.get(&view.account)?.activities.get(key)?;
        let is_there = entry.now().is_some_and(|event| event.is_in(&view.collection));
        let told = self.activity_at(view, key, entry.mark, entry.rev()?).filter(|_| is_there);
        Some(match told {
            Some(told) => ActivityChange::Put(Box::new(told)),
            None => ActivityChange::Gone { key: key.clone() },
        })
    }

    /// What these are now.
    pub fn fetch_activities(
        &self,
        account: &str,
        collection: &CollectionKey,
        keys: &[ItemKey],
    ) -> Result<Vec<ActivityChange>, Refusal> {
        let view = self.view(account, collection)?;
        let one = |key: &ItemKey| match self.activity_change(&view, key) {
            Some(change) => Ok(change),
            None => breach(format!("{} never was an activity", key.0)),
        };
        keys.iter().map(one).collect()
    }

    pub fn find_activity(
        &self,
        account: &str,
        collection: &CollectionKey,
        mark: Mark,
    ) -> Result<Option<RemoteActivity>, Refusal> {
        let view = self.view(account, collection)?;
        let living = self.account(&view.account)?.activities.living();
        let mut marked =
            living.filter(|(_, entry, event)| entry.mark == Some(mark) && event.is_in(&view.collection));
        Ok(marked.find_map(|(key, entry, _)| self.activity_at(&view, key, entry.mark, entry.rev()?)))
    }

    /// A new state of an activity; `since` keeps the time of its last change.
    pub fn put_event(
        &mut self,
        act: &Act<'_>,
        key: &ItemKey,
        event: Option<Event>,
        since: Option<Timestamp>,
    ) -> Result<(), Refusal> {
        let rev = self.rev(event, since);
        self.account_mut(act.by)?.activities.put(key, act.mark, rev);
        Ok(())
    }

    /// The living item of a meeting in an account, by its uid and time; of those who were asked, or of the organizer.
    pub fn meeting(
        &self,
        account: &str,
        uid: &str,
        occurrence: Option<Occurrence>,
        standing: Standing,
    ) -> Option<(ItemKey, Event)> {
        let mut living = self.accounts.get(account)?.activities.living();
        let found = living.find(|(_, _, event)| {
            event.activity.uid == uid && event.activity.occurrence == occurrence && event.standing == standing
        });
        found.map(|(key, _, event)| (key.clone(), event.clone()))
    }

    /// The items of times of a series, living ones.
    pub fn times_of(&self, account: &str, series: &ItemKey) -> Vec<(ItemKey, Event)> {
        let living = self.accounts.get(account).into_iter().flat_map(|account| account.activities.living());
        let times = living.filter(|(_, _, event)| event.master.as_ref() == Some(series));
        times.map(|(key, _, event)| (key.clone(), event.clone())).collect()
    }

    /// When somebody has no time. Of a series only its first time counts, and those that have an item.
    pub fn free_busy(&self, email: &str, from: Timestamp, until: Timestamp) -> FreeBusy {
        let Some(account) = self.accounts.get(&fold(email)) else {
            return FreeBusy {
                email: email.to_owned(),
                times: Err("there is no such person here".to_owned()),
            };
        };
        let taken = |event: &Event| {
            event.own.show_as != ShowAs::Free
                && event.activity.content.status != Status::Cancelled
                && event.own.response != Some(Response::Declined)
                && event.activity.kind == postrider_model::ActivityKind::Appointment
        };
        let busy = |key: &ItemKey, event: &Event| {
            let timing = &event.activity.timing;
            let (begins, ends) =
                (zones::instant(timing.start.as_ref()?)?, zones::instant(timing.end.as_ref()?)?);
            let replaced = zones::first(&event.activity).filter(|_| event.activity.recurs());
            let times = account.activities.living();
            let is_replaced = replaced.is_some()
                && times
                    .map(|(.., time)| time)
                    .any(|time| time.master.as_ref() == Some(key) && time.activity.occurrence == replaced);
            let time =
                BusyTime { from: begins.max(from), until: ends.min(until), show_as: event.own.show_as };
            (time.from < time.until && !is_replaced).then_some(time)
        };
        let living = account.activities.living().filter(|(_, _, event)| taken(event));
        let mut times: Vec<BusyTime> = living.filter_map(|(key, _, event)| busy(key, event)).collect();
        times.sort_by_key(|time| (time.from, time.until));
        FreeBusy { email: email.to_owned(), times: Ok(times) }
    }
}

/// Whether it is a time that was taken out of its series.
pub(super) fn is_taken_out(event: &Event) -> bool {
    event.activity.occurrence.is_some() && event.activity.content.status == Status::Cancelled
}
