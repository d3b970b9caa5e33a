//! Mail and folder names as bad as a server may hold them. Each has a name, so that a failing test says
//! which it was.

/// How deep parts are nested in `nested parts`.
const NESTING: usize = 1000;
const HEADER_LINES: usize = 5000;

/// Messages that break naive readers. `large_bytes`: the size of a last one, which is otherwise left out;
/// the issue's is 100 MB.
pub fn messages(large_bytes: Option<usize>) -> Vec<(&'static str, Vec<u8>)> {
    let mut all: Vec<(&'static str, Vec<u8>)> = vec![
        (
            "8-bit headers",
            b"From: J\xfcrgen <j@example.com>\r\nSubject: Gr\xfc\xdfe \xd0\xbf\r\n\r\nx\r\n".to_vec(),
        ),
        ("no headers", b"\r\nOnly a body.\r\n".to_vec()),
        ("no body", b"From: a@example.com\r\nSubject: no body\r\n\r\n".to_vec()),
        ("headers without a blank line", b"From: a@example.com\r\nSubject: no end".to_vec()),
        (
            "a header line without a colon",
            b"From: a@example.com\r\nnonsense\r\nSubject: b\r\n\r\nx\r\n".to_vec(),
        ),
        ("bare LF", b"From: a@example.com\nSubject: bare LF\n\nline\r\nline\n\rline\n".to_vec()),
        ("bare CR", b"From: a@example.com\r\nSubject: bare CR\r\n\r\na\rb\r\r\nc\r".to_vec()),
        ("one line, nothing else", b"x".to_vec()),
        ("one blank line", b"\r\n".to_vec()),
        (
            "an mbox line on top",
            b"From a@example.com Mon Mar  4 12:00:00 2024\r\nFrom: a@example.com\r\n\r\nx\r\n".to_vec(),
        ),
        ("NUL", b"From: a@example.com\r\nSubject: a\0b\r\n\r\nbefore\0after\r\n".to_vec()),
        ("8-bit body without a charset", b"Subject: raw\r\n\r\n\x80\xff\xfe\xc3\x28\r\n".to_vec()),
        (
            "what looks like an answer",
            b"Subject: )\r\n\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nA1 OK done\r\n)\r\n".to_vec(),
        ),
        ("control and bidirectional characters", control_characters()),
        ("bad encoded words", b"Subject: =?utf-8?B?!!!?= =?x?Q?=ZZ?= =?utf-8?Q?=C3?=\r\n\r\nx\r\n".to_vec()),
        (
            "a boundary that never comes",
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx".to_vec(),
        ),
        (
            "a multipart without a boundary",
            b"Content-Type: multipart/mixed\r\n\r\n--\r\n\r\nx\r\n----\r\n".to_vec(),
        ),
        ("5,000 header lines", header_lines()),
        ("a long header", long(b"Subject: ", 900_000)),
        ("a long line", long(b"Subject: long\r\n\r\n", 2_000_000)),
        ("1,000 nested parts", nested_parts()),
        ("1,000 nested messages", nested_messages()),
        (
            "dates that are none",
            b"Date: 99 Foo 0000 99:99:99 +9999\r\nDate: Thu, 30 Feb 2024\r\n\r\nx\r\n".to_vec(),
        ),
    ];
    if let Some(size) = large_bytes {
        all.push(("large", large(size)));
    }
    all
}

/// A message of about this size, with short lines that do not compress to nothing.
pub fn large(size: usize) -> Vec<u8> {
    let mut out = b"From: a@example.com\r\nSubject: large\r\n\r\n".to_vec();
    out.reserve(size);
    let mut state = 1_u32;
    while out.len() < size {
        for _ in 0..60 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.push(b'!' + u8::try_from(state >> 24).unwrap_or(0) % 90);
        }
        out.extend(b"\r\n");
    }
    out
}

fn control_characters() -> Vec<u8> {
    "Subject: =?utf-8?Q?=1B[31mred=07_=E2=80=AEdesrever?=\r\nFrom: \u{202e}x <a@example.com>\r\n\r\n\u{1b}]0;title\u{7}\r\n"
        .as_bytes()
        .to_vec()
}

fn header_lines() -> Vec<u8> {
    let mut out = String::new();
    for line in 0..HEADER_LINES {
        out.push_str(&format!("X-Line-{line}: value {line}\r\n"));
    }
    out.push_str("Subject: many\r\n\r\nx\r\n");
    out.into_bytes()
}

fn long(start: &[u8], size: usize) -> Vec<u8> {
    let mut out = start.to_vec();
    out.resize(start.len() + size, b'x');
    out.extend(b"\r\n\r\nend\r\n");
    out
}

fn nested_parts() -> Vec<u8> {
    let mut out = String::from("Subject: nested\r\nMIME-Version: 1.0\r\n");
    for level in 0..NESTING {
        out.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=\"b{level}-\"\r\n\r\n--b{level}-\r\n"
        ));
    }
    out.push_str("Content-Type: text/plain\r\n\r\nat the bottom\r\n");
    for level in (0..NESTING).rev() {
        out.push_str(&format!("--b{level}---\r\n"));
    }
    out.into_bytes()
}

fn nested_messages() -> Vec<u8> {
    let mut out = String::new();
    for level in 0..NESTING {
        out.push_str(&format!("Subject: level {level}\r\nContent-Type: message/rfc822\r\n\r\n"));
    }
    out.push_str("Subject: bottom\r\n\r\nx\r\n");
    out.into_bytes()
}

/// Folder names that Dovecot accepts, on any storage with `/` between levels; those with a `/` have a
/// parent that is made with them.
pub fn folder_names() -> Vec<&'static str> {
    vec![
        "Tom & Jerry",
        "&",
        "&-",
        "&AOQ-",
        "a \"quoted\" name",
        "back\\slash",
        "percent % sign",
        "star * sign",
        "question ?",
        "(parentheses) {braces} [brackets] <angles>",
        "{5}",
        "NIL",
        " leading space",
        "trailing space ",
        "two  spaces",
        "comma, semicolon; colon: equals= plus+",
        "exclamation! at@ dollar$ caret^ pipe| tick` apostrophe'",
        "#hash",
        "dot.ted",
        ".hidden",
        "in ~ the middle",
        "-dash",
        "Отправленные",
        "Ёлка и ёж",
        "日本語",
        "Größe",
        "e\u{301} decomposed",
        "é composed",
        "🐎 post horse",
        "\u{202e}right to left",
        "non\u{a0}breaking",
        "עברית",
        "INBOX/below the inbox",
        "Parent/Child/Grandchild & more",
        "case",
        "CASE",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_has_a_name_of_its_own_and_is_what_it_says() {
        let all = messages(Some(100_000));
        let names: BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all.len());
        let named = |name: &str| all.iter().find(|(other, _)| *other == name).unwrap().1.clone();
        assert_eq!(named("5,000 header lines").split(|byte| *byte == b'\n').count(), 5000 + 4);
        assert!(named("NUL").contains(&0));
        assert_eq!(
            String::from_utf8(named("1,000 nested parts")).unwrap().matches("multipart").count(),
            1000
        );
        assert!((100_000..100_100).contains(&named("large").len()));
    }
}
