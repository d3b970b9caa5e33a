//! Calendars of accounts: listed as the server has them, made, renamed, chosen; busy times that a server tells; and what one account has,
//! exported (F4.5).

use postrider::service::{
    ActivityChanges, CalendarChange, CalendarName, CalendarView, Caller, NewActivity, RunRequest, Service,
    WhenChange,
};
use postrider_fake::groupware::Habits;
use postrider_model::{ActivityKind, CollectionKind, ErrorClass, Fault, Timestamp};

use crate::{house::House, life::Life};

fn house(tables: &str) -> House {
    House::new("exchange", Habits::exchange(), tables)
}

fn with<R>(house: &House, work: impl AsyncFnOnce(&mut Service, &Caller) -> R) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut service = house.service();
    let caller = service.owner();
    runtime.block_on(work(&mut service, &caller))
}

fn named(name: &str, kind: CollectionKind) -> CalendarName {
    CalendarName { account: "work".to_owned(), kind, name: name.to_owned() }
}

fn create(house: &House, name: &str) -> Result<CalendarView, Fault> {
    let new = named(name, CollectionKind::Calendar);
    with(house, async |service, caller| service.create_calendar(caller, &new).await)
}

fn edit(house: &House, name: &str, change: &CalendarChange) -> Result<CalendarView, Fault> {
    let which = named(name, CollectionKind::Calendar);
    with(house, async |service, caller| service.edit_calendar(caller, &which, change).await)
}

/// Names and whether they come in.
fn listed(house: &House) -> Vec<(String, bool)> {
    let all = with(house, async |service, caller| service.calendars(caller, None).await.unwrap());
    let calendars = all.into_iter().filter(|one| one.kind == CollectionKind::Calendar);
    let mut told: Vec<_> = calendars.map(|one| (one.name, one.comes_in)).collect();
    told.sort();
    told
}

fn renamed(name: &str) -> CalendarChange {
    CalendarChange { name: Some(name.to_owned()), comes_in: None }
}

fn follow(on: bool) -> CalendarChange {
    CalendarChange { name: None, comes_in: Some(on) }
}

#[test]
fn calendars_are_made_and_renamed_on_the_server() {
    let house = house("[activities]\n");
    let before = listed(&house).len();
    let made = create(&house, "Trips").unwrap();
    assert!(made.comes_in && !made.is_default && !made.goes_out, "{made:?}");
    assert!(create(&house, "Trips").unwrap_err().message().contains("one of that name already"));
    assert_eq!(listed(&house).len(), before + 1);
    assert_eq!(edit(&house, "Trips", &renamed("Journeys")).unwrap().name, "Journeys");
    assert!(listed(&house).contains(&("Journeys".to_owned(), true)));
    let missing = edit(&house, "Trips", &renamed("Walks")).unwrap_err();
    assert_eq!(missing.class, ErrorClass::NotFound);
    assert!(missing.message().contains("Journeys"), "{missing}");
}

#[test]
fn which_come_in_is_changed_where_a_command_added_the_account_and_told_where_a_file_did() {
    let by_file = house("[activities]\n");
    create(&by_file, "Trips").unwrap();
    let refused = edit(&by_file, "Trips", &follow(false)).unwrap_err();
    assert!(refused.message().contains("a file defines it"), "{refused}");
    let house = house("");
    house.store_account("[contacts]\nimport = false\n[activities]\ncalendars = [\"Trips\"]\n");
    create(&house, "Trips").unwrap();
    let made = create(&house, "Walks").unwrap();
    assert!(!made.comes_in);
    assert!(edit(&house, "Walks", &follow(true)).unwrap().comes_in);
    assert!(edit(&house, "Trips", &renamed("Journeys")).unwrap().comes_in, "it is the same one");
    assert!(!edit(&house, "Walks", &follow(false)).unwrap().comes_in);
    let chosen: Vec<_> = listed(&house).into_iter().filter(|(_, comes_in)| *comes_in).collect();
    assert_eq!(chosen, [("Journeys".to_owned(), true)]);
}

#[test]
fn an_account_without_activities_has_no_calendars_to_change() {
    let house = house("");
    assert_eq!(listed(&house), []);
    assert!(create(&house, "Trips").unwrap_err().message().contains("it has no activities"));
}

fn appointment(title: &str) -> NewActivity {
    let when = WhenChange {
        start: Some("2026-03-16 10:00".to_owned()),
        zone: Some("UTC".to_owned()),
        ..WhenChange::default()
    };
    let fields = ActivityChanges { title: Some(title.to_owned()), when, ..ActivityChanges::default() };
    NewActivity { kind: ActivityKind::Appointment, fields, organizer: None }
}

fn run(house: &House) {
    house.wait();
    let request = RunRequest { activities: true, contacts: true, ..RunRequest::default() };
    let (report, _) = house.live(&request, &Life::new(None)).unwrap();
    assert_eq!(report.error, None);
}

#[test]
fn an_export_of_an_account_has_what_that_account_has_and_no_more() {
    let house = house("[activities]\n");
    house.add(&crate::house::person("Boris", "Orlov"));
    with(&house, async |service, caller| service.add_activity(caller, &appointment("There")).unwrap());
    run(&house);
    house.add(&crate::house::person("Clara", "Weber"));
    with(&house, async |service, caller| service.add_activity(caller, &appointment("Here")).unwrap());
    with(&house, async |service, caller| {
        let whole = service.calendar_file(caller, false).unwrap();
        assert!(whole.contains("SUMMARY:There") && whole.contains("SUMMARY:Here"), "{whole}");
        let of_account = service.calendar_file_of_account(caller, "work", false).unwrap();
        assert!(of_account.contains("SUMMARY:There") && !of_account.contains("SUMMARY:Here"), "{of_account}");
        let cards = service.cards_of_account(caller, "work", false, None, None).unwrap().cards;
        assert_eq!(cards.len(), 1);
        assert!(cards[0].contains("Orlov"), "{cards:?}");
        assert!(service.calendar_file_of_account(caller, "home", false).is_err());
    });
}

#[test]
fn the_server_is_asked_when_people_have_no_time_who_are_not_of_this_house() {
    let house = house("[activities]\n");
    house.run_now();
    let boris = "boris@example.com";
    let there = house.server.add_account(boris);
    let calendar = there.own_collection(CollectionKind::Calendar).unwrap();
    let mut busy = postrider_model::Activity::new(ActivityKind::Appointment, "busy@example.com");
    let at = |time: &str| {
        let (local, zone) = (time.parse().unwrap(), Some("UTC".to_owned()));
        Some(postrider_model::Moment::At { local, zone })
    };
    busy.timing.start = at("2026-03-16T10:00:00");
    busy.timing.end = at("2026-03-16T11:00:00");
    there.add_activity(&calendar, &busy, &postrider_model::Own::default(), false).unwrap();
    let span = (Timestamp::from_seconds(1_773_619_200), Timestamp::from_seconds(1_773_705_600));
    let people = [boris.to_owned(), "nobody@example.net".to_owned()];
    let told =
        with(&house, async |service, caller| service.free_busy_asking(caller, &people, span).await.unwrap());
    let ten = Timestamp::from_seconds(1_773_655_200);
    assert_eq!(told[0].busy.iter().map(|one| one.start).collect::<Vec<_>>(), [ten]);
    assert_eq!(told[0].asked.as_ref().map(|asked| asked.refused.is_none()), Some(true));
    assert!(told[1].asked.as_ref().is_some_and(|asked| asked.refused.is_some()), "{told:?}");
    let unasked = with(&house, async |service, caller| service.free_busy(caller, &people, span).unwrap());
    assert!(unasked[0].busy.is_empty() && unasked[0].asked.is_none());
}
