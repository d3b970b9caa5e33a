//! The difference between two values, applied to a third (F3.1, "what one side cannot hold is kept, never erased").
//!
//! What a server has of a contact is its image: it leaves out what it has no place for, and writes other things in its own way.
//! So a pull never takes the image itself. It takes what changed between two images, part by part, entry by entry: what was added
//! there is added here, what was removed there is removed here, and what the server never had stays. What is sent is found in the
//! same way with the sides exchanged, so that neither side erases what the other alone has.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use postrider_model::{
    LabelledDate, Moment, Organization, PartialDate, ParticipantRole, Person, PersonName, Photo, Point,
    PostalAddress, Privacy, Purpose, Reminder, ShowAs, Status, Timestamp,
};

/// A value that can take over the difference between two others.
pub(crate) trait Difference: Clone + PartialEq {
    /// `onto`, with what changed from `was` to `is`. Without a change it is `onto`; onto `was` it is `is`.
    fn apply(was: &Self, is: &Self, onto: &Self) -> Self;

    /// Whether both say something, and not the same: one of the two cannot stay where they are made one.
    fn contradict(one: &Self, other: &Self) -> bool;

    /// Whether it says something that the other does not say, in whatever way that is written.
    fn adds(is: &Self, to: &Self) -> bool;
}

/// Values that change as a whole, and say nothing where they are empty.
macro_rules! whole {
    ($($kind:ty),+ $(,)?) => {$(
        impl Difference for $kind {
            fn apply(was: &Self, is: &Self, onto: &Self) -> Self {
                if was == is { onto.clone() } else { is.clone() }
            }

            fn contradict(one: &Self, other: &Self) -> bool {
                let nothing = Self::default();
                *one != *other && *one != nothing && *other != nothing
            }

            fn adds(is: &Self, to: &Self) -> bool {
                is != to && *is != Self::default()
            }
        }
    )+};
}
pub(crate) use whole;

whole!(String, bool, Option<String>, Option<u8>, Option<Timestamp>, Option<PartialDate>, Option<Photo>);
whole!(PartialDate, ParticipantRole, Status, Privacy, ShowAs, Option<Moment>, Option<Person>);

/// Values of which each part changes for itself.
macro_rules! by_parts {
    ($($kind:ident { $($part:ident),+ })+) => {$(
        impl Difference for $kind {
            fn apply(was: &Self, is: &Self, onto: &Self) -> Self {
                Self { $($part: Difference::apply(&was.$part, &is.$part, &onto.$part)),+ }
            }

            fn contradict(one: &Self, other: &Self) -> bool {
                $(Difference::contradict(&one.$part, &other.$part))||+
            }

            fn adds(is: &Self, to: &Self) -> bool {
                $(Difference::adds(&is.$part, &to.$part))||+
            }
        }
    )+};
}
pub(crate) use by_parts;

by_parts! {
    PersonName { family, given, additional, prefix, suffix }
    Organization { name, units }
    Point { value, of }
    PostalAddress { post_box, extended, street, locality, region, postal_code, country, of }
    LabelledDate { date, label }
}

impl Difference for Purpose {
    /// Types are a set, and stay sorted.
    fn apply(was: &Self, is: &Self, onto: &Self) -> Self {
        let types = if was.types == is.types {
            onto.types.clone()
        } else {
            let [was, is, onto] = [was, is, onto].map(|of| of.types.iter().collect::<BTreeSet<_>>());
            let removed: BTreeSet<_> = was.difference(&is).copied().collect();
            onto.union(&is).filter(|one| !removed.contains(*one)).map(|one| (*one).clone()).collect()
        };
        Self {
            types,
            label: Difference::apply(&was.label, &is.label, &onto.label),
            is_preferred: Difference::apply(&was.is_preferred, &is.is_preferred, &onto.is_preferred),
        }
    }

    fn contradict(one: &Self, other: &Self) -> bool {
        let says_other = |one: &[String], other: &[String]| {
            !one.is_empty() && !other.is_empty() && one.iter().all(|each| !other.contains(each))
        };
        says_other(&one.types, &other.types) || Difference::contradict(&one.label, &other.label)
    }

    fn adds(is: &Self, to: &Self) -> bool {
        let is_new = is.types.iter().any(|one| !to.types.contains(one));
        is_new || Difference::adds(&is.label, &to.label) || is.is_preferred && !to.is_preferred
    }
}

/// An entry of a list.
pub(crate) trait Entry: Difference {
    /// By which it is the same entry however it is written.
    fn key(&self) -> String;

    /// What it is for, by which an entry is known again whose value changed: the phone at work, the day of that name.
    fn purpose(&self) -> Option<String> {
        None
    }

    /// One entry that both sides came to have by themselves: as it is there, with what only `here` says of it.
    fn join(there: &Self, here: &Self) -> Self;
}

/// A join by what is empty there.
macro_rules! join_by_default {
    () => {
        fn join(there: &Self, here: &Self) -> Self {
            Self::apply(&Self::default(), there, here)
        }
    };
}
pub(crate) use join_by_default;

impl Entry for String {
    fn key(&self) -> String {
        self.trim().to_lowercase()
    }

    join_by_default!();
}

impl Entry for Point {
    /// Of numbers the digits alone, since servers write them in their own ways.
    fn key(&self) -> String {
        let value = self.value.trim().to_lowercase();
        let bare = value.strip_prefix("tel:").or_else(|| value.strip_prefix("mailto:")).unwrap_or(&value);
        let is_number = bare.chars().all(|c| c.is_ascii_digit() || " +-().\u{a0}".contains(c));
        if is_number { bare.chars().filter(char::is_ascii_digit).collect() } else { bare.to_owned() }
    }

    fn purpose(&self) -> Option<String> {
        Some(purpose_of(&self.of))
    }

    join_by_default!();
}

impl Entry for PostalAddress {
    fn key(&self) -> String {
        self.parts().join("\n").to_lowercase()
    }

    fn purpose(&self) -> Option<String> {
        Some(purpose_of(&self.of))
    }

    join_by_default!();
}

impl Entry for LabelledDate {
    fn key(&self) -> String {
        format!("{:?}", self.date)
    }

    fn purpose(&self) -> Option<String> {
        self.label.clone()
    }

    join_by_default!();
}

/// Entries that are nothing but their key.
macro_rules! nothing_but_key {
    ($($kind:ty),+) => {$(
        impl Difference for $kind {
            fn apply(was: &Self, is: &Self, onto: &Self) -> Self {
                if was == is { onto.clone() } else { is.clone() }
            }

            fn contradict(_: &Self, _: &Self) -> bool {
                false
            }

            fn adds(is: &Self, to: &Self) -> bool {
                is != to
            }
        }

        impl Entry for $kind {
            fn key(&self) -> String {
                format!("{self:?}")
            }

            fn join(there: &Self, _: &Self) -> Self {
                there.clone()
            }
        }
    )+};
}

nothing_but_key!(Reminder, Moment);

/// Preference is left out: it moves from one number to another without either changing what it is for.
fn purpose_of(of: &Purpose) -> String {
    format!("{}\n{}", of.types.join(","), of.label.as_deref().unwrap_or_default())
}

impl<E: Entry> Difference for Vec<E> {
    /// In the order of `is`; each entry that `is` never had follows the one that it follows in `onto`.
    fn apply(was: &Self, is: &Self, onto: &Self) -> Self {
        if was == is {
            return onto.clone();
        }
        if onto == was {
            return is.clone();
        }
        let kept = pair(was, is, Likeness::Purpose);
        let known = pair(was, onto, Likeness::Rest);
        // What each entry of `onto` is in `is`: nothing as long as the server never had it.
        let mut became: Vec<Becomes<E>> = vec![Becomes::Stays; onto.len()];
        let mut is_new = vec![true; is.len()];
        for (index, before) in was.iter().enumerate() {
            if let Some(now) = kept[index] {
                is_new[now] = false;
            }
            let Some(at) = known[index] else { continue };
            became[at] = match kept[index] {
                Some(now) => Becomes::Entry(now, E::apply(before, &is[now], &onto[at])),
                None => Becomes::Gone,
            };
        }
        join_alike(is, onto, &is_new, &mut became);
        in_order(is, onto, &is_new, became)
    }

    /// What only one of them has contradicts nothing.
    fn contradict(one: &Self, other: &Self) -> bool {
        let pairs = one.iter().zip(pair(one, other, Likeness::Key));
        pairs.filter_map(|(entry, at)| Some((entry, other.get(at?)?))).any(|(a, b)| E::contradict(a, b))
    }

    /// An entry is the same however it is written.
    fn adds(is: &Self, to: &Self) -> bool {
        let known: BTreeSet<String> = to.iter().map(Entry::key).collect();
        is.iter().any(|entry| !known.contains(&entry.key()))
    }
}

/// What becomes of an entry of the list that the difference is applied to.
#[derive(Clone)]
enum Becomes<E> {
    /// The other list never had it.
    Stays,
    /// It was removed there.
    Gone,
    /// It is the one at that place there, and is like this now.
    Entry(usize, E),
}

/// New entries that are in `onto` already are one with them.
fn join_alike<E: Entry>(is: &[E], onto: &[E], is_new: &[bool], became: &mut [Becomes<E>]) {
    let mut alone: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (at, entry) in onto.iter().enumerate() {
        if matches!(became[at], Becomes::Stays) {
            alone.entry(entry.key()).or_default().push_back(at);
        }
    }
    for (now, entry) in is.iter().enumerate().filter(|(now, _)| is_new[*now]) {
        if let Some(at) = alone.get_mut(&entry.key()).and_then(VecDeque::pop_front) {
            became[at] = Becomes::Entry(now, E::join(entry, &onto[at]));
        }
    }
}

/// Puts the list together. An entry that is neither new nor in `onto` was removed here, and stays away.
fn in_order<E: Entry>(is: &[E], onto: &[E], is_new: &[bool], became: Vec<Becomes<E>>) -> Vec<E> {
    let mut first = Vec::new();
    let mut entries: Vec<Option<E>> = vec![None; is.len()];
    let mut behind: Vec<Vec<E>> = vec![Vec::new(); is.len()];
    let mut last = None;
    for (entry, becomes) in onto.iter().zip(became) {
        match becomes {
            Becomes::Gone => {}
            Becomes::Stays => last.map_or(&mut first, |at: usize| &mut behind[at]).push(entry.clone()),
            Becomes::Entry(now, entry) => {
                entries[now] = Some(entry);
                last = Some(now);
            }
        }
    }
    let mut list = first;
    for (now, (entry, followers)) in entries.into_iter().zip(behind).enumerate() {
        list.extend(entry.or_else(|| is_new[now].then(|| is[now].clone())));
        list.extend(followers);
    }
    list
}

/// How far two entries may differ and still be taken for one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    /// Equal, or the same key.
    Key,
    /// Besides: the only two left of one purpose.
    Purpose,
    /// Besides: the only two that are left at all, since a server may have rewritten one beyond recognition.
    Rest,
}

/// For each entry of `from` its place in `to`, each place once.
fn pair<E: Entry>(from: &[E], to: &[E], likeness: Likeness) -> Vec<Option<usize>> {
    let mut pairs = vec![None; from.len()];
    let mut free: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (at, entry) in to.iter().enumerate() {
        free.entry(entry.key()).or_default().push_back(at);
    }
    for only_equal in [true, false] {
        for (index, entry) in
            from.iter().enumerate().filter(|(index, _)| pairs[*index].is_none()).collect::<Vec<_>>()
        {
            let Some(places) = free.get_mut(&entry.key()) else { continue };
            let fits = if only_equal { places.iter().position(|at| to[*at] == *entry) } else { Some(0) };
            pairs[index] = fits.and_then(|fits| places.remove(fits));
        }
    }
    let mut left: BTreeSet<usize> = free.into_values().flatten().collect();
    if likeness >= Likeness::Purpose {
        pair_by_purpose(from, to, &mut left, &mut pairs);
    }
    if likeness >= Likeness::Rest {
        let mut unpaired = pairs.iter_mut().filter(|pair| pair.is_none());
        if let (1, Some(pair), None) = (left.len(), unpaired.next(), unpaired.next()) {
            *pair = left.pop_first();
        }
    }
    pairs
}

/// Pairs those that are the only ones of their purpose on both sides.
fn pair_by_purpose<E: Entry>(from: &[E], to: &[E], left: &mut BTreeSet<usize>, pairs: &mut [Option<usize>]) {
    let mut by_purpose: BTreeMap<String, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, entry) in from.iter().enumerate().filter(|(index, _)| pairs[*index].is_none()) {
        if let Some(purpose) = entry.purpose() {
            by_purpose.entry(purpose).or_default().0.push(index);
        }
    }
    for at in left.iter() {
        if let Some(places) = to[*at].purpose().and_then(|purpose| by_purpose.get_mut(&purpose)) {
            places.1.push(*at);
        }
    }
    for (one, other) in by_purpose.into_values() {
        if let ([index], [at]) = (one.as_slice(), other.as_slice()) {
            pairs[*index] = Some(*at);
            left.remove(at);
        }
    }
}

#[cfg(test)]
mod tests;
