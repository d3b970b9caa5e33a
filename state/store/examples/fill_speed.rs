//! How fast the store takes a first load: 48,000 synthetic messages of about 5.5 KiB with four addresses each.
//!
//! `cargo run --release -p postrider-store --example fill_speed [FILE_OF_TEXTS]` prints what each part costs. Bodies are
//! compressed and words gathered before the clock starts, as a run does them on other threads. A file with one text a line gives
//! the words of real mail; without it they are drawn from a Zipf distribution, which is harder.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros)] // A benchmark measures wall time and prints it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use postrider_model::{Address, AddressRole, Flags, MatchKey, MessageId, Timestamp};
use postrider_store::{
    Envelope, Incoming, Indexer, NewCollection, Options, Reader, Result, SearchQuery, Store, Words, Writer,
    compress,
};

const MESSAGES: usize = 48_000;
const BATCH: usize = 1_000;
const VOCABULARY: usize = 200_000;

/// xorshift64: the same messages each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn unit(&mut self) -> f64 {
        self.roll(1 << 53) as f64 / (1_u64 << 53) as f64
    }
}

struct Language {
    words: Vec<String>,
    sums: Vec<f64>,
}

impl Language {
    fn new(dice: &mut Dice) -> Self {
        let letter = |dice: &mut Dice| char::from(b'a' + dice.roll(26) as u8);
        let words = (0..VOCABULARY).map(|_| (0..3 + dice.roll(9)).map(|_| letter(dice)).collect()).collect();
        let mut sum = 0.0;
        let sums = (0..VOCABULARY).map(|rank| {
            sum += 1.0 / (rank as f64 + 3.7).powf(1.2);
            sum
        });
        Self { words, sums: sums.collect() }
    }

    fn word(&self, dice: &mut Dice) -> &str {
        let at = dice.unit() * self.sums.last().unwrap();
        &self.words[self.sums.partition_point(|sum| *sum < at).min(VOCABULARY - 1)]
    }

    fn text(&self, dice: &mut Dice) -> String {
        let mut text = String::new();
        while text.len() < 5_000 {
            text.push_str(self.word(dice));
            text.push(if dice.roll(12) == 0 { '\n' } else { ' ' });
        }
        text
    }
}

fn incoming(uid: u32, text: &str, dice: &mut Dice) -> Incoming {
    let raw = format!(
        "Message-ID: <{uid}@bench.test>\r\nSubject: message {uid}\r\nX-Noise: {:x}\r\n\r\n{text}",
        dice.0
    );
    let address = |role, who: usize| Address {
        role,
        name: format!("Person Number {who}"),
        email: format!("person.{who}@example{}.test", who % 97),
    };
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(raw.as_bytes()).as_bytes()[..16]);
    let mut flags = Flags::from_parts(dice.roll(4) as u8, []);
    if dice.roll(10) == 0 {
        flags.insert_keyword("$Forwarded".to_owned());
    }
    Incoming {
        uid,
        flags,
        mod_seq: Some(u64::from(uid)),
        internal_date: Some(Timestamp::from_seconds(1_000_000_000 + i64::from(uid) * 60)),
        email_id: None,
        body: compress(raw.as_bytes()).unwrap(),
        envelope: Envelope {
            message_id: Some(format!("{uid}@bench.test")),
            thread: Some(format!("{}@bench.test", uid / 3)),
            match_key: Some(MatchKey(key)),
            date: Some(Timestamp::from_seconds(1_000_000_000 + i64::from(uid) * 60)),
            subject: format!("message {uid} about {}", &text[..20]),
            addresses: vec![
                address(AddressRole::From, dice.roll(4_000)),
                address(AddressRole::To, 1),
                address(AddressRole::To, dice.roll(4_000)),
                address(AddressRole::Cc, dice.roll(4_000)),
            ],
            structure: r#"{"content_type":"text/plain","encoding":"7bit","size":5000}"#.to_owned(),
            has_attachment: dice.roll(10) == 0,
            snippet: text.chars().take(200).collect(),
        },
    }
}

fn distinct(text: &str) -> String {
    let words: BTreeSet<&str> = text.split_whitespace().collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// Time on a processor, which other programs of the machine change less than the wall's.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Wall time and time on a processor.
fn timed(job: impl FnOnce() -> Result<()>) -> Result<String> {
    let (started, busy) = (Instant::now(), cpu());
    job()?;
    Ok(format!("{:?}, on a processor {:?}", started.elapsed(), cpu() - busy))
}

fn load(writer: &mut Writer, all: &[Incoming]) -> Result<()> {
    let collection = writer.transaction(|tx| {
        let account = tx.ensure_account("bench", "bench@bench.test")?;
        let inbox =
            NewCollection { key: "INBOX".to_owned(), name: "INBOX".to_owned(), role: None, mailbox_id: None };
        tx.create_collection(account, &inbox)
    })?;
    for batch in all.chunks(BATCH) {
        writer.transaction(|tx| tx.insert_messages(collection, batch))?;
    }
    Ok(())
}

fn feed(indexer: &mut Indexer, words: Vec<(MessageId, Words)>) -> Result<()> {
    for batch in words.chunks(2 * BATCH) {
        indexer.add(batch)?;
    }
    indexer.commit()
}

fn search(reader: &mut Reader, language: &[String]) -> Result<()> {
    let mut took: Vec<Duration> = Vec::new();
    for step in 0..200 {
        let rank = ((language.len() - 1) as f64).powf(f64::from(step) / 199.0) as usize;
        let query = SearchQuery { words: vec![language[rank].clone()], ..SearchQuery::default() };
        let started = Instant::now();
        reader.search(&query)?;
        took.push(started.elapsed());
    }
    took.sort_unstable();
    println!(
        "search, newest 50 of 200 words: p50 {:?}, p95 {:?}, worst {:?}",
        took[100], took[190], took[199]
    );
    Ok(())
}

/// The words from the commonest to the rarest.
fn by_frequency(texts: &[String]) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    texts.iter().flat_map(|text| text.split(' ')).for_each(|word| *counts.entry(word).or_default() += 1);
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    words.into_iter().map(|(word, _)| word.to_owned()).collect()
}

fn main() -> Result<()> {
    let mut dice = Dice(88_172_645_463_325_252);
    let texts: Vec<String> = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect(),
        None => {
            let language = Language::new(&mut dice);
            (0..MESSAGES).map(|_| language.text(&mut dice)).collect()
        }
    };
    let texts: Vec<&String> = texts.iter().cycle().take(MESSAGES).collect();
    let all: Vec<Incoming> = (1..).zip(&texts).map(|(uid, text)| incoming(uid, text, &mut dice)).collect();
    let packed: usize = all.iter().map(|one| one.body.held_size()).sum();
    let words: Vec<String> = texts.iter().map(|text| distinct(text)).collect();
    let tokens: usize = words.iter().map(|text| text.split(' ').count()).sum();
    println!("{MESSAGES} messages, {} MB packed, {tokens} words", packed / 1_000_000);

    let home = tempfile::tempdir_in("target").unwrap();
    let store = Store::open(&Options::new(home.path().join("store"), [7; 16], Timestamp(0)))?;
    let mut writer = store.writer()?;
    println!("store:  {}", timed(|| load(&mut writer, &all))?);
    drop(all);
    let pairs = (1..).zip(&words).map(|(id, text)| {
        let (subject, senders) = ("message about".to_owned(), "person number example test".to_owned());
        (
            MessageId(id),
            Words { subject, recipients: senders.clone(), senders, text: text.clone(), ..Words::default() },
        )
    });
    let mut indexer = store.indexer()?;
    let pairs = pairs.collect();
    println!("index:  {}", timed(|| feed(&mut indexer, pairs))?);
    search(&mut store.reader()?, &by_frequency(&words))?;
    drop((writer, indexer));
    let started = Instant::now();
    let again = Store::open(&Options::new(store.dir(), [7; 16], Timestamp(0)))?;
    println!("open:   {:?}", started.elapsed());
    let started = Instant::now();
    again.writer()?.transaction(|tx| tx.erased(1))?;
    println!("writer: {:?}", started.elapsed());
    for name in ["store.db", "search.db"] {
        println!("{name}: {} MB", std::fs::metadata(store.dir().join(name)).unwrap().len() / 1_000_000);
    }
    Ok(())
}
