//! One seed from its beginning to its end: a world is drawn, servers change and fail, the program runs, dies and runs again,
//! and after each of its lives the laws are held against what it left.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use postrider::{service::RunRequest, service::Service};
use postrider_fake::Backup;

use crate::{
    both::Both,
    chance::Chance,
    change::{Changed, Changer},
    crash::CrashAt,
    equal::{equals_servers, found_and_read, nothing_waits, still_water, went_well},
    laws::{Circumstances, Laws},
    layout::furnish,
    machine::{Ended, Lived, Machine, everything},
    mail::Mail,
    person::People,
    stored::{dump, standings},
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
}

impl Extent {
    /// All of it.
    pub const ALL: Self = Self { rounds: 6, changes: 8, bad_runs: 3, edits: 6 };
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

struct Seed {
    seed: u64,
    extent: Extent,
    machine: Machine,
    mail: Mail,
    laws: Laws,
    wishes: Arc<Mutex<Wishes>>,
    backups: Vec<BTreeMap<String, Backup>>,
    since_calm: Circumstances,
    crashes: u64,
    /// Jobs and octets of the life before: crash points are drawn among as many.
    scale: (u64, u64),
}

/// Lives a seed.
///
/// # Errors
/// The law that was broken, and in which round.
pub async fn live(seed: u64, extent: Extent, aloud: bool) -> Result<Summary> {
    let trace = Arc::new(Trace::new(aloud));
    let mut machine = Machine::new(seed, trace.clone())?;
    let (mut mail, mut chance) = (Mail::new(), Chance::new(seed, "layout"));
    furnish(&mut machine, &mut mail, &mut chance)?;
    let backups = machine.mailboxes.iter().map(|_| BTreeMap::new()).collect();
    let rounds = chance.between(2, Extent::ALL.rounds).min(extent.rounds);
    let mut one = Seed {
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
    one.people()?.edit(While::Still, || Ok(()))?;
    for round in 0..rounds {
        one.round(round).await.with_context(|| format!("in round {round}"))?;
    }
    one.end().await.context("at the end")?;
    Ok(Summary { trace: trace.hash(), steps: trace.steps(), crashes: one.crashes })
}

impl Seed {
    async fn round(&mut self, round: u64) -> Result<()> {
        let mut chance = Chance::new(self.seed, &format!("round {round}"));
        let changed = if round > 0 { self.change(round) } else { Changed::default() };
        self.since_calm.restored |= changed.restored;
        if chance.percent(8) {
            self.lengthen(&mut chance)?;
        }
        let bad_runs = chance.below(Extent::ALL.bad_runs + 1).min(self.extent.bad_runs);
        for nth in 0..bad_runs {
            let mut chance = Chance::new(self.seed, &format!("run {round} {nth}"));
            self.bad_run(&mut chance).await.with_context(|| format!("in bad run {nth}"))?;
        }
        if chance.percent(15) {
            self.restore_one(&mut chance).context("in restoring")?;
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

    fn change(&mut self, round: u64) -> Changed {
        let mut changed = Changed::default();
        for (number, (mailbox, backups)) in self.machine.mailboxes.iter().zip(&mut self.backups).enumerate() {
            let mut chance = Chance::new(self.seed, &format!("change {round} {number}"));
            let count = chance.below(Extent::ALL.changes + 1).min(self.extent.changes);
            let trace = self.machine.trace();
            let one =
                Changer { mailbox, mail: &mut self.mail, chance: &mut chance, backups, trace }.change(count);
            changed.restored |= one.restored;
        }
        changed
    }

    /// A longer period for one account (F2.1).
    fn lengthen(&mut self, chance: &mut Chance) -> Result<()> {
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
        let mut trouble = Trouble::default();
        for mailbox in &self.machine.mailboxes {
            if chance.percent(50) {
                let one =
                    brew(self.machine.net(), mailbox, self.since_calm.restored, chance, self.machine.trace());
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
            crash => self.machine.run(&everything(), crash).await?,
        };
        for mailbox in &self.machine.mailboxes {
            calm(self.machine.net(), mailbox);
        }
        self.after(&lived)
    }

    fn after(&mut self, lived: &Lived) -> Result<()> {
        match lived.ended {
            Ended::Crashed => self.crashes += 1,
            Ended::Ran(_) | Ended::Failed(_) => self.scale = (lived.jobs.max(10), lived.octets.max(2_000)),
        }
        if !self.since_calm.lies && !self.since_calm.restored {
            self.laws.nothing_is_fetched_again(&self.machine, &lived.bodies)?;
        }
        self.laws.hold(&self.machine, standings(&self.machine.store())?, self.since_calm)
    }

    async fn good_run(&mut self) -> Result<()> {
        let lived = self.machine.run(&everything(), None).await?;
        went_well(&lived)?;
        // What was told wrong before may still have to be put right in this run.
        self.after(&lived)?;
        self.since_calm = Circumstances::default();
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

    /// With all trouble over, two runs and a person's word have to be enough.
    async fn end(&mut self) -> Result<()> {
        for _ in 0..2 {
            self.good_run().await?;
            self.allow_all()?;
        }
        let now = standings(&self.machine.store())?;
        equals_servers(&self.machine, &self.laws, &now)?;
        found_and_read(&self.machine, &self.laws, &now)?;
        still_water(&self.machine).await
    }

    /// A person brings a deleted message back.
    fn restore_one(&mut self, chance: &mut Chance) -> Result<()> {
        let deleted: Vec<i64> =
            self.laws.before().iter().filter(|one| one.is_deleted).map(|one| one.id).collect();
        let Some(&id) = chance.pick(&deleted) else { return Ok(()) };
        let mut service = self.machine.service()?;
        let caller = service.owner();
        service.restore(&caller, &[PlacementId(id)])?;
        drop(service);
        self.machine.trace().step(|| format!("m{id} is brought back"));
        self.laws.restored(id, standings(&self.machine.store())?);
        Ok(())
    }

    fn allow_all(&mut self) -> Result<()> {
        let mut service: Service = self.machine.service()?;
        let caller = service.owner();
        let states = service.status(&caller)?;
        for held in states.into_iter().flat_map(|state| state.held) {
            service.allow(&caller, &held.plan)?;
        }
        drop(service);
        self.laws.allowed(standings(&self.machine.store())?);
        Ok(())
    }
}
