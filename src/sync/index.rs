//! Search follows the load: words go straight from the parser to the index, and what could not (a crash, a full queue) is read
//! again from the store.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use postrider_formats::{message, words};
use postrider_model::{Address, AddressRole, Fault, MessageId};
use postrider_store::{Indexer, Reader, StoreError, Words};
use tokio::sync::oneshot;

use super::{Compute, Event, Leave, Observer, Ports, stopped};

/// Octets that may wait for the index. Beyond them nothing more is handed over until all is caught up: the load never waits.
const WAITING: u64 = 10 << 20;
/// Octets that the index gathers before it commits by itself.
const GATHERED: u64 = 8 << 20;
/// Messages that are read again at a time.
const CATCH_UP: u32 = 400;

/// The words of a message, by the fields of the index.
pub(super) fn words_of(parsed: &message::ParsedMessage) -> Words {
    let (senders, recipients): (Vec<&Address>, Vec<&Address>) = parsed
        .addresses
        .iter()
        .partition(|one| matches!(one.role, AddressRole::From | AddressRole::Sender | AddressRole::ReplyTo));
    Words {
        subject: distinct([parsed.subject.as_str()]),
        senders: distinct(names_and_emails(&senders)),
        recipients: distinct(names_and_emails(&recipients)),
        text: distinct([parsed.text.as_str()]),
        attachments: distinct(parsed.attachments.iter().map(String::as_str)),
    }
}

fn names_and_emails<'a>(people: &'a [&Address]) -> impl Iterator<Item = &'a str> {
    people.iter().flat_map(|one| [one.name.as_str(), one.email.as_str()])
}

fn distinct<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    words::unique_words_of(texts, &mut out);
    out
}

/// The search index and where its work is done: beside the store's writer, which need not wait for it.
#[derive(Clone)]
pub struct Index {
    indexer: Arc<Mutex<Indexer>>,
    bodies: Arc<Mutex<Reader>>,
    lane: Arc<dyn Compute>,
    waiting: Arc<AtomicU64>,
    /// Octets that the index has and has not committed, at the most.
    gathered: Arc<AtomicU64>,
    /// Whether there is room for more.
    leave: Leave,
    /// Something was not handed over: what follows it cannot be indexed before it.
    gap: Arc<AtomicBool>,
}

impl Index {
    /// An index whose work is done on that lane; bodies are read again by that reader.
    pub fn new(indexer: Indexer, bodies: Reader, lane: Arc<dyn Compute>, leave: Leave) -> Self {
        Self {
            indexer: Arc::new(Mutex::new(indexer)),
            bodies: Arc::new(Mutex::new(bodies)),
            lane,
            waiting: Arc::default(),
            gathered: Arc::default(),
            leave,
            gap: Arc::default(),
        }
    }

    /// Octets on their way into the index.
    pub(super) fn under_way(&self) -> u64 {
        self.waiting.load(Relaxed) + self.gathered.load(Relaxed)
    }

    /// Hands words over, unless too many wait or the disk is nearly full. Called in the order in which the messages were committed.
    pub(super) fn hand_over(&self, words: Vec<(MessageId, Words)>) {
        let octets = words.iter().map(|(_, one)| one.octets() as u64).sum();
        if words.is_empty() || self.gap.load(Relaxed) {
            return;
        }
        if self.waiting.fetch_add(octets, Relaxed) + octets > WAITING {
            self.waiting.fetch_sub(octets, Relaxed);
            self.gap.store(true, Relaxed);
            return;
        }
        let index = self.clone();
        self.lane.submit(Box::new(move || {
            index.take(&words, octets);
            index.waiting.fetch_sub(octets, Relaxed);
        }));
    }

    /// What an earlier run left behind comes first: the index refuses what is handed over then, and `catch_up` takes it in its turn.
    fn take(&self, words: &[(MessageId, Words)], octets: u64) {
        let added = match self.leave.to_load(octets) {
            Ok(()) => lock(&self.indexer).add(words).map_err(Fault::from),
            nearly_full => nearly_full,
        };
        if let Err(fault) = added {
            self.gap.store(true, Relaxed);
            tracing::debug!(%fault, "messages wait for the next catching up");
        } else {
            self.gather(octets);
        }
    }

    /// Counts what the index holds that is not committed. It commits by itself before there is more.
    fn gather(&self, octets: u64) {
        if self.gathered.fetch_add(octets, Relaxed) > GATHERED {
            self.gathered.store(0, Relaxed);
        }
    }

    /// Reads the next messages after that one again and takes their words out.
    async fn prepare(
        &self,
        compute: &dyn Compute,
        after: MessageId,
    ) -> Result<Vec<(MessageId, Words)>, Fault> {
        let (answer, result) = oneshot::channel();
        let bodies = self.bodies.clone();
        compute.submit(Box::new(move || {
            let _ = answer.send(read_again(&lock(&bodies), after));
        }));
        Ok(result.await.map_err(|_| stopped())??)
    }

    /// Does something with the index, behind everything that was handed over.
    async fn with_indexer<R, F>(&self, job: F) -> Result<R, Fault>
    where
        R: Send + 'static,
        F: FnOnce(&mut Indexer) -> Result<R, StoreError> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let indexer = self.indexer.clone();
        self.lane.submit(Box::new(move || {
            let _ = answer.send(job(&mut lock(&indexer)));
        }));
        Ok(result.await.map_err(|_| stopped())??)
    }

    /// Adds words and answers up to which message the index reaches and which is the newest.
    async fn add(&self, words: Vec<(MessageId, Words)>) -> Result<(MessageId, MessageId), Fault> {
        self.with_indexer(move |indexer| indexer.add(&words).and_then(|()| indexer.behind())).await
    }

    /// Has searches find what was added.
    async fn commit(&self) -> Result<(), Fault> {
        self.with_indexer(Indexer::commit).await
    }

    /// Takes messages out of the index that were erased in the store.
    pub(super) async fn forget(&self, messages: Vec<MessageId>) -> Result<(), Fault> {
        self.with_indexer(move |indexer| indexer.forget(&messages)).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_again(bodies: &Reader, after: MessageId) -> Result<Vec<(MessageId, Words)>, StoreError> {
    let mut words = Vec::new();
    for id in bodies.messages_after(after, CATCH_UP)? {
        let mut raw = Vec::new();
        // A message that was erased meanwhile has no words and keeps the order.
        bodies.message_body(id, &mut raw)?;
        words.push((id, words_of(&message::parse(&raw))));
    }
    Ok(words)
}

/// Brings the index up to the newest message: one batch is read again while the one before is added. Answers when all that is
/// committed can be found.
///
/// # Errors
/// The store's, in words.
pub async fn catch_up(ports: &Ports, observer: &Arc<dyn Observer>) -> Result<(), Fault> {
    let index = &ports.index;
    let (mut reached, newest) = index.add(Vec::new()).await?;
    if reached < newest {
        let mut ready = index.prepare(&*ports.compute, reached).await?;
        while let Some((last, _)) = ready.last() {
            let octets = ready.iter().map(|(_, one)| one.octets() as u64).sum::<u64>();
            if let Err(nearly_full) = ports.leave.to_load(index.under_way() + octets) {
                index.commit().await?;
                index.gathered.store(0, Relaxed);
                return Err(nearly_full);
            }
            index.gather(octets);
            let next = index.prepare(&*ports.compute, *last);
            let (added, prepared) = tokio::join!(index.add(ready), next);
            let newest = added?.1;
            ready = prepared?;
            reached = ready.first().map_or(newest, |(first, _)| *first);
            observer.event(Event::Indexing { left: newest.0.saturating_sub(reached.0).cast_unsigned() });
        }
    }
    index.commit().await?;
    index.gathered.store(0, Relaxed);
    index.gap.store(false, Relaxed);
    Ok(())
}
