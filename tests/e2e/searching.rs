//! Search finds words, and nothing but words (F2.7).

use crate::scene::{ACCOUNT, Scene};

const ATTACHED: &str = "From: Dora <dora@example.net>\r\nTo: anna@example.com\r\nSubject: papers\r\n\
    Date: Wed, 05 Jun 2024 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nsee inside\r\n--b\r\nContent-Type: application/pdf; name=\"contract-final.pdf\"\r\n\
    Content-Disposition: attachment; filename=\"contract-final.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n";

/// (subject, from, text, flags, day in 2024)
const MAIL: [(&str, &str, &str, &str, &str); 7] = [
    ("alpha beta", "Bert Berg <bert@example.org>", "first", "", "01-Jan-2024"),
    ("alpha", "Carla <carla@example.org>", "second", "\\Seen", "01-Feb-2024"),
    ("beta", "Bert Berg <bert@example.org>", "third", "\\Seen", "01-Mar-2024"),
    ("gamma near", "Carla <carla@example.org>", "alpha and beta stand here", "", "01-Apr-2024"),
    ("or not", "\"alpha\" <quoted@example.org>", "this or that, not those", "", "01-May-2024"),
    ("Привет, Ёлка", "Emil <emil@example.org>", "naïve café, 日本語のメール", "", "01-Jul-2024"),
    ("100% sure_thing", "Emil <emil@example.org>", "a_b c%d col:umn", "\\Seen", "01-Aug-2024"),
];

fn furnished() -> Scene {
    let scene = Scene::new();
    let mut client = scene.client();
    client.create("Box & more").unwrap();
    for (subject, from, body, flags, day) in MAIL {
        let bytes = format!(
            "From: {from}\r\nTo: Anna <anna@example.com>\r\nCc: team@example.com\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        );
        let folder = if subject == "beta" { "Box & more" } else { "INBOX" };
        client.append(folder, flags, &format!("{day} 12:00:00 +0000"), bytes.as_bytes()).unwrap();
    }
    client.append("INBOX", "\\Seen", "05-Jun-2024 12:00:00 +0000", ATTACHED.as_bytes()).unwrap();
    scene.sync();
    scene
}

#[test]
fn terms_and_words_find_what_they_say() {
    let scene = furnished();
    let table: &[(&[&str], &[&str])] = &[
        (&["alpha"], &["alpha", "alpha beta", "gamma near", "or not"]),
        (&["ALPHA"], &["alpha", "alpha beta", "gamma near", "or not"]),
        (&["alpha", "beta"], &["alpha beta", "gamma near"]),
        (&["first"], &["alpha beta"]),
        (&["contract"], &["papers"]),
        (&["from:bert"], &["alpha beta", "beta"]),
        (&["from:bert@example.org"], &["alpha beta", "beta"]),
        (&["from:\"Bert Berg\""], &["alpha beta", "beta"]),
        (&["to:team", "second"], &["alpha"]),
        (&["to:bert"], &[]),
        (&["subject:alpha"], &["alpha", "alpha beta"]),
        (&["subject:first"], &[]),
        (&["folder:\"Box & more\""], &["beta"]),
        (&["folder:Box"], &[]),
        (&["account:work", "gamma"], &["gamma near"]),
        (&["before:2024-02-01"], &["alpha beta"]),
        (&["after:2024-07-01"], &["100% sure_thing", "Привет, Ёлка"]),
        (&["after:2024-02-01", "before:2024-03-02"], &["alpha", "beta"]),
        (&["has:attachment"], &["papers"]),
        (&["is:unread", "alpha"], &["alpha beta", "gamma near", "or not"]),
        (&["is:unread", "from:bert"], &["alpha beta"]),
        (&["привет"], &["Привет, Ёлка"]),
        (&["ёлка"], &["Привет, Ёлка"]),
        (&["cafe"], &["Привет, Ёлка"]),
        (&["日本語"], &["Привет, Ёлка"]),
    ];
    for (query, expected) in table {
        assert_eq!(scene.found(query), *expected, "{query:?}");
    }
}

#[test]
fn no_syntax_leaks_through() {
    let scene = furnished();
    let both = ["alpha beta", "gamma near"];
    let table: &[(&str, &[&str])] = &[
        // Operators of FTS5 are words.
        ("alpha OR beta", &[]),
        ("or", &["or not"]),
        ("alpha NOT beta", &[]),
        ("alpha AND beta", &["gamma near"]),
        ("NEAR(alpha beta)", &["gamma near"]),
        ("NEAR(alpha beta, 5)", &[]),
        ("alpha -beta", &both),
        ("alpha + beta", &both),
        ("^alpha beta", &both),
        ("(alpha) (beta)", &both),
        ("{alpha beta}", &both),
        ("\"alpha beta\"", &both),
        ("\"beta alpha\"", &both),
        ("\"alpha", &["alpha", "alpha beta", "gamma near", "or not"]),
        ("alpha\"\"beta", &both),
        ("'alpha' ; beta --", &both),
        // No wildcards, of FTS5 or of LIKE.
        ("alph*", &[]),
        ("alph%", &[]),
        ("alp_a", &[]),
        // No columns: these are words.
        ("text:first", &[]),
        ("people:bert", &[]),
        ("{subject text}:alpha", &[]),
        ("- subject:alpha", &["alpha", "alpha beta"]),
    ];
    for (query, expected) in table {
        assert_eq!(scene.found(&[query]), *expected, "{query}");
    }
    // What has no word in it limits nothing.
    for query in ["\"", "*", "-", "\"\"", "()"] {
        assert_eq!(scene.found(&[query]).len(), MAIL.len() + 1, "{query}");
    }
}

#[test]
fn options_narrow_as_terms_do_and_the_newest_come_first() {
    let scene = furnished();
    let ids = |arguments: &[&str]| {
        let rows = scene.run(&[&["mail", "list", "--json"], arguments].concat()).ok().json();
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["subject"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--limit", "2"]), ["100% sure_thing", "Привет, Ёлка"]);
    assert_eq!(ids(&["--folder", "Box & more", "--account", ACCOUNT]), ["beta"]);
    assert_eq!(ids(&["--folder", "INBOX", "beta"]), ["gamma near", "alpha beta"]);
    assert_eq!(ids(&["beta", "--limit", "2"]), ["gamma near", "beta"], "the newest, not the best");
}
