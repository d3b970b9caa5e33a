//! Which items come in (F4.3, F4.4, F4.8).

use postrider_model::{ActivityKind, Person, Timestamp};

/// What an account takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Imports {
    /// Appointments.
    pub appointments: bool,
    /// Tasks.
    pub tasks: bool,
}

/// How far an activity reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// It has no end: a task that is due at no time, a series that does not end.
    Endless,
    /// It ends then; of a series, its last time does.
    Until(Timestamp),
}

/// Whether an item of that kind comes in. A task does where nobody is named for it, or one of the user's `addresses` owns it.
pub fn imports(imports: Imports, kind: ActivityKind, owner: Option<&Person>, addresses: &[&str]) -> bool {
    match kind {
        ActivityKind::Appointment => imports.appointments,
        ActivityKind::Task => {
            imports.tasks && owner.is_none_or(|owner| addresses.iter().any(|address| owner.is(address)))
        }
    }
}

/// Whether an item that is not linked comes in, by when it ends (F4.8). What is linked stays in step however old it gets.
pub const fn is_within(since: Option<Timestamp>, reach: Reach) -> bool {
    match (since, reach) {
        (None, _) | (_, Reach::Endless) => true,
        (Some(since), Reach::Until(end)) => end.0 > since.0,
    }
}

/// Whether what comes in shows in the schedule, until a person says otherwise (F4.1): appointments do, tasks do not.
pub const fn shows_in_schedule(kind: ActivityKind) -> bool {
    matches!(kind, ActivityKind::Appointment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appointments_and_tasks_come_in_each_by_its_switch() {
        use ActivityKind::{Appointment, Task};
        for (appointments, tasks) in [(false, false), (false, true), (true, false), (true, true)] {
            let switches = Imports { appointments, tasks };
            assert_eq!(imports(switches, Appointment, None, &[]), appointments);
            assert_eq!(imports(switches, Task, None, &[]), tasks);
        }
    }

    #[test]
    fn only_the_users_own_tasks_come_in() {
        let both = Imports { appointments: true, tasks: true };
        let owner = |email: &str| Person { email: email.to_owned(), name: None };
        let addresses = ["vera@example.com", "v@example.org"];
        assert!(imports(both, ActivityKind::Task, Some(&owner("V@Example.org")), &addresses));
        assert!(!imports(both, ActivityKind::Task, Some(&owner("anna@example.com")), &addresses));
        assert!(imports(both, ActivityKind::Appointment, Some(&owner("anna@example.com")), &addresses));
    }

    #[test]
    fn since_bounds_what_ended_by_then() {
        let since = Some(Timestamp(100));
        let table = [
            (since, Reach::Until(Timestamp(99)), false),
            (since, Reach::Until(Timestamp(100)), false),
            (since, Reach::Until(Timestamp(101)), true),
            (since, Reach::Endless, true),
            (None, Reach::Until(Timestamp(i64::MIN)), true),
            (None, Reach::Endless, true),
        ];
        for (since, reach, comes_in) in table {
            assert_eq!(is_within(since, reach), comes_in, "{since:?}, {reach:?}");
        }
    }

    #[test]
    fn imported_appointments_show_in_the_schedule_and_tasks_do_not() {
        assert!(shows_in_schedule(ActivityKind::Appointment));
        assert!(!shows_in_schedule(ActivityKind::Task));
    }
}
