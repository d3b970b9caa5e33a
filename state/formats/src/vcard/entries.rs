//! Entries of a card, and what of them is text.

use calcard::vcard::{
    VCardEntry, VCardParameter, VCardParameterName, VCardParameterValue, VCardProperty, VCardValue,
};

use super::{Version, dates};

/// The values of an entry as texts; parts of a structured one with several values are joined.
pub(super) fn texts(entry: &VCardEntry, joint: &str) -> Vec<String> {
    entry
        .values
        .iter()
        .map(|value| match value {
            VCardValue::Component(parts) => parts
                .iter()
                .map(|part| part.trim())
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(joint),
            other => other.as_text().unwrap_or_default().trim().to_owned(),
        })
        .collect()
}

/// The first value of an entry, where it is text and not empty.
pub(super) fn text(entry: &VCardEntry) -> Option<String> {
    texts(entry, ",").into_iter().next().filter(|text| !text.is_empty())
}

/// A new entry of plain texts.
pub(super) fn entry(name: VCardProperty, texts: impl IntoIterator<Item = String>) -> VCardEntry {
    let values = texts.into_iter().map(VCardValue::Text).collect();
    VCardEntry { group: None, name, params: Vec::new(), values }
}

/// Whether it is a property that vCard does not define, of that name.
pub(super) fn is_other(entry: &VCardEntry, name: &str) -> bool {
    matches!(&entry.name, VCardProperty::Other(other) if other.eq_ignore_ascii_case(name))
}

/// A property's own label (`X-ABLabel`), which stands in the same group.
pub(super) fn label_of(entries: &[VCardEntry], group: Option<&str>) -> Option<String> {
    let group = group?;
    let label = entries.iter().find(|one| {
        is_other(one, "X-ABLABEL")
            && one.group.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(group))
    });
    label.and_then(text).map(|label| plain_label(&label).to_owned())
}

/// Apple wraps the labels that it translates: `_$!<HomePage>!$_`.
pub(super) fn plain_label(label: &str) -> &str {
    label.strip_prefix("_$!<").and_then(|label| label.strip_suffix(">!$_")).unwrap_or(label)
}

/// The entries as that version has them: dates in its form, what is preferred in its words, and in 3.0 the name in parts, which it
/// wants of every card (RFC 2426, section 3.1.2).
pub(super) fn in_version(mut entries: Vec<VCardEntry>, version: Version) -> Vec<VCardEntry> {
    for entry in &mut entries {
        let is_day =
            |value: &VCardValue| matches!(value, VCardValue::PartialDateTime(date) if date.hour.is_none());
        if entry.values.first().is_some_and(is_day)
            && let Some(date) = dates::date(entry)
            && !entry.params.iter().any(|param| matches!(param.name, VCardParameterName::Other(_)))
        {
            entry.values = vec![VCardValue::Text(dates::written(date, version))];
        }
        if version == Version::V3
            && let Some(param) = entry.params.iter_mut().find(|param| param.name == VCardParameterName::Pref)
        {
            *param = VCardParameter::typ(VCardParameterValue::Text("pref".to_owned()));
        }
    }
    if version == Version::V3 && !entries.iter().any(|entry| entry.name == VCardProperty::N) {
        entries.push(entry(VCardProperty::N, std::iter::repeat_n(String::new(), 5)));
    }
    entries
}
