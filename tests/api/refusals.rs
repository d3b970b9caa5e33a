//! Who and what is let in nowhere.

use std::{io::Read, net::TcpStream, time::Duration};

use postrider_store::AuditFilter;

use crate::scene::{Scene, get, post};

/// Who was refused, and why, the oldest first.
fn refused(scene: &Scene) -> Vec<(String, String)> {
    let rows = scene.store().reader().unwrap().audit(&AuditFilter::default()).unwrap();
    let said = rows.into_iter().rev().filter(|row| row.entry.what == "call");
    said.map(|row| (row.entry.actor, row.entry.detail)).collect()
}

#[test]
fn strangers_are_noted_and_fill_no_log() {
    let scene = Scene::new(&[]);
    let host = format!("Host: {}\r\n", scene.port);
    let token = |token: &str| {
        format!("GET /v1/status HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\n\r\n").into_bytes()
    };
    for number in 0..5 {
        assert_eq!(scene.say_by_port(&token(&format!("postrider_{number}"))).status, 401);
        assert_eq!(scene.say_by_port(&get("/v1/status", "Origin: http://evil.example\r\n")).status, 403);
        assert_eq!(scene.say_by_port(&get("/v1/status", "")).status, 403, "another Host");
    }
    let said = refused(&scene);
    assert!(said.iter().all(|(actor, _)| actor == "port"), "{said:?}");
    let why: Vec<bool> = ["token", "Origin", "Host"]
        .iter()
        .map(|word| said.iter().filter(|(_, why)| why.contains(word)).count() == 1)
        .collect();
    assert_eq!((why, said.len()), (vec![true; 3], 3), "{said:?}");
}

#[test]
fn who_finds_no_seat_is_told_at_once_without_having_asked() {
    let scene = Scene::new(&[]);
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(scene.port).unwrap()).collect();
    let mut late = TcpStream::connect(scene.port).unwrap();
    late.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut said = String::new();
    late.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("too many connections"), "{said}");
    drop(silent);
}

#[test]
fn pages_of_browsers_are_refused_at_both_doors() {
    let scene = Scene::new(&[]);
    for origin in ["http://evil.example", "http://127.0.0.1", "null"] {
        let headers = format!("Origin: {origin}\r\n");
        assert_eq!(scene.say(&get("/v1/status", &headers)).status, 403, "{origin}");
        assert_eq!(scene.say_by_port(&get("/v1/status", &headers)).status, 403, "{origin}");
    }
    let preflight = b"OPTIONS /v1/status HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\
                      Access-Control-Request-Method: GET\r\n\r\n";
    let said = scene.say(preflight);
    assert_eq!(said.status, 403);
    assert!(!said.head.contains("access-control"), "{}", said.head);
}

#[test]
fn a_body_of_a_gigabyte_is_refused_unread() {
    let scene = Scene::new(&[]);
    let head = "POST /v1/messages/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 1073741824\r\n\r\n";
    let said = scene.say(head.as_bytes());
    assert_eq!(said.status, 413, "{said:?}");
    // Even from one who does not wait for an answer.
    let mut all = head.as_bytes().to_vec();
    all.resize(8 << 20, b'x');
    assert_eq!(scene.say(&all).status, 413);
    let small = post("/v1/allow", "", &format!(r#"{{"plan":"{}"}}"#, "x".repeat(2 << 20)));
    assert_eq!(scene.say(&small).status, 413, "what is no message is smaller");
}

#[test]
fn bodies_whose_end_two_readers_could_see_in_two_places_are_refused() {
    let scene = Scene::new(&[]);
    let chunked = "4\r\n{}  \r\n0\r\n\r\n";
    let table = [
        ("Transfer-Encoding: chunked\r\n", chunked, 411),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked, 411),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunked, 411),
        ("Transfer-Encoding: identity\r\nContent-Length: 2\r\n", "{}", 400),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "{} ", 400),
        ("Content-Length: +2\r\n", "{}", 400),
    ];
    for (headers, body, status) in table {
        let request = format!(
            "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
        );
        let said = scene.say(request.as_bytes());
        assert_eq!(said.status, status, "{headers}: {said:?}");
    }
}

#[test]
fn nobody_asks_by_the_port_without_a_token() {
    let scene = Scene::new(&[]);
    let host = format!("Host: {}\r\n", scene.port);
    let ask = |more: &str| format!("GET /v1/status HTTP/1.1\r\n{host}{more}\r\n").into_bytes();
    for credentials in ["", "Authorization: Bearer postrider_0\r\n", "Authorization: Basic YW5uYTo=\r\n"] {
        let said = scene.say_by_port(&ask(credentials));
        assert_eq!(said.status, 401, "{credentials}: {said:?}");
        assert!(said.head.contains("www-authenticate: bearer"), "{}", said.head);
    }
    for wrong in ["Host: localhost\r\n", "Host: evil.example\r\n", "Host: 127.0.0.1:1\r\n", ""] {
        let request = format!("GET /v1/status HTTP/1.1\r\n{wrong}\r\n");
        let status = scene.say_by_port(request.as_bytes()).status;
        assert!(status == 403, "{wrong}: {status}");
    }
}
