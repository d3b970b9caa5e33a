//! What a server offers, chosen when it is made.
//!
//! Rule: what is not offered is refused and counted as the client's mistake. `IMAP4rev1` is always there.

use std::collections::BTreeSet;
use std::fmt;

/// An extension that the IMAP head can offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// `AUTH=OAUTHBEARER` (RFC 7628).
    AuthOauthBearer,
    /// `AUTH=PLAIN` (RFC 4616).
    AuthPlain,
    /// `AUTH=XOAUTH2` (<https://developers.google.com/gmail/imap/xoauth2-protocol>).
    AuthXoauth2,
    /// `CHILDREN` (RFC 3348).
    Children,
    /// `COMPRESS=DEFLATE` (RFC 4978).
    CompressDeflate,
    /// `CONDSTORE` (RFC 7162).
    CondStore,
    /// `ENABLE` (RFC 5161).
    Enable,
    /// `ESEARCH` (RFC 4731).
    ESearch,
    /// `ID` (RFC 2971).
    Id,
    /// `IDLE` (RFC 2177).
    Idle,
    /// `LIST-EXTENDED` (RFC 5258).
    ListExtended,
    /// `LIST-STATUS` (RFC 5819).
    ListStatus,
    /// `LITERAL-` (RFC 7888): non-synchronizing literals up to 4096 octets.
    LiteralMinus,
    /// `LITERAL+` (RFC 7888): non-synchronizing literals of any size.
    LiteralPlus,
    /// `LOGINDISABLED` (RFC 3501 section 6.2.3).
    LoginDisabled,
    /// `MOVE` (RFC 6851).
    Move,
    /// `NAMESPACE` (RFC 2342).
    Namespace,
    /// `NOTIFY` (RFC 5465).
    Notify,
    /// `OBJECTID` (RFC 8474).
    ObjectId,
    /// `QRESYNC` (RFC 7162); brings `CONDSTORE` and `ENABLE` along.
    QResync,
    /// `SASL-IR` (RFC 4959).
    SaslIr,
    /// `SPECIAL-USE` (RFC 6154).
    SpecialUse,
    /// `STARTTLS` (RFC 3501 section 6.2.1): offered only to be broken by a fault, there is no TLS behind it.
    StartTls,
    /// `STATUS=SIZE` (RFC 8438).
    StatusSize,
    /// `UIDPLUS` (RFC 4315).
    UidPlus,
    /// `UNSELECT` (RFC 3691).
    Unselect,
    /// `UTF8=ACCEPT` (RFC 6855); brings `ENABLE` along.
    Utf8Accept,
    /// `X-GM-EXT-1` (<https://developers.google.com/gmail/imap/imap-extensions>); with it mailboxes are labels.
    XGmExt1,
}

impl Capability {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 28] = [
        Self::AuthOauthBearer,
        Self::AuthPlain,
        Self::AuthXoauth2,
        Self::Children,
        Self::CompressDeflate,
        Self::CondStore,
        Self::Enable,
        Self::ESearch,
        Self::Id,
        Self::Idle,
        Self::ListExtended,
        Self::ListStatus,
        Self::LiteralMinus,
        Self::LiteralPlus,
        Self::LoginDisabled,
        Self::Move,
        Self::Namespace,
        Self::Notify,
        Self::ObjectId,
        Self::QResync,
        Self::SaslIr,
        Self::SpecialUse,
        Self::StartTls,
        Self::StatusSize,
        Self::UidPlus,
        Self::Unselect,
        Self::Utf8Accept,
        Self::XGmExt1,
    ];

    /// The word in a CAPABILITY response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthOauthBearer => "AUTH=OAUTHBEARER",
            Self::AuthPlain => "AUTH=PLAIN",
            Self::AuthXoauth2 => "AUTH=XOAUTH2",
            Self::Children => "CHILDREN",
            Self::CompressDeflate => "COMPRESS=DEFLATE",
            Self::CondStore => "CONDSTORE",
            Self::Enable => "ENABLE",
            Self::ESearch => "ESEARCH",
            Self::Id => "ID",
            Self::Idle => "IDLE",
            Self::ListExtended => "LIST-EXTENDED",
            Self::ListStatus => "LIST-STATUS",
            Self::LiteralMinus => "LITERAL-",
            Self::LiteralPlus => "LITERAL+",
            Self::LoginDisabled => "LOGINDISABLED",
            Self::Move => "MOVE",
            Self::Namespace => "NAMESPACE",
            Self::Notify => "NOTIFY",
            Self::ObjectId => "OBJECTID",
            Self::QResync => "QRESYNC",
            Self::SaslIr => "SASL-IR",
            Self::SpecialUse => "SPECIAL-USE",
            Self::StartTls => "STARTTLS",
            Self::StatusSize => "STATUS=SIZE",
            Self::UidPlus => "UIDPLUS",
            Self::Unselect => "UNSELECT",
            Self::Utf8Accept => "UTF8=ACCEPT",
            Self::XGmExt1 => "X-GM-EXT-1",
        }
    }
}

/// A set of extensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capabilities(BTreeSet<Capability>);

impl Capabilities {
    /// `IMAP4rev1` alone.
    pub fn bare() -> Self {
        Self(BTreeSet::new())
    }

    /// All that a modern server offers: everything but `LITERAL-`, `LOGINDISABLED` and `STARTTLS`, which would take
    /// something away, and `X-GM-EXT-1`, which is Gmail's alone.
    pub fn all() -> Self {
        let odd =
            [Capability::LiteralMinus, Capability::LoginDisabled, Capability::StartTls, Capability::XGmExt1];
        Self(Capability::ALL.into_iter().filter(|one| !odd.contains(one)).collect())
    }

    /// What Gmail offers behind the login.
    pub fn gmail() -> Self {
        use Capability as C;
        Self::bare().with([
            C::AuthOauthBearer,
            C::AuthPlain,
            C::AuthXoauth2,
            C::Children,
            C::CompressDeflate,
            C::CondStore,
            C::Enable,
            C::ESearch,
            C::Id,
            C::Idle,
            C::ListExtended,
            C::ListStatus,
            C::LiteralMinus,
            C::Move,
            C::Namespace,
            C::SaslIr,
            C::SpecialUse,
            C::UidPlus,
            C::Unselect,
            C::Utf8Accept,
            C::XGmExt1,
        ])
    }

    /// These besides, with what they bring along.
    #[must_use]
    pub fn with<const N: usize>(mut self, more: [Capability; N]) -> Self {
        for one in more {
            self.0.insert(one);
            let brings: &[Capability] = match one {
                Capability::QResync => &[Capability::CondStore, Capability::Enable],
                Capability::Utf8Accept => &[Capability::Enable],
                _ => &[],
            };
            self.0.extend(brings);
        }
        self
    }

    /// Without these, and without what needs them.
    #[must_use]
    pub fn without<const N: usize>(mut self, fewer: [Capability; N]) -> Self {
        for one in fewer {
            self.0.remove(&one);
            let needing: &[Capability] = match one {
                Capability::CondStore => &[Capability::QResync],
                Capability::Enable => &[Capability::QResync, Capability::Utf8Accept],
                _ => &[],
            };
            needing.iter().for_each(|one| {
                self.0.remove(one);
            });
        }
        self
    }

    /// Whether it is offered.
    pub fn has(&self, one: Capability) -> bool {
        self.0.contains(&one)
    }
}

/// The words of a CAPABILITY response, `IMAP4rev1` first.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IMAP4rev1")?;
        self.0.iter().try_for_each(|one| write!(f, " {}", one.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_another_goes_with_it() {
        let some = Capabilities::bare().with([Capability::QResync]);
        assert_eq!(some.to_string(), "IMAP4rev1 CONDSTORE ENABLE QRESYNC");
        assert_eq!(some.without([Capability::CondStore]).to_string(), "IMAP4rev1 ENABLE");
        assert!(!Capabilities::all().without([Capability::Enable]).has(Capability::Utf8Accept));
    }
}
