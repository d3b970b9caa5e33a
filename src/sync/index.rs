//! Search follows the load: words go straight from the parser to the index, and what could not (a crash, a full queue) is read
//! again from the store.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use postrider_formats::{message, words};
use postrider_model::{Address, AddressRole, Fault, MessageId};
use postrider_store::{Indexer, Reader, StoreError, Words};
use tokio::sync::oneshot;

use super::{Compute, Event, Observer, Ports, stopped};

/// Octets of words that may wait for the index. Beyond them words are dropped and made again later: the load never waits.
const WAITING: u64 = 24 << 20;
/// Messages that are read again at a time.
const CATCH_UP: u32 = 400;

/// The words of a message, by the columns of the index.
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
    writer: Arc<Mutex<IndexWriter>>,
    lane: Arc<dyn Compute>,
    waiting: Arc<AtomicU64>,
}

impl Index {
    /// An index whose work is done on that lane; bodies are read again by that reader.
    pub fn new(indexer: Indexer, bodies: Reader, lane: Arc<dyn Compute>) -> Self {
        let writer = Arc::new(Mutex::new(IndexWriter { indexer, bodies }));
        Self { writer, lane, waiting: Arc::new(AtomicU64::new(0)) }
    }

    fn submit(&self, work: impl FnOnce(&mut IndexWriter) + Send + 'static) {
        let writer = self.writer.clone();
        self.lane.submit(Box::new(move || work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner))));
    }

    /// Hands words over, unless too many wait. Called in the order in which messages were committed.
    pub(super) fn hand_over(&self, words: Vec<(MessageId, Words)>) {
        let octets = words.iter().map(|(_, one)| octets(one)).sum();
        if words.is_empty() || self.waiting.load(Relaxed) + octets > WAITING {
            return;
        }
        self.waiting.fetch_add(octets, Relaxed);
        let waiting = self.waiting.clone();
        self.submit(move |writer| {
            // A gap before these is filled by `catch_up`, which takes them in their turn; the index refuses them until then.
            if let Err(error) = writer.indexer.index(&words) {
                tracing::debug!(%error, "words wait for the next catching up");
            }
            waiting.fetch_sub(octets, Relaxed);
        });
    }
}

/// Brings the index up to the newest message. Answers when all that is committed can be found.
///
/// # Errors
/// The store's, in words.
pub async fn catch_up(ports: &Ports, observer: &Arc<dyn Observer>) -> Result<(), Fault> {
    loop {
        let (answer, result) = oneshot::channel();
        ports.index.submit(move |writer| {
            let _ = answer.send(writer.catch_up_once());
        });
        let left = result.await.map_err(|_| stopped())?.map_err(Fault::from)?;
        if left == 0 {
            return Ok(());
        }
        observer.event(Event::Indexing { left });
    }
}

/// The index's writer, and a way to what it has to read again.
struct IndexWriter {
    indexer: Indexer,
    bodies: Reader,
}

impl IndexWriter {
    /// Answers how many messages are left.
    fn catch_up_once(&mut self) -> Result<u64, StoreError> {
        let mut words = Vec::new();
        for id in self.indexer.unindexed(CATCH_UP)? {
            let mut raw = Vec::new();
            // A message that was erased meanwhile has no words and keeps the order.
            self.bodies.message_body(id, &mut raw)?;
            words.push((id, words_of(&message::parse(&raw))));
        }
        self.indexer.index(&words)?;
        let (reached, newest) = self.indexer.behind()?;
        Ok(newest.0.saturating_sub(reached.0).cast_unsigned())
    }
}

fn octets(words: &Words) -> u64 {
    let Words { subject, senders, recipients, text, attachments } = words;
    [subject, senders, recipients, text, attachments].iter().map(|field| field.len() as u64).sum()
}
