//! Intervals at 95 %: of a mean, by Student's t; of a share, after Wilson and after Clopper and Pearson.
//!
//! Sources: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209; C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404.

use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

/// The quantile of the standard normal distribution at 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// Half the width of the 95 % Student-t interval of the mean of `samples`; `None` for fewer than two.
pub(super) fn half_width(samples: &[f64]) -> Option<f64> {
    let n = samples.len();
    if n < 2 {
        return None;
    }
    let count = n as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let student = StudentsT::new(0.0, 1.0, count - 1.0).ok()?;
    Some(student.inverse_cdf(0.975) * (variance / count).sqrt())
}

/// The two ends of an interval of a share.
pub(super) type Ends = (f64, f64);

/// Wilson's score interval of `k` of `n`.
pub(super) fn wilson(k: f64, n: f64) -> Ends {
    let share = k / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let low = if k == 0.0 { 0.0 } else { middle - half };
    let high = if k == n { 1.0 } else { middle + half };
    (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0))
}

/// Clopper and Pearson's exact interval of `k` of `n`.
pub(super) fn clopper_pearson(k: f64, n: f64) -> Ends {
    let quantile =
        |a: f64, b: f64, at: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(at));
    let low = match k {
        0.0 => 0.0,
        k => quantile(k, n - k + 1.0, 0.025),
    };
    let high = match n - k {
        0.0 => 1.0,
        _ => quantile(k + 1.0, n - k, 0.975),
    };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, right: f64) {
        assert!((found - right).abs() < 1e-6, "{found} is not {right}");
    }

    #[test]
    fn two_samples_give_the_textbook_interval() {
        // s/√n = 0.5 and t(1) = 12.706204736.
        near(half_width(&[0.0, 1.0]).unwrap(), 6.353_102_368_087_346);
        assert_eq!(half_width(&[1.0]), None);
    }

    #[test]
    fn shares_have_the_intervals_of_the_textbook_and_stay_within_0_and_1() {
        // By R: binom.test(5, 5), binom.test(0, 5), binom.test(3, 10); prop.test without correction for Wilson's.
        let (low, high) = clopper_pearson(5.0, 5.0);
        near(low, 0.478_176_25);
        assert_eq!(high, 1.0);
        let (low, high) = clopper_pearson(0.0, 5.0);
        assert_eq!(low, 0.0);
        near(high, 0.521_823_75);
        let (low, high) = clopper_pearson(3.0, 10.0);
        near(low, 0.066_739_51);
        near(high, 0.652_452_85);
        let (low, high) = wilson(5.0, 5.0);
        near(low, 0.565_517_54);
        assert_eq!(high, 1.0);
        let (low, high) = wilson(3.0, 10.0);
        near(low, 0.107_791_27);
        near(high, 0.603_221_9);
        assert_eq!(wilson(0.0, 3.0).0, 0.0);
    }
}
