//! Messages to put on servers: ordinary ones, poor ones, twins. Every message that says anything carries a word of its own, by
//! which a search has to find it.

use chrono::{DateTime, Duration, FixedOffset};
use postrider_fake::InternalDate;

use crate::{chance::Chance, machine::BEGINNING};

/// Makes messages, no two of the same bytes.
#[derive(Debug)]
pub struct Mail {
    made: u64,
}

impl Mail {
    /// None made yet.
    pub const fn new() -> Self {
        Self { made: 0 }
    }

    /// One more message.
    pub fn message(&mut self, chance: &mut Chance) -> Vec<u8> {
        self.made += 1;
        let number = self.made;
        let word = word(number);
        match chance.below(20) {
            // Without a header, of which nothing can be known again.
            0 => format!("\r\nonly {word}\r\n").into_bytes(),
            1 => format!("Subject: {word}\n\nbare line feeds\n").into_bytes(),
            2 => [format!("Subject: {word} ").as_bytes(), b"caf\xe9\r\n\r\neight bits \xff\xfe\r\n"].concat(),
            // Equal Message-IDs, other bytes: only the size tells them apart before the body is here.
            3..=5 => {
                let filler = "x".repeat(chance.between(1, 40) as usize);
                let id = chance.below(3);
                full(&format!("shared{id}"), number, &format!("{word} {filler}"))
            }
            6 => full(
                &number.to_string(),
                number,
                &format!("{word}\r\n{}", "long line of text\r\n".repeat(400)),
            ),
            _ => full(&number.to_string(), number, &word),
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self::new()
    }
}

fn full(id: &str, number: u64, text: &str) -> Vec<u8> {
    let sender = number % 7;
    format!(
        "From: Sender {sender} <sender{sender}@example.org>\r\nTo: someone@example.com\r\nSubject: =?utf-8?q?N=C2=B0_{number}?=\r\n\
         Message-ID: <{id}@sim.example>\r\nDate: Mon, 15 Jun 2026 08:00:00 +0000\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

/// The word by which the message of that number is found.
fn word(number: u64) -> String {
    // Letters alone, so that no rule about digits has a say in it.
    let mut word = "zq".to_owned();
    let mut left = number;
    for _ in 0..4 {
        word.push(char::from(b'a' + (left % 20) as u8));
        left /= 20;
    }
    word
}

/// The word that a message carries; `None` for one that carries none.
pub fn word_in(bytes: &[u8]) -> Option<String> {
    // It stands at the beginning, however much follows.
    let text = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes));
    text.split(|c: char| !c.is_ascii_alphabetic())
        .find(|w| w.len() == 6 && w.starts_with("zq"))
        .map(str::to_owned)
}

/// A time of arrival in the last 400 days, at the last 20 of them as often as before, in some zone.
pub fn internal_date(chance: &mut Chance) -> InternalDate {
    let days = if chance.percent(50) { 20 } else { 400 };
    let seconds = chance.below(days * 86_400);
    let zone = i32::try_from(chance.below(25)).unwrap_or(0) * 3600 - 12 * 3600;
    let beginning = DateTime::from_timestamp(BEGINNING.seconds(), 0).unwrap_or_default();
    let at = beginning - Duration::seconds(i64::try_from(seconds).unwrap_or(0));
    FixedOffset::east_opt(zone).map_or_else(|| at.fixed_offset(), |zone| at.with_timezone(&zone))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_messages_have_the_same_bytes_or_the_same_word() {
        let (mut mail, mut chance) = (Mail::new(), Chance::new(1, "mail"));
        let made: Vec<Vec<u8>> = (0..300).map(|_| mail.message(&mut chance)).collect();
        let words: BTreeSet<String> = made.iter().filter_map(|bytes| word_in(bytes)).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 300);
        assert_eq!(words.len(), 300);
    }
}
