//! The store's suite: what every store has to keep, seen through its public interface alone.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that cannot go on has failed.

mod fixture;

mod audit;
mod bodies;
mod crash;
mod damage;
mod guard;
mod items;
mod life;
mod listing;
mod local;
mod mail;
mod moves;
mod properties;
mod records;
mod retention;
mod searching;
mod settings;
