//! What is asked for by two at once.

use postrider::api::{
    Client,
    operations::accounts::{Add, List, Password},
};

use crate::scene::{PASSWORD, Scene, USER, blocking};

#[test]
fn two_who_add_an_account_of_one_name_at_once_do_not_both_have_it() {
    let scene = Scene::new(&[]);
    let add = |period: &str| Add {
        name: Some("twin".to_owned()),
        address: USER.to_owned(),
        provider: Some("here".to_owned()),
        login_name: None,
        period: Some(period.to_owned()),
        folders: Vec::new(),
        password: Some(Password(PASSWORD.to_owned().into())),
        password_file: None,
        password_command: None,
        systemd_credential: None,
    };
    let (one, other) = (add("1w"), add("1M"));
    let client = Client::new(scene.socket(), None);
    let (first, second) = blocking(async { tokio::join!(client.call(&one), client.call(&other)) });
    let (period, refused) = match (first, second) {
        (Ok(_), Err(refused)) => ("1w", refused),
        (Err(refused), Ok(_)) => ("1M", refused),
        both => panic!("one is to be added: {both:?}"),
    };
    assert!(refused.message().contains("there is one of that name already"), "{refused}");
    let accounts = scene.call(&List {}).unwrap();
    let twin = accounts.iter().find(|account| account.name == "twin").unwrap();
    assert_eq!(twin.period.as_deref(), Some(period), "it is as the first has added it");
}
