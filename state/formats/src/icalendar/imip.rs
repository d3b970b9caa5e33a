//! Invitations, updates, answers and cancellations in mail (iMIP, RFC 6047): found in a message, and written for one (iTIP, RFC 5546).
//!
//! What a message says is only told here. Whether it may change anything is decided elsewhere: whoever sent it may be anybody (F4.7).

use postrider_model::{Participant, ParticipantRole, Person, Response, Timestamp};

use super::{
    Calendar, Item, MAX_OCTETS, Method,
    component::{Component, Part},
    line::Line,
    moment, named, people, read as reading, write,
};
use crate::message;

/// What a message wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// What.
    pub method: Method,
    /// Of what; those that cannot be read are left out.
    pub items: Vec<Item>,
}

/// What a message, as it came, wants with calendars: the first of those in it that asks for, answers or cancels something. `None` where
/// there is none, such as in one that only tells of an appointment (`PUBLISH`).
pub fn read(raw: &[u8]) -> Option<Invitation> {
    let is_asking = |method: &Method| !matches!(method, Method::Publish | Method::DeclineCounter);
    message::calendars(raw, MAX_OCTETS).iter().find_map(|file| {
        let calendar = Calendar::read(file);
        let items: Vec<Item> = calendar.items.into_iter().flatten().collect();
        let method = calendar.method.filter(is_asking).filter(|_| !items.is_empty())?;
        Some(Invitation { method, items })
    })
}

/// An answer to an invitation, as a calendar (RFC 5546, section 3.2.3): it has the one who answers and nobody else who was asked. `None`
/// where nobody is there to be answered, or it says neither yes, nor no, nor perhaps.
pub fn reply(item: &Item, who: &Person, response: Response, at: Timestamp) -> Option<String> {
    if !matches!(response, Response::Accepted | Response::Tentative | Response::Declined) {
        return None;
    }
    let asked = &item.component;
    let organizer = asked.first("ORGANIZER")?;
    let was =
        asked.all("ATTENDEE").find(|line| people::person(line).is_some_and(|person| person.is(&who.email)));
    let was = was.map(|line| without_param(line, "RSVP"));
    let role = ParticipantRole::Required;
    let mut participant = was
        .as_ref()
        .and_then(|line| people::participant(line, &item.zones))
        .unwrap_or_else(|| Participant { person: who.clone(), role, ..Participant::default() });
    participant.response = response;
    let mut component = Component::new(&asked.name);
    for name in
        ["UID", "RECURRENCE-ID", "SEQUENCE", "DTSTART", "DTEND", "DUE", "DURATION", "SUMMARY", "LOCATION"]
    {
        component.parts.extend(asked.first(name).cloned().map(Part::Line));
    }
    component.push(organizer.clone());
    component.push(people::participant_line(was.as_ref(), &participant, &item.zones));
    component.push(Line::new("DTSTAMP", Vec::new(), moment::instant_text(at)));
    let mut zones = item.zones.clone();
    named::retain(&mut zones, &component);
    Some(write::calendar(Vec::new(), vec![(component, zones)], Some(Method::Reply)))
}

/// An invitation to these, or what changed in them, as a calendar (RFC 5546, section 3.2.2). Reminders, categories, and what tells more than
/// `TRANSP` of how time shows are the organizer's own, as is what their calendar is called, and stay out of it.
pub fn request(items: &[Item], at: Timestamp) -> String {
    let items: Vec<Item> = items.iter().map(|item| shared(item, at)).collect();
    write::calendar(Vec::new(), write::in_order(&items), Some(Method::Request))
}

/// That these do not take place, as a calendar (RFC 5546, section 3.2.5): series, what takes place once, or single occurrences. An
/// occurrence that came as an `EXDATE` names nobody: it is to be given the people of its series first.
pub fn cancel(items: &[Item], at: Timestamp) -> String {
    let items = items.iter().map(|item| cancelled(shared(item, at)));
    let components = items.map(|item| (item.component, item.zones)).collect();
    write::calendar(Vec::new(), components, Some(Method::Cancel))
}

/// The item without what is one user's.
fn shared(item: &Item, at: Timestamp) -> Item {
    let mut item = item.stamped(at);
    let is_own = |line: &Line| {
        let name = line.name.as_str();
        name == "CATEGORIES"
            || reading::BUSY.contains(&name)
            || name == reading::STATE
            || name.starts_with("X-MOZ-")
    };
    item.component.remove(is_own);
    let is_alarm = |part: &Part| matches!(part, Part::Component(inner) if inner.name == "VALARM");
    item.component.replace(is_alarm, Vec::new());
    named::retain(&mut item.zones, &item.component);
    item
}

fn cancelled(mut item: Item) -> Item {
    item.component.set("STATUS", Some(Line::new("STATUS", Vec::new(), "CANCELLED")));
    item
}

fn without_param(line: &Line, name: &str) -> Line {
    let params = line.params.iter().filter(|param| param.name != name).cloned().collect();
    Line::new(&line.name, params, line.value.clone())
}
