//! The bins of a histogram.

use super::contract::Basis;
use super::statistics::quantile;
use crate::figures::plot::scale::Spread;

/// The most bins that are made unless more are asked for: they would be narrower than a point.
const MOST: usize = 200;

/// Up to this size every whole number and the places half way between two are doubles.
const WHOLE: f64 = (1u64 << 51) as f64;

/// The edges of even bins over sorted values, on the line where the axis has even steps. A bin holds its lower edge; the last
/// one both.
///
/// The bins are as many as `wanted`, or as numpy's `auto` has it. They divide the domain of the axis, or reach from the lowest
/// value to the highest. Those of whole numbers begin half way between two and have a whole width, so that each holds as many
/// numbers as the others.
pub(super) fn edges(sorted: &[f64], wanted: Option<usize>, along: &Basis) -> Vec<f64> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let domain = along
        .domain
        .and_then(|[low, high]| Some((along.spread.even(low)?, along.spread.even(high)?)));
    let (low, high) = domain.unwrap_or((*first, *last));
    if along.whole && along.spread == Spread::Linear && low.abs().max(high.abs()) < WHOLE {
        return of_whole_numbers(sorted, wanted, (low.ceil(), high.floor()));
    }
    let (low, high) = if low < high {
        (low, high)
    } else {
        around(low, along.spread)
    };
    let count = wanted.unwrap_or_else(|| {
        let width = width(sorted);
        let count = ((high - low) / width).ceil();
        // Equal values have no width, and one bin holds them.
        if count.is_finite() {
            count.clamp(1.0, MOST as f64) as usize
        } else {
            1
        }
    });
    let edge = |at: usize| {
        let share = at as f64 / count as f64;
        low * (1.0 - share) + high * share
    };
    (0..=count).map(edge).collect()
}

/// The bins of whole numbers from one to another.
fn of_whole_numbers(sorted: &[f64], wanted: Option<usize>, (low, high): (f64, f64)) -> Vec<f64> {
    let numbers = high - low + 1.0;
    let width = match wanted {
        // As many as asked for, or fewer.
        Some(count) => (numbers / count as f64).ceil(),
        None => width(sorted).round().max((numbers / MOST as f64).ceil()),
    };
    let width = width.max(1.0);
    let count = (numbers / width).ceil() as usize;
    let edge = |at: usize| low - 0.5 + at as f64 * width;
    (0..=count).map(edge).collect()
}

/// The ends of the one bin around equal values.
fn around(value: f64, spread: Spread) -> (f64, f64) {
    let half = match spread {
        // In powers of the base.
        Spread::Log(_) | Spread::Symlog(_) => 0.05,
        _ if value == 0.0 => 0.5,
        _ => 0.1 * value.abs(),
    };
    let low = value - half;
    match spread {
        Spread::Sqrt => (low.max(0.0), value + half),
        _ => (low, value + half),
    }
}

/// The width of bins as numpy 2 has it by `auto`: by Freedman and Diaconis (1981), twice the distance of the quartiles over
/// the cube root of n, but no less than half the width of √n bins, and no more than by Sturges (1926), log₂ n + 1 bins.
fn width(sorted: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return 0.0;
    };
    let count = sorted.len() as f64;
    let span = last - first;
    let quartile = |share| quantile(sorted, share).unwrap_or(*first);
    let freedman = 2.0 * (quartile(0.75) - quartile(0.25)) * count.powf(-1.0 / 3.0);
    let root = span / count.sqrt();
    let sturges = span / (count.log2() + 1.0);
    freedman.max(root / 2.0).min(sturges)
}

/// The bin of a value, if it lies in one.
pub(super) fn bin(edges: &[f64], value: f64) -> Option<usize> {
    let (first, last) = (edges.first()?, edges.last()?);
    if !(*first..=*last).contains(&value) || edges.len() < 2 {
        return None;
    }
    // 0.3 may be a little less than three tenths of the way from 0 to 1: what an edge can hardly be told from lies on it.
    let slack = 1e-9 * (edges[1] - edges[0]);
    let above = edges.partition_point(|edge| *edge - slack <= value);
    Some((above.max(1) - 1).min(edges.len() - 2))
}

#[cfg(test)]
mod tests {
    use super::super::statistics::tests::VALUES;
    use super::*;

    const LINEAR: Basis = Basis {
        spread: Spread::Linear,
        whole: false,
        domain: None,
    };

    fn counts(values: &[f64], wanted: Option<usize>, along: &Basis) -> (Vec<f64>, Vec<usize>) {
        let edges = edges(values, wanted, along);
        let mut counts = vec![0; edges.len() - 1];
        for value in values {
            counts[bin(&edges, *value).unwrap()] += 1;
        }
        (edges, counts)
    }

    #[test]
    fn bins_are_those_of_numpy() {
        // numpy.histogram(values, "auto")
        let (edges, found) = counts(&VALUES, None, &LINEAR);
        assert_eq!(found, [1, 1, 5, 3, 1, 0, 1]);
        assert_eq!((edges[0], edges[7]), (-4.0, 18.5));
        assert!((edges[1] + 0.785_714_285_714_285_6).abs() < 1e-12);
        let (edges, found) = counts(&VALUES, Some(5), &LINEAR);
        assert_eq!(edges, [-4.0, 0.5, 5.0, 9.5, 14.0, 18.5]);
        assert_eq!(found, [1, 4, 6, 0, 1]);
        let even: Vec<f64> = (0..=100).map(|at| f64::from(at) / 10.0).collect();
        let (_, found) = counts(&even, None, &LINEAR);
        assert_eq!(found, [13, 12, 13, 12, 13, 12, 13, 13]);
        // Half of the values are equal, so that the quartiles are.
        let mut half = vec![1.0; 60];
        half.extend([2.0, 3.0, 9.0]);
        let (_, found) = counts(&half, None, &LINEAR);
        assert_eq!((found.len(), &found[..5]), (16, &[60, 0, 1, 0, 1][..]));
        // One value far away: numpy makes 64 bins.
        let mut heavy: Vec<f64> = (0..1000).map(|at| f64::from(at) / 1000.0).collect();
        heavy.push(500.0);
        let (_, found) = counts(&heavy, None, &LINEAR);
        assert_eq!((found.len(), found[0], found[63]), (64, 1000, 1));
    }

    #[test]
    fn a_domain_is_what_the_bins_divide() {
        let inside = &VALUES[1..11];
        let along = Basis {
            domain: Some([0.0, 10.0]),
            ..LINEAR
        };
        // numpy.histogram(values, "auto", range=(0, 10))
        let (edges, found) = counts(inside, None, &along);
        assert_eq!(found, [0, 1, 2, 3, 2, 1, 1]);
        assert_eq!((edges[0], edges[7]), (0.0, 10.0));
    }

    #[test]
    fn bins_of_a_logarithmic_axis_are_even_in_the_logarithm() {
        let along = Basis {
            spread: Spread::Log(10.0),
            ..LINEAR
        };
        let values = [10.0f64, 12.0, 14.0, 15.0, 90.0, 95.0, 400.0, 1000.0];
        let values: Vec<f64> = values.iter().map(|value| value.log10()).collect();
        // numpy.histogram(numpy.log10(values), "auto")
        let (edges, found) = counts(&values, None, &along);
        assert_eq!(edges, [1.0, 1.5, 2.0, 2.5, 3.0]);
        assert_eq!(found, [4, 2, 0, 2]);
    }

    #[test]
    fn each_bin_holds_as_many_whole_numbers() {
        let along = Basis {
            whole: true,
            ..LINEAR
        };
        let values: Vec<f64> = (0..10).flat_map(|at| [f64::from(at); 40]).collect();
        let (edges, found) = counts(&values, None, &along);
        assert_eq!(found, [40; 10]);
        assert_eq!((edges[0], edges[10]), (-0.5, 9.5));
        // Four bins of three numbers at most, and not four of two and a half.
        let (edges, found) = counts(&values, Some(4), &along);
        assert_eq!(edges, [-0.5, 2.5, 5.5, 8.5, 11.5]);
        assert_eq!(found, [120, 120, 120, 40]);
        // Numbers that a double cannot hold a half of.
        let (_, found) = counts(&[1e300, 1e300, 2e300], None, &along);
        assert_eq!(found.iter().sum::<usize>(), 3);
    }

    #[test]
    fn equal_values_have_one_bin() {
        for (value, spread) in [
            (0.0, Spread::Linear),
            (-3.0, Spread::Linear),
            (1e300, Spread::Linear),
            (0.0, Spread::Log(10.0)),
            (0.0, Spread::Sqrt),
        ] {
            let along = Basis { spread, ..LINEAR };
            let (edges, found) = counts(&[value; 3], None, &along);
            assert_eq!(found, [3]);
            assert!(edges[0] < edges[1], "{edges:?}");
            assert!(spread != Spread::Sqrt || edges[0] >= 0.0);
        }
        assert!(edges(&[], None, &LINEAR).is_empty());
        assert_eq!(bin(&[], 1.0), None);
    }

    #[test]
    fn there_is_an_end_to_the_bins() {
        let mut values: Vec<f64> = (0..100_000).map(|at| f64::from(at) / 1e5).collect();
        values.push(1e9);
        assert_eq!(edges(&values, None, &LINEAR).len(), MOST + 1);
        assert_eq!(edges(&values, Some(500), &LINEAR).len(), 501);
    }

    #[test]
    fn a_value_on_an_edge_belongs_to_the_bin_above() {
        // As doubles, three tenths of the way from 0.1 to 1.1 and 0.4 differ.
        let edges: Vec<f64> = (0..=10).map(|at| 0.1 + f64::from(at) * 0.1).collect();
        assert!(edges[2] > 0.3);
        assert_eq!(bin(&edges, 0.3), Some(2));
        assert_eq!(bin(&edges, 0.1), Some(0));
        assert_eq!(bin(&edges, edges[10]), Some(9));
        assert_eq!(bin(&edges, 0.05), None);
    }
}
