//! What is merged field by field, and of which a server may be able to hold some fields only.
//!
//! A field that a server cannot hold is not looked at: it is neither sent nor taken for removed, and never changes by a pull.

use std::collections::BTreeSet;

use postrider_model::{
    ActivityField, Contact, ContactField, Content, Moment, Participant, ParticipantRole, People, Person,
    Timing,
};

use crate::difference::{Difference, Entry, by_parts, join_by_default, whole};

/// A group of fields of a record.
pub(crate) trait Fielded: Clone + PartialEq {
    /// The fields by name.
    type Field: Ord;

    /// `onto`, with what changed from `was` to `is` in the fields of `holds`.
    fn apply(was: &Self, is: &Self, onto: &Self, holds: &BTreeSet<Self::Field>) -> Self;

    /// The fields of `holds` as in `of`, all others as in `over`.
    fn overlay(of: &Self, over: &Self, holds: &BTreeSet<Self::Field>) -> Self;

    /// `onto`, whose fields that are as in `was` are as in `is`.
    fn follow(was: &Self, is: &Self, onto: &Self) -> Self;

    /// Whether both say something, and not the same, in a field of `holds`.
    fn contradict(one: &Self, other: &Self, holds: &BTreeSet<Self::Field>) -> bool;

    /// `there`, whose fields that say what was not `said` are as in `said`.
    fn recalled(said: &Self, there: &Self) -> Self;

    /// Whether they differ in a field of `holds`.
    fn differ(one: &Self, other: &Self, holds: &BTreeSet<Self::Field>) -> bool;
}

macro_rules! fielded {
    ($kind:ident, $names:ident { $($field:ident: $name:ident),+ $(,)? }) => {
        impl Fielded for $kind {
            type Field = $names;

            fn apply(was: &Self, is: &Self, onto: &Self, holds: &BTreeSet<$names>) -> Self {
                let mut all = onto.clone();
                $(if holds.contains(&$names::$name) {
                    all.$field = Difference::apply(&was.$field, &is.$field, &onto.$field);
                })+
                all
            }

            fn overlay(of: &Self, over: &Self, holds: &BTreeSet<$names>) -> Self {
                let mut all = over.clone();
                $(if holds.contains(&$names::$name) {
                    all.$field.clone_from(&of.$field);
                })+
                all
            }

            fn follow(was: &Self, is: &Self, onto: &Self) -> Self {
                let mut all = onto.clone();
                $(if onto.$field == was.$field {
                    all.$field.clone_from(&is.$field);
                })+
                all
            }

            fn recalled(said: &Self, there: &Self) -> Self {
                let mut all = there.clone();
                $(if Difference::adds(&there.$field, &said.$field) {
                    all.$field.clone_from(&said.$field);
                })+
                all
            }

            fn differ(one: &Self, other: &Self, holds: &BTreeSet<$names>) -> bool {
                $((one.$field != other.$field && holds.contains(&$names::$name)))||+
            }

            fn contradict(one: &Self, other: &Self, holds: &BTreeSet<$names>) -> bool {
                $((holds.contains(&$names::$name) && Difference::contradict(&one.$field, &other.$field)))||+
            }
        }
    };
}

pub(crate) use fielded;

// A contact's uid is none of its fields here: it says which contact it is.
fielded!(
    Contact,
    ContactField {
        display_name: DisplayName,
        name: Name,
        nicknames: Nicknames,
        organization: Organization,
        job_title: JobTitle,
        role: Role,
        emails: Emails,
        phones: Phones,
        messengers: Messengers,
        pages: Pages,
        addresses: Addresses,
        birthday: Birthday,
        anniversary: Anniversary,
        other_dates: OtherDates,
        notes: Notes,
        photo: Photo,
        categories: Categories,
    }
);

fielded!(
    Content,
    ActivityField {
        title: Title,
        place: Place,
        description: Description,
        status: Status,
        privacy: Privacy,
        priority: Priority,
        percent: Percent,
        completed: Completed,
        join_url: JoinUrl,
    }
);

/// When an activity is. The rules are one thing: a part of one rule and a part of another are no rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Time {
    start: Option<Moment>,
    end: Option<Moment>,
    rules: Rules,
    further: Vec<Moment>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rules(Vec<String>);

whole!(Rules);

fielded!(Time, ActivityField { start: Start, end: End, rules: Rules, further: Further });

impl From<&Timing> for Time {
    fn from(timing: &Timing) -> Self {
        let Timing { start, end, rules, further } = timing.clone();
        Self { start, end, rules: Rules(rules), further }
    }
}

impl From<Time> for Timing {
    /// Further times are sorted, each once, as [`Timing`] wants them.
    fn from(times: Time) -> Self {
        let further: BTreeSet<_> = times.further.into_iter().collect();
        Self {
            start: times.start,
            end: times.end,
            rules: times.rules.0,
            further: further.into_iter().collect(),
        }
    }
}

/// Who takes part in an activity, without what they answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seats {
    pub(crate) organizer: Option<Person>,
    pub(crate) participants: Vec<Seat>,
}

/// One who takes part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    pub(crate) role: ParticipantRole,
}

impl Seat {
    pub(crate) fn person(&self) -> Person {
        Person { email: self.email.clone(), name: self.name.clone() }
    }
}

by_parts! { Seat { email, name, role } }

impl Entry for Seat {
    fn key(&self) -> String {
        fold(&self.email)
    }

    join_by_default!();
}

impl From<&People> for Seats {
    fn from(people: &People) -> Self {
        Self {
            organizer: people.organizer.clone(),
            participants: people.participants.iter().map(Seat::from).collect(),
        }
    }
}

impl From<&Participant> for Seat {
    fn from(participant: &Participant) -> Self {
        let Person { email, name } = participant.person.clone();
        Self { email, name, role: participant.role }
    }
}

fielded!(Seats, ActivityField { organizer: Organizer, participants: Participants });

/// An address by which somebody is known: case is no difference.
pub(crate) fn fold(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}
