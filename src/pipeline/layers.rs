//! From a declared stage to its instances: which there are, and which parameters each has.
//!
//! What is the same is done once. Instances that no patch tells apart are one [`Variant`] and share their parameters; of
//! the parameters of a variant, only those are checked anew that one of its patches sets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::axis::Axis;
use super::contract::{Cardinality, Device, Kind, Parameters};
use super::coordinates::{ByLabels, Condition, Coordinates};
use super::label;
use super::param_error::{self, ParamError};
use super::parameters;
use super::patch::{self, Apart, Assignment, Patch};
use super::policy::{Policies, Policy};
use super::problem::{Problem, Problems, count};
use super::source::Span;
use super::value::{Data, Key, Value};

/// So many instances a stage may have.
const MOST_INSTANCES: u128 = 1_000_000;

/// So many jobs a plan may have, and artifacts that they read, each counted for each that reads it.
const MOST_IN_ALL: u128 = 10_000_000;

/// A stage as declared.
pub struct Declared<'a> {
    pub name: &'a str,
    pub span: &'a Span,
    pub kind: Option<&'a Kind>,
    /// Parameters and policy.
    pub parameters: &'a Value,
    /// The stages it reads, with how many of their artifacts.
    pub reads: Vec<(Cardinality, usize)>,
    /// The axes it fans out over.
    pub axes: Vec<&'a Axis>,
}

/// An `[[override]]`.
pub struct Override {
    pub when: Condition,
    pub set: Patch,
    /// Whether nothing that it sets has a problem.
    pub is_whole: bool,
    pub span: Span,
}

/// A `[profile.*]`, or the empty one.
#[derive(Default)]
pub struct Profile {
    pub set: Patch,
    pub keep: Condition,
}

/// Everything that makes instances out of declared stages.
pub struct Layers<'a> {
    pub stages: &'a [Declared<'a>],
    pub overrides: &'a [Override],
    pub excludes: &'a [(Condition, Span)],
    pub set: &'a Patch,
    pub device: Option<Device>,
    pub root: &'a Path,
    pub environment: &'a BTreeMap<String, String>,
}

/// Who lays an assignment over what is below it.
#[derive(Clone, Copy)]
enum Whose<'a> {
    Axis(&'a str),
    /// Where it holds.
    Override(&'a Condition),
    Profile,
    Setting,
}

type Layer<'a> = (Whose<'a>, &'a Assignment);

/// The instances of a stage, before their parameters are known.
pub struct Fan<'a> {
    /// Where each lies, and which variant it is.
    pub instances: Vec<(Coordinates, usize)>,
    variants: Vec<Variant<'a>>,
    /// Whether no combination of labels is left out.
    whole: bool,
    /// The overrides that hold somewhere.
    overrides: BTreeSet<usize>,
}

/// Instances that the same assignments make what they are.
struct Variant<'a> {
    /// From the lowest to the highest.
    layers: Box<[Layer<'a>]>,
    /// Where the first of them lies.
    first: Coordinates,
}

/// What an instance has apart from its coordinates.
pub struct Settled {
    pub parameters: Arc<dyn Parameters>,
    pub outside: BTreeMap<String, PathBuf>,
    pub environment: BTreeMap<String, Option<String>>,
    pub policy: Policy,
}

impl<'a> Layers<'a> {
    /// Whether there are not too many instances to go on; told before the first of them is made.
    pub fn fits(&self, order: &[usize], problems: &mut Problems) -> bool {
        let size = |axes: &mut dyn Iterator<Item = &&Axis>| {
            axes.fold(1u128, |all, axis| {
                all.saturating_mul(axis.points.len() as u128)
            })
        };
        let mut large = vec![false; self.stages.len()];
        let (mut jobs, mut read) = (0u128, 0u128);
        for &at in order {
            let stage = &self.stages[at];
            let instances = size(&mut stage.axes.iter());
            large[at] = stage.reads.iter().any(|(_, from)| large[*from]);
            if instances > MOST_INSTANCES && !large[at] {
                large[at] = true;
                let axes = stage.axes.iter();
                let axes = axes.map(|axis| {
                    let labels = count(axis.points.len() as u128);
                    format!("`{}` has {labels} labels", axis.name())
                });
                let message = format!(
                    "this sweep has {} instances of `{}`; at most {}",
                    count(instances),
                    stage.name,
                    count(MOST_INSTANCES)
                );
                let axes = axes.collect::<Vec<_>>().join(", ");
                let problem = Problem::at(stage.span, message).help(format!(
                    "{axes}; take fewer, or make axes that move together one axis of lists of one length"
                ));
                problems.push(problem);
            }
            jobs = jobs.saturating_add(instances);
            for (_, from) in &stage.reads {
                // Whatever agrees on the axes that both lie on is a pair of one that reads and one that is read.
                let theirs = self.stages[*from].axes.iter();
                let more = theirs.filter(|a| stage.axes.iter().all(|b| a.name() != b.name()));
                let more = size(&mut more.into_iter());
                read = read.saturating_add(instances.saturating_mul(more));
            }
        }
        if large.contains(&true) {
            return false;
        }
        if jobs.saturating_add(read) > MOST_IN_ALL {
            let message = format!(
                "this pipeline has {} jobs that read {} artifacts; at most {} of both",
                count(jobs),
                count(read),
                count(MOST_IN_ALL)
            );
            problems.push(Problem::of(message).help("sweep less, or in several pipelines"));
            return false;
        }
        true
    }

    /// The instances of every stage in `order`; `None` for others and those of no known kind.
    pub fn fans(&self, order: &[usize]) -> Vec<Option<Fan<'a>>> {
        let mut fans: Vec<Option<Fan<'a>>> = self.stages.iter().map(|_| None).collect();
        for &at in order {
            if self.stages[at].kind.is_some() {
                fans[at] = Some(self.fan(at, &fans));
            }
        }
        fans
    }

    /// Every combination of labels on the axes that reach a stage, the first axis slowest, but those that are excluded or
    /// find nothing to read.
    fn fan(&self, at: usize, fans: &[Option<Fan<'a>>]) -> Fan<'a> {
        let Declared { axes, reads, .. } = &self.stages[at];
        let excludes = Conditions::on(axes, self.excludes.iter().map(|(when, _)| when).enumerate());
        let mine = self.overrides.iter().enumerate();
        let mine = mine.filter(|(_, o)| !o.set.on(at).is_empty());
        let overrides = Conditions::on(axes, mine.map(|(n, o)| (n, &o.when)));
        // Of a stage that could not be resolved nothing is known to be missing.
        let read = reads
            .iter()
            .filter_map(|(_, from)| Some((*from, fans[*from].as_ref()?)));
        let read = read.filter(|(_, fan)| !fan.whole).map(|(from, fan)| {
            let names = |axes: &[&'a Axis]| axes.iter().map(|a| a.name()).collect::<Vec<_>>();
            let mut there = ByLabels::shared(&names(axes), &names(&self.stages[from].axes));
            for (coordinates, _) in &fan.instances {
                *there.entry(coordinates) = true;
            }
            there
        });
        let read: Vec<ByLabels<bool>> = read.collect();
        let touching = axes.iter().map(|axis| axis.touches(at));
        let touching: Vec<bool> = touching.collect();
        let all: usize = axes.iter().map(|axis| axis.points.len()).product();

        let mut fan = Fan {
            instances: Vec::new(),
            variants: Vec::new(),
            whole: false,
            overrides: BTreeSet::new(),
        };
        let mut known: HashMap<Box<[*const Assignment]>, usize> = HashMap::new();
        let (mut layers, mut same) = (Vec::<Layer<'a>>::new(), Vec::new());
        let mut places = vec![0; axes.len()];
        for n in 0..all {
            let mut rest = n;
            for (place, axis) in places.iter_mut().zip(axes).rev() {
                *place = rest % axis.points.len();
                rest /= axis.points.len();
            }
            if !excludes.holding(&places).is_empty() {
                continue;
            }
            let labels = places.iter().zip(axes);
            let labels = labels.map(|(place, axis)| axis.coordinate(*place));
            let coordinates = Coordinates(labels.collect());
            if read.iter().any(|there| there.get(&coordinates).is_none()) {
                continue;
            }
            layers.clear();
            for ((place, axis), _) in places.iter().zip(axes).zip(&touching).filter(|(_, t)| **t) {
                let set = axis.points[*place].patch.on(at).iter();
                layers.extend(set.map(|a| (Whose::Axis(axis.name()), a)));
            }
            for n in overrides.holding(&places) {
                fan.overrides.insert(n);
                let set = self.overrides[n].set.on(at).iter();
                let when = &self.overrides[n].when;
                layers.extend(set.map(|a| (Whose::Override(when), a)));
            }
            same.clear();
            same.extend(layers.iter().map(|(_, a)| std::ptr::from_ref(*a)));
            let variant = known.get(same.as_slice()).copied().unwrap_or_else(|| {
                let (variant, first) = (fan.variants.len(), coordinates.clone());
                let layers = layers.as_slice().into();
                fan.variants.push(Variant { layers, first });
                known.insert(same.as_slice().into(), variant);
                variant
            });
            fan.instances.push((coordinates, variant));
        }
        fan.whole = fan.instances.len() == all;
        fan
    }

    /// An exclude or override that touches no instance was meant for something else.
    pub fn check_matches(&self, fans: &[Option<Fan<'a>>], problems: &mut Problems) {
        for (when, span) in self.excludes {
            let reach =
                |stage: &Declared<'_>, name: &str| stage.axes.iter().any(|a| a.name() == name);
            let names = || when.0.iter().map(|(axis, _)| axis);
            let mut stages = self.stages.iter();
            if !stages.any(|stage| names().all(|name| reach(stage, name))) {
                let problem = Problem::at(span, "this exclude matches nothing")
                    .help("no stage lies on all of these axes");
                problems.push(problem);
            }
        }
        let whole = self.overrides.iter().enumerate();
        for (n, one) in whole.filter(|(_, one)| one.is_whole) {
            let stages: BTreeSet<usize> = one.set.iter().map(|a| a.stage).collect();
            let mut holds = stages.iter().map(|stage| {
                let fan = fans[*stage].as_ref();
                fan.is_none_or(|fan| fan.overrides.contains(&n))
            });
            if !holds.any(|holds| holds) {
                let problem = Problem::at(&one.span, "this override matches nothing")
                    .help("every instance that it could change is excluded");
                problems.push(problem);
            }
        }
    }

    /// What lies over all instances of a stage alike.
    fn constant<'b>(&'b self, at: usize, profile: &'b Profile) -> impl Iterator<Item = Layer<'b>> {
        let profile = profile.set.on(at).iter().map(|a| (Whose::Profile, a));
        profile.chain(self.set.on(at).iter().map(|a| (Whose::Setting, a)))
    }

    /// The declared parameters with every layer laid over them.
    fn laid(&self, at: usize, variant: &Variant<'a>, profile: &Profile) -> Value {
        let mut value = self.stages[at].parameters.clone();
        for (_, assignment) in variant
            .layers
            .iter()
            .copied()
            .chain(self.constant(at, profile))
        {
            patch::apply(&mut value, assignment);
        }
        value
    }

    /// The place of what an error about a variant's parameters is about.
    pub fn place(
        &self,
        at: usize,
        (fan, variant): (&Fan<'a>, usize),
        profile: &Profile,
        param_error: &ParamError,
    ) -> Span {
        let value = self.laid(at, &fan.variants[variant], profile);
        param_error::place(&value, param_error)
    }

    /// The parameters of every variant of a stage; `None` for those that have a problem.
    pub fn settle(
        &self,
        at: usize,
        fan: &Fan<'a>,
        profile: &Profile,
        policies: &Policies,
        problems: &mut Problems,
    ) -> Vec<Option<Settled>> {
        let stage = &self.stages[at];
        let Some(kind) = stage.kind else {
            return Vec::new();
        };
        let constant = by_key(self.constant(at, profile));
        let mut sheet = Sheet::of(stage, kind, &constant, policies);
        let variants = fan.variants.iter().map(|variant| {
            let mut own = Problems::default();
            let changed = by_key(variant.layers.iter().copied());
            for (name, layers) in &changed {
                let over = constant.get(name).into_iter().flatten();
                let layers = layers.iter().chain(over).copied();
                check_clashes(stage, layers, &variant.first, &mut own);
            }
            let parsed = sheet.parse(&changed, &constant, &mut own, problems);
            let settled = parsed.map(|(parameters, mut policy)| {
                for said in parameters.param_errors() {
                    let span = param_error::place(&self.laid(at, variant, profile), &said);
                    own.push(Problem::at(&span, &said.message).maybe_help(said.help));
                }
                let outside = parameters.reads().into_iter().map(|outside| {
                    let path = self.root.join(&outside.path);
                    // A relative path means the same to a worker, but not in a message.
                    let path = std::path::absolute(&path).unwrap_or(path);
                    (outside.parameter, path)
                });
                if let Some(device) = self.device.filter(|_| kind.uses_device) {
                    policy.device = device;
                }
                let named = parameters.environment().into_iter();
                let environment = named.map(|name| {
                    let value = self.environment.get(&name).cloned();
                    (name, value)
                });
                Settled {
                    outside: outside.collect(),
                    environment: environment.collect(),
                    parameters,
                    policy,
                }
            });
            let fine = own.is_empty();
            if !fine {
                problems.extend(own.into_sorted());
            }
            settled.filter(|_| fine)
        });
        variants.collect()
    }

    /// Whether a profile sets anything of a stage.
    pub fn concerns(profile: &Profile, at: usize) -> bool {
        !profile.set.on(at).is_empty()
    }
}

/// Layers by the parameter they touch, each in its order.
fn by_key<'b>(layers: impl Iterator<Item = Layer<'b>>) -> BTreeMap<&'b str, Vec<Layer<'b>>> {
    let mut all: BTreeMap<&str, Vec<Layer<'b>>> = BTreeMap::new();
    for layer in layers {
        all.entry(&layer.1.path[0]).or_default().push(layer);
    }
    all
}

/// Two patches of one instance must not set the same parameter, where none of them lies over the other.
fn check_clashes<'b>(
    stage: &Declared<'_>,
    layers: impl Iterator<Item = Layer<'b>> + Clone,
    first: &Coordinates,
    problems: &mut Problems,
) {
    if layers.clone().nth(1).is_none() {
        return;
    }
    let mut swept: Apart<(&str, &Assignment)> = Apart::default();
    let mut overridden: Apart<()> = Apart::default();
    for (whose, assignment) in layers {
        let parameter = format!("`{}.{}`", stage.name, assignment.path.join("."));
        let problem = match whose {
            Whose::Axis(axis) => swept.insert(assignment, (axis, assignment)).err().map(|(other, _)| {
                let message = format!("the axes `{other}` and `{axis}` both set {parameter}");
                (message, "one job would get two values for it; make the two axes one, or use an override for the exception".to_string())
            }),
            Whose::Override(when) => match overridden.insert(assignment, ()) {
                Err(()) => {
                    let message = format!("two overrides both set {parameter} at {first}");
                    Some((message, "narrow one of their conditions".to_string()))
                }
                Ok(()) => overwritten(assignment, &swept)
                    .find(|axis| !when.0.iter().any(|(name, _)| name == axis))
                    .map(|axis| {
                        let mut axes = stage.axes.iter();
                        let swept = axes.find(|swept| swept.name() == axis);
                        let labels = swept.into_iter().flat_map(|axis| axis.labels());
                        let labels: Vec<String> = labels.take(5).map(quoted).collect();
                        let message = format!(
                            "this override sets {parameter}, which the axis `{axis}` sweeps: its labels would no longer tell the value"
                        );
                        (message, format!(
                            "if that is meant, name the axis too: `when = {{ …, {axis} = [{}] }}`, with those labels for which it holds; to have fewer labels there, use [[exclude]]",
                            labels.join(", ")
                        ))
                    }),
            },
            Whose::Profile | Whose::Setting => swept.meeting(assignment).map(|(axis, _)| {
                let whose = match whose {
                    Whose::Profile => "this profile",
                    _ => "this setting",
                };
                let message = format!("{whose} sets {parameter}, which the axis `{axis}` sweeps");
                (message, format!(
                    "to take one value of it, keep one label: `keep = {{ {axis} = … }}` or --where {axis}=…"
                ))
            }),
        };
        if let Some((message, help)) = problem {
            problems.push(Problem::at(&assignment.span, message).help(help));
        }
    }
}

/// The axes whose value an assignment over them takes away. One that sets another key of a table which an axis sweeps takes
/// nothing away.
fn overwritten<'b>(
    assignment: &Assignment,
    swept: &Apart<(&'b str, &Assignment)>,
) -> impl Iterator<Item = &'b str> {
    let below = swept.all_meeting(assignment).into_iter();
    below.filter_map(|(axis, below)| {
        let deeper = assignment.path.get(below.path.len()..).unwrap_or_default();
        let mut deeper = deeper.iter();
        let there = deeper.try_fold(&below.value, |here, key| here.get(key));
        there.map(|_| *axis)
    })
}

/// A label as a condition writes it.
fn quoted(label: &str) -> String {
    match label::number_in(label) {
        Some(_) => label.to_string(),
        None => format!("{label:?}"),
    }
}

/// The parameters of a stage, checked one by one, so that a variant costs no more than what it changes.
struct Sheet<'a> {
    stage: &'a Declared<'a>,
    kind: &'a Kind,
    /// Keys that may stand beside the parameters.
    also: Vec<&'a str>,
    policies: &'a Policies,
    /// The declared parameters by name.
    declared: HashMap<&'a str, &'a (Key, Value)>,
    /// What all variants have that do not change it, as long as there was none such.
    pending: Vec<(Key, Value)>,
    /// Of what such variants had, what has a problem.
    broken: Vec<String>,
    /// Of what such variants had, the parameters.
    json: Json,
    /// And the policy.
    policy: Policy,
}

impl<'a> Sheet<'a> {
    fn of(
        stage: &'a Declared<'a>,
        kind: &'a Kind,
        constant: &BTreeMap<&str, Vec<Layer<'_>>>,
        policies: &'a Policies,
    ) -> Self {
        let declared = stage.parameters.table().into_iter().flatten();
        let ports = kind.ports.iter().map(|port| port.name);
        let mut sheet = Sheet {
            stage,
            kind,
            also: ports.chain(Policies::beside(kind)).collect(),
            policies,
            declared: declared
                .map(|entry| (entry.0.name.as_str(), entry))
                .collect(),
            pending: Vec::new(),
            broken: Vec::new(),
            json: Json::Object(Map::new()),
            policy: Policy::of(kind),
        };
        let declared = stage.parameters.table().into_iter().flatten();
        let untouched = declared.filter(|(key, _)| !constant.contains_key(key.name.as_str()));
        sheet.pending.extend(untouched.cloned());
        for (name, layers) in constant {
            sheet.pending.extend(sheet.laid(name, layers.iter()));
        }
        sheet
    }

    /// A parameter as declared, with layers laid over it.
    fn laid<'b>(
        &self,
        name: &str,
        layers: impl Iterator<Item = &'b Layer<'b>>,
    ) -> Option<(Key, Value)> {
        let declared = self.declared.get(name);
        let mut table = Value {
            data: Data::Table(declared.into_iter().map(|entry| (*entry).clone()).collect()),
            span: self.stage.parameters.span.clone(),
        };
        for (_, assignment) in layers {
            patch::apply(&mut table, assignment);
        }
        match table.data {
            Data::Table(mut entries) => entries.pop(),
            _ => None,
        }
    }

    /// The parameters of a variant; `None` if one of them has a problem. Those that others have too are told to `problems`,
    /// its own to `own`.
    fn parse(
        &mut self,
        changed: &BTreeMap<&str, Vec<Layer<'_>>>,
        constant: &BTreeMap<&str, Vec<Layer<'_>>>,
        own: &mut Problems,
        problems: &mut Problems,
    ) -> Option<(Arc<dyn Parameters>, Policy)> {
        let is_changed = |name: &str| changed.contains_key(name);
        let pending = std::mem::take(&mut self.pending).into_iter();
        let (pending, now) = pending.partition(|(key, _)| is_changed(&key.name));
        self.pending = pending;
        for (key, value) in now as Vec<(Key, Value)> {
            let mut theirs = Problems::default();
            let mut policy = self.policy.clone();
            self.enter(&key, &value, &mut policy, &mut theirs);
            self.policy = policy;
            if !theirs.is_empty() || !value.is_readable() {
                self.broken.push(key.name);
            }
            problems.extend(theirs.into_sorted());
        }
        let mut is_sound = self.broken.iter().all(|name| is_changed(name));
        let mut policy = self.policy.clone();
        let mut before = Vec::with_capacity(changed.len());
        for (name, layers) in changed {
            let over = constant.get(name).into_iter().flatten();
            if let Some((key, value)) = self.laid(name, layers.iter().chain(over)) {
                is_sound &= value.is_readable();
                before.push((*name, self.enter(&key, &value, &mut policy, own)));
            }
        }
        let has = |name: &str| self.json.get(name).is_some();
        let declared = self.stage.parameters.table();
        let declared = || {
            declared
                .into_iter()
                .flatten()
                .map(|(key, _)| key.name.as_str())
        };
        let keys = || declared().chain(changed.keys().copied());
        let (schema, span) = (&self.kind.schema, &self.stage.parameters.span);
        parameters::check_required(schema, span, self.kind.name, has, keys, own);
        let mut parsed = None;
        if is_sound && own.is_empty() {
            match self.kind.parse(&self.json) {
                Ok(parameters) => parsed = Some((parameters, policy)),
                Err(error) => {
                    own.push(Problem::at(span, format!("`{}`: {error}", self.kind.name)));
                }
            }
        }
        for (name, json) in before {
            match json {
                Some(json) => self.json[name] = json,
                None => drop(self.table().remove(name)),
            }
        }
        parsed
    }

    /// Checks a parameter, or a word of the policy, and enters it; gives what stood there before.
    fn enter(
        &mut self,
        key: &Key,
        value: &Value,
        policy: &mut Policy,
        problems: &mut Problems,
    ) -> Option<Json> {
        if policy.read(self.policies, self.kind, key, value, problems) {
            return None;
        }
        let who = (self.kind.name, self.also.as_slice());
        let json = parameters::check_entry(&self.kind.schema, key, value, who, problems)?;
        self.table().insert(key.name.clone(), json)
    }

    fn table(&mut self) -> &mut Map<String, Json> {
        self.json.as_object_mut().expect("it was made a table")
    }
}

/// Places on axes, of which one must be taken on each.
type Wanted = Vec<(usize, BTreeSet<usize>)>;

/// Conditions as they bear on one stage.
struct Conditions {
    /// The number of each condition, and what it wants.
    all: Vec<(usize, Wanted)>,
    /// Those that want a place on an axis: one of the axes of each condition, the one that tells most apart.
    by_place: HashMap<(usize, usize), Vec<usize>>,
}

impl Conditions {
    /// Those among numbered conditions that speak only of these axes.
    fn on<'b>(axes: &[&Axis], conditions: impl Iterator<Item = (usize, &'b Condition)>) -> Self {
        let mut all = Vec::new();
        let mut by_place: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
        for (number, condition) in conditions {
            let wanted = condition.0.iter().map(|(name, labels)| {
                let at = axes.iter().position(|axis| axis.name() == name)?;
                let places = labels.iter().filter_map(|label| axes[at].place(label));
                Some((at, places.collect::<BTreeSet<usize>>()))
            });
            let Some(wanted) = wanted.collect::<Option<Wanted>>() else {
                continue;
            };
            let longest = wanted.iter().max_by_key(|(at, _)| axes[*at].points.len());
            for (at, place) in longest
                .into_iter()
                .flat_map(|(at, p)| p.iter().map(|p| (*at, *p)))
            {
                by_place.entry((at, place)).or_default().push(all.len());
            }
            all.push((number, wanted));
        }
        Self { all, by_place }
    }

    /// The numbers of the conditions that hold at these places on the axes, ascending.
    fn holding(&self, places: &[usize]) -> Vec<usize> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let here = places.iter().enumerate().map(|(at, place)| (at, *place));
        let may = here.filter_map(|here| self.by_place.get(&here)).flatten();
        let held = may.filter_map(|n| {
            let (number, wanted) = &self.all[*n];
            let holds = wanted.iter().all(|(at, want)| want.contains(&places[*at]));
            holds.then_some(*number)
        });
        let mut held: Vec<usize> = held.collect();
        held.sort_unstable();
        held
    }
}
