//! The model of mail both ways: what both sides are to come to, whoever did what where.
//!
//! Rule: people make wishes, here and there; the program makes none. So each life of the program, however it ended, leaves every
//! wish as it was, and when all trouble is over both sides are as wished.
//!
//! | wish | of | in words |
//! |---|---|---|
//! | copies | every letter | so many as were put somewhere, less those that somebody deleted, on either side |
//! | flags | a letter that stands once on each side | each flag as the side has it that changed it since both agreed (F2.4) |
//! | folder | the same | where it was moved to; moved on both sides: where it was moved to here |
//! | id | the same | the one that it has |
//!
//! Where two hands meet in one moment, so that either order is right, a wish leaves both open, and nothing else: in the middle of a
//! run, with a write on its way; or a deletion on the one side with a move on the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::{
    both::{Both, Letter, There},
    laws::Circumstances,
    stored::{Flags, Standing},
};

/// All wishes.
#[derive(Debug, Default)]
pub struct Wishes {
    copies: BTreeMap<Letter, Copies>,
    single: BTreeMap<Letter, Single>,
    /// Messages that were taken here out of a folder that was lost there.
    rescued: BTreeSet<i64>,
    /// Folders were renamed since the program ran well: their names here are not those there.
    renamed: bool,
}

/// How many copies there are to be on the server, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Copies {
    least: usize,
    most: usize,
}

/// What is wished of a letter that stands once on each side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Single {
    id: i64,
    flags: Flags,
    /// Flags of which either is right.
    open: Flags,
    folders: BTreeSet<String>,
}

/// The circumstances of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum While {
    /// Between two runs.
    Still,
    /// In the middle of a run.
    Running,
}

impl Wishes {
    /// Somebody edited mail, on one side: the wishes are what they were, and that.
    pub fn edited(&mut self, was: &Both, now: &Both, at: While, is_whole: impl Fn(&str) -> bool) {
        for letter in now.letters().union(&was.letters()).copied() {
            let touched = was.there(letter) != now.there(letter)
                || was.here(letter) != now.here(letter)
                || was.marked(letter) != now.marked(letter);
            if touched {
                let copies = self.copies.entry(letter.clone()).or_default();
                edited_there(copies, was, now, letter, at, is_whole(&letter.0));
                edited_here(copies, was, now, letter);
                copies.most += rescued(&mut self.rescued, now, letter);
            }
            match (single(now, letter), single(was, letter)) {
                (None, _) => drop(self.single.remove(letter)),
                (Some(mut wish), before) if touched => {
                    if at == While::Running
                        && let (Some(before), Some(_)) = (before, self.single.get(letter))
                    {
                        leave_open(&mut wish, &before, was, now, letter);
                    }
                    self.single.insert(letter.clone(), wish);
                }
                (Some(wish), _) => drop(self.single.entry(letter.clone()).or_insert(wish)),
            }
        }
    }

    /// A message was written: one copy of it is to stand there, once it is out.
    pub fn sent(&mut self, letter: &Letter) {
        self.copies.insert(letter.clone(), Copies { least: 1, most: 1 });
    }

    /// Of what was sent there may be no copy.
    pub fn may_be_missing(&mut self, letter: &Letter) {
        if let Some(copies) = self.copies.get_mut(letter) {
            copies.least = copies.least.saturating_sub(1);
        }
    }

    /// Folders have other names there than here.
    pub const fn renamed(&mut self) {
        self.renamed = true;
    }

    /// The program lived, and wished for nothing.
    ///
    /// # Errors
    /// The wish that is another now.
    pub fn outlived(&mut self, now: &Both, of: Circumstances) -> Result<()> {
        let mut single_now = BTreeMap::new();
        for letter in now.letters() {
            if of.lies {
                self.leave_denied_open(now, letter);
            }
            let Some(mut wish) = single(now, letter) else { continue };
            if let Some(was) = self.single.get(letter).filter(|_| !of.lies && !of.restored) {
                wish.open.extend(was.open.iter().filter(|flag| !agrees(now, letter, flag)).cloned());
                is_the_same(was, &wish, self.renamed, letter, now)?;
                ensure!(
                    of.parted || was.id == wish.id,
                    "id: another id than before: {was:?}, now {}",
                    describe(now, letter)
                );
            }
            single_now.insert(letter.clone(), wish);
        }
        self.single = single_now;
        Ok(())
    }

    /// Where a server denied what it has, what was deleted here may count as gone there, and come back when it tells the truth: nothing
    /// tells that from a mailbox that was set back.
    fn leave_denied_open(&mut self, now: &Both, letter: &Letter) {
        let there = [now.there(letter), now.marked(letter)].concat();
        let is_denied = |one: &&Standing| {
            let is_gone = one.is_deleted && one.discard.is_none();
            is_gone && there.iter().any(|there| there.folder == one.folder)
        };
        let denied = now.here(letter).iter().filter(is_denied).count();
        if let Some(copies) = self.copies.get_mut(letter).filter(|_| denied > 0) {
            copies.most = copies.most.max(there.len());
        }
    }

    /// The program ran well, and knows every folder by its name.
    pub const fn ran_well(&mut self) {
        self.renamed = false;
    }

    /// All trouble is over: there are as many copies of everything as there are to be.
    ///
    /// # Errors
    /// The letter that is lost, or is there too often.
    pub fn came_true(&self, now: &Both) -> Result<()> {
        for (letter, wished) in &self.copies {
            let there = now.there(letter);
            // What is to be put into a folder that is gone there waits for it, and so does what is to be erased in it.
            let waiting = || now.here(letter).iter().filter(|one| one.is_frozen && one.waits());
            let (all, to_put) = (waiting().count(), waiting().filter(|one| !one.is_deleted).count());
            let fits = wished.least.saturating_sub(to_put) <= there.len() && there.len() <= wished.most + all;
            ensure!(
                fits,
                "copies: {wished:?} are to be there, but for {all} that wait, and these are: {there:?}; here: {:?}",
                now.here(letter)
            );
        }
        Ok(())
    }
}

/// Somebody was at the mail there.
fn edited_there(copies: &mut Copies, was: &Both, now: &Both, letter: &Letter, at: While, is_whole: bool) {
    let (before, after) = (was.there(letter), now.there(letter));
    let revived = revived(was, now, letter);
    if before == after && revived == 0 {
        return;
    }
    let here = was.here(letter);
    // Deleted here before, so that it is counted already.
    let deleted_here = here.iter().filter(|one| one.is_to_go()).count();
    let is_on_its_way = here.iter().any(|one| {
        one.intent.as_deref().is_some_and(|state| state != "noted") || at == While::Running && one.waits()
    });
    // What stands without its mark now is none of those that stood there before: of these, others may be gone.
    let unmarked = unmarked(was, now, letter);
    let stays = after.len().saturating_sub(unmarked);
    let (more, less) = (stays.saturating_sub(before.len()), before.len().saturating_sub(stays));
    let came = revived.saturating_sub(unmarked);
    copies.least = (copies.least + more.saturating_sub(came)).saturating_sub(less);
    copies.most += more.max(came) + unmarked.min(revived);
    let left = before.iter().filter(|one| !after.iter().any(|now| now.place() == one.place())).count();
    let moved = left > less;
    if is_on_its_way {
        copies.most += usize::from(moved || more == 0 && less == 0);
    } else {
        copies.most = copies.most.saturating_sub(less.saturating_sub(deleted_here));
    }
    let waits = here.iter().any(|one| !one.is_frozen && one.waits());
    if !is_whole && waits || deleted_here > 0 && more == 0 && less == 0 {
        // They were moved to where they cannot be seen from here, or arrive before they are missed.
        let came = after.iter().filter(|one| !before.iter().any(|was| was.place() == one.place()));
        copies.most += came.count().clamp(1, deleted_here.max(1));
    }
}

/// How many copies that carried a mark for deletion somebody has moved since, or taken the mark from: deleted on the one side, kept
/// on the other.
fn revived(was: &Both, now: &Both, letter: &Letter) -> usize {
    let left = was.marked(letter).iter().filter(|one| !now.marked(letter).contains(one)).count();
    let stood = [was.there(letter), was.marked(letter)].concat();
    let all = now.there(letter).iter().chain(now.marked(letter));
    let came = all.filter(|one| !stood.iter().any(|was| was.place() == one.place()));
    left.min(unmarked(was, now, letter) + came.count())
}

/// How many copies stand where they stood, without the mark for deletion that they carried.
fn unmarked(was: &Both, now: &Both, letter: &Letter) -> usize {
    let is_one = |one: &&There| was.marked(letter).iter().any(|was| was.place() == one.place());
    now.there(letter).iter().filter(is_one).count()
}

/// A person was at the mail here.
fn edited_here(copies: &mut Copies, was: &Both, now: &Both, letter: &Letter) {
    let before: BTreeMap<i64, &Standing> = was.here(letter).iter().map(|one| (one.id, one)).collect();
    for one in now.here(letter) {
        match before.get(&one.id).map(|before| before.is_deleted) {
            None | Some(true) if !one.is_deleted => {
                copies.most += 1;
                // It waits for its folder; or it is deleted there too meanwhile; or its folder is being numbered anew, and whether it
                // is there is not known before that is done.
                let may_be_gone = one.uid.is_some() && !now.has(one) && one.discard.is_none();
                let is_adrift = one.uid.is_none() && one.intent.is_none();
                let may_not_be = one.is_frozen || may_be_gone || is_adrift;
                copies.least += usize::from(!may_not_be);
            }
            Some(false) if !one.is_deleted && was_held(&before, one) && !one.is_held => {
                // It was gone there, and a person does something with it all the same.
                copies.most += 1;
            }
            Some(false) if !one.is_deleted && one_before(&before, one).has_mark() && !one.has_mark() => {
                // It carried a mark for deletion, so that it was counted as gone, and is to stay.
                copies.most += 1;
            }
            // It was gone there, and its deletion there is counted.
            Some(false) if one.is_deleted && was_held(&before, one) && !was.has(one_before(&before, one)) => {
            }
            Some(false) if one.is_deleted => {
                copies.least = copies.least.saturating_sub(1);
                // While its folder is numbered anew, what is to be erased may stand in another folder, and is left alone there.
                let is_surely_gone = one.uid.is_none() && one.discard.is_none() && !one.is_frozen
                    || one.discard.as_deref() == Some("expunge") && now.has(one);
                // What the server denies counts as gone there, and comes back if it is not.
                let is_sure = is_surely_gone && !was_held(&before, one);
                copies.most = copies.most.saturating_sub(usize::from(is_sure));
            }
            _ => {}
        }
    }
}

/// What a person takes out of a folder is put where it is to stand, though the folder was lost meanwhile with all that was in it:
/// nothing of that is a deletion of this message. Where the folder has only got another name, it is.
fn rescued(known: &mut BTreeSet<i64>, now: &Both, letter: &Letter) -> usize {
    let is_one = |one: &&Standing| !one.is_deleted && one.stands_in != one.folder && now.lost_its_folder(one);
    now.here(letter).iter().filter(is_one).filter(|one| known.insert(one.id)).count()
}

fn one_before<'a>(before: &BTreeMap<i64, &'a Standing>, one: &'a Standing) -> &'a Standing {
    before.get(&one.id).copied().unwrap_or(one)
}

fn was_held(before: &BTreeMap<i64, &Standing>, one: &Standing) -> bool {
    before.get(&one.id).is_some_and(|before| before.is_held)
}

/// What is wished of a letter, where it stands once on each side.
fn single(both: &Both, letter: &Letter) -> Option<Single> {
    let [there] = both.there(letter) else { return None };
    // What may yet turn out to be another one that was moved is counted with that.
    let mut live = both.here(letter).iter().filter(|one| !one.is_deleted && !one.is_arriving);
    let (Some(here), None) = (live.next(), live.next()) else { return None };
    // A twin that carries a mark may be the one that stands there, where somebody takes the mark away.
    if here.is_frozen || both.here(letter).iter().any(|one| one.is_to_go() || one.is_marked()) {
        return None;
    }
    // The same message, come to where it was moved: what a person does to it before that is settled is done to this one.
    let mut all = both.here(letter).iter();
    let came = all.find(|one| !one.is_deleted && one.is_arriving && both.has(one));
    let theirs =
        came.map_or_else(|| there.flags.clone(), |came| merge(&came.base, &came.flags, &there.flags));
    let moved = came.into_iter().chain([here]).find(|one| one.stands_in != one.folder);
    let folder = moved.map_or(&there.folder, |one| &one.stands_in);
    Some(Single {
        id: here.id,
        flags: merge(&here.base, &here.flags, &theirs),
        open: Flags::new(),
        folders: BTreeSet::from([folder.clone()]),
    })
}

/// Flag by flag, the side that changed it since the base.
fn merge(base: &Flags, here: &Flags, there: &Flags) -> Flags {
    let all = base.union(here).chain(there);
    all.filter(|flag| match here.contains(*flag) == base.contains(*flag) {
        true => there.contains(*flag),
        false => here.contains(*flag),
    })
    .cloned()
    .collect()
}

fn agrees(both: &Both, letter: &Letter, flag: &str) -> bool {
    let here = both.here(letter).iter().find(|one| !one.is_deleted);
    let there = both.there(letter).first();
    here.zip(there).is_some_and(|(here, there)| {
        here.flags.contains(flag) == here.base.contains(flag)
            && here.flags.contains(flag) == there.flags.contains(flag)
    })
}

/// In the middle of a run nobody can tell whether a change that both sides have was sent just now, or made by both.
fn leave_open(wish: &mut Single, before: &Single, was: &Both, now: &Both, letter: &Letter) {
    let one = |both: &Both| both.here(letter).iter().find(|one| !one.is_deleted).cloned();
    let (Some(here), [there]) = (one(was), was.there(letter)) else { return };
    let sent = |flag: &&String| {
        here.flags.contains(*flag) != here.base.contains(*flag)
            && here.flags.contains(*flag) == there.flags.contains(*flag)
    };
    let all: Flags = here.base.union(&here.flags).chain(&there.flags).cloned().collect();
    wish.open.extend(all.iter().filter(sent).cloned());
    wish.open.extend(before.open.iter().cloned());
    if here.stands_in != here.folder {
        wish.folders.extend(before.folders.iter().cloned());
        wish.folders.extend(now.there(letter).iter().map(|there| there.folder.clone()));
        wish.folders.extend(one(now).map(|here| here.stands_in));
    }
}

fn is_the_same(was: &Single, now: &Single, renamed: bool, letter: &Letter, both: &Both) -> Result<()> {
    let changed: Vec<&String> =
        was.flags.symmetric_difference(&now.flags).filter(|flag| !was.open.contains(*flag)).collect();
    ensure!(
        changed.is_empty(),
        "flags: a run changed what is wished of {changed:?}: {was:?}, now {}",
        describe(both, letter)
    );
    ensure!(
        renamed || now.folders.is_subset(&was.folders),
        "folder: a run changed what is wished: {was:?}, now {}",
        describe(both, letter)
    );
    Ok(())
}

fn describe(both: &Both, letter: &Letter) -> String {
    format!("{:?} and {:?}", both.there(letter), both.here(letter))
}
