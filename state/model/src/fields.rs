//! The fields of contacts and activities by name, so that it can be said which of them a server holds.
//!
//! What a server cannot hold is not sent to it, and is never taken for erased when it is missing there (F3.1).

/// A field of a [`crate::Contact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactField {
    /// `uid`
    Uid,
    /// `display_name`
    DisplayName,
    /// `name`
    Name,
    /// `nicknames`
    Nicknames,
    /// `organization`
    Organization,
    /// `job_title`
    JobTitle,
    /// `role`
    Role,
    /// `emails`
    Emails,
    /// `phones`
    Phones,
    /// `messengers`
    Messengers,
    /// `pages`
    Pages,
    /// `addresses`
    Addresses,
    /// `birthday`
    Birthday,
    /// `anniversary`
    Anniversary,
    /// `other_dates`
    OtherDates,
    /// `notes`
    Notes,
    /// `photo`
    Photo,
    /// `categories`
    Categories,
}

/// A field of an [`crate::Activity`] or of an [`crate::Own`] that not every server holds. Title, start and end are held by all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityField {
    /// `content.place`
    Place,
    /// `content.description`
    Description,
    /// `content.status`
    Status,
    /// `content.privacy`
    Privacy,
    /// `content.priority`
    Priority,
    /// `content.percent`
    Percent,
    /// `content.completed`
    Completed,
    /// `content.join_url`
    JoinUrl,
    /// `people`
    People,
    /// `own.reminders`
    Reminders,
    /// `own.show_as`; where it is held, [`crate::ShowAs::Busy`] and [`crate::ShowAs::Free`] are.
    ShowAs,
    /// The other values of `own.show_as`.
    ShowAsMore,
    /// `own.categories`
    Categories,
}

impl ContactField {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Uid,
        Self::DisplayName,
        Self::Name,
        Self::Nicknames,
        Self::Organization,
        Self::JobTitle,
        Self::Role,
        Self::Emails,
        Self::Phones,
        Self::Messengers,
        Self::Pages,
        Self::Addresses,
        Self::Birthday,
        Self::Anniversary,
        Self::OtherDates,
        Self::Notes,
        Self::Photo,
        Self::Categories,
    ];
}

impl ActivityField {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Place,
        Self::Description,
        Self::Status,
        Self::Privacy,
        Self::Priority,
        Self::Percent,
        Self::Completed,
        Self::JoinUrl,
        Self::People,
        Self::Reminders,
        Self::ShowAs,
        Self::ShowAsMore,
        Self::Categories,
    ];
}
