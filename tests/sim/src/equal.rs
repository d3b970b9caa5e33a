//! The end of a seed: with all trouble over, the store is what the servers hold, everything can be found and read, and the
//! water is still.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use postrider::service::{MailFilter, Service};
use postrider_fake::{Capability, MailboxView, MessageView};
use postrider_model::PlacementId;

use crate::{
    laws::Laws,
    layout::shown,
    machine::{BEGINNING, Ended, Lived, Machine, Mailbox, everything},
    mail::word_in,
    stored::{Standing, dump},
};

const DAY: i64 = 86_400;

/// What is compared of a message.
type Comparable = (blake3::Hash, BTreeSet<String>, i64);

/// The store is what the servers hold, within each account's folders and period.
///
/// # Errors
/// The first difference.
pub fn equals_servers(machine: &Machine, now: &[Standing]) -> Result<()> {
    for mailbox in &machine.mailboxes {
        let delimiter = mailbox.server.config().delimiter;
        let mut there: BTreeMap<String, MailboxView> = mailbox
            .other
            .snapshot()
            .into_iter()
            .map(|(name, view)| (shown(&name, delimiter), view))
            .collect();
        there.retain(|name, view| {
            !view.no_select && (mailbox.folders.is_empty() || mailbox.folders.contains(name))
        });
        let mut here: BTreeMap<&str, BTreeMap<u32, Comparable>> = BTreeMap::new();
        for one in now.iter().filter(|one| one.account == mailbox.account && one.is_followed()) {
            let Some(uid) = one.uid else { bail!("it has no UID after all trouble is over: {one:?}") };
            here.entry(&one.folder)
                .or_default()
                .insert(uid, (one.hash, one.flags.clone(), one.internal_date));
        }
        if let Some(name) = here.keys().find(|name| !there.contains_key(**name)) {
            bail!("folder {name:?} of {} is followed and is not there", mailbox.account);
        }
        for (name, view) in &mut there {
            let place = (name.as_str(), view.uid_validity);
            let excepted =
                |message: &MessageView| now.iter().any(|one| is_excepted(one, mailbox, place, message));
            view.messages.retain(|message| !excepted(message));
            let here = here.remove(name.as_str()).unwrap_or_default();
            folder_equals(mailbox, name, view, &here).map_err(|error| {
                let known: Vec<&Standing> = now
                    .iter()
                    .filter(|one| {
                        view.messages
                            .iter()
                            .any(|m| blake3::hash(&m.bytes) == one.hash && !here.contains_key(&m.uid))
                    })
                    .collect();
                error.context(format!("known of what is not here: {known:?}"))
            })?;
        }
    }
    Ok(())
}

/// Gone here, and left with a mark on a server that erases no single message; or to go to a folder that is not followed now.
fn is_excepted(one: &Standing, mailbox: &Mailbox, folder: (&str, u32), message: &MessageView) -> bool {
    let stands =
        (one.folder.as_str(), one.uid_validity, one.uid) == (folder.0, Some(folder.1), Some(message.uid));
    let waits = one.is_frozen && one.waits() && one.stands_in != one.folder;
    let is_marked =
        one.is_marked() && message.flags.iter().any(|flag| flag.eq_ignore_ascii_case("\\deleted"));
    (is_marked || waits) && one.account == mailbox.account && stands
}

/// Nothing waits to be sent, but for what stands in a folder that is not followed now.
///
/// # Errors
/// What waits.
pub fn nothing_waits(machine: &Machine, now: &[Standing]) -> Result<()> {
    let waits = now.iter().find(|one| one.waits() && !one.is_frozen);
    ensure!(waits.is_none(), "it waits, after all trouble is over: {waits:?}");
    if now.iter().any(|one| one.waits()) {
        return Ok(());
    }
    let service = machine.service()?;
    let unsent = service.status(&service.owner())?.into_iter().find(|state| state.unsent > 0);
    ensure!(unsent.is_none(), "nothing waits, and yet it says so: {unsent:?}");
    Ok(())
}

fn folder_equals(
    mailbox: &Mailbox,
    name: &str,
    view: &MailboxView,
    here: &BTreeMap<u32, Comparable>,
) -> Result<()> {
    let who = &mailbox.account;
    let there: BTreeMap<u32, Comparable> =
        view.messages.iter().map(|one| (one.uid, comparable(one))).collect();
    for (uid, message) in here {
        let Some(found) = there.get(uid) else { bail!("{who}: UID {uid} in {name:?} is here and not there") };
        ensure!(message == found, "{who}: UID {uid} in {name:?} is {message:?} here and {found:?} there");
    }
    for (uid, (_, _, internal_date)) in &there {
        let wanted = *internal_date >= must_be_here_from(&mailbox.period);
        ensure!(!wanted || here.contains_key(uid), "{who}: UID {uid} in {name:?} is there and not here");
    }
    Ok(())
}

fn comparable(one: &MessageView) -> Comparable {
    let flags = one.flags.iter().map(|flag| flag.to_lowercase()).collect();
    (blake3::hash(&one.bytes), flags, one.internal_date.timestamp())
}

/// From when on every message has to be here, in seconds. Windows are cut at days and move with the clock, so that at the edge
/// both is right.
fn must_be_here_from(period: &str) -> i64 {
    let days = match period {
        "1w" => 7,
        "1M" => 30,
        "1y" => 365,
        _ => return i64::MIN,
    };
    BEGINNING.seconds() - (days - 2) * DAY
}

/// Every message that is here is found by its word, and every id that was ever seen can be read, byte for byte.
///
/// # Errors
/// The first that cannot.
pub fn found_and_read(machine: &Machine, laws: &Laws, now: &[Standing]) -> Result<()> {
    let service = machine.service()?;
    let caller = service.owner();
    for (id, hash) in laws.known() {
        let bytes = service.raw_message(&caller, PlacementId(id))?;
        ensure!(blake3::hash(&bytes) == hash, "m{id} reads as other bytes than it had");
        let live = now.iter().any(|one| one.id == id && !one.is_deleted);
        if let Some(word) = word_in(&bytes).filter(|_| live) {
            ensure!(finds(&service, &word, id)?, "m{id} is not found by {word:?}");
        }
    }
    Ok(())
}

fn finds(service: &Service, word: &str, id: i64) -> Result<bool> {
    let filter = MailFilter { query: word.to_owned(), limit: 10_000, ..MailFilter::default() };
    let found = service.mail(&service.owner(), &filter)?;
    Ok(found.rows.iter().any(|row| row.id == PlacementId(id)))
}

/// One more run changes no record and fetches nothing (I8), and clients broke no rule of the protocol in all that time.
///
/// # Errors
/// What was written, fetched, or broken.
pub async fn still_water(machine: &Machine) -> Result<()> {
    let before = dump(&machine.store())?;
    let lived = machine.run(&everything(), None).await?;
    ensure!(matches!(lived.ended, Ended::Ran(_)), "still water: {:?}", lived.ended);
    ensure!(dump(&machine.store())? == before, "I8: nothing had changed, and something was written");
    ensure!(lived.commits == 1, "I8: nothing had changed, and {} transactions were committed", lived.commits);
    let fetched = lived.bodies.iter().flatten().next();
    ensure!(fetched.is_none(), "I8: nothing had changed, and {fetched:?} was fetched");
    is_brief(machine, &lived)?;
    for mailbox in &machine.mailboxes {
        let violations = mailbox.server.violations();
        ensure!(violations.is_empty(), "the program broke the protocol's rules: {violations:?}");
    }
    Ok(())
}

/// Where every listing tells the state of every folder, none is opened, and six round trips an account are enough.
fn is_brief(machine: &Machine, lived: &Lived) -> Result<()> {
    if !machine.mailboxes.iter().all(tells_by_listing) {
        return Ok(());
    }
    let opened = lived.served.iter().flatten().filter(|one| one.command.contains("EXAMINE")).count();
    ensure!(opened == 0, "I8: nothing had changed, and {opened} folders were opened");
    let most = 6 * machine.mailboxes.len() as u64;
    ensure!(lived.trips <= most, "I8: nothing had changed, and it took {} round trips", lived.trips);
    Ok(())
}

fn tells_by_listing(mailbox: &Mailbox) -> bool {
    let offered = &mailbox.server.config().capabilities;
    let dumb = mailbox.other.snapshot().into_values().any(|folder| folder.no_mod_seq);
    offered.has(Capability::ListStatus) && offered.has(Capability::CondStore) && !dumb
}

/// The run did all that it was to do.
///
/// # Errors
/// What it could not do.
pub fn went_well(lived: &Lived) -> Result<()> {
    let Ended::Ran(outcome) = &lived.ended else {
        bail!("a run without trouble ended with {:?}", lived.ended)
    };
    for account in &outcome.report.accounts {
        let well = account.error.is_none();
        ensure!(
            well,
            "a run without trouble: {} is {:?}: {:?}",
            account.account,
            account.status,
            account.error
        );
    }
    Ok(())
}
