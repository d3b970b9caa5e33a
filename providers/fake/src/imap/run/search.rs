//! SEARCH and UID SEARCH (RFC 3501 section 6.4.4, RFC 4731, RFC 7162 section 3.1.5).
//!
//! Rule: text is searched as it stands, without regard to ASCII case; encoded words and transfer encodings are not
//! decoded, so a test that needs them must not use this server.

use std::fmt::Write as _;

use chrono::NaiveDate;

use crate::core::Message;
use crate::faults::Bend;
use crate::imap::command::{DateIs, Search, SearchKey, SearchReturn};
use crate::imap::message::{Header, sent_date};
use crate::imap::session::{Session, Tagged};
use crate::imap::sets::Ranges;

struct Hit {
    number: u32,
    uid: u32,
    mod_seq: u64,
}

/// What a key is asked about.
struct Candidate<'a> {
    message: &'a Message,
    number: u32,
    recent: bool,
    count: u32,
    last_uid: u32,
}

impl Session {
    /// SEARCH
    pub(in crate::imap) fn search(&mut self, tag: &str, search: &Search) -> Tagged {
        if search.charset.as_deref().is_some_and(|charset| charset != "UTF-8" && charset != "US-ASCII") {
            return Tagged::no("[BADCHARSET (US-ASCII UTF-8)] unknown charset");
        }
        let asks_mod_seq = search.key.asks_mod_seq();
        self.enabled.condstore |= asks_mod_seq;
        let mut hits = self.hits(&search.key);
        if self.bent(Bend::Empty) {
            hits.clear();
        }
        let highest = hits.iter().map(|hit| self.mod_seq(hit.mod_seq)).max().filter(|_| asks_mod_seq);
        let numbers: Vec<u32> =
            hits.iter().map(|hit| if search.uid { hit.uid } else { hit.number }).collect();
        match &search.returns {
            None => self.tell_search(&numbers, highest),
            Some(returns) => self.tell_esearch(tag, search.uid, returns, &numbers, highest),
        }
        Tagged::ok("done")
    }

    fn hits(&self, key: &SearchKey) -> Vec<Hit> {
        let state = self.server.lock();
        let (Some(mailbox), Some(selected)) = (self.mailbox(&state), &self.selected) else {
            return Vec::new();
        };
        let count = u32::try_from(selected.view.len()).unwrap_or(u32::MAX);
        let last_uid = selected.view.last().copied().unwrap_or(0);
        let hit = |(uid, number): (&u32, u32)| {
            let message = mailbox.messages.get(uid)?;
            let recent = selected.is_recent(*uid);
            let candidate = Candidate { message, number, recent, count, last_uid };
            fits(key, &candidate).then_some(Hit { number, uid: *uid, mod_seq: message.mod_seq })
        };
        selected.view.iter().zip(1..).filter_map(hit).collect()
    }

    fn tell_search(&mut self, numbers: &[u32], highest: Option<u64>) {
        let mut line = "SEARCH".to_owned();
        for number in numbers {
            // Writing to a String cannot fail.
            let _written = write!(line, " {number}");
        }
        if let Some(highest) = highest {
            let _written = write!(line, " (MODSEQ {highest})");
        }
        self.untagged(&line);
    }

    /// RFC 4731 section 3.1: MIN, MAX and ALL are left out where nothing was found, COUNT never.
    fn tell_esearch(
        &mut self,
        tag: &str,
        uid: bool,
        returns: &[SearchReturn],
        numbers: &[u32],
        highest: Option<u64>,
    ) {
        let mut line = format!("ESEARCH (TAG \"{tag}\")");
        if uid {
            line.push_str(" UID");
        }
        let wants = |one| returns.contains(&one);
        if let (Some(first), Some(last)) = (numbers.first(), numbers.last()) {
            if wants(SearchReturn::Min) {
                let _written = write!(line, " MIN {first}");
            }
            if wants(SearchReturn::Max) {
                let _written = write!(line, " MAX {last}");
            }
            if wants(SearchReturn::All) || returns.is_empty() {
                let all = Ranges::of_numbers(numbers.iter().copied());
                let _written = write!(line, " ALL {}", all.written(false));
            }
        }
        if wants(SearchReturn::Count) {
            let _written = write!(line, " COUNT {}", numbers.len());
        }
        if let Some(highest) = highest {
            let _written = write!(line, " MODSEQ {highest}");
        }
        self.untagged(&line);
    }
}

fn fits(key: &SearchKey, candidate: &Candidate<'_>) -> bool {
    let message = candidate.message;
    let size = message.bytes.len() as u64;
    match key {
        SearchKey::All => true,
        SearchKey::And(keys) => keys.iter().all(|key| fits(key, candidate)),
        SearchKey::Or(a, b) => fits(a, candidate) || fits(b, candidate),
        SearchKey::Not(key) => !fits(key, candidate),
        SearchKey::Sequence(set) => set.resolve(candidate.count).contains(candidate.number),
        SearchKey::Uid(set) => set.resolve(candidate.last_uid).contains(message.uid),
        SearchKey::Flag(flag) => message.flags.contains(flag),
        SearchKey::Recent => candidate.recent,
        SearchKey::Received(is, day) => compare(*is, message.internal_date.date_naive(), *day),
        SearchKey::Sent(is, day) => {
            sent_date(&Header::read(&message.bytes)).is_some_and(|sent| compare(*is, sent, *day))
        }
        SearchKey::Header(name, wanted) => {
            Header::read(&message.bytes).named(name).any(|field| contains(&field.value(), wanted))
        }
        SearchKey::Body(wanted) => {
            let body_at = Header::read(&message.bytes).body_at;
            contains(message.bytes.get(body_at..).unwrap_or_default(), wanted)
        }
        SearchKey::Text(wanted) => contains(&message.bytes, wanted),
        SearchKey::Larger(than) => size > u64::from(*than),
        SearchKey::Smaller(than) => size < u64::from(*than),
        SearchKey::ModSeq(from) => message.mod_seq >= *from,
    }
}

fn compare(is: DateIs, found: NaiveDate, day: NaiveDate) -> bool {
    match is {
        DateIs::Before => found < day,
        DateIs::On => found == day,
        DateIs::Since => found >= day,
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted))
}
