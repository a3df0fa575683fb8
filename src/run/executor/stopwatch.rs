//! The time that a job has had.
//!
//! No clock tells it: a suspended machine sleeps, a stopped process group waits, and neither gives a job anything. So
//! time is added up from one look to the next, and between two looks only so much passes: whoever looks often and has not
//! looked for long was not running. The clock asked is the monotonic one, which nobody sets.

use std::time::{Duration, Instant};

/// What passes at most between two looks; much longer than a busy machine keeps anybody from looking.
const MOST: Duration = Duration::from_secs(1);

/// Time added up; to be looked at many times a second.
pub(super) struct Stopwatch {
    looked: Instant,
    passed: Duration,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            looked: Instant::now(),
            passed: Duration::ZERO,
        }
    }

    /// How much has passed since the start.
    pub fn passed(&mut self) -> Duration {
        self.look_at(Instant::now())
    }

    fn look_at(&mut self, now: Instant) -> Duration {
        self.passed += now.duration_since(self.looked).min(MOST);
        self.looked = now;
        self.passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_nobody_looks_hardly_passes() {
        let mut watch = Stopwatch::start();
        let mut now = watch.looked;
        for _ in 0..40 {
            now += Duration::from_millis(50);
            watch.look_at(now);
        }
        assert_eq!(watch.passed, Duration::from_secs(2));
        now += Duration::from_secs(3600);
        assert_eq!(watch.look_at(now), Duration::from_secs(3));
        now += Duration::from_millis(50);
        assert_eq!(watch.look_at(now), Duration::from_millis(3050));
    }
}
