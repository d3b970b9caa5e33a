//! The way of a message from the wire into the store: parsed and compressed on one thread, written on another, while the next
//! is still coming in.
//!
//! Memory is bounded by one budget: a message's octets are charged when it comes off the wire and given back when it is
//! committed. A message larger than the whole budget is let through alone.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use postrider_formats::message;
use postrider_model::{CollectionId, Fault, Flags, Timestamp, Uid, UidSet};
use postrider_remote::{BodySink, FetchedMessage};
use postrider_store::{Body, Envelope, Executor, Incoming, StoreError, Words};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Event, Index, Observer, Ports, RunContext, index::words_of, stopped};

/// Octets that may be on their way at a time.
const BUDGET: u32 = 12 << 20;
/// What one batch holds at the most: it is committed as one. Every commit writes the pages of the indexes anew that it touched,
/// which small batches make many times over; the budget holds three of these.
const BATCH_OCTETS: usize = 4 << 20;
const BATCH_MESSAGES: u64 = 2_000;
/// What of a batch is parsed at a time, while the rest still comes in: were it all at once, the stages would wait for each other.
const PIECE_OCTETS: usize = 512 << 10;

/// The octets on their way into the store, over all folders of a run.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

/// A whole, unspent budget.
impl Default for Budget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUDGET as usize)))
    }
}

impl Budget {
    /// Charges octets if there is room now.
    fn try_spend(&self, octets: usize) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_many_owned(charge(octets)).ok()
    }

    /// Octets that are on their way now.
    fn spent(&self) -> u64 {
        (BUDGET as usize).saturating_sub(self.0.available_permits()) as u64
    }

    async fn spend(&self, octets: usize) -> Result<OwnedSemaphorePermit, Fault> {
        self.0.clone().acquire_many_owned(charge(octets)).await.map_err(|_| stopped())
    }
}

fn charge(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(BUDGET).clamp(1, BUDGET)
}

/// What came of loading a folder's messages.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Messages committed.
    pub messages: u64,
    /// Their octets.
    pub bytes: u64,
    /// UIDs that the server delivered, those left out for their size among them.
    pub delivered: UidSet,
    /// Messages over the cap, which were left out, with their size in octets.
    pub left_out: Vec<(Uid, u64)>,
}

/// Takes one folder's fetched messages into the store.
pub struct Load<'a> {
    ports: &'a Ports,
    observer: Arc<dyn Observer>,
    account: Arc<str>,
    folder: Arc<str>,
    collection: CollectionId,
    budget: Budget,
    batch: Batch,
    under_way: VecDeque<oneshot::Receiver<Result<(), Fault>>>,
    loaded: Loaded,
}

impl<'a> Load<'a> {
    /// Ready for messages of that folder.
    pub fn new(ports: &'a Ports, run: &RunContext, folder: Arc<str>, collection: CollectionId) -> Self {
        Self {
            ports,
            observer: run.observer.clone(),
            account: run.account.clone(),
            folder,
            collection,
            budget: run.budget.clone(),
            batch: Batch::default(),
            under_way: VecDeque::new(),
            loaded: Loaded::default(),
        }
    }

    /// Waits until all of it is committed.
    ///
    /// # Errors
    /// The first batch's that could not be committed. Those before it are.
    pub async fn finish(mut self) -> Result<Loaded, Fault> {
        self.dispatch();
        while let Some(batch) = self.under_way.pop_front() {
            batch.await.map_err(|_| stopped())??;
        }
        Ok(self.loaded)
    }

    /// These stand in the folder by now, and nothing of them is to be fetched.
    pub fn is_here(&mut self, uids: &UidSet) {
        self.loaded.messages += uids.len();
        self.loaded.delivered = self.loaded.delivered.union(uids);
        self.observer.event(Event::Stored {
            account: &self.account,
            folder: &self.folder,
            messages: uids.len(),
            bytes: 0,
        });
    }

    fn collect_finished(&mut self) -> Result<(), Fault> {
        while let Some(batch) = self.under_way.front_mut() {
            match batch.try_recv() {
                Ok(committed) => {
                    self.under_way.pop_front();
                    committed?;
                }
                Err(oneshot::error::TryRecvError::Empty) => break,
                Err(oneshot::error::TryRecvError::Closed) => {
                    // It has answered, and an answer can be asked for only once.
                    self.under_way.pop_front();
                    return Err(stopped());
                }
            }
        }
        Ok(())
    }

    /// Has what came since the last piece parsed and compressed.
    fn hand_on(&mut self) {
        let piece = std::mem::take(&mut self.batch.piece);
        self.batch.piece_octets = 0;
        if piece.is_empty() {
            return;
        }
        let prepared = self.batch.prepared.clone();
        self.ports.compute.submit(Box::new(move || {
            let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
            for message in piece {
                prepared.push(prepare(message));
            }
        }));
    }

    /// Sends the batch on its way: behind its pieces on the computing thread to the writer, then to the index; none of them waits
    /// for this thread.
    fn dispatch(&mut self) {
        self.hand_on();
        let batch = std::mem::take(&mut self.batch);
        let Some(permit) = batch.permit else { return };
        self.loaded.messages += batch.messages;
        let (answer, receiver) = oneshot::channel();
        self.under_way.push_back(receiver);
        let commit = Commit {
            store: self.ports.store.clone(),
            index: self.ports.index.clone(),
            observer: self.observer.clone(),
            account: self.account.clone(),
            folder: self.folder.clone(),
            collection: self.collection,
        };
        self.ports.compute.submit(Box::new(move || {
            let prepared =
                std::mem::take(&mut *batch.prepared.lock().unwrap_or_else(PoisonError::into_inner));
            match prepared.into_iter().collect() {
                Ok(prepared) => commit.submit(prepared, permit, answer),
                // Nobody waits any more where the run was given up.
                Err(error) => drop(answer.send(Err(StoreError::into(error)))),
            }
        }));
    }
}

/// All that the store and the index need of a message.
type Prepared = Result<(Incoming, Words), StoreError>;

/// What will be committed together.
#[derive(Default)]
struct Batch {
    messages: u64,
    octets: usize,
    /// What came last and is not handed on yet.
    piece: Vec<FetchedMessage>,
    piece_octets: usize,
    /// What became of the pieces before; the computing thread fills it.
    prepared: Arc<Mutex<Vec<Prepared>>>,
    /// What all of it was charged.
    permit: Option<OwnedSemaphorePermit>,
}

impl Batch {
    fn push(&mut self, message: FetchedMessage, octets: usize, permit: OwnedSemaphorePermit) {
        self.messages += 1;
        self.octets += octets;
        self.piece_octets += octets;
        self.piece.push(message);
        match &mut self.permit {
            Some(all) => all.merge(permit),
            None => self.permit = Some(permit),
        }
    }
}

#[async_trait]
impl BodySink for Load<'_> {
    async fn take(&mut self, message: FetchedMessage) -> Result<(), Fault> {
        self.loaded.delivered.insert(message.uid);
        let octets = match &message.content {
            Ok(bytes) => bytes.len(),
            Err(size) => {
                self.loaded.left_out.push((message.uid, *size));
                return Ok(());
            }
        };
        if self.batch.octets + octets > BATCH_OCTETS || self.batch.messages >= BATCH_MESSAGES {
            self.dispatch();
            self.collect_finished()?;
        }
        if self.batch.piece.is_empty() {
            let under_way = self.budget.spent() + self.ports.index.under_way();
            self.ports.leave.to_load(under_way + octets as u64)?;
        }
        let permit = match self.budget.try_spend(octets) {
            Some(permit) => permit,
            None => {
                // Whoever waits must not sit on octets that others wait for.
                self.dispatch();
                self.budget.spend(octets).await?
            }
        };
        self.loaded.bytes += octets as u64;
        self.batch.push(message, octets, permit);
        if self.batch.piece_octets >= PIECE_OCTETS {
            self.hand_on();
        }
        Ok(())
    }
}

/// What a batch needs on its way, apart from its messages.
struct Commit {
    store: Arc<dyn Executor>,
    index: Index,
    observer: Arc<dyn Observer>,
    account: Arc<str>,
    folder: Arc<str>,
    collection: CollectionId,
}

impl Commit {
    fn submit(
        self,
        prepared: Vec<(Incoming, Words)>,
        permit: OwnedSemaphorePermit,
        answer: oneshot::Sender<Result<(), Fault>>,
    ) {
        let store = self.store.clone();
        store.submit(Box::new(move |writer| {
            let (messages, words): (Vec<_>, Vec<_>) = prepared.into_iter().unzip();
            let octets = messages.iter().map(|message: &Incoming| message.body.size()).sum();
            let inserted = writer.transaction(|tx| tx.insert_messages(self.collection, &messages));
            drop((messages, permit));
            if let Ok(inserted) = &inserted {
                let messages = inserted.len() as u64;
                self.observer.event(Event::Stored {
                    account: &self.account,
                    folder: &self.folder,
                    messages,
                    bytes: octets,
                });
                let new = inserted.iter().zip(words).filter(|(one, _)| one.new_message);
                self.index.hand_over(new.map(|(one, words)| (one.message, words)).collect());
            }
            // Nobody waits any more where the run was given up; what is committed stays committed.
            let _ = answer.send(inserted.map(drop).map_err(Fault::from));
        }));
    }
}

/// A message that was written here, as the store takes it. It has no UID before the server gives it one.
///
/// # Errors
/// Where the compressor has no memory.
pub fn incoming_of(bytes: Vec<u8>, flags: Flags, now: Timestamp) -> Result<Incoming, Fault> {
    let size = bytes.len() as u64;
    let fetched = FetchedMessage {
        uid: 0,
        flags,
        internal_date: Some(now),
        size,
        mod_seq: None,
        email_id: None,
        content: Ok(bytes),
    };
    Ok(prepare(fetched)?.0)
}

/// Reads and compresses one message.
fn prepare(fetched: FetchedMessage) -> Prepared {
    let raw = fetched.content.unwrap_or_default();
    let parsed = message::parse(&raw);
    let words = words_of(&parsed);
    let envelope = Envelope {
        thread: message::thread_root(&parsed),
        // The size that the server tells goes into the key, since it is what a renumbered folder will tell again.
        match_key: message::match_key(message::header_block(&raw), fetched.size),
        date: parsed.date.map(Timestamp),
        structure: serde_json::to_string(&parsed.structure).unwrap_or_default(),
        addresses: parsed.addresses,
        message_id: parsed.message_id,
        subject: parsed.subject,
        snippet: parsed.snippet,
        has_attachment: parsed.has_attachment,
    };
    let incoming = Incoming {
        uid: fetched.uid,
        flags: fetched.flags,
        mod_seq: fetched.mod_seq,
        internal_date: fetched.internal_date,
        email_id: fetched.email_id,
        body: Body::new(raw)?,
        envelope,
    };
    Ok((incoming, words))
}
