//! Tokens: good until they are taken back or over, of one user, and never to be read again.

use std::fs;

use postrider::api::operations::tokens::{Create, List, Revoke};
use postrider_model::{ErrorClass, Timestamp};
use postrider_store::{AuditFilter, NewApiToken};

use crate::scene::{Said, Scene};

fn ask(scene: &Scene, token: &str) -> Said {
    let request =
        format!("GET /v1/daemon HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", scene.port);
    scene.say_by_port(request.as_bytes())
}

fn made(scene: &Scene, name: &str) -> String {
    scene.call(&Create { name: name.to_owned(), user: None, days: 1 }).unwrap().secret
}

#[test]
fn a_token_is_good_until_it_is_taken_back_and_another_is_as_good_as_before() {
    let scene = Scene::new(&[]);
    let (one, other) = (made(&scene, "one"), made(&scene, "other"));
    assert_ne!(one, other);
    let said = ask(&scene, &one);
    assert_eq!((said.status, said.json()["user"].as_str()), (200, Some("anna")), "{said:?}");
    scene.call(&Revoke { name: "one".to_owned() }).unwrap();
    assert_eq!(ask(&scene, &one).status, 401);
    assert_eq!(ask(&scene, &other).status, 200);
    let names: Vec<String> = scene.call(&List {}).unwrap().into_iter().map(|token| token.name).collect();
    assert_eq!(names, ["other"]);
    let fault = scene.call(&Revoke { name: "one".to_owned() }).unwrap_err();
    assert_eq!(fault.class, ErrorClass::NotFound);
}

#[test]
fn what_is_nearly_a_token_is_none() {
    let scene = Scene::new(&[]);
    let token = made(&scene, "one");
    let mut last = token.clone();
    let end = if last.pop() == Some('0') { '1' } else { '0' };
    last.push(end);
    for wrong in [last.as_str(), &token[..token.len() - 1], &token.to_uppercase(), &token[10..], "", " "] {
        assert_eq!(ask(&scene, wrong).status, 401, "{wrong}");
    }
    assert_eq!(ask(&scene, &token).status, 200);
}

#[test]
fn a_token_that_is_over_and_one_of_a_user_who_is_gone_are_refused() {
    let scene = Scene::new(&[]);
    let secret = "postrider_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let token = |user: &str, hash: [u8; 32], expires| NewApiToken {
        name: user.to_owned(),
        user: user.to_owned(),
        hash,
        tail: "cdef".to_owned(),
        created: Timestamp(0),
        expires,
    };
    let hash = |secret: &str| *blake3::hash(secret.as_bytes()).as_bytes();
    let mut writer = scene.store().writer().unwrap();
    writer.transaction(|tx| tx.add_api_token(&token("anna", hash(secret), Timestamp(1)))).unwrap();
    assert_eq!(ask(&scene, secret).status, 401, "it is over");
    let noted = scene.store().reader().unwrap().audit(&AuditFilter::default()).unwrap();
    let noted = noted.iter().find(|row| row.entry.actor == "token anna").map(|row| row.entry.detail.as_str());
    assert_eq!(noted, Some("it is over"));
    let other = secret.replace('0', "f");
    writer.transaction(|tx| tx.add_api_token(&token("bert", hash(&other), Timestamp(i64::MAX)))).unwrap();
    assert_eq!(ask(&scene, &other).status, 403, "its user is not known");
}

#[test]
fn a_token_stands_nowhere_and_a_wrong_wish_makes_none() {
    let scene = Scene::new(&[]);
    let token = made(&scene, "one");
    let listed = format!("{:?}", scene.call(&List {}).unwrap());
    assert!(listed.contains(&token[token.len() - 4..]) && !listed.contains(&token), "{listed}");
    for name in ["store.db", "store.db-wal"] {
        let octets = fs::read(scene.home.store().join(name)).unwrap_or_default();
        let found = octets.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "{name} has the token");
    }
    for (name, days) in [("one", 1), ("two words", 1), ("", 1), ("two", 0), ("two", 100_000)] {
        let fault = scene.call(&Create { name: name.to_owned(), user: None, days }).unwrap_err();
        assert_eq!(fault.class, ErrorClass::Config, "{name} {days}: {fault}");
    }
    let fault = scene.call(&Create { name: "two".to_owned(), user: Some("bert".to_owned()), days: 1 });
    assert_eq!(fault.unwrap_err().class, ErrorClass::NotPermitted);
}
