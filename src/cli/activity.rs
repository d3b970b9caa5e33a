//! `postrider activity …`

use std::{fs::OpenOptions, io::Write, path::Path};

use postrider_model::{ErrorClass, Fault, IdParseError};

use super::{
    args::{ActivityCommand, ActivityFields, ActivityQuery, PrivacyArg, ResponseArg, ShowAsArg, StatusArg},
    door::Door,
    given::{content, text_of},
    out::{Out, counted},
    table::{Column, Table},
};
use crate::{
    api::{
        ActivityId, Base64,
        operations::{
            activities::{ActivityDetails, Add, Cancel, Edit, Kind, List, Placed, Respond, Restore, Show},
            activity_fields::{
                ActivityFields as Fields, Asked, Extent, Participant, Privacy, Reminder, Response, Role,
                ShowAs, Status, When,
            },
            invitations::Accept,
            schedule::{Export, FreeBusy, Import, Today, day_of},
        },
    },
    config::{format_duration, parse_duration},
    report::Exit,
};

pub(super) async fn activity(door: &mut Door, command: ActivityCommand, out: Out) -> Result<Exit, Fault> {
    match command {
        ActivityCommand::List(query) => list(door, query, out).await?,
        ActivityCommand::Show { id } => show(&door.call(Show { id: parse_id(&id)? }).await?, out)?,
        ActivityCommand::Add { title, task, organizer, fields, notify } => {
            let kind = if task { Kind::Task } else { Kind::Appointment };
            let fields = Fields { title: Some(title), ..read(fields)? };
            told(&door.call(Add { kind, fields, organizer, notify }).await?, "added", notify, out)?;
        }
        ActivityCommand::Edit { id, title, fields, extent, add_participant, remove_participant, notify } => {
            let id = parse_id(&id)?;
            let mut fields = Fields { title, ..read(fields)? };
            let mut rev = None;
            if !add_participant.is_empty() || !remove_participant.is_empty() {
                let now = door.call(Show { id }).await?;
                rev = Some(now.rev);
                fields.participants =
                    Some(asked_after(now.says.participants, &add_participant, &remove_participant)?);
            }
            if fields == Fields::default() {
                return Err(super::contact::nothing_named(&format!("activity {id}"), "activity"));
            }
            let extent = Extent { occurrence: extent.occurrence, following: extent.following };
            told(&door.call(Edit { id, extent, rev, fields, notify }).await?, "edited", notify, out)?;
        }
        ActivityCommand::Cancel { id, occurrence, notify } => {
            let extent = Extent { occurrence, following: false };
            let done = door.call(Cancel { id: parse_id(&id)?, extent, notify }).await?;
            tell(done.id, "called off", out)?;
        }
        ActivityCommand::Accept { message } => {
            let done = door.call(Accept { message: super::mail::parse_id(&message)? }).await?;
            match out.json {
                true => out.value(&done)?,
                false => done.iter().for_each(|id| out.line(format!("{id}: taken in"))),
            }
        }
        ActivityCommand::Restore { id } => {
            let done = door.call(Restore { id: parse_id(&id)? }).await?;
            tell(done.id, "restored", out)?;
        }
        ActivityCommand::Respond { id, response, occurrence, notify } => {
            let extent = Extent { occurrence, following: false };
            let respond = Respond { id: parse_id(&id)?, extent, response: response.into(), notify };
            let done = door.call(respond).await?;
            tell(done.id, "answered", out)?;
        }
        ActivityCommand::Freebusy { people, from, to } => free_busy(door, people, (from, to), out).await?,
        ActivityCommand::Import { file, user } => import(door, &file, user, out).await?,
        ActivityCommand::Export { to, mine, account } => {
            export(door, &to, Export { mine, account }, out).await?
        }
    }
    Ok(Exit::Done)
}

pub(super) fn parse_id(text: &str) -> Result<ActivityId, Fault> {
    text.parse().map(ActivityId).map_err(|error: IdParseError| {
        Fault::new(ErrorClass::Config, "read an activity id", error.to_string())
    })
}

fn wrong(what: &str, text: &str, expected: &str) -> Fault {
    Fault::new(ErrorClass::Config, format!("read {what}"), format!("found {text:?}, expected {expected}"))
}

/// What the options say.
fn read(given: ActivityFields) -> Result<Fields, Fault> {
    let seconds = |text: &str| {
        let duration =
            parse_duration(text).ok_or_else(|| wrong("a time span", text, "one such as 45m, 2h, 3d"))?;
        u32::try_from(duration.as_secs()).map_err(|_| wrong("a time span", text, "a shorter one"))
    };
    let some =
        |all: Vec<String>| (!all.is_empty()).then(|| all.into_iter().filter(|one| !one.is_empty()).collect());
    let reminders: Option<Vec<String>> = some(given.reminders);
    let reminder = |text: &String| {
        let before =
            i32::try_from(seconds(text)?).map_err(|_| wrong("a time span", text, "a shorter one"))?;
        Ok(Reminder { before_start_s: Some(before), before_end_s: None, at_s: None, by_mail: false })
    };
    let participants: Option<Vec<String>> = some(given.participants);
    Ok(Fields {
        title: None,
        place: given.place,
        description: given.description.as_deref().map(text_of).transpose()?,
        status: given.status.map(Status::from),
        privacy: given.privacy.map(Privacy::from),
        priority: given.priority,
        percent: given.percent,
        join_url: given.join_url,
        start: given.start,
        end: given.end,
        duration_s: given.duration.as_deref().map(seconds).transpose()?,
        zone: given.zone,
        rules: some(given.rules),
        participants: participants
            .map(|all| all.iter().map(|one| asked(one)).collect::<Result<_, _>>())
            .transpose()?,
        reminders: reminders
            .map(|all| all.iter().map(reminder).collect::<Result<Vec<_>, Fault>>())
            .transpose()?,
        show_as: given.show_as.map(ShowAs::from),
        categories: some(given.categories),
        in_schedule: given.in_schedule,
        visibility: given.visible,
    })
}

/// `optional:anna@example.com`, or without a role.
fn asked(text: &str) -> Result<Asked, Fault> {
    let (role, email) = match text.split_once(':') {
        None => (None, text),
        Some(("required", email)) => (Some(Role::Required), email),
        Some(("optional", email)) => (Some(Role::Optional), email),
        Some(("informed", email)) => (Some(Role::Informed), email),
        Some(("resource", email)) => (Some(Role::Resource), email),
        Some((role, _)) => return Err(wrong("a role", role, "required, optional, informed or resource")),
    };
    match email.contains('@') {
        true => Ok(Asked { email: email.to_owned(), name: None, role }),
        false => Err(wrong("an address", email, "one such as anna@example.com")),
    }
}

fn asked_after(now: Vec<Participant>, add: &[String], remove: &[String]) -> Result<Vec<Asked>, Fault> {
    let stays = |one: &Participant| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(&one.email));
    let kept = now.into_iter().filter(stays);
    let mut all: Vec<Asked> =
        kept.map(|one| Asked { email: one.email, name: one.name, role: Some(one.role) }).collect();
    for one in add {
        let new = asked(one)?;
        all.retain(|known| !known.email.eq_ignore_ascii_case(&new.email));
        all.push(new);
    }
    Ok(all)
}

impl From<StatusArg> for Status {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Open => Self::Open,
            StatusArg::Tentative => Self::Tentative,
            StatusArg::InProcess => Self::InProcess,
            StatusArg::Waiting => Self::Waiting,
            StatusArg::Deferred => Self::Deferred,
            StatusArg::Completed => Self::Completed,
        }
    }
}

impl From<PrivacyArg> for Privacy {
    fn from(privacy: PrivacyArg) -> Self {
        match privacy {
            PrivacyArg::Normal => Self::Normal,
            PrivacyArg::Private => Self::Private,
            PrivacyArg::Confidential => Self::Confidential,
        }
    }
}

impl From<ShowAsArg> for ShowAs {
    fn from(show_as: ShowAsArg) -> Self {
        match show_as {
            ShowAsArg::Busy => Self::Busy,
            ShowAsArg::Free => Self::Free,
            ShowAsArg::Tentative => Self::Tentative,
            ShowAsArg::OutOfOffice => Self::OutOfOffice,
            ShowAsArg::WorkingElsewhere => Self::WorkingElsewhere,
        }
    }
}

impl From<ResponseArg> for Response {
    fn from(response: ResponseArg) -> Self {
        match response {
            ResponseArg::Accepted => Self::Accepted,
            ResponseArg::Tentative => Self::Tentative,
            ResponseArg::Declined => Self::Declined,
        }
    }
}

async fn list(door: &mut Door, query: ActivityQuery, out: Out) -> Result<(), Fault> {
    let kind = match (query.appointments, query.tasks) {
        (true, _) => Some(Kind::Appointment),
        (_, true) => Some(Kind::Task),
        _ => None,
    };
    let wanted = List {
        query: query.query.join(" "),
        from: query.from,
        to: query.to,
        kind,
        with: query.with,
        group: query.group,
        deleted: query.deleted,
        limit: query.limit,
    };
    let listed = door.call(wanted).await?;
    listed.remarks.iter().for_each(|remark| out.warn(format!("warning: {remark}")));
    if out.json {
        return out.value(&listed.activities);
    }
    let mut table = Table::new([
        Column::whole("ID"),
        Column::whole("START"),
        Column::whole("END"),
        Column::whole("STATE"),
        Column::text("TITLE"),
        Column::text("PLACE"),
        Column::text("ORGANIZER"),
    ]);
    for one in &listed.activities {
        table.row([
            one.id.to_string(),
            one.starts.clone(),
            end_of(one),
            state_of(one).to_owned(),
            if one.hidden { "(private)".to_owned() } else { one.title.clone() },
            one.place.clone().unwrap_or_default(),
            one.organizer.clone().unwrap_or_default(),
        ]);
    }
    out.table(&table);
    if listed.activities.len() as u64 == u64::from(query.limit) {
        out.note(format!("the first {}; --limit shows more", query.limit));
    }
    Ok(())
}

/// An end on the day of the beginning is told by its time alone.
fn end_of(one: &Placed) -> String {
    let same_day = one.starts.get(..10) == one.ends.get(..10);
    match (same_day, one.all_day) {
        (true, true) => String::new(),
        (true, false) => one.ends.get(11..).unwrap_or_default().to_owned(),
        (false, _) => one.ends.clone(),
    }
}

fn state_of(one: &Placed) -> &'static str {
    match (one.status, one.kind, one.response) {
        (Status::Cancelled, ..) => "cancelled",
        (Status::Completed, ..) => "done",
        (Status::InProcess, ..) => "begun",
        (Status::Waiting, ..) => "waiting",
        (Status::Deferred, ..) => "put off",
        (_, Kind::Task, _) => "to do",
        (.., Some(Response::Declined)) => "declined",
        (.., Some(Response::NeedsAction)) => "to answer",
        (Status::Tentative, ..) | (.., Some(Response::Tentative)) => "tentative",
        _ => "",
    }
}

fn tell(id: ActivityId, what: &str, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(&serde_json::json!({ "id": id }));
    }
    out.line(format!("{id}: {what}"));
    Ok(())
}

fn told(details: &ActivityDetails, what: &str, notify: bool, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(details);
    }
    out.line(format!("{} {}: {what}", details.id, details.says.title));
    if !details.says.participants.is_empty() && !notify {
        out.note("nobody is mailed of it; --notify does that");
    }
    Ok(())
}

fn show(details: &ActivityDetails, out: Out) -> Result<(), Fault> {
    if out.json {
        return out.value(details);
    }
    let says = &details.says;
    let title = if details.hidden { "(private)" } else { says.title.as_str() };
    out.line(format!("{}  {title}", details.id));
    let line = |name: &str, text: String| {
        if !text.is_empty() {
            out.line(format!("{name}: {text}"));
        }
    };
    let is_task = details.kind == Kind::Task;
    let written = |when: &Option<When>| when.as_ref().map(in_words).unwrap_or_default();
    line("Start", written(&says.start));
    line(if is_task { "Due" } else { "End" }, written(&says.end));
    says.rules.iter().for_each(|rule| line("Recurs", rule.clone()));
    line("Also", says.further.iter().map(in_words).collect::<Vec<_>>().join("; "));
    line("Place", says.place.clone().unwrap_or_default());
    line("Join", says.join_url.clone().unwrap_or_default());
    line("Status", word(&says.status));
    line("Done", says.percent.map(|percent| format!("{percent} %")).unwrap_or_default());
    line("Priority", says.priority.map(|priority| priority.to_string()).unwrap_or_default());
    line("Organizer", says.organizer.clone().unwrap_or_default());
    for one in &says.participants {
        let name = one.name.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        line("With", format!("{name}<{}>, {}, {}", one.email, word(&one.role), word(&one.response)));
    }
    line("Your answer", details.own.response.as_ref().map(word).unwrap_or_default());
    details.own.reminders.iter().for_each(|reminder| line("Reminder", reminder_in_words(reminder)));
    line("Shows as", word(&details.own.show_as));
    line("Categories", details.own.categories.join(", "));
    line("Groups", details.groups.join(", "));
    line("Owner", details.owner.clone());
    line("Seen by", details.visibility.clone());
    for one in &details.differing {
        let what = match one.says.status {
            Status::Cancelled => "does not take place".to_owned(),
            _ => format!("{} {}", written(&one.says.start), one.says.title),
        };
        line("But", format!("{} ({}): {what}", one.occurrence, one.id));
    }
    if let Some(deleted) = &details.deleted {
        out.line(format!(
            "Deleted: {} UTC; `postrider activity restore {}` brings it back",
            deleted.minute(),
            details.id
        ));
    }
    if let Some(description) = &says.description {
        out.line("");
        description.lines().for_each(|line| out.line(line));
    }
    Ok(())
}

/// A word of the API, as its JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn in_words(when: &When) -> String {
    let at = when.at.strip_suffix(":00").unwrap_or(&when.at).replace('T', " ");
    match &when.zone {
        Some(zone) => format!("{at} ({zone})"),
        None => at,
    }
}

fn reminder_in_words(reminder: &Reminder) -> String {
    let span =
        |seconds: i32| format_duration(std::time::Duration::from_secs(u64::from(seconds.unsigned_abs())));
    let when = match (reminder.before_start_s, reminder.before_end_s, reminder.at_s) {
        (Some(seconds), ..) if seconds >= 0 => format!("{} before it begins", span(seconds)),
        (Some(seconds), ..) => format!("{} after it began", span(seconds)),
        (_, Some(seconds), _) if seconds >= 0 => format!("{} before it ends", span(seconds)),
        (_, Some(seconds), _) => format!("{} after it ended", span(seconds)),
        (.., at) => {
            let at = at.map(i64::from).map(postrider_model::Timestamp::from_seconds);
            at.and_then(crate::api::Instant::of).map(|at| format!("{} UTC", at.minute())).unwrap_or_default()
        }
    };
    if reminder.by_mail { format!("{when}, by mail") } else { when }
}

async fn free_busy(
    door: &mut Door,
    people: Vec<String>,
    (from, to): (Option<String>, Option<String>),
    out: Out,
) -> Result<(), Fault> {
    let from = match from {
        Some(from) => from,
        None => door.call(Today {}).await?.day,
    };
    let to = match to {
        Some(to) => to,
        None => {
            let end = day_of(&from)?.checked_add_days(chrono::Days::new(7));
            end.map(|day| day.to_string()).unwrap_or_default()
        }
    };
    let people = door.call(FreeBusy { people, from, to }).await?;
    if out.json {
        return out.value(&people);
    }
    let mut table = Table::new([Column::text("WHO"), Column::whole("BUSY FROM"), Column::whole("UNTIL")]);
    for one in &people {
        for time in &one.busy {
            table.row([one.who.clone(), time.starts.clone(), time.ends.clone()]);
        }
    }
    out.table(&table);
    for one in people.iter().filter(|one| !one.is_user) {
        out.note(match (&one.asked, &one.refused) {
            (None, _) => format!("{} is no user here: only what you see is told of them", one.who),
            (Some(account), None) => {
                format!("{} is no user here: the server of {account} tells of them", one.who)
            }
            (Some(account), Some(why)) => {
                format!(
                    "{} is no user here, and the server of {account} does not tell of them: {why}",
                    one.who
                )
            }
        });
    }
    Ok(())
}

async fn import(door: &mut Door, file: &Path, user: Option<String>, out: Out) -> Result<(), Fault> {
    let imported = door.call(Import { file: Base64(content(file)?), user }).await?;
    if out.json {
        return out.value(&imported);
    }
    imported.remarks.iter().for_each(|remark| out.warn(format!("warning: {remark}")));
    let added = imported.added.len();
    let activities = if added == 1 { "1 activity".to_owned() } else { format!("{added} activities") };
    out.line(format!(
        "{activities} added, {} changed, {} as they were",
        imported.changed.len(),
        imported.unchanged
    ));
    Ok(())
}

async fn export(door: &mut Door, to: &Path, wanted: Export, out: Out) -> Result<(), Fault> {
    let file = door.call(wanted).await?.0;
    if to == Path::new("-") {
        out.bytes(&file);
        return Ok(());
    }
    let failed = |error: std::io::Error| {
        Fault::new(ErrorClass::Config, format!("write {}", to.display()), error.to_string())
    };
    // Nothing is written over.
    let mut new = OpenOptions::new().write(true).create_new(true).open(to).map_err(failed)?;
    new.write_all(&file).map_err(failed)?;
    match out.json {
        true => out.value(&serde_json::json!({ "file": to, "octets": file.len() })),
        false => {
            out.line(format!("{} in {}", counted(file.len() as u64, "octet"), to.display()));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_participant_has_a_role_where_a_word_stands_before_the_address() {
        let read = |text: &str| asked(text).ok().map(|one| (one.email, one.role));
        let anna = || "anna@example.com".to_owned();
        assert_eq!(read("anna@example.com"), Some((anna(), None)));
        assert_eq!(read("optional:anna@example.com"), Some((anna(), Some(Role::Optional))));
        assert_eq!((read("boss:anna@example.com"), read("anna"), read("optional:")), (None, None, None));
    }

    #[test]
    fn who_is_asked_once_more_is_asked_once() {
        let now = vec![Participant {
            email: "Anna@example.com".to_owned(),
            name: Some("Anna".to_owned()),
            role: Role::Required,
            response: Response::Accepted,
        }];
        let all = asked_after(now.clone(), &["optional:anna@example.com".to_owned()], &[]).unwrap();
        assert_eq!((all.len(), all[0].role), (1, Some(Role::Optional)));
        assert!(asked_after(now, &[], &["ANNA@example.com".to_owned()]).unwrap().is_empty());
    }
}
