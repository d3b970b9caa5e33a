//! One seed from its beginning to its end: a world is drawn, servers change and fail, the program runs, dies and runs again,
//! and after each of its lives the laws are held against what it left.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use postrider::{service::RunRequest, service::Service};
use postrider_fake::BodyServed;

use crate::{
    both::Both,
    chance::Chance,
    change::{Changed, Changer, Kept},
    crash::CrashAt,
    equal::{equals_servers, found_and_read, nothing_waits, still_water, went_well},
    laws::{Circumstances, Laws},
    layout::furnish,
    machine::{Ended, Lived, Machine, everything},
    mail::Mail,
    person::People,
    stored::{Standing, cursors, dump, standings},
    trace::Trace,
    trouble::{Trouble, brew, calm},
    wish::{While, Wishes},
};

/// How much of a seed is lived. Less of it is the same up to there, so that a failure can be shrunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Rounds at most.
    pub rounds: u64,
    /// Changes of one account's mail in one round at most.
    pub changes: u64,
    /// Lives of the program in one round that end badly, or may, at most.
    pub bad_runs: u64,
    /// Commands of a person between two lives of the program at most.
    pub edits: u64,
    /// Moments in one life of a daemon at which something happens, at most.
    pub moments: u64,
}

impl Extent {
    /// All of it.
    pub const ALL: Self = Self { rounds: 6, changes: 8, bad_runs: 3, edits: 6, moments: 10 };
}

/// What a seed came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The hash of all that happened.
    pub trace: blake3::Hash,
    /// Commands, jobs, changes, reports.
    pub steps: u64,
    /// Lives that ended by a crash.
    pub crashes: u64,
}

/// What a seed has come to so far.
pub(crate) struct Seed {
    pub(crate) seed: u64,
    pub(crate) extent: Extent,
    pub(crate) machine: Machine,
    pub(crate) mail: Mail,
    pub(crate) laws: Laws,
    wishes: Arc<Mutex<Wishes>>,
    backups: Vec<BTreeMap<String, Kept>>,
    pub(crate) since_calm: Circumstances,
    crashes: u64,
    /// Jobs and octets of the life before: crash points are drawn among as many.
    scale: (u64, u64),
}

/// Lives a seed.
///
/// # Errors
/// The law that was broken, and in which round.
pub async fn live(seed: u64, extent: Extent, aloud: bool) -> Result<Summary> {
    let (mut one, mut chance) = Seed::begin(seed, extent, aloud, furnish)?;
    let rounds = chance.between(2, Extent::ALL.rounds).min(extent.rounds);
    for round in 0..rounds {
        one.round(round).await.with_context(|| format!("in round {round}"))?;
    }
    one.end().await.context("at the end")?;
    Ok(one.summary())
}

impl Seed {
    /// A world that is furnished, and the chance to draw more from.
    pub(crate) fn begin(
        seed: u64,
        extent: Extent,
        aloud: bool,
        furnish: impl FnOnce(&mut Machine, &mut Mail, &mut Chance) -> Result<()>,
    ) -> Result<(Self, Chance)> {
        let mut machine = Machine::new(seed, Arc::new(Trace::new(aloud)))?;
        let (mut mail, mut chance) = (Mail::new(), Chance::new(seed, "layout"));
        furnish(&mut machine, &mut mail, &mut chance)?;
        let backups = machine.mailboxes.iter().map(|_| BTreeMap::new()).collect();
        let one = Self {
            seed,
            extent,
            machine,
            mail,
            laws: Laws::default(),
            wishes: Arc::default(),
            backups,
            since_calm: Circumstances::default(),
            crashes: 0,
            scale: (60, 12_000),
        };
        one.people()?.begin()?;
        Ok((one, chance))
    }

    /// What it came to.
    pub(crate) fn summary(&self) -> Summary {
        let trace = self.machine.trace();
        Summary { trace: trace.hash(), steps: trace.steps(), crashes: self.crashes }
    }

    async fn round(&mut self, round: u64) -> Result<()> {
        let mut chance = Chance::new(self.seed, &format!("round {round}"));
        let changed =
            if round > 0 { self.change(&round.to_string(), While::Still)? } else { Changed::default() };
        self.since_calm.restored |= changed.restored;
        if chance.percent(8) {
            self.lengthen(&mut chance)?;
        }
        self.work(&format!("person {round}"), While::Still).context("in a person's work")?;
        let bad_runs = chance.below(Extent::ALL.bad_runs + 1).min(self.extent.bad_runs);
        for nth in 0..bad_runs {
            let mut chance = Chance::new(self.seed, &format!("run {round} {nth}"));
            self.bad_run(&mut chance).await.with_context(|| format!("in bad run {nth}"))?;
            if chance.percent(40) {
                self.work(&format!("person {round} {nth}"), While::Still).context("in a person's work")?;
            }
        }
        if chance.percent(20) {
            self.dry_run().await.context("in a dry run")?;
        }
        // A mailbox that was set back has to be looked at before UIDs are given a second time.
        if chance.percent(50) || changed.restored {
            self.good_run().await.context("in a run without trouble")?;
        }
        Ok(())
    }

    pub(crate) fn people(&self) -> Result<People> {
        Ok(People::new(self.machine.hands()?, self.wishes.clone()))
    }

    /// Other clients and administrators at the mail there, between two runs or beside a daemon.
    pub(crate) fn change(&mut self, when: &str, at: While) -> Result<Changed> {
        let people = self.people()?;
        // What is on its way goes to a folder by its name. Between two runs nothing is.
        let may_rename = at == While::Still || !standings(&self.machine.store())?.iter().any(Standing::waits);
        let cursors = cursors(&self.machine.store())?;
        let mut changed = Changed::default();
        people.edit(at, || {
            for (number, (mailbox, backups)) in
                self.machine.mailboxes.iter().zip(&mut self.backups).enumerate()
            {
                let mut chance = Chance::new(self.seed, &format!("change {when} {number}"));
                let count = chance.below(Extent::ALL.changes + 1).min(self.extent.changes);
                let trace = self.machine.trace();
                let one = Changer {
                    mailbox,
                    mail: &mut self.mail,
                    chance: &mut chance,
                    backups,
                    may_restore: at == While::Still,
                    may_rename,
                    cursors: &cursors,
                    trace,
                }
                .change(count);
                changed.restored |= one.restored;
                changed.renamed |= one.renamed;
            }
            Ok(())
        })?;
        if changed.renamed {
            people.wishes().renamed();
        }
        Ok(changed)
    }

    /// A person at the mail here, between two runs or beside a daemon.
    pub(crate) fn work(&mut self, when: &str, at: While) -> Result<()> {
        let mut chance = Chance::new(self.seed, when);
        let count = chance.below(Extent::ALL.edits + 1).min(self.extent.edits);
        let people = self.people()?;
        people.edit(at, || people.work(&mut chance, count))?;
        self.laws.edited(standings(&self.machine.store())?);
        Ok(())
    }

    /// A longer period for one account (F2.1).
    pub(crate) fn lengthen(&mut self, chance: &mut Chance) -> Result<()> {
        let number = chance.below(self.machine.mailboxes.len() as u64) as usize;
        if let Some(mailbox) = self.machine.mailboxes.get_mut(number) {
            mailbox.period = match mailbox.period.as_str() {
                "1w" => "1y",
                _ => "all",
            }
            .to_owned();
        }
        self.machine.configure(number)
    }

    async fn bad_run(&mut self, chance: &mut Chance) -> Result<()> {
        let (mut trouble, people) = (Trouble::default(), self.people()?);
        for mailbox in &self.machine.mailboxes {
            if chance.percent(50) {
                let restored = self.since_calm.restored;
                let one = brew(self.machine.net(), mailbox, restored, &people, chance, self.machine.trace());
                trouble.lies |= one.lies;
            }
        }
        self.since_calm.lies |= trouble.lies;
        let (jobs, octets) = self.scale;
        let crash = match chance.below(4) {
            0 => Some(CrashAt::BeforeJob(chance.between(1, jobs))),
            1 => Some(CrashAt::AfterJob(chance.between(1, jobs))),
            2 => Some(CrashAt::Octet(chance.between(1, octets))),
            _ => None,
        };
        let lived = match crash {
            Some(crash) if chance.percent(25) => {
                self.machine.run_to_power_loss(&everything(), crash, chance.below(1_001)).await?
            }
            crash => {
                let beside = beside(&people, chance, jobs, self.extent.edits);
                self.machine.run_beside(&everything(), crash, beside).await?
            }
        };
        people.check()?;
        for mailbox in &self.machine.mailboxes {
            calm(self.machine.net(), mailbox);
        }
        self.after(&lived)
    }

    /// The program lived.
    pub(crate) fn after(&mut self, lived: &Lived) -> Result<()> {
        match lived.ended {
            Ended::Crashed => self.crashes += 1,
            Ended::Ran(_) | Ended::Stopped | Ended::Failed(_) => {
                self.scale = (lived.jobs.max(10), lived.octets.max(2_000))
            }
        }
        self.hold(&lived.bodies)
    }

    /// Holds laws and wishes against what is there now; these bodies were served since that was done last.
    pub(crate) fn hold(&mut self, bodies: &[Vec<BodyServed>]) -> Result<()> {
        if !self.since_calm.lies && !self.since_calm.restored {
            self.laws.nothing_is_fetched_again(&self.machine, bodies)?;
        }
        self.laws.hold(&self.machine, standings(&self.machine.store())?, self.since_calm)?;
        let people = self.people()?;
        let now = Both::look(&self.machine.hands()?)?;
        people.wishes().outlived(&now, self.since_calm)
    }

    async fn good_run(&mut self) -> Result<()> {
        let lived = self.machine.run(&everything(), None).await?;
        went_well(&lived)?;
        // What was told wrong before may still have to be put right in this run.
        self.after(&lived)?;
        self.since_calm = Circumstances::default();
        self.people()?.wishes().ran_well();
        Ok(())
    }

    async fn dry_run(&mut self) -> Result<()> {
        if self.laws.before().is_empty() {
            return Ok(());
        }
        let before = dump(&self.machine.store())?;
        let request = RunRequest { dry_run: true, ..everything() };
        let lived = self.machine.run(&request, None).await?;
        went_well(&lived)?;
        anyhow::ensure!(dump(&self.machine.store())? == before, "something was written");
        Ok(())
    }

    /// With all trouble over, so many runs and a person's word have to be enough: what comes in, what goes out, what that brings
    /// back, and what was put off.
    async fn end(&mut self) -> Result<()> {
        for _ in 0..4 {
            self.good_run().await?;
            self.allow_all()?;
        }
        let now = standings(&self.machine.store())?;
        equals_servers(&self.machine, &now)?;
        nothing_waits(&self.machine, &now)?;
        let people = self.people()?;
        people.wishes().came_true(&Both::look(&self.machine.hands()?)?)?;
        found_and_read(&self.machine, &self.laws, &now)?;
        still_water(&self.machine).await
    }

    /// A person lets through all that is held.
    pub(crate) fn allow_all(&mut self) -> Result<()> {
        let mut service: Service = self.machine.service()?;
        let caller = service.owner();
        let states = service.status(&caller)?;
        for held in states.into_iter().flat_map(|state| state.held) {
            service.allow(&caller, &held.plan)?;
        }
        drop(service);
        self.laws.edited(standings(&self.machine.store())?);
        Ok(())
    }
}

/// A person who is at the mail beside a run, once or twice, or not at all.
fn beside(people: &People, chance: &mut Chance, jobs: u64, edits: u64) -> impl FnMut(u64) + Send + use<> {
    let count = chance.below(3).min(edits);
    let at: Vec<u64> = (0..count).map(|_| chance.between(1, jobs)).collect();
    let (people, mut chance) = (people.clone(), chance.split());
    move |nth| {
        if at.contains(&nth) {
            people.edit_beside(|| people.work(&mut chance, 1));
        }
    }
}
