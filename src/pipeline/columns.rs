//! Coordinates as columns: what they, and the parameters that their axes sweep, add to the rows of a table.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::axis::Axis;
use super::contract::{ColumnKind, Columns, Scalar};
use super::coordinates::{ByLabels, Coordinates};
use super::{Instance, Pipeline, sql_name};

/// A parameter that an axis sweeps.
#[derive(Debug)]
struct Swept {
    /// Its column: the parameter's own name, or, where two would share one, `stage_parameter`.
    column: String,
    stage: usize,
    path: Arc<[String]>,
    /// Its values where it has one, for whoever asks for many.
    values: OnceLock<ByLabels<Option<Scalar>>>,
}

impl Swept {
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
    pub fn new(pipeline: &Pipeline, axes: &[String]) -> ColumnsOn {
        ColumnsOn {
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

    /// The types of the columns of parameters that axis sweep.
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

impl Pipeline {
    /// The names of the columns of some coordinates.
    pub(super) fn column_names(&self, coordinates: &Coordinates) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (axis, _) in coordinates.0.iter() {
            names.insert(axis.to_string());
            names.extend(self.swept_names(axis, coordinates));
        }
        names
    }

    /// The names of the columns of the parameters that an axis sweeps, at some coordinates.
    pub(super) fn swept_names(&self, axis: &str, coordinates: &Coordinates) -> BTreeSet<String> {
        let here = self.swept(axis).into_iter().filter(|swept| {
            let instances = self.stages[swept.stage].instances.iter();
            let joining = instances.filter(|instance| instance.coordinates.joins(coordinates));
            one_value(swept, joining).is_some()
        });
        here.map(|swept| swept.column).collect()
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
        let last = |path: &Arc<[String]>| path.last().cloned().unwrap_or_default();
        let mut named: HashMap<String, usize> = HashMap::new();
        for (_, path) in all {
            *named.entry(last(path)).or_default() += 1;
        }
        let mut columns = Vec::new();
        for (stage, path) in this.sets() {
            let name = last(path);
            let shared = named[&name] > 1;
            let named_as_axis = self.axis(&name).is_some();
            // The axis' own column already holds the value of the parameter it is named after.
            if name == axis && !shared && !this.is_variants() {
                continue;
            }
            let column = match shared || named_as_axis {
                true => format!("{}_{name}", sql_name(&self.stages[*stage].name)),
                false => name,
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
