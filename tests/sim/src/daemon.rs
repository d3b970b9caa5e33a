//! One seed of the daemon: it lives for some minutes at a time, while mail changes on both sides, servers fail and come back, the
//! machine sleeps and loses its power; it dies, and is started again.
//!
//! Between two moments at which something happens it is left alone. At each of them, and after each of its lives, the laws and the
//! wishes are held against what is there. Where all trouble is over, each account has to be in step again within the pause that was
//! announced for it: one that is never run again fails the seed.
//!
//! Left out, since [`crate::life`] has them:
//! - mailboxes that are set back. No server does that under the connections that it has open.
//! - writes that are on their way when folders change their names. They go by the name, to whatever folder has it by then.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use postrider::daemon;
use postrider_fake::{Capabilities, Capability};
use postrider_model::Clock as _;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use crate::{
    both::Both,
    chance::Chance,
    crash::{CrashAt, Life},
    equal::{equals_servers, found_and_read, nothing_waits, still_water},
    laws::Circumstances,
    layout::furnish_with,
    life::{Extent, Seed, Summary},
    machine::{Ended, Mailbox},
    mail::internal_date,
    person::People,
    post::Post,
    power::PowerLoss,
    stored::{dump, last_due_us, standings},
    watcher::Watcher,
    weather::{Weather, pull_the_cable, sleep as machine_sleeps},
    wish::While,
};

/// The time between two runs of an account.
const INTERVAL: Duration = Duration::from_secs(30);
/// Beyond the pause that was announced an account may take so long to be in step: a silent server is waited for, one that has a whole
/// message for ten minutes (RFC 5321 section 4.5.3.2.6), and a run is due.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// And no pause is longer.
const LONGEST: Duration = Duration::from_secs(45 * 60);
/// What is put off for longer is done all the same: the clock was wrong.
const LONGEST_PAUSE: Duration = Duration::from_secs(27 * 3_600);
/// A stop takes no longer.
const STOP: Duration = Duration::from_secs(10);
/// What is told of is here, and what is changed here is there, within this time.
const SOON: Duration = Duration::from_secs(5);

/// A seed, and what is around the daemon.
struct Kept {
    one: Seed,
    weather: Weather,
    post: Post,
}

/// One life of the daemon, for those who are around it.
struct Now {
    life: Arc<Life>,
    commits: Arc<AtomicU64>,
    watcher: Arc<Watcher>,
    /// Jobs after which a person does something.
    beside: Arc<Mutex<Vec<u64>>>,
    loss: Option<PowerLoss>,
    people: People,
}

/// What happens in a life.
#[derive(Debug, Clone, Copy)]
enum Story {
    /// Anything.
    Wild(u64),
    /// Nothing more, at the end.
    Rest,
}

/// Lives a seed.
///
/// # Errors
/// The law that was broken, and in which life.
pub async fn live(seed: u64, extent: Extent, aloud: bool) -> Result<Summary> {
    // Worlds of its own: no seed is one of `life` with a daemon in it.
    let seed = Chance::new(seed, "daemon").number();
    let mut post = Post::default();
    let (one, mut chance) = Seed::begin(seed, extent, aloud, |machine, mail, chance| {
        furnish_with(machine, mail, chance, watched)?;
        post = Post::furnish(machine, chance)?;
        Ok(())
    })?;
    one.machine.set_interval(&format!("{}s", INTERVAL.as_secs()))?;
    let lives = chance.between(1, 3).min(extent.rounds);
    let mut kept = Kept { one, weather: Weather::default(), post };
    for nth in 0..lives {
        kept.live(Story::Wild(nth)).await.with_context(|| format!("in life {nth}"))?;
    }
    kept.live(Story::Rest).await.context("at the end")?;
    still_water(&kept.one.machine).await.context("in a run after the end")?;
    Ok(kept.one.summary())
}

/// Most servers tell by themselves what changes.
fn watched(chance: &mut Chance, offered: Capabilities) -> Capabilities {
    use Capability as C;
    let offered = offered.without([C::Idle, C::Notify]);
    match chance.below(6) {
        0 => offered,
        1 | 2 => offered.with([C::Notify]),
        _ => offered.with([C::Idle]),
    }
}

impl Kept {
    async fn live(&mut self, story: Story) -> Result<()> {
        let mut chance = Chance::new(self.one.seed, &format!("{story:?}"));
        if matches!(story, Story::Wild(_)) && chance.percent(15) {
            self.one.lengthen(&mut chance)?;
        }
        let now = self.begin(story, &mut chance)?;
        let ended = self.keep(story, &now, &mut chance).await?;
        let lived = self.one.machine.after(ended, &now.life, &now.commits).await;
        if matches!(lived.ended, Ended::Crashed)
            && let Some(loss) = &now.loss
        {
            loss.strike()?;
        }
        now.people.check()?;
        self.one.since_calm.parted = now.watcher.has_had_trouble();
        self.one.after(&lived)
    }

    fn begin(&self, story: Story, chance: &mut Chance) -> Result<Now> {
        let machine = &self.one.machine;
        let people = self.one.people()?;
        let kept = chance.below(1_001);
        let is_for_power = chance.percent(25) && matches!(story, Story::Wild(_));
        let loss = is_for_power.then(|| PowerLoss::new(&machine.store(), kept));
        let beside: Arc<Mutex<Vec<u64>>> = Arc::default();
        let act = beside_it(people.clone(), chance.split(), beside.clone(), loss.clone());
        let mut life = Life::new(None).between_jobs(act);
        if let Some(loss) = loss.clone() {
            life = life.at_death(move || loss.look());
        }
        let life = Arc::new(life);
        let watcher = Arc::new(Watcher::new(life.clone(), machine.trace().clone()));
        Ok(Now { life, commits: Arc::default(), watcher, beside, loss, people })
    }

    async fn keep(&mut self, story: Story, now: &Now, chance: &mut Chance) -> Result<Ended> {
        let hands = self.one.machine.hands()?;
        let world = hands.world(&now.life, &now.commits);
        let (stop, stopped) = oneshot::channel::<()>();
        let until = async { drop(stopped.await) };
        let kept = daemon::keep(world, hands.environment, now.watcher.clone(), until);
        tokio::pin!(kept);
        tokio::select! {
            biased;
            () = now.life.over() => return Ok(Ended::Crashed),
            left = &mut kept => {
                ensure!(now.life.is_dead(), "the daemon ended by itself: {left:?}");
                return Ok(Ended::Crashed);
            }
            told = self.tell(story, now, chance) => told?,
        }
        let _ = stop.send(());
        tokio::select! {
            biased;
            () = now.life.over() => Ok(Ended::Crashed),
            left = timeout(STOP, kept) => match left.context("the daemon does not stop")? {
                _ if now.life.is_dead() => Ok(Ended::Crashed),
                Ok(()) => Ok(Ended::Stopped),
                Err(fault) => Ok(Ended::Failed(fault)),
            }
        }
    }

    async fn tell(&mut self, story: Story, now: &Now, chance: &mut Chance) -> Result<()> {
        match story {
            Story::Wild(nth) => self.wild(nth, now, chance).await,
            Story::Rest => self.rest(now, chance).await,
        }
    }

    async fn wild(&mut self, life: u64, now: &Now, chance: &mut Chance) -> Result<()> {
        let moments = chance.between(1, Extent::ALL.moments).min(self.one.extent.moments);
        for nth in 0..moments {
            let gap_ms = match chance.below(3) {
                0 => chance.below(1_000),
                1 => chance.below(10_000),
                _ => chance.below(90_000),
            };
            now.pause(Duration::from_millis(gap_ms)).await;
            let renamed = self
                .moment(&format!("{life} {nth}"), now, chance)
                .with_context(|| format!("at moment {nth}"))?;
            if chance.percent(10) || renamed {
                self.come_into_step(now).await?;
            }
        }
        match chance.percent(60) {
            true => self.come_into_step(now).await,
            false => Ok(()),
        }
    }

    /// Something happens; whether folders changed their names.
    fn moment(&mut self, when: &str, now: &Now, chance: &mut Chance) -> Result<bool> {
        self.check(now)?;
        for part in 0..chance.between(1, 2) {
            if self.happen(&format!("{when} {part}"), now, chance)? {
                now.lock_beside().clear();
                now.is_on_the_disk();
                return Ok(true);
            }
        }
        let of_edits = self.one.extent.edits;
        let jobs = now.life.jobs();
        for _ in 0..chance.below(3).min(of_edits) {
            now.lock_beside().push(jobs + chance.between(1, 60));
        }
        if chance.percent(12) {
            now.life.end_after(match chance.below(3) {
                0 => CrashAt::BeforeJob(chance.between(1, 60)),
                1 => CrashAt::AfterJob(chance.between(1, 60)),
                _ => CrashAt::Octet(chance.between(1, 6_000)),
            });
        }
        now.is_on_the_disk();
        Ok(false)
    }

    fn happen(&mut self, when: &str, now: &Now, chance: &mut Chance) -> Result<bool> {
        let Self { one, weather, post } = self;
        match chance.below(100) {
            0..38 => return Ok(one.change(when, While::Running)?.renamed),
            38..62 => one.work(when, While::Running)?,
            62..70 => post.write(&one.machine, &now.people, chance)?,
            70..82 => {
                post.gather(&one.machine, chance);
                let lies = weather.gather(&one.machine, &now.people, chance);
                one.since_calm.lies |= lies;
            }
            82..86 => any(&one.machine.mailboxes, chance, |mailbox| weather.stop(&one.machine, mailbox)),
            86..89 => pull_the_cable(&one.machine),
            89..93 => any(&one.machine.mailboxes, chance, |mailbox| weather.lock_out(&one.machine, mailbox)),
            93..97 => machine_sleeps(&one.machine, i64::try_from(chance.between(30, 7_200))?),
            _ => {
                // The one that is put right, or one that was days ahead.
                let most = if chance.percent(70) { 600 } else { 60 * 3_600 };
                let seconds = i64::try_from(chance.between(most / 2, most))?;
                one.machine.trace().step(|| format!("the clock is set back by {seconds} s"));
                one.machine.clock().set_forward(-seconds);
            }
        }
        Ok(false)
    }

    /// Holds laws and wishes against what is there now.
    fn check(&mut self, now: &Now) -> Result<()> {
        now.people.check()?;
        let mailboxes = &self.one.machine.mailboxes;
        let bodies: Vec<_> = mailboxes.iter().map(|mailbox| mailbox.server.take_bodies()).collect();
        self.one.since_calm.parted = now.watcher.has_had_trouble();
        self.post.none_twice()?;
        self.one.hold(&bodies)?;
        now.is_on_the_disk();
        Ok(())
    }

    /// All trouble ends, and every account has a run in which nothing goes wrong.
    async fn come_into_step(&mut self, now: &Now) -> Result<()> {
        self.weather.clear_up(&self.one.machine, &mut self.post, &now.watcher)?;
        let since = Instant::now();
        let accounts: Vec<String> =
            self.one.machine.mailboxes.iter().map(|mailbox| mailbox.account.clone()).collect();
        for account in accounts {
            while !now.watcher.ran_well_since(&account, since) {
                let due = now.watcher.due(&account).unwrap_or(since).max(since) + PATIENCE;
                if Instant::now() > due.min(since + LONGEST) {
                    let error = now.watcher.error(&account);
                    bail!("{account} is left: it had no good run in {:?}; {error:?}", since.elapsed());
                }
                now.pause(Duration::from_secs(1)).await;
                self.post.answer(&self.one.machine, &now.people)?;
                now.is_on_the_disk();
            }
        }
        self.check(now)?;
        self.one.since_calm = Circumstances::default();
        now.people.wishes().ran_well();
        Ok(())
    }

    /// With all trouble over, so many rounds and a person's word have to be enough.
    async fn rest(&mut self, now: &Now, chance: &mut Chance) -> Result<()> {
        self.come_into_step(now).await?;
        self.until_all_is_due(now).await?;
        for _ in 0..4 {
            self.come_into_step(now).await?;
            self.one.allow_all()?;
        }
        self.come_into_step(now).await?;
        self.is_prompt(now, chance).await?;
        let all = standings(&self.one.machine.store())?;
        equals_servers(&self.one.machine, &all)?;
        nothing_waits(&self.one.machine, &all)?;
        self.post.all_is_out(&self.one.machine)?;
        now.people.wishes().came_true(&Both::look(&self.one.machine.hands()?)?)?;
        found_and_read(&self.one.machine, &self.one.laws, &all)?;
        self.is_still(now).await
    }

    /// What was put off, after failures or by a clock that was ahead then, is to be done now.
    async fn until_all_is_due(&self, now: &Now) -> Result<()> {
        let machine = &self.one.machine;
        while let Some(due) = last_due_us(&machine.store())?
            && let Some(left_us) = u64::try_from(due - machine.clock().now().0).ok().filter(|left| *left > 0)
        {
            let left = Duration::from_micros(left_us);
            if left > LONGEST_PAUSE {
                break;
            }
            ensure!(left < LONGEST, "a write is put off for {left:?}");
            now.pause(left).await;
        }
        Ok(())
    }

    /// What arrives where the server tells of it is here soon.
    async fn is_prompt(&mut self, now: &Now, chance: &mut Chance) -> Result<()> {
        let Seed { machine, mail, .. } = &mut self.one;
        let mut arrived = Vec::new();
        now.people.edit(While::Running, || {
            for mailbox in &machine.mailboxes {
                if now.watcher.watched(&mailbox.account) > 0 {
                    let bytes = mail.message(chance);
                    arrived.push((mailbox.account.clone(), blake3::hash(&bytes)));
                    let _ = mailbox.other.append("INBOX", bytes, &[], internal_date(chance));
                }
            }
            Ok(())
        })?;
        machine.trace().step(|| format!("{} messages arrive", arrived.len()));
        now.pause(SOON).await;
        let all = standings(&machine.store())?;
        for (account, hash) in arrived {
            let is_here = all.iter().any(|one| one.account == account && one.hash == hash);
            ensure!(is_here, "{account} is watched, and what arrived {SOON:?} ago is not here");
        }
        self.check(now)
    }

    /// Several rounds in which nothing changes write nothing but their own rows, and fetch nothing (I8).
    async fn is_still(&mut self, now: &Now) -> Result<()> {
        let machine = &self.one.machine;
        let before = dump(&machine.store())?;
        let (commits, runs) = (now.commits.load(Relaxed), now.watcher.runs());
        now.pause(INTERVAL * 3).await;
        let (commits, runs) = (now.commits.load(Relaxed) - commits, now.watcher.runs() - runs);
        ensure!(runs >= 2 * machine.mailboxes.len() as u64, "there were {runs} runs in three intervals");
        ensure!(dump(&machine.store())? == before, "I8: nothing had changed, and something was written");
        ensure!(commits == runs, "I8: {runs} runs changed nothing, and made {commits} commits");
        let fetched = machine.mailboxes.iter().flat_map(|mailbox| mailbox.server.take_bodies()).next();
        ensure!(fetched.is_none(), "I8: nothing had changed, and {fetched:?} was fetched");
        Ok(())
    }
}

impl Now {
    /// Lets the daemon live for so long. A daemon that died meanwhile is left to whoever waits for that.
    async fn pause(&self, long: Duration) {
        sleep(long).await;
        if self.life.is_dead() {
            std::future::pending().await
        }
    }

    fn lock_beside(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been looked at, or was done by people, is on the disk: no power loss takes it.
    fn is_on_the_disk(&self) {
        if let Some(loss) = &self.loss {
            loss.is_on_the_disk();
        }
    }
}

fn any(mailboxes: &[Mailbox], chance: &mut Chance, act: impl FnOnce(&Mailbox)) {
    let number = chance.below(mailboxes.len() as u64) as usize;
    if let Some(mailbox) = mailboxes.get(number) {
        act(mailbox);
    }
}

/// Somebody who is at the mail after certain jobs of the store.
fn beside_it(
    people: People,
    mut chance: Chance,
    at: Arc<Mutex<Vec<u64>>>,
    loss: Option<PowerLoss>,
) -> impl FnMut(u64) + Send {
    move |nth| {
        if let Some(loss) = &loss {
            loss.notice_sync();
        }
        if at.lock().unwrap_or_else(PoisonError::into_inner).contains(&nth) {
            people.edit_beside(|| people.work(&mut chance, 1));
            if let Some(loss) = &loss {
                loss.is_on_the_disk();
            }
        }
    }
}
