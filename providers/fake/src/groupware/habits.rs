//! What a server of contacts and calendars is like: every difference between one server and another is a field here.
//!
//! Where they come from: the People and Calendar APIs (<https://developers.google.com/people/api/rest>,
//! <https://developers.google.com/workspace/calendar/api/v3/reference>), EWS
//! (<https://learn.microsoft.com/en-us/exchange/client-developer/web-service-reference/ews-operations-in-exchange>), and recorded answers of
//! both. [`Habits::google`] and [`Habits::exchange`] are the two that matter; a test may bend single fields of them.

use std::collections::BTreeSet;

use postrider_model::{ActivityField, CollectionKind, ContactField};

/// How keys, versions and cursors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// `people/c17`, `"etag"`.
    Google,
    /// Ids of which two may differ in case alone, ChangeKeys.
    Exchange,
}

/// What becomes of a second create under one mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondCreate {
    /// The first is answered, and nothing else happens: ids of the client's making (Calendar API, `Events.insert`, 409).
    AnswersFirst,
    /// It is refused. The real server would make a second item, so it is a breach.
    Refuses,
}

/// Who may have people mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notices {
    /// Only who was announced: a test says of each change that it is a person's ([`super::Groupware::announce`]).
    Announced,
    /// Anyone.
    Anyone,
}

/// What a server is like.
#[derive(Clone, Debug)]
pub struct Habits {
    /// How keys look.
    pub writing: Writing,
    /// A contact may be in several collections under one key (contact groups); else each is in one folder and gets another key when it moves.
    pub has_groups: bool,
    /// Of a group that was deleted it is told that all left it, and not that there is none: what changed is asked of the account, and
    /// memberships are just gone. A breach of the contract, which no provider can notice cheaply.
    pub vanished_groups_answer: bool,
    /// Calendars and task lists carry the mark under which they were made.
    pub calendars_keep_marks: bool,
    /// Fields of contacts that are held.
    pub contact_fields: BTreeSet<ContactField>,
    /// The uid of a contact is kept.
    pub keeps_uid: bool,
    /// How many mail addresses a contact has at most.
    pub emails_max: Option<usize>,
    /// Phone numbers lose blanks, dashes and parentheses. No real server does it to all; all do something of the kind.
    pub normalises_phones: bool,
    /// Fields of activities that are held.
    pub activity_fields: BTreeSet<ActivityField>,
    /// Of how somebody's time shows only busy and free are known.
    pub shows_only_busy_or_free: bool,
    /// Kinds of collections.
    pub kinds: BTreeSet<CollectionKind>,
    /// A whole-day item without an end gets one, and an end within a day becomes the midnight after it.
    pub snaps_all_day: bool,
    /// The server draws the uid of a new activity.
    pub assigns_uids: bool,
    /// Repetition is a pattern: one rule out of days, weeks, months and years, no further dates.
    pub only_patterns: bool,
    /// By how many milliseconds listings of contacts lag behind writes.
    pub contacts_lag_ms: u64,
    /// After how many milliseconds a cursor holds no more.
    pub cursor_life_ms: Option<u64>,
    /// Changes a page.
    pub page_size: usize,
    /// Pages with nothing on them come before others.
    pub empty_pages: bool,
    /// What becomes of a second create under one mark.
    pub second_create: SecondCreate,
    /// Writes of one account's contacts come one after another; two at a time are a breach (People: "mutate requests for the same user
    /// should be sent sequentially").
    pub one_write_at_a_time: bool,
    /// Copies of meetings and answers to them reach people of this server without mail.
    pub delivers_without_mail: bool,
    /// People of other servers are mailed of new and cancelled meetings whatever was asked.
    pub mails_outsiders_regardless: bool,
    /// A meeting that is called off stays with those who were asked, marked; else it vanishes.
    pub cancellation_stays: bool,
    /// Who takes part sees what the others answered, and that one who deleted the meeting declined it.
    pub answers_reach_all: bool,
    /// A new time makes all answers void.
    pub new_time_voids_answers: bool,
    /// Times of a series stand within it: all of them move with each, and are told with each.
    pub splits_series: bool,
    /// What only the user has moves the time of the last change.
    pub own_moves_changed: bool,
    /// Who may have people mailed.
    pub notices: Notices,
    /// By how many milliseconds its clock goes ahead.
    pub clock_offset_ms: i64,
}

impl Habits {
    /// As Google's People and Calendar APIs.
    pub fn google() -> Self {
        use ContactField as C;
        let contact_fields =
            C::ALL.into_iter().filter(|field| !matches!(field, C::Role | C::Categories)).collect();
        use ActivityField as A;
        let activity_fields = A::ALL
            .into_iter()
            .filter(|field| !matches!(field, A::Priority | A::Percent | A::Completed | A::Categories))
            .collect();
        Self {
            writing: Writing::Google,
            has_groups: true,
            vanished_groups_answer: false,
            calendars_keep_marks: false,
            contact_fields,
            keeps_uid: false,
            emails_max: None,
            normalises_phones: true,
            activity_fields,
            shows_only_busy_or_free: true,
            kinds: BTreeSet::from([CollectionKind::AddressBook, CollectionKind::Calendar]),
            snaps_all_day: false,
            assigns_uids: true,
            only_patterns: false,
            contacts_lag_ms: 180_000,
            cursor_life_ms: Some(7 * 86_400_000),
            page_size: 3,
            empty_pages: true,
            second_create: SecondCreate::AnswersFirst,
            one_write_at_a_time: true,
            delivers_without_mail: true,
            mails_outsiders_regardless: false,
            cancellation_stays: false,
            answers_reach_all: true,
            new_time_voids_answers: false,
            splits_series: false,
            own_moves_changed: false,
            notices: Notices::Announced,
            clock_offset_ms: -7_000,
        }
    }

    /// As Exchange by EWS.
    pub fn exchange() -> Self {
        use ContactField as C;
        let contact_fields =
            C::ALL.into_iter().filter(|field| !matches!(field, C::Role | C::OtherDates)).collect();
        use ActivityField as A;
        let activity_fields =
            A::ALL.into_iter().filter(|field| !matches!(field, A::Further | A::JoinUrl)).collect();
        Self {
            writing: Writing::Exchange,
            has_groups: false,
            vanished_groups_answer: false,
            calendars_keep_marks: true,
            contact_fields,
            keeps_uid: false,
            emails_max: Some(3),
            normalises_phones: false,
            activity_fields,
            shows_only_busy_or_free: false,
            kinds: BTreeSet::from([
                CollectionKind::AddressBook,
                CollectionKind::Calendar,
                CollectionKind::TaskList,
            ]),
            snaps_all_day: true,
            assigns_uids: false,
            only_patterns: true,
            contacts_lag_ms: 0,
            cursor_life_ms: None,
            page_size: 4,
            empty_pages: false,
            second_create: SecondCreate::Refuses,
            one_write_at_a_time: false,
            delivers_without_mail: false,
            mails_outsiders_regardless: false,
            cancellation_stays: true,
            answers_reach_all: false,
            new_time_voids_answers: true,
            splits_series: true,
            own_moves_changed: true,
            notices: Notices::Announced,
            clock_offset_ms: 12_000,
        }
    }
}
