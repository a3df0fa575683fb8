//! What a job takes of the machine. Never part of a result's identity.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cores, memory, cards and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// CPU cores, which is also the number of threads a job computes with.
    pub cores: u32,
    /// Memory in bytes, as far as it is known before; jobs start only where there is room for it.
    pub memory: u64,
    /// Whether that is a limit, because the file says so, and no mere estimate.
    #[serde(default)]
    pub limited: bool,
    /// CUDA cards.
    pub gpu: u32,
    /// The longest it may run, in seconds; `None` for no limit.
    pub time: Option<u64>,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            cores: 1,
            memory: 500 * MB,
            limited: false,
            gpu: 0,
            time: None,
        }
    }
}

const MB: u64 = 1_000_000;

/// `resources = { … }` as written in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// CPU cores, which is also the number of threads the job computes with.
    #[schemars(range(min = 1, max = 4096))]
    pub cores: Option<u32>,
    /// Memory, e.g. "500 MB", "4 GB"; a job that takes more is stopped, as one out of memory.
    pub memory: Option<String>,
    /// CUDA cards.
    #[schemars(range(max = 64))]
    pub gpu: Option<u32>,
    /// The longest the job may run, e.g. "90 s", "30 min", "12 h".
    pub time: Option<String>,
}

impl Asked {
    /// The kind's defaults with what was asked for in their place. The error names the key at fault.
    pub fn over(&self, default: Resources) -> Result<Resources, (&'static str, String)> {
        Ok(Resources {
            cores: self.cores.unwrap_or(default.cores),
            memory: match &self.memory {
                Some(text) => parse(text, &SIZES).map_err(|message| ("memory", message))?,
                None => default.memory,
            },
            limited: default.limited || self.memory.is_some(),
            gpu: self.gpu.unwrap_or(default.gpu),
            time: match &self.time {
                Some(text) => Some(parse(text, &TIMES).map_err(|message| ("time", message))?),
                None => default.time,
            },
        })
    }
}

const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", MB),
    ("GB", 1_000 * MB),
    ("TB", 1_000_000 * MB),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];
const TIMES: [(&str, u64); 4] = [("s", 1), ("min", 60), ("h", 3600), ("d", 86400)];

/// A number and a unit.
pub fn parse(text: &str, units: &[(&str, u64)]) -> Result<u64, String> {
    let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
    let wrong = || format!("`{text}` is not a number and a unit ({})", names.join(", "));
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .ok_or_else(wrong)?;
    let number: f64 = text[..end].parse().map_err(|_| wrong())?;
    let unit = text[end..].trim();
    let (_, factor) = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .ok_or_else(wrong)?;
    let value = number * *factor as f64;
    if !(1.0..1e18).contains(&value) {
        return Err(wrong());
    }
    Ok(value as u64)
}

/// Bytes from text such as `4 GB`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    parse(text, &SIZES)
}

/// Bytes for people.
pub fn show_size(bytes: u64) -> String {
    let (name, factor) = SIZES[..5]
        .iter()
        .rev()
        .find(|(_, factor)| bytes >= *factor)
        .unwrap_or(&SIZES[0]);
    match bytes % factor {
        0 => format!("{} {name}", bytes / factor),
        _ => format!("{:.1} {name}", bytes as f64 / *factor as f64),
    }
}

/// A span of time for people. It is rounded to the last unit that is shown before it is taken apart, so that no unit is ever
/// full: 119.7 s are 2 min 00 s.
pub fn show_seconds(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round();
    if tenths < 100.0 && seconds.fract() != 0.0 {
        return format!("{:.1} s", tenths / 10.0);
    }
    // Out of range, the nearest number there is.
    let seconds = seconds.round() as u64;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..5400 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => {
            let minutes = seconds.saturating_add(30) / 60;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// A moment, in seconds since 1970, for people: `2026-11-27 14:03:22 UTC`.
pub fn show_time(since_1970: u64) -> String {
    let (days, rest) = (since_1970 / 86_400, since_1970 % 86_400);
    // Years are counted from the first of March, so that a leap day is the last of its year. 400 of them have 146 097 days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let leaps = day_of_era / 1_460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, five months have 153 days.
    let months = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A count for people, its digits in groups of three: `12 000`.
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_a_number_and_a_unit() {
        assert_eq!(parse_size("1.5 GB"), Ok(1_500_000_000));
        assert_eq!(parse("30min", &TIMES), Ok(1800));
        assert!(parse("30", &TIMES).is_err());
        assert!(parse("-1 s", &TIMES).is_err());
        assert!(parse("1e99 s", &TIMES).is_err());
        assert_eq!(show_size(1_500_000_000), "1.5 GB");
        assert_eq!(show_size(500_000_000), "500 MB");
    }

    #[test]
    fn no_unit_of_a_span_of_time_is_full() {
        let shown = [
            (0.0, "0 s"),
            (0.04, "0.0 s"),
            (0.25, "0.3 s"),
            (1.0, "1 s"),
            (1.98, "2.0 s"),
            (9.94, "9.9 s"),
            (9.97, "10 s"),
            (99.4, "99 s"),
            (99.5, "1 min 40 s"),
            (119.7, "2 min 00 s"),
            (179.5, "3 min 00 s"),
            (5399.4, "89 min 59 s"),
            (5399.5, "1 h 30 min"),
            (7199.0, "2 h 00 min"),
            (10799.0, "3 h 00 min"),
            (86400.0, "24 h 00 min"),
            (f64::NAN, "0 s"),
        ];
        for (seconds, text) in shown {
            assert_eq!(show_seconds(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn a_count_is_grouped_by_thousands() {
        let shown = [
            (0, "0"),
            (999, "999"),
            (1200, "1 200"),
            (12_000, "12 000"),
            (123_456_789, "123 456 789"),
        ];
        for (count, text) in shown {
            assert_eq!(show_count(count), text);
        }
    }

    #[test]
    fn a_moment_is_a_date_and_a_time_of_day() {
        let shown = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_709_164_800, "2024-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_795_788_202, "2026-11-27 14:03:22 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ];
        for (seconds, text) in shown {
            assert_eq!(show_time(seconds), text, "{seconds}");
        }
        assert!(show_time(u64::MAX).ends_with(" UTC"));
    }
}
