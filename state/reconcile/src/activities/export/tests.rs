use super::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_mark_and_the_participants_say_as_what_an_activity_goes_out() {
    use ActivityKind::{Appointment, Task};
    use ServerKind::{CalendarAndTasks, CalendarOnly};
    let table = [
        // server, in the schedule, participants, as what
        (CalendarOnly, true, false, Some(Appointment)),
        (CalendarOnly, true, true, Some(Appointment)),
        (CalendarOnly, false, false, None),
        (CalendarOnly, false, true, None),
        (CalendarAndTasks, true, false, Some(Appointment)),
        (CalendarAndTasks, true, true, Some(Appointment)),
        (CalendarAndTasks, false, false, Some(Task)),
        (CalendarAndTasks, false, true, Some(Appointment)),
    ];
    for (server, show_in_schedule, has_participants, kind) in table {
        let activity = Exported { show_in_schedule, has_participants, is_visible: true, groups: &[] };
        assert_eq!(exported_as(server, None, activity), kind, "{server:?}, {activity:?}");
        let unseen = Exported { is_visible: false, ..activity };
        assert_eq!(exported_as(server, None, unseen), None, "{server:?}, {unseen:?}");
    }
}

#[test]
fn groups_bound_what_goes_out() {
    let (sales, other, none) = (names(&["Old", "Sales"]), names(&["Other"]), names(&[]));
    let wanted = names(&["Sales", "More"]);
    for (groups, activity, goes) in [
        (None, &none, true),
        (None, &other, true),
        (Some(wanted.as_slice()), &sales, true),
        (Some(wanted.as_slice()), &other, false),
        (Some(wanted.as_slice()), &none, false),
        (Some(none.as_slice()), &sales, false),
    ] {
        let activity =
            Exported { show_in_schedule: true, has_participants: false, is_visible: true, groups: activity };
        for server in [ServerKind::CalendarOnly, ServerKind::CalendarAndTasks] {
            assert_eq!(exported_as(server, groups, activity).is_some(), goes, "{groups:?}, {activity:?}");
        }
    }
}

#[test]
fn a_changed_mark_moves_the_item_and_a_meeting_stays_where_it_is() {
    use ActivityExport::{Await, Keep, Leave, Make, MakePlain, Move, Nothing};
    use ActivityKind::{Appointment, Task};
    use Part::{Brings, HasItElsewhere, TakesPart};
    let (imported, exported) = (|kind| Some((kind, true)), |kind| Some((kind, false)));
    let table = [
        // wanted, linked as (and imported), part, participants, what is done
        (None, None, Brings, false, Nothing),
        (Some(Task), None, Brings, false, Make(Task)),
        (Some(Appointment), None, Brings, true, Make(Appointment)),
        (Some(Appointment), None, TakesPart, true, Await),
        (Some(Appointment), None, HasItElsewhere, true, MakePlain(Appointment)),
        (Some(Task), None, HasItElsewhere, false, Make(Task)),
        (None, None, TakesPart, true, Nothing),
        (Some(Task), exported(Task), Brings, false, Keep),
        (Some(Appointment), exported(Task), Brings, false, Move(Appointment)),
        (Some(Task), exported(Appointment), Brings, false, Move(Task)),
        (Some(Task), imported(Appointment), Brings, false, Move(Task)),
        (Some(Appointment), imported(Task), Brings, true, Keep),
        (Some(Task), exported(Appointment), TakesPart, true, Keep),
        (None, exported(Appointment), Brings, false, Leave),
        (None, imported(Appointment), Brings, false, Keep),
        (None, imported(Task), Brings, true, Keep),
        (None, exported(Task), Brings, true, Leave),
    ];
    for (wanted, linked, part, has_participants, done) in table {
        assert_eq!(
            judge_export(wanted, linked, part, has_participants),
            done,
            "{wanted:?}, {linked:?}, {part:?}, {has_participants}"
        );
    }
}

#[test]
fn a_plain_copy_tells_who_takes_part_behind_the_text() {
    let person = |email: &str, name: &str| Person {
        email: email.to_owned(),
        name: (!name.is_empty()).then(|| name.to_owned()),
    };
    let activity = |text: Option<&str>, organizer: Option<Person>, others: &[Person]| {
        let mut activity = Activity::new(ActivityKind::Appointment, "m");
        activity.content.description = text.map(str::to_owned);
        activity.people.organizer = organizer;
        let participant = |person: &Person| Participant { person: person.clone(), ..Participant::default() };
        activity.people.participants = others.iter().map(participant).collect();
        activity
    };
    let (anna, vera) = (person("anna@x", "Anna"), person("vera@x", ""));
    let table = [
        (activity(None, None, &[]), None),
        (activity(Some("text"), None, &[]), Some("text")),
        (activity(Some(""), Some(anna.clone()), &[]), Some("Anna <anna@x>")),
        (activity(None, Some(Person { name: Some(String::new()), ..vera.clone() }), &[]), Some("vera@x")),
        (activity(Some("text"), None, std::slice::from_ref(&vera)), Some("text\n\nvera@x")),
        (activity(None, Some(anna.clone()), &[vera, person("ANNA@x", "")]), Some("Anna <anna@x>\nvera@x")),
    ];
    for (activity, text) in table {
        let plain = plain_copy(&activity);
        assert_eq!(plain.content.description.as_deref(), text);
        assert_eq!(plain.people, People::default());
        assert_eq!(plain.uid, activity.uid);
    }
}
