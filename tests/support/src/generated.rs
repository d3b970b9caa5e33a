//! Mail that nobody wrote: from a number, always the same message. Sizes, languages, character sets,
//! structures and attachments vary as in real mail; the average is about 5.5 KiB.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or(0);
        all.get(at).copied()
    }

    fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        // The smaller of two rolls: some words are common and some rare, as in any language.
        let (a, b) = (self.below(words.len() as u64), self.below(words.len() as u64));
        words.get(usize::try_from(a.min(b)).unwrap_or(0)).copied().unwrap_or_default()
    }
}

const ENGLISH: &[&str] = &[
    "the",
    "and",
    "of",
    "to",
    "we",
    "meeting",
    "report",
    "please",
    "thanks",
    "invoice",
    "tomorrow",
    "draft",
    "review",
    "project",
    "schedule",
    "contract",
    "delivery",
    "question",
    "answer",
    "budget",
    "harbour",
    "lantern",
    "courier",
    "saddle",
    "milestone",
    "orchard",
    "quarterly",
    "warehouse",
    "receipt",
    "signature",
    "timetable",
    "postponed",
    "confirmed",
    "attached",
    "forwarded",
    "velocity",
    "umbrella",
    "zeppelin",
];
const RUSSIAN: &[&str] = &[
    "и",
    "в",
    "не",
    "на",
    "встреча",
    "отчёт",
    "договор",
    "завтра",
    "спасибо",
    "вопрос",
    "письмо",
    "счёт",
    "проект",
    "поставка",
    "срок",
    "склад",
    "подпись",
    "расписание",
    "бюджет",
    "дорога",
    "ямщик",
    "вложение",
];
const GERMAN: &[&str] = &[
    "und",
    "der",
    "die",
    "Besprechung",
    "Bericht",
    "morgen",
    "Größe",
    "Rechnung",
    "Lieferung",
    "Straße",
    "Anlage",
    "Vertrag",
    "Frage",
    "Grüße",
    "Überblick",
    "Postkutsche",
    "Wörterbuch",
];
const JAPANESE: &[&str] =
    &["会議", "報告", "明日", "契約", "請求書", "質問", "ありがとう", "予定", "配達", "署名"];
const LANGUAGES: &[&[&str]] = &[ENGLISH, ENGLISH, ENGLISH, RUSSIAN, GERMAN, JAPANESE];
const PEOPLE: &[&str] = &[
    "Anna Berg <anna@example.com>",
    "=?utf-8?B?0JXQstCz0LXQvdC40Lkg0JzQuNGA0L3Ri9C5?= <e.mirny@example.com>",
    "\"Doe, John\" <john.doe@example.net>",
    "=?iso-8859-1?Q?J=FCrgen_K=F6nig?= <juergen@example.de>",
    "support@example.org",
    "Warehouse <no-reply@warehouse.example>",
];

/// The message with this number.
pub(crate) fn message(number: u64) -> Vec<u8> {
    let mut dice = Dice(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let words = dice.pick(LANGUAGES).unwrap_or(ENGLISH);
    let mut out = headers(number, words, &mut dice).into_bytes();
    // Many short ones, few long ones.
    let paragraphs = [1, 1, 2, 2, 3, 5, 11].get(usize::try_from(dice.below(7)).unwrap_or(0)).copied();
    let text = text(words, paragraphs.unwrap_or(1), &mut dice);
    let boundary = format!("=_{number:016x}");
    match dice.below(10) {
        0..5 => out.extend(text_part("plain", &text, dice.below(3), words)),
        5..8 => {
            out.extend(
                format!("Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n").bytes(),
            );
            let html = format!("<html><body><p>{}</p></body></html>\r\n", text.replace("\r\n", "<br>\r\n"));
            let parts = [text_part("plain", &text, 0, words), text_part("html", &html, 1, words)];
            out.extend(multipart(&boundary, &parts));
        }
        _ => {
            out.extend(format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n").bytes());
            let parts = [text_part("plain", &text, 1, words), attachment(number, &mut dice)];
            out.extend(multipart(&boundary, &parts));
        }
    }
    out
}

fn headers(number: u64, words: &[&str], dice: &mut Dice) -> String {
    let (day, hour, minute) = (1 + number % 28, number % 24, number * 7 % 60);
    let (from, to) = (dice.pick(PEOPLE).unwrap_or_default(), dice.pick(PEOPLE).unwrap_or_default());
    let subject: Vec<&str> = (0..2 + dice.below(5)).map(|_| dice.word(words)).collect();
    let mut out = format!(
        "Received: from a.example by b.example; {day:02} Mar 2024 {hour:02}:{minute:02}:01 +0000\r\n\
         From: {from}\r\nTo: {to}\r\nSubject: {}\r\nDate: {day:02} Mar 2024 {hour:02}:{minute:02}:00 +0000\r\n\
         Message-ID: <{number}.generated@example.com>\r\nMIME-Version: 1.0\r\n",
        encoded_word(&subject.join(" ")),
    );
    if number % 3 == 1 {
        out.push_str(&format!("In-Reply-To: <{}.generated@example.com>\r\n", number - 1));
    }
    out
}

fn encoded_word(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", base64(text.as_bytes())) }
}

fn text(words: &[&str], paragraphs: u64, dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..paragraphs {
        let mut width = 0;
        for _ in 0..40 + dice.below(60) {
            let word = dice.word(words);
            out.push_str(word);
            width += word.len() + 1;
            if width > 68 {
                width = 0;
                out.push_str("\r\n");
            } else {
                out.push(' ');
            }
        }
        out.push_str("\r\n\r\n");
    }
    out
}

/// A text part with its headers, in the given encoding: 0 as it is, 1 quoted-printable, 2 base64.
fn text_part(subtype: &str, text: &str, encoding: u64, words: &[&str]) -> Vec<u8> {
    let russian = words.first() == RUSSIAN.first();
    let (charset, bytes) = if russian && encoding != 1 {
        ("koi8-r", text.chars().map(koi8).collect())
    } else {
        ("utf-8", text.as_bytes().to_vec())
    };
    let (name, body) = match encoding {
        0 => ("8bit", bytes),
        1 => ("quoted-printable", quoted_printable(&bytes).into_bytes()),
        _ => ("base64", base64_lines(&bytes).into_bytes()),
    };
    let mut out = format!(
        "Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {name}\r\n\r\n"
    )
    .into_bytes();
    out.extend(body);
    out
}

fn attachment(number: u64, dice: &mut Dice) -> Vec<u8> {
    let size = 500 + dice.below(if number.is_multiple_of(50) { 100_000 } else { 9_000 });
    let bytes: Vec<u8> = (0..size).map(|_| dice.roll().to_le_bytes()[0]).collect();
    format!(
        "Content-Type: application/octet-stream; name=\"data-{number}.bin\"\r\n\
         Content-Disposition: attachment; filename=\"data-{number}.bin\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        base64_lines(&bytes)
    )
    .into_bytes()
}

fn multipart(boundary: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend(format!("--{boundary}\r\n").bytes());
        out.extend(part);
        out.extend(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").bytes());
    out
}

/// KOI8-R (RFC 1489) of what the Russian words hold.
fn koi8(character: char) -> u8 {
    const LOWER: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";
    if character == 'ё' {
        return 0xa3;
    }
    match LOWER.chars().position(|letter| letter == character) {
        Some(at) => 0xc0 + u8::try_from(at).unwrap_or(0),
        None => u8::try_from(character).unwrap_or(b'?'),
    }
}

fn quoted_printable(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut width = 0;
    for byte in bytes {
        match byte {
            b'\r' | b'\n' => {
                width = 0;
                out.push(char::from(*byte));
                continue;
            }
            b'=' | 0..=31 | 127.. => out.push_str(&format!("={byte:02X}")),
            _ => out.push(char::from(*byte)),
        }
        width += 3;
        if width > 69 {
            width = 0;
            out.push_str("=\r\n");
        }
    }
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = ALPHABET.get((word >> (18 - 6 * at) & 0x3f) as usize).copied();
            out.push(if at <= group.len() { sextet.map_or('=', char::from) } else { '=' });
        }
    }
    out
}

fn base64_lines(bytes: &[u8]) -> String {
    bytes.chunks(57).map(|line| base64(line) + "\r\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        for (given, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(given.as_bytes()), expected);
        }
    }

    #[test]
    fn koi8_is_koi8() {
        let bytes: Vec<u8> = "ямщик ё".chars().map(koi8).collect();
        assert_eq!(bytes, [0xd1, 0xcd, 0xdd, 0xc9, 0xcb, b' ', 0xa3]);
    }
}
