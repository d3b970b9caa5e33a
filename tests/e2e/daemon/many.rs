//! Several accounts of one server, each behind a wire of its own, in one home.

use std::time::Duration;

use postrider_test_support::home::{Account, Provider};
use postrider_test_support::{Delivery, Dovecot, Home, Proxy};
use serde_json::Value;

use crate::scene::{Answer, letter, run_in};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// The server, the wires, the home.
pub struct Many {
    pub server: Dovecot,
    pub proxies: Vec<Proxy>,
    pub home: Home,
}

impl Many {
    /// So many accounts, `a0` and on, with a letter in each INBOX, that run every `interval`.
    pub fn new(count: usize, interval: &str) -> Self {
        let users = (0..count).map(address);
        let builder = users.fold(Dovecot::builder(), |builder, user| builder.user(&user, PASSWORD));
        let server = builder.extra("auth_failure_delay = 0\n").start().unwrap();
        let home = Home::new().unwrap();
        let store = home.store();
        let settings = format!(
            "[daemon]\ninterval = \"{interval}\"\n[store]\npath = {store:?}\n[log]\nlevel = \"debug\"\n"
        );
        home.write_config("postrider.toml", &settings).unwrap();
        let mut proxies = Vec::new();
        for number in 0..count {
            let proxy = Proxy::start(server.imap_addr(), Duration::ZERO).unwrap();
            let provider = Provider { domain: format!("d{number}.example"), ..Provider::plain(proxy.addr()) };
            home.provider(&format!("p{number}"), &provider).unwrap();
            home.account(
                &name(number),
                &Account::all_mail(&format!("p{number}"), &address(number), PASSWORD),
            )
            .unwrap();
            server.fill(&address(number), "INBOX", [Delivery::new(letter("first"))]).unwrap();
            proxies.push(proxy);
        }
        Self { server, proxies, home }
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        run_in(&self.home, arguments)
    }

    /// `status` of one account.
    pub fn status(&self, number: usize) -> Value {
        let all = self.run(&["status", "--json"]).ok().json();
        let found = all.as_array().unwrap().iter().find(|state| state["account"] == name(number));
        found.unwrap_or_else(|| panic!("{} is not in {all}", name(number))).clone()
    }
}

/// An account's name.
pub fn name(number: usize) -> String {
    format!("a{number}")
}

/// Its address.
pub fn address(number: usize) -> String {
    format!("user{number}@example.com")
}
