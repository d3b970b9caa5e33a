//! A person or an organisation, as people keep them in address books (F3.1).

use std::{fmt, str::FromStr};

use crate::IdParseError;

/// What is known of a person or an organisation: the properties of vCard 4 (RFC 6350) that Exchange and Google know too. What a
/// vCard says besides is kept in it, and is no field here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// By which other programs know it again (RFC 6350, section 6.7.6).
    pub uid: Option<String>,
    /// How it is called where one line has to do (`FN`).
    pub display_name: String,
    /// The parts of a person's name (`N`).
    pub name: PersonName,
    /// Other names (`NICKNAME`).
    pub nicknames: Vec<String>,
    /// Where the person works, or what the organisation is (`ORG`).
    pub organization: Organization,
    /// The position (`TITLE`).
    pub job_title: Option<String>,
    /// The part played in it (`ROLE`).
    pub role: Option<String>,
    /// Mail addresses (`EMAIL`).
    pub emails: Vec<Point>,
    /// Phone numbers as they were written, or `tel:` URIs (`TEL`).
    pub phones: Vec<Point>,
    /// Messengers, as URIs (`IMPP`).
    pub messengers: Vec<Point>,
    /// Web pages (`URL`).
    pub pages: Vec<Point>,
    /// Postal addresses (`ADR`).
    pub addresses: Vec<PostalAddress>,
    /// `BDAY`, where it is a date.
    pub birthday: Option<PartialDate>,
    /// `ANNIVERSARY`, where it is a date.
    pub anniversary: Option<PartialDate>,
    /// Other days to remember, each with its label (`X-ABDATE`, which Apple and Google write).
    pub other_dates: Vec<LabelledDate>,
    /// `NOTE`.
    pub notes: Vec<String>,
    /// `PHOTO`.
    pub photo: Option<Photo>,
    /// `CATEGORIES`.
    pub categories: Vec<String>,
}

/// The parts of a name, in the order of `N` (RFC 6350, section 6.2.2). A part with several words for it has them joined by blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Of the family.
    pub family: String,
    /// Given.
    pub given: String,
    /// Further ones, such as a patronymic.
    pub additional: String,
    /// Before it: a title.
    pub prefix: String,
    /// Behind it.
    pub suffix: String,
}

/// An organisation and the part of it (RFC 6350, section 6.6.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// Its name; empty for none.
    pub name: String,
    /// The units, from the largest to the smallest.
    pub units: Vec<String>,
}

/// A way to reach somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Point {
    /// The address, number or URI.
    pub value: String,
    /// What it is for.
    pub of: Purpose,
}

/// What an address or number is for (RFC 6350, section 5.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purpose {
    /// Types in lower case, sorted, each once: `home`, `work`, `cell`.
    pub types: Vec<String>,
    /// A person's own word for it (`X-ABLabel`).
    pub label: Option<String>,
    /// Whether it is to be taken before others of its kind.
    pub is_preferred: bool,
}

/// A postal address (RFC 6350, section 6.3.1). A part with several values has them joined by `, `.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostalAddress {
    /// Post office box.
    pub post_box: String,
    /// Apartment or suite.
    pub extended: String,
    /// Street and number.
    pub street: String,
    /// City.
    pub locality: String,
    /// State or province.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: String,
    /// What it is for.
    pub of: Purpose,
}

/// A day of which parts may be unknown (RFC 6350, section 4.3.1). At least one part is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialDate {
    /// 0 to 9999.
    pub year: Option<u16>,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to 31.
    pub day: Option<u8>,
}

/// A day to remember.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelledDate {
    /// The day.
    pub date: PartialDate,
    /// What happened.
    pub label: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Photo {
    /// The picture itself.
    Bytes {
        /// Its media type, such as `image/jpeg`, where it is told.
        media_type: Option<String>,
        /// Its octets.
        data: Vec<u8>,
    },
    /// Where it is to be had. It is never fetched.
    Uri(String),
}

impl fmt::Display for PartialDate {
    /// `1985-04-12`, `1985-04`, `1985`, `--04-12`, `--04`, `---12`, as RFC 6350, section 4.3.1, writes them, with hyphens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => write!(f, "{year:04}-{month:02}-{day:02}"),
            (Some(year), Some(month), None) => write!(f, "{year:04}-{month:02}"),
            (Some(year), None, _) => write!(f, "{year:04}"),
            (None, Some(month), Some(day)) => write!(f, "--{month:02}-{day:02}"),
            (None, Some(month), None) => write!(f, "--{month:02}"),
            (None, None, Some(day)) => write!(f, "---{day:02}"),
            (None, None, None) => Ok(()),
        }
    }
}

impl FromStr for PartialDate {
    type Err = IdParseError;

    fn from_str(text: &str) -> Result<Self, IdParseError> {
        let refused = || IdParseError {
            found: text.to_owned(),
            expected: "a day: 1985-04-12, or with parts left out 1985-04, 1985, --04-12",
        };
        let (year, rest) = match text.strip_prefix("--") {
            Some(rest) => (None, rest),
            None => match text.split_once('-') {
                Some((year, rest)) => (Some(year), rest),
                None => (Some(text), ""),
            },
        };
        let (month, day) = match rest.split_once('-') {
            Some((month, day)) => (month, day),
            None => (rest, ""),
        };
        let number = |text: &str, digits: usize, least: u16, most: u16| match text {
            "" => Ok(None),
            _ if text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit()) => {
                let number = text.parse().ok().filter(|number| (least..=most).contains(number));
                number.map(Some).ok_or_else(refused)
            }
            _ => Err(refused()),
        };
        let small = |number: Option<u16>| number.and_then(|number| u8::try_from(number).ok());
        let date = Self {
            year: number(year.unwrap_or_default(), 4, 0, 9999)?,
            month: small(number(month, 2, 1, 12)?),
            day: small(number(day, 2, 1, 31)?),
        };
        // Whatever leaves something out in the middle reads back as something else.
        if date == Self::default() || date.to_string() != text { Err(refused()) } else { Ok(date) }
    }
}

impl PostalAddress {
    /// Its parts in the order of `ADR` (RFC 6350, section 6.3.1).
    pub fn parts(&self) -> [&str; 7] {
        [
            &self.post_box,
            &self.extended,
            &self.street,
            &self.locality,
            &self.region,
            &self.postal_code,
            &self.country,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_back_what_it_prints_with_any_part_left_out_that_may_be() {
        for text in ["1985-04-12", "1985-04", "1985", "--04-12", "--04", "---12"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "-",
            "--",
            "1985--12",
            "85-04-12",
            "1985-13-01",
            "1985-00-01",
            "1985-04-32",
            "1985-4-1",
            "12 April",
            "1985-04-12T",
        ] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }
}
