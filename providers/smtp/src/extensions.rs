//! What a server said that it can (RFC 5321, section 4.1.1.1). Before TLS and after it this is told anew.

/// The extensions of one answer to EHLO; none of a server that knows HELO alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extensions(Vec<String>);

impl Extensions {
    /// From the answer's lines, the first of which is the server's name.
    pub(crate) fn from_reply(lines: &[String]) -> Self {
        Self(lines.iter().skip(1).map(|line| line.trim().to_ascii_uppercase()).collect())
    }

    /// As they were told, in capitals.
    pub(crate) fn lines(&self) -> &[String] {
        &self.0
    }

    /// Whether it is among them.
    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|line| line.split(' ').next() == Some(keyword))
    }

    /// Whether it takes that SASL mechanism: `AUTH PLAIN LOGIN`, and `AUTH=PLAIN LOGIN` of old servers.
    pub(crate) fn takes(&self, mechanism: &str) -> bool {
        let auth = |line: &&String| line.starts_with("AUTH ") || line.starts_with("AUTH=");
        self.0.iter().filter(auth).any(|line| line.split([' ', '=']).skip(1).any(|word| word == mechanism))
    }

    /// The largest message in octets, where the server names a limit; 0 names none (RFC 1870, section 4).
    pub(crate) fn size_limit(&self) -> Option<u64> {
        self.0
            .iter()
            .find_map(|line| line.strip_prefix("SIZE ")?.trim().parse().ok())
            .filter(|limit| *limit > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Extensions {
        Extensions::from_reply(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn keywords_are_whole_words_of_any_case_and_never_the_servers_name() {
        let offers = told(&["pipelining.test", "8bitMime", "SMTPUTF8", "auth=LOGIN xoauth2", "AUTH PLAIN"]);
        assert!(offers.has("8BITMIME") && offers.has("SMTPUTF8"));
        assert!(!offers.has("PIPELINING") && !offers.has("SMTP") && !offers.has("STARTTLS"));
        assert!(offers.takes("LOGIN") && offers.takes("XOAUTH2") && offers.takes("PLAIN"));
        assert!(!offers.takes("AUTH") && !offers.takes("OAUTHBEARER"));
    }

    #[test]
    fn a_size_of_nothing_is_no_limit() {
        for (line, limit) in [
            ("SIZE 35882577", Some(35_882_577)),
            ("SIZE 0", None),
            ("SIZE", None),
            ("SIZE many", None),
            ("SIZES 5", None),
        ] {
            assert_eq!(told(&["mail.test", line]).size_limit(), limit, "{line}");
        }
    }
}
