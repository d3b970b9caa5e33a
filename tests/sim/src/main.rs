//! The whole program on one thread from one seed
fn main() {}
