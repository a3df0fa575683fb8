//! Coordinates as columns: what they, and the parameters that their axes sweep, add to the rows of a table.
//!
//! The rule, which `etude columns` shows for a file:
//!
//! 1. A table has its own columns: those its kind gives it, its SQL names, or its program writes.
//! 2. Every axis over which its stage fans out is a column of the axis' name, which holds the value, or, of variants, the
//!    label.
//! 3. Every parameter that such an axis sweeps is a column where it has one value there. It has the parameter's own name;
//!    where two swept parameters, or one and an axis, would share that, `stage_parameter`, and where that is still shared,
//!    all keys of its path: `stage_optimizer_lr`. A parameter named like the axis that sweeps it is the axis' column.
//! 4. A table of a stage that fans out over an axis no more, but comes from one that does, may hold its labels in a column of
//!    the axis' name. The parameters that the axis sweeps then stand beside them, found by value. A column that the table has
//!    itself stands. A value that is no label is an error when it is read. Of axes from which nothing above the table comes,
//!    nothing is added.
//!
//! Two columns of one name are refused before anything runs, where both are known. What a program writes is known only when
//! it has run: then its column must say the same as the coordinate, or reading it is an error.
//!
//! Columns have types as far as they are known: those of values on an axis and of parameters are, and those that a kind, its
//! SQL or an `outputs` declares.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::axis::Axis;
use super::contract::{ColumnKind, ColumnShape, Columns, FixedColumn, Scalar, TableOf};
use super::coordinates::{ByLabels, Coordinates};
use super::problem::Problem;
use super::runs::RunsOf;
use super::{DeclaredStage, Instance, Pipeline, sql_name};

/// A parameter that an axis sweeps.
#[derive(Debug)]
struct Swept {
    /// Its column; see the rule above.
    column: String,
    stage: usize,
    path: Arc<[String]>,
    /// Its values where it has one, for whoever asks for many.
    values: OnceLock<ByLabels<Option<Scalar>>>,
}

impl Swept {
    /// `stage.parameter`.
    fn parameter(&self, pipeline: &Pipeline) -> String {
        let stage = &pipeline.stages[self.stage].name;
        format!("{stage}.{}", self.path.join("."))
    }

    fn value(&self, instance: &Instance) -> Scalar {
        let full = instance.parameters.full();
        // `null` where there is none.
        Scalar::from(self.path.iter().fold(&full, |here: &Json, key| &here[key]))
    }
}

/// The columns of coordinates that lie on the same axes. A swept parameter is a column where it has one value: the one that
/// all instances of its stage have that join.
#[derive(Debug)]
pub struct ColumnsOn {
    axes: Vec<String>,
    /// The parameters that each axis sweeps.
    swept: Vec<Vec<Swept>>,
}

impl ColumnsOn {
    /// For coordinates on these axes.
    pub fn new(pipeline: &Pipeline, axes: &[String]) -> Self {
        Self {
            swept: axes.iter().map(|axis| pipeline.swept(axis)).collect(),
            axes: axes.to_vec(),
        }
    }

    /// One column for each axis, one for each parameter it sweeps; only those that are read, where not all are.
    pub fn of(
        &self,
        pipeline: &Pipeline,
        coordinates: &Coordinates,
        read: Option<&BTreeSet<String>>,
    ) -> Columns {
        self.columns(pipeline, coordinates, read, true)
    }

    /// One column for each swept parameter, none for the axes themselves.
    pub fn swept(
        &self,
        pipeline: &Pipeline,
        coordinates: &Coordinates,
        read: Option<&BTreeSet<String>>,
    ) -> Columns {
        self.columns(pipeline, coordinates, read, false)
    }

    /// How the numbers among the columns of some coordinates are called: as the label is, or as the axis writes them.
    pub fn texts(
        &self,
        pipeline: &Pipeline,
        coordinates: &Coordinates,
        columns: &Columns,
    ) -> BTreeMap<String, String> {
        let is_number = |column: &String| matches!(columns.get(column), Some(Scalar::Float(_)));
        let mut texts = BTreeMap::new();
        for (axis, swept) in self.axes.iter().zip(&self.swept) {
            let Some(label) = coordinates.get(axis) else {
                continue;
            };
            if is_number(axis) {
                texts.insert(axis.clone(), label.to_string());
            }
            let point = pipeline.axis(axis).and_then(|axis| axis.point(label));
            for swept in swept.iter().filter(|swept| is_number(&swept.column)) {
                let mut set = point.into_iter().flat_map(|p| p.patch.on(swept.stage));
                let set = set.find(|set| set.path == swept.path);
                let set = set.filter(|set| {
                    let value = Scalar::from(&set.value.to_json());
                    columns.get(&swept.column) == Some(&value)
                });
                if let Some(set) = set {
                    texts.insert(swept.column.clone(), set.value.label());
                }
            }
        }
        texts
    }

    fn columns(
        &self,
        pipeline: &Pipeline,
        coordinates: &Coordinates,
        read: Option<&BTreeSet<String>>,
        of_axes: bool,
    ) -> Columns {
        let wanted = |name: &String| read.is_none_or(|read| read.contains(name));
        let mut columns = Columns::new();
        for (axis, swept) in self.axes.iter().zip(&self.swept) {
            if of_axes && wanted(axis) {
                let label = coordinates.get(axis).unwrap_or_default();
                columns.insert(axis.clone(), pipeline.value(axis, label));
            }
            for swept in swept.iter().filter(|swept| wanted(&swept.column)) {
                let values = &swept.values;
                let values = values.get_or_init(|| pipeline.values(swept, &self.axes));
                if let Some(Some(value)) = values.get(coordinates) {
                    columns.insert(swept.column.clone(), value.clone());
                }
            }
        }
        columns
    }

    /// The types of all these columns, for instances on these axes; none where no value has one.
    pub(super) fn kinds(
        &self,
        pipeline: &Pipeline,
        instances: &[Instance],
    ) -> BTreeMap<String, Option<ColumnKind>> {
        let mut kinds = BTreeMap::new();
        for (axis, swept) in self.axes.iter().zip(&self.swept) {
            let labels: BTreeSet<&str> = instances
                .iter()
                .filter_map(|instance| instance.coordinates.get(axis))
                .collect();
            let values = labels.into_iter().map(|label| pipeline.value(axis, label));
            let values: Vec<Scalar> = values.collect();
            kinds.insert(axis.clone(), ColumnKind::of_all(&values));
            kinds.extend(self.swept_kinds(pipeline, swept));
        }
        kinds
    }

    /// The types of the columns of parameters that an axis sweeps.
    fn swept_kinds<'a>(
        &'a self,
        pipeline: &'a Pipeline,
        swept: &'a [Swept],
    ) -> impl Iterator<Item = (String, Option<ColumnKind>)> + 'a {
        swept.iter().map(|swept| {
            let values = &swept.values;
            let values = values.get_or_init(|| pipeline.values(swept, &self.axes));
            let kind = ColumnKind::of_all(values.iter().flatten());
            (swept.column.clone(), kind)
        })
    }
}

/// Where a column of a table comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnOrigin {
    /// The table has it itself.
    Own,
    /// It is an axis over which the stage fans out.
    Axis,
    /// It is a parameter, `stage.parameter`, that this axis sweeps.
    Swept {
        /// The axis.
        axis: String,
        /// The parameter.
        parameter: String,
        /// Whether it is found by the label in a column of the table.
        by_label: bool,
    },
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnOf {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub origin: ColumnOrigin,
    /// Its type, where that is known.
    pub kind: Option<ColumnKind>,
}

/// The columns of a table that a stage leaves.
#[derive(Debug, Clone)]
pub struct TableColumns {
    /// The table's name in SQL.
    pub table: String,
    /// What of an artifact it is.
    pub of: TableOf,
    /// What a row of it is.
    pub row: &'static str,
    /// What a run is among its rows.
    pub runs: RunsOf,
    /// Whether its own columns are known before it is made.
    pub is_known: bool,
    /// Its columns, its own first where they are known; else what comes with labels does so only if it has these.
    pub columns: Vec<ColumnOf>,
}

impl Pipeline {
    /// The tables that a stage leaves in one of its outputs, with the columns of each as far as they are known.
    pub fn tables(&self, stage: usize, output: usize) -> Vec<TableColumns> {
        let declared = &self.stages[stage];
        let called = sql_name(&declared.output_name(output));
        let tables = declared.outputs[output].artifact.tables().iter();
        let tables = tables.map(|of| {
            let own: Option<Vec<ColumnShape>> = match of.columns {
                [] => declared.outputs[output].columns.clone(),
                fixed => Some(FixedColumn::shapes(fixed)),
            };
            let is_known = own.is_some();
            let own = own.into_iter().flatten().map(|column| ColumnOf {
                name: column.name,
                origin: ColumnOrigin::Own,
                kind: column.kind,
            });
            let mut columns: Vec<ColumnOf> = own.collect();
            if of.columns.is_empty() {
                for axis in self.label_axes(stage, output) {
                    let here = axis.points.first().map(|_| axis.coordinate(0));
                    let here = Coordinates(here.into_iter().collect());
                    let on = ColumnsOn::new(self, &[axis.name().to_string()]);
                    let kinds = on.kinds(self, &declared.instances);
                    columns.extend(self.swept_columns(axis, &here, &kinds, true));
                }
            }
            columns.extend(self.added(stage));
            let mut seen = BTreeSet::new();
            columns.retain(|column| seen.insert(column.name.clone()));
            TableColumns {
                table: format!("{called}{}", of.suffix),
                of: *of,
                row: declared.kind.row(of),
                runs: self.runs_of(stage),
                is_known,
                columns,
            }
        });
        tables.collect()
    }

    /// The axes whose labels a table of an output may hold in a column of their name: those over which something above it
    /// fans out, and it does not.
    pub fn label_axes(&self, stage: usize, output: usize) -> Vec<&Axis> {
        let declared = &self.stages[stage];
        let left = &declared.outputs[output];
        let tables = left.artifact.tables();
        if tables.iter().all(|table| !table.columns.is_empty()) {
            return Vec::new();
        }
        let axes = self.axes.iter().filter(|axis| {
            let name = axis.name();
            let has = |columns: &Vec<ColumnShape>| columns.iter().any(|column| column.name == name);
            declared.above.contains(name)
                && !declared.axes.iter().any(|reaching| reaching == name)
                && left.columns.as_ref().is_none_or(has)
        });
        axes.collect()
    }

    /// What the coordinates of a stage add to its tables, by name.
    fn added(&self, stage: usize) -> Vec<ColumnOf> {
        let declared = &self.stages[stage];
        let Some(first) = declared.instances.first() else {
            return Vec::new();
        };
        let on = ColumnsOn::new(self, &declared.axes);
        let kinds = on.kinds(self, &declared.instances);
        let reaching = |axis: &&Axis| declared.axes.iter().any(|name| name == axis.name());
        let mut columns = Vec::new();
        for axis in self.axes.iter().filter(reaching) {
            columns.push(ColumnOf {
                name: axis.name().to_string(),
                origin: ColumnOrigin::Axis,
                kind: kinds.get(axis.name()).copied().flatten(),
            });
            columns.extend(self.swept_columns(axis, &first.coordinates, &kinds, false));
        }
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        columns
    }

    /// The columns of the parameters that an axis sweeps, at some coordinates, with their types among these.
    fn swept_columns(
        &self,
        axis: &Axis,
        at: &Coordinates,
        kinds: &BTreeMap<String, Option<ColumnKind>>,
        by_label: bool,
    ) -> Vec<ColumnOf> {
        let swept = self.swept(axis.name()).into_iter().filter(|swept| {
            let instances = self.stages[swept.stage].instances.iter();
            let joining = instances.filter(|instance| instance.coordinates.joins(at));
            one_value(swept, joining).is_some()
        });
        let columns = swept.map(|swept| ColumnOf {
            kind: kinds.get(&swept.column).copied().flatten(),
            origin: ColumnOrigin::Swept {
                axis: axis.name().to_string(),
                parameter: swept.parameter(self),
                by_label,
            },
            name: swept.column,
        });
        columns.collect()
    }

    /// Two columns of one name that a table of a stage would have. What the table says itself of a coordinate is no second
    /// column, so only what its kind gives it whatever it reads is held against these, and its own
    /// columns of a type in which the coordinate cannot be said.
    pub(super) fn collisions(&self, stage: usize) -> Vec<Problem> {
        let declared = &self.stages[stage];
        let outputs = declared.outputs.iter();
        let tables: Vec<&TableOf> = outputs
            .flat_map(|output| output.artifact.tables())
            .collect();
        if tables.is_empty() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let mut before: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
        for column in self.added(stage) {
            let name = &column.name;
            let certain = tables.iter().find(|table| match table.columns {
                [] => declared.certain.contains(name),
                fixed => fixed.iter().any(|fixed| fixed.name == name),
            });
            let (axis, what, help) = match &column.origin {
                ColumnOrigin::Swept {
                    axis, parameter, ..
                } => (
                    axis,
                    format!("the parameter `{parameter}`, which the axis `{axis}` sweeps,"),
                    "give the parameter another name; `etude columns` shows where columns come from",
                ),
                _ => (
                    name,
                    format!("the axis `{name}`"),
                    "give the axis another name",
                ),
            };
            let Some(at) = self.axis(axis) else {
                continue;
            };
            if let Some(table) = certain {
                let table = format!("{}{}", sql_name(&declared.name), table.suffix);
                let message = format!("{what} is named like a column of `{table}`");
                problems.push(Problem::at(&at.key.span, message).help(help));
            }
            let other = outputs_of(declared).find_map(|(table, own)| {
                let own = own.iter().find(|own| own.name == *name)?;
                let (own, here) = (own.kind?, column.kind?);
                (!own.can_say(here)).then_some((table, own, here))
            });
            if let Some((table, own, here)) = other {
                let message = format!(
                    "{what} holds {}, but the column `{name}` that `{table}` has itself holds {}",
                    here.noun(),
                    own.noun()
                );
                problems.push(Problem::at(&at.key.span, message).help(help));
            }
            let parameter = match &column.origin {
                ColumnOrigin::Swept { parameter, .. } => Some(parameter.clone()),
                _ => None,
            };
            let this = (what.clone(), parameter.clone());
            // A parameter that two axes sweep is one all the same.
            if let Some((other, theirs)) = before.insert(name.clone(), this)
                && (parameter.is_none() || parameter != theirs)
            {
                let other = other.trim_end_matches(',');
                let message = format!("{what} and {other} would both be the column `{name}`");
                problems.push(Problem::at(&at.key.span, message).help(help));
            }
        }
        problems
    }

    /// The value of an axis' own column at one of its labels.
    fn value(&self, axis: &str, label: &str) -> Scalar {
        let point = self.axis(axis).and_then(|axis| axis.point(label));
        point.map_or_else(
            || Scalar::Text(label.to_string()),
            |point| point.value.clone(),
        )
    }

    /// The values of a swept parameter, where it has one, for coordinates on these axes.
    fn values(&self, swept: &Swept, axes: &[String]) -> ByLabels<Option<Scalar>> {
        let stage = &self.stages[swept.stage];
        let mut joining: ByLabels<Vec<&Instance>> = ByLabels::shared(axes, &stage.axes);
        for instance in &stage.instances {
            joining.entry(&instance.coordinates).push(instance);
        }
        joining.map(|instances| one_value(swept, instances))
    }

    /// The parameters that an axis sweeps.
    fn swept(&self, axis: &str) -> Vec<Swept> {
        let Some(this) = self.axis(axis) else {
            return Vec::new();
        };
        let all: BTreeSet<&(usize, Arc<[String]>)> =
            self.axes.iter().flat_map(Axis::sets).collect();
        let is_axis = |name: &String| self.axis(name).is_some();
        // Three names, each longer than the one before; the shortest that nothing else has is taken.
        let names = |stage: usize, path: &[String]| {
            let stage = sql_name(&self.stages[stage].name);
            let last = path.last().cloned().unwrap_or_default();
            let short = format!("{stage}_{last}");
            [last, short, format!("{stage}_{}", path.join("_"))]
        };
        let mut shared: [HashMap<String, usize>; 2] = Default::default();
        for (stage, path) in &all {
            let [last, short, _] = names(*stage, path);
            *shared[0].entry(last).or_default() += 1;
            *shared[1].entry(short).or_default() += 1;
        }
        let mut columns = Vec::new();
        for (stage, path) in this.sets() {
            let [last, short, long] = names(*stage, path);
            let is_shared = shared[0][&last] > 1;
            // The axis' own column already holds the value of the parameter it is named after.
            if last == axis && !is_shared && !this.is_variants() {
                continue;
            }
            let column = match () {
                () if !is_shared && !is_axis(&last) => last,
                () if shared[1][&short] == 1 && !is_axis(&short) => short,
                () => long,
            };
            columns.push(Swept {
                column,
                stage: *stage,
                path: path.clone(),
                values: OnceLock::new(),
            });
        }
        columns
    }
}

/// The tables of a stage whose own columns are known, with these.
fn outputs_of(stage: &DeclaredStage) -> impl Iterator<Item = (String, &Vec<ColumnShape>)> {
    let outputs = stage.outputs.iter().enumerate();
    outputs.filter_map(|(at, output)| {
        Some((sql_name(&stage.output_name(at)), output.columns.as_ref()?))
    })
}

/// The value that a swept parameter has in all of some instances.
fn one_value<'a>(
    swept: &Swept,
    instances: impl IntoIterator<Item = &'a Instance>,
) -> Option<Scalar> {
    let mut instances = instances.into_iter();
    let mut before = instances.next()?;
    let value = swept.value(before);
    let same = instances.all(|instance| {
        // Many instances share their parameters.
        let shares = Arc::ptr_eq(&instance.parameters, &before.parameters);
        before = instance;
        shares || swept.value(instance) == value
    });
    same.then_some(value)
}

impl Axis {
    /// Whether its column holds labels rather than values.
    fn is_variants(&self) -> bool {
        self.points
            .iter()
            .all(|point| matches!(&point.value, Scalar::Text(text) if **text == *point.label))
    }
}
