//! Moments of a run at which it is killed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postrider_test_support::home::output_of;
use postrider_test_support::proxy::Fault;
use postrider_test_support::{Home, Proxy};
use rustix::process::{Pid, Signal, kill_process};

use crate::scene::postrider;

/// Drawn once; another seed is another set of moments.
const SEED: u64 = 20_261_120;

/// The n-th of the moments: a number from 0 up to 1.
pub fn fraction(number: usize) -> f64 {
    // SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
    let mut z = SEED.wrapping_add((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// When a run dies.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// So long after it was started.
    After(Duration),
    /// When it waits for an answer that the proxy before the server keeps back: whatever it asked for is done, and it never learns of
    /// it. Each connection falls silent after so many octets of answers.
    Unanswered(u64),
}

/// A run that nothing disturbs, to choose moments from.
#[derive(Debug, Clone, Copy)]
pub struct Whole {
    pub elapsed: Duration,
    /// Octets of the server's answers on one connection, more or less.
    pub answers: u64,
}

impl Whole {
    /// The n-th of the moments: each second one is that of a lost answer.
    pub fn moment(&self, number: usize) -> Moment {
        let fraction = fraction(number);
        match number % 2 {
            0 => Moment::After(self.elapsed.mul_f64(fraction)),
            _ => Moment::Unanswered((self.answers as f64 * fraction) as u64),
        }
    }
}

/// Starts a run in that home and kills it at that moment; whether it was under way still.
pub fn kill_at(home: &Home, proxy: &Proxy, moment: Moment, whole: &Whole) -> bool {
    let mut command = home.command(postrider());
    let wait = match moment {
        Moment::After(wait) => wait,
        Moment::Unanswered(octets) => {
            proxy.set_fault(Fault::SilentAfter(octets));
            2 * whole.elapsed
        }
    };
    let mut run = command.arg("--sync-now").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + wait;
    let mut ended = false;
    while !ended && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(2).min(deadline.saturating_duration_since(Instant::now())));
        ended = run.try_wait().unwrap().is_some();
    }
    kill_process(Pid::from_child(&run), Signal::KILL).ok();
    run.wait().unwrap();
    proxy.set_fault(Fault::None);
    proxy.cut();
    !ended
}

/// A folder with all that is in it, owners and times too.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut command = Command::new("cp");
    command.arg("-a").arg(from).arg(to);
    let output = output_of(command).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
