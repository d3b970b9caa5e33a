//! From how it ended to what the shell is told: exit codes (spec, "Command line").

use postrider_model::{AccountStatus, ErrorClass, Fault};

/// What a process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Some account failed and will be tried again.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// A login is needed.
    LoginNeeded = 3,
    /// A plan is held.
    Held = 4,
    /// Not permitted.
    NotPermitted = 5,
}

impl Exit {
    /// Where several apply, the first of 5, 2, 3, 4, 1.
    const PRECEDENCE: [Self; 6] =
        [Self::NotPermitted, Self::Usage, Self::LoginNeeded, Self::Held, Self::Failed, Self::Done];

    /// The one that a person has to hear of first.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        Self::PRECEDENCE.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }

    /// How one account's run ends.
    pub fn of_account(status: AccountStatus, is_held: bool) -> Self {
        let held = if is_held { Self::Held } else { Self::Done };
        Self::of_status(status).worst(held)
    }

    const fn of_status(status: AccountStatus) -> Self {
        match status {
            AccountStatus::Ok => Self::Done,
            AccountStatus::Failed | AccountStatus::Busy => Self::Failed,
            AccountStatus::LoginNeeded => Self::LoginNeeded,
            AccountStatus::Held => Self::Held,
            AccountStatus::ConfigError => Self::Usage,
        }
    }

    /// How a command ends that failed.
    pub const fn of_fault(fault: &Fault) -> Self {
        match fault.class {
            ErrorClass::Transient | ErrorClass::Throttled | ErrorClass::Permanent | ErrorClass::Busy => {
                Self::Failed
            }
            ErrorClass::Login => Self::LoginNeeded,
            ErrorClass::Config | ErrorClass::NotFound => Self::Usage,
            ErrorClass::NotPermitted => Self::NotPermitted,
        }
    }
}

/// How an account's run ended, by what failed in it.
pub const fn status_of(class: ErrorClass) -> AccountStatus {
    match class {
        ErrorClass::Login => AccountStatus::LoginNeeded,
        ErrorClass::Config | ErrorClass::NotFound => AccountStatus::ConfigError,
        ErrorClass::Busy => AccountStatus::Busy,
        ErrorClass::Transient | ErrorClass::Throttled | ErrorClass::Permanent | ErrorClass::NotPermitted => {
            AccountStatus::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_first_of_5_2_3_4_1_counts() {
        let order =
            [Exit::NotPermitted, Exit::Usage, Exit::LoginNeeded, Exit::Held, Exit::Failed, Exit::Done];
        for (at, first) in order.into_iter().enumerate() {
            for second in &order[at..] {
                assert_eq!(first.worst(*second), first);
                assert_eq!(second.worst(first), first);
            }
        }
    }
}
