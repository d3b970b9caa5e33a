//! What a run of activities would do (F5.3).

use postrider_model::{ActivityId, Fault};
use postrider_store::{About, StoreError, Tx};
use serde::Serialize;

use super::{
    Steps,
    calendars::Calendar,
    collect::Collected,
    plan::{ActivityPlan, Step, Task},
};
use crate::sync::HeldForecast;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ActivityForecast {
    /// Activities that would come in.
    pub add: u64,
    /// Activities that would say something else.
    pub change: u64,
    /// Activities that would be deleted, cancelled, hidden or linked no more.
    pub delete: u64,
    /// Changes that would go out.
    pub send: u64,
    /// Of how many of them the server would tell people.
    pub notify: u64,
    /// What would wait for a person's word, and why.
    pub held: Vec<HeldForecast>,
}

impl ActivityForecast {
    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(plan: &ActivityPlan, notify: u64) -> Self {
        let count = |is: fn(&Step) -> bool| plan.steps.iter().filter(|step| is(step)).count() as u64;
        let held = plan.holds.iter().filter(|hold| !hold.links.is_empty()).map(|hold| HeldForecast {
            book: hold.name.clone(),
            count: hold.links.len() as u64,
            why: hold.why.to_owned(),
        });
        Self {
            add: count(|step| matches!(step, Step::Add { .. })),
            change: count(|step| matches!(step, Step::Take { .. } | Step::Revive(_) | Step::Link(_))),
            delete: plan.deleted,
            send: count(|step| matches!(step, Step::Send { .. })),
            notify,
            held: held.collect(),
        }
    }
}

impl Steps<'_> {
    /// The plan, and nothing of it done.
    pub(super) async fn foresee(
        &self,
        calendars: &[Calendar],
        collected: Vec<Collected>,
    ) -> Result<ActivityForecast, Fault> {
        let (calendars, run, rules, can) =
            (calendars.to_vec(), self.run.clone(), self.rules.clone(), self.can.clone());
        self.ports
            .transaction(move |tx| {
                let task = Task {
                    run: &run,
                    rules: &rules,
                    can: &can,
                    calendars: &calendars,
                    collected,
                    is_whole: true,
                };
                let plan = task.plan(tx)?;
                let notify = telling(&plan, tx, &run.user)?;
                Ok(ActivityForecast::of(&plan, notify))
            })
            .await
    }
}

/// How much of what goes out is told to people.
fn telling(plan: &ActivityPlan, tx: &Tx<'_>, user: &str) -> Result<u64, StoreError> {
    let mut count = 0;
    for step in &plan.steps {
        let Step::Send { about: About { record: Some(record), .. }, .. } = step else { continue };
        let record = ActivityId(record.0);
        let tells = tx.activity(record)?.is_some_and(|stored| stored.tell)
            || tx.own(record, user)?.is_some_and(|own| own.tell);
        count += u64::from(tells);
    }
    Ok(count)
}
