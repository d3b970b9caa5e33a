//! A person at the mail here: flags, moves, copies, deletions, restores, by the program's own commands; and what wishes follow from it,
//! and from what others do there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use postrider::service::{FlagEdit, Service};
use postrider_model::PlacementId;

use crate::{
    both::Both,
    chance::Chance,
    machine::Hands,
    stored::{Standing, standings},
    wish::{While, Wishes},
};

/// Flags that people set and take away.
const FLAGS: [&str; 7] = ["seen", "answered", "flagged", "draft", "$Forwarded", "Todo", "todo2"];

/// Whoever is at the mail, with an eye on what is wished.
#[derive(Debug, Clone)]
pub struct People {
    hands: Hands,
    wishes: Arc<Mutex<Wishes>>,
    /// What went wrong where nobody could be told.
    failed: Arc<Mutex<Option<anyhow::Error>>>,
}

impl People {
    /// At that machine's mail.
    pub fn new(hands: Hands, wishes: Arc<Mutex<Wishes>>) -> Self {
        Self { hands, wishes, failed: Arc::default() }
    }

    /// The wishes.
    pub fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all that is there for wished.
    ///
    /// # Errors
    /// Where the sides cannot be looked at.
    pub fn begin(&self) -> Result<()> {
        let now = Both::look(&self.hands)?;
        self.wishes().edited(&Both::default(), &now, While::Still, |_| true);
        Ok(())
    }

    /// Lets somebody edit mail, on one side, and takes down what is wished by it.
    ///
    /// # Errors
    /// What the edit answers, and where the sides cannot be looked at.
    pub fn edit<T>(&self, at: While, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let was = Both::look(&self.hands)?;
        let done = act()?;
        let now = Both::look(&self.hands)?;
        let is_whole =
            |account: &str| self.hands.sides.iter().any(|side| side.account == account && side.is_whole);
        self.wishes().edited(&was, &now, at, is_whole);
        Ok(done)
    }

    /// The same in the middle of a run, where nobody can be told that it went wrong: [`check`](Self::check) tells it.
    pub fn edit_beside(&self, act: impl FnOnce() -> Result<()>) {
        if let Err(error) = self.edit(While::Running, act) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// What went wrong in the middle of a run.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<()> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.map_or(Ok(()), |error| Err(error.context("beside a run")))
    }

    /// So many edits of a person, at most, in all accounts.
    ///
    /// # Errors
    /// What the program answers to a command that it should do.
    pub fn work(&self, chance: &mut Chance, count: u64) -> Result<()> {
        for _ in 0..count {
            let all = standings(&self.hands.store)?;
            let names: Vec<&str> = self.hands.sides.iter().map(|side| side.account.as_str()).collect();
            let account = chance.pick(&names).copied().unwrap_or_default();
            let mine: Vec<&Standing> = all.iter().filter(|one| one.account == account).collect();
            self.one(chance, &mine).context("in a person's command")?;
        }
        Ok(())
    }

    fn one(&self, chance: &mut Chance, all: &[&Standing]) -> Result<()> {
        let live: Vec<&Standing> =
            all.iter().copied().filter(|one| one.is_followed() && one.can_be_put).collect();
        let some: Vec<&Standing> = chance.some(&live, 3);
        let ids = |some: &[&Standing]| some.iter().map(|one| PlacementId(one.id)).collect::<Vec<_>>();
        let mut folders: Vec<&str> = live.iter().map(|one| one.stands_in.as_str()).collect();
        folders.sort_unstable();
        folders.dedup();
        let to = chance.pick(&folders).copied().unwrap_or("INBOX");
        let what = chance.below(100);
        if live.is_empty() && what < 88 {
            return Ok(());
        }
        let mut service = self.hands.service()?;
        match what {
            0..35 => flag(&mut service, chance, &ids(&some), self)?,
            35..55 => {
                self.note(|| format!("moves {:?} to {to:?}", ids(&some)));
                let caller = service.owner();
                service.move_mail(&caller, &ids(&some), to)?;
            }
            55..67 => {
                self.note(|| format!("copies {:?} to {to:?}", ids(&some)));
                let caller = service.owner();
                service.copy_mail(&caller, &ids(&some), to)?;
            }
            67..84 => delete(&mut service, chance, &ids(&some), self)?,
            84..88 => {
                let folder: Vec<&Standing> = live.iter().copied().filter(|one| one.stands_in == to).collect();
                delete(&mut service, chance, &ids(&folder), self)?;
            }
            _ => {
                let deleted: Vec<&Standing> = all
                    .iter()
                    .copied()
                    .filter(|one| one.is_deleted && !one.is_rest() && one.can_be_put)
                    .collect();
                let Some(one) = chance.pick(&deleted) else { return Ok(()) };
                self.note(|| format!("restores m{}", one.id));
                let caller = service.owner();
                service.restore(&caller, &[PlacementId(one.id)])?;
            }
        }
        Ok(())
    }

    fn note(&self, what: impl FnOnce() -> String) {
        self.hands.trace.step(|| format!("a person {}", what()));
    }
}

fn flag(service: &mut Service, chance: &mut Chance, ids: &[PlacementId], people: &People) -> Result<()> {
    let words: Vec<String> = chance
        .some(&FLAGS, 2)
        .iter()
        .map(|name| format!("{}{name}", if chance.percent(60) { '+' } else { '-' }))
        .collect();
    people.note(|| format!("flags {ids:?} {words:?}"));
    let edit = FlagEdit::parse(words.iter().map(String::as_str))?;
    let caller = service.owner();
    service.flag_mail(&caller, ids, &edit)?;
    Ok(())
}

fn delete(service: &mut Service, chance: &mut Chance, ids: &[PlacementId], people: &People) -> Result<()> {
    let expunge = chance.percent(50);
    people.note(|| format!("deletes {ids:?}, for good: {expunge}"));
    let caller = service.owner();
    service.delete_mail(&caller, ids, expunge)?;
    Ok(())
}
