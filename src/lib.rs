//! Postrider: mail, contacts and calendars of many accounts in step with one local store.
//!
//! This package is the only place that wires the parts (ARCHITECTURE.md tells why each is there): `config` reads what a person
//! wants, `service` is every use case, `sync` is the engine, `daemon` keeps it going, `cli` speaks to people, `world` is this machine. Below it are the
//! crates of `providers/` (servers) and `state/` (what is here), which know nothing of it.

pub mod access;
mod activity;
pub mod api;
mod card;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod report;
pub mod secrets;
pub mod service;
pub mod sync;
pub mod world;
