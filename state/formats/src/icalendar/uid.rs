//! By what one meeting is known everywhere (design, "One meeting").

/// With what Exchange's ids of meetings begin: the class of what follows ([MS-OXOCAL], section 2.2.1.27).
const CLASS: &str = "040000008200E00074C5B7101A82E008";
/// Where the date of an occurrence stands in one, in hexadecimal digits.
const OCCURRENCE: std::ops::Range<usize> = 32..40;
/// Where what was put into one begins.
const DATA: usize = 80;
/// With what it begins where it is the `UID` that some other program gave: `vCal-Uid`, and a 1 in four octets.
const FOREIGN: &str = "7643616C2D55696401000000";

/// The same for one meeting, whichever program wrote it: of an id of Exchange's the `UID` within it, where another program gave one, else
/// its digits in upper case and without the date of an occurrence (`CleanGlobalObjectId`); any other as it is.
pub fn meeting_uid(uid: &str) -> String {
    let uid = uid.trim();
    let is_exchange = uid.len() >= DATA
        && uid.len().is_multiple_of(2)
        && uid.bytes().all(|octet| octet.is_ascii_hexdigit())
        && uid.get(..CLASS.len()).is_some_and(|class| class.eq_ignore_ascii_case(CLASS));
    if !is_exchange {
        return uid.to_owned();
    }
    let mut upper = uid.to_ascii_uppercase();
    foreign(&upper).unwrap_or_else(|| {
        upper.replace_range(OCCURRENCE, "00000000");
        upper
    })
}

fn foreign(upper: &str) -> Option<String> {
    let digits = upper.get(DATA..)?.strip_prefix(FOREIGN)?;
    let octets = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let octets: Vec<u8> = octets.collect::<Option<_>>()?;
    let text = String::from_utf8(octets).ok()?;
    let text = text.trim_end_matches('\0').trim();
    let is_text = !text.is_empty() && !text.chars().any(char::is_control);
    is_text.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_meeting_has_one_uid() {
        let head = "040000008200E00074C5B7101A82E008";
        let own = format!(
            "{head}00000000C0A1B2C3D4E5D90100000000000000001000000000112233445566778899AABBCCDDEEFF00"
        );
        let of_occurrence = own.replacen("E00800000000", "E00807EA0314", 1).to_lowercase();
        let foreign = format!(
            "{head}000000000000000000000000000000000000000031000000{FOREIGN}{}00",
            hex("abc-1@google.com")
        );
        for (uid, expected) in [
            (own.as_str(), own.as_str()),
            (&of_occurrence, &own),
            (&foreign, "abc-1@google.com"),
            (&foreign.to_lowercase(), "abc-1@google.com"),
            (" abc-1@google.com ", "abc-1@google.com"),
            ("ABC@x", "ABC@x"),
            (head, head),
            ("", ""),
        ] {
            assert_eq!(meeting_uid(uid), expected, "{uid}");
        }
        // What is no text within it is no `UID`.
        let odd = format!("{head}000000000000000000000000000000000000000031000000{FOREIGN}FF00");
        assert_eq!(meeting_uid(&odd), odd);
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|octet| format!("{octet:02X}")).collect()
    }
}
