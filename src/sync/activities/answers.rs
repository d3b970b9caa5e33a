//! Answers that hold no more: of a meeting that is at another time servers may say that nobody has answered. Whoever moved it, here or there,
//! that is their word about it.

use postrider_formats::icalendar::Item;
use postrider_model::{Activity, ActivityId, Participant, Response};
use postrider_store::{ChangedGroups, Context, StoreError, Tx};

use super::{ActivityRules, image::Image};
use crate::activity::doc_of;

/// Those who had answered as the item was, and have not as it is, with what they had answered.
pub(super) fn voided(was: &Image, is: &Image) -> Vec<Participant> {
    let has_answered = |one: &&Participant| one.response != Response::NeedsAction;
    let is_void = |one: &&Participant| {
        let mut now = is.shared.people.participants.iter();
        now.any(|other| other.person.is(&one.person.email) && other.response == Response::NeedsAction)
    };
    was.shared.people.participants.iter().filter(has_answered).filter(is_void).cloned().collect()
}

/// Takes those answers from people, but not what somebody has answered since.
pub(super) fn take_back(participants: &mut [Participant], voided: &[Participant]) {
    for one in participants {
        if voided.iter().any(|void| void.person.is(&one.person.email) && void.response == one.response) {
            (one.response, one.responded) = (Response::NeedsAction, None);
        }
    }
}

/// The same of what is here.
pub(super) fn take_back_here(
    tx: &mut Tx<'_>,
    id: ActivityId,
    voided: &[Participant],
    rules: &ActivityRules,
    context: &Context,
) -> Result<(), StoreError> {
    let Some(stored) = tx.activity(id)?.filter(|one| one.record.deleted.is_none()) else { return Ok(()) };
    let Ok(item) = Item::read(stored.doc.text.as_bytes()) else { return Ok(()) };
    let mut activity: Activity = item.activity();
    take_back(&mut activity.people.participants, voided);
    let context = Context { why: "at another time nobody has answered yet".to_owned(), ..context.clone() };
    let text = item.with(&activity, &item.own());
    tx.change_activity(id, &doc_of(&text, rules.defaults), ChangedGroups::default(), &context).map(drop)
}
