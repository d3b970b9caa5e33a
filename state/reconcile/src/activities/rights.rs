//! What each copy of a meeting may say, and who hears of it (design, "One meeting", rules 3, 5, 7, 10 and 11; I9).

use postrider_model::People;

use crate::activities::meeting::{MeetingCopy, feeding};
use crate::activities::merge::FieldGroup;
use crate::fate::Change;
use crate::merge::Ways;

/// As what an account's user has a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// They organize it: the server says so.
    Organizer,
    /// They were asked to take part.
    Attendee,
    /// It was put there from here as a plain appointment, because another account of theirs has the meeting itself.
    Plain,
    /// The server does not say.
    Unknown,
}

/// What goes over a link. What is a user's own goes both ways always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Content and timing of the item count.
    pub feeds_shared: bool,
    /// Who takes part in it, and what they answered, counts.
    pub feeds_people: bool,
    /// What is shared may be sent.
    pub sends_shared: bool,
    /// A person's change may be told to those who take part (rule 11).
    pub notifies: bool,
}

impl Rights {
    /// Of an item in which nobody else takes part.
    pub const ALL: Self = Self { feeds_shared: true, feeds_people: true, sends_shared: true, notifies: true };

    pub(crate) const fn ways(&self, group: &FieldGroup) -> Ways {
        match group {
            FieldGroup::Content | FieldGroup::Timing => {
                Ways { feeds: self.feeds_shared, sends: self.sends_shared }
            }
            FieldGroup::Participants | FieldGroup::Response(_) => {
                Ways { feeds: self.feeds_people, sends: self.sends_shared }
            }
            FieldGroup::OwnResponse | FieldGroup::Reminders | FieldGroup::ShowAs | FieldGroup::Categories => {
                Ways { feeds: true, sends: true }
            }
        }
    }
}

/// Whether others have a word in an activity: somebody besides the organizer takes part, or a copy shows that its user was asked to,
/// or hides who was. Where nobody has, there is nobody whose word would count more, and every copy is as good as another.
pub fn is_meeting<L>(people: &People, copies: &[MeetingCopy<L>]) -> bool {
    let organizer = people.organizer.as_ref();
    let is_other = |email: &str| !organizer.is_some_and(|organizer| organizer.is(email));
    people.participants.iter().any(|one| is_other(&one.person.email))
        || copies.iter().any(|copy| copy.standing == Standing::Attendee || copy.guests_hidden)
}

/// The rights of one of an activity's copies. Of a meeting, the authority's are all; an attendee's are their own facet, and without an
/// authority what [`feeding`] says (rules 4, 5, 7). A plain copy is written and never read (rule 9). A copy that shows only when
/// somebody is busy is not written.
pub fn rights<L: Clone + Ord>(copies: &[MeetingCopy<L>], link: &L, is_meeting: bool) -> Rights {
    let copy = copies.iter().find(|copy| copy.link == *link);
    let is_free_busy_only = copy.is_some_and(|copy| copy.is_free_busy_only);
    if !is_meeting && !is_free_busy_only {
        return Rights::ALL;
    }
    let fed = feeding(copies);
    let standing = copy.map(|copy| copy.standing);
    let is_authority = standing == Some(Standing::Organizer) && fed.shared.as_ref() == Some(link);
    Rights {
        feeds_shared: fed.shared.as_ref() == Some(link),
        feeds_people: fed.people.as_ref() == Some(link),
        sends_shared: (is_authority || standing == Some(Standing::Plain)) && !is_free_busy_only,
        notifies: is_authority,
    }
}

/// Who wants to change an activity here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Editor {
    /// They have the authority's link.
    pub has_authority_link: bool,
    /// They have a copy that says no more than when somebody is busy, and no other.
    pub sees_free_busy_only: bool,
    /// They stand in for the organizer.
    pub stands_in: bool,
    /// They organize it and it was made here, so that it is theirs although no server has it yet.
    pub made_it_here: bool,
}

/// Why a person may not change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It is the organizer's.
    NotOrganizer,
    /// It is the organizer's, and standing in for them gives no right to it.
    StandsInOnly,
    /// It is what somebody else answered.
    OthersResponse,
    /// Only when somebody is busy is known of it.
    FreeBusyOnly,
}

/// Whether a person may change that group of fields (rule 7). `addresses` are theirs: an answer under one of them is their own.
pub fn judge_edit(
    editor: Editor,
    addresses: &[&str],
    is_meeting: bool,
    group: &FieldGroup,
) -> Result<(), Refusal> {
    if group.is_own() || editor.has_authority_link || editor.made_it_here {
        return Ok(());
    }
    if editor.sees_free_busy_only {
        return Err(Refusal::FreeBusyOnly);
    }
    match group {
        FieldGroup::Response(of) if addresses.iter().any(|address| address.eq_ignore_ascii_case(of)) => {
            Ok(())
        }
        _ if !is_meeting => Ok(()),
        FieldGroup::Response(_) => Err(Refusal::OthersResponse),
        _ if editor.stands_in => Err(Refusal::StandsInOnly),
        _ => Err(Refusal::NotOrganizer),
    }
}

/// How an item is gone, by the server's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gone {
    /// It was deleted.
    Deleted,
    /// It is there, and cancelled; or it is gone, and the server says that it was cancelled.
    Cancelled,
}

/// What that is for the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GoneHere {
    /// It happened to the record: `fate` decides.
    Change(Change),
    /// It is hidden from that user, and nothing else.
    Hide,
    /// The link goes, and nothing else.
    Unlink,
}

/// What it is for a meeting that one of its copies is gone (rule 10): the authority's word cancels it; an attendee's copy hides it from
/// that user, unless the organizer's cancellation is told by the copy that is believed here; a plain copy is no more than itself.
pub const fn gone_there(standing: Standing, rights: Rights, is_meeting: bool, gone: Gone) -> GoneHere {
    match (standing, gone) {
        // Where nobody else has a word there is nobody to cancel it for.
        _ if !is_meeting => GoneHere::Change(Change::Deleted),
        (Standing::Plain, _) => GoneHere::Unlink,
        (Standing::Organizer, _) if rights.feeds_shared => GoneHere::Change(Change::Cancelled),
        (_, Gone::Cancelled) if rights.feeds_shared => GoneHere::Change(Change::Cancelled),
        _ => GoneHere::Hide,
    }
}

/// What it is for a copy that its user deletes the meeting here: an organizer cancels it; everybody else deletes their own copy.
pub const fn gone_here(standing: Standing, is_meeting: bool) -> Change {
    match standing {
        Standing::Organizer if is_meeting => Change::Cancelled,
        _ => Change::Deleted,
    }
}

/// Where a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A person made it here.
    Person,
    /// It came from a server, and is passed on.
    Relayed,
}

/// Whether those who take part are to hear of a write (I9, rule 11): of what a person changed, as organizer, once. `is_told`: an
/// earlier attempt of the same change may have told them. A user's own facet is nobody else's business.
pub fn notifies(rights: Rights, is_meeting: bool, origin: Origin, is_told: bool, group: &FieldGroup) -> bool {
    rights.notifies && is_meeting && origin == Origin::Person && !is_told && !group.is_own()
}
