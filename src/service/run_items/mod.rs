//! One run of what an account has besides mail: contacts, then activities (F3, F4). What each wants of its server, and through whom that
//! is reached, is a file of its own; what the report says of either is here.

mod activities;
mod contacts;

pub(super) use activities::server_kind;
use postrider_model::{AccountReport, AccountStatus, ErrorClass, ErrorReport, Fault, HeldReport};
use postrider_reconcile::Selection;

use super::{
    Service,
    run::{Session, fail},
};
use crate::{
    config::{Account, Choice, ItemServer},
    sync::{ItemsContext, Plan, is_for_all},
};

/// What either kind came to, but for its counts.
struct Came {
    conflicts: u64,
    held: Vec<HeldReport>,
    warnings: Vec<String>,
    faults: Vec<Fault>,
}

impl Session<'_> {
    /// Runs an account's contacts and activities, where it has any and they are wanted. What fails is in the report, beside what its mail
    /// came to; a login that was refused for the one is not shown again for the other.
    pub(super) async fn run_items(&self, name: &str, report: &mut AccountReport, plan: &mut Plan) {
        if self.request.outbox_only {
            return;
        }
        let mut is_left_alone = false;
        if self.request.contacts {
            match self.run_contacts_of(name, report, plan).await {
                Ok(()) => {}
                Err(fault) => {
                    is_left_alone = matches!(fault.class, ErrorClass::Login | ErrorClass::Throttled);
                    tell(report, &fault);
                }
            }
        }
        if self.request.activities && !is_left_alone {
            if let Err(fault) = self.run_activities_of(name, report, plan).await {
                tell(report, &fault);
            }
        }
    }

    /// What a run of either kind is about.
    async fn items_context(&self, account: &Account, server: &ItemServer) -> Result<ItemsContext, Fault> {
        Ok(ItemsContext {
            run: self.run,
            account: server.account.as_str().into(),
            account_id: self.account_id_of(&server.account, &server.address).await?,
            user: self.service.user_of(account),
            viewer: self.service.viewer_of(account),
            dry_run: self.request.dry_run,
        })
    }
}

impl Service {
    /// Whose an account is.
    pub(super) fn user_of(&self, account: &Account) -> String {
        let named = account.user.clone().filter(|_| self.config.users.is_some());
        named.unwrap_or_else(|| self.owner().user)
    }

    /// As whom that user looks at records.
    fn viewer_of(&self, account: &Account) -> postrider_store::Viewer {
        self.viewer_of_user(&self.user_of(account))
    }
}

fn selection(choice: &Choice) -> Selection {
    match choice {
        Choice::All => Selection::All,
        Choice::Listed(names) => Selection::Names(names.clone()),
    }
}

/// Tells of what kept from a kind altogether.
fn tell(report: &mut AccountReport, fault: &Fault) {
    match &report.error {
        None => fail(report, fault),
        // It is told already: one file is wrong for all that an account has.
        Some(told) if *told == ErrorReport::from(fault) => {}
        Some(_) => report.warnings.push(fault.message()),
    }
}

fn take(report: &mut AccountReport, came: Came) {
    let Came { conflicts, held, warnings, mut faults } = came;
    report.conflicts += conflicts;
    report.warnings.extend(warnings);
    report.held = held;
    if !report.held.is_empty() && report.status == AccountStatus::Ok {
        report.status = AccountStatus::Held;
    }
    faults.sort_by_key(|fault| !is_for_all(fault));
    let mut faults = faults.into_iter();
    if report.error.is_none()
        && let Some(first) = faults.next()
    {
        fail(report, &first);
    }
    report.warnings.extend(faults.map(|fault| fault.message()));
}
