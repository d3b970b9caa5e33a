//! Writes each distinct word once.
//!
//! A hash table over the words already written, which lie in the output itself: no allocation a word. A look-up takes at most
//! [`MAX_PROBES`] steps, so that words chosen to collide cost no more time than others; what finds no place in the table is
//! written again.

/// Slots that are looked at for a word.
const MAX_PROBES: usize = 32;
/// Smallest size of the table; a power of two.
const FEWEST_SLOTS: usize = 16;
/// First size of the table at most; it grows with the words that are found.
const FIRST_SLOTS: usize = 512;

/// Where a written word lies in the output; a length of 0 is a free slot.
#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u32,
    start: u32,
    len: u32,
}

/// Appends to `out` what is new.
pub(super) struct Distinct<'a> {
    out: &'a mut String,
    slots: Vec<Slot>,
    used: usize,
}

impl<'a> Distinct<'a> {
    /// For a text of about `octets`.
    pub fn new(out: &'a mut String, octets: usize) -> Self {
        let slots = (octets / 2).next_power_of_two().clamp(FEWEST_SLOTS, FIRST_SLOTS);
        Distinct { out, slots: vec![Slot::default(); slots], used: 0 }
    }

    pub fn push(&mut self, word: &str) {
        let hash = hash(word.as_bytes());
        let place = match self.find(hash, word) {
            Found::Known => return,
            Found::Free(place) => Some(place),
            Found::Crowded => None,
        };
        if !self.out.is_empty() {
            self.out.push(' ');
        }
        let slot = Slot { hash, start: offset(self.out.len()), len: offset(word.len()) };
        self.out.push_str(word);
        if let Some(entry) = place.and_then(|place| self.slots.get_mut(place)) {
            *entry = slot;
            self.used += 1;
            if self.used * 2 > self.slots.len() {
                self.grow();
            }
        }
    }

    fn find(&self, hash: u32, word: &str) -> Found {
        for place in probes(hash, self.slots.len()) {
            match self.slots.get(place) {
                Some(slot) if slot.len == 0 => return Found::Free(place),
                Some(slot) if slot.hash == hash && self.written(slot) == word.as_bytes() => {
                    return Found::Known;
                }
                _ => {}
            }
        }
        Found::Crowded
    }

    fn written(&self, slot: &Slot) -> &[u8] {
        let start = slot.start as usize;
        self.out.as_bytes().get(start..start + slot.len as usize).unwrap_or_default()
    }

    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); self.slots.len() * 4];
        for slot in self.slots.iter().filter(|slot| slot.len > 0) {
            let free =
                probes(slot.hash, slots.len()).find(|&place| slots.get(place).is_some_and(|s| s.len == 0));
            if let Some(entry) = free.and_then(|place| slots.get_mut(place)) {
                *entry = *slot;
            }
        }
        self.slots = slots;
    }
}

enum Found {
    Known,
    Free(usize),
    Crowded,
}

/// The slots where a word with this hash may lie; `slots` is a power of two.
fn probes(hash: u32, slots: usize) -> impl Iterator<Item = usize> {
    let mask = slots - 1;
    (0..MAX_PROBES).map(move |step| (hash as usize).wrapping_add(step) & mask)
}

/// Texts are capped far below 4 GiB; beyond, words are only written twice.
fn offset(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Multiply and fold, eight bytes at a time.
fn hash(word: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, chunk: u64| {
        let product = u128::from(state ^ chunk) * u128::from(FACTOR);
        (product as u64) ^ (product >> 64) as u64
    };
    let mut state = word.len() as u64 ^ FACTOR;
    for chunk in word.chunks(8) {
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        state = mix(state, u64::from_le_bytes(bytes));
    }
    (mix(state, FACTOR) >> 32) as u32
}
