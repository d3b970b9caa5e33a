//! A person or an organisation, as people keep them in address books (F3.1).

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
