//! How long a search takes, from the commonest word to the rarest: the whole program is timed, its start included.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use postrider_test_support::corpus::Corpus;

use super::Options;
use super::stage::{ONE, Stage};
use super::table::{Row, Unit};
use crate::measure;

/// Words that are searched for.
const WORDS: usize = 200;
/// The largest time but for one in twenty.
const PERCENTILE: f64 = 0.95;

/// Searches for the newest 50 with each word, and answers the 95th percentile of the times of each round.
pub(super) fn search(stage: &Stage, corpus: &Corpus, options: &Options) -> Result<Row> {
    let what = format!("search among {}: newest 50, {WORDS} words, p95", stage.messages);
    let mut row = Row::new(&what, Unit::Seconds, Some(0.020));
    let words = words(corpus);
    ensure!(words.len() == WORDS, "the corpus has only {} words", words.len());
    let (home, _) = stage.first_load(ONE, stage.messages)?;
    for round in 1..=options.rounds {
        eprintln!("search, round {round}");
        let mut times = Vec::with_capacity(words.len());
        let mut found = 0;
        for word in &words {
            let run =
                measure::run(&home, &stage.program, &["mail", "search", word, "--limit", "50", "--json"])?;
            found += usize::from(run.output.trim() != "[]");
            times.push(run.elapsed.as_secs_f64());
        }
        ensure!(found == words.len(), "{} words were not found", words.len() - found);
        times.sort_by(f64::total_cmp);
        times
            .get((times.len() as f64 * PERCENTILE) as usize)
            .into_iter()
            .for_each(|time| row.samples.push(*time));
    }
    Ok(row)
}

/// Words that stand in bodies, spread evenly over the ranks from the commonest to the rarest.
fn words(corpus: &Corpus) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for body in corpus.messages.iter().filter_map(|message| plain_body(message)) {
        let words = body.split(|c: char| !c.is_ascii_alphanumeric());
        let letters = words
            .filter(|word| (2..30).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic()));
        let distinct: BTreeSet<String> = letters.map(str::to_ascii_lowercase).collect();
        distinct.into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
    }
    let mut ranked: Vec<(usize, String)> = counts.into_iter().map(|(word, count)| (count, word)).collect();
    ranked.sort_by(|a, b| b.cmp(a));
    let step = (ranked.len() / WORDS).max(1);
    ranked.into_iter().step_by(step).map(|(_, word)| word).take(WORDS).collect()
}

/// The body of a message that is plain text, in ASCII, not encoded, and not too long to be searched whole.
fn plain_body(message: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(message).ok().filter(|text| text.is_ascii() && text.len() < 64 * 1024)?;
    let (header, body) = text.split_once("\r\n\r\n")?;
    let header = header.to_ascii_lowercase();
    let encoded =
        ["base64", "quoted-printable", "multipart", "html"].iter().any(|sign| header.contains(sign));
    (!encoded).then_some(body)
}
