//! Whether the series of a category stand side by side at all.

use std::collections::{BTreeMap, BTreeSet};

use super::layer::Layer;

/// Puts series in the middle of their categories where no category has more than one of them. Such a colour tells something of
/// the categories themselves, and nothing has to make room. All layers of a panel and its facets are asked together, so that
/// what belongs together stays in one line.
pub(super) fn centre(layers: &mut [Layer<'_>]) {
    let mut of_place: BTreeMap<(usize, u64), BTreeSet<usize>> = BTreeMap::new();
    for layer in layers.iter() {
        let (lanes, count) = &layer.lanes;
        for row in &layer.raw {
            let Some(x) = row.x.filter(|_| *count > 1) else {
                continue;
            };
            let place = of_place.entry((*count, x.to_bits())).or_default();
            place.insert(lanes[row.series]);
        }
    }
    if of_place.values().all(|lanes| lanes.len() < 2) {
        for layer in layers {
            layer.lanes = (vec![0; layer.looks.len()], 1);
        }
        return;
    }
    // Series without a row in this panel get no room.
    let mut used: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for ((count, _), lanes) in of_place {
        used.entry(count).or_default().extend(lanes);
    }
    for layer in layers {
        let Some(used) = used.get(&layer.lanes.1) else {
            continue;
        };
        let place = |lane: &usize| used.iter().position(|own| own == lane).unwrap_or_default();
        layer.lanes = (layer.lanes.0.iter().map(place).collect(), used.len());
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{DataFrame, df};

    use crate::figures::plot::{Plot, draw};

    /// The widths of the bars of two categories whose rows have these kinds.
    fn widths(categories: &[&str], kinds: &[&str]) -> Vec<f64> {
        let values: Vec<f64> = (1..=kinds.len()).map(|value| value as f64).collect();
        let table: DataFrame = df!("x" => categories, "y" => values, "kind" => kinds).unwrap();
        let text = "{\"mark\":\"bar\",\"x\":\"x\",\"y\":\"y\",\"color\":\"kind\",\"legend\":\"none\",\"width\":120}";
        let plot: Plot = serde_json::from_str(text).unwrap();
        let svg = draw(&plot, &table).unwrap().svg();
        let group = svg.split("<g clip-path").nth(1).unwrap();
        let group = group.split("</g>").next().unwrap();
        let outlines = group.split("<path d=\"M").skip(1);
        let width = |outline: &str| {
            let xs = outline.split('Z').next().unwrap().split('L');
            let xs = xs.map(|place| -> f64 { place.split(' ').next().unwrap().parse().unwrap() });
            let (low, high) = xs.fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(x), b.max(x)));
            high - low
        };
        outlines.map(width).collect()
    }

    #[test]
    fn bars_stand_side_by_side_only_where_a_category_has_two() {
        let alone = widths(&["a", "b"], &["up", "down"]);
        let beside = widths(&["a", "a", "b"], &["up", "down", "down"]);
        let plain = widths(&["a", "b"], &["up", "up"]);
        assert_eq!(alone.len(), 2);
        assert_eq!(alone, plain);
        assert_eq!(beside.len(), 3);
        assert!(
            beside.iter().all(|width| *width < 0.7 * alone[0]),
            "{beside:?}"
        );
    }
}
