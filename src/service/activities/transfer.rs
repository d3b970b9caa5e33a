//! Activities from iCalendar files, and into them (F4.7).

use std::collections::BTreeMap;

use postrider_formats::icalendar::{Calendar, Item, meeting_uid, write_all};
use postrider_model::{Activity, ActivityId, ErrorClass, Fault, Occurrence, Own, Visibility};
use postrider_reconcile::activities::stub_master;
use postrider_store::{
    ActivityFilter, ChangedGroups, Context, NewActivity as New, OwnFacet, StoreError, StoredActivity, Tx,
    Viewer,
};

use crate::{
    access::{Act, Caller},
    activity::{doc_of, groups, with_join_url},
    service::Service,
};

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportedActivities {
    /// Activities that are new; times that differ from their series go with it.
    pub added: Vec<ActivityId>,
    /// Activities that were here, and say something else now.
    pub changed: Vec<ActivityId>,
    /// Activities that were here, and say what they said.
    pub unchanged: u64,
    /// What could not be taken, in words.
    pub remarks: Vec<String>,
}

impl Service {
    /// Takes the appointments and tasks of an iCalendar file in as those of `user`, by default the caller's. One that the user has by the same
    /// uid says what the file says from then on; what it was can be restored. One of another user's that they see is left alone, with a remark.
    /// All that can be read is taken in, or nothing. Nobody is mailed.
    ///
    /// # Errors
    /// A file without anything that can be read; a user in whose name the caller may not act.
    pub fn import_activities(
        &mut self,
        caller: &Caller,
        file: &[u8],
        user: Option<&str>,
    ) -> Result<ImportedActivities, Fault> {
        let caller = match user {
            Some(user) => self.act_as(caller, user)?,
            None => caller.clone(),
        };
        let mut imported = ImportedActivities::default();
        let mut by_uid: BTreeMap<String, Told> = BTreeMap::new();
        for read in Calendar::read(file).items {
            match read {
                Ok(item) => {
                    let activity = item.activity();
                    by_uid.entry(meeting_uid(&activity.uid)).or_default().add(item, activity);
                }
                Err(error) => imported.remarks.push(error.to_string()),
            }
        }
        if by_uid.is_empty() {
            let cause = imported.remarks.first().cloned();
            let cause = cause.unwrap_or_else(|| "there is no appointment and no task in it".to_owned());
            return Err(Fault::new(ErrorClass::Config, "import activities", cause)
                .hint("a file of iCalendar has BEGIN:VEVENT or BEGIN:VTODO in it"));
        }
        let hand = Taking {
            user: &caller.user,
            viewer: self.viewer(&caller),
            context: self.here(&caller, "imported"),
            defaults: self.defaults(),
        };
        let line = self.line(&caller, Act::AddRecord, "", &format!("import of {} activities", by_uid.len()));
        self.record_work(line, file.len(), |tx| {
            by_uid.iter().try_for_each(|(uid, told)| hand.take(tx, uid, told, &mut imported))
        })?;
        Ok(imported)
    }

    /// The activities that the caller sees, or their own alone, as one iCalendar file; with what the caller has of each for themselves.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn calendar_file(&self, caller: &Caller, mine: bool) -> Result<String, Fault> {
        let reader = self.reader()?;
        let filter = ActivityFilter {
            viewer: self.viewer(caller),
            between: None,
            kind: None,
            words: Vec::new(),
            people: None,
            label: None,
            deleted: false,
            limit: usize::MAX,
        };
        let mut items = Vec::new();
        for stored in reader.activities(&filter)? {
            if mine && stored.record.owner != caller.user {
                continue;
            }
            let is_private =
                |activity: &Activity| activity.content.privacy != postrider_model::Privacy::Normal;
            for one in [stored.clone()].into_iter().chain(reader.differing(stored.id)?) {
                let Ok(item) = Item::read(one.doc.text.as_bytes()) else { continue };
                let activity = item.activity();
                if is_private(&activity) && !self.is_insider(caller, &one) {
                    continue;
                }
                let own = reader.own(one.id, &caller.user)?.map(|facet| facet.own);
                let own = own.unwrap_or_else(|| match one.record.owner == caller.user {
                    true => item.own(),
                    false => Own::default(),
                });
                items.push(item.with(&activity, &own));
            }
        }
        self.note_record_look(caller, || format!("{} activities", items.len()));
        Ok(write_all(&items))
    }
}

/// What a file tells of one uid; of several by the same key the last counts.
#[derive(Default)]
struct Told {
    master: Option<(Item, Activity)>,
    others: BTreeMap<Occurrence, (Item, Activity)>,
}

impl Told {
    fn add(&mut self, item: Item, activity: Activity) {
        match activity.occurrence {
            None => self.master = Some((item, activity)),
            Some(occurrence) => {
                self.others.insert(occurrence, (item, activity));
            }
        }
    }

    fn first(&self) -> Option<&Activity> {
        self.master.iter().chain(self.others.values()).map(|(_, activity)| activity).next()
    }
}

struct Taking<'a> {
    user: &'a str,
    viewer: Viewer,
    context: Context,
    defaults: postrider_formats::occurrences::Defaults,
}

impl Taking<'_> {
    /// Takes what has one uid: a series and those that differ from it, or one activity.
    fn take(
        &self,
        tx: &mut Tx<'_>,
        uid: &str,
        told: &Told,
        imported: &mut ImportedActivities,
    ) -> Result<(), StoreError> {
        let Some(first) = told.first() else { return Ok(()) };
        let (known, of_others): (Vec<_>, Vec<_>) =
            tx.activities_of_uid(uid)?.into_iter().partition(|one| one.record.owner == self.user);
        if known.is_empty()
            && let Some(seen) = of_others.iter().find(|one| self.sees(one))
        {
            let title = if first.content.title.is_empty() { uid } else { &first.content.title };
            imported.remarks.push(format!("{title} is {}'s, and is here already", seen.record.owner));
            return Ok(());
        }
        let master = known.iter().find(|one| one.master.is_none());
        let (id, mut changed) = match (&told.master, master) {
            (Some((item, _)), Some(master)) => (master.id, self.change(tx, master, item)?),
            (Some((item, _)), None) => (self.add(tx, item, None, imported)?, false),
            (None, Some(master)) => (master.id, false),
            (None, None) => {
                let stub = Item::new(&stub_master(first), &Own::default());
                (self.add(tx, &stub, None, imported)?, false)
            }
        };
        let mut known_times: BTreeMap<Option<Occurrence>, &StoredActivity> = BTreeMap::new();
        for one in known.iter().filter(|one| one.master.is_some()) {
            known_times.entry(one.doc.occurrence).or_insert(one);
        }
        for (occurrence, (item, _)) in &told.others {
            match known_times.get(&Some(*occurrence)) {
                Some(one) => changed |= self.change(tx, one, item)?,
                None => {
                    self.add(tx, item, Some(id), imported)?;
                    changed = true;
                }
            }
        }
        // A time that the file does not tell of any more is as the series has it again.
        if told.master.is_some() {
            let is_told =
                |one: &StoredActivity| one.doc.occurrence.is_some_and(|key| told.others.contains_key(&key));
            for gone in known.iter().filter(|one| one.master == Some(id) && !is_told(one)) {
                tx.delete_record(gone.id, &self.context)?;
                changed = true;
            }
        }
        match (master.is_some(), changed) {
            (true, true) => imported.changed.push(id),
            (true, false) => imported.unchanged += 1,
            (false, _) => {}
        }
        Ok(())
    }

    /// Whether the user sees another one's: it is shown to them, or they take part.
    fn sees(&self, one: &StoredActivity) -> bool {
        let takes_part = |addresses: &Vec<String>| {
            let participants = one.doc.participants.iter().map(|participant| &participant.person.email);
            participants.chain(&one.doc.organizer).any(|email| addresses.contains(email))
        };
        self.viewer.sees(&one.record.owner, &one.record.visibility)
            || matches!(&self.viewer, Viewer::User { addresses, .. } if takes_part(addresses))
    }

    fn add(
        &self,
        tx: &mut Tx<'_>,
        item: &Item,
        master: Option<ActivityId>,
        imported: &mut ImportedActivities,
    ) -> Result<ActivityId, StoreError> {
        let item = joined(item);
        let doc = doc_of(&item, self.defaults);
        let new = New {
            owner: self.user,
            visibility: &Visibility::Private,
            doc: &doc,
            master,
            in_schedule: postrider_reconcile::activities::shows_in_schedule(doc.kind),
        };
        let id = tx.add_activity(&new, &self.context)?;
        let facet = OwnFacet { own: item.own(), ..OwnFacet::default() };
        tx.set_own(id, self.user, &facet, &self.context)?;
        if master.is_none() {
            imported.added.push(id);
        }
        Ok(id)
    }

    fn change(&self, tx: &mut Tx<'_>, stored: &StoredActivity, item: &Item) -> Result<bool, StoreError> {
        let (id, item) = (stored.id, joined(item));
        let differ = match Item::read(stored.doc.text.as_bytes()) {
            Ok(was) => groups(&was.activity(), &item.activity()),
            Err(_) => ChangedGroups { content: true, timing: true, people: true },
        };
        let changed = tx.change_activity(id, &doc_of(&item, self.defaults), differ, &self.context)?;
        let facet = tx.own(id, self.user)?.unwrap_or_default();
        let own = Own { response: facet.own.response, ..item.own() };
        let own_changed = own != facet.own;
        if own_changed {
            let facet = OwnFacet { own, own_changed: self.context.at, ..facet };
            tx.set_own(id, self.user, &facet, &self.context)?;
        }
        Ok(changed || own_changed)
    }
}

/// With the link by which a meeting is joined, where a mask knows it.
fn joined(item: &Item) -> Item {
    let activity = item.activity();
    let known = with_join_url(activity.clone());
    if known == activity { item.clone() } else { item.with(&known, &item.own()) }
}
