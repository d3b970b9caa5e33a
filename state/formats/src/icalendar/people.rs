//! Who takes part: `ORGANIZER` and `ATTENDEE` (RFC 5545, sections 3.8.4.3 and 3.8.4.1).

use postrider_model::{Participant, ParticipantRole, Person, Response};

use super::{
    line::{Line, Param},
    moment,
    named::Zones,
};

/// When somebody answered, in UTC; Outlook writes it ([MS-OXCICAL], section 2.1.3.1.1.20.2).
const ANSWERED: &str = "X-MS-OLK-RESPTIME";

/// Somebody by address; `None` for whoever is named by something else.
pub(super) fn person(line: &Line) -> Option<Person> {
    let value = line.value.trim();
    let is_mail = value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let email = if is_mail {
        value.get(7..).map(str::trim).filter(|address| !address.is_empty())?
    } else {
        // Whoever is named by something else may have an address beside it (RFC 7986, section 6.2).
        let is_address = |text: &&str| text.contains('@') && !text.contains([':', '/', ' ']);
        Some(value).filter(is_address).or_else(|| line.param("EMAIL").filter(is_address))?
    };
    Some(Person { email: email.to_owned(), name: line.param("CN").map(str::to_owned) })
}

pub(super) fn participant(line: &Line, zones: &Zones) -> Option<Participant> {
    let answered = line
        .param(ANSWERED)
        .and_then(|text| moment::timestamp(&Line::new("DTSTAMP", Vec::new(), text), zones));
    Some(Participant {
        person: person(line)?,
        role: role(line),
        response: response(line),
        responded: answered,
    })
}

fn word(line: &Line, name: &str) -> String {
    line.param(name).unwrap_or_default().to_ascii_uppercase()
}

fn role(line: &Line) -> ParticipantRole {
    match (word(line, "CUTYPE").as_str(), word(line, "ROLE").as_str()) {
        ("RESOURCE" | "ROOM", _) => ParticipantRole::Resource,
        (_, "OPT-PARTICIPANT") => ParticipantRole::Optional,
        (_, "NON-PARTICIPANT") => ParticipantRole::Informed,
        _ => ParticipantRole::Required,
    }
}

fn response(line: &Line) -> Response {
    match word(line, "PARTSTAT").as_str() {
        // Whoever has begun a task, or done it, took it on.
        "ACCEPTED" | "COMPLETED" | "IN-PROCESS" => Response::Accepted,
        "TENTATIVE" => Response::Tentative,
        "DECLINED" => Response::Declined,
        "DELEGATED" => Response::Delegated,
        _ => Response::NeedsAction,
    }
}

/// The line of an organizer: that one, told anew, where there is one.
pub(super) fn organizer_line(was: Option<&Line>, now: &Person) -> Line {
    match was {
        Some(was) => {
            let params = given_name(was.params.clone(), person(was).as_ref(), now);
            Line::new("ORGANIZER", params, address(was, now))
        }
        None => Line::new("ORGANIZER", given_name(Vec::new(), None, now), format!("mailto:{}", now.email)),
    }
}

/// The line of a participant: that one, told anew, where there is one. What it says besides stays.
pub(super) fn participant_line(was: Option<&Line>, now: &Participant, zones: &Zones) -> Line {
    let before = was.and_then(|line| participant(line, zones));
    if let (Some(line), Some(before)) = (was, &before)
        && before == now
    {
        return line.clone();
    }
    let mut params = was.map(|line| line.params.clone()).unwrap_or_default();
    params = given_name(params, before.as_ref().map(|before| &before.person), &now.person);
    if before.as_ref().map(|before| before.role) != Some(now.role) {
        give_role(&mut params, now.role);
    }
    if before.as_ref().map(|before| before.response) != Some(now.response) {
        set(&mut params, "PARTSTAT", Some(response_word(now.response)));
    }
    if before.as_ref().and_then(|before| before.responded) != now.responded {
        let at = now.responded.map(moment::instant_text);
        set(&mut params, ANSWERED, at.as_deref());
    }
    let is_asked = now.response == Response::NeedsAction && now.role != ParticipantRole::Informed;
    if was.is_none() && is_asked {
        set(&mut params, "RSVP", Some("TRUE"));
    }
    let address = was.map_or_else(|| format!("mailto:{}", now.person.email), |was| address(was, &now.person));
    Line::new("ATTENDEE", params, address)
}

/// As it stands there, where it is the same.
fn address(was: &Line, now: &Person) -> String {
    let is_same = person(was).is_some_and(|before| before.email == now.email);
    if is_same { was.value.clone() } else { format!("mailto:{}", now.email) }
}

fn given_name(mut params: Vec<Param>, was: Option<&Person>, now: &Person) -> Vec<Param> {
    if was.and_then(|was| was.name.as_deref()) != now.name.as_deref() {
        set(&mut params, "CN", now.name.as_deref());
    }
    if was.is_some_and(|was| was.email != now.email) {
        set(&mut params, "EMAIL", None);
    }
    params
}

fn give_role(params: &mut Vec<Param>, role: ParticipantRole) {
    let (kind, role) = match role {
        ParticipantRole::Required => (None, "REQ-PARTICIPANT"),
        ParticipantRole::Optional => (None, "OPT-PARTICIPANT"),
        ParticipantRole::Informed => (None, "NON-PARTICIPANT"),
        ParticipantRole::Resource => (Some("RESOURCE"), "NON-PARTICIPANT"),
    };
    let is_thing = |param: &Param| {
        param.name == "CUTYPE"
            && param
                .values
                .iter()
                .any(|value| ["RESOURCE", "ROOM"].iter().any(|kind| value.trim().eq_ignore_ascii_case(kind)))
    };
    if kind.is_some() || params.iter().any(is_thing) {
        set(params, "CUTYPE", kind);
    }
    set(params, "ROLE", Some(role));
}

/// As `PARTSTAT` has it.
pub(super) const fn response_word(response: Response) -> &'static str {
    match response {
        Response::NeedsAction => "NEEDS-ACTION",
        Response::Accepted => "ACCEPTED",
        Response::Tentative => "TENTATIVE",
        Response::Declined => "DECLINED",
        Response::Delegated => "DELEGATED",
    }
}

fn set(params: &mut Vec<Param>, name: &str, value: Option<&str>) {
    let at = params.iter().position(|param| param.name == name);
    match (at, value) {
        (Some(at), Some(value)) => {
            if let Some(param) = params.get_mut(at) {
                *param = Param::new(name, value);
            }
        }
        (Some(_), None) => params.retain(|param| param.name != name),
        (None, Some(value)) => params.push(Param::new(name, value)),
        (None, None) => {}
    }
}
