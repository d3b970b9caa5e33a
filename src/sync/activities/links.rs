//! Links that end or come about, with those of the times of a series.

use std::collections::BTreeSet;

use postrider_formats::icalendar::Item;
use postrider_journal::ItemOperation;
use postrider_model::{Activity, ActivityId, LinkId};
use postrider_store::{ChangedGroups, Context, Link, StoreError, Tx};

use super::{
    ActivityRules,
    image::{Agreed, Image, Stands},
};
use crate::activity::doc_of;

/// A link, and those of the times of its series.
pub(super) fn with_times(tx: &Tx<'_>, id: LinkId) -> Result<Vec<Link>, StoreError> {
    let Some(link) = tx.link(id)? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    if let Some(record) = link.record {
        let times = tx.links_of_times(link.collection, record)?;
        all.extend(times.into_iter().filter(|time| time.left.is_none()));
    }
    all.push(link);
    let mut seen = BTreeSet::new();
    all.retain(|link| seen.insert(link.id));
    Ok(all)
}

/// Forgets a link, and those of the times of its series.
pub(super) fn forget(tx: &mut Tx<'_>, id: LinkId, user: &str) -> Result<(), StoreError> {
    for link in with_times(tx, id)? {
        tx.drop_link(link.id)?;
        unlinked(tx, &link, user)?;
    }
    Ok(())
}

/// Where nobody has an item of it any more, nobody sees it by one.
pub(super) fn unlinked(tx: &mut Tx<'_>, link: &Link, user: &str) -> Result<(), StoreError> {
    match link.record.map(|id| ActivityId(id.0)) {
        Some(id) if tx.copies_of_record(id)?.is_empty() && tx.activity(id)?.is_some() => {
            tx.set_linked(id, user, false)
        }
        _ => Ok(()),
    }
}

/// A server that draws a uid of its own for what was made there: by that uid all others know it (rule 1).
pub(super) fn adopt_uid(
    tx: &mut Tx<'_>,
    id: ActivityId,
    image: &Image,
    rules: &ActivityRules,
    context: &Context,
) -> Result<(), StoreError> {
    let uid = &image.shared.uid;
    let is_its_own = image.stands == Stands::Organizer;
    let Some(stored) = tx.activity(id)?.filter(|one| one.record.deleted.is_none()) else { return Ok(()) };
    if !is_its_own || uid.is_empty() || stored.master.is_some() {
        return Ok(());
    }
    let context = Context { why: "known on the server under another uid".to_owned(), ..context.clone() };
    let mut all = vec![stored];
    all.extend(tx.differing(id)?);
    for one in all {
        let Ok(item) = Item::read(one.doc.text.as_bytes()) else { continue };
        let activity = item.activity();
        if activity.uid == *uid {
            continue;
        }
        let own = item.own();
        let is = item.with(&Activity { uid: uid.clone(), ..activity }, &own);
        tx.change_activity(one.id, &doc_of(&is, rules.defaults), ChangedGroups::default(), &context)?;
    }
    Ok(())
}

/// Whether what is made was sent once before, was looked for and not found, and people were to hear of it.
pub(super) fn was_to_tell(operation: &ItemOperation) -> bool {
    match operation {
        ItemOperation::Create { said: Some(said) } => Agreed::read(said).is_some_and(|said| said.tells),
        _ => false,
    }
}

/// What was surely not done tells nobody: the word that people are to hear of it is the record's again.
pub(super) fn untold(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    let Some(row) = tx.item_intent(id)? else { return Ok(()) };
    let tells = match &row.operation {
        ItemOperation::Update { tells } => *tells,
        operation => was_to_tell(operation),
    };
    match row.about.record.filter(|_| tells) {
        Some(record) => tx.set_tell(ActivityId(record.0), true),
        None => Ok(()),
    }
}
