//! The model: what has to hold of the store whenever the program is not running, however it ended.
//!
//! | law | in words |
//! |---|---|
//! | I1 | an id that was ever seen is there for ever, and means the same bytes |
//! | ids | a new id is higher than all before |
//! | uids | in a folder a UID is given once, and stands for the bytes that the server has under it |
//! | I2 | what is deleted here is not there |
//! | I7 | no more is deleted at a time than the guard lets pass |
//! | I3 | what is committed is not fetched again |
//!
//! It knows the store, and the servers' own view of what they hold; nothing of how the program comes from one to the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use blake3::Hash;
use postrider_fake::{BodyServed, MailboxView};

use crate::{layout::shown, machine::Machine, stored::Standing};

/// What the checks of one run have to know of it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Circumstances {
    /// A server lied, in this run or since the last one without trouble: UIDs may have been taken for renumbered.
    pub lies: bool,
    /// A mailbox was set back since the last run without trouble: its UIDs may mean other messages for a while.
    pub restored: bool,
    /// Not all folders could be read in one run since the laws were held last: two halves of a move may have been settled apart, and a
    /// message that was moved there has got another id.
    pub parted: bool,
}

/// What is known of the past.
#[derive(Debug, Default)]
pub struct Laws {
    before: Vec<Standing>,
    known: BTreeMap<i64, (i64, Hash)>,
    /// The highest id so far.
    highest: i64,
}

/// What a server holds in one folder: UIDVALIDITY, and the bytes' hash by UID.
struct There {
    uid_validity: u32,
    messages: BTreeMap<u32, Hash>,
}

type Servers = BTreeMap<(String, String), There>;

/// Every folder of every account, by the names under which people know them.
fn servers(machine: &Machine) -> Servers {
    let mut servers = Servers::new();
    for mailbox in &machine.mailboxes {
        let delimiter = mailbox.server.config().delimiter;
        for (name, view) in mailbox.other.snapshot() {
            servers.insert((mailbox.account.clone(), shown(&name, delimiter)), there(&view));
        }
    }
    servers
}

fn there(view: &MailboxView) -> There {
    let hashed = view.messages.iter().map(|message| (message.uid, blake3::hash(&message.bytes)));
    There { uid_validity: view.uid_validity, messages: hashed.collect() }
}

impl Laws {
    /// Holds what is there now against them.
    ///
    /// # Errors
    /// The law that is broken, and by what.
    pub fn hold(&mut self, machine: &Machine, mut now: Vec<Standing>, of: Circumstances) -> Result<()> {
        uids_are_given_once(&now)?;
        let rests: Vec<Standing> = now.iter().filter(|one| one.is_rest()).cloned().collect();
        now.retain(|one| !one.is_rest());
        let servers = servers(machine);
        self.nothing_is_lost(&now)?;
        self.ids_are_new(&now)?;
        if !of.restored {
            uids_mean_their_bytes(&now, &servers)?;
        }
        self.deletions_are_deserved(&now, &rests, &servers, of)?;
        self.mass_deletions_are_held(&now)?;
        self.know(now);
        Ok(())
    }

    /// A person was at the mail, or let plans through: what that deletes is deserved.
    pub fn edited(&mut self, mut now: Vec<Standing>) {
        now.retain(|one| !one.is_rest());
        self.know(now);
    }

    /// An id is a message's own once its arrival was settled. Until then it is only not to be given again.
    fn know(&mut self, now: Vec<Standing>) {
        let settled = now.iter().filter(|one| !one.is_arriving);
        self.known.extend(settled.map(|one| (one.id, (one.message, one.hash))));
        self.highest = self.highest.max(now.last().map_or(0, |one| one.id));
        self.before = now;
    }

    /// Every id that was ever seen, and the hash of its bytes.
    pub fn known(&self) -> impl Iterator<Item = (i64, Hash)> + '_ {
        self.known.iter().map(|(id, (_, hash))| (*id, *hash))
    }

    /// What was there when the laws were held last.
    pub fn before(&self) -> &[Standing] {
        &self.before
    }

    fn nothing_is_lost(&self, now: &[Standing]) -> Result<()> {
        let here: BTreeMap<i64, &Standing> = now.iter().map(|one| (one.id, one)).collect();
        for (id, (message, hash)) in &self.known {
            let Some(one) = here.get(id) else { anyhow::bail!("I1: m{id} is not there any more") };
            ensure!((one.message, one.hash) == (*message, *hash), "I1: m{id} is another message than before");
        }
        Ok(())
    }

    fn ids_are_new(&self, now: &[Standing]) -> Result<()> {
        let before: BTreeSet<i64> = self.before.iter().map(|one| one.id).collect();
        let is_old = |one: &&Standing| self.known.contains_key(&one.id) || before.contains(&one.id);
        let reused = now.iter().filter(|one| one.id <= self.highest).find(|one| !is_old(one));
        ensure!(reused.is_none(), "ids: {reused:?} came after m{}", self.highest);
        Ok(())
    }

    fn deletions_are_deserved(
        &self,
        now: &[Standing],
        rests: &[Standing],
        servers: &Servers,
        of: Circumstances,
    ) -> Result<()> {
        for (was, is) in self.deleted(now) {
            let Some(there) = servers.get(&(is.account.clone(), is.folder.clone())) else { continue };
            let same_numbers =
                was.collection == is.collection && was.uid_validity == Some(there.uid_validity);
            match was.uid {
                Some(uid) if same_numbers && !of.restored => {
                    let unjust = there.messages.get(&uid) == Some(&was.hash);
                    ensure!(
                        !unjust || is.is_exempt && of.lies,
                        "I2: deleted here and there all the same: {is:?}, was {was:?}"
                    );
                }
                _ => {
                    let copies = there.messages.values().filter(|hash| **hash == is.hash).count();
                    // A tombstone of which the server is still to be told, or that it cannot erase, stands for a copy there, and so
                    // does what a move left behind.
                    let here = now.iter().chain(rests).filter(|one| {
                        let stands = !one.is_deleted || one.discard.is_some();
                        stands && one.collection == is.collection && one.hash == is.hash
                    });
                    ensure!(
                        here.count() >= copies || of.lies,
                        "I2: {copies} copies are there, and one too many was deleted here: {is:?}, was {was:?}"
                    );
                }
            }
        }
        Ok(())
    }

    /// What stood somewhere before and is a tombstone now that no person made.
    fn deleted<'a>(&'a self, now: &'a [Standing]) -> impl Iterator<Item = (&'a Standing, &'a Standing)> {
        let here: BTreeMap<i64, &Standing> = now.iter().map(|one| (one.id, one)).collect();
        let live = self.before.iter().filter(|one| !one.is_deleted);
        live.filter_map(move |was| Some((was, *here.get(&was.id)?)))
            .filter(|(_, is)| is.is_deleted && is.discard.is_none() && !is.is_unwanted)
    }

    fn mass_deletions_are_held(&self, now: &[Standing]) -> Result<()> {
        let mut deleted: BTreeMap<i64, u64> = BTreeMap::new();
        for (_, is) in self.deleted(now).filter(|(_, is)| !is.is_exempt) {
            *deleted.entry(is.collection).or_default() += 1;
        }
        for (collection, count) in deleted {
            let left =
                now.iter().filter(|one| one.collection == collection && !one.is_deleted).count() as u64;
            let of = left + count;
            let too_many = count > 25 && count * 100 > of * 20 || left == 0 && of >= 10;
            ensure!(!too_many, "I7: {count} of {of} messages of folder {collection} were deleted at once");
        }
        Ok(())
    }

    /// What is committed is not fetched again. To be asked before [`hold`](Self::hold): of what was there before the run.
    ///
    /// # Errors
    /// The message that was.
    pub fn nothing_is_fetched_again(&self, machine: &Machine, bodies: &[Vec<BodyServed>]) -> Result<()> {
        let has_uid =
            |one: &Standing| Some((one.account.clone(), one.folder.clone(), one.uid_validity?, one.uid?));
        let committed: BTreeSet<_> = self.before.iter().filter_map(has_uid).collect();
        for (mailbox, bodies) in machine.mailboxes.iter().zip(bodies) {
            let delimiter = mailbox.server.config().delimiter;
            for body in bodies {
                let folder = shown(&body.mailbox, delimiter);
                let fetched = (mailbox.account.clone(), folder, body.uid_validity, body.uid);
                ensure!(!committed.contains(&fetched), "I3: committed and fetched again: {body:?}");
            }
        }
        Ok(())
    }
}

fn uids_are_given_once(now: &[Standing]) -> Result<()> {
    let mut given = BTreeSet::new();
    for one in now {
        let Some(uid) = one.uid else { continue };
        ensure!(!one.is_deleted || one.discard.is_some(), "uids: a tombstone has one: {one:?}");
        ensure!(given.insert((one.collection, uid)), "uids: given twice: {one:?}");
    }
    Ok(())
}

fn uids_mean_their_bytes(now: &[Standing], servers: &Servers) -> Result<()> {
    for one in now.iter().filter(|one| one.is_followed()) {
        let Some(there) = servers.get(&(one.account.clone(), one.folder.clone())) else { continue };
        if one.uid_validity != Some(there.uid_validity) {
            continue;
        }
        let bytes = one.uid.and_then(|uid| there.messages.get(&uid));
        ensure!(bytes.is_none_or(|hash| *hash == one.hash), "uids: other bytes are there under it: {one:?}");
    }
    Ok(())
}
