//! A curve in one line of text: `▇▅▃▂▁▁▁▁`.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as blocks from the lowest to the highest of them, in at most so many columns: where there are more values, a column
/// shows the mean of its share. What is not finite is left out.
pub fn sparkline(values: &[f64], columns: usize) -> String {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let finite: Vec<f64> = finite.collect();
    let columns = columns.min(finite.len());
    let mean = |column: usize| {
        let (from, to) = (
            column * finite.len() / columns,
            (column + 1) * finite.len() / columns,
        );
        finite[from..to].iter().sum::<f64>() / (to - from) as f64
    };
    let means: Vec<f64> = (0..columns).map(mean).collect();
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let level = |mean: &f64| {
        let share = (mean - lowest) / (highest - lowest);
        // A constant curve has no share, and is drawn at the lowest level.
        let level = (share * LEVELS.len() as f64) as usize;
        LEVELS[level.min(LEVELS.len() - 1)]
    };
    means.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_from_its_lowest_to_its_highest_value() {
        let line: Vec<f64> = (0..8).map(f64::from).collect();
        assert_eq!(sparkline(&line, 40), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[2.0, 1.0, 1.0], 40), "█▁▁");
        assert_eq!(sparkline(&[-3.0, f64::NAN, -1.0], 40), "▁█");
    }

    #[test]
    fn many_values_share_columns_and_none_is_lost() {
        let line: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(sparkline(&line, 8), "▁▂▃▄▅▆▇█");
        let peak: Vec<f64> = (0..1000).map(|n| f64::from(u8::from(n == 999))).collect();
        assert_eq!(sparkline(&peak, 4), "▁▁▁█");
    }

    #[test]
    fn what_has_no_range_or_no_values_is_drawn_all_the_same() {
        assert_eq!(sparkline(&[], 40), "");
        assert_eq!(sparkline(&[f64::INFINITY], 40), "");
        assert_eq!(sparkline(&[1.0, 2.0], 0), "");
        assert_eq!(sparkline(&[0.5; 3], 40), "▁▁▁");
        assert_eq!(sparkline(&[f64::MAX, f64::MIN], 40).chars().count(), 2);
    }
}
