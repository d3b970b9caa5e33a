//! A store of any size, filled by the engine itself, and what a run over it takes.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use postrider::{
    sync::{Index, ItemsContext, Leave, Ports},
    world::World,
};
use postrider_model::{AccountId, ItemCollectionId, RecordId, RunId};
use postrider_store::{Context, Options, Side, Store, StoreError, Tx, Viewer};

use crate::{
    server::{Kind, Server, key_of},
    timed::{Spans, Stopwatch},
};

/// Whose account it is.
pub const USER: &str = "anna";
/// The account.
pub const ACCOUNT: &str = "work";
/// Its address.
pub const ADDRESS: &str = "anna@example.com";
/// So many items come in with a run while the store is filled.
const BATCH: u64 = 20_000;
/// Of eight changes on a side so many are edits; one is a new item, one a deletion.
const EDITS_OF_EIGHT: u64 = 6;
/// Numbers of what is made here begin far above all others.
const MADE_HERE: u64 = 1 << 40;

/// The engine of one kind.
#[async_trait]
pub trait Engine: Kind + Sized {
    /// In words.
    const WHAT: &str;

    /// What is in the store before anything comes in.
    ///
    /// # Errors
    /// The store's.
    fn prepare(tx: &mut Tx<'_>, context: &Context) -> Result<(), StoreError>;

    /// A record is made here.
    ///
    /// # Errors
    /// The store's.
    fn add(tx: &mut Tx<'_>, number: u64, context: &Context) -> Result<(), StoreError>;

    /// A record is changed here. Answers whether it says anything else now.
    ///
    /// # Errors
    /// The store's.
    fn edit(tx: &mut Tx<'_>, record: RecordId, context: &Context) -> Result<bool, StoreError>;

    /// Reads of a linked record what a plan has to know of it, and does nothing with it.
    ///
    /// # Errors
    /// The store's.
    fn read(tx: &Tx<'_>, record: RecordId) -> Result<(), StoreError>;

    /// Decides about so many changes whose sides are all known, and reads nothing: what [`postrider_reconcile`] alone takes. Six of eight
    /// are edits, on either side as many; one is a deletion there, one here.
    fn decide(changes: u64) -> Duration;

    /// Runs the account once: what was pulled, pushed, unlinked, and in conflict.
    ///
    /// # Errors
    /// What failed, of the whole or of any part.
    async fn run(ports: &Ports, server: &Server<Self>, run: &ItemsContext) -> Result<[u64; 4]>;
}

/// A store with its server.
pub struct Bench<E: Engine> {
    ports: Ports,
    run: ItemsContext,
    server: Server<E>,
    store: Store,
    /// What was made here so far.
    made: u64,
    chance: u64,
}

/// What is changed on one side.
#[derive(Debug, Clone, Copy)]
struct Changes {
    edits: u64,
    additions: u64,
    deletions: u64,
}

impl Changes {
    fn of(all: u64) -> Self {
        let edits = all * EDITS_OF_EIGHT / 8;
        let deletions = (all - edits) / 2;
        Self { edits, deletions, additions: all - edits - deletions }
    }
}

/// What one round took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// For the decisions alone about as many changes.
    pub decide: Duration,
    /// Within the plan.
    pub plan: Duration,
    /// For nothing but the reading of as many other links and their records.
    pub reads: Duration,
    /// The whole run, but for the server.
    pub own: Duration,
}

impl<E: Engine> Bench<E> {
    /// Over the store in `dir`, with a server that has `items`.
    ///
    /// # Errors
    /// The store's, and the system's that gives no threads.
    pub async fn open(dir: &Path, items: u64) -> Result<Self> {
        let world = World::real();
        let mut id = [0; 16];
        world.entropy.fill(&mut id);
        let store = Store::open(&Options::new(dir, id, world.clock.now()))?;
        let leave = Leave::new(store.clone(), world.disk.clone());
        let ports = Ports {
            clock: world.clock.clone(),
            entropy: world.entropy.clone(),
            dialer: world.dialer.clone(),
            store: world.threads.store(store.writer()?)?,
            index: Index::new(store.indexer()?, store.reader()?, world.threads.index()?, leave.clone()),
            leave,
            compute: world.threads.compute()?,
        };
        let account_id = ports.transaction(|tx| tx.ensure_account(ACCOUNT, ADDRESS)).await?;
        let run = ItemsContext {
            run: RunId(1),
            account: Arc::from(ACCOUNT),
            account_id,
            user: USER.to_owned(),
            viewer: Viewer::User {
                name: USER.to_owned(),
                roles: Vec::new(),
                addresses: vec![ADDRESS.to_owned()],
            },
            dry_run: false,
        };
        Ok(Self { ports, run, server: Server::new(items), store, made: 0, chance: 1 })
    }

    /// Lets `items` come in by as many runs as it takes.
    ///
    /// # Errors
    /// What fails in a run; where not all came in.
    pub async fn fill(&self, items: u64) -> Result<()> {
        let context = self.context();
        self.ports.transaction(move |tx| E::prepare(tx, &context)).await?;
        let mut filled = 0;
        while filled < items {
            let batch = BATCH.min(items - filled);
            (0..batch).for_each(|_| self.server.add());
            let [pulled, ..] = E::run(&self.ports, &self.server, &self.run).await?;
            ensure!(pulled == batch, "{batch} were there, and {pulled} came in");
            filled += batch;
        }
        self.rest().await
    }

    /// The log is written back, and a run finds nothing to do.
    async fn rest(&self) -> Result<()> {
        let did = E::run(&self.ports, &self.server, &self.run).await?;
        ensure!(did == [0; 4], "nothing changed, and a run did {did:?}");
        Ok(())
    }

    /// A run over so many changes, half of them there and half here.
    ///
    /// # Errors
    /// What fails in the run; where it did anything else than what was changed.
    pub async fn changes(&mut self, spans: &Spans, changes: u64) -> Result<Took> {
        let side = Changes::of(changes / 2);
        let mut chosen = self.choose(2 * (side.edits + side.deletions))?.into_iter();
        for number in chosen.by_ref().take(side.edits as usize) {
            self.server.edit(number);
        }
        for number in chosen.by_ref().take(side.deletions as usize) {
            self.server.delete(number);
        }
        (0..side.additions).for_each(|_| self.server.add());
        self.change_here(chosen.collect(), side).await?;
        let (did, mut took) = self.timed(spans).await?;
        let pulled = side.edits + side.additions;
        let expected = [pulled, pulled + side.deletions, 2 * side.deletions, 0];
        ensure!(
            did == expected,
            "pulled, pushed, unlinked, in conflict: {did:?} in the place of {expected:?}"
        );
        self.rest().await?;
        took.reads = self.reads(changes).await?;
        took.decide = E::decide(changes);
        Ok(took)
    }

    /// What it takes to read so many links and their records, one by one, as a plan reads them.
    async fn reads(&mut self, count: u64) -> Result<Duration> {
        let (numbers, account) = (self.choose(count)?, self.run.account_id);
        let took = self
            .ports
            .transaction(move |tx| {
                let Some(collection) = collection::<E>(tx, account)? else { return Ok(None) };
                let begun = Stopwatch::start();
                for number in numbers {
                    let link = tx.link_of_item(collection, &key_of(number))?;
                    let Some(record) = link.and_then(|link| link.record) else { return Ok(None) };
                    E::read(tx, record)?;
                }
                Ok(Some(begun.elapsed()))
            })
            .await?;
        took.context("what was chosen is not linked")
    }

    /// A run over a whole listing in which nothing is new.
    ///
    /// # Errors
    /// What fails in the run; where it did anything.
    pub async fn listing(&self, spans: &Spans) -> Result<Took> {
        self.server.forget_cursors();
        let (did, took) = self.timed(spans).await?;
        ensure!(did == [0; 4], "nothing changed, and a run did {did:?}");
        Ok(took)
    }

    async fn timed(&self, spans: &Spans) -> Result<([u64; 4], Took)> {
        // What was counted before is none of this.
        drop((self.server.take_spent(), spans.take()));
        let begun = Stopwatch::start_all();
        let did = E::run(&self.ports, &self.server, &self.run).await?;
        let (whole, spent) = (begun.elapsed(), self.server.take_spent());
        let plan = spans.take().remove("plan").context("the engine told of no plan")?;
        Ok((
            did,
            Took { decide: Duration::ZERO, plan, reads: Duration::ZERO, own: whole.saturating_sub(spent) },
        ))
    }

    async fn change_here(&mut self, numbers: Vec<u64>, side: Changes) -> Result<()> {
        let (context, account) = (self.context(), self.run.account_id);
        let first = MADE_HERE + self.made;
        self.made += side.additions;
        let changed = self
            .ports
            .transaction(move |tx| {
                let Some(collection) = collection::<E>(tx, account)? else { return Ok(0) };
                let mut changed = 0;
                for (nth, number) in (0..).zip(numbers) {
                    let link = tx.link_of_item(collection, &key_of(number))?;
                    let Some(record) = link.and_then(|link| link.record) else { continue };
                    if nth < side.edits {
                        changed += u64::from(E::edit(tx, record, &context)?);
                    } else {
                        tx.delete_record(record, &context)?;
                        changed += 1;
                    }
                }
                for number in first..first + side.additions {
                    E::add(tx, number, &context)?;
                    changed += 1;
                }
                Ok(changed)
            })
            .await?;
        ensure!(
            changed == side.edits + side.additions + side.deletions,
            "{changed} were changed here: over a store that was measured before, the chosen may be others"
        );
        Ok(())
    }

    /// So many items that nobody wrote here, each another one, all over the collection.
    fn choose(&mut self, count: u64) -> Result<Vec<u64>> {
        let items = self.server.len();
        let mut chosen = std::collections::BTreeSet::new();
        let mut in_order = Vec::new();
        for _ in 0..count * 100 {
            // Knuth's generator (MMIX).
            self.chance =
                self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (self.chance >> 33) % items;
            if self.server.has_own(number) && chosen.insert(number) {
                in_order.push(number);
                if in_order.len() as u64 == count {
                    return Ok(in_order);
                }
            }
        }
        bail!("there are not {count} items to choose")
    }

    fn context(&self) -> Context {
        Context {
            at: self.ports.clock.now(),
            run: None,
            side: Side::Here,
            actor: USER.to_owned(),
            why: "for the measurement".to_owned(),
        }
    }

    /// How large the store is with its logs, in octets.
    ///
    /// # Errors
    /// The system's.
    pub fn octets(&self) -> Result<u64> {
        Ok(fs::metadata(self.store.dir().join("store.db"))?.len() + self.store.log_octets())
    }
}

fn collection<E: Engine>(tx: &Tx<'_>, account: AccountId) -> Result<Option<ItemCollectionId>, StoreError> {
    let all = tx.item_collections(account)?;
    Ok(all.into_iter().find(|one| one.kind == E::COLLECTION).map(|one| one.id))
}
