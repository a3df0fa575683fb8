//! One panel of a figure, with its facets: layers of rows on axes that they share.

use polars::prelude::{Column, DataFrame};

use super::layer::{Layer, Placed, Sides};
use super::reference::{self, Line};
use super::{Keys, Tables, lanes, order_advice};
use crate::figures::plot::category::Unknown;
use crate::figures::plot::column::{
    Along, Groups, along_categories, along_numbers, is_numeric, numbers,
};
use crate::figures::plot::hole::Cell;
use crate::figures::plot::mark::{Basis, Side};
use crate::figures::plot::scale::{Holds, Scale, Spread, near_zero};
use crate::figures::plot::shades::Shades;
use crate::figures::plot::spec::{CATEGORIES, Channel, Drawn, Panel as Written, ScaleName, Stack};
use crate::figures::plot::told::{Shown, Told};
use crate::figures::table::{self, Error};

/// The most panels that can be told apart at all.
const MOST_PANELS: usize = 64;

/// A panel with its facets.
pub(in crate::figures::plot) struct View<'a> {
    pub written: Written,
    /// Its facets in reading order; one if it has none.
    pub facets: Vec<Facet>,
    /// How many rows and columns of facets it has, where these are given by `row` and `column`.
    pub grid: Option<(usize, usize)>,
    /// The names of the rows and of the columns of facets, as mark-up.
    pub row_names: Vec<String>,
    pub column_names: Vec<String>,
    pub layers: Vec<Layer<'a>>,
    /// The horizontal and the vertical axis, as written: without the columns of single layers.
    pub x: Channel,
    pub y: Channel,
    /// The colours of what is coloured by number.
    pub value: Option<Shades>,
}

/// One facet.
pub(in crate::figures::plot) struct Facet {
    /// What it is about, as mark-up.
    pub heading: Option<String>,
    pub x: Scale,
    pub y: Scale,
    /// Its lines to compare with, one for each reference of the panel.
    pub references: Vec<Line>,
}

/// A view, and what is to be told of it.
pub(in crate::figures::plot) struct Found<'a> {
    pub view: View<'a>,
    pub told: Told,
}

impl<'a> View<'a> {
    pub(in crate::figures::plot) fn found(
        written: Written,
        place: usize,
        tables: &Tables<'a>,
        keys: &Keys,
    ) -> Result<Found<'a>, Error> {
        let parts = Parts::new(&written, tables)?;
        let x = Edge::new(&written, tables, true)?;
        let y = Edge::new(&written, tables, false)?;
        let mut layers = Vec::new();
        for (at, (_, drawn)) in written.layers.iter().enumerate() {
            let table = tables.named(drawn.from.as_deref())?;
            let flipped = Sides::of(drawn, table)?.flipped;
            let (across, down) = (x.alongs[at].clone(), y.alongs[at].clone());
            let mut bases = [x.basis(&across), y.basis(&down)];
            let (own_x, own_y) = if flipped {
                bases.reverse();
                (down, across)
            } else {
                (across, down)
            };
            let placed = Placed {
                at: (place, at),
                drawn: &x.shared(y.shared(drawn.clone(), false), true),
                x: own_x,
                y: own_y,
                bases,
                panel_of: parts.of_layer[at].clone(),
                panels: parts.headings.len(),
            };
            layers.push(Layer::new(placed, tables, keys)?);
        }
        lanes::centre(&mut layers);

        let base = tables.named(written.from.as_deref())?;
        let mut levels: Vec<Vec<Cell>> = Vec::new();
        for one in &written.reference {
            levels.push(reference::levels(one, base)?);
        }
        let base_layer = layers
            .iter()
            .position(|layer| std::ptr::eq(layer.table, base));
        let references = |panel: usize| -> Vec<Line> {
            let rows: Vec<usize> = match base_layer.map(|at| &parts.of_layer[at]) {
                Some(Some(of_row)) => {
                    let rows = of_row.iter().enumerate();
                    let rows = rows.filter(|(_, own)| **own == panel);
                    rows.map(|(row, _)| row).collect()
                }
                _ => (0..base.height()).collect(),
            };
            let along = base_layer.map(|at| &x.alongs[at]);
            let all = written.reference.iter().zip(&levels);
            all.map(|(one, level)| {
                let pairs = rows.iter().map(|row| {
                    let x = along.and_then(|along| along.cells.get(*row)?.ok());
                    (x, level[*row].ok())
                });
                reference::line(one, pairs)
            })
            .collect()
        };
        let lines: Vec<Vec<Line>> = (0..parts.headings.len()).map(references).collect();

        let scales = |side: &Edge, horizontal: bool| -> Vec<Scale> {
            let one = |panel: Option<usize>| side.scale(&layers, &lines, horizontal, panel);
            if side.channel.share == Some(false) {
                (0..parts.headings.len())
                    .map(|panel| one(Some(panel)))
                    .collect()
            } else {
                vec![one(None); parts.headings.len()]
            }
        };
        let facets = parts
            .headings
            .iter()
            .zip(scales(&x, true).into_iter().zip(scales(&y, false)))
            .zip(lines.clone())
            .map(|((heading, (x, y)), references)| Facet {
                heading: heading.clone(),
                x,
                y,
                references,
            })
            .collect();
        let value = value(&layers);

        let mut told = Told::default();
        let many = layers.len() > 1;
        let given = [&written.facet, &written.row, &written.column];
        let given: Vec<&str> = given
            .into_iter()
            .flatten()
            .map(|c| c.field.as_str())
            .collect();
        let mut empty = Vec::new();
        for layer in &layers {
            let shown = Shown::new(layer, &given);
            let (lines, nothing) = shown.told()?;
            told.untold.extend(lines);
            empty.push(nothing);
        }
        if empty.iter().all(Option::is_some) {
            told.empty = empty.into_iter().flatten().next();
        } else if many {
            told.untold.extend(empty.into_iter().flatten());
        }
        if let Some(layer) = base_layer.map(|at| &layers[at]) {
            for (one, level) in written.reference.iter().zip(&levels) {
                told.untold
                    .extend(Shown::new(layer, &given).reference(one, level)?);
            }
        }
        told.advice.extend(truncated(&layers, &x, &y));
        for layer in &layers {
            told.advice
                .extend(Shown::new(layer, &given).averaged_over()?);
        }
        let rows = layers.iter().any(|layer| layer.table.height() > 0);
        let orders = [&x, &y].map(|side| (&side.channel, &side.unknown));
        let facets_unknown = parts
            .unknown
            .iter()
            .map(|(channel, unknown)| (channel, unknown));
        let orders = orders.into_iter().chain(facets_unknown);
        let orders = orders.filter(|_| rows);
        told.advice
            .extend(orders.filter_map(|(channel, unknown)| order_advice(channel, unknown)));
        Ok(Found {
            view: View {
                facets,
                grid: parts.grid,
                row_names: parts.row_names,
                column_names: parts.column_names,
                x: x.channel,
                y: y.channel,
                value,
                layers,
                written,
            },
            told,
        })
    }
}

/// That bars do not begin at zero, which makes them look more different than they are.
fn truncated(layers: &[Layer<'_>], x: &Edge, y: &Edge) -> Option<String> {
    let layer = layers.iter().find(|layer| layer.mark.about().zero)?;
    let side = if layer.flipped { x } else { y };
    let name = match side.channel.field.as_str() {
        "" => layer.mark.about().computed,
        field => field,
    };
    let mark = match layer.mark.about().name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{}s", layer.mark.about().name),
    };
    if side.channel.scale().is_log() {
        return Some(format!(
            "the {mark} do not begin at zero: the scale of `{name}` is logarithmic, and their lengths do not compare; points do"
        ));
    }
    let [low, high] = side.channel.domain?;
    (low > 0.0 || high < 0.0).then(|| {
        format!("the {mark} do not begin at zero: the `domain` of `{name}` is {low} to {high}")
    })
}

/// The colours of what layers colour by number.
fn value(layers: &[Layer<'_>]) -> Option<Shades> {
    let channel = layers.iter().find_map(Layer::value_channel)?;
    let rows = layers.iter().flat_map(|layer| &layer.rows);
    let values: Vec<f64> = rows.filter_map(|row| row.value).collect();
    Some(Shades::new(&values, channel))
}

/// What is written of an axis, with what another layer says of it.
fn joined(before: Option<Channel>, own: &Channel) -> Channel {
    match before {
        Some(before) => before.completed(own),
        None => own.clone(),
    }
}

/// One side of a view: the columns of all layers along the horizontal or the vertical axis.
struct Edge {
    /// What is written of the axis.
    channel: Channel,
    /// One for each layer; empty where a layer has no column there.
    alongs: Vec<Along>,
    /// Whether no layer has anything there.
    is_bare: bool,
    /// The names of its categories, if it has them.
    names: Option<Vec<String>>,
    unknown: Vec<Unknown>,
}

impl Edge {
    fn new(written: &Written, tables: &Tables<'_>, horizontal: bool) -> Result<Self, Error> {
        let channel_of = |drawn: &Drawn| -> Option<Channel> {
            if horizontal {
                drawn.x.clone()
            } else {
                drawn.y.clone()
            }
        };
        let mut channel: Option<Channel> = None;
        // What a mark says of an axis that it could do without.
        let mut aside: Vec<Channel> = Vec::new();
        let mut columns: Vec<Option<(&DataFrame, &Column, Channel)>> = Vec::new();
        let mut needs_categories = false;
        let mut needs_numbers = false;
        let mut computed = "";
        for (_, drawn) in &written.layers {
            let table = tables.named(drawn.from.as_deref())?;
            let sides = Sides::of(drawn, table)?;
            let need = if horizontal == sides.flipped {
                sides.y.1
            } else {
                sides.x.1
            };
            needs_categories |= need == Side::Category;
            needs_numbers |= matches!(need, Side::Number | Side::Computed);
            if need == Side::Computed {
                let own = drawn.mark.map_or("", |mark| mark.mark().about().computed);
                let shares = drawn.stack == Some(Stack::Share);
                computed = if shares { "share" } else { own };
            }
            let own = channel_of(drawn);
            match &own {
                Some(own) if need == Side::Optional => aside.push(own.clone()),
                Some(own) => channel = Some(joined(channel, own)),
                None => {}
            }
            columns.push(match own {
                Some(own) if need != Side::Computed => {
                    let column = table::column(table, &own.field)?;
                    if need == Side::Number && !is_numeric(column) {
                        // Says what it holds.
                        numbers(table, &own.field)?;
                    }
                    Some((table, column, own))
                }
                _ => None,
            });
        }
        let channel = aside
            .iter()
            .fold(channel, |channel, own| Some(joined(channel, own)));
        let is_bare = channel.is_none() && computed.is_empty();
        let mut channel = channel.unwrap_or_default();
        if channel.field.is_empty() && channel.title.is_none() {
            channel.title = Some(computed.to_owned());
        }
        let known: Vec<&Column> = columns
            .iter()
            .flatten()
            .map(|(_, column, _)| *column)
            .collect();
        // Where a mark has numbers, true and false are 1 and 0.
        let number_like =
            |column: &Column| is_numeric(column) || (needs_numbers && column.dtype().is_bool());
        let text = known.iter().find(|column| !number_like(column));
        let number = known
            .iter()
            .find(|column| is_numeric(column) && !column.dtype().is_null());
        if needs_categories && needs_numbers {
            return Err(Error::Unsuitable(format!(
                "the layers do not agree on `{}`: one mark takes its values for categories, another for numbers",
                channel.field
            )));
        }
        if let (Some(text), Some(number), false) = (text, number, needs_categories) {
            return Err(Error::Unsuitable(format!(
                "the layers do not agree on an axis: `{}` holds text and `{}` numbers",
                text.name(),
                number.name()
            )));
        }
        if text.is_none() && !needs_categories {
            if channel.order.is_some() {
                return Err(Error::Unsuitable(format!(
                    "`{}` holds numbers, which have an order: `order` is for categories",
                    channel.field
                )));
            }
            let alongs = columns.iter().map(|column| match column {
                Some((table, _, own)) => along_numbers(table, own),
                None => Ok(Along::default()),
            });
            return Ok(Self {
                alongs: alongs.collect::<Result<_, _>>()?,
                channel,
                is_bare,
                names: None,
                unknown: Vec::new(),
            });
        }
        if channel.domain.is_some() || channel.scale() != ScaleName::Linear {
            return Err(Error::Unsuitable(format!(
                "`{}`: {CATEGORIES}",
                channel.field
            )));
        }
        if channel.share == Some(false) {
            return Err(Error::Unsuitable(format!(
                "`share = false` gives each panel an axis of its own numbers; `{}` holds categories, which all panels share",
                channel.field
            )));
        }
        let (found, categories) = along_categories(&known, &channel)?;
        let mut found = found.into_iter();
        let alongs = columns.iter().map(|column| match column {
            Some(_) => found.next().unwrap_or_default(),
            None => Along::default(),
        });
        Ok(Self {
            alongs: alongs.collect(),
            channel,
            is_bare,
            names: Some(categories.names),
            unknown: categories.unknown,
        })
    }

    /// What is drawn, with what other layers say of the axis.
    fn shared(&self, mut drawn: Drawn, horizontal: bool) -> Drawn {
        let side = if horizontal {
            &mut drawn.x
        } else {
            &mut drawn.y
        };
        if let Some(own) = side.as_mut().filter(|own| !own.field.is_empty()) {
            *own = own.completed(&self.channel);
        }
        drawn
    }

    /// Up to where the axis has even steps, if it has even ratios on both sides of zero: what the tables hold decides, not
    /// what is computed of them.
    fn near(&self) -> f64 {
        let cells = self.alongs.iter().flat_map(|along| &along.cells);
        let values: Vec<f64> = cells.flatten().copied().collect();
        near_zero(&values)
    }

    /// What the axis is to a layer with such a column.
    fn basis(&self, along: &Along) -> Basis {
        let spread = if self.names.is_some() {
            Spread::Category
        } else {
            Spread::of(self.channel.scale(), || self.near())
        };
        Basis {
            spread,
            whole: along.whole,
            domain: self.channel.domain,
        }
    }

    /// The scale of one panel, or of all.
    fn scale(
        &self,
        layers: &[Layer<'_>],
        lines: &[Vec<Line>],
        horizontal: bool,
        panel: Option<usize>,
    ) -> Scale {
        if let Some(names) = &self.names {
            return Scale::category(names.clone(), &self.channel);
        }
        let log = self.channel.scale().is_log();
        let mut values = Vec::new();
        // Shares fill their axis: there is nothing above all of them.
        let is_share = |layer: &Layer<'_>| {
            layer.drawn.stack == Some(Stack::Share) && horizontal == layer.flipped
        };
        let mut holds = Holds {
            whole: !self.alongs.is_empty(),
            tight: layers.iter().all(is_share),
            near: (self.channel.scale() == ScaleName::Symlog).then(|| self.near()),
            ..Holds::default()
        };
        for (layer, along) in layers.iter().zip(&self.alongs) {
            let about = layer.mark.about();
            // Along this axis the layer either stands or reaches.
            let reaches = horizontal == layer.flipped;
            let spans = layer.spans[usize::from(reaches)];
            holds.zero |= about.zero && reaches;
            let aside = horizontal && layer.y.named != layer.x.named;
            let air = layer.mark.air(&layer.labels, horizontal, aside);
            holds.air = holds.air.max(air);
            let is_computed = about.y == Side::Computed && reaches;
            if is_computed {
                // Counts are whole numbers; densities and shares are not.
                let shares = layer.drawn.stack == Some(Stack::Share);
                let mut values = layer.rows.iter().filter_map(|row| row.y);
                holds.whole &= !shares && values.all(|value| value.fract() == 0.0);
            } else if about.x != Side::Optional || !along.cells.is_empty() {
                holds.whole &= along.whole;
            }
            let inside = |row: &&crate::figures::plot::mark::Row| {
                panel.is_none_or(|panel| row.panel == panel)
            };
            for row in layer.rows.iter().filter(inside) {
                // A row without a place on one of the axes is not drawn.
                if !layer.is_placed(row) {
                    continue;
                }
                let (value, interval) = if reaches {
                    (row.y, row.y_interval)
                } else {
                    (row.x, row.x_interval)
                };
                let value = value.filter(|_| !spans);
                if value.is_some_and(|value| log && value <= 0.0) {
                    continue;
                }
                // Means and shares of whole numbers may be between them.
                holds.whole &= value.is_none_or(|value| value.fract() == 0.0);
                values.extend(value);
                let ends = interval.into_iter().flat_map(|(low, high)| [low, high]);
                let ends: Vec<f64> = ends.collect();
                holds.whole &= !spans || ends.iter().all(|end| end.fract() == 0.0);
                values.extend(ends);
                values.extend(row.base.filter(|_| reaches));
            }
            if layer.mark.shows_rows(&layer.drawn) {
                let raw = layer.raw.iter().filter(inside);
                values.extend(raw.filter_map(|row| if reaches { row.y } else { row.x }));
            }
        }
        let lines = lines.iter().enumerate();
        let lines = lines.filter(|(own, _)| panel.is_none_or(|panel| *own == panel));
        for line in lines.flat_map(|(_, lines)| lines) {
            let own = line.values(horizontal);
            holds.whole &= own.iter().all(|value| value.fract() == 0.0);
            values.extend(own);
        }
        if self.is_bare && values.is_empty() {
            // An axis of nothing has no numbers.
            let channel = Channel {
                ticks: Some(Vec::new()),
                ..self.channel.clone()
            };
            return Scale::over(values.into_iter(), &channel, holds);
        }
        Scale::over(values.into_iter(), &self.channel, holds)
    }
}

/// The facets of a view, and which rows are in them.
struct Parts {
    /// What each facet is about, if that is not said by its row and column.
    headings: Vec<Option<String>>,
    grid: Option<(usize, usize)>,
    row_names: Vec<String>,
    column_names: Vec<String>,
    /// For each layer the facet of every row; none where its table has no such columns.
    of_layer: Vec<Option<Vec<usize>>>,
    unknown: Vec<(Channel, Vec<Unknown>)>,
}

/// A name of a facet, after the title of its channel.
fn heading(channel: &Channel, name: &str) -> String {
    match &channel.title {
        Some(title) => format!("{title} = {name}"),
        None => name.to_owned(),
    }
}

impl Parts {
    fn new(written: &Written, tables: &Tables<'_>) -> Result<Self, Error> {
        let given: Vec<&Channel> = [&written.facet, &written.row, &written.column]
            .into_iter()
            .flatten()
            .collect();
        let count = written.layers.len();
        if given.is_empty() {
            return Ok(Self {
                headings: vec![None],
                grid: None,
                row_names: Vec::new(),
                column_names: Vec::new(),
                of_layer: vec![None; count],
                unknown: Vec::new(),
            });
        }
        // The layers that have all the columns are parted; others are in every panel.
        let mut parted: Vec<usize> = Vec::new();
        for (at, (_, drawn)) in written.layers.iter().enumerate() {
            let table = tables.named(drawn.from.as_deref())?;
            if given
                .iter()
                .all(|channel| table.column(&channel.field).is_ok())
            {
                parted.push(at);
            }
        }
        let mut groups = Vec::new();
        for channel in &given {
            let columns = parted.iter().map(|at| {
                let from = written.layers[*at].1.from.as_deref();
                table::column(tables.named(from)?, &channel.field)
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            groups.push(Groups::new(&columns, channel, "panels", MOST_PANELS)?);
        }
        let mut of_layer = vec![None; count];
        let unknown = given
            .iter()
            .zip(&groups)
            .map(|(channel, groups)| ((*channel).clone(), groups.unknown.clone()));
        let unknown = unknown.collect();
        if written.facet.is_some() {
            let names = &groups[0].names;
            for (place, at) in parted.iter().enumerate() {
                of_layer[*at] = Some(groups[0].of_row[place].clone());
            }
            let headings = names.iter().map(|name| Some(heading(given[0], name)));
            return Ok(Self {
                headings: headings.collect(),
                grid: None,
                row_names: Vec::new(),
                column_names: Vec::new(),
                of_layer,
                unknown,
            });
        }
        let place_of = |channel: &Option<Channel>| {
            let field = &channel.as_ref()?.field;
            given.iter().position(|given| given.field == *field)
        };
        let (row, column) = (place_of(&written.row), place_of(&written.column));
        let names = |at: Option<usize>| -> Vec<String> {
            at.map_or_else(Vec::new, |at| {
                let names = groups[at].names.iter();
                names.map(|name| heading(given[at], name)).collect()
            })
        };
        let (row_names, column_names) = (names(row), names(column));
        let (rows, columns) = (row_names.len().max(1), column_names.len().max(1));
        if rows * columns > MOST_PANELS {
            return Err(Error::Unsuitable(format!(
                "{rows} rows of {columns} panels are too many; {MOST_PANELS} panels are the most"
            )));
        }
        let group = |at: Option<usize>, layer: usize, row: usize| {
            at.map_or(0, |at| groups[at].of_row[layer][row])
        };
        for (place, at) in parted.iter().enumerate() {
            let height = tables
                .named(written.layers[*at].1.from.as_deref())?
                .height();
            let of_row =
                (0..height).map(|r| group(row, place, r) * columns + group(column, place, r));
            of_layer[*at] = Some(of_row.collect());
        }
        Ok(Self {
            headings: vec![None; rows * columns],
            grid: Some((rows, columns)),
            row_names,
            column_names,
            of_layer,
            unknown,
        })
    }
}
