//! Whether anything may be loaded, and whether anything may be sent (F10.2, F10.3).
//!
//! A disk that fills up stops the load first: below the first mark nothing more comes in, so that there is room for what has to be noted
//! about what goes out. Below half of it nothing more is taken from people that is to go out. Below the last, much smaller one nothing
//! goes out either, since its outcome might not be noted. All pass by themselves once there is room. A store that was found damaged sends
//! nothing before it was looked at, and one that is away from home nothing before it was adopted.

use std::{io, path::Path, sync::Arc};

use postrider_model::{ErrorClass, Fault};
use postrider_store::{Away, Store};

/// What stays free on a disk of 1.25 GiB or more, in octets. It holds the log of some hundred thousand notes.
const RESERVE: u64 = 64 << 20;
/// What stays free on a smaller one: so many parts of a hundred.
const RESERVE_PERCENT: u64 = 5;
/// No message is taken from people that would leave less than this part of the reserve.
const WRITTEN_PART: u64 = 2;
/// Nothing is sent where less is left than this part of the reserve.
const LAST_PART: u64 = 8;

/// A disk's room, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What this user may still write.
    pub free: u64,
    /// The whole disk.
    pub size: u64,
}

impl Room {
    /// What a load leaves free.
    pub fn reserve(self) -> u64 {
        RESERVE.min(self.size / 100 * RESERVE_PERCENT)
    }

    /// What a message that is taken from people leaves free.
    pub fn kept_from_writers(self) -> u64 {
        self.reserve() / WRITTEN_PART
    }

    /// What has to be free for anything to be sent.
    pub fn last(self) -> u64 {
        self.reserve() / LAST_PART
    }
}

/// How much room there is on disks.
pub trait Disk: Send + Sync {
    /// Of the disk on which that folder lies.
    ///
    /// # Errors
    /// What the operating system says.
    fn room(&self, dir: &Path) -> io::Result<Room>;
}

/// Whether anything may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// It may.
    Free,
    /// It waits for a person, for this reason.
    Waits(&'static str),
}

/// What loading and sending ask before each step.
#[derive(Clone)]
pub struct Leave {
    store: Store,
    disk: Arc<dyn Disk>,
}

impl Leave {
    /// For that store, on that disk.
    pub const fn new(store: Store, disk: Arc<dyn Disk>) -> Self {
        Self { store, disk }
    }

    /// That so many octets may come in now, those that are under way already among them.
    ///
    /// # Errors
    /// Transient, where the reserve would be touched.
    pub fn to_load(&self, octets: u64) -> Result<(), Fault> {
        let room = self.room()?;
        self.to_grow("load more mail", octets, room, room.reserve()).map_err(|fault| {
            fault.hint(
                "free some space; what is changed here is sent all the same, and the load goes on by itself",
            )
        })
    }

    /// That a person's message of so many octets may be kept, to be sent or as a draft.
    ///
    /// # Errors
    /// Transient, where it would use up room that is kept for the outcomes of what waits already.
    pub fn to_write(&self, action: &str, octets: u64) -> Result<(), Fault> {
        let room = self.room()?;
        self.to_grow(action, octets, room, room.kept_from_writers()).map_err(|fault| {
            fault.hint("free some space, and try again; what waits already is sent all the same")
        })
    }

    /// That so many octets may come in, and leave so much free.
    fn to_grow(&self, action: &str, octets: u64, room: Room, left: u64) -> Result<(), Fault> {
        // Each octet goes into a log first and into its file as well, before the log is given back.
        let under_way = self.store.log_octets().saturating_add(octets.saturating_mul(2));
        let wanted = left.saturating_add(under_way);
        match room.free < wanted {
            true => Err(nearly_full(action, room, wanted)),
            false => Ok(()),
        }
    }

    /// That a run may begin: nobody has found the store damaged (F10.2).
    ///
    /// # Errors
    /// Permanent, where somebody has.
    pub fn to_begin(&self) -> Result<(), Fault> {
        Ok(self.store.refuse_damaged()?)
    }

    /// That what is being sent may go on: the store is sound as far as anybody knows, and what comes of it can be noted.
    ///
    /// # Errors
    /// Permanent, where damage was found; transient, where the disk is nearly full.
    pub fn to_go_on(&self) -> Result<(), Fault> {
        self.to_begin()?;
        let room = self.room()?;
        match room.free < room.last() {
            true => Err(nearly_full("send anything", room, room.last())
                .hint("free some space; what waits is sent by itself then")),
            false => Ok(()),
        }
    }

    /// Whether sending may begin.
    ///
    /// # Errors
    /// As [`to_go_on`](Self::to_go_on), and the store's.
    pub fn to_send(&self) -> Result<Sending, Fault> {
        self.to_go_on()?;
        Ok(self.store.away()?.map_or(Sending::Free, |away| Sending::Waits(why(away))))
    }

    fn room(&self) -> Result<Room, Fault> {
        self.disk.room(self.store.dir()).map_err(|error| {
            let action = format!("look at the disk of {}", self.store.dir().display());
            Fault::new(ErrorClass::Transient, action, error.to_string())
        })
    }
}

fn nearly_full(action: &str, room: Room, wanted: u64) -> Fault {
    let cause = format!(
        "the disk is nearly full: it has {} kB free, and wants {} kB",
        room.free / 1_000,
        wanted.div_ceil(1_000)
    );
    Fault::new(ErrorClass::Transient, action, cause)
}

/// Why a store that is away sends nothing, in words.
pub const fn why(away: Away) -> &'static str {
    match away {
        Away::PutBack { .. } => {
            "this store was put back from a copy: mail comes in, and nothing is sent before `postrider adopt`"
        }
        Away::Elsewhere => {
            "this store comes from another machine: mail comes in, and nothing is sent before `postrider adopt`"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use postrider_model::Timestamp;
    use postrider_store::Options;

    use super::*;

    struct Shrinking(Mutex<Room>);

    impl Disk for Shrinking {
        fn room(&self, _dir: &Path) -> io::Result<Room> {
            Ok(*self.0.lock().unwrap())
        }
    }

    #[test]
    fn the_marks_grow_with_the_disk_up_to_a_bound() {
        let marks = |size| {
            let room = Room { free: 0, size };
            (room.reserve(), room.kept_from_writers(), room.last())
        };
        assert_eq!(marks(100 << 20), (5_242_880, 2_621_440, 655_360));
        assert_eq!(marks(1 << 40), (64 << 20, 32 << 20, 8 << 20));
        assert_eq!(marks(0), (0, 0, 0));
    }

    #[test]
    fn loading_stops_first_then_writing_then_sending_and_all_go_on_by_themselves() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let disk = Arc::new(Shrinking(Mutex::new(Room { free: 0, size: 10 << 30 })));
        let leave = Leave::new(store.clone(), disk.clone());
        let log = store.log_octets();
        let table = [
            (1 << 30, [true, true, true]),
            ((66 << 20) + log, [true, true, true]),
            ((66 << 20) + log - 1, [false, true, true]),
            ((34 << 20) + log, [false, true, true]),
            ((34 << 20) + log - 1, [false, false, true]),
            (8 << 20, [false, false, true]),
            ((8 << 20) - 1, [false, false, false]),
            (0, [false, false, false]),
            (1 << 30, [true, true, true]),
        ];
        for (free, expected) in table {
            disk.0.lock().unwrap().free = free;
            let asked = [leave.to_load(1 << 20), leave.to_write("keep a draft", 1 << 20), leave.to_go_on()];
            assert_eq!(asked.map(|answer| answer.is_ok()), expected, "{free}");
        }
        disk.0.lock().unwrap().free = 5 << 20;
        let fault = leave.to_send().unwrap_err();
        assert_eq!(
            fault.message(),
            "cannot send anything: the disk is nearly full: it has 5242 kB free, and wants 8389 kB"
        );
        assert_eq!(fault.class, ErrorClass::Transient);
    }

    #[test]
    fn damage_stops_sending_until_somebody_looked() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&Options::new(home.path().join("store"), [1; 16], Timestamp(0))).unwrap();
        let disk = Arc::new(Shrinking(Mutex::new(Room { free: 1 << 40, size: 1 << 40 })));
        let leave = Leave::new(store.clone(), disk);
        assert_eq!(leave.to_send(), Ok(Sending::Free));
        store.note_damage("page 7 is gone").unwrap();
        let fault = leave.to_send().unwrap_err();
        assert_eq!(fault.message(), "cannot open the store: store.db is damaged: page 7 is gone");
        assert_eq!(fault.class, ErrorClass::Permanent);
        store.note_sound().unwrap();
        assert_eq!(leave.to_send(), Ok(Sending::Free));
    }
}
