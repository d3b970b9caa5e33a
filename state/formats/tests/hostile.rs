//! What comes off the wire at its worst: sizes, depths and damage. No input may panic, overflow the stack or take more than linear time.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use postrider_formats::icalendar::{Item, ItemError, imip, write_all};
use postrider_formats::join_links::Masks;
use postrider_formats::message::{self, MAX_DEPTH, Structure};
use postrider_formats::{display, folder_name, mbox, query, words};

/// Parses on a thread with the stack of a worker, 2 MiB.
fn parse_on_small_stack(raw: Vec<u8>) -> message::ParsedMessage {
    std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || {
            let parsed = message::parse(&raw);
            assert_eq!(imip::read(&raw), None);
            // Dropping, comparing and writing the tree must not overflow either.
            let copy = parsed.clone();
            assert_eq!(copy.structure, parsed.structure);
            let json = serde_json::to_string(&parsed.structure).unwrap();
            assert_eq!(serde_json::from_str::<Structure>(&json).unwrap(), parsed.structure);
            copy
        })
        .unwrap()
        .join()
        .unwrap()
}

fn depth(structure: &Structure) -> usize {
    1 + structure.children.iter().map(depth).max().unwrap_or(0)
}

#[test]
fn deep_nesting_neither_overflows_the_stack_nor_breaks_json() {
    for levels in [1_000, 20_000] {
        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(levels) + "Subject: deepest\r\n\r\nbody";
        let multiparts: String = (0..levels)
            .map(|level| format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"))
            .collect();
        let same_boundary = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(levels);
        let both =
            "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                .repeat(levels);
        for raw in [messages, multiparts, same_boundary, both] {
            let parsed = parse_on_small_stack(raw.into_bytes());
            assert_eq!(depth(&parsed.structure), MAX_DEPTH + 1);
        }
    }
}

#[test]
fn a_hundred_megabytes_are_read_in_one_pass() {
    let head = "Subject: big\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n\
                Content-Type: application/zip; name=big.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let line = format!("{}\r\n", "A".repeat(76));
    let lines = 100 * 1024 * 1024 / line.len();
    let raw = format!("{head}{}--b--\r\n", line.repeat(lines)).into_bytes();
    let parsed = message::parse(&raw);
    assert_eq!((parsed.subject.as_str(), parsed.text.as_str()), ("big", "text"));
    assert_eq!(parsed.structure.children[1].size as usize, lines * line.len() - 2);
    assert_eq!(parsed.attachments, ["big.zip"]);
}

#[test]
fn large_and_odd_messages_are_survived() {
    let mib = 1024 * 1024;
    let header_lines: String = (0..5_000).map(|n| format!("X-Line-{n}: value\r\n")).collect();
    let boundary = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (name, raw) in [
        ("5,000 header lines", format!("{header_lines}Subject: last\r\n\r\nbody")),
        ("one header line", format!("Subject: {}", "x".repeat(8 * mib))),
        ("one endless address", format!("To: {}", "\"(<".repeat(2 * mib))),
        ("encoded words", format!("Subject: {}\r\n\r\n", "=?utf-8?q?".repeat(mib))),
        ("encoded words in names", format!("From: {}\r\n\r\n", "=?a".repeat(mib))),
        ("parameters", format!("Content-Type: text/plain{}\r\n\r\n", "; a*0*=x".repeat(mib))),
        ("boundary lines", format!("{boundary}{}", "--b\r\n".repeat(mib))),
        ("no boundary lines", format!("{boundary}{}", "--c\r\n".repeat(mib))),
        ("dashes", format!("{boundary}{}", "-".repeat(8 * mib))),
        ("NUL", format!("Subject: a\0b\r\n\r\n{}", "\0".repeat(mib))),
        ("no line end", "x".repeat(8 * mib)),
        ("only line ends", "\n".repeat(8 * mib)),
    ] {
        let parsed = message::parse(raw.as_bytes());
        assert!(parsed.text.len() <= message::MAX_TEXT, "{name}");
        assert!(parsed.subject.len() <= message::MAX_SUBJECT, "{name}");
    }
}

#[test]
fn large_and_odd_calendars_are_survived() {
    let mib = 1024 * 1024;
    let zone = |name: &str, lines: &str| format!("BEGIN:VTIMEZONE\nTZID:{name}\n{lines}END:VTIMEZONE\n");
    let event =
        |lines: &str| format!("BEGIN:VEVENT\nUID:1\nDTSTART;TZID=odd:20260101T000000\n{lines}END:VEVENT\n");
    let clock = |rule: &str| {
        format!(
            "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0117\nTZOFFSETTO:+0118\n{rule}END:STANDARD\n"
        )
    };
    let busy = "RRULE:FREQ=SECONDLY;BYSECOND=0,1,2,3;BYMONTH=1\n";
    let daily = "RRULE:FREQ=YEARLY;COUNT=9000;BYMONTH=1;BYMONTHDAY=1,2,3,4,5,6,7,8,9\n";
    let nested = format!("{}{}", "BEGIN:VALARM\n".repeat(mib / 8), "END:VALARM\n".repeat(mib / 8));
    let dates: String =
        (0..9_000).map(|n| format!("EXDATE:2026{:02}{:02}T{:06}Z\n", 1 + n % 12, 1 + n % 28, n)).collect();
    for (name, body, is_read) in [
        ("one line", event(&format!("SUMMARY:{}\n", "x".repeat(8 * mib))), true),
        ("folds", event(&format!("SUMMARY:{}\n", "x\n ".repeat(2 * mib))), true),
        ("parameters", event(&format!("ATTENDEE{}:mailto:a@x\n", ";CN=\"a\"".repeat(mib / 4))), true),
        ("values", event(&format!("CATEGORIES:{}\n", "a,\\".repeat(mib))), true),
        ("lines", event(&"ATTENDEE:mailto:a@x\n".repeat(mib / 16)), false),
        ("guests", event(&(0..9_000).map(|n| format!("ATTENDEE:mailto:{n}@x\n")).collect::<String>()), true),
        ("alarms", event(&"BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT1M\nEND:VALARM\n".repeat(2_000)), true),
        ("conferences", event(&"CONFERENCE:https://x\n".repeat(9_000)), true),
        ("dates", event(&format!("RDATE:{}\n", "20260101T000000Z,".repeat(mib / 4))), false),
        ("rules", event(&"RRULE:FREQ=DAILY\n".repeat(1_000)), false),
        ("depth", event(&nested), false),
        ("depth without an end", event(&"BEGIN:VALARM\n".repeat(mib / 4)), false),
        ("a zone that never ends", format!("{}{}", zone("odd", &clock(busy)), event("")), true),
        ("a zone of many days", format!("{}{}", zone("odd", &clock(daily).repeat(30)), event("")), true),
        (
            "a zone of many clocks",
            format!("{}{}", zone("odd", &clock("").repeat(50_000)), event("").repeat(5_000)),
            true,
        ),
        ("zones", format!("{}{}", zone("odd", &clock("")).repeat(50_000), event("")), true),
        (
            "exceptions in a large zone",
            format!("{}{}", zone("odd", &"COMMENT:x\n".repeat(1_400)), event(&dates)),
            true,
        ),
        ("begins", "BEGIN:VEVENT\n".repeat(mib / 4), false),
        ("properties", format!("{}{}", "X-WR-CALNAME:x\n".repeat(mib / 8), event("").repeat(2_000)), true),
        ("calendars", "END:VCALENDAR\nBEGIN:VCALENDAR\n".repeat(mib / 8) + &event(""), true),
    ] {
        let read = Item::read_all(format!("BEGIN:VCALENDAR\n{body}END:VCALENDAR\n").as_bytes());
        let items: Vec<Item> = read.iter().flatten().cloned().collect();
        assert_eq!(items.is_empty(), !is_read, "{name}: {:?}", read.first().map(|one| one.as_ref().err()));
        let is_said = |error: &ItemError| error.to_string().len() < 300;
        assert!(read.iter().all(|one| one.as_ref().err().is_none_or(is_said)), "{name}");
        let changed: Vec<Item> = items
            .iter()
            .map(|item| {
                let mut activity = item.activity();
                activity.content.title = "changed".to_owned();
                activity.content.join_url = None;
                activity.people.participants.reverse();
                item.with(&activity, &item.own())
            })
            .collect();
        let longest = changed.iter().map(|item| item.text().len()).max().unwrap_or(0);
        assert!(longest <= body.len() * 2 + 1_000, "{name}: {longest}");
        assert!(write_all(&changed).len() <= body.len() * 2 + 10_000, "{name}");
    }
}

/// xorshift64*: small, seeded, the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n.max(1)
    }
}

const SEEDS: [&str; 4] = [
    "From: \"A, b\" <a@x>, g: c@x (d \\) e), =?utf-8?Q?=C3=BC?= <f@x>;\r\nTo: \r\n <x>\r\nSubject: =?koi8-r?B?8NLJ18XU?= =?utf-8*en?q?a_b?=\r\n\
     Date: Fri, 20 Nov 2026 10:00:60 -0330 (c (d))\r\nMessage-ID: <a@b>\r\nReferences: <a> <b>\r\n\r\nbody п\r\n",
    "Content-Type: multipart/alternative; boundary=\"a b\"; x*0*=utf-8'en'%41; x*1=b\r\n\r\n--a b\r\nContent-Type: text/html; charset=shift_jis\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\n<p title=3D\"x>y\">=83n&nbsp;&#x41;<!-- c --><style>x</style>\r\n--a b--\r\n",
    "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+ZYe-\r\n--i\r\n\
     Content-Disposition: attachment; filename*=utf-8''%D0%9E\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD=\r\n--i--\r\n",
    "Content-Type: text/plain; charset=\"iso-2022-jp\" (comment)\r\nContent-Transfer-Encoding: base64\r\nDate: 1 Jan 70 +\r\n\r\nGyRCJDMkcxsoQg==\r\n",
];

const PIECES: [&[u8]; 24] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"=?",
    b"?=",
    b"--",
    b"--i",
    b"\"",
    b"(",
    b")",
    b"<",
    b">",
    b";",
    b":",
    b"=",
    b"*0*=",
    b"%",
    b"\\",
    b"&#",
    b" ",
    b"+0000",
    b"Content-Type: multipart/mixed; boundary=i\r\n\r\n",
];

fn mutated(random: &mut Seeded) -> Vec<u8> {
    let mut raw = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        damage(random, &mut raw);
    }
    raw
}

fn damage(random: &mut Seeded, raw: &mut Vec<u8>) {
    let at = random.below(raw.len() + 1);
    let end = (at + random.below(12)).min(raw.len());
    match random.below(5) {
        0 => drop(raw.drain(at..end)),
        1 => drop(raw.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        2 => raw.truncate(at),
        3 => {
            let copy = raw[at..end].to_vec();
            let to = random.below(raw.len() + 1);
            drop(raw.splice(to..to, copy));
        }
        _ => raw[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
    }
}

#[test]
fn twenty_thousand_damaged_messages_are_read() {
    let mut random = Seeded(0x5eed_0000_0000_0002);
    let masks = Masks::new(&[]).unwrap();
    for round in 0..20_000 {
        let raw = mutated(&mut random);
        let parsed = message::parse(&raw);
        check(&raw, &parsed.structure, round);
        assert!(message::header_block(&raw).len() <= raw.len());
        let _ = message::match_key(&raw, raw.len() as u64);
        let text = String::from_utf8_lossy(&raw);
        let mut found = String::new();
        words::unique_words(&parsed.text, &mut found);
        let _ = (
            query::parse(&text),
            display::escape(&text),
            folder_name::decode_lossless(&raw),
            mbox::write_message(&raw, &text, 0),
            masks.join_url(Some(&text), None),
            imip::read(&raw),
        );
    }
}

#[test]
fn five_thousand_damaged_calendars_are_read() {
    let folder = format!("{}/../../fixtures/icalendar", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|kind| kind == "ics"));
    names.sort();
    let files: Vec<Vec<u8>> = names.into_iter().map(|name| std::fs::read(name).unwrap()).collect();
    let mut random = Seeded(0x5eed_0000_0000_0003);
    let mut read = 0;
    for round in 0..5_000 {
        let mut raw = files[random.below(files.len())].clone();
        for _ in 0..=random.below(8) {
            damage(&mut random, &mut raw);
        }
        let mail = [b"Content-Type: text/calendar\r\n\r\n".as_slice(), &raw].concat();
        let items: Vec<Item> = Item::read_all(&raw).into_iter().flatten().collect();
        assert!(imip::read(&mail).is_none_or(|invitation| invitation.items == items), "round {round}");
        read += items.len();
        for item in items.iter().take(2) {
            let (mut activity, own) = (item.activity(), item.own());
            assert_eq!(item.with(&activity, &own).text(), item.text(), "round {round}");
            activity.content.title = "changed".to_owned();
            let again = Item::read(item.with(&activity, &own).text().as_bytes()).unwrap();
            assert_eq!(again.activity(), activity, "round {round}");
        }
        assert!(Item::read_all(write_all(&items).as_bytes()).iter().all(Result::is_ok), "round {round}");
    }
    assert!(read > 5_000, "{read}");
}

/// Children lie in their parent, in order.
fn check(raw: &[u8], structure: &Structure, round: usize) {
    let end = structure.offset + structure.size;
    assert!(end <= raw.len() as u64, "round {round}: {structure:?}");
    let mut from = structure.offset;
    for child in &structure.children {
        assert!(child.offset >= from && child.offset + child.size <= end, "round {round}: {structure:?}");
        from = child.offset + child.size;
        check(raw, child, round);
    }
}
