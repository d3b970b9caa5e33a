//! "Somebody else": what another client of an account does, and the plain view of what is there.
//!
//! Rule: it does what a client of a real server could, under the server's rules but not under our contract: it needs no version, and may have
//! mail sent as it likes. Collections are named as people name them.

use postrider_model::{
    Activity, CollectionKey, CollectionKind, Contact, ItemKey, ItemVersion, Occurrence, Own, Response,
};
use postrider_remote::{
    Access, CalendarOp, ContactOp, ItemApplied, Making, RemoteActivity, RemoteContact, Target,
};

use super::habits::Writing;
use super::shelf::Homed;
use super::state::{Account, Act, Collection, Refusal, State};
use super::{CoreResult, Groupware};

/// A hand on one account.
#[derive(Clone, Debug)]
pub struct Somebody {
    server: Groupware,
    account: String,
}

impl Somebody {
    pub(super) fn new(server: Groupware, account: String) -> Self {
        Self { server, account }
    }

    fn act(&self) -> Act<'_> {
        Act { by: &self.account, mark: None, strict: false }
    }

    fn on<T>(&self, act: impl FnOnce(&mut State) -> Result<T, Refusal>) -> CoreResult<T> {
        act(&mut self.server.lock()).map_err(|refusal| refusal.cause)
    }

    /// What every account has from the beginning.
    pub(super) fn furnish(&self) {
        let mut state = self.server.lock();
        if state.accounts.contains_key(&self.account) {
            return;
        }
        let kinds = state.habits.kinds.clone();
        let mut account = Account::default();
        for kind in kinds {
            let (key, name) = match (state.habits.writing, kind) {
                (Writing::Google, CollectionKind::AddressBook) => {
                    ("contactGroups/myContacts".to_owned(), "myContacts".to_owned())
                }
                (Writing::Google, _) => (self.account.clone(), self.account.clone()),
                (Writing::Exchange, CollectionKind::AddressBook) => {
                    (state.collection_key(kind).0, "Contacts".to_owned())
                }
                (Writing::Exchange, CollectionKind::Calendar) => {
                    (state.collection_key(kind).0, "Calendar".to_owned())
                }
                (Writing::Exchange, CollectionKind::TaskList) => {
                    (state.collection_key(kind).0, "Tasks".to_owned())
                }
            };
            let collection =
                Collection { name, kind, is_default: true, access: Access::Write, mark: None, source: None };
            account.collections.insert(CollectionKey(key), collection);
        }
        state.accounts.insert(self.account.clone(), account);
    }

    /// The collection of that kind and name.
    pub fn collection(&self, kind: CollectionKind, name: &str) -> CoreResult<CollectionKey> {
        self.on(|state| {
            let all = state.collections(&self.account, |one| one == kind)?;
            let found = all.into_iter().find(|one| one.name == name);
            found.map_or_else(|| super::state::refused(format!("there is no {name}")), |one| Ok(one.key))
        })
    }

    /// The account's own collection of that kind.
    pub fn own_collection(&self, kind: CollectionKind) -> CoreResult<CollectionKey> {
        self.on(|state| {
            let all = state.collections(&self.account, |one| one == kind)?;
            let found = all.into_iter().find(|one| one.is_default);
            found.map_or_else(|| super::state::refused("there is none of that kind"), |one| Ok(one.key))
        })
    }

    /// Makes a collection; one of that name is answered as it is.
    pub fn make_collection(&self, kind: CollectionKind, name: &str) -> CoreResult<CollectionKey> {
        self.on(|state| {
            state.make_collection(&self.account, kind, name, None).map(|making| match making {
                Making::Made(one) | Making::Taken(one) => one.key,
            })
        })
    }

    /// Renames a collection.
    pub fn rename_collection(&self, key: &CollectionKey, name: &str) -> CoreResult<()> {
        self.on(|state| state.rename_collection(&self.account, key, name))
    }

    /// What the account may do with a collection from now on.
    pub fn grant(&self, key: &CollectionKey, access: Access) -> CoreResult<()> {
        self.on(|state| {
            match state.account_mut(&self.account)?.collections.get_mut(key) {
                Some(collection) => collection.access = access,
                None => return super::state::refused("there is no such collection"),
            }
            Ok(())
        })
    }

    /// Deletes a collection; contacts of a group stay in the account.
    pub fn delete_collection(&self, key: &CollectionKey) -> CoreResult<()> {
        self.on(|state| state.delete_collection(&self.account, key))
    }

    /// Shows a calendar to another account, which finds it among its own.
    pub fn share(&self, calendar: &CollectionKey, with: &str, access: Access) -> CoreResult<CollectionKey> {
        let with = super::state::fold(with);
        self.on(|state| {
            let name = format!("{} of {}", state.collection(&self.account, calendar)?.name, self.account);
            let kind = CollectionKind::Calendar;
            let key = state.collection_key(kind);
            let collection = Collection {
                name,
                kind,
                is_default: false,
                // Those who may write there come with the real servers' heads.
                access: access.min(Access::Read),
                mark: None,
                source: Some((self.account.clone(), calendar.clone())),
            };
            state.account_mut(&with)?.collections.insert(key.clone(), collection);
            Ok(key)
        })
    }

    fn contact(&self, book: &CollectionKey, op: &ContactOp) -> CoreResult<ItemApplied<RemoteContact>> {
        self.on(|state| state.apply_contact(&self.act(), book, op))
    }

    fn contact_version(&self, key: &ItemKey) -> CoreResult<RemoteContact> {
        let found = self.server.lock().contact_now(&self.account, key);
        found.ok_or_else(|| format!("there is no contact {}", key.0))
    }

    /// Adds a contact; its key.
    pub fn add_contact(&self, book: &CollectionKey, contact: &Contact) -> CoreResult<ItemKey> {
        let made = self.contact(book, &ContactOp::Create { contact: Box::new(contact.clone()) })?;
        made.done().map(|made| made.key).ok_or_else(|| "it is not there".to_owned())
    }

    /// Changes a contact.
    pub fn change_contact(
        &self,
        book: &CollectionKey,
        key: &ItemKey,
        change: impl FnOnce(&mut Contact),
    ) -> CoreResult<()> {
        let RemoteContact { version, contact: was, .. } = self.contact_version(key)?;
        let mut contact = was.clone();
        change(&mut contact);
        let op =
            ContactOp::Update { key: key.clone(), version, was: Box::new(was), contact: Box::new(contact) };
        self.contact(book, &op).map(drop)
    }

    /// Deletes a contact from the account.
    pub fn delete_contact(&self, book: &CollectionKey, key: &ItemKey) -> CoreResult<()> {
        let version = self.contact_version(key)?.version;
        self.contact(book, &ContactOp::Delete { key: key.clone(), version }).map(drop)
    }

    /// Puts a contact into a group.
    pub fn join(&self, group: &CollectionKey, key: &ItemKey) -> CoreResult<()> {
        self.contact(group, &ContactOp::Join { key: key.clone() }).map(drop)
    }

    /// Takes a contact out of a group.
    pub fn leave(&self, group: &CollectionKey, key: &ItemKey) -> CoreResult<()> {
        self.contact(group, &ContactOp::Leave { key: key.clone() }).map(drop)
    }

    /// Moves a contact to another folder; its new key.
    pub fn move_contact(&self, key: &ItemKey, to: &CollectionKey) -> CoreResult<ItemKey> {
        self.on(|state| state.move_contact(&self.account, key, to))
    }

    /// Has the server give a contact another key, as it does when a profile is linked to it; the new one.
    pub fn rekey_contact(&self, key: &ItemKey) -> CoreResult<ItemKey> {
        self.on(|state| state.rekey_contact(&self.account, key))
    }

    /// Makes one contact of several, which says what the first says: under the first one's key, or under a new one; its key.
    pub fn merge_contacts(&self, keys: &[ItemKey], keeps_key: bool) -> CoreResult<ItemKey> {
        self.on(|state| state.merge_contacts(&self.account, keys, keeps_key))
    }

    /// What is in an address book now, whatever a listing shows.
    pub fn contacts(&self, book: &CollectionKey) -> Vec<RemoteContact> {
        let state = self.server.lock();
        let Some(account) = state.accounts.get(&self.account) else { return Vec::new() };
        let living = account.contacts.living().filter(|(.., card)| card.is_in(book));
        living.filter_map(|(key, ..)| state.contact_now(&self.account, key)).collect()
    }

    fn change(&self, calendar: &CollectionKey, op: &CalendarOp) -> CoreResult<ItemApplied<RemoteActivity>> {
        self.on(|state| state.apply_activity(&self.act(), calendar, op))
    }

    fn target(&self, key: &ItemKey, occurrence: Option<Occurrence>) -> CoreResult<(CollectionKey, Target)> {
        let state = self.server.lock();
        let entry = state.accounts.get(&self.account).and_then(|account| account.activities.get(key)?.now());
        let there = entry.zip(state.activity_now(&self.account, key));
        let Some((event, now)) = there else { return Err(format!("there is no activity {}", key.0)) };
        let item = |key: &ItemKey, version: ItemVersion| Target::Item { key: key.clone(), version };
        let target = match occurrence {
            None => item(key, now.version),
            Some(occurrence) => {
                let times = state.times_of(&self.account, key);
                let time = times.iter().find(|(_, time)| time.activity.occurrence == Some(occurrence));
                let time = time.and_then(|(key, _)| state.activity_now(&self.account, key));
                match time {
                    Some(time) => item(&time.key, time.version),
                    None => Target::Occurrence { master: key.clone(), version: now.version, occurrence },
                }
            }
        };
        Ok((event.collection.clone(), target))
    }

    /// Adds an activity, with mail to those who take part or without; its key.
    pub fn add_activity(
        &self,
        calendar: &CollectionKey,
        activity: &Activity,
        own: &Own,
        notify: bool,
    ) -> CoreResult<ItemKey> {
        let (activity, own) = (Box::new(activity.clone()), Box::new(own.clone()));
        let made = self.change(calendar, &CalendarOp::Create { activity, own, notify })?;
        made.done().map(|made| made.key).ok_or_else(|| "it is not there".to_owned())
    }

    /// Changes an activity, or one time of a series.
    pub fn change_activity(
        &self,
        key: &ItemKey,
        occurrence: Option<Occurrence>,
        change: impl FnOnce(&mut Activity),
        notify: bool,
    ) -> CoreResult<()> {
        let (calendar, target) = self.target(key, occurrence)?;
        let was = match &target {
            Target::Item { key, .. } => self.activity(key).map(|now| now.activity),
            Target::Occurrence { .. } => {
                let series = self.activity(key);
                series.zip(occurrence).and_then(|(series, at)| super::zones::time_of(&series.activity, at))
            }
        };
        let was = was.ok_or_else(|| "there is no such time".to_owned())?;
        let mut activity = was.clone();
        change(&mut activity);
        let (was, activity) = (Box::new(was), Box::new(activity));
        self.change(&calendar, &CalendarOp::Update { target, was, activity, notify }).map(drop)
    }

    /// Changes what the user alone has.
    pub fn change_own(&self, key: &ItemKey, change: impl FnOnce(&mut Own)) -> CoreResult<()> {
        let (calendar, target) = self.target(key, None)?;
        let was = self.activity(key).map(|now| now.own).ok_or_else(|| "it is gone".to_owned())?;
        let mut own = was.clone();
        change(&mut own);
        let op = CalendarOp::UpdateOwn { target, was: Box::new(was), own: Box::new(own) };
        self.change(&calendar, &op).map(drop)
    }

    /// Answers an invitation, with mail to the organizer.
    pub fn respond(
        &self,
        key: &ItemKey,
        occurrence: Option<Occurrence>,
        response: Response,
    ) -> CoreResult<()> {
        let (calendar, target) = self.target(key, occurrence)?;
        self.change(&calendar, &CalendarOp::Respond { target, response, notify: true }).map(drop)
    }

    /// Deletes the user's item, without a word.
    pub fn delete_activity(&self, key: &ItemKey, occurrence: Option<Occurrence>) -> CoreResult<()> {
        let (calendar, target) = self.target(key, occurrence)?;
        self.change(&calendar, &CalendarOp::Delete { target, notify: false }).map(drop)
    }

    /// Calls an activity off, or one time of it, with mail to those who take part.
    pub fn cancel(&self, key: &ItemKey, occurrence: Option<Occurrence>) -> CoreResult<()> {
        let (calendar, target) = self.target(key, occurrence)?;
        self.change(&calendar, &CalendarOp::Cancel { target, notify: true }).map(drop)
    }

    fn bend(&self, key: &ItemKey, bend: impl FnOnce(&mut super::state::Event)) -> CoreResult<()> {
        self.on(|state| {
            let entry = state.account(&self.account)?.activities.get(key).and_then(|entry| entry.now());
            let Some(mut event) = entry.cloned() else { return super::state::refused("it is not there") };
            bend(&mut event);
            state.put_event(&self.act(), key, Some(event), None)
        })
    }

    /// Those who take part do not see one another any more.
    pub fn hide_guests(&self, key: &ItemKey) -> CoreResult<()> {
        self.bend(key, |event| event.hides_guests = true)?;
        self.on(|state| state.deliver(&self.act(), key, &[], true))
    }

    /// Nobody may change it any more, as what the server made by itself.
    pub fn freeze(&self, key: &ItemKey) -> CoreResult<()> {
        self.bend(key, |event| event.read_only = true)
    }

    /// An activity as it is now.
    pub fn activity(&self, key: &ItemKey) -> Option<RemoteActivity> {
        self.server.lock().activity_now(&self.account, key)
    }

    /// All that is in the account's calendars and task lists now.
    pub fn activities(&self) -> Vec<RemoteActivity> {
        let state = self.server.lock();
        let Some(account) = state.accounts.get(&self.account) else { return Vec::new() };
        account.activities.living().filter_map(|(key, ..)| state.activity_now(&self.account, key)).collect()
    }
}
