//! A day, as an author writes it.

/// Seconds since 1970 at the beginning of a day, `2026-05-31`.
pub fn seconds(date: &str) -> Option<i64> {
    let mut parts = date.splitn(3, '-').map(|part| {
        let is_plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<i64>().ok().filter(|_| is_plain)
    });
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let days = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let most = *days.get(usize::try_from(month - 1).ok()?)?;
    if !(1970..=9999).contains(&year) || !(1..=most).contains(&day) {
        return None;
    }
    let before = year - 1;
    let leaps = |year: i64| year / 4 - year / 100 + year / 400;
    let years = 365 * (year - 1970) + leaps(before) - leaps(1969);
    let months: i64 = days.iter().take(usize::try_from(month - 1).ok()?).sum();
    Some((years + months + day - 1) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_seconds_since_1970() {
        assert_eq!(seconds("1970-01-01"), Some(0));
        assert_eq!(seconds("2000-03-01"), Some(951_868_800));
        assert_eq!(seconds("2026-05-31"), Some(1_780_185_600));
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-1",
            "today",
            "1969-12-31",
            "2026-00-10",
            "2026-01-+1",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
