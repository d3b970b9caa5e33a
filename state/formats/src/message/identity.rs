//! By what a message is recognised: the key of its content, and the root of its thread.
//!
//! The key never decides on the Message-ID alone: two messages with one Message-ID and different headers have
//! different keys, and a message without Message-ID or Date has none.

use super::ParsedMessage;
use super::fields::Fields;
use postrider_model::MatchKey;

/// The key of a message with this header and this size: the first 16 bytes of BLAKE3 over both. It is compared within one account only.
///
/// `header` is the complete header block, from the first byte up to and including the blank line (`BODY.PEEK[HEADER]`, or
/// [`header_block`](super::header_block) of the whole message); `size` is the number of octets of the whole message (`RFC822.SIZE`).
/// The bytes count as served: a server that changes line ends or NUL bytes on the way does so each time, and a
/// message that another server serves otherwise is fetched again, which is safe.
///
/// `None` when there is no Message-ID or no Date, or one is empty: such a header is too weak to tell its message from another
/// (a draft, a monitoring mail), so that it is never recognised by key.
#[must_use]
pub fn match_key(header: &[u8], size: u64) -> Option<MatchKey> {
    let (mut has_id, mut has_date) = (false, false);
    for field in Fields::new(header) {
        has_id = has_id || (field.is("message-id") && !field.value.trim_ascii().is_empty());
        has_date = has_date || (field.is("date") && !field.value.trim_ascii().is_empty());
        if has_id && has_date {
            return Some(hash(header, size));
        }
    }
    None
}

fn hash(header: &[u8], size: u64) -> MatchKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&size.to_le_bytes()).update(header);
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    MatchKey(key)
}

/// The Message-ID that a message and all its answers have in common: the first of `References`, else `In-Reply-To`, else its
/// own. `None` for a message with none of the three, which is a thread by itself.
///
/// The threading of J. Zawinski (<https://www.jwz.org/doc/threading.html>) without its containers: a message
/// whose sender cut the front of `References` starts another thread, and no subject is ever compared.
#[must_use]
pub fn thread_root(message: &ParsedMessage) -> Option<String> {
    message.references.first().or(message.in_reply_to.as_ref()).or(message.message_id.as_ref()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Message-ID: <a@b>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\n";

    #[test]
    fn the_key_depends_on_every_byte_of_the_header_and_on_the_size() {
        let key = match_key(HEADER, 100);
        assert!(key.is_some());
        assert_eq!(key, match_key(HEADER, 100));
        assert_ne!(key, match_key(HEADER, 101));
        for at in 0..HEADER.len() {
            let mut other = HEADER.to_vec();
            other[at] ^= 1;
            assert_ne!(key, match_key(&other, 100), "byte {at}");
        }
    }

    #[test]
    fn the_key_is_the_same_for_ever() {
        let key = match_key(HEADER, 100).unwrap();
        assert_eq!(
            u128::from_be_bytes(key.0),
            KNOWN,
            "the key is stored: changing it makes every message a new one"
        );
    }

    const KNOWN: u128 = 0xa04ebe4b_828bd21d_46ca81f3_3866c38d;

    #[test]
    fn a_weak_header_has_no_key() {
        for (header, strong) in [
            ("Message-ID: <a@b>\r\nDate: x\r\n\r\n", true),
            ("date: x\nMESSAGE-ID : y\n", true),
            ("Message-ID: <a@b>\r\n\r\n", false),
            ("Date: x\r\n\r\n", false),
            ("Message-ID:\r\nDate: x\r\n\r\n", false),
            ("Message-ID: <a@b>\r\nDate: \r\n \r\n\r\n", false),
            ("Message-ID: <a@b>\r\n\r\nDate: in the body\r\n", false),
            ("X-Message-ID: <a@b>\r\nDate: x\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(match_key(header.as_bytes(), 1).is_some(), strong, "{header:?}");
        }
    }

    #[test]
    fn a_thread_is_named_by_its_first_message() {
        let message = |references: &[&str], reply: Option<&str>, own: Option<&str>| ParsedMessage {
            references: references.iter().map(ToString::to_string).collect(),
            in_reply_to: reply.map(Into::into),
            message_id: own.map(Into::into),
            ..ParsedMessage::default()
        };
        for (input, root) in [
            (message(&["r1", "r2"], Some("p"), Some("m")), Some("r1")),
            (message(&[], Some("p"), Some("m")), Some("p")),
            (message(&[], None, Some("m")), Some("m")),
            (message(&[], None, None), None),
        ] {
            assert_eq!(thread_root(&input).as_deref(), root);
        }
    }
}
