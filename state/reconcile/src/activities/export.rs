//! Which activities go out, as what, and by whom (F4.2, F4.3, F4.4; design, "One meeting", rules 8 and 9).

use postrider_model::{Activity, ActivityKind, Participant, People, Person};

/// What an account's server does with appointments and tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerKind {
    /// A calendar alone: what shows in the schedule goes there, as an appointment (F4.3).
    CalendarOnly,
    /// Calendars and task lists (F4.4).
    CalendarAndTasks,
}

/// An activity that may go out to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported<'a> {
    /// Whether it has the mark.
    pub show_in_schedule: bool,
    /// Whether somebody besides the organizer takes part.
    pub has_participants: bool,
    /// Whether the account's user may see it.
    pub is_visible: bool,
    /// Its groups.
    pub groups: &'a [String],
}

/// As what an activity belongs to an account; `None` where it does not. `groups`: the account wants only what is in one of these.
pub fn exported_as(
    server: ServerKind,
    groups: Option<&[String]>,
    activity: Exported<'_>,
) -> Option<ActivityKind> {
    let is_wanted = groups.is_none_or(|groups| activity.groups.iter().any(|one| groups.contains(one)));
    if !activity.is_visible || !is_wanted {
        return None;
    }
    match server {
        ServerKind::CalendarOnly if activity.show_in_schedule => Some(ActivityKind::Appointment),
        ServerKind::CalendarOnly => None,
        ServerKind::CalendarAndTasks if activity.show_in_schedule || activity.has_participants => {
            Some(ActivityKind::Appointment)
        }
        ServerKind::CalendarAndTasks => Some(ActivityKind::Task),
    }
}

/// Who brings an activity that was made here to a server, as organizer: the organizer where they sync, else the first participant who
/// does (F4.2). One that came from a server has its organizer there: nobody does.
pub fn exporter<U: Clone + PartialEq>(is_made_here: bool, organizer: Option<&U>, syncing: &[U]) -> Option<U> {
    let organizer = organizer.filter(|user| syncing.contains(user));
    organizer.or(syncing.first()).filter(|_| is_made_here).cloned()
}

/// What an account's user is in an activity, as far as a new item goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// They bring it to a server: it is theirs, or they are the [`exporter`].
    Brings,
    /// They take part, and somebody else organizes it: their server delivers it to them, and it is known by its uid (rule 8).
    TakesPart,
    /// Another account of theirs has it (rule 9).
    HasItElsewhere,
}

/// What the user is in it.
pub const fn part_of(brings: bool, takes_part: bool, has_it_elsewhere: bool) -> Part {
    match (has_it_elsewhere, brings, takes_part) {
        (true, _, _) => Part::HasItElsewhere,
        (false, false, true) => Part::TakesPart,
        (false, _, _) => Part::Brings,
    }
}

/// What the choice comes to for an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActivityExport {
    /// It is made there.
    Make(ActivityKind),
    /// It is made there as [`plain_copy`] has it.
    MakePlain(ActivityKind),
    /// It is made by nobody here: the server will deliver it.
    Await,
    /// Its item stays linked as it is.
    Keep,
    /// Its item is made anew as the other kind and the old one deleted; the record is the same.
    Move(ActivityKind),
    /// It does not belong into the link any more, and is unlinked.
    Leave,
    /// Nothing.
    Nothing,
}

/// Judges an activity. `wanted` is what [`exported_as`] says; `linked` is as what the account has it, with whether it came in by an
/// import: what did does not have to qualify for an export to stay. An item of a meeting is never moved, as the others' would not
/// follow.
pub fn judge_export(
    wanted: Option<ActivityKind>,
    linked: Option<(ActivityKind, bool)>,
    part: Part,
    has_participants: bool,
) -> ActivityExport {
    match (linked, wanted) {
        (None, None) => ActivityExport::Nothing,
        (None, Some(kind)) => match part {
            Part::Brings => ActivityExport::Make(kind),
            Part::TakesPart => ActivityExport::Await,
            Part::HasItElsewhere if has_participants => ActivityExport::MakePlain(kind),
            Part::HasItElsewhere => ActivityExport::Make(kind),
        },
        (Some((_, true)), None) => ActivityExport::Keep,
        (Some((_, false)), None) => ActivityExport::Leave,
        (Some((now, _)), Some(kind)) if now == kind || has_participants => ActivityExport::Keep,
        (Some(_), Some(kind)) => ActivityExport::Move(kind),
    }
}

/// A meeting as a plain appointment: nobody takes part, so that no server invites anybody, and who does is told in the text, one a line,
/// the organizer first. A link of such a copy merges this, and takes nothing back from it but the user's own facet.
pub fn plain_copy(activity: &Activity) -> Activity {
    let mut plain = activity.clone();
    let People { organizer, participants } = std::mem::take(&mut plain.people);
    let organizer_email = organizer.as_ref().map(|organizer| organizer.email.clone());
    let others = participants.into_iter().map(|Participant { person, .. }| person);
    let others = others.filter(|person| !organizer_email.as_deref().is_some_and(|email| person.is(email)));
    let lines: Vec<String> = organizer.into_iter().chain(others).map(line).collect();
    if !lines.is_empty() {
        let text = plain.content.description.take().filter(|text| !text.is_empty());
        let parts: Vec<String> = text.into_iter().chain([lines.join("\n")]).collect();
        plain.content.description = Some(parts.join("\n\n"));
    }
    plain
}

fn line(person: Person) -> String {
    match person.name {
        Some(name) if !name.is_empty() => format!("{name} <{}>", person.email),
        _ => person.email,
    }
}

#[cfg(test)]
mod tests;
