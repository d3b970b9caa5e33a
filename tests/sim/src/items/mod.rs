//! One seed of contacts and activities: three users, three accounts, one store. People are at their work here and there, the whole program
//! runs, dies and runs again, servers fail; at the end, once nothing is left to do, all is held against the [`model`].
//!
//! | module | holds |
//! |---|---|
//! | [`model`] | what has to hold, on one page |
//! | [`home`], [`mortal`] | configuration, store and servers, and where the program dies in them |
//! | [`here`], [`there`] | what people do with contacts, with the program and with other clients |
//! | [`calendar`] | what they do with appointments |
//! | [`seen`], [`meetings`] | what both sides say |

pub mod calendar;
pub mod here;
pub mod home;
pub mod meetings;
pub mod model;
pub mod mortal;
pub mod seen;
pub mod there;

use anyhow::{Context, Result, bail, ensure};
use postrider_fake::{Trigger, groupware::Trouble};
use postrider_model::{AccountReport, AccountStatus};

use crate::{
    chance::Chance,
    crash::CrashAt,
    life::{Extent, Summary},
    stored::dump,
};
use calendar::Calendars;
use here::Here;
use home::{Home, Of};
use model::Model;
use seen::{seen, stored};
use there::There;

/// After so many runs without trouble nothing is left to do.
const RUNS_TO_REST: usize = 10;

/// Lives a seed.
///
/// # Errors
/// What was broken, and in which round.
pub async fn live(of: Of, seed: u64, extent: Extent, aloud: bool) -> Result<Summary> {
    let mut chance = Chance::new(seed, "items");
    let home = Home::new(of, seed, aloud, &mut chance)?;
    let mut story =
        Story { seed, extent, home, model: Model::default(), said: 0, crashes: 0, scale: (12, 12) };
    let rounds = chance.between(2, Extent::ALL.rounds).min(extent.rounds);
    for round in 0..rounds {
        story.round(round).await.with_context(|| format!("in round {round}"))?;
    }
    story.end().await.context("at the end")?;
    let trace = &story.home.trace;
    Ok(Summary { trace: trace.hash(), steps: trace.steps(), crashes: story.crashes })
}

struct Story {
    seed: u64,
    extent: Extent,
    home: Home,
    model: Model,
    /// Words and names so far.
    said: u64,
    crashes: u64,
    /// Jobs and calls of the life before: deaths are drawn among as many.
    scale: (u64, u64),
}

impl Story {
    async fn round(&mut self, round: u64) -> Result<()> {
        let mut chance = Chance::new(self.seed, &format!("round {round}"));
        let acts = chance.below(Extent::ALL.changes + 1).min(self.extent.changes);
        self.work(&mut Chance::new(self.seed, &format!("people {round}")), acts)
            .context("at people's work")?;
        let runs = chance.between(1, Extent::ALL.bad_runs).min(self.extent.bad_runs);
        for nth in 0..runs {
            let mut chance = Chance::new(self.seed, &format!("run {round} {nth}"));
            self.bad_run(&mut chance).await.with_context(|| format!("in run {nth}"))?;
        }
        Ok(())
    }

    /// People at their work, here and there. Each act is at a time of its own.
    fn work(&mut self, chance: &mut Chance, acts: u64) -> Result<()> {
        let mut service = self.home.service()?;
        let said = &mut self.said;
        let mut next = move |letter: &str| {
            *said += 1;
            format!("{letter}{said:04}")
        };
        for _ in 0..acts {
            self.home.pass(chance.between(1, 30).cast_signed());
            let (home, model) = (&self.home, &mut self.model);
            let number = chance.below(home.accounts.len() as u64) as usize;
            match chance.below(2) {
                side if home.of == Of::Activities => {
                    let mut people = Calendars { home, service: &mut service, chance, model };
                    match side {
                        0 => people.act_here(&mut next)?,
                        _ => people.act_there(number, &mut next)?,
                    }
                }
                0 => Here { home, service: &mut service, chance, model }.act(&mut next)?,
                _ => There { home, number, chance, model }.act(&mut next)?,
            }
        }
        Ok(())
    }

    /// A run that may go wrong.
    async fn bad_run(&mut self, chance: &mut Chance) -> Result<()> {
        self.home.pass(match chance.below(10) {
            0..5 => 181,
            9 => 8 * 86_400,
            _ => chance.between(1, 170).cast_signed(),
        });
        for account in &self.home.accounts {
            if chance.percent(10) {
                self.home.trace.step(|| format!("the cursors of {} are dead", account.name));
                account.server.expire_cursors();
            }
            if chance.percent(50) {
                let (when, trouble) = trouble(chance, self.home.of);
                self.home.trace.step(|| format!("{}: {trouble:?} {when:?}", account.name));
                account.server.trouble(Some(&account.address), when, trouble);
            }
        }
        let (jobs, calls) = self.scale;
        let end = match chance.below(6) {
            0 => Some(CrashAt::BeforeJob(chance.between(1, jobs))),
            1 => Some(CrashAt::AfterJob(chance.between(1, jobs))),
            2 => Some(CrashAt::BeforeCall(chance.between(1, calls))),
            3 => Some(CrashAt::AfterCall(chance.between(1, calls))),
            _ => None,
        };
        let names: Vec<String> = self.home.accounts.iter().map(|one| one.name.clone()).collect();
        let of = if chance.percent(60) { Vec::new() } else { chance.some(&names, 2) };
        let ran = self.home.run(&of, end).await?;
        match ran.report {
            None => self.crashes += 1,
            Some(Err(fault)) => return Err(fault.into()),
            Some(Ok(_)) => self.scale = (ran.jobs.max(12), ran.calls.max(12)),
        }
        for account in &self.home.accounts {
            account.server.end_troubles();
        }
        self.lawful()
    }

    /// What servers kept of what was done against the contract, and whom they mailed: nobody of a contact, and of an activity those who were
    /// announced, which the servers watch (I9).
    fn lawful(&self) -> Result<()> {
        for account in &self.home.accounts {
            let (violations, sent) = (account.server.violations(), account.server.sent_mail());
            ensure!(violations.is_empty(), "{violations:?}");
            ensure!(
                self.home.of == Of::Activities || sent.is_empty(),
                "somebody is mailed of a contact: {sent:?}"
            );
        }
        Ok(())
    }

    /// Runs without trouble until nothing is left to do.
    async fn rest(&mut self) -> Result<()> {
        let mut last = Vec::new();
        for _ in 0..RUNS_TO_REST {
            self.home.wait();
            let before = dump(&self.home.store()).ok();
            for account in &self.home.accounts {
                account.server.take_steps();
            }
            let ran = self.home.run(&[], None).await?;
            let Some(Ok(report)) = ran.report else { bail!("the run fails: {:?}", ran.report) };
            last = report.accounts;
            self.lawful()?;
            let mut steps = self.home.accounts.iter().flat_map(|one| one.server.take_steps());
            let has_written = steps.any(|one| one.name.contains("apply") || one.name.contains("make"));
            let is_well = last.iter().all(|one| one.status == AccountStatus::Ok);
            if is_well && !has_written && before == dump(&self.home.store()).ok() {
                return Ok(());
            }
            self.allow(&last)?;
        }
        bail!("it does not come to rest: {last:?}")
    }

    fn allow(&self, reports: &[AccountReport]) -> Result<()> {
        let mut service = self.home.service()?;
        let caller = service.owner();
        for held in reports.iter().flat_map(|one| &one.held) {
            self.home.trace.step(|| format!("allow {}", held.plan));
            service.allow(&caller, &held.plan)?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        self.rest().await?;
        self.model.holds(&seen(&self.home)?)?;
        self.restore_all().context("bring back what is deleted")?;
        self.rest().await.context("after what was deleted was brought back")?;
        self.model.holds(&seen(&self.home)?).context("after what was deleted was brought back")?;
        let wrong = self.home.wrong_in_store()?;
        ensure!(wrong.is_empty(), "the store is wrong: {wrong:?}");
        Ok(())
    }

    /// What was deleted can be brought back, and says what it said.
    fn restore_all(&self) -> Result<()> {
        let mut service = self.home.service()?;
        let caller = service.owner();
        let before = stored(&self.home)?;
        let deleted: Vec<_> = before.iter().filter(|one| one.is_lost_from(&before)).collect();
        for one in &deleted {
            self.home.pass(1);
            service.restore_contacts(&caller, &[postrider_model::ContactId(one.id)])?;
        }
        let after = stored(&self.home)?;
        let is_there = |id| after.iter().any(|one| one.id == id && !one.is_deleted);
        ensure!(deleted.iter().all(|one| is_there(one.id)), "something stays deleted");
        let same = before.iter().zip(&after).all(|(before, after)| before.contact == after.contact);
        ensure!(same && before.len() == after.len(), "what was deleted says something else");
        Ok(())
    }
}

fn trouble(chance: &mut Chance, of: Of) -> (Trigger, Trouble) {
    let apply = match of {
        Of::Contacts => "contacts.apply",
        Of::Activities => "calendars.apply",
    };
    let nth = chance.between(1, 3) as usize;
    match chance.below(6) {
        0 => (Trigger::Nth(chance.between(1, 12) as usize), Trouble::Unavailable),
        1 => (Trigger::Nth(chance.between(1, 12) as usize), Trouble::LoseAnswer),
        2 => (Trigger::Named(apply, nth), Trouble::Throttled(Some(30_000))),
        3 => (Trigger::Every(apply), Trouble::LoseAnswer),
        _ => (Trigger::Named(apply, nth), Trouble::LoseAnswer),
    }
}
