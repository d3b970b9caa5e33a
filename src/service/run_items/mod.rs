//! One run of what an account has besides mail: contacts, then activities (F3, F4). What each wants of its server, and through whom that
//! is reached, is a file of its own; what the report says of either is here.

mod activities;
mod contacts;

pub(super) use activities::server_kind;
use postrider_model::{AccountReport, AccountStatus, ErrorClass, Fault, HeldReport, KindReport};
use postrider_reconcile::Selection;

use super::{
    Service,
    run::{Session, empty_report, fail},
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
        for kind in ["contacts", "activities"] {
            let mut part = empty_report(name.to_owned());
            let ran = match kind {
                "contacts" if self.request.contacts => self.run_contacts_of(name, &mut part, plan).await,
                "activities" if self.request.activities => {
                    self.run_activities_of(name, &mut part, plan).await
                }
                _ => Ok(false),
            };
            match ran {
                Ok(false) => continue,
                Ok(true) => {}
                Err(fault) => fail(&mut part, &fault),
            }
            let error = part.error.clone();
            report.kinds.push(KindReport { kind, status: part.status, error: error.clone() });
            add(report, part);
            if error.is_some_and(|error| matches!(error.class, ErrorClass::Login | ErrorClass::Throttled)) {
                return;
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

/// Adds what a kind came to, beside what came before it.
fn add(report: &mut AccountReport, part: AccountReport) {
    let AccountReport { status, contacts, activities, conflicts, error, held, warnings, .. } = part;
    report.contacts = contacts.or(report.contacts);
    report.activities = activities.or(report.activities);
    report.conflicts += conflicts;
    report.warnings.extend(warnings);
    // They are those of the whole account, where they could be looked up.
    if contacts.is_some() || activities.is_some() {
        report.held = held;
    }
    match (&report.error, error) {
        (None, Some(error)) => (report.status, report.error) = (status, Some(error)),
        // It is told already: one file is wrong for all that an account has.
        (Some(told), Some(error)) if *told == error => {}
        (Some(_), Some(error)) => report.warnings.push(error.message),
        (None, None) if report.status == AccountStatus::Ok => report.status = status,
        (_, None) => {}
    }
}

/// What a kind came to, but for its counts.
fn take(part: &mut AccountReport, came: Came) {
    let Came { conflicts, held, warnings, mut faults } = came;
    part.conflicts = conflicts;
    part.warnings = warnings;
    part.held = held;
    if !part.held.is_empty() {
        part.status = AccountStatus::Held;
    }
    faults.sort_by_key(|fault| !is_for_all(fault));
    let mut faults = faults.iter();
    if let Some(first) = faults.next() {
        fail(part, first);
    }
    part.warnings.extend(faults.map(Fault::message));
}
