//! The two sides of a link, and what is to be said to the server.

use std::collections::BTreeSet;

use postrider_model::{ActivityField, ItemKey, ItemVersion, Participant, Person, Response, Status};
use postrider_reconcile::{
    Changed, Merged, Sides, Times,
    activities::{Facets, FieldGroup, Rights, merge_activity},
};
use postrider_remote::{CalendarOp, Target};
use postrider_store::{Link, OwnFacet, StoredActivity};

use super::image::{Agreed, Image, Stands, is_answer};

/// A link with what is known of both sides.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub link: Link,
    pub facet: OwnFacet,
    pub here: Facets,
    pub agreed: Facets,
    /// What the item was as both agreed.
    pub image: Image,
    /// What it is now.
    pub there: Image,
    pub rights: Rights,
    pub is_meeting: bool,
    /// The account's address.
    pub address: String,
}

impl Pair {
    /// Merges what is `here` with what is `there`.
    pub(super) fn merged(
        &self,
        here: &Facets,
        there: &Facets,
        times: &Times<FieldGroup>,
        holds: &BTreeSet<ActivityField>,
    ) -> Merged<Facets, FieldGroup> {
        let image = self.image.facets();
        let sides = Sides { agreed: &self.agreed, image: &image, here, there };
        merge_activity(sides, times, holds, self.rights)
    }

    /// What of that is said to a server that has `there`: what others answered is theirs, who organizes it stays, it is called off in
    /// another way, and an answer is only an attendee's.
    pub(super) fn sayable(&self, mut wanted: Facets, there: &Facets) -> Facets {
        if self.there.is_read_only || self.there.is_free_busy_only {
            return there.clone();
        }
        let (people, theirs) = (&mut wanted.shared.people, &there.shared.people);
        people.organizer = match (&theirs.organizer, &people.organizer) {
            (Some(organizer), _) => Some(organizer.clone()),
            (None, Some(one)) => Some(Person { email: self.address.clone(), name: one.name.clone() }),
            (None, None) => None,
        };
        for one in &mut people.participants {
            let same = theirs.participants.iter().find(|their| their.person.is(&one.person.email));
            (one.response, one.responded) =
                same.map_or((Response::NeedsAction, None), |their| (their.response, their.responded));
        }
        if wanted.shared.content.status == Status::Cancelled {
            wanted.shared.content.status = there.shared.content.status;
        }
        if self.there.stands != Stands::Attendee || !is_answer(wanted.own.response) {
            wanted.own.response = there.own.response;
        }
        wanted
    }

    /// The next thing to be said to the server, and on what both agree once it was: one at a time.
    pub(super) fn next(&self, stored: &StoredActivity, holds: &BTreeSet<ActivityField>) -> Option<Saying> {
        let there = self.image.facets();
        let wanted = self.merged(&self.here, &there, &Times::default(), holds).there;
        let wanted = self.sayable(wanted, &there);
        let mut agreed = Agreed::of(&self.agreed);
        let target = Target::Item { key: self.link.key.clone(), version: self.link.base.version.clone() };
        if wanted.shared != there.shared {
            agreed.shared = self.here.shared.clone();
            let notify = stored.tell && self.rights.notifies && self.is_meeting;
            let (was, activity) = (Box::new(there.shared), Box::new(wanted.shared));
            let op = CalendarOp::Update { target, was, activity, notify };
            return Some(Saying { op, agreed });
        }
        if let Some(response) = wanted.own.response.filter(|_| wanted.own.response != there.own.response) {
            agreed.own.response = self.here.own.response;
            let notify = self.facet.tell;
            let op = CalendarOp::Respond { target, response, notify };
            return Some(Saying { op, agreed });
        }
        (wanted.own != there.own).then(|| {
            agreed.own = postrider_model::Own { response: agreed.own.response, ..self.here.own.clone() };
            let op = CalendarOp::UpdateOwn { target, was: Box::new(there.own), own: Box::new(wanted.own) };
            Saying { op, agreed }
        })
    }
}

/// One thing to be said, and on what both sides agree once it was.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    pub op: CalendarOp,
    pub agreed: Agreed,
}

/// When a person changed both sides last.
pub(super) fn times(
    stored: &StoredActivity,
    facet: &OwnFacet,
    there: Option<postrider_model::Timestamp>,
    ahead_ms: i64,
) -> Times<FieldGroup> {
    let mut here = Changed::at(Some(stored.people_changed));
    here.of.insert(FieldGroup::Content, stored.content_changed);
    here.of.insert(FieldGroup::Timing, stored.timing_changed);
    here.of.insert(FieldGroup::OwnResponse, facet.response_changed);
    for group in [FieldGroup::Reminders, FieldGroup::ShowAs, FieldGroup::Categories] {
        here.of.insert(group, facet.own_changed);
    }
    Times { here, there: Changed::at(there), ahead_ms }
}

/// People who were asked anew, as nobody has answered.
pub(super) fn unanswered(participants: &mut [Participant]) {
    for one in participants {
        (one.response, one.responded) = (Response::NeedsAction, None);
    }
}

/// What a change of that link is about.
pub(super) fn target_of(link: &Link) -> Target {
    let (key, version): (ItemKey, ItemVersion) = (link.key.clone(), link.base.version.clone());
    Target::Item { key, version }
}
