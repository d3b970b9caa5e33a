//! What commands ask of an account's copy of an activity, as a run keeps it beside the link (`sync::activities::image`).

use serde::Deserialize;

/// As what an account's user has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CopyStands {
    /// They organize it.
    Organizer,
    /// They were asked to take part.
    Attendee,
    /// Whatever else.
    #[serde(other)]
    Otherwise,
}

#[derive(Deserialize)]
struct Copy {
    stands: CopyStands,
}

/// As what an account's user has an activity whose item is kept like that.
pub(crate) fn stands(image: &str) -> CopyStands {
    serde_json::from_str(image).map_or(CopyStands::Otherwise, |copy: Copy| copy.stands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_is_in_a_copy_is_read_and_all_else_gives_no_right() {
        let table = [
            ("{\"stands\":\"organizer\",\"shared\":{}}", CopyStands::Organizer),
            ("{\"stands\":\"attendee\"}", CopyStands::Attendee),
            ("{\"stands\":\"plain\"}", CopyStands::Otherwise),
            ("{}", CopyStands::Otherwise),
            ("", CopyStands::Otherwise),
        ];
        for (image, expected) in table {
            assert_eq!(stands(image), expected, "{image}");
        }
    }
}
