//! A response's text taken apart into atoms, strings and lists, without knowing what it means.
//!
//! It accepts more than the grammar does (any octet but space, parenthesis and literal in an atom), since real servers send
//! more. What it cannot make sense of is [`Malformed`]; it never guesses.

use std::borrow::Cow;

use super::reader::{LITERAL, Literal};

/// Lists inside lists beyond this depth are malformed.
const DEPTH: u8 = 32;

/// What came is not what the grammar says, with what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// A value of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Everything that is neither a string nor a list: numbers, flags, `NIL`, `BODY[TEXT]<0>`.
    Atom(&'a [u8]),
    /// A quoted string without its quotes and escapes.
    Quoted(Cow<'a, [u8]>),
    /// A literal.
    Literal(Literal),
    /// What stood in parentheses.
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// The octets of an atom or a string; nothing for a list and a literal that was read past.
    pub(crate) fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Atom(octets) => Some(octets),
            Self::Quoted(octets) => Some(octets),
            Self::Literal(Literal::Bytes(octets)) => Some(octets),
            Self::Literal(Literal::Skipped(_)) | Self::List(_) => None,
        }
    }

    /// An atom's or a string's text, with U+FFFD for what is not UTF-8.
    pub(crate) fn text(&self) -> Option<String> {
        self.octets().map(|octets| String::from_utf8_lossy(octets).into_owned())
    }

    /// A number of up to 64 bits.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Atom(digits) => number(digits),
            _ => None,
        }
    }

    /// What a list holds.
    pub(crate) fn list(&self) -> Option<&[Value<'a>]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// Whether this is `NIL`, as an atom.
    pub(crate) fn is_nil(&self) -> bool {
        matches!(self, Self::Atom(atom) if atom.eq_ignore_ascii_case(b"NIL"))
    }
}

/// A decimal number of nothing but digits.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let are_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    are_digits.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Takes a text apart from its front.
pub(crate) struct Parser<'a> {
    rest: &'a [u8],
    literals: std::vec::IntoIter<Literal>,
}

impl<'a> Parser<'a> {
    /// Over a response's text and literals.
    pub(crate) fn new(text: &'a [u8], literals: Vec<Literal>) -> Self {
        Self { rest: text, literals: literals.into_iter() }
    }

    /// What is left, as it stands.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next word up to a space, and past it.
    pub(crate) fn word(&mut self) -> &'a [u8] {
        let end = memchr::memchr(b' ', self.rest).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        word
    }

    /// The next value; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        self.value(0)
    }

    /// The next value, which has to be there.
    pub(crate) fn required(&mut self) -> Result<Value<'a>, Malformed> {
        self.next()?.ok_or(Malformed("an incomplete line"))
    }

    fn value(&mut self, depth: u8) -> Result<Option<Value<'a>>, Malformed> {
        self.skip_spaces();
        let Some((&first, after)) = self.rest.split_first() else { return Ok(None) };
        match first {
            b'(' => {
                self.rest = after;
                self.list(depth + 1).map(Some)
            }
            b')' => Err(Malformed("a closing parenthesis without an opening one")),
            b'"' => {
                self.rest = after;
                self.quoted().map(Some)
            }
            LITERAL => {
                self.rest = after;
                let literal = self.literals.next().ok_or(Malformed("a literal that is not there"))?;
                Ok(Some(Value::Literal(literal)))
            }
            _ => Ok(Some(self.atom())),
        }
    }

    fn list(&mut self, depth: u8) -> Result<Value<'a>, Malformed> {
        if depth > DEPTH {
            return Err(Malformed("lists in lists without end"));
        }
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            if let Some(rest) = self.rest.strip_prefix(b")") {
                self.rest = rest;
                return Ok(Value::List(values));
            }
            values.push(self.value(depth)?.ok_or(Malformed("a list without an end"))?);
        }
    }

    fn quoted(&mut self) -> Result<Value<'a>, Malformed> {
        let mut unescaped = Vec::new();
        loop {
            let at = memchr::memchr2(b'"', b'\\', self.rest).ok_or(Malformed("a string without an end"))?;
            let (piece, rest) = self.rest.split_at(at);
            let (mark, after) = rest.split_first().ok_or(Malformed("a string without an end"))?;
            self.rest = after;
            if *mark == b'"' {
                return Ok(Value::Quoted(if unescaped.is_empty() {
                    Cow::Borrowed(piece)
                } else {
                    unescaped.extend_from_slice(piece);
                    Cow::Owned(unescaped)
                }));
            }
            let (escaped, after) = after.split_first().ok_or(Malformed("a string without an end"))?;
            unescaped.extend_from_slice(piece);
            unescaped.push(*escaped);
            self.rest = after;
        }
    }

    fn atom(&mut self) -> Value<'a> {
        let mut end = self.atom_end(0);
        // A section's own spaces and parentheses belong to the item's name: `BODY[HEADER.FIELDS (DATE)]<0>`.
        if self.rest.get(..end).is_some_and(is_section) {
            let from = self.rest.get(end..).unwrap_or_default();
            end = memchr::memchr(b']', from).map_or(end, |at| self.atom_end(end + at));
        }
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        Value::Atom(atom)
    }

    fn atom_end(&self, from: usize) -> usize {
        let ends = |byte: &u8| matches!(*byte, b' ' | b'(' | b')' | LITERAL);
        let tail = self.rest.get(from..).unwrap_or_default();
        from + tail.iter().position(ends).unwrap_or(tail.len())
    }

    fn skip_spaces(&mut self) {
        while let Some(rest) = self.rest.strip_prefix(b" ") {
            self.rest = rest;
        }
    }
}

/// Whether this atom is the beginning of a section that goes on behind a space.
fn is_section(atom: &[u8]) -> bool {
    let starts = |name: &[u8]| atom.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    (starts(b"BODY[") || starts(b"BINARY[")) && !atom.contains(&b']')
}
