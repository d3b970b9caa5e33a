//! Invitations, changes, cancellations and answers in mail (iMIP, F4.7): told beside the message, and taken in where a person says so.
//!
//! Whoever can send mail can write any calendar into it. What it may do is `reconcile`'s word (`judge_mail`), and nothing is done without a
//! person's.

use postrider_formats::{
    icalendar::{Item, Method as Wanted, imip, meeting_uid},
    message,
};
use postrider_model::{
    Activity, ActivityId, AddressRole, ErrorClass, Fault, Own, Participant, PlacementId, Status, Timestamp,
    Visibility,
};
use postrider_reconcile::activities::{Because, Known, Mail, Method, Offer, Reading, judge_mail};
use postrider_store::{ChangedGroups, Context, NewActivity as New, OwnFacet, StoreError, StoredActivity, Tx};

use super::unreadable;
use crate::{
    access::{Act, Caller},
    activity::{doc_of, with_join_url},
    service::Service,
};

/// What a message wants with one activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// `REQUEST`, `REPLY`, `CANCEL` and so on.
    pub method: String,
    /// What it is about, as the message has it.
    pub activity: Activity,
    /// The activity that it is here.
    pub known: Option<ActivityId>,
    /// What may become of it; `None` where it can do nothing.
    pub offer: Option<&'static str>,
    /// In a sentence: what may become of it, or why nothing.
    pub in_words: String,
}

/// One part of what a message wants, judged.
struct Judged {
    item: Item,
    known: Option<StoredActivity>,
    reading: Reading,
    sender: String,
}

impl Service {
    /// What a message wants with activities, where it does.
    ///
    /// # Errors
    /// Where the caller sees no message of that id.
    pub fn invitations(&self, caller: &Caller, message: PlacementId) -> Result<Vec<Invitation>, Fault> {
        let Some((method, judged)) = self.judged(caller, message)? else { return Ok(Vec::new()) };
        let told = |one: Judged| Invitation {
            method: method.name().to_owned(),
            activity: one.item.activity(),
            known: one.known.map(|known| known.id),
            offer: match &one.reading {
                Reading::Offered(offer) => Some(offered(offer)),
                Reading::Shown(_) => None,
            },
            in_words: in_words(&one.reading),
        };
        Ok(judged.into_iter().map(told).collect())
    }

    /// Takes in what a message offers: a person has said so. Answers the activities that are new or changed.
    ///
    /// # Errors
    /// Where the caller sees no message of that id, it is about no activity, or can do nothing.
    pub fn accept_invitations(
        &mut self,
        caller: &Caller,
        message: PlacementId,
    ) -> Result<Vec<ActivityId>, Fault> {
        let action = format!("take in what {message} says");
        let refuse = |cause: String| Fault::new(ErrorClass::Config, action.clone(), cause);
        let (_, judged) = self
            .judged(caller, message)?
            .ok_or_else(|| refuse("it asks for, answers and cancels nothing".to_owned()))?;
        let mut offers = Vec::new();
        let mut because = None;
        for one in judged {
            match one.reading.clone() {
                Reading::Offered(offer) => offers.push((one, offer)),
                Reading::Shown(_) => because = Some(in_words(&one.reading)),
            }
        }
        if offers.is_empty() {
            return Err(refuse(because.unwrap_or_else(|| "nothing of it can be read".to_owned())));
        }
        // A series comes before the times that differ from it.
        offers.sort_by_key(|(one, _)| one.item.activity().occurrence);
        let defaults = self.defaults();
        let context = self.here(caller, &format!("accepted from {message}"));
        let line = self.line(caller, Act::ChangeRecord, "", &format!("accept {message}"));
        let reminders = self.default_reminders();
        self.record_work(line, 0, |tx| {
            let mut done = Vec::new();
            for (one, offer) in &offers {
                let id = match (offer, &one.known) {
                    (Offer::Add, _) | (Offer::Change, None) => {
                        let item = joined(&one.item);
                        let own = Own { reminders: reminders.clone(), ..Own::default() };
                        add(tx, &item, own, caller, defaults, &context)?
                    }
                    (Offer::Change, Some(known)) => change(tx, known, one, defaults, &context)?,
                    (Offer::Cancel, Some(known)) => cancel(tx, known, one, defaults, &context)?,
                    (Offer::Answer { email, response }, Some(known)) => {
                        answer(tx, known, one, (email, *response), defaults, &context)?
                    }
                    (Offer::Cancel | Offer::Answer { .. }, None) => None,
                };
                done.extend(id);
            }
            Ok(done)
        })
    }

    /// What a message wants, held against what is here of it that the caller has a part in.
    fn judged(&self, caller: &Caller, message: PlacementId) -> Result<Option<(Wanted, Vec<Judged>)>, Fault> {
        self.permit_messages(caller, Act::ReadMail, &[message])?;
        let mut raw = Vec::new();
        self.reader()?.body(message, &mut raw)?;
        let Some(wanted) = imip::read(&raw) else { return Ok(None) };
        let sender = sender_of(&raw);
        let mut judged = Vec::new();
        for item in wanted.items {
            let says = item.activity();
            let mut all = self.known_by_uid(caller, &meeting_uid(&says.uid))?;
            if wanted.method == Wanted::Reply {
                // What others answer is noted by whose activity it is, and to that time alone to which they answer.
                all.retain(|one| one.record.owner == caller.user && one.doc.occurrence == says.occurrence);
            }
            let same = all.iter().find(|one| one.doc.occurrence == says.occurrence);
            let series = all.iter().find(|one| one.master.is_none() && one.doc.occurrence.is_none());
            let read = |one: Option<&StoredActivity>| match one {
                Some(one) => Item::read(one.doc.text.as_bytes())
                    .map(|item| Some(item.activity()))
                    .map_err(|error| unreadable(one.id, &error)),
                None => Ok(None),
            };
            let (same_says, series_says) = (read(same)?, read(series)?);
            let of = same.or(series);
            let known = Known {
                same: same_says.as_ref(),
                series: series_says.as_ref(),
                has_authority: of.is_some_and(|of| self.is_organizers(of)),
            };
            let mail =
                Mail { method: method(wanted.method), sender: &sender, item: &says, written: item.written() };
            let reading = judge_mail(mail, known);
            judged.push(Judged { known: of.cloned(), reading, sender: sender.clone(), item });
        }
        Ok(Some((wanted.method, judged)))
    }

    /// The activities of a uid that the caller has; else those that their organizer has, where the caller sees them. A copy that somebody else
    /// took in is theirs alone.
    fn known_by_uid(&self, caller: &Caller, uid: &str) -> Result<Vec<StoredActivity>, Fault> {
        let found = self.reader()?.activities_of_uid(&self.viewer(caller), uid)?;
        let (own, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|one| one.record.owner == caller.user);
        match own.is_empty() {
            true => Ok(others.into_iter().filter(|one| self.is_organizers(one)).collect()),
            false => Ok(own),
        }
    }

    /// Whether it is its organizer's own.
    fn is_organizers(&self, stored: &StoredActivity) -> bool {
        let own = self.addresses_of_user(&stored.record.owner);
        stored.doc.organizer.as_ref().is_some_and(|organizer| own.contains(organizer))
    }
}

fn sender_of(raw: &[u8]) -> String {
    let parsed = message::parse(raw);
    let from = parsed.addresses.into_iter().find(|one| one.role == AddressRole::From);
    from.map(|one| one.email).unwrap_or_default()
}

fn joined(item: &Item) -> Item {
    item.with(&with_join_url(item.activity()), &item.own())
}

fn add(
    tx: &mut Tx<'_>,
    item: &Item,
    own: Own,
    caller: &Caller,
    defaults: postrider_formats::occurrences::Defaults,
    context: &Context,
) -> Result<Option<ActivityId>, StoreError> {
    let says = item.activity();
    let owned = tx.activities_of_uid(&meeting_uid(&says.uid))?;
    let owned: Vec<_> = owned.into_iter().filter(|one| one.record.owner == caller.user).collect();
    // Somebody else may have taken the message in meanwhile.
    if let Some(here) = owned.iter().find(|one| one.doc.occurrence == says.occurrence) {
        return Ok(Some(here.id));
    }
    let mut owned = owned.into_iter();
    let master = owned.find(|one| one.master.is_none() && one.doc.occurrence.is_none());
    let master = match (says.occurrence, master) {
        (None, _) => None,
        (Some(_), Some(master)) => Some(master.id),
        // Asked to one time of a series alone.
        (Some(_), None) => {
            let stub = postrider_reconcile::activities::stub_master(&says);
            let stub = Item::new(&stub, &Own::default()).stamped(context.at);
            Some(insert(tx, &stub, None, caller, defaults, context)?)
        }
    };
    let item = item.with(&says, &own);
    let id = insert(tx, &item, master, caller, defaults, context)?;
    let facet = OwnFacet { own, own_changed: context.at, ..OwnFacet::default() };
    tx.set_own(id, &caller.user, &facet, context)?;
    Ok(Some(id))
}

fn insert(
    tx: &mut Tx<'_>,
    item: &Item,
    master: Option<ActivityId>,
    caller: &Caller,
    defaults: postrider_formats::occurrences::Defaults,
    context: &Context,
) -> Result<ActivityId, StoreError> {
    let new = New {
        owner: &caller.user,
        visibility: &Visibility::Private,
        doc: &doc_of(item, defaults),
        master,
        in_schedule: true,
    };
    tx.add_activity(&new, context)
}

/// The activity that a message changes, as it is by now: of a time that has nothing of its own yet, one of its own.
fn target(
    tx: &mut Tx<'_>,
    known: &StoredActivity,
    says: &Activity,
) -> Result<Option<(StoredActivity, Item)>, StoreError> {
    let stored = tx.activity(known.id)?.filter(|stored| stored.record.deleted.is_none());
    let Some(stored) = stored.filter(|stored| stored.doc.occurrence == says.occurrence) else {
        return Ok(None);
    };
    let item = Item::read(stored.doc.text.as_bytes()).ok();
    // Somebody else may have taken the message in meanwhile.
    Ok(item.map(|item| (stored, item)))
}

/// Whether it is one time of a series that is there.
fn is_of_live_series(tx: &Tx<'_>, known: &StoredActivity, says: &Activity) -> Result<bool, StoreError> {
    let master = tx.activity(known.master.unwrap_or(known.id))?;
    Ok(says.occurrence.is_some() && master.is_some_and(|master| master.record.deleted.is_none()))
}

fn change(
    tx: &mut Tx<'_>,
    known: &StoredActivity,
    one: &Judged,
    defaults: postrider_formats::occurrences::Defaults,
    context: &Context,
) -> Result<Option<ActivityId>, StoreError> {
    let says = one.item.activity();
    let all = ChangedGroups { content: true, timing: true, people: true };
    match target(tx, known, &says)? {
        Some((stored, item)) if item.activity().sequence < says.sequence => {
            let new = joined(&one.item.with(&says, &item.own()));
            tx.change_activity(stored.id, &doc_of(&new, defaults), all, context)?;
            Ok(Some(stored.id))
        }
        Some(_) => Ok(None),
        None if !is_of_live_series(tx, known, &says)? => Ok(None),
        None => {
            let caller_owned = New {
                owner: &known.record.owner,
                visibility: &known.record.visibility,
                doc: &doc_of(&joined(&one.item), defaults),
                master: Some(known.master.unwrap_or(known.id)),
                in_schedule: known.in_schedule,
            };
            tx.add_activity(&caller_owned, context).map(Some)
        }
    }
}

fn cancel(
    tx: &mut Tx<'_>,
    known: &StoredActivity,
    one: &Judged,
    defaults: postrider_formats::occurrences::Defaults,
    context: &Context,
) -> Result<Option<ActivityId>, StoreError> {
    let says = one.item.activity();
    match target(tx, known, &says)? {
        Some((stored, item)) => {
            let mut cancelled = item.activity();
            cancelled.content.status = Status::Cancelled;
            cancelled.sequence = says.sequence;
            let changed = ChangedGroups { content: true, ..ChangedGroups::default() };
            let item = item.with(&cancelled, &item.own());
            tx.change_activity(stored.id, &doc_of(&item, defaults), changed, context)?;
            Ok(Some(stored.id))
        }
        None if !is_of_live_series(tx, known, &says)? => Ok(None),
        None => {
            let mut cancelled = says.clone();
            cancelled.content.status = Status::Cancelled;
            let item = one.item.with(&cancelled, &one.item.own());
            let new = New {
                owner: &known.record.owner,
                visibility: &known.record.visibility,
                doc: &doc_of(&item, defaults),
                master: Some(known.master.unwrap_or(known.id)),
                in_schedule: known.in_schedule,
            };
            tx.add_activity(&new, context).map(Some)
        }
    }
}

fn answer(
    tx: &mut Tx<'_>,
    known: &StoredActivity,
    one: &Judged,
    (email, response): (&str, postrider_model::Response),
    defaults: postrider_formats::occurrences::Defaults,
    context: &Context,
) -> Result<Option<ActivityId>, StoreError> {
    let Some(stored) = tx.activity(known.id)?.filter(|stored| stored.record.deleted.is_none()) else {
        return Ok(None);
    };
    let Ok(item) = Item::read(stored.doc.text.as_bytes()) else { return Ok(None) };
    let mut activity = item.activity();
    let theirs = |participant: &&mut Participant| participant.person.is(email);
    let Some(participant) = activity.people.participants.iter_mut().find(theirs) else { return Ok(None) };
    participant.response = response;
    let now = Timestamp::from_seconds(context.at.seconds());
    // Nobody answers in the future: a later answer is to be later than this one.
    participant.responded = Some(one.item.written().map_or(now, |written| written.min(now)));
    let context = Context { why: format!("{} answered by mail", one.sender), ..context.clone() };
    let item = item.with(&activity, &item.own());
    let changed =
        tx.change_activity(stored.id, &doc_of(&item, defaults), ChangedGroups::default(), &context)?;
    Ok(changed.then_some(stored.id))
}

const fn method(wanted: Wanted) -> Method {
    match wanted {
        Wanted::Publish => Method::Publish,
        Wanted::Request => Method::Request,
        Wanted::Reply => Method::Reply,
        Wanted::Add => Method::Add,
        Wanted::Cancel => Method::Cancel,
        Wanted::Refresh => Method::Refresh,
        Wanted::Counter => Method::Counter,
        Wanted::DeclineCounter => Method::DeclineCounter,
    }
}

const fn offered(offer: &Offer) -> &'static str {
    match offer {
        Offer::Add => "add",
        Offer::Change => "change",
        Offer::Cancel => "cancel",
        Offer::Answer { .. } => "answer",
    }
}

fn in_words(reading: &Reading) -> String {
    match reading {
        Reading::Offered(Offer::Add) => "an invitation that is new here".to_owned(),
        Reading::Offered(Offer::Change) => "its organizer changed it".to_owned(),
        Reading::Offered(Offer::Cancel) => "its organizer called it off".to_owned(),
        Reading::Offered(Offer::Answer { email, response }) => {
            let response = match response {
                postrider_model::Response::Accepted => "comes",
                postrider_model::Response::Tentative => "may come",
                postrider_model::Response::Declined => "does not come",
                postrider_model::Response::Delegated => "sends somebody else",
                postrider_model::Response::NeedsAction => "has not answered",
            };
            format!("{email} {response}")
        }
        Reading::Shown(because) => match because {
            Because::NotFromOrganizer => "its sender is not who organizes it",
            Because::NotFromParticipant => {
                "its sender was not asked to take part, or answers for somebody else"
            }
            Because::OrganizersCopyIsHere => "its organizer's own is here, which alone says what it is",
            Because::NothingHere => "it is about something that is not here",
            Because::NotNewer => "it says nothing newer than what is here",
            Because::ChangesNothing => "it changes nothing by itself",
        }
        .to_owned(),
    }
}
