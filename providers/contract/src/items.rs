//! What a provider's tests bring to the suites of contacts and of calendars.

use async_trait::async_trait;
use postrider_model::{
    Activity, CollectionKey, CollectionKind, Contact, ItemKey, Occurrence, Own, Response, Timestamp,
};
use postrider_remote::{CalendarRemote, ContactRemote, Leaving};

/// What the server does wrong from now on, to each call of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ill {
    /// It is out of order, for a while.
    Unavailable,
    /// It wants a pause of five seconds.
    Throttled,
    /// It refuses the login.
    LoginRefused,
    /// It does what it is asked, and its answer is lost.
    AnswersLost,
    /// Listings break off behind their first page.
    BreaksOff,
}

/// What both suites need of a server.
#[async_trait]
pub trait ItemHarness: Send {
    /// Waits until listings show all that was written.
    async fn settle(&mut self);

    /// The cursors that were given out hold no more. False where the server cannot be made to.
    async fn expire_cursors(&mut self) -> bool;

    /// Something is wrong from now on; `None`: nothing any more. False where the server cannot be made to.
    async fn ill(&mut self, ill: Option<Ill>) -> bool;

    /// What the server's clock shows, as far as the harness knows.
    fn server_time(&self) -> Option<Timestamp>;
}

/// The provider under test, and somebody else's client of the same contacts.
#[async_trait]
pub trait ContactHarness: ItemHarness {
    /// The provider.
    fn remote(&self) -> Box<dyn ContactRemote>;

    /// Makes an address book or group.
    async fn make_book(&mut self, name: &str) -> CollectionKey;

    /// Deletes one.
    async fn delete_book(&mut self, book: &CollectionKey);

    /// Adds a contact.
    async fn add(&mut self, book: &CollectionKey, contact: &Contact) -> ItemKey;

    /// Makes a contact into this.
    async fn change(&mut self, book: &CollectionKey, key: &ItemKey, contact: &Contact);

    /// Takes a contact out of the collection: deletes it, or out of the group, or into another folder. False where the server has no such way.
    async fn take_out(&mut self, book: &CollectionKey, key: &ItemKey, how: Leaving) -> bool;

    /// The server gives a contact another key; the new one. `None` where it never does, or cannot be made to.
    async fn rekey(&mut self, key: &ItemKey) -> Option<ItemKey>;

    /// What is in the collection, in any order.
    async fn there(&mut self, book: &CollectionKey) -> Vec<Contact>;
}

/// Mail that the server sent to people.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mailed {
    /// To whom.
    pub to: String,
    /// What it tells.
    pub what: MailedWhat,
}

/// What a mail tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MailedWhat {
    /// They are asked to take part.
    Invitation,
    /// Something is changed.
    Update,
    /// It is called off, or they are asked no more.
    Cancellation,
    /// An answer.
    Reply,
}

/// Who: two users of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whose account is under test.
    User,
    /// Somebody else of the same server.
    Guest,
}

/// What somebody does to an activity of theirs with another client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Makes it into this, or one time of it. Without mail.
    Change(Option<Occurrence>, Box<Activity>),
    /// Makes what is their own of it into this.
    ChangeOwn(Own),
    /// Answers, with mail to the organizer.
    Respond(Response),
    /// Calls it off, or one time of it, with mail to all.
    Cancel(Option<Occurrence>),
    /// Deletes their item, or takes one time out. Without mail.
    Delete(Option<Occurrence>),
    /// Lets nobody see who else takes part. With mail to all.
    HideGuests,
    /// Makes it one that nobody may change.
    Freeze,
}

/// The provider under test for two users of one server, and other clients of theirs.
#[async_trait]
pub trait CalendarHarness: ItemHarness {
    /// The provider for one of them.
    fn remote(&self, who: Who) -> Box<dyn CalendarRemote>;

    /// Their address.
    fn address(&self, who: Who) -> String;

    /// An address of another server.
    fn outsider(&self) -> String;

    /// Makes a calendar or task list of the user's.
    async fn make(&mut self, kind: CollectionKind, name: &str) -> CollectionKey;

    /// Deletes it.
    async fn delete(&mut self, collection: &CollectionKey);

    /// Somebody's own calendar, into which invitations come.
    async fn own_calendar(&mut self, who: Who) -> CollectionKey;

    /// The user sees of a calendar of the guest's when they are busy, and nothing else; how it is called for the user. `None` where the
    /// server has no such thing.
    async fn lend_free_busy(&mut self, calendar: &CollectionKey) -> Option<CollectionKey>;

    /// Adds an activity, with mail to those who take part.
    async fn add(&mut self, who: Who, calendar: &CollectionKey, activity: &Activity, own: &Own) -> ItemKey;

    /// Does that to an item. False where the server has no such thing.
    async fn act(&mut self, who: Who, key: &ItemKey, deed: Deed) -> bool;

    /// A person changes this activity, so that the provider may have mail sent about it once.
    async fn announce(&mut self, who: Who, uid: &str);

    /// The mail that the server sent since the last call, in order of address. `None` where nobody can see it.
    async fn mailed(&mut self) -> Option<Vec<Mailed>>;
}
