//! One run of an account's appointments and tasks (F4).

use chrono::NaiveDate;
use postrider_formats::occurrences::{Defaults, instant};
use postrider_model::{AccountReport, ActivityCounts, Fault, Moment, Timestamp};
use postrider_reconcile::activities::ServerKind;

use super::{Came, selection, take};
use crate::{
    config::{Account, ActivitySettings, ProviderKind, ReadyActivities, fault},
    service::{Service, run::Session},
    sync::{ActivitiesRun, ActivityRules, Plan, Syncing, run_activities},
};

impl Session<'_> {
    /// Runs them, where the account has any.
    pub(super) async fn run_activities_of(
        &self,
        name: &str,
        report: &mut AccountReport,
        plan: &mut Plan,
    ) -> Result<(), Fault> {
        let config = &self.service.config;
        let Some(ready) = config.ready_activities(name).map_err(|errors| fault(&errors))? else {
            return Ok(());
        };
        self.ports.leave.to_begin()?;
        let remote = self.service.world.items.calendars(&ready.server)?;
        let context = self.items_context(&ready.account, &ready.server).await?;
        let rules = self.service.activity_rules(&ready);
        let ran = run_activities(&self.ports, &*remote, &context, &rules).await;
        remote.close().await;
        let ActivitiesRun { pulled, pushed, deleted, conflicts, held, warnings, faults, forecast } = ran?;
        report.activities = Some(ActivityCounts { pulled, pushed, deleted });
        plan.activities = Some(forecast);
        take(report, Came { conflicts, held, warnings, faults });
        Ok(())
    }
}

impl Service {
    fn activity_rules(&self, ready: &ReadyActivities) -> ActivityRules {
        let ReadyActivities { account, activities, server, .. } = ready;
        let defaults = self.defaults();
        ActivityRules {
            server: server_kind(server.kind),
            appointments: activities.import_appointments,
            tasks: activities.import_tasks,
            export: activities.export,
            since: activities.since.map(|day| midnight(day, defaults)),
            calendars: selection(&activities.calendars),
            task_lists: selection(&activities.task_lists),
            calendar: activities.calendar.clone(),
            groups: activities.groups.clone(),
            address: account.address.clone(),
            addresses: with_address(self.addresses_of_user(&self.user_of(account)), &account.address),
            syncing: self.syncing(),
            defaults,
        }
    }

    /// All users: those who have an account that sends activities out in the order of their first such account's name, with all such
    /// accounts of theirs, then the others.
    pub(in crate::service) fn syncing(&self) -> Vec<Syncing> {
        let mut all: Vec<Syncing> = Vec::new();
        for (account, _) in self.exporting() {
            let user = self.user_of(account);
            let at = all.iter().position(|one| one.user == user).unwrap_or_else(|| {
                let addresses = self.addresses_of_user(&user);
                all.push(Syncing { user, addresses, accounts: Vec::new() });
                all.len() - 1
            });
            let Some(one) = all.get_mut(at) else { continue };
            one.addresses = with_address(std::mem::take(&mut one.addresses), &account.address);
            one.accounts.push((account.name.clone(), account.address.clone()));
        }
        // What those organize who have no such account was made here too.
        for user in self.config.users.iter().flat_map(|users| users.users.keys()) {
            if all.iter().all(|one| one.user != *user) {
                let addresses = self.addresses_of_user(user);
                all.push(Syncing { user: user.clone(), addresses, accounts: Vec::new() });
            }
        }
        all
    }

    /// The accounts that send activities out, in the order of their names.
    fn exporting(&self) -> impl Iterator<Item = (&Account, ActivitySettings)> {
        let accounts =
            self.config.accounts.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
        accounts.filter_map(|(name, account)| {
            let ready = self.config.ready_activities(name).ok().flatten()?;
            ready.activities.export.then_some((account, ready.activities))
        })
    }
}

/// The addresses in lower case, and an account's own among them: its server knows its user by it.
fn with_address(mut addresses: Vec<String>, own: &str) -> Vec<String> {
    let own = own.to_lowercase();
    if !addresses.contains(&own) {
        addresses.push(own);
    }
    addresses
}

pub(in crate::service) const fn server_kind(kind: ProviderKind) -> ServerKind {
    match kind {
        ProviderKind::Exchange => ServerKind::CalendarAndTasks,
        ProviderKind::Google | ProviderKind::Imap => ServerKind::CalendarOnly,
    }
}

/// When a day begins.
fn midnight(day: NaiveDate, defaults: Defaults) -> Timestamp {
    Timestamp(instant(&Moment::Day(day), defaults.zone).timestamp_micros())
}

#[cfg(test)]
mod tests;
