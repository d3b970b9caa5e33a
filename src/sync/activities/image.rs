//! Activities as the store keeps them beside a link: JSON of the model, exact.

use std::collections::BTreeSet;

use postrider_model::{Activity, ActivityField, Own, Response, Status};
use postrider_reconcile::activities::{Facets, Standing, plain_copy};
use postrider_remote::{RemoteActivity, Standing as There};
use postrider_store::Base;
use serde::{Deserialize, Serialize};

/// As what an account's user has an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stands {
    Organizer,
    Attendee,
    Unknown,
    /// It was put there from here as a plain appointment.
    Plain,
}

impl From<Stands> for Standing {
    fn from(stands: Stands) -> Self {
        match stands {
            Stands::Organizer => Self::Organizer,
            Stands::Attendee => Self::Attendee,
            Stands::Unknown => Self::Unknown,
            Stands::Plain => Self::Plain,
        }
    }
}

/// An item as the server returned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    /// What all share.
    pub shared: Activity,
    /// What the account's user has.
    pub own: Own,
    /// What they are in it.
    pub stands: Stands,
    /// It does not say who takes part.
    pub hides_guests: bool,
    /// It says only when somebody is busy.
    pub is_free_busy_only: bool,
    /// Nobody may change it.
    pub is_read_only: bool,
}

impl Image {
    /// An item. `before` is what it was, or what its series makes of it: of a time that was taken out the server tells nothing else.
    pub(super) fn of(item: &RemoteActivity, is_plain: bool, before: Option<(&Activity, &Own)>) -> Self {
        let (mut shared, mut own) = (item.activity.clone(), item.own.clone());
        if let (true, Some((activity, of_user))) = (is_taken_out(item), before) {
            let occurrence = shared.occurrence;
            shared = Activity { occurrence, ..activity.clone() };
            shared.content.status = Status::Cancelled;
            own = of_user.clone();
        }
        let stands = match item.standing {
            _ if is_plain => Stands::Plain,
            There::Organizer => Stands::Organizer,
            There::Attendee => Stands::Attendee,
            There::Unknown => Stands::Unknown,
        };
        Self {
            shared,
            own,
            stands,
            hides_guests: item.guests_hidden,
            is_free_busy_only: item.is_free_busy_only,
            is_read_only: item.is_read_only,
        }
    }

    /// What to take for the image of an item that was made from here and is heard of only now: what was said and reads otherwise, or was not
    /// said at all, somebody changed since. What was said and is not there the server may have had no place for, so it counts for no change.
    pub(super) fn when_made(&self, said: &Agreed, holds: &BTreeSet<ActivityField>) -> Self {
        let mut made = self.clone();
        let (content, was) = (&mut made.shared.content, &said.shared.content);
        content.title.clone_from(&was.title);
        for (is, was) in [
            (&mut content.place, &was.place),
            (&mut content.description, &was.description),
            (&mut content.join_url, &was.join_url),
        ] {
            if is.is_some() {
                is.clone_from(was);
            }
        }
        if said.shared.timing.start.is_some() && said.shared.timing.end.is_some() {
            made.shared.timing.clone_from(&said.shared.timing);
        }
        // Nobody is said to have answered.
        super::pair::unanswered(&mut made.shared.people.participants);
        if holds.contains(&ActivityField::Reminders) {
            made.own.reminders.clone_from(&said.own.reminders);
        }
        made
    }

    /// As the store has it.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn facets(&self) -> Facets {
        Facets { shared: self.shared.clone(), own: self.own.clone() }
    }

    /// What is here, as this item would say it.
    pub(super) fn here(&self, shared: &Activity, own: &Own) -> Facets {
        let shared = match self.stands {
            Stands::Plain => plain_copy(shared),
            _ => shared.clone(),
        };
        Facets { shared, own: own.clone() }
    }
}

/// What the record was when both sides agreed, as the link's item says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Agreed {
    pub shared: Activity,
    pub own: Own,
    /// It is sent as a plain appointment. Only while the item is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_plain: bool,
    /// People are told by the write. Only while the item is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells: bool,
}

impl Agreed {
    pub(super) fn of(facets: &Facets) -> Self {
        Self { shared: facets.shared.clone(), own: facets.own.clone(), is_plain: false, tells: false }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn facets(&self) -> Facets {
        Facets { shared: self.shared.clone(), own: self.own.clone() }
    }
}

/// As the store keeps it.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn base_of(item: &RemoteActivity, image: &Image, agreed: &Agreed) -> Base {
    Base { version: item.version.clone(), image: text(image), agreed: text(agreed), there: item.changed }
}

/// Whether it is a time that was taken out of its series.
pub(super) fn is_taken_out(item: &RemoteActivity) -> bool {
    item.activity.occurrence.is_some() && item.activity.content.status == Status::Cancelled
}

/// Whether somebody can answer that.
pub(super) const fn is_answer(response: Option<Response>) -> bool {
    matches!(response, Some(Response::Accepted | Response::Tentative | Response::Declined))
}
