//! The nouns of Postrider: ids, times, flags, sets of UIDs, cursors, error classes, and the seams through which time and
//! chance come in. Every other crate may use this one; it uses none of them.
//!
//! It does no I/O, reads no clock and no environment, and knows neither SQL nor any protocol's wire form.

mod activity;
mod contact;
mod error;
mod fields;
mod flags;
mod folder;
mod ids;
mod item;
mod listing;
mod mail;
mod mark;
mod record;
mod report;
mod seams;
mod uid_set;

pub use activity::{
    Activity, ActivityKind, Content, Moment, Occurrence, Own, Participant, ParticipantRole, People, Person,
    Privacy, Reminder, ReminderBy, ReminderTime, Response, ShowAs, Status, Timing,
};
pub use contact::{
    Contact, LabelledDate, Organization, PartialDate, PersonName, Photo, Point, PostalAddress, Purpose,
};
pub use error::{ErrorClass, Fault};
pub use fields::{ActivityField, ContactField};
pub use flags::{Flags, PermanentFlags, SystemFlag};
pub use folder::{FolderRole, FolderStatus, MailCursor, Window};
pub use ids::{
    AccountId, ActivityId, CollectionId, CompanyId, ContactId, IdParseError, ItemCollectionId, LabelId,
    LinkId, MessageId, OutboxId, PlacementId, RecordId, RunId, VersionId,
};
pub use item::{CollectionKey, CollectionKind, ItemCursor, ItemKey, ItemVersion};
pub use listing::{EmailId, FolderKey, MailChange, Page, RemoteFolder, Scope};
pub use mail::{Address, AddressRole, MatchKey};
pub use mark::{Mark, MarkError};
pub use record::{LabelKind, LabelScope, Visibility};
pub use report::{
    AccountReport, AccountStatus, ActivityCounts, ContactCounts, ErrorReport, HeldReport, MailCounts,
    RunReport,
};
pub use seams::{Clock, Entropy, Timestamp};
pub use uid_set::{Uid, UidSet};
