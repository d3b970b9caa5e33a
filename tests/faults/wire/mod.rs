//! A server at fault: at every command of a first load and of a later run.

mod faulty;
mod greeting;
mod rig;
