//! A job that runs: since when, how fast it advances, and how long it takes at that rate.

use std::time::Duration;

use crate::pipeline::Progress;

/// A running job. All moments are counted from the start of the run.
#[derive(Debug)]
pub(super) struct Running {
    /// Its stage, by place in the pipeline.
    pub stage: usize,
    since: Duration,
    /// The first progress that is measured from: an attempt may go on from what an earlier one saved.
    first: Option<(Duration, u64)>,
    /// The last progress: when, how much was done, of how much.
    last: Option<(Duration, u64, u64)>,
}

impl Running {
    /// A job that starts now and has told nothing.
    pub fn since(now: Duration, stage: usize) -> Self {
        Self {
            stage,
            since: now,
            first: None,
            last: None,
        }
    }

    /// Takes note of how far it is.
    pub fn advance(&mut self, progress: &Progress, now: Duration) {
        // One that counts from the start again, for a second part of its work, is measured again.
        let is_behind = self.last.is_some_and(|(_, done, _)| progress.done < done);
        if self.first.is_none() || is_behind {
            self.first = Some((now, progress.done));
        }
        self.last = Some((now, progress.done, progress.total));
    }

    /// How many seconds it has run.
    pub fn passed(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64()
    }

    /// How many units it does in a second.
    pub fn per_second(&self) -> Option<f64> {
        let ((first, from), (last, done, _)) = (self.first?, self.last?);
        let seconds = last.saturating_sub(first).as_secs_f64();
        (done > from && seconds > 0.0).then(|| (done - from) as f64 / seconds)
    }

    /// How many seconds all its units take, and how many those that are left.
    pub fn projection(&self, now: Duration) -> Option<(f64, f64)> {
        let rate = self.per_second()?;
        let (at, done, total) = self.last?;
        if total == 0 {
            return None;
        }
        let since = now.saturating_sub(at).as_secs_f64();
        let left = total.saturating_sub(done) as f64 / rate - since;
        Some((total as f64 / rate, left.max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(running: &mut Running, done: u64, now: u64) {
        let progress = Progress {
            done,
            total: 100,
            unit: "steps".into(),
            metrics: Vec::new(),
        };
        running.advance(&progress, Duration::from_secs(now));
    }

    #[test]
    fn a_second_count_is_measured_from_its_own_start() {
        let mut running = Running::since(Duration::ZERO, 0);
        told(&mut running, 10, 1);
        told(&mut running, 50, 2);
        assert_eq!(running.per_second(), Some(40.0));
        told(&mut running, 0, 10);
        assert_eq!(running.per_second(), None);
        told(&mut running, 20, 20);
        let now = Duration::from_secs(25);
        assert_eq!(running.projection(now), Some((50.0, 35.0)));
        assert_eq!(running.passed(now), 25.0);
    }
}
