//! What samples are summed up by: quartiles, whiskers and kernel densities. All values are sorted, and lie on a line where
//! the axis has even steps.

/// The five numbers of a box, after Tukey (1977), *Exploratory Data Analysis*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quartiles {
    /// The lowest value that is no outlier.
    pub low: f64,
    /// Below it lies a quarter of the values.
    pub first: f64,
    pub median: f64,
    /// Above it lies a quarter of the values.
    pub third: f64,
    /// The highest value that is no outlier.
    pub high: f64,
}

/// So many times the distance of the quartiles away a value is an outlier.
const FENCE: f64 = 1.5;

impl Quartiles {
    /// Those of sorted values; nothing of none.
    pub(super) fn of(sorted: &[f64]) -> Option<Self> {
        let (first, third) = (quantile(sorted, 0.25)?, quantile(sorted, 0.75)?);
        let reach = FENCE * (third - first);
        let inside = |value: &&f64| (first - reach..=third + reach).contains(*value);
        // A whisker ends at a value, and not inside the box where all values beyond it are outliers.
        let low = sorted.iter().find(inside).map_or(first, |v| v.min(first));
        let high = sorted.iter().rev().find(inside);
        Some(Self {
            low,
            first,
            median: quantile(sorted, 0.5)?,
            third,
            high: high.map_or(third, |v| v.max(third)),
        })
    }

    /// Whether a value lies beyond the whiskers.
    pub(super) fn is_outlier(&self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

/// The quantile of sorted values with linear interpolation between two: the seventh of Hyndman and Fan (1996), which numpy,
/// R and seaborn take unless told otherwise.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = place - below as f64;
    // Not `low + part * (high - low)`: the difference may be larger than any double.
    Some(if part == 0.0 {
        low
    } else {
        (low * (1.0 - part) + high * part).clamp(low, high)
    })
}

/// The standard deviation of a sample, over one less than its size.
fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = super::mean(values);
    // Divided by the largest first: squares may be larger than any double.
    let off = |value: &f64| value - mean;
    let largest = values.iter().map(|v| off(v).abs()).fold(0.0, f64::max);
    if largest == 0.0 {
        return 0.0;
    }
    let sum: f64 = values.iter().map(|v| (off(v) / largest).powi(2)).sum();
    largest * (sum / (count - 1.0)).sqrt()
}

/// The width of a Gaussian kernel: the one that is given, or by Scott's rule (1992, *Multivariate Density Estimation*), the
/// standard deviation times n to the power of −1/5, as scipy and seaborn have it. None of a single value or of equal ones.
pub(super) fn bandwidth(sorted: &[f64], given: Option<f64>) -> Option<f64> {
    let (first, last) = (sorted.first()?, sorted.last()?);
    if given.is_some() {
        return given;
    }
    let width = (first < last).then(|| deviation(sorted))? * (sorted.len() as f64).powf(-0.2);
    (width > 0.0 && width.is_finite()).then_some(width)
}

/// Beyond so many of its widths a Gaussian kernel adds nothing that a double could hold.
const REACH: f64 = 9.0;

/// The kernel density of sorted values at a place (Rosenblatt 1956, Parzen 1962): a Gaussian around each, of which all
/// together have the area 1.
pub(super) fn density(sorted: &[f64], width: f64, at: f64) -> f64 {
    let from = sorted.partition_point(|value| *value < at - REACH * width);
    let to = sorted.partition_point(|value| *value <= at + REACH * width);
    let near = &sorted[from..to.max(from)];
    let kernel = |value: &f64| (-0.5 * ((at - value) / width).powi(2)).exp();
    let sum: f64 = near.iter().map(kernel).sum();
    sum / (sorted.len() as f64 * width * (2.0 * std::f64::consts::PI).sqrt())
}

/// Places from one to another for a curve of kernels of this width, close enough to look smooth.
pub(super) fn places(from: f64, to: f64, width: f64) -> impl Iterator<Item = f64> {
    let count = ((to - from) / width * 6.0).ceil().clamp(160.0, 4000.0) as usize;
    (0..=count).map(move |step| {
        let share = step as f64 / count as f64;
        from * (1.0 - share) + to * share
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Twelve values, of which the first and the last are outliers.
    pub(in super::super) const VALUES: [f64; 12] =
        [-4.0, 2.1, 3.4, 3.9, 4.4, 5.0, 5.3, 5.8, 6.1, 7.7, 9.2, 18.5];

    pub(in super::super) fn near(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-12 * other.abs().max(1e-3)
    }

    fn logarithms() -> Vec<f64> {
        VALUES[1..].iter().map(|value| value.log10()).collect()
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile(values, …)
        let numpy = [
            (0.0, -4.0),
            (0.1, 2.23),
            (0.333, 4.2315),
            (0.9, 9.05),
            (1.0, 18.5),
        ];
        for (share, value) in numpy {
            let own = quantile(&VALUES, share).unwrap();
            assert!(near(own, value), "{share}: {own} {value}");
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0], 0.25), Some(3.0));
        assert_eq!(quantile(&[-1e308, 1e308], 0.5), Some(0.0));
    }

    #[test]
    fn whiskers_end_at_the_last_value_within_the_fences() {
        let of = Quartiles::of(&VALUES).unwrap();
        let numpy = [2.1, 3.775, 5.15, 6.5, 9.2];
        let own = [of.low, of.first, of.median, of.third, of.high];
        assert!(own.iter().zip(numpy).all(|(a, b)| near(*a, b)), "{own:?}");
        assert!(of.is_outlier(-4.0) && of.is_outlier(18.5) && !of.is_outlier(9.2));
        // Of the logarithms: numpy.quantile(numpy.log10(values), …), and no outlier below.
        let of = Quartiles::of(&logarithms()).unwrap();
        let numpy = [
            0.322_219_294_733_919_3,
            0.617_258_641_756_343_3,
            0.724_275_869_600_789,
            0.835_910_280_091_624_5,
            0.963_787_827_345_555_2,
        ];
        let own = [of.low, of.first, of.median, of.third, of.high];
        assert!(own.iter().zip(numpy).all(|(a, b)| near(*a, b)), "{own:?}");
    }

    #[test]
    fn a_whisker_does_not_end_inside_the_box() {
        // The third quartile lies between 0 and 1, and both of the ones are outliers.
        let of = Quartiles::of(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]).unwrap();
        assert_eq!((of.third, of.high), (0.25, 0.25));
        assert!(of.is_outlier(1.0) && !of.is_outlier(0.0));
        let of = Quartiles::of(&[-1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
        assert_eq!((of.low, of.first), (-0.25, -0.25));
        let same = Quartiles::of(&[2.0; 6]).unwrap();
        assert_eq!((same.low, same.median, same.high), (2.0, 2.0, 2.0));
    }

    #[test]
    fn densities_are_those_of_scipy() {
        // scipy.stats.gaussian_kde(values)
        let width = bandwidth(&VALUES, None).unwrap();
        assert!(near(width, 3.166_984_720_631_474_7), "{width}");
        let scipy = [
            (-4.0, 0.014_095_133_312_492_916),
            (0.0, 0.037_881_816_275_686_15),
            (5.0, 0.089_176_390_420_395_71),
            (10.0, 0.039_807_617_697_073_146),
            (18.5, 0.010_681_708_942_830_395),
        ];
        for (at, value) in scipy {
            let own = density(&VALUES, width, at);
            assert!(near(own, value), "{at}: {own} {value}");
        }
        // With a kernel of width 0.8: gaussian_kde(values, 0.8 / values.std(ddof=1)).
        assert_eq!(bandwidth(&VALUES, Some(0.8)), Some(0.8));
        assert!(near(density(&VALUES, 0.8, 5.0), 0.174_981_418_918_515_15));
        let logarithms = logarithms();
        let width = bandwidth(&logarithms, None).unwrap();
        assert!(near(width, 0.152_060_780_686_042_12), "{width}");
        assert!(near(
            density(&logarithms, width, 0.7),
            1.609_064_127_751_009_8
        ));
    }

    #[test]
    fn equal_values_have_a_density_only_with_a_given_width() {
        assert_eq!(bandwidth(&[0.1; 9], None), None);
        assert_eq!(bandwidth(&[0.1], None), None);
        assert_eq!(bandwidth(&[], Some(1.0)), None);
        let peak = density(&[0.1; 9], 1.0, 0.1);
        assert!(near(peak, 0.398_942_280_401_432_7), "{peak}");
        // Large values do not overflow.
        assert!(bandwidth(&[-1e200, 0.0, 1e200], None).unwrap().is_finite());
    }
}
