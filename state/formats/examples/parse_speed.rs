//! How fast messages are parsed and indexed, on one core: `cargo run --release -p postrider-formats --example parse_speed -- FOLDER`.
//!
//! FOLDER holds one message a file; a first line `From ` is dropped, lines get CRLF. Every message is taken so often that 48,000 are
//! read, as in the table "Numbers to reach". Prints the median of five rounds.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program for developers, not part of the product"
)]

use postrider_formats::{message, words};
use std::time::Instant;

const MESSAGES: usize = 48_000;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder of messages");
    let mails: Vec<Vec<u8>> =
        files(folder.as_ref()).iter().map(|path| as_served(&std::fs::read(path).unwrap())).collect();
    let octets: usize = mails.iter().cycle().take(MESSAGES).map(Vec::len).sum();
    println!("{MESSAGES} messages, {} MB", octets / 1_000_000);
    measure("parse", octets, || {
        mails.iter().cycle().take(MESSAGES).map(|raw| message::parse(raw).text.len()).sum()
    });
    let key = |raw: &Vec<u8>| message::match_key(message::header_block(raw), raw.len() as u64);
    measure("match key", octets, || mails.iter().cycle().take(MESSAGES).filter_map(key).count());
    let texts: Vec<String> = mails.iter().map(|raw| message::parse(raw).text).collect();
    let text_octets: usize = texts.iter().cycle().take(MESSAGES).map(String::len).sum();
    let mut out = String::new();
    measure("unique words of the text", text_octets, || {
        texts
            .iter()
            .cycle()
            .take(MESSAGES)
            .map(|text| {
                out.clear();
                words::unique_words(text, &mut out);
                out.len()
            })
            .sum()
    });
}

fn measure(what: &str, octets: usize, mut round: impl FnMut() -> usize) {
    let mut seconds: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(round());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!(
        "{what}: {:.3} s ({:.3} to {:.3}), {:.0} MB/s",
        seconds[2],
        seconds[0],
        seconds[4],
        octets as f64 / 1e6 / seconds[2]
    );
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn as_served(file: &[u8]) -> Vec<u8> {
    let lines = file.split_inclusive(|b| *b == b'\n').skip(usize::from(file.starts_with(b"From ")));
    lines.flat_map(|line| [line.strip_suffix(b"\n").unwrap_or(line), b"\r\n"].concat()).collect()
}
