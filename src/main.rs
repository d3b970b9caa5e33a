//! Postrider.
fn main() {}
