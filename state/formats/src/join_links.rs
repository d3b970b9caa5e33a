//! Where an online meeting is joined, as people and programs write it into the place or the description of an appointment (F9.1).
//!
//! A **mask** is a pattern of the links by which the meetings of one service are joined. Masks are held against links, never against
//! text: a link is found first, so that no mask has to know where one ends, and a link to another host that has a service's name in its
//! path is none of that service.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

/// Of the texts no more octets than these are looked at.
pub const MAX_TEXT: usize = 64 * 1024;
/// No link is longer.
pub const MAX_LINK: usize = 2 * 1024;
/// Of the texts no more links than these are looked at.
pub const MAX_LINKS: usize = 1_000;
/// Of masks that are given besides there are no more than these.
pub const MAX_MASKS: usize = 100;
/// No mask is longer.
pub const MAX_MASK: usize = 500;
/// What a mask may take once it is compiled, in octets.
const MAX_COMPILED: usize = 256 * 1024;

/// Known services, by host and path.
const BUILT_IN: [&str; 19] = [
    // Microsoft Teams: of organisations, of governments, of persons.
    r"(?:[a-z]+\.)?teams\.microsoft\.(?:com|us)/(?:l/meetup-join/.+|meet/\d+)",
    r"teams\.live\.com/meet/\d+",
    // Zoom: meetings, personal rooms, webinars, in the browser.
    r"(?:[a-z0-9-]+\.)*zoom(?:\.us|\.com|\.com\.cn|gov\.com)/(?:j|w|s)/\d{9,12}\b",
    r"(?:[a-z0-9-]+\.)*zoom(?:\.us|\.com|\.com\.cn|gov\.com)/my/[a-z0-9._-]+",
    r"(?:[a-z0-9-]+\.)*zoom(?:\.us|\.com|\.com\.cn|gov\.com)/wc/(?:join/\d{9,12}|\d{9,12}/(?:join|start))",
    // Webex: personal rooms, meetings and events.
    r"[a-z0-9-]+\.webex\.com/(?:meet|join)/[^/?#]+",
    r"[a-z0-9-]+\.webex\.com/[^?#]+/[je]\.php\?(?:[^#]*&)?MTID=[a-z0-9]+",
    r"[a-z0-9-]+\.webex\.com/(?:wbxmjs/joinservice/|webappng/)sites/[^/?#]+/meeting/.+",
    // join.me: numbers, and names of persons.
    r"(?:secure\.)?join\.me/[a-z0-9][a-z0-9._-]+/?(?:[?#]|$)",
    // AnyMeeting: numbers, names of persons, ids.
    r"(?:(?:www|meetings?)\.)?anymeeting\.com/[a-z0-9=][a-z0-9=._-]+/?(?:[?#]|$)",
    r"(?:www\.)?anymeeting\.com/[a-z0-9._-]+/E[0-9A-F]{8,}",
    // GoToMeeting.
    r"(?:[a-z0-9-]+\.)?gotomeeting\.com/join/\d+",
    r"(?:app\.goto\.com/meeting/|meet\.goto\.com/|(?:www\.)?gotomeet\.me/)[a-z0-9._-]+",
    // Google Meet.
    r"meet\.google\.com/(?:[a-z]{3}-[a-z]{4}-[a-z]{3}\b|lookup/[a-z0-9]+)",
    // TrueConf: servers stand at their owners', most of them under this name.
    r"(?:[a-z0-9-]+\.)*[a-z0-9-]*trueconf[a-z0-9-]*(?:\.[a-z0-9-]+)+(?::\d+)?/(?:c|webrtc)/[^/?#]+",
    // Yandex Telemost.
    r"telemost\.(?:360\.)?yandex\.(?:ru|com|kz|by|uz)/(?:j|live)/[a-z0-9]{8,}",
    // SberJazz.
    r"(?:[a-z0-9-]+\.)?(?:salutejazz\.ru|jazz\.sber\.ru)/(?:#/)?calls/[a-z0-9]+",
    r"(?:[a-z0-9-]+\.)?(?:salutejazz\.ru|jazz\.sber\.ru)/[a-z0-9-]+(?:@[a-z0-9.-]+)?\?(?:[^#]*&)?psw=",
    r"(?:[a-z0-9-]+\.)?salutejazz\.ru/s/[a-z0-9]{5,}",
];

/// Pages of those services whose links to people look no different.
const PAGES: [&str; 16] = [
    "about",
    "account",
    "app",
    "blog",
    "contact",
    "download",
    "features",
    "help",
    "index.html",
    "login",
    "pricing",
    "privacy",
    "signin",
    "signup",
    "support",
    "terms",
];

/// What is wrong with a mask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MaskError {
    /// There are more than [`MAX_MASKS`].
    #[error("there are {count} masks of join links; at most {MAX_MASKS} can be used")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// It is no pattern that can be used.
    #[error("the mask of join links `{mask}` cannot be used: {why}")]
    Invalid {
        /// As it was given, cut where it is long.
        mask: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Masks, ready to be used.
#[derive(Debug, Clone)]
pub struct Masks {
    masks: Vec<Regex>,
}

impl Masks {
    /// The built-in ones and further ones. Each is a pattern in the syntax of the crate `regex`, in any case, of how a link goes on behind
    /// `https://`: `meet\.example\.com/[a-z]+`. What follows the part that it matches belongs to the link too.
    ///
    /// # Errors
    /// A pattern that cannot be used, or too many.
    pub fn new(further: &[String]) -> Result<Self, MaskError> {
        if further.len() > MAX_MASKS {
            return Err(MaskError::TooMany { count: further.len() });
        }
        let all = BUILT_IN.iter().copied().chain(further.iter().map(String::as_str));
        Ok(Self { masks: all.map(compiled).collect::<Result<_, _>>()? })
    }

    /// Where the meeting is joined: the first link that a mask knows, of the place before the description. A link without `https://` gets
    /// it.
    pub fn join_url(&self, place: Option<&str>, description: Option<&str>) -> Option<String> {
        let place = cut(place.unwrap_or_default(), MAX_TEXT);
        let description = cut(description.unwrap_or_default(), MAX_TEXT - place.len());
        let links = links(place).chain(links(description)).take(MAX_LINKS);
        links.filter(|link| link.len() <= MAX_LINK).find_map(|link| self.known(link))
    }

    fn known(&self, link: &str) -> Option<String> {
        let scheme = SCHEMES.iter().find(|scheme| starts_with(link, scheme)).copied();
        let behind = link.get(scheme.map_or(0, str::len)..)?;
        let page = behind.split('/').nth(1).map(|page| page.split(['?', '#']).next().unwrap_or_default());
        let is_page = page.is_some_and(|page| PAGES.iter().any(|known| known.eq_ignore_ascii_case(page)));
        let is_known = !is_page && self.masks.iter().any(|mask| mask.is_match(behind));
        is_known.then(|| if scheme.is_some() { link.to_owned() } else { format!("https://{link}") })
    }
}

const SCHEMES: [&str; 2] = ["https://", "http://"];

fn compiled(mask: &str) -> Result<Regex, MaskError> {
    let invalid = |why: String| MaskError::Invalid { mask: mask.chars().take(100).collect(), why };
    if mask.trim().is_empty() {
        return Err(invalid("it is empty".to_owned()));
    }
    if mask.len() > MAX_MASK {
        return Err(invalid(format!("it is longer than {MAX_MASK} octets")));
    }
    let built = RegexBuilder::new(&format!("^(?:{mask})"))
        .case_insensitive(true)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build();
    built.map_err(|error| invalid(error.to_string().lines().last().unwrap_or_default().trim().to_owned()))
}

fn cut(text: &str, octets: usize) -> &str {
    let mut end = text.len().min(octets);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Whatever in a text looks like a link: with `https://`, or a host and a path.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let is_between = |one: char| one.is_whitespace() || one.is_control() || "<>\"|\\`".contains(one);
    text.split(is_between).flat_map(|word| {
        let starts: Vec<usize> =
            word.match_indices("://").filter_map(|(at, _)| scheme_before(word, at)).collect();
        let starts = if starts.is_empty() { bare(word).into_iter().collect() } else { starts };
        starts.into_iter().filter_map(|start| {
            let link = word.get(start..)?;
            // A link within another one's query ends with its parameter.
            let is_within = word.get(..start).is_some_and(|before| before.ends_with('='));
            let link = if is_within { link.split('&').next().unwrap_or_default() } else { link };
            Some(without_punctuation(link))
        })
    })
}

/// Where the scheme begins that ends there.
fn scheme_before(word: &str, end: usize) -> Option<usize> {
    SCHEMES.iter().find_map(|scheme| {
        let start = end.checked_sub(scheme.len() - 3)?;
        word.get(start..).filter(|rest| starts_with(rest, scheme)).map(|_| start)
    })
}

/// Where a host begins that has a path.
fn bare(word: &str) -> Option<usize> {
    let start = word.find(|one: char| one.is_ascii_alphanumeric())?;
    let (host, _) = word.get(start..)?.split_once('/')?;
    host.contains('.').then_some(start)
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Without what ends a sentence or a bracket rather than a link.
fn without_punctuation(link: &str) -> &str {
    let is_open = link.contains('(');
    link.trim_end_matches(|one| ".,;:!?'*]}»”’".contains(one) || (one == ')' && !is_open))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn join(place: &str, description: &str) -> Option<String> {
        static BUILT_IN: LazyLock<Masks> = LazyLock::new(|| Masks::new(&[]).unwrap());
        BUILT_IN.join_url(Some(place), Some(description))
    }

    #[test]
    fn links_of_known_services_are_found() {
        for link in [
            "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Zm9v%40thread.v2/0?context=%7b%22Tid%22%3a%221%22%7d",
            "https://teams.microsoft.com/meet/2381234567890?p=Zm9vYmFy",
            "https://gov.teams.microsoft.us/l/meetup-join/19%3agcch%3ameeting_1/0",
            "https://teams.live.com/meet/9312345678901?p=abc",
            "https://zoom.us/j/1234567890",
            "https://us02web.zoom.us/j/81234567890?pwd=Zm9vYmFy.1#success",
            "https://example-com.zoom.us/my/evgeny.mirny?pwd=x",
            "https://example.zoom.us/w/912345678?tk=a_b-c.d",
            "https://zoom.us/wc/join/1234567890",
            "https://app.zoom.us/wc/1234567890/join?pwd=x",
            "https://agency.zoomgov.com/j/1612345678",
            "https://example.webex.com/meet/e.mirny",
            "https://example.webex.com/join/e.mirny",
            "https://example.webex.com/example/j.php?MTID=m0123456789abcdef0123456789abcdef",
            "https://example.webex.com/example-en/e.php?AT=SI&MTID=e01",
            "https://example.webex.com/wbxmjs/joinservice/sites/example/meeting/download/0a1b?siteurl=example",
            "https://join.me/123-456-789",
            "https://secure.join.me/evgeny.mirny",
            "https://www.anymeeting.com/200-962-801/EB51DD86854A3C",
            "https://www.anymeeting.com/PIID=EB51DC84824931",
            "https://anymeeting.com/emirny",
            "https://meetings.anymeeting.com/emirny",
            "https://global.gotomeeting.com/join/123456789",
            "https://www.gotomeet.me/EvgenyMirny",
            "https://meet.goto.com/123456789",
            "https://app.goto.com/meeting/123456789",
            "https://meet.google.com/abc-defg-hij",
            "https://meet.google.com/abc-defg-hij?authuser=0&hs=179",
            "https://meet.google.com/lookup/a1b2c3",
            "https://trueconf.example.com/c/1234567890",
            "https://video.trueconf.example.ru:8443/c/team-room",
            "https://mytrueconf.example.com/webrtc/1234567890",
            "https://telemost.yandex.ru/j/12345678901234",
            "https://telemost.360.yandex.ru/j/1234567890",
            "https://jazz.sber.ru/in0sec?psw=OBgWD0RREwQNCBEZG0UEFwICDA",
            "https://jazz.sber.ru/in0sec@sberbank?psw=OBg",
            "https://salutejazz.ru/calls/zthtbf?psw=OBED",
            "https://jazz.sber.ru/#/calls/zthtbf",
            "HTTPS://Meet.Google.com/abc-defg-hij",
            "http://zoom.us/j/1234567890",
        ] {
            assert_eq!(join(link, ""), Some(link.to_owned()));
            for text in [
                format!("Room 1 / {link}"),
                format!("Join here ({link})."),
                format!("[{link}]\nor by phone"),
                format!("Войти:{link}, пароль 123"),
                format!("<{link}>"),
                format!("<a href=\"{link}\">here</a>"),
                format!("https://example.com/agenda, then **{link}**"),
                format!("«{link}»"),
            ] {
                assert_eq!(join("", &text), Some(link.to_owned()), "{text}");
            }
        }
        assert_eq!(
            join("meet.google.com/abc-defg-hij", "").as_deref(),
            Some("https://meet.google.com/abc-defg-hij")
        );
        let redirected = "https://www.google.com/url?q=https://meet.google.com/abc-defg-hij&sa=D";
        assert_eq!(join("", redirected).as_deref(), Some("https://meet.google.com/abc-defg-hij"));
        let (first, second) = ("https://zoom.us/j/1234567890", "https://meet.google.com/abc-defg-hij");
        assert_eq!(join(first, second).as_deref(), Some(first), "the place before the description");
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "",
            "Zoom",
            "https://zoom.us/",
            "https://zoom.us/pricing",
            "https://zoom.us/j/abc",
            "https://zoom.us/j/12345",
            "https://support.zoom.us/hc/en-us/articles/201362193",
            "https://evilzoom.us/j/1234567890",
            "https://zoom.us.example.com/j/1234567890",
            "https://zoom.us@example.com/j/1234567890",
            "https://example.com/zoom.us/j/1234567890",
            "https://example.com/?u=zoom.us/j/1234567890",
            "https://teams.microsoft.com/",
            "https://teams.microsoft.com/l/channel/19%3aabc/General",
            "https://www.webex.com/",
            "https://help.webex.com/en-us/article/1",
            "https://meet.google.com/",
            "https://meet.google.com/abcdefghij",
            "https://meet.google.com/abc-defg-hijk",
            "https://join.me/",
            "https://join.me/pricing",
            "https://www.join.me/solutions",
            "https://www.anymeeting.com/login?next=/",
            "https://www.anymeeting.com/static/images/logo.svg",
            "https://build.anymeeting.com/job/AM",
            "https://www.gotomeeting.com/features",
            "https://trueconf.com/products/server",
            "https://trueconf.ru/blog/c",
            "https://example.com/c/1234567890",
            "https://telemost.yandex.ru/",
            "https://yandex.ru/j/12345678901234",
            "https://jazz.sber.ru/about-us",
            "https://developers.sber.ru/docs/salutejazz",
            "mailto:j@zoom.us",
            "ftp://zoom.us/j/1234567890",
            "javascript:zoom.us/j/1234567890",
        ] {
            assert_eq!(join(text, text), None, "{text}");
        }
    }

    #[test]
    fn administrators_add_masks() {
        let masks = Masks::new(&[
            r"meet\.example\.com/[a-z]+".to_owned(),
            r"video\.example\.org(?::\d+)?/c/".to_owned(),
        ]);
        let masks = masks.unwrap();
        for (text, expected) in [
            ("https://meet.example.com/room?x=1.", Some("https://meet.example.com/room?x=1")),
            ("https://VIDEO.example.org:8443/c/12", Some("https://VIDEO.example.org:8443/c/12")),
            ("https://meet.example.com/", None),
            ("https://other.example.com/meet.example.com/room", None),
        ] {
            assert_eq!(masks.join_url(None, Some(text)).as_deref(), expected, "{text}");
        }
        for (mask, why) in [
            ("", "it is empty"),
            ("meet(", "unclosed group"),
            (r"(a+)+\1", "backreferences are not supported"),
            ("(?:a{1000}){1000}", "Compiled regex exceeds size limit"),
            (&"a".repeat(501), "it is longer"),
        ] {
            let error = Masks::new(&[mask.to_owned()]).unwrap_err().to_string();
            assert!(error.contains(why) && error.len() < 300, "{error}");
        }
        assert_eq!(Masks::new(&vec!["a".to_owned(); 101]).unwrap_err(), MaskError::TooMany { count: 101 });
    }

    #[test]
    fn no_more_is_looked_at_than_there_may_be() {
        let link = "https://zoom.us/j/1234567890";
        let far = format!("{} {link}", "ж".repeat(MAX_TEXT / 2));
        assert_eq!(join("", &far), None);
        assert_eq!(join(&far, link), None, "both texts together");
        let near = format!("{} {link}", "x".repeat(MAX_TEXT - link.len() - 1));
        assert_eq!(join("", &near).as_deref(), Some(link));
        assert_eq!(join("", &format!("{link}?{}", "x".repeat(MAX_LINK))), None);
        let slow = Masks::new(&["(?:.*a){20}b".to_owned()]).unwrap();
        for text in
            ["https://".repeat(9_000), "https://a/aaaaaaaa ".repeat(4_000), "zoom.us/j/".repeat(9_000)]
        {
            assert_eq!(slow.join_url(Some(&text), Some(&text)), None);
        }
    }
}
