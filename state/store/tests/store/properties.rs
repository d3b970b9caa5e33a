//! The invariants, over random sequences of what can be done to placements: ids are never used again, nothing is lost, the
//! known UIDs are those of a model that fits on this page (I1, I2).

use std::collections::BTreeMap;

use postrider_model::{CollectionId, Flags, PlacementId, Timestamp, Uid, UidSet};
use postrider_store::{Filter, FlagUpdate, Renumbering, Side};
use proptest::prelude::*;

use crate::fixture::{Fixture, at, message, raw};

/// What is done next. Numbers choose among what there is, modulo how much there is.
#[derive(Debug, Clone)]
enum Op {
    Insert { folder: usize, uid: Uid, text: u8 },
    Delete { which: usize },
    Restore { which: usize },
    Flag { which: usize, bits: u8 },
    Move { which: usize, folder: usize, uid: Uid, deleted_first: bool },
    Renumber { folder: usize, step: Uid, lost: usize },
    Hold { folder: usize, most: usize },
    Allow,
    Fail { folder: usize, uid: Uid },
}

fn op() -> impl Strategy<Value = Op> {
    let folder = 0_usize..3;
    let uid = 1_u32..40;
    let which = any::<usize>();
    prop_oneof![
        4 => (folder.clone(), uid.clone(), 0_u8..12).prop_map(|(folder, uid, text)| Op::Insert { folder, uid, text }),
        2 => which.prop_map(|which| Op::Delete { which }),
        1 => which.prop_map(|which| Op::Restore { which }),
        2 => (which, 0_u8..32).prop_map(|(which, bits)| Op::Flag { which, bits }),
        2 => (which, folder.clone(), uid.clone(), any::<bool>())
            .prop_map(|(which, folder, uid, deleted_first)| Op::Move { which, folder, uid, deleted_first }),
        1 => (folder.clone(), 1_u32..50, 0_usize..3).prop_map(|(folder, step, lost)| Op::Renumber { folder, step, lost }),
        1 => (folder.clone(), 1_usize..4).prop_map(|(folder, most)| Op::Hold { folder, most }),
        1 => Just(Op::Allow),
        1 => (folder, uid).prop_map(|(folder, uid)| Op::Fail { folder, uid }),
    ]
}

/// A placement as the model knows it.
#[derive(Debug, Clone)]
struct Known {
    folder: usize,
    uid: Option<Uid>,
    text: u8,
    bits: u8,
    deleted: bool,
    held: bool,
}

struct World {
    store: Fixture,
    folders: [CollectionId; 3],
    model: BTreeMap<PlacementId, Known>,
    highest: PlacementId,
    second: i64,
}

impl World {
    fn new() -> Self {
        let mut store = Fixture::new();
        let folders = [store.inbox, store.folder("A"), store.folder("B")];
        Self { store, folders, model: BTreeMap::new(), highest: PlacementId(0), second: 0 }
    }

    fn pick(&self, which: usize, fits: impl Fn(&Known) -> bool) -> Option<PlacementId> {
        let all: Vec<_> = self.model.iter().filter(|(_, known)| fits(known)).map(|(id, _)| *id).collect();
        (!all.is_empty()).then(|| all[which % all.len()])
    }

    fn standing(&self, folder: usize, uid: Uid) -> Option<PlacementId> {
        self.pick(0, |known| known.folder == folder && known.uid == Some(uid))
    }

    fn insert(&mut self, folder: usize, uid: Uid, text: u8) -> PlacementId {
        let standing = self.standing(folder, uid);
        let inserted = self.store.insert(self.folders[folder], &[message(uid, &text.to_string())])[0];
        match standing {
            Some(id) => assert_eq!((inserted.placement, inserted.new_placement), (id, false)),
            None => {
                assert!(inserted.new_placement && inserted.placement > self.highest, "an id was given again");
                self.highest = inserted.placement;
                let known = Known { folder, uid: Some(uid), text, bits: 0, deleted: false, held: false };
                self.model.insert(inserted.placement, known);
            }
        }
        inserted.placement
    }

    fn delete(&mut self, id: PlacementId) {
        let context = at(self.second);
        self.store.tx(|tx| tx.delete_placements(&[id], &context));
        let known = self.model.get_mut(&id).unwrap();
        (known.deleted, known.uid, known.held) = (true, None, false);
    }

    fn shift(&mut self, which: usize, folder: usize, uid: Uid, deleted_first: bool) {
        let Some(id) = self.pick(which, |known| known.uid.is_some()) else { return };
        if self.standing(folder, uid).is_some() {
            return;
        }
        let text = self.model[&id].text;
        if deleted_first {
            self.delete(id);
        }
        let arrived = self.insert(folder, uid, text);
        let context = at(self.second);
        let flags = self.store.tx(|tx| tx.seat(arrived)).placement.flags;
        self.store.tx(|tx| tx.adopt(id, arrived, &flags, &context));
        let now = self.model.remove(&arrived).unwrap();
        self.model.insert(id, now);
    }

    /// The UIDs of a folder all change, some by taking each other's; the first few are not found again and deleted.
    fn renumber(&mut self, folder: usize, step: Uid, lost: usize) {
        let here: Vec<_> = self
            .model
            .iter()
            .filter(|(_, known)| known.folder == folder && known.uid.is_some())
            .map(|(id, _)| *id)
            .collect();
        let count = here.len() as u32;
        let matched: Vec<_> = (0_u32..)
            .zip(&here)
            .skip(lost)
            .map(|(at, id)| Renumbering {
                placement: *id,
                uid: 1 + (at + step) % count,
                internal_date: Timestamp(5),
                flags: Flags::from_parts(self.model[id].bits, []),
                base_flags: Flags::NONE,
                mod_seq: None,
            })
            .collect();
        let (collection, context) = (self.folders[folder], at(self.second));
        let left = self.store.tx(|tx| {
            let left = tx.renumber(collection, &matched, &context)?;
            tx.delete_placements(&left, &context)?;
            Ok(left)
        });
        assert_eq!(left, here[..lost.min(here.len())]);
        for one in matched {
            let known = self.model.get_mut(&one.placement).unwrap();
            (known.uid, known.held) = (Some(one.uid), false);
        }
        for id in left {
            let known = self.model.get_mut(&id).unwrap();
            (known.deleted, known.uid, known.held) = (true, None, false);
        }
    }

    fn hold(&mut self, folder: usize, most: usize) {
        let ids: Vec<_> = self
            .model
            .iter()
            .filter(|(_, known)| known.folder == folder && known.uid.is_some())
            .map(|(id, _)| *id)
            .take(most)
            .collect();
        // Nothing is never held: a plan without a deletion is swept away with the next change.
        if ids.is_empty() {
            return;
        }
        let collection = self.folders[folder];
        self.store.tx(|tx| tx.hold(collection, Side::Server, "why", &ids, 9, Timestamp(1)));
        for (id, known) in &mut self.model {
            if known.folder == folder {
                known.held = ids.contains(id);
            }
        }
    }

    fn allow(&mut self) {
        let account = self.store.account;
        let context = at(self.second);
        self.store.tx(|tx| {
            for plan in tx.held(account)? {
                assert_eq!(tx.allow(plan.id, &context)?, (plan.deletions, Side::Server));
            }
            Ok(())
        });
        for known in self.model.values_mut().filter(|known| known.held) {
            (known.deleted, known.uid, known.held) = (true, None, false);
        }
    }

    fn step(&mut self, op: &Op) {
        self.second += 1;
        let context = at(self.second);
        match *op {
            Op::Insert { folder, uid, text } => drop(self.insert(folder, uid, text)),
            Op::Delete { which } => {
                if let Some(id) = self.pick(which, |known| !known.deleted) {
                    self.delete(id);
                }
            }
            Op::Restore { which } => {
                if let Some(id) = self.pick(which, |known| known.deleted) {
                    self.store.tx(|tx| tx.restore(id, &context));
                    let known = self.model.get_mut(&id).unwrap();
                    // Whoever wants a message back does not want it marked as deleted.
                    (known.deleted, known.bits) = (false, known.bits & !8);
                }
            }
            Op::Flag { which, bits } => {
                if let Some(id) = self.pick(which, |known| !known.deleted) {
                    let flags = Flags::from_parts(bits, []);
                    let update =
                        FlagUpdate { placement: id, base_flags: flags.clone(), flags, mod_seq: None };
                    self.store.tx(|tx| tx.update_flags(&[update], &context));
                    self.model.get_mut(&id).unwrap().bits = bits;
                }
            }
            Op::Move { which, folder, uid, deleted_first } => self.shift(which, folder, uid, deleted_first),
            Op::Renumber { folder, step, lost } => self.renumber(folder, step, lost),
            Op::Hold { folder, most } => self.hold(folder, most),
            Op::Allow => self.allow(),
            Op::Fail { folder, uid } => {
                let collection = self.folders[folder];
                let failed = self.store.writer.transaction(|tx| {
                    tx.insert_messages(collection, &[message(uid, "never")])?;
                    tx.renumber(collection, &[], &context)?;
                    tx.seat(PlacementId(i64::MAX))
                });
                assert!(failed.is_err());
            }
        }
    }

    fn check(&mut self) {
        for (at, collection) in self.folders.into_iter().enumerate() {
            let expected: UidSet = self
                .model
                .values()
                .filter(|known| known.folder == at)
                .filter_map(|known| known.uid)
                .collect();
            assert_eq!(self.store.tx(|tx| tx.known_uids(collection)), expected);
        }
        let reader = self.store.reader();
        for deleted in [false, true] {
            let rows = reader.list(&Filter { deleted, limit: 1_000, ..Filter::default() }).unwrap();
            let mut listed: Vec<_> =
                rows.iter().map(|row| (row.id, row.uid, row.flags.bits(), row.held.is_some())).collect();
            listed.sort_unstable();
            let expected: Vec<_> = self
                .model
                .iter()
                .filter(|(_, known)| known.deleted == deleted)
                .map(|(id, known)| (*id, known.uid, known.bits, known.held))
                .collect();
            assert_eq!(listed, expected);
        }
        for (id, known) in &self.model {
            assert_eq!(self.store.bytes(*id), raw(&known.text.to_string()), "{id}");
            let noted = reader.history(*id).unwrap().iter().any(|row| row.what == "deleted");
            assert!(noted || !known.deleted, "{id} was deleted without a trace");
        }
        assert_eq!(reader.check().unwrap(), [""; 0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn nothing_is_lost_and_no_id_comes_twice(ops in prop::collection::vec(op(), 1..40)) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
        }
        world.check();
    }
}
