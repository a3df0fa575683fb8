//! Lines that fit the width of a terminal: the names of jobs are shortened, first by the names of axes, and their numbers stay.

use textwrap::core::display_width;

use crate::pipeline::{Progress, show_seconds};

/// What precedes every line.
const INDENT: &str = "  ";
/// So many columns of a job's name are kept before numbers give way.
const NAME: usize = 12;
/// How wide the bar of a job and the bar of a whole run are at most.
const BARS: (usize, usize) = (10, 20);
/// A bar that is shorter shows nothing.
const SHORTEST_BAR: usize = 5;

/// How fast a job advances and how many seconds it has left, where that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pace {
    pub per_second: Option<f64>,
    pub left: Option<f64>,
}

/// A job and what it does.
pub(super) fn job_line(job: &str, what: &str, width: usize) -> String {
    let room = room(width);
    let name = shorten(
        job,
        room.saturating_sub(display_width(what) + 1).max(room / 2),
    );
    cut(&format!("{name} {what}"), room)
}

/// A job and how far it is. Where there is little room, the bar gives way first, then the rate, the count and all metrics but
/// the first; its share, that metric and the time left always stay.
pub(super) fn progress_line(job: &str, progress: &Progress, pace: Pace, width: usize) -> String {
    let Progress { done, total, .. } = *progress;
    let unit = &progress.unit;
    let (count, share) = match total {
        0 => (format!("{done} {unit}"), format!("{done} {unit}")),
        total => (
            format!("{done}/{total} {unit}"),
            format!("{} %", done.min(total).saturating_mul(100) / total),
        ),
    };
    let metrics = progress.metrics.iter();
    let metrics: Vec<String> = metrics.map(|(n, v)| format!(", {n} {v:.3}")).collect();
    let all = metrics.concat();
    let first = metrics.first().map_or("", String::as_str);
    let rate = pace
        .per_second
        .map(|rate| format!(" · {}", show_rate(rate)));
    let rate = rate.unwrap_or_default();
    let left = pace.left.map(|left| format!(" · {} left", show_left(left)));
    let left = left.unwrap_or_default();
    let bar = match total {
        0 => String::new(),
        total => format!("{}  ", bar(BARS.0, done as f64 / total as f64)),
    };
    let forms = [
        (bar.as_str(), format!("{count}{all}{rate}{left}")),
        ("", format!("{count}{all}{rate}{left}")),
        ("", format!("{count}{all}{left}")),
        ("", format!("{share}{all}{left}")),
        ("", format!("{share}{first}{left}")),
    ];
    let room = room(width);
    let needs = |(bar, numbers): &(&str, String)| display_width(bar) + 1 + display_width(numbers);
    let name = display_width(job).min(NAME);
    let fits = forms.iter().find(|form| needs(form) + name <= room);
    let form = fits.unwrap_or(&forms[forms.len() - 1]);
    let name = shorten(job, room.saturating_sub(needs(form)));
    let (bar, numbers) = form;
    cut(&format!("{bar}{name} {numbers}"), room)
}

/// How far a whole run is.
pub(super) fn run_line(
    (ended, jobs): (usize, usize),
    failed: usize,
    seconds: f64,
    left: Option<&str>,
    width: usize,
) -> String {
    let mut text = format!("{ended}/{jobs} jobs");
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    text.push_str(&format!(" · {}", show_seconds(seconds.floor())));
    if let Some(left) = left {
        text.push_str(&format!(" · ETA {left}"));
    }
    let room = room(width);
    let free = room.saturating_sub(display_width(&text) + 1).min(BARS.1);
    if free >= SHORTEST_BAR {
        text = format!("{} {text}", bar(free, ended as f64 / jobs.max(1) as f64));
    }
    cut(&text, room)
}

/// The time that is left, rounded up: nobody needs the seconds of an hour.
pub(super) fn show_left(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil();
    if seconds <= 90.0 {
        format!("{} s", seconds.max(0.0).ceil())
    } else if seconds <= 5400.0 {
        format!("{minutes} min")
    } else {
        show_seconds(minutes * 60.0)
    }
}

fn show_rate(per_second: f64) -> String {
    match per_second {
        ..1.0 => format!("{:.1}/min", per_second * 60.0),
        ..10.0 => format!("{per_second:.1}/s"),
        _ => format!("{per_second:.0}/s"),
    }
}

/// The columns of a line behind its indent. The last one stays free: some terminals wrap a line that fills it.
fn room(width: usize) -> usize {
    width.saturating_sub(INDENT.len() + 1)
}

fn bar(width: usize, share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * width as f64).floor() as usize;
    let tip = if full < width { "╸" } else { "" };
    let empty = " ".repeat(width.saturating_sub(full + 1));
    format!("{}{tip}{empty}", "━".repeat(full))
}

/// The name of a job in so many columns. The names of axes are left out first, because the labels tell jobs apart; then the
/// middle.
fn shorten(name: &str, width: usize) -> String {
    if display_width(name) <= width {
        return name.to_string();
    }
    let labels = without_axes(name);
    if display_width(&labels) <= width {
        return labels;
    }
    let kept = width.saturating_sub(1);
    let start = prefix(labels.chars(), kept / 2);
    let end = prefix(labels.chars().rev(), kept - kept / 2);
    let end: String = end.chars().rev().collect();
    format!("{start}…{end}")
}

/// `model[3e-4, 1]` for `model[lr=3e-4, seed=1]`.
fn without_axes(name: &str) -> String {
    let Some((stage, coordinates)) = name.split_once('[') else {
        return name.to_string();
    };
    let labels = coordinates.split(", ").map(|coordinate| {
        let label = coordinate.split_once('=');
        label.map_or(coordinate, |(_, label)| label)
    });
    let labels: Vec<&str> = labels.collect();
    format!("{stage}[{}", labels.join(", "))
}

/// A line with its indent, cut at its end where it is too long all the same.
fn cut(line: &str, room: usize) -> String {
    if display_width(line) <= room {
        return format!("{INDENT}{line}");
    }
    let start = prefix(line.chars(), room.saturating_sub(1));
    format!("{INDENT}{start}…")
}

/// As many characters as so many columns hold.
fn prefix(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    let taken = characters.take_while(|c| {
        used += display_width(c.encode_utf8(&mut [0; 4]));
        used <= width
    });
    taken.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "model[method=teacherless, layers=12, seed=1]";

    fn training() -> Progress {
        Progress {
            done: 1234,
            total: 3000,
            unit: "steps".into(),
            metrics: vec![("loss".into(), 0.5123), ("exact".into(), 0.5)],
        }
    }

    const PACE: Pace = Pace {
        per_second: Some(2.31),
        left: Some(764.5),
    };

    #[test]
    fn a_training_keeps_its_numbers_at_every_width() {
        let line = |width| progress_line(JOB, &training(), PACE, width);
        assert_eq!(
            line(160),
            "  ━━━━╸       model[method=teacherless, layers=12, seed=1] 1234/3000 steps, loss 0.512, exact 0.500 · 2.3/s · 13 min left"
        );
        assert_eq!(
            line(80),
            "  model[… 12, 1] 1234/3000 steps, loss 0.512, exact 0.500 · 2.3/s · 13 min left"
        );
        assert_eq!(
            line(60),
            "  model[…12, 1] 41 %, loss 0.512, exact 0.500 · 13 min left"
        );
    }

    #[test]
    fn no_line_is_longer_than_its_terminal_whatever_stands_in_it() {
        let strange = Progress {
            done: u64::MAX,
            total: u64::MAX - 1,
            unit: "examples of the second part".into(),
            metrics: vec![("a metric with a long name".into(), 1e12); 9],
        };
        let long = "名前".repeat(50);
        for width in [0, 1, 2, 3, 4, 7, 20, 60, 80, 160] {
            for progress in [&training(), &strange, &Progress::default()] {
                for job in ["a", JOB, &long] {
                    for line in [
                        progress_line(job, progress, PACE, width),
                        progress_line(job, progress, Pace::default(), width),
                        job_line(job, "(steps: 1200 → 1300; starts from 1200 steps)", width),
                        run_line((12, 15_000), 7, 86_399.0, Some("≥ 24 h 00 min"), width),
                    ] {
                        let limit = width.max(INDENT.len() + 1);
                        assert!(display_width(&line) <= limit, "{width}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_run_shows_its_clock_and_its_end_at_every_width() {
        let line = |width| run_line((8, 15), 1, 187.9, Some("≥ 12 min"), width);
        let numbers = "8/15 jobs, 1 failed · 3 min 07 s · ETA ≥ 12 min";
        assert_eq!(line(160), format!("  ━━━━━━━━━━╸          {numbers}"));
        assert_eq!(line(80), line(160));
        assert_eq!(line(60), format!("  ━━━━╸     {numbers}"));
        assert_eq!(line(52), format!("  {numbers}"));
        let first = run_line((0, 15), 0, 0.0, None, 60);
        assert_eq!(first, "  ╸                    0/15 jobs · 0 s");
        let last = run_line((15, 15), 0, 0.0, None, 60);
        assert_eq!(last, "  ━━━━━━━━━━━━━━━━━━━━ 15/15 jobs · 0 s");
    }

    #[test]
    fn a_job_that_tells_no_progress_shows_why_it_runs() {
        let line = |width| job_line(JOB, "(lr: 0.001 → 0.0003)", width);
        assert_eq!(line(80), format!("  {JOB} (lr: 0.001 → 0.0003)"));
        assert_eq!(line(60), "  model[teacherless, 12, 1] (lr: 0.001 → 0.0003)");
    }

    #[test]
    fn a_short_name_keeps_the_labels_and_leaves_out_the_names_of_axes() {
        let line = |job| progress_line(job, &training(), PACE, 80);
        assert!(line("model[lr=3e-4, seed=0]").starts_with("  model[3e-4, 0] 1234/3000 steps"));
        assert!(line("model[lr=3e-3, seed=0]").starts_with("  model[3e-3, 0] 1234/3000 steps"));
        assert_eq!(without_axes("figure"), "figure");
        assert_eq!(without_axes("arms.shares[data=a=b]"), "arms.shares[a=b]");
    }

    #[test]
    fn times_that_are_left_are_rounded_up() {
        let shown = [
            (-1.0, "0 s"),
            (0.2, "1 s"),
            (90.0, "90 s"),
            (91.0, "2 min"),
            (5399.0, "90 min"),
            (5401.0, "1 h 31 min"),
            (7200.0, "2 h 00 min"),
        ];
        for (seconds, text) in shown {
            assert_eq!(show_left(seconds), text, "{seconds}");
        }
        assert_eq!(
            [0.25, 2.5, 250.4].map(show_rate),
            ["15.0/min", "2.5/s", "250/s"]
        );
    }
}
