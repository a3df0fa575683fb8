//! Live lines on a terminal: one for each running job, one for the whole run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use textwrap::termwidth;

#[cfg(unix)]
use super::echo::QuietControls;
use super::fit::{job_line, progress_line, run_line};
use super::{Eta, Reporter, show_end, show_retry, show_start, visible};
use crate::pipeline::Progress;
use crate::run::{Event, Status};

/// Draws running jobs on standard error.
pub struct Terminal {
    all: MultiProgress,
    whole: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
    board: Arc<Mutex<Board>>,
    #[cfg(unix)]
    _echo: QuietControls,
}

/// What the line of the whole run shows.
struct Board {
    start: Instant,
    eta: Eta,
    jobs: usize,
    failed: usize,
}

/// How often the line of the whole run is drawn though nothing happens: its clock shows seconds.
const CLOCK: Duration = Duration::from_secs(1);

impl Board {
    fn hear(&mut self, event: &Event) {
        self.eta.hear(event, self.start.elapsed());
        match event {
            Event::RunStarted { jobs, .. } => self.jobs = *jobs,
            Event::JobEnded(ended) if ended.status == Status::Failed => self.failed += 1,
            _ => {}
        }
    }

    fn line(&self) -> String {
        let now = self.start.elapsed();
        let left = self.eta.left(now);
        let jobs = (self.eta.ended(), self.jobs);
        run_line(
            jobs,
            self.failed,
            now.as_secs_f64(),
            left.as_deref(),
            termwidth(),
        )
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates below are well-formed")
}

impl Terminal {
    /// A terminal that shows nothing yet.
    pub fn new(eta: Eta) -> Self {
        let board = Arc::new(Mutex::new(Board {
            start: Instant::now(),
            eta,
            jobs: 0,
            failed: 0,
        }));
        let shown = board.clone();
        let line = move |_: &ProgressState, out: &mut dyn fmt::Write| {
            // A line that cannot be written is drawn again a second later.
            let _ = out.write_str(&locked(&shown).line());
        };
        let all = MultiProgress::new();
        let whole = all.add(ProgressBar::new(0));
        whole.set_style(style("{whole}").with_key("whole", line));
        whole.enable_steady_tick(CLOCK);
        Self {
            all,
            whole,
            running: BTreeMap::new(),
            board,
            #[cfg(unix)]
            _echo: QuietControls::new(),
        }
    }

    /// Shows what a job does now.
    fn set(&mut self, job: &str, line: String) {
        let (all, whole) = (&self.all, &self.whole);
        let bar = self.running.entry(job.to_string()).or_insert_with(|| {
            let bar = all.insert_before(whole, ProgressBar::new(0));
            // A line that was made for a wider terminal is cut, never wrapped.
            bar.set_style(style("{wide_msg}"));
            bar
        });
        bar.set_message(line);
    }

    fn set_text(&mut self, job: &str, what: &str) {
        self.set(job, job_line(&visible(job), &visible(what), termwidth()));
    }

    fn set_progress(&mut self, job: &str, progress: &Progress) {
        let board = locked(&self.board);
        let pace = board.eta.pace(job, board.start.elapsed());
        // Drawing takes the same lock.
        drop(board);
        let line = progress_line(&visible(job), progress, pace, termwidth());
        self.set(job, visible(&line).into_owned());
    }

    fn clear(&mut self, job: &str) {
        if let Some(bar) = self.running.remove(job) {
            bar.finish_and_clear();
        }
    }

    fn print(&self, line: &str) {
        // A terminal that is gone cannot be told so.
        let _ = self.all.println(visible(line));
    }
}

fn locked(board: &Mutex<Board>) -> MutexGuard<'_, Board> {
    board
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Reporter for Terminal {
    fn hear(&mut self, event: &Event) {
        locked(&self.board).hear(event);
        match event {
            Event::JobStarted {
                job,
                reason,
                started_from,
                ..
            } => {
                let why = show_start(reason, started_from.as_ref());
                self.set_text(job, &format!("({why})"));
            }
            Event::JobWaiting { job } => self.set_text(
                job,
                "waits: the same work is being done under another name, or by another run",
            ),
            Event::JobProgress { job, progress } => self.set_progress(job, progress),
            Event::JobRetried(retried) => {
                self.clear(&retried.job);
                self.print(&show_retry(retried));
            }
            Event::JobEnded(ended) => {
                self.clear(&ended.job);
                if let Some(line) = show_end(ended) {
                    self.print(&line);
                }
                // A bar that ticks is drawn between its ticks only when its message is set.
                self.whole.set_message("");
            }
            Event::Warning { message } => self.print(&format!("! {message}")),
            Event::RunEnded(_) => {
                self.running
                    .values()
                    .for_each(ProgressBar::finish_and_clear);
                self.whole.finish_and_clear();
            }
            Event::RunStarted { .. } | Event::JobSaved { .. } => {}
        }
    }
}
