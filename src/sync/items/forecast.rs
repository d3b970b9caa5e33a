//! What a run of contacts would do (F5.3).

use std::collections::BTreeSet;

use postrider_model::{Fault, LinkId};
use serde::Serialize;

use super::{
    Steps,
    books::Book,
    collect::Collected,
    plan::{ContactPlan, Step, Task},
};

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ContactForecast {
    /// The contact group that would be made.
    pub group: Option<String>,
    /// Contacts that would come in.
    pub add: u64,
    /// Contacts that would say something else.
    pub change: u64,
    /// Contacts that would be unlinked, or deleted on one side because they are on the other.
    pub unlink: u64,
    /// Changes that would go out.
    pub send: u64,
    /// What would wait for a person's word, and why.
    pub held: Vec<HeldForecast>,
}

/// What would wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldForecast {
    /// The address book or group.
    pub book: String,
    /// How many contacts would leave.
    pub count: u64,
    /// Why that would wait.
    pub why: String,
}

impl ContactForecast {
    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(plan: &ContactPlan) -> Self {
        let count = |is: fn(&Step) -> bool| plan.steps.iter().filter(|step| is(step)).count() as u64;
        let held = plan.holds.iter().filter(|hold| !hold.links.is_empty()).map(|hold| HeldForecast {
            book: hold.name.clone(),
            count: hold.links.len() as u64,
            why: hold.why.to_owned(),
        });
        Self {
            group: None,
            add: count(|step| matches!(step, Step::Add { .. })),
            change: count(|step| matches!(step, Step::Take { .. } | Step::Revive(_))),
            unlink: plan.unlinked,
            send: count(|step| match step {
                Step::Send { .. } => true,
                Step::Link(linking) => linking.sends,
                _ => false,
            }),
            held: held.collect(),
        }
    }
}

impl Steps<'_> {
    /// The plan, and nothing of it done.
    pub(super) async fn foresee(
        &self,
        books: &[Book],
        collected: Vec<Collected>,
        absent: BTreeSet<LinkId>,
        group: Option<String>,
    ) -> Result<ContactForecast, Fault> {
        if books.is_empty() {
            return Ok(ContactForecast { group, ..ContactForecast::default() });
        }
        let (books, run, rules) = (books.to_vec(), self.run.clone(), self.rules.clone());
        let (can, entropy) = (self.can.clone(), self.ports.entropy.clone());
        self.ports
            .transaction(move |tx| {
                let task = Task {
                    run: &run,
                    rules: &rules,
                    can: &can,
                    books: &books,
                    collected,
                    absent,
                    is_whole: true,
                    entropy: &*entropy,
                };
                Ok(ContactForecast::of(&task.plan(tx)?))
            })
            .await
    }
}
