//! A command line understood (RFC 5321, section 4.1), or the reason why it is none. Strict: one space between words, no
//! space behind `FROM:` and `TO:`, no parameter that the RFCs do not know.

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    StartTls,
    Auth { mechanism: String, initial: Option<String> },
    Mail { from: String, parameters: Vec<String> },
    Rcpt { to: String, parameters: Vec<String> },
    Data,
    Rset,
    Noop,
    Quit,
}

/// What a line cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub code: u16,
    pub why: String,
}

/// The first word of a line, in capitals: the command's name, as far as it has one.
pub(super) fn name(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_ascii_uppercase()
}

/// Understands a line.
pub(super) fn parse(line: &str) -> Result<Command, Malformed> {
    let (_, rest) = line.split_once(' ').unwrap_or((line, ""));
    let has_more = line.contains(' ');
    let alone = |command| {
        if has_more { Err(wrong("a command that takes nothing was given something")) } else { Ok(command) }
    };
    match name(line).as_str() {
        "EHLO" => named(rest).map(|()| Command::Ehlo),
        "HELO" => named(rest).map(|()| Command::Helo),
        "STARTTLS" => alone(Command::StartTls),
        "AUTH" => auth(rest),
        "MAIL" => path(rest, "FROM:").map(|(from, parameters)| Command::Mail { from, parameters }),
        "RCPT" => match path(rest, "TO:")? {
            (to, _) if to.is_empty() => Err(wrong("a recipient without an address")),
            (to, parameters) => Ok(Command::Rcpt { to, parameters }),
        },
        "DATA" => alone(Command::Data),
        "RSET" => alone(Command::Rset),
        "NOOP" => Ok(Command::Noop),
        "QUIT" => alone(Command::Quit),
        _ => Err(Malformed { code: 500, why: "an unknown command".to_owned() }),
    }
}

fn wrong(why: impl Into<String>) -> Malformed {
    Malformed { code: 501, why: why.into() }
}

fn named(rest: &str) -> Result<(), Malformed> {
    let fits = !rest.is_empty() && rest.bytes().all(|octet| octet.is_ascii_graphic());
    if fits { Ok(()) } else { Err(wrong("a greeting without a name")) }
}

fn auth(rest: &str) -> Result<Command, Malformed> {
    let mut words = rest.split(' ');
    let (mechanism, initial) = (words.next().unwrap_or_default(), words.next());
    if mechanism.is_empty() || words.next().is_some() || initial == Some("") {
        return Err(wrong("AUTH wants a mechanism and at most one response"));
    }
    Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial: initial.map(str::to_owned) })
}

/// `FROM:<path>` and its parameters, whose keywords are of any case (RFC 5321, section 2.4) and are told in capitals.
fn path(rest: &str, keyword: &str) -> Result<(String, Vec<String>), Malformed> {
    let start = rest.get(..keyword.len()).filter(|word| word.eq_ignore_ascii_case(keyword));
    let inner = start.and(rest.get(keyword.len()..)).and_then(|rest| rest.strip_prefix('<'));
    let inner = inner.ok_or_else(|| wrong(format!("{keyword}<path> was expected")))?;
    let end = end_of_path(inner).ok_or_else(|| wrong("a path without its end"))?;
    let (address, behind) = inner.split_at(end);
    check_address(address)?;
    let behind = behind.strip_prefix('>').unwrap_or_default();
    if behind.is_empty() {
        return Ok((address.to_owned(), Vec::new()));
    }
    let behind = behind.strip_prefix(' ').ok_or_else(|| wrong("something sticks to the path"))?;
    let parameters: Vec<String> = behind.split(' ').map(in_capitals).collect();
    if parameters.iter().any(String::is_empty) {
        return Err(wrong("an empty parameter"));
    }
    Ok((address.to_owned(), parameters))
}

fn in_capitals(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((keyword, value)) => format!("{}={value}", keyword.to_ascii_uppercase()),
        None => parameter.to_ascii_uppercase(),
    }
}

/// Where the first `>` outside quotes stands.
fn end_of_path(inner: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in inner.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn check_address(address: &str) -> Result<(), Malformed> {
    if address.is_empty() {
        return Ok(());
    }
    let (local, domain) = address.rsplit_once('@').ok_or_else(|| wrong("an address without a domain"))?;
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let odd = |c: char| c.is_control() || (!quoted && (c.is_whitespace() || "<>()[]:;,\\\"@".contains(c)));
    if local.is_empty() || local.chars().any(odd) {
        return Err(wrong("an odd local part"));
    }
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let plain = |c: char| c.is_alphanumeric() || ".-_".contains(c);
    if domain.is_empty() || (!literal && !domain.chars().all(plain)) {
        return Err(wrong("an odd domain"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood_strictly() {
        let mail = |from: &str, parameters: &[&str]| {
            let parameters = parameters.iter().map(|one| (*one).to_owned()).collect();
            Ok(Command::Mail { from: from.to_owned(), parameters })
        };
        assert_eq!(parse("MAIL FROM:<>"), mail("", &[]));
        assert_eq!(parse("mail from:<a@b.test> size=5 smtpUTF8"), mail("a@b.test", &["SIZE=5", "SMTPUTF8"]));
        assert_eq!(parse("MAIL FROM:<\"a>b\"@c.test>"), mail("\"a>b\"@c.test", &[]));
        assert_eq!(parse("quit"), Ok(Command::Quit));
        let auth = |initial: Option<&str>| {
            Ok(Command::Auth { mechanism: "PLAIN".to_owned(), initial: initial.map(str::to_owned) })
        };
        assert_eq!(parse("AUTH PLAIN"), auth(None));
        assert_eq!(parse("AUTH plain AGE="), auth(Some("AGE=")));
        for (line, code) in [
            ("MAIL FROM: <a@b.test>", 501),
            ("MAIL FROM:a@b.test", 501),
            ("MAIL FROM:<a@b.test", 501),
            ("MAIL FROM:<a@b.test>SIZE=5", 501),
            ("MAIL FROM:<a@b.test>  SIZE=5", 501),
            ("MAIL FROM:<a b@c.test>", 501),
            ("MAIL FROM:<a>", 501),
            ("RCPT TO:<>", 501),
            ("RCPT FROM:<a@b.test>", 501),
            ("EHLO", 501),
            ("EHLO ", 501),
            ("DATA now", 501),
            ("AUTH", 501),
            ("AUTH PLAIN a b", 501),
            ("VERY ODD", 500),
            ("", 500),
        ] {
            assert_eq!(parse(line).map_err(|malformed| malformed.code), Err(code), "{line}");
        }
    }
}
