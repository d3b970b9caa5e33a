//! What an address or number is for: types, the person's own label, preference.

use calcard::common::{IanaParse, IanaString};
use calcard::vcard::{
    VCardEntry, VCardParameter, VCardParameterName as Name, VCardParameterValue as Value, VCardType,
};
use postrider_model::Purpose;

use super::Version;

/// What an entry's parameters say. `pref` is a type up to 3.0 (RFC 2426, section 3.2.1), and a parameter since (RFC 6350, section
/// 5.3); `internet` and `voice` are what an address and a number are anyway.
pub(super) fn purpose(entry: &VCardEntry, label: Option<String>) -> Purpose {
    let mut types: Vec<String> = entry.params.iter().filter_map(type_name).collect();
    let is_preferred =
        types.iter().any(|name| name == "pref") || entry.params.iter().any(|param| param.name == Name::Pref);
    types.retain(|name| !matches!(name.as_str(), "pref" | "internet" | "voice"));
    types.sort_unstable();
    types.dedup();
    Purpose { types, label, is_preferred }
}

/// The types that a parameter names. In 2.1 a type stands alone: `TEL;HOME`.
fn type_name(param: &VCardParameter) -> Option<String> {
    match (&param.name, &param.value) {
        (Name::Type, Value::Type(known)) => Some(known.as_str().to_ascii_lowercase()),
        (Name::Type, Value::Text(other)) => Some(other.trim().to_lowercase()).filter(|name| !name.is_empty()),
        (Name::Other(name), Value::Null) => Some(name.to_lowercase()),
        _ => None,
    }
}

/// Gives an entry the parameters for that purpose; others that it has stay.
pub(super) fn give_purpose(entry: &mut VCardEntry, of: &Purpose, version: Version) {
    let kept = ["internet", "voice"];
    entry.params.retain(|param| {
        param.name != Name::Pref && type_name(param).is_none_or(|name| kept.contains(&name.as_str()))
    });
    let mut types = of.types.clone();
    if of.is_preferred {
        match version {
            Version::V3 => types.push("pref".to_owned()),
            Version::V4 => entry.params.push(VCardParameter::pref(Value::Integer(1))),
        }
    }
    entry.params.extend(types.into_iter().map(|name| {
        VCardParameter::typ(match VCardType::parse(name.as_bytes()) {
            Some(known) => Value::Type(known),
            None => Value::Text(name),
        })
    }));
}
