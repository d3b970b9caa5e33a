//! Appointments and tasks as a provider gives and changes them.
//!
//! One item is a single activity, a series, or one time of a series that differs from it. Google has them so; where a server keeps the times
//! of a series within it (Exchange), the provider takes them apart, gives each a key of its own, and tells with
//! [`ActivityChange::Series`] which there are.
//!
//! Whether people are mailed is said in every change that could do it, and nothing is mailed that was not asked for (I9); what a server mails
//! regardless, its capabilities say. (Google: `sendUpdates`, <https://developers.google.com/workspace/calendar/api/v3/reference/events/insert>;
//! EWS: `SendMeetingInvitations`, `SendMeetingInvitationsOrCancellations`, `SendMeetingCancellations`,
//! <https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/createitem>, `updateitem`, `deleteitem`.)

use std::collections::BTreeSet;

use async_trait::async_trait;
use postrider_model::{
    Activity, ActivityField, CollectionKey, CollectionKind, ItemCursor, ItemKey, ItemVersion, Mark,
    Occurrence, Own, Response, ShowAs, Timestamp,
};

use crate::{ItemApplied, ItemFeed, Making, RemoteCollection, Result, Written};

/// An activity as the server has it for the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteActivity {
    /// How the server calls it.
    pub key: ItemKey,
    /// Which state of it this is. Of times of one series it may move with each of them.
    pub version: ItemVersion,
    /// The mark under which it was made, where the server keeps one: of this store or of another.
    pub mark: Option<Mark>,
    /// What those who take part share. Of a time that was taken out of its series only [`Activity::occurrence`] and
    /// [`Status::Cancelled`](postrider_model::Status) are to be relied on; the uid may be empty.
    pub activity: Activity,
    /// What the account's user has of it alone.
    pub own: Own,
    /// What the account's user is in it.
    pub standing: Standing,
    /// Whether the server does not tell all who take part (`guestsCanSeeOtherGuests`); `activity.people` says nothing then.
    pub guests_hidden: bool,
    /// Whether only the time is told.
    pub is_free_busy_only: bool,
    /// Whether the server lets nobody change it (birthdays, focus time, what was made from mail).
    pub is_read_only: bool,
    /// The series that this is a time of. It may be one that is not in the collection: only this time of it was shared.
    pub master: Option<ItemKey>,
    /// When it was changed last, by the server's clock; what only the user has (reminders) may not count.
    pub changed: Option<Timestamp>,
}

/// What an account's user is in an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Theirs is the word (`organizer.self`, `MyResponseType` `Organizer`), or nobody else takes part.
    Organizer,
    /// They were asked to take part.
    Attendee,
    /// The server does not say.
    Unknown,
}

/// One change, or one item that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityChange {
    /// It is in the collection, and this is what it is.
    Put(Box<RemoteActivity>),
    /// It is not in the collection any more; of a series, neither are its times. May name items that never were.
    Gone {
        /// Which.
        key: ItemKey,
    },
    /// Of this series these times have items of their own, and no others: what else is known of it is as the series has it again.
    Series {
        /// The series.
        master: ItemKey,
        /// All of its items, told before or in this page.
        occurrences: Vec<ItemKey>,
    },
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An item.
    Item {
        /// Which.
        key: ItemKey,
        /// The newest state that was read.
        version: ItemVersion,
    },
    /// A time of a series that has no item of its own yet, and gets one by it.
    Occurrence {
        /// The series.
        master: ItemKey,
        /// Its newest state that was read.
        version: ItemVersion,
        /// Which time, as the series' rule has it.
        occurrence: Occurrence,
    },
}

/// What is done to an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarOp {
    /// It is made, with the account's user as its organizer. Never for somebody who was only asked to take part: their own server delivers
    /// it (design, "One meeting"). A second one under the same mark is never made, as with contacts. Servers may give it another uid.
    Create {
        /// What all share.
        activity: Box<Activity>,
        /// What the user alone has.
        own: Box<Own>,
        /// Whether those who take part are mailed.
        notify: bool,
    },
    /// What differs between `was` and `activity` is sent, on condition. By the organizer alone: others are refused
    /// (`forbiddenForNonOrganizer`). Who takes part goes with it; what they answered is theirs.
    Update {
        /// What.
        target: Target,
        /// What it was, as the server gave it; of a time without an item what its series makes of it.
        was: Box<Activity>,
        /// What it is to be.
        activity: Box<Activity>,
        /// Whether those who take part are mailed.
        notify: bool,
    },
    /// The user answers, of an item that another one organizes.
    Respond {
        /// What.
        target: Target,
        /// The answer.
        response: Response,
        /// Whether the organizer is mailed. Without it some servers (Exchange) do not tell the organizer at all.
        notify: bool,
    },
    /// What the user alone has is changed: reminders, show-as, categories; not the response. Nobody is mailed by it.
    UpdateOwn {
        /// What.
        target: Target,
        /// What it was, as the server gave it.
        was: Box<Own>,
        /// What it is to be.
        own: Box<Own>,
    },
    /// The user's item goes, in the form that can be undone where there is one: what has no other participants, or an attendee's copy. Of
    /// a series' time it is taken out.
    Delete {
        /// What.
        target: Target,
        /// Whether the organizer is told that the user does not come.
        notify: bool,
    },
    /// The organizer calls it off, for all.
    Cancel {
        /// What.
        target: Target,
        /// Whether those who take part are mailed.
        notify: bool,
    },
}

/// What a server of calendars can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarCapabilities {
    /// The kinds of collections that there are.
    pub kinds: BTreeSet<CollectionKind>,
    /// The fields that it holds. The others are not sent.
    pub fields: BTreeSet<ActivityField>,
    /// Whether of [`ShowAs`] it knows only busy and free; the others are held as busy.
    pub shows_only_busy_or_free: bool,
    /// Whether a deletion is conditional on the version by the protocol. Where it is not, the provider reads again just before.
    pub is_delete_conditional: bool,
    /// Whether meetings reach participants of the same server, and answers their organizer, also where nobody is mailed. Else mail is the only way.
    pub delivers_without_mail: bool,
    /// Whether it may mail people who use another server though that was not asked for (a known limit).
    pub mails_outsiders_regardless: bool,
    /// By how many milliseconds listings, and `find`, may lag behind what was written.
    pub lag_ms: u64,
}

/// When somebody has no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeBusy {
    /// Who, as they were asked for.
    pub email: String,
    /// Their times in ascending order, cut to what was asked for; or why they are not told, in words.
    pub times: std::result::Result<Vec<BusyTime>, String>,
}

/// A time that somebody has given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusyTime {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which is no more part of it.
    pub until: Timestamp,
    /// As what. Where the server only tells that it is taken, [`ShowAs::Busy`].
    pub show_as: ShowAs,
}

/// One account's calendars and task lists on its server. As with contacts, calls may run at the same time.
#[async_trait]
pub trait CalendarRemote: Send + Sync {
    /// What the server can.
    fn capabilities(&self) -> CalendarCapabilities;

    /// Whether the server can say when this is, its rule above all; if not, why, in words. What it cannot say is refused, never
    /// approximated. Asks nobody.
    fn expresses(&self, activity: &Activity) -> std::result::Result<(), String>;

    /// All calendars and task lists, completely: an answer that is not surely complete is an error.
    async fn collections(&self) -> Result<Vec<RemoteCollection>>;

    /// Makes a calendar or a task list.
    ///
    /// # Errors
    /// Where the answer is lost, `collections` tells by mark whether it was made, or, where the server keeps none, by name.
    async fn make_collection(&self, kind: CollectionKind, name: &str, mark: Mark) -> Written<Making>;

    /// Gives a collection another name.
    async fn rename_collection(&self, collection: &CollectionKey, name: &str) -> Written<()>;

    /// What changed in a collection since a cursor; without one, or where the cursor holds no more, all that is there, past ones too.
    ///
    /// # Errors
    /// Also where there is no such collection (any more): that is not emptiness.
    async fn changes(
        &self,
        collection: &CollectionKey,
        since: Option<&ItemCursor>,
    ) -> Result<Box<dyn ItemFeed<ActivityChange>>>;

    /// What these are now: a [`ActivityChange::Put`] or [`ActivityChange::Gone`] for each key, in any order. It does not lag.
    async fn fetch(&self, collection: &CollectionKey, keys: &[ItemKey]) -> Result<Vec<ActivityChange>>;

    /// Does that to an activity. The mark is that of the intent; an item that is made carries it. An update whose answer was lost is settled
    /// by fetching the item: sent again under the old version it is [`ItemApplied::Stale`], so that nobody is mailed twice.
    ///
    /// # Errors
    /// What the server refuses, or cannot do: class `Permanent`, nothing done.
    async fn apply(
        &self,
        collection: &CollectionKey,
        mark: Mark,
        op: &CalendarOp,
    ) -> Written<ItemApplied<RemoteActivity>>;

    /// The activity that was made under this mark, where it is in the collection. What is missing may lag.
    async fn find(&self, collection: &CollectionKey, mark: Mark) -> Result<Option<RemoteActivity>>;

    /// When these people have no time between two instants: one answer for each (Calendar API, `freebusy.query`; EWS, `GetUserAvailability`). How many, and how long, a server takes at once is the provider's matter.
    async fn free_busy(&self, people: &[String], from: Timestamp, until: Timestamp) -> Result<Vec<FreeBusy>>;

    /// Ends all connections in the protocol's way.
    async fn close(&self);
}

impl CalendarOp {
    /// Whether somebody is to be mailed.
    pub const fn notifies(&self) -> bool {
        match self {
            Self::Create { notify, .. }
            | Self::Update { notify, .. }
            | Self::Respond { notify, .. }
            | Self::Delete { notify, .. }
            | Self::Cancel { notify, .. } => *notify,
            Self::UpdateOwn { .. } => false,
        }
    }

    /// What it is about; `None` for what is only made by it.
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::Create { .. } => None,
            Self::Update { target, .. }
            | Self::Respond { target, .. }
            | Self::UpdateOwn { target, .. }
            | Self::Delete { target, .. }
            | Self::Cancel { target, .. } => Some(target),
        }
    }
}
