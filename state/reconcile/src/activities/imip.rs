//! What a mail about an activity may do (F4.7; RFC 5546).
//!
//! Nothing by itself. Whoever can send mail can write any calendar into it, so what it says is shown, and at most offered to a person:
//! where it comes from the organizer that is known here, and is newer than what is known. There is no verdict by which it would be
//! applied without one.

use postrider_model::{Activity, Participant, Response, Timestamp};

/// What a mail wants (`METHOD`, RFC 5546, section 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Asks to take part, or tells a change.
    Request,
    /// Answers.
    Reply,
    /// Cancels.
    Cancel,
    /// Adds occurrences to a series.
    Add,
    /// Proposes another time.
    Counter,
    /// Declines what was proposed.
    DeclineCounter,
    /// Asks for the newest state.
    Refresh,
    /// Tells of something without asking anybody.
    Publish,
}

/// One activity of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// What it wants.
    pub method: Method,
    /// The address in From.
    pub sender: &'a str,
    /// What it says.
    pub item: &'a Activity,
    /// When that was written (`DTSTAMP`, RFC 5545, section 3.8.7.2).
    pub written: Option<Timestamp>,
}

/// How a mail is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is shown, and can do nothing.
    Shown(Because),
    /// It is shown, and a person may accept that change.
    Offered(Offer),
}

/// Why a mail can do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Because {
    /// Its sender is not who organizes it.
    NotFromOrganizer,
    /// Its sender was not asked to take part, or answers for somebody else.
    NotFromParticipant,
    /// Its organizer's own copy is here, and alone says what the meeting is ("One meeting", rule 4).
    OrganizersCopyIsHere,
    /// It is about something that is not here.
    NothingHere,
    /// It says nothing newer than what is here: it is older, or the same mail again.
    NotNewer,
    /// It asks or proposes something, and changes nothing itself.
    ChangesNothing,
}

/// What a person may accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// It is new here.
    Add,
    /// It is to be as the mail says.
    Change,
    /// It does not take place.
    Cancel,
    /// That one answered so.
    Answer {
        /// The address, as it is known here.
        email: String,
        /// What they answered.
        response: Response,
    },
}

/// What is here of what a mail is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The activity of the same key.
    pub same: Option<&'a Activity>,
    /// The series of which it would be an occurrence.
    pub series: Option<&'a Activity>,
    /// Whether a link speaks for the organizer ([`authority`](super::authority)).
    pub has_authority: bool,
}

/// Reads a mail beside what is here.
pub fn judge_mail(mail: Mail<'_>, known: Known<'_>) -> Reading {
    let here = known.same.or(known.series);
    match mail.method {
        Method::Request | Method::Add | Method::Cancel if known.has_authority => {
            Reading::Shown(Because::OrganizersCopyIsHere)
        }
        Method::Request | Method::Add | Method::Cancel => judge_organizers(mail, here),
        Method::Reply => judge_reply(mail, here),
        Method::Counter | Method::DeclineCounter | Method::Refresh | Method::Publish => {
            Reading::Shown(Because::ChangesNothing)
        }
    }
}

/// Of an activity that is here, the organizer is who is known here, whatever the mail says.
fn judge_organizers(mail: Mail<'_>, known: Option<&Activity>) -> Reading {
    let is_from_organizer =
        |of: &Activity| of.people.organizer.as_ref().is_some_and(|organizer| organizer.is(mail.sender));
    if !is_from_organizer(mail.item) || known.is_some_and(|known| !is_from_organizer(known)) {
        return Reading::Shown(Because::NotFromOrganizer);
    }
    match (mail.method, known) {
        (Method::Request, None) => Reading::Offered(Offer::Add),
        (_, None) => Reading::Shown(Because::NothingHere),
        (_, Some(known)) if mail.item.sequence <= known.sequence => Reading::Shown(Because::NotNewer),
        (Method::Cancel, Some(_)) => Reading::Offered(Offer::Cancel),
        (_, Some(_)) => Reading::Offered(Offer::Change),
    }
}

/// An answer carries the sequence of what it answers (RFC 5546, section 3.2.3), so it cannot be newer by that: it must not answer an
/// older one, and be written after the answer that is known.
fn judge_reply(mail: Mail<'_>, known: Option<&Activity>) -> Reading {
    let Some(known) = known else { return Reading::Shown(Because::NothingHere) };
    let senders = |one: &&Participant| one.person.is(mail.sender);
    let answer = mail.item.people.participants.iter().find(senders);
    let (Some(answer), Some(was)) = (answer, known.people.participants.iter().find(senders)) else {
        return Reading::Shown(Because::NotFromParticipant);
    };
    let is_first = was.response == Response::NeedsAction && was.responded.is_none();
    let is_later = is_first || was.responded.zip(mail.written).is_some_and(|(was, now)| now > was);
    if mail.item.sequence < known.sequence || !is_later || answer.response == was.response {
        return Reading::Shown(Because::NotNewer);
    }
    Reading::Offered(Offer::Answer { email: was.person.email.clone(), response: answer.response })
}

#[cfg(test)]
mod tests;
