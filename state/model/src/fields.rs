//! The fields of contacts and activities by name, so that a provider can say which of them its server has a place for (F3.1).

/// A field of a [`Contact`](crate::Contact) that a server may be able to hold or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContactField {
    /// How it is called where one line has to do.
    DisplayName,
    /// The parts of the name.
    Name,
    /// Other names.
    Nicknames,
    /// The organisation and its units.
    Organization,
    /// The position.
    JobTitle,
    /// The part played.
    Role,
    /// Mail addresses.
    Emails,
    /// Phone numbers.
    Phones,
    /// Messengers.
    Messengers,
    /// Web pages.
    Pages,
    /// Postal addresses.
    Addresses,
    /// The birthday.
    Birthday,
    /// The anniversary.
    Anniversary,
    /// Other days to remember.
    OtherDates,
    /// Notes.
    Notes,
    /// The picture.
    Photo,
    /// Categories.
    Categories,
}

impl ContactField {
    /// Each of them.
    pub const ALL: [Self; 17] = [
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

/// A field of an [`Activity`](crate::Activity), or of what a user has of it for themselves ([`Own`](crate::Own)), that a server may be
/// able to hold or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityField {
    /// What it is about, in one line.
    Title,
    /// Where.
    Place,
    /// The text.
    Description,
    /// How it stands.
    Status,
    /// Who may see what it is about.
    Privacy,
    /// The priority.
    Priority,
    /// How much of a task is done.
    Percent,
    /// When a task was done.
    Completed,
    /// Where an online meeting is joined.
    JoinUrl,
    /// When it begins.
    Start,
    /// When it ends, or is due.
    End,
    /// The rules by which it recurs.
    Rules,
    /// Further times at which it begins.
    Further,
    /// Whose word counts.
    Organizer,
    /// Who was asked to take part, and as what.
    Participants,
    /// What they answered, the user's own answer among them.
    Responses,
    /// The user's own reminders.
    Reminders,
    /// How the user's time shows to others.
    ShowAs,
    /// The user's own words for it.
    Categories,
}

impl ActivityField {
    /// Each of them.
    pub const ALL: [Self; 19] = [
        Self::Title,
        Self::Place,
        Self::Description,
        Self::Status,
        Self::Privacy,
        Self::Priority,
        Self::Percent,
        Self::Completed,
        Self::JoinUrl,
        Self::Start,
        Self::End,
        Self::Rules,
        Self::Further,
        Self::Organizer,
        Self::Participants,
        Self::Responses,
        Self::Reminders,
        Self::ShowAs,
        Self::Categories,
    ];
}
