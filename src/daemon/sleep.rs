//! Whether the machine slept. The clock that durations are measured by stands still while it sleeps (CLOCK_MONOTONIC, clock_gettime(2)),
//! and the clock on the wall does not.

use std::time::Duration;

use postrider_model::Clock;
use tokio::time::{Instant, sleep};

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(5);
/// So much more on the wall than was measured was a sleep. A clock that is set forward looks the same, and costs a reconnection.
const SLEPT: Duration = Duration::from_secs(20);

/// Tells each time the machine has slept.
pub(super) async fn watch_for_sleep(clock: &dyn Clock, tell: impl Fn()) {
    let (mut wall, mut measured) = (clock.now(), Instant::now());
    loop {
        sleep(LOOK).await;
        let (wall_now, measured_now) = (clock.now(), Instant::now());
        let on_the_wall = Duration::from_millis(wall_now.millis_since(wall));
        if on_the_wall > (measured_now - measured) + SLEPT {
            tracing::info!(seconds = on_the_wall.as_secs(), "the machine slept: every account connects anew");
            tell();
        }
        (wall, measured) = (wall_now, measured_now);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicI64, Ordering::Relaxed},
    };

    use postrider_model::Timestamp;

    use super::*;

    #[derive(Debug)]
    struct Wall {
        begun: Instant,
        ahead_s: AtomicI64,
    }

    impl Clock for Wall {
        fn now(&self) -> Timestamp {
            let elapsed = i64::try_from(self.begun.elapsed().as_secs()).unwrap();
            Timestamp::from_seconds(1_000_000 + elapsed + self.ahead_s.load(Relaxed))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_is_told_once_and_a_clock_that_is_set_back_is_none() {
        let clock = Wall { begun: Instant::now(), ahead_s: AtomicI64::new(0) };
        let told = Cell::new(0);
        let story = async {
            sleep(Duration::from_secs(60)).await;
            assert_eq!(told.get(), 0);
            clock.ahead_s.store(3_600, Relaxed);
            sleep(Duration::from_secs(60)).await;
            assert_eq!(told.get(), 1);
            clock.ahead_s.store(0, Relaxed);
            sleep(Duration::from_secs(60)).await;
            assert_eq!(told.get(), 1);
        };
        tokio::select! {
            () = watch_for_sleep(&clock, || told.set(told.get() + 1)) => unreachable!("it never ends"),
            () = story => {}
        }
    }
}
