//! The fake server as the contract suite wants it.

use std::sync::Arc;

use async_trait::async_trait;
use postrider_contract::{
    ActivityDeed, CalendarHarness, ContactHarness, Ill, ItemHarness, Mailed, MailedWhat, Who,
};
use postrider_fake::Trigger;
use postrider_fake::groupware::{Groupware, Habits, Notice, SetClock, Somebody, Trouble};
use postrider_model::{Activity, CollectionKey, CollectionKind, Contact, ItemKey, Own, Timestamp};
use postrider_remote::{Access, CalendarRemote, ContactRemote, Leaving};

pub const USER: &str = "anna@example.com";
pub const GUEST: &str = "boris@example.com";
pub const OUTSIDER: &str = "carla@example.org";

/// 2026-03-02T08:00:00Z, a Monday.
pub const START: Timestamp = Timestamp::from_seconds(1_772_438_400);

/// What is put between a provider and who uses it.
pub type Between<T> = Box<dyn Fn(Box<T>) -> Box<T> + Send + Sync>;

/// The server, and a way to put something between it and who uses it.
pub struct Fake {
    pub server: Groupware,
    pub clock: SetClock,
    pub user: Somebody,
    pub guest: Somebody,
    has_groups: bool,
    lag_ms: u64,
    seen_mails: usize,
    elsewhere: usize,
    pub contacts: Between<dyn ContactRemote>,
    pub calendars: Between<dyn CalendarRemote>,
}

impl Fake {
    pub fn new(habits: Habits) -> Self {
        let clock = SetClock::at(START);
        let (has_groups, lag_ms) = (habits.has_groups, habits.contacts_lag_ms);
        let server = Groupware::new(habits, Arc::new(clock.clone()));
        let (user, guest) = (server.add_account(USER), server.add_account(GUEST));
        Self {
            server,
            clock,
            user,
            guest,
            has_groups,
            lag_ms,
            seen_mails: 0,
            elsewhere: 0,
            contacts: Box::new(|remote| remote),
            calendars: Box::new(|remote| remote),
        }
    }

    fn somebody(&self, who: Who) -> &Somebody {
        match who {
            Who::User => &self.user,
            Who::Guest => &self.guest,
        }
    }

    /// A moment passes with each act of somebody else, so that no two are at one time.
    fn moment(&self) {
        self.clock.pass(1_000);
    }
}

#[async_trait]
impl ItemHarness for Fake {
    async fn settle(&mut self) {
        self.clock.pass(self.lag_ms + 1_000);
    }

    async fn expire_cursors(&mut self) -> bool {
        self.server.expire_cursors();
        true
    }

    async fn ill(&mut self, ill: Option<Ill>) -> bool {
        self.server.end_troubles();
        let always = |trouble| self.server.trouble(None, Trigger::Always, trouble);
        match ill {
            None => {}
            Some(Ill::Unavailable) => always(Trouble::Unavailable),
            Some(Ill::Throttled) => always(Trouble::Throttled(Some(5_000))),
            Some(Ill::LoginRefused) => always(Trouble::LoginRefused),
            Some(Ill::AnswersLost) => always(Trouble::LoseAnswer),
            Some(Ill::BreaksOff) => {
                for page in ["contacts.page", "calendars.page"] {
                    self.server.trouble(None, Trigger::Named(page, 2), Trouble::Unavailable);
                }
            }
        }
        true
    }

    fn server_time(&self) -> Option<Timestamp> {
        Some(self.server.server_time())
    }
}

#[async_trait]
impl ContactHarness for Fake {
    fn remote(&self) -> Box<dyn ContactRemote> {
        (self.contacts)(Box::new(self.server.contacts(USER)))
    }

    async fn make_book(&mut self, name: &str) -> CollectionKey {
        self.user.make_collection(CollectionKind::AddressBook, name).unwrap()
    }

    async fn delete_book(&mut self, book: &CollectionKey) {
        self.user.delete_collection(book).unwrap();
    }

    async fn add(&mut self, book: &CollectionKey, contact: &Contact) -> ItemKey {
        self.moment();
        self.user.add_contact(book, contact).unwrap()
    }

    async fn change(&mut self, book: &CollectionKey, key: &ItemKey, contact: &Contact) {
        self.moment();
        self.user.change_contact(book, key, |is| *is = contact.clone()).unwrap();
    }

    async fn take_out(&mut self, book: &CollectionKey, key: &ItemKey, how: Leaving) -> bool {
        self.moment();
        match how {
            Leaving::Deleted => self.user.delete_contact(book, key).unwrap(),
            Leaving::Left if self.has_groups => self.user.leave(book, key).unwrap(),
            Leaving::Left => {
                self.elsewhere += 1;
                let name = format!("Elsewhere {}", self.elsewhere);
                let to = self.user.make_collection(CollectionKind::AddressBook, &name).unwrap();
                assert_ne!(self.user.move_contact(key, &to).unwrap(), *key);
            }
        }
        true
    }

    async fn rekey(&mut self, key: &ItemKey) -> Option<ItemKey> {
        self.user.rekey_contact(key).ok()
    }

    async fn there(&mut self, book: &CollectionKey) -> Vec<Contact> {
        self.user.contacts(book).into_iter().map(|one| one.contact).collect()
    }
}

#[async_trait]
impl CalendarHarness for Fake {
    fn remote(&self, who: Who) -> Box<dyn CalendarRemote> {
        (self.calendars)(Box::new(self.server.calendars(&self.address(who))))
    }

    fn address(&self, who: Who) -> String {
        match who {
            Who::User => USER.to_owned(),
            Who::Guest => GUEST.to_owned(),
        }
    }

    fn outsider(&self) -> String {
        OUTSIDER.to_owned()
    }

    async fn make(&mut self, kind: CollectionKind, name: &str) -> CollectionKey {
        self.user.make_collection(kind, name).unwrap()
    }

    async fn delete(&mut self, collection: &CollectionKey) {
        self.user.delete_collection(collection).unwrap();
    }

    async fn own_calendar(&mut self, who: Who) -> CollectionKey {
        self.somebody(who).own_collection(CollectionKind::Calendar).unwrap()
    }

    async fn lend_free_busy(&mut self, calendar: &CollectionKey) -> Option<CollectionKey> {
        Some(self.guest.share(calendar, USER, Access::FreeBusy).unwrap())
    }

    async fn add(&mut self, who: Who, calendar: &CollectionKey, activity: &Activity, own: &Own) -> ItemKey {
        self.moment();
        self.somebody(who).add_activity(calendar, activity, own, true).unwrap()
    }

    async fn act(&mut self, who: Who, key: &ItemKey, deed: ActivityDeed) -> bool {
        self.moment();
        let somebody = self.somebody(who);
        match deed {
            ActivityDeed::Change(time, becomes) => {
                somebody.change_activity(key, time, |is| *is = *becomes, false)
            }
            ActivityDeed::ChangeOwn(own) => somebody.change_own(key, |is| *is = own),
            ActivityDeed::Respond(response) => somebody.respond(key, None, response),
            ActivityDeed::Cancel(time) => somebody.cancel(key, time),
            ActivityDeed::Delete(time) => somebody.delete_activity(key, time),
            ActivityDeed::HideGuests => somebody.hide_guests(key),
            ActivityDeed::Freeze => somebody.freeze(key),
        }
        .unwrap();
        true
    }

    async fn announce(&mut self, who: Who, uid: &str) {
        self.server.announce(&self.address(who), uid);
    }

    async fn mailed(&mut self) -> Option<Vec<Mailed>> {
        let all = self.server.sent_mail();
        let mut new: Vec<Mailed> = all[self.seen_mails..]
            .iter()
            .map(|mail| Mailed {
                to: mail.to.clone(),
                what: match mail.notice {
                    Notice::Invitation => MailedWhat::Invitation,
                    Notice::Update => MailedWhat::Update,
                    Notice::Cancellation => MailedWhat::Cancellation,
                    Notice::Reply => MailedWhat::Reply,
                },
            })
            .collect();
        self.seen_mails = all.len();
        new.sort();
        Some(new)
    }
}
