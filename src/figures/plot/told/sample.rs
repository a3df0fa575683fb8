//! What there is to say of samples that are summed up: those too small for their mark, and what a mark computes beyond a domain.

use std::collections::BTreeMap;

use super::Shown;
use crate::figures::plot::hole::Whereabouts;
use crate::figures::plot::mark::{Lack, Side, Unit};
use crate::figures::plot::number;
use crate::figures::plot::text::plain;
use crate::figures::table::Error;

impl Shown<'_> {
    /// That what the mark computes leaves the domain of its axis.
    pub(super) fn computed_told(&self) -> Option<String> {
        let layer = self.layer;
        let channel = layer.y_channel()?;
        let [low, high] = channel.domain?;
        let ends = layer.rows.iter().filter_map(|row| row.y);
        let highest = ends.fold(f64::NEG_INFINITY, f64::max);
        let name = layer.mark.about().computed;
        let value = plain(&number::lone(highest));
        (highest > high).then(|| {
            format!(
                "{name}: cut off at the end of the domain {low} to {high}; the highest is {value}"
            )
        })
    }

    /// What samples lack for their mark, and whether any of them is drawn.
    pub(super) fn samples_told(
        &self,
        places: &Whereabouts<'_>,
        rows: &[usize],
    ) -> Result<(Vec<String>, bool), Error> {
        let layer = self.layer;
        let about = layer.mark.about();
        if about.unit != Unit::Sample {
            return Ok((Vec::new(), true));
        }
        // The axis along which the values of a sample spread.
        let along_x = about.y == Side::Computed;
        let (along, basis, channel) = if along_x {
            (&layer.x, layer.bases[0], layer.x_channel())
        } else {
            (&layer.y, layer.bases[1], layer.y_channel())
        };
        let mut samples: BTreeMap<(usize, usize, usize), (usize, Vec<f64>)> = BTreeMap::new();
        for row in rows {
            let value = along.cells.get(*row).and_then(|cell| cell.ok());
            let Some(even) = value.and_then(|value| basis.spread.even(value)) else {
                continue;
            };
            let panel = layer.panel_of.as_ref().map_or(0, |of_row| of_row[*row]);
            let place = if along_x { 0 } else { layer.x.keys[*row] };
            let key = (panel, layer.series_of[*row], place);
            samples
                .entry(key)
                .or_insert((*row, Vec::new()))
                .1
                .push(even);
        }
        let total = samples.len();
        let mut lacking: BTreeMap<Lack, Vec<usize>> = BTreeMap::new();
        let mut shown = 0;
        for (first, mut values) in samples.into_values() {
            values.sort_by(f64::total_cmp);
            let lack = layer.mark.lacks(&values, &layer.drawn);
            shown += usize::from(lack.is_none_or(|lack| lack.shown));
            if let Some(lack) = lack {
                lacking.entry(lack).or_default().push(first);
            }
        }
        let field = channel.map_or("", |channel| channel.field.as_str());
        let mut lines = Vec::new();
        for (lack, firsts) in lacking {
            lines.push(places.lacking((field, lack.why), total, &firsts)?);
        }
        Ok((lines, shown > 0))
    }
}
