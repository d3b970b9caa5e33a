//! What the server tells of messages while they are changed: flags, what is gone, where the copies are.

use std::collections::BTreeMap;

use postrider_model::{Flags, PermanentFlags, SystemFlag, Uid, UidSet};
use postrider_remote::{Applied, Copied, Echo};

use super::numbers::Numbers;
use crate::codec::{
    fetch::FetchRow,
    response::Data,
    sets::uid_list,
    status::{Code, Status},
};

/// Of more copies than these it is not kept where they are: a few octets can name thousands of millions.
const COPIES: u64 = 1_000_000;

/// What was told, since the folder was opened, of the messages that a write is about.
#[derive(Debug)]
pub(super) struct Heard {
    about: UidSet,
    flags: BTreeMap<Uid, (Flags, Option<u64>)>,
    gone: UidSet,
    numbers: Numbers,
    copied: Vec<Copied>,
    /// A COPYUID came that makes no sense.
    is_odd: bool,
}

impl Heard {
    /// Nothing yet of these messages.
    pub(super) fn of(about: &UidSet) -> Self {
        Self {
            about: about.clone(),
            flags: BTreeMap::new(),
            gone: UidSet::EMPTY,
            numbers: Numbers::default(),
            copied: Vec::new(),
            is_odd: false,
        }
    }

    /// Takes what came untagged.
    pub(super) fn take(&mut self, data: Data) {
        match data {
            Data::Fetch(row) => self.take_row(row),
            Data::Expunge(number) => {
                if let Some(uid) = self.numbers.expunge(number) {
                    self.lose(&UidSet::range(uid, uid));
                }
            }
            Data::Vanished { is_earlier: false, uids } => self.lose(&uids.intersection(&self.about)),
            Data::Status(status) => self.take_code(&status),
            _ => {}
        }
    }

    /// Takes a COPYUID (RFC 4315, section 3), which comes tagged from COPY and untagged from MOVE (RFC 6851, section 4.3).
    pub(super) fn take_code(&mut self, status: &Status) {
        let Some(code) = status.code.as_ref().filter(|code| code.name == "COPYUID") else { return };
        match copy_uid(code, &self.about) {
            Some(copied) => self.copied.push(copied),
            None => self.is_odd = true,
        }
    }

    fn take_row(&mut self, row: FetchRow) {
        let Some(uid) = row.uid.filter(|uid| self.about.contains(*uid)) else { return };
        self.numbers.learn(row.number, uid);
        if let Some(flags) = row.flags {
            self.flags.insert(uid, (flags, row.mod_seq));
        } else if let (Some(told), Some(mod_seq)) = (self.flags.get_mut(&uid), row.mod_seq) {
            told.1 = Some(mod_seq);
        }
    }

    fn lose(&mut self, uids: &UidSet) {
        self.gone = self.gone.union(uids);
        self.flags.retain(|uid, _| !uids.contains(*uid));
    }

    /// Those whose flags were not told, and that are not gone.
    pub(super) fn untold(&self) -> UidSet {
        let told: UidSet = self.flags.keys().copied().collect();
        self.about.difference(&told).difference(&self.gone)
    }

    /// Those that are gone.
    pub(super) const fn gone(&self) -> &UidSet {
        &self.gone
    }

    /// Those that carry `\Deleted` and are not gone.
    pub(super) fn marked(&self) -> UidSet {
        let marked = self.flags.iter().filter(|(_, (flags, _))| flags.has(SystemFlag::Deleted));
        marked.map(|(uid, _)| *uid).collect()
    }

    /// Where the copies are. Not where it was not told, or not so that it can be believed.
    pub(super) fn copied(&self) -> Option<Copied> {
        let mut all = self.copied.iter();
        let mut copied = all.next().filter(|_| !self.is_odd)?.clone();
        for more in all {
            if more.uid_validity != copied.uid_validity {
                return None;
            }
            copied.pairs.extend(&more.pairs);
        }
        Some(copied)
    }

    /// Whether the server told that something was moved or copied.
    pub(super) fn tells_of_a_transfer(&self) -> bool {
        self.is_odd || !self.copied.is_empty() || !self.gone.is_empty()
    }

    /// The answer: `gone` and `left_marked` are the operation's to say.
    pub(super) fn into_applied(self, permanent: Option<PermanentFlags>) -> Applied {
        let copied = self.copied();
        let echoed = self.flags.into_iter().map(|(uid, (flags, mod_seq))| Echo { uid, flags, mod_seq });
        Applied { echoed: echoed.collect(), copied, permanent, ..Applied::default() }
    }
}

/// `38505 304,319:320 3956:3958`: as many in the one set as in the other, all of those that were asked for.
fn copy_uid(code: &Code, about: &UidSet) -> Option<Copied> {
    let mut words = code.arguments.split(|byte| *byte == b' ');
    let uid_validity = std::str::from_utf8(words.next()?).ok()?.parse().ok().filter(|number| *number > 0)?;
    let most = about.len().min(COPIES);
    let (from, to) = (uid_list(words.next()?, most)?, uid_list(words.next()?, most)?);
    let fits = from.len() == to.len() && from.iter().all(|uid| about.contains(*uid));
    fits.then(|| Copied { uid_validity, pairs: from.into_iter().zip(to).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::status::StatusKind;

    fn told(codes: &[&str]) -> Option<Copied> {
        let mut heard = Heard::of(&UidSet::range(1, 9));
        for code in codes {
            heard.take_code(&Status::parse(StatusKind::Ok, format!("[{code}] done").as_bytes()));
        }
        heard.copied()
    }

    #[test]
    fn copies_are_believed_where_they_make_sense() {
        let copied = |pairs: &[(Uid, Uid)]| Some(Copied { uid_validity: 7, pairs: pairs.to_vec() });
        let table: [(&[&str], Option<Copied>); 9] = [
            (&["COPYUID 7 1,3 20:21"], copied(&[(1, 20), (3, 21)])),
            (&["COPYUID 7 3,1 21,20"], copied(&[(3, 21), (1, 20)])),
            (&["COPYUID 7 1 20", "COPYUID 7 2 21"], copied(&[(1, 20), (2, 21)])),
            (&["COPYUID 7 1 20", "COPYUID 8 2 21"], None),
            (&["COPYUID 7 1:2 20"], None),
            (&["COPYUID 7 1 1:4294967295"], None),
            (&["COPYUID 7 12 20"], None),
            (&["COPYUID 0 1 20"], None),
            (&["READ-WRITE"], None),
        ];
        for (codes, expected) in table {
            assert_eq!(told(codes), expected, "{codes:?}");
        }
    }

    #[test]
    fn copies_without_number_are_not_kept() {
        let mut heard = Heard::of(&UidSet::range(1, Uid::MAX));
        let code = b"[COPYUID 7 1:4294967295 1:4294967295] done";
        heard.take_code(&Status::parse(StatusKind::Ok, code));
        assert_eq!((heard.copied(), heard.tells_of_a_transfer()), (None, true));
    }

    #[test]
    fn the_last_word_on_a_message_counts() {
        let mut heard = Heard::of(&UidSet::range(1, 3));
        let row = |number, uid, flag: Option<&str>, mod_seq| {
            let flags = flag.map(|flag| Flags::from_wire([flag]));
            Data::Fetch(FetchRow { number, uid, flags, mod_seq, ..FetchRow::default() })
        };
        heard.take(row(5, Some(1), Some("\\Seen"), None));
        heard.take(row(5, Some(1), Some("\\Deleted"), Some(7)));
        heard.take(row(6, Some(2), Some("\\Seen"), None));
        heard.take(row(6, Some(2), None, Some(8)));
        heard.take(row(7, None, Some("\\Seen"), None));
        heard.take(row(8, Some(9), Some("\\Seen"), None));
        assert_eq!((heard.untold().to_string(), heard.marked().to_string()), ("3".into(), "1".into()));
        heard.take(Data::Expunge(5));
        heard.take(Data::Vanished { is_earlier: false, uids: UidSet::range(3, u32::MAX) });
        assert_eq!(heard.gone().to_string(), "1,3");
        let echoed = heard.into_applied(None).echoed;
        assert_eq!(echoed, [Echo { uid: 2, flags: Flags::from_wire(["\\Seen"]), mod_seq: Some(8) }]);
    }
}
