use std::fs;

use postrider_model::{
    Contact, LabelledDate, Organization, PartialDate, PersonName, Photo, Point, PostalAddress, Purpose,
};
use proptest::prelude::*;

use super::{Card, CardError, Version, dates};

const FILES: [&str; 5] = ["outlook-2.1", "google-3.0", "apple-3.0", "thunderbird-4.0", "nextcloud-4.0"];

fn file(name: &str) -> Vec<u8> {
    fs::read(format!("{}/../../fixtures/vcard/{name}.vcf", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn card(name: &str) -> Card {
    Card::read(&file(name)).unwrap()
}

fn point(value: &str, types: &[&str]) -> Point {
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    Point { value: value.to_owned(), of: Purpose { types, ..Purpose::default() } }
}

fn preferred(mut point: Point) -> Point {
    point.of.is_preferred = true;
    point
}

fn labelled(mut point: Point, label: &str) -> Point {
    point.of.label = Some(label.to_owned());
    point
}

fn day(year: u16, month: u8, day: u8) -> PartialDate {
    PartialDate { year: Some(year), month: Some(month), day: Some(day) }
}

#[test]
fn outlooks_quoted_printable_and_bare_types_are_read() {
    let contact = card("outlook-2.1").contact();
    assert_eq!(contact.display_name, "Евгений Мирный");
    assert_eq!((&*contact.name.family, &*contact.name.given), ("Мирный", "Евгений"));
    assert_eq!(
        contact.organization,
        Organization { name: "Example Ltd".into(), units: vec!["Sales".into()] }
    );
    assert_eq!(
        contact.phones,
        [
            point("+7 495 000-00-01", &["work"]),
            point("+7 900 000-00-02", &["cell"]),
            point("+7 495 000-00-03", &["fax", "work"])
        ]
    );
    assert_eq!(
        contact.emails,
        [preferred(point("e.mirny@example.com", &[])), point("mirny@example.org", &[])]
    );
    assert_eq!(contact.birthday, Some(day(1985, 4, 12)));
    assert_eq!(contact.addresses.first().map(|one| &*one.street), Some("1 Long Street"));
    let Some(Photo::Bytes { data, .. }) = contact.photo else { panic!("{:?}", contact.photo) };
    assert!(data.starts_with(b"\xff\xd8\xff\xe0JFIF") && data.len() == 4 + 6 * 29, "{}", data.len());
}

#[test]
fn googles_labels_and_lists_are_read() {
    let contact = card("google-3.0").contact();
    assert_eq!(contact.display_name, "Dr. Vera Petrovna Orlova, PhD");
    let name = ["Orlova", "Vera", "Petrovna", "Dr.", "PhD"].map(str::to_owned);
    let [family, given, additional, prefix, suffix] = name;
    assert_eq!(contact.name, PersonName { family, given, additional, prefix, suffix });
    assert_eq!(contact.nicknames, ["Verochka", "V"]);
    let club = labelled(point("vera.club@example.org", &[]), "Chess club");
    assert_eq!(contact.emails, [point("vera@example.com", &["home"]), club]);
    assert_eq!(contact.birthday, Some(PartialDate { year: None, month: Some(4), day: Some(12) }));
    let label = Some("Anniversary".to_owned());
    assert_eq!(contact.other_dates, [LabelledDate { date: day(2010, 5, 5), label }]);
    assert_eq!(contact.pages, [labelled(point("https://vera.example.com/", &[]), "HomePage")]);
    assert_eq!(contact.notes, ["Met in 2019; plays chess, and well.\nCalls back."]);
    assert_eq!(contact.categories, ["Friends", "myContacts"]);
    let uri = "https://lh3.googleusercontent.example/contacts/abc".to_owned();
    assert_eq!(contact.photo, Some(Photo::Uri(uri)));
    assert_eq!(contact.messengers, [point("xmpp:vera@example.com", &[])]);
}

#[test]
fn apples_year_that_is_none_is_none() {
    let contact = card("apple-3.0").contact();
    assert_eq!(contact.display_name, "Åsa Lindqvist");
    assert_eq!(contact.birthday, Some(PartialDate { year: None, month: Some(6), day: Some(21) }));
    assert_eq!(contact.emails, [preferred(point("asa@example.se", &["work"]))]);
    assert_eq!(contact.phones.last(), Some(&labelled(point("+46 8 123 458", &[]), "Sommarhus")));
    assert_eq!(contact.uid.as_deref(), Some("5A0E2C1E-1111-4222-8333-0123456789AB"));
}

#[test]
fn version_four_is_read() {
    let contact = card("thunderbird-4.0").contact();
    assert_eq!(
        contact.emails,
        [preferred(point("jane@example.net", &[])), point("jane.doe@example.com", &["work"])]
    );
    assert_eq!(contact.pages, [point("https://jane.example.net/?a=1,2;b=3", &["home"])]);
    assert_eq!(contact.birthday, Some(day(1979, 2, 3)));
    assert_eq!(contact.anniversary, Some(PartialDate { year: None, month: Some(7), day: Some(4) }));
    let note = "A note with a very long line that is folded over more than one physical line of the f ile, and with commas.";
    assert_eq!(contact.notes, [note]);
    let contact = card("nextcloud-4.0").contact();
    assert_eq!(contact.phones, [point("tel:+74950000010", &["work"])]);
    assert_eq!(contact.addresses.first().map(|one| &*one.street), Some("ул. Ленина, 1"));
    assert_eq!(contact.categories, ["Клиенты", "Север"]);
}

#[test]
fn what_was_not_changed_goes_out_byte_for_byte() {
    for name in FILES {
        let card = card(name);
        assert_eq!(card.text().as_bytes(), file(name), "{name}");
        assert_eq!(card.with(&card.contact()).text().as_bytes(), file(name), "{name}");
    }
}

/// The properties of a card, as they are written in version 4, sorted; but for those of these names.
fn lines(card: &Card, but: &[&str]) -> Vec<String> {
    let text = card.text_in(Version::V4).into_owned();
    let text = Card::read(text.as_bytes()).unwrap().written(Version::V4).replace("\r\n ", "");
    let is_other = |line: &&str| !but.iter().any(|name| line.to_ascii_uppercase().contains(name));
    let mut lines: Vec<String> = text.lines().filter(is_other).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn a_change_touches_what_it_changes_and_nothing_else() {
    for name in FILES {
        let card = card(name);
        let mut contact = card.contact();
        contact.job_title = Some("Director, of; everything".to_owned());
        contact.emails.push(labelled(point("new@example.com", &["work"]), "Office"));
        let changed = card.with(&contact);
        assert_eq!(changed.contact(), contact, "{name}");
        let but = ["TITLE", "NEW@EXAMPLE.COM", "X-ABLABEL", "VERSION:"];
        assert_eq!(lines(&changed, &but), lines(&card, &but), "{name}");
        let again = Card::read(changed.text().as_bytes()).unwrap();
        assert_eq!(again.contact(), contact, "{name}: {}", changed.text());
    }
}

#[test]
fn each_version_says_the_same() {
    for name in FILES {
        let card = card(name);
        for version in [Version::V3, Version::V4] {
            let text = card.text_in(version);
            let mut again = Card::read(text.as_bytes()).unwrap().contact();
            let mut contact = card.contact();
            // A picture's media type has no place in 2.1 and 3.0 but as a word of its own.
            for one in [&mut again, &mut contact] {
                if let Some(Photo::Bytes { media_type, .. }) = &mut one.photo {
                    *media_type = None;
                }
            }
            assert_eq!(again, contact, "{name} as {version:?}: {text}");
        }
    }
}

#[test]
fn a_label_that_is_translated_stays_what_it_is() {
    let card = card("google-3.0");
    let mut contact = card.contact();
    contact.pages.push(point("https://two.example.com/", &[]));
    let text = card.with(&contact).text().into_owned();
    assert!(text.contains("_$!<HomePage>!$_"), "{text}");
    contact.pages.remove(0);
    let text = card.with(&contact).text().into_owned();
    assert!(!text.contains("HomePage") && text.contains("_$!<Spouse>!$_"), "{text}");
}

#[test]
fn a_file_holds_several_cards_and_what_is_wrong_with_one_is_said_of_that_one() {
    let all = Card::read_all(&file("several"));
    let names: Vec<Result<String, CardError>> = all
        .iter()
        .map(|card| card.as_ref().map(|card| card.contact().display_name).map_err(Clone::clone))
        .collect();
    let expected =
        [Ok("One".into()), Ok("Two".into()), Ok(String::new()), Err(CardError::Unterminated { line: 23 })];
    assert_eq!(names, expected);
    let three = all[2].as_ref().unwrap();
    assert_eq!(three.contact().emails, [point("three@example.com", &[])], "the agent's is another's");
    assert!(three.text().contains("agent@example.com"));
}

#[test]
fn a_fold_within_a_character_is_joined_before_it_is_read() {
    let text = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:\u{416}\r\nEND:VCARD\r\n".as_bytes();
    let at = text.iter().position(|octet| *octet == 0xd0).unwrap() + 1;
    let folded = [&text[..at], b"\r\n ", &text[at..]].concat();
    assert_eq!(Card::read(&folded).unwrap().contact().display_name, "Ж");
    let latin = b"BEGIN:VCARD\nVERSION:2.1\nFN:Ren\xe9\nEND:VCARD\n";
    assert_eq!(Card::read(latin).unwrap().contact().display_name, "René");
}

#[test]
fn a_new_card_has_what_a_card_must_have() {
    let contact = Contact { emails: vec![point("a@example.com", &[])], ..Contact::default() };
    let card = Card::new(&contact);
    assert_eq!(card.contact().display_name, "a@example.com");
    let v3 = card.text_in(Version::V3).into_owned();
    assert!(v3.contains("\r\nN:;;;;\r\n") && v3.contains("\r\nVERSION:3.0\r\n"), "{v3}");
}

#[test]
fn dates_are_read_in_every_form() {
    let date = |year, month, day| Some(PartialDate { year, month, day });
    let table = [
        ("19850412", date(Some(1985), Some(4), Some(12))),
        ("1985-04-12", date(Some(1985), Some(4), Some(12))),
        ("1985-04-12T00:00:00Z", date(Some(1985), Some(4), Some(12))),
        ("1985-04", date(Some(1985), Some(4), None)),
        ("1985", date(Some(1985), None, None)),
        ("--0412", date(None, Some(4), Some(12))),
        ("--04-12", date(None, Some(4), Some(12))),
        ("--04", date(None, Some(4), None)),
        ("---12", date(None, None, Some(12))),
        ("circa 1800", None),
        ("", None),
        ("19851312", None),
        ("ж985", None),
    ];
    for (text, expected) in table {
        assert_eq!(dates::parse(text), expected, "{text}");
        for version in [Version::V3, Version::V4] {
            if let Some(date) = expected {
                assert_eq!(dates::parse(&dates::written(date, version)), expected, "{text}");
            }
        }
    }
}

#[test]
fn a_day_without_a_year_is_read_with_and_without_a_dash() {
    for text in ["--04-12", "--0412"] {
        for line in [format!("BDAY:{text}"), format!("item1.BDAY;VALUE=date:{text}")] {
            let card = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n{line}\r\nEND:VCARD\r\n");
            let birthday = Card::read(card.as_bytes()).unwrap().contact().birthday;
            assert_eq!(birthday, Some(PartialDate { year: None, month: Some(4), day: Some(12) }), "{line}");
        }
    }
}

/// What somebody else's reader makes of our text: each line is a property, and each value is whole, but for the blanks before a fold,
/// which it loses.
fn another_reader_agrees(text: &str) {
    let unfolded = text.replace("\r\n ", "");
    let theirs: Vec<_> = ical::VcardParser::new(text.as_bytes()).collect::<Result<_, _>>().unwrap();
    let [theirs] = theirs.as_slice() else { panic!("{} cards in {text}", theirs.len()) };
    let lines = unfolded.lines().filter(|line| !line.starts_with("BEGIN:") && !line.starts_with("END:"));
    for (line, property) in lines.zip(&theirs.properties) {
        let value = property.value.as_deref().unwrap_or_default();
        let (line, value) = (line.replace(' ', ""), value.replace(' ', ""));
        assert!(line.ends_with(&format!(":{value}")), "{line}: {property:?}");
    }
}

prop_compose! {
    fn purposes()(
        types in prop::collection::btree_set(prop::sample::select(vec!["home", "work", "cell", "fax", "x-own"]), 0..3),
        label in prop::option::of("[A-Za-z;,\\\\ж ]{0,6}[a-z]"), is_preferred: bool,
    ) -> Purpose {
        let label = label.map(|label| label.trim().to_owned());
        Purpose { types: types.into_iter().map(str::to_owned).collect(), label, is_preferred }
    }
}

prop_compose! {
    fn points()(value in "[a-z]{1,4}(@|[;:,\\\\\"ж ])[a-z.]{1,6}", of in purposes()) -> Point {
        Point { value, of }
    }
}

prop_compose! {
    fn places()(parts in prop::array::uniform7("([a-zж;,\\\\:\"\n][a-z])?"), of in purposes()) -> Option<PostalAddress> {
        let trimmed = parts.map(|part: String| part.trim().to_owned());
        let is_said = trimmed.iter().any(|part| !part.is_empty());
        let [post_box, extended, street, locality, region, postal_code, country] = trimmed;
        is_said.then_some(PostalAddress { post_box, extended, street, locality, region, postal_code, country, of })
    }
}

prop_compose! {
    fn contacts()(
        names in prop::array::uniform5("([a-zж;,\\\\][a-z])?"), display_name in "[A-Z][a-zж;,:\\\\\"]{0,5}z",
        nicknames in prop::collection::vec("[a-z;,\\\\ж]{0,3}x", 0..3),
        emails in prop::collection::vec(points(), 0..4), phones in prop::collection::vec(points(), 0..3),
        addresses in prop::collection::vec(places(), 0..3),
        other_dates in prop::collection::vec((1u16..9999, 1u8..=12, 1u8..=28, prop::option::of("[a-z]{1,4}")), 0..3),
        birthday in prop::option::of((prop::option::of(1u16..9999), 1u8..=12, 1u8..=28)),
        notes in prop::collection::vec("[a-z\n;,\\\\:ж ]{0,90}z", 0..2),
        photo in prop::option::of(prop::collection::vec(any::<u8>(), 1..200)), job_title in prop::option::of("[a-zж;,\\\\]{0,5}x"),
    ) -> Contact {
        let [family, given, additional, prefix, suffix] = names;
        Contact {
            name: PersonName { family, given, additional, prefix, suffix },
            display_name, nicknames, emails, phones, job_title,
            addresses: addresses.into_iter().flatten().collect(),
            other_dates: other_dates
                .into_iter()
                .map(|(y, m, d, label)| LabelledDate { date: day(y, m, d), label })
                .collect(),
            birthday: birthday.map(|(year, m, d)| PartialDate { year, month: Some(m), day: Some(d) }),
            notes: notes.into_iter().map(|note| note.trim().to_owned()).collect(),
            photo: photo.map(|data| Photo::Bytes { media_type: Some("image/png".to_owned()), data }),
            ..Contact::default()
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(contact in contacts(), other in contacts()) {
        let card = Card::new(&contact);
        let again = Card::read(card.text().as_bytes()).unwrap();
        for version in [Version::V3, Version::V4] {
            another_reader_agrees(&card.text_in(version));
        }
        prop_assert_eq!(again.contact(), contact, "{}", card.text());
        let changed = Card::read(again.with(&other).text().as_bytes()).unwrap();
        prop_assert_eq!(changed.contact(), other, "{}", changed.text());
    }

    #[test]
    fn whatever_comes_is_answered(text in "(BEGIN:VCARD\r\n)?(VERSION:[234].[01]\r\n)?([A-Z]{1,5}[;:=,.\"\\\\A-Zж0-9-]{0,12}\r?\n ?){0,6}(END:VCARD)?") {
        for card in Card::read_all(text.as_bytes()).into_iter().flatten() {
            let contact = card.contact();
            let changed = Contact { job_title: Some("new".to_owned()), ..contact };
            let again = card.with(&changed);
            prop_assert_eq!(again.contact().job_title, changed.job_title);
        }
    }
}
