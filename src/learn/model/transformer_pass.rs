//! A transformer's forward pass and its gradients written out by hand, for `f32` on the processor.
//!
//! It computes what [`super::transformer`] composes of tensor operations, which stays the definition, the way on other
//! devices and the twin that this is tested against. Three things make it fast. Products run at the speed of the vector
//! units over weights that are laid out once a step (`kernel::product`). Everything is kept in buffers that are used
//! again (`Workspace`), because fresh memory costs more than arithmetic. And nothing is computed that the loss cannot see, or
//! twice: in the last layer only the asked positions have queries, an output and an MLP; in the first, a row depends on its
//! token and its position alone, so each such pair is computed once for all sequences (`Distinct`).
//!
//! One call works on the thread of its caller, on some sequences; callers run many. Shapes: `rows` is sequences × positions,
//! `asked` sequences × asked positions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use candle_core::{Result, bail};
use rayon::prelude::*;

use super::parameters::Parameters;
use crate::learn::kernel::heads::{self, Sizes, attend, attend_back};
use crate::learn::kernel::product::{Panels, Start, add_transposed, multiply};
use crate::learn::kernel::rows::{
    add, add_bias, add_columns, gelu, gelu_back, gelu_exact, gelu_exact_back, multiply_by,
    normalise, normalise_back, turn,
};
use crate::learn::kernel::{Rotary, angles};

/// What a pass computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    /// Layers.
    pub(crate) layers: usize,
    /// Numbers in a hidden state.
    pub(crate) width: usize,
    /// Attention heads.
    pub(crate) heads: usize,
    /// Width of an MLP.
    pub(crate) inner: usize,
    /// The longest sequence.
    pub(crate) length: usize,
    /// What rotary positions turn; none where positions are learned.
    pub(crate) rotary: Option<Rotary>,
    /// Whether attention and MLP both read the layer's input.
    pub(crate) parallel: bool,
    /// Whether the activation is GELU's exact form.
    pub(crate) exact: bool,
    /// Added to a variance before its root.
    pub(crate) epsilon: f32,
}

impl Form {
    fn head(&self) -> usize {
        self.width / self.heads
    }
}

/// A weight matrix and its bias, laid out for the way forth and back.
#[derive(Debug, Default)]
struct Map {
    place: usize,
    bias_place: usize,
    /// (from, to)
    forth: Panels,
    /// (to, from)
    back: Panels,
    bias: Vec<f32>,
    from: usize,
    to: usize,
}

/// A norm's weight and bias.
#[derive(Debug, Default)]
struct Norm {
    place: usize,
    bias_place: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Debug, Default)]
struct Layer {
    attention_norm: Norm,
    query: Map,
    key_value: Map,
    output: Map,
    mlp_norm: Norm,
    inner: Map,
    mlp_output: Map,
}

/// A transformer over laid-out copies of its weights.
#[derive(Debug)]
pub struct TransformerPass {
    form: Form,
    tokens: Vec<f32>, // (vocabulary, width)
    tokens_place: usize,
    positions: Option<(usize, Vec<f32>)>, // (length, width)
    layers: Vec<Layer>,
    norm: Norm,
    cosines: Vec<f32>, // (length, turned/2)
    sines: Vec<f32>,
}

/// Numbers for every weight, in the order of their names.
pub(crate) type Gradients = [Vec<f32>];

/// A buffer of this many numbers, whatever they are; grown once and then used again.
fn room(buffer: &mut Vec<f32>, count: usize) -> &mut [f32] {
    if buffer.len() < count {
        buffer.resize(count, 0.0);
    }
    &mut buffer[..count]
}

/// A normalised copy of rows, as the way back needs it.
#[derive(Debug, Default)]
struct Normed {
    normed: Vec<f32>,
    inverse: Vec<f32>,
    y: Vec<f32>,
}

impl Normed {
    fn of(&mut self, x: &[f32], norm: &Norm, epsilon: f32) {
        let rows = x.len() / norm.weight.len();
        normalise(
            x,
            &norm.weight,
            &norm.bias,
            epsilon,
            room(&mut self.normed, x.len()),
            room(&mut self.inverse, rows),
            room(&mut self.y, x.len()),
        );
    }

    /// Adds to `of_x` and to the gradients of the norm.
    fn back(&self, of_y: &[f32], norm: &Norm, of_x: &mut [f32], gradients: &mut Gradients) {
        let rows = of_y.len() / norm.weight.len();
        let (weight, bias) = two(gradients, norm.place, norm.bias_place);
        normalise_back(
            of_y,
            &norm.weight,
            &self.normed[..of_y.len()],
            &self.inverse[..rows],
            of_x,
            weight,
            bias,
        );
    }
}

/// Two different gradients at once.
fn two(gradients: &mut Gradients, a: usize, b: usize) -> (&mut Vec<f32>, &mut Vec<f32>) {
    let [a, b] = gradients
        .get_disjoint_mut([a, b])
        .expect("two weights have two places");
    (a, b)
}

/// What the way back needs of a layer.
#[derive(Debug, Default)]
struct Kept {
    attention: Normed,     // of rows
    asked: Vec<f32>,       // normed rows that are asked for, where not all are
    queries: Vec<f32>,     // (asked, width), turned and scaled
    keys_values: Vec<f32>, // (rows, 2·width), keys turned
    weights: Vec<f32>,     // attention weights
    mixed: Vec<f32>,       // (asked, width)
    mlp: Normed,           // of asked
    inner: Vec<f32>,       // (asked, inner), before the activation
}

/// The rows of tokens that differ in token or position.
#[derive(Debug, Default)]
struct Distinct {
    /// For each row, which of the distinct ones it is; they are numbered as they come.
    places: Vec<usize>,
    /// Their tokens.
    tokens: Vec<u32>,
    /// Their positions.
    positions: Vec<usize>,
}

impl Distinct {
    /// Those of tokens (sequences, new) that stand from `first` on.
    fn find(&mut self, tokens: &[u32], new: usize, first: usize) {
        self.places.clear();
        self.tokens.clear();
        self.positions.clear();
        let mut known = HashMap::with_capacity(tokens.len());
        for (row, &token) in tokens.iter().enumerate() {
            let position = first + row % new;
            let place = *known.entry((token, position)).or_insert(self.tokens.len());
            if place == self.tokens.len() {
                self.tokens.push(token);
                self.positions.push(position);
            }
            self.places.push(place);
        }
    }

    /// Every row takes itself to be different.
    fn all(&mut self, tokens: &[u32], new: usize, first: usize) {
        self.places.clear();
        self.places.extend(0..tokens.len());
        self.tokens.clear();
        self.tokens.extend_from_slice(tokens);
        self.positions.clear();
        self.positions
            .extend((0..tokens.len()).map(|row| first + row % new));
    }

    fn count(&self) -> usize {
        self.tokens.len()
    }

    /// The distinct rows, spread over all.
    fn spread(&self, from: &[f32], to: &mut [f32], width: usize) {
        for (to, &place) in to.chunks_exact_mut(width).zip(&self.places) {
            to.copy_from_slice(&from[place * width..][..width]);
        }
    }

    /// [`Distinct::spread`] in place; from the end, because no row stands before the distinct one that it is.
    fn spread_here(&self, rows: &mut [f32], width: usize) {
        for (row, &place) in self.places.iter().enumerate().rev() {
            rows.copy_within(place * width..(place + 1) * width, row * width);
        }
    }

    /// The way back of [`Distinct::spread_here`]: equal rows are added up.
    fn gather_here(&self, rows: &mut [f32], width: usize) {
        let mut met = 0;
        for (row, &place) in self.places.iter().enumerate() {
            if place == met {
                rows.copy_within(row * width..(row + 1) * width, place * width);
                met += 1;
            } else {
                let (sums, rest) = rows.split_at_mut(row * width);
                add(&mut sums[place * width..][..width], &rest[..width]);
            }
        }
    }
}

/// Memory of one thread: activations and what else a pass works with.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    layers: Vec<Kept>,
    distinct: Distinct,
    last: Normed,
    x: Vec<f32>,
    of_x: Vec<f32>,
    wide: Vec<f32>,
    of_wide: Vec<f32>,
    of_y: Vec<f32>,
    of_queries: Vec<f32>,
    of_keys_values: Vec<f32>,
    heads: heads::Workspace,
    panels: Panels,
    strip: Vec<f32>,
}

/// Workspaces that threads share, each in the hands of one at a time.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    /// Works on a workspace of its own.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Workspace) -> R) -> R {
        let mut workspaces = self.0.lock().unwrap_or_else(|p| p.into_inner());
        let mut workspace = workspaces.pop().unwrap_or_default();
        drop(workspaces);
        let result = work(&mut workspace);
        let mut workspaces = self.0.lock().unwrap_or_else(|p| p.into_inner());
        workspaces.push(workspace);
        result
    }
}

/// Keys and values of what some sequences were read.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    /// Tokens read.
    position: usize,
    /// Tokens that there is room for.
    room: usize,
    layers: Vec<Vec<f32>>, // (sequences, room, 2·width)
}

impl Cache {
    /// Nothing read yet, of at most so many tokens a sequence.
    pub(crate) fn with_room(room: usize) -> Self {
        Self {
            position: 0,
            room,
            layers: Vec::new(),
        }
    }
}

impl Map {
    fn lay_out(&mut self, weight: &[f32], back: bool) {
        let (from, to) = (self.from, self.to);
        self.forth.pack(weight, from, to, (to, 1));
        if back {
            self.back.pack(weight, to, from, (1, to));
        }
    }

    /// `y` = x · weight + bias.
    fn map(&self, x: &[f32], y: &mut [f32]) {
        multiply(x, &self.forth, Start::Bias(&self.bias), y);
    }

    /// `y` += x · weight + bias.
    fn add(&self, x: &[f32], y: &mut [f32]) {
        add_bias(y, &self.bias);
        multiply(x, &self.forth, Start::Sum, y);
    }

    /// The gradients of weight and bias, from the input and the output's gradient.
    fn learn(
        &self,
        x: &[f32],
        of_y: &[f32],
        gradients: &mut Gradients,
        panels: &mut Panels,
        strip: &mut Vec<f32>,
    ) {
        add_transposed(
            x,
            of_y,
            (self.from, self.to),
            &mut gradients[self.place],
            panels,
            strip,
        );
        add_columns(of_y, &mut gradients[self.bias_place]);
    }
}

impl TransformerPass {
    /// A pass without weights; [`TransformerPass::lay_out`] brings them. `parameters` say where each weight stands.
    ///
    /// # Errors
    /// A weight that is not there.
    pub(crate) fn new(form: Form, parameters: &Parameters) -> Result<Self> {
        let places: BTreeMap<&str, usize> = parameters
            .iter()
            .enumerate()
            .map(|(place, (name, _))| (name, place))
            .collect();
        let place = |name: &str| match places.get(name) {
            Some(&place) => Ok(place),
            None => bail!("there is no weight `{name}`"),
        };
        let norm = |name: &str| -> Result<Norm> {
            Ok(Norm {
                place: place(&format!("{name}.weight"))?,
                bias_place: place(&format!("{name}.bias"))?,
                ..Norm::default()
            })
        };
        let Form { width, inner, .. } = form;
        let layers = (0..form.layers).map(|layer| {
            let map = |part: &str, from: usize, to: usize| -> Result<Map> {
                Ok(Map {
                    place: place(&format!("layers.{layer:03}.{part}.weight"))?,
                    bias_place: place(&format!("layers.{layer:03}.{part}.bias"))?,
                    from,
                    to,
                    ..Map::default()
                })
            };
            Ok(Layer {
                attention_norm: norm(&format!("layers.{layer:03}.attention.norm"))?,
                query: map("attention.query", width, width)?,
                key_value: map("attention.key_value", width, 2 * width)?,
                output: map("attention.output", width, width)?,
                mlp_norm: norm(&format!("layers.{layer:03}.mlp.norm"))?,
                inner: map("mlp.inner", width, inner)?,
                mlp_output: map("mlp.output", inner, width)?,
            })
        });
        let (cosines, sines) = match form.rotary {
            Some(rotary) => angles(0, form.length, rotary),
            None => Default::default(),
        };
        Ok(Self {
            form,
            tokens: Vec::new(),
            tokens_place: place("tokens")?,
            positions: match form.rotary {
                None => Some((place("positions")?, Vec::new())),
                Some(_) => None,
            },
            layers: layers.collect::<Result<_>>()?,
            norm: norm("norm")?,
            cosines,
            sines,
        })
    }

    /// Copies the weights, each into the layout in which products read it; for [`TransformerPass::backward`] too, where `back` says so.
    ///
    /// # Errors
    /// Weights that are not `f32` on the processor.
    pub(crate) fn lay_out(&mut self, parameters: &Parameters, back: bool) -> Result<()> {
        let names: Vec<_> = parameters.iter().collect();
        let with = |place: usize, f: &mut dyn FnMut(&[f32])| -> Result<()> {
            parameters_slice(names[place].1, f)
        };
        let copy = |place: usize, to: &mut Vec<f32>| {
            with(place, &mut |numbers| {
                to.clear();
                to.extend_from_slice(numbers);
            })
        };
        copy(self.tokens_place, &mut self.tokens)?;
        if let Some((place, numbers)) = &mut self.positions {
            copy(*place, numbers)?;
        }
        copy(self.norm.place, &mut self.norm.weight)?;
        copy(self.norm.bias_place, &mut self.norm.bias)?;
        self.layers.par_iter_mut().try_for_each(|layer| {
            for norm in [&mut layer.attention_norm, &mut layer.mlp_norm] {
                copy(norm.place, &mut norm.weight)?;
                copy(norm.bias_place, &mut norm.bias)?;
            }
            let maps = [
                &mut layer.query,
                &mut layer.key_value,
                &mut layer.output,
                &mut layer.inner,
                &mut layer.mlp_output,
            ];
            maps.into_par_iter().try_for_each(|map| {
                copy(map.bias_place, &mut map.bias)?;
                with(map.place, &mut |weight| map.lay_out(weight, back))
            })
        })
    }

    /// Turns heads of rows (rows, stride) by their positions; the heads stand at the front of a row.
    fn turn_heads(
        &self,
        rows: &mut [f32],
        stride: usize,
        position: impl Fn(usize) -> usize,
        sign: f32,
    ) {
        let Some(Rotary { turned, .. }) = self.form.rotary else {
            return;
        };
        let (heads, head, half) = (self.form.heads, self.form.head(), turned / 2);
        for (place, row) in rows.chunks_exact_mut(stride).enumerate() {
            let angle = position(place) * half;
            let (cosines, sines) = (&self.cosines[angle..][..half], &self.sines[angle..][..half]);
            for head in row[..heads * head].chunks_exact_mut(head) {
                turn(&mut head[..turned], cosines, sines, sign);
            }
        }
    }

    /// The embeddings of rows.
    fn embed(&self, rows: &Distinct, x: &mut [f32]) {
        let width = self.form.width;
        let places = rows.tokens.iter().zip(&rows.positions);
        for (row, (&token, &position)) in x.chunks_exact_mut(width).zip(places) {
            row.copy_from_slice(&self.tokens[token as usize * width..][..width]);
            if let Some((_, positions)) = &self.positions {
                add(row, &positions[position * width..][..width]);
            }
        }
    }

    /// What must hold of tokens (sequences, new) that are read after `first` others, the last `keep` of them kept.
    fn check(&self, tokens: &[u32], new: usize, first: usize, keep: usize) -> Result<()> {
        let most = self.tokens.len() / self.form.width;
        if let Some(token) = tokens.iter().find(|&&token| token as usize >= most) {
            bail!("token {token} is not in a vocabulary of {most}")
        }
        if first + new > self.form.length
            || keep == 0
            || keep > new
            || !tokens.len().is_multiple_of(new)
        {
            bail!(
                "{new} tokens after {first}, {keep} kept, in a model of at most {}",
                self.form.length
            )
        }
        Ok(())
    }

    /// The hidden states of the last `keep` of the `new` positions of every sequence: tokens (sequences, new) to
    /// (sequences, keep, width). With a cache, the tokens follow those it has seen; without one, all that
    /// [`TransformerPass::backward`] needs stays on the workspace.
    ///
    /// # Errors
    /// Sequences longer than the model takes, tokens outside the vocabulary, or more kept than there are.
    pub(crate) fn forward<'d>(
        &self,
        tokens: &[u32],
        new: usize,
        keep: usize,
        mut cache: Option<&mut Cache>,
        workspace: &'d mut Workspace,
    ) -> Result<&'d [f32]> {
        let first = cache.as_ref().map_or(0, |cache| cache.position);
        self.check(tokens, new, first, keep)?;
        if let Some(cache) = &cache
            && first + new > cache.room
        {
            bail!(
                "{new} tokens after {first}, where there is room for {}",
                cache.room
            )
        }
        let form = self.form;
        let (width, head) = (form.width, form.head());
        let sequences = tokens.len() / new;
        let scale = 1.0 / (head as f32).sqrt();
        if workspace.layers.len() < form.layers {
            workspace.layers.resize_with(form.layers, Kept::default);
        }
        if let Some(cache) = cache.as_deref_mut()
            && cache.layers.is_empty()
        {
            let numbers = sequences * cache.room * 2 * width;
            cache.layers = vec![vec![0.0; numbers]; form.layers];
        }
        let rows = sequences * new;
        // A layer that is cut to the asked rows has no use for shared ones, nor has a single token a sequence.
        if form.layers > 1 && new > 1 {
            workspace.distinct.find(tokens, new, first);
        } else {
            workspace.distinct.all(tokens, new, first);
        }
        self.embed(
            &workspace.distinct,
            &mut room(&mut workspace.x, rows * width)[..workspace.distinct.count() * width],
        );
        for (place, layer) in self.layers.iter().enumerate() {
            let kept = &mut workspace.layers[place];
            let shared = Some(&workspace.distinct).filter(|some| place == 0 && some.count() < rows);
            let read = shared.map_or(rows, Distinct::count);
            kept.attention.of(
                &workspace.x[..read * width],
                &layer.attention_norm,
                form.epsilon,
            );
            let normed = &kept.attention.y[..read * width];
            let fresh = room(&mut kept.keys_values, rows * 2 * width);
            match shared {
                Some(shared) => {
                    let few = room(&mut workspace.wide, read * 2 * width);
                    layer.key_value.map(normed, few);
                    self.turn_heads(few, 2 * width, |row| shared.positions[row], 1.0);
                    shared.spread(few, fresh, 2 * width);
                }
                None => {
                    layer.key_value.map(normed, fresh);
                    self.turn_heads(fresh, 2 * width, |row| first + row % new, 1.0);
                }
            }
            let mut sizes = Sizes {
                batch: sequences,
                asked: new,
                known: first + new,
                room: new,
                heads: form.heads,
                head,
            };
            let mut keys_values = &kept.keys_values[..rows * 2 * width];
            if let Some(cache) = cache.as_deref_mut() {
                sizes.room = cache.room;
                let store = &mut cache.layers[place];
                let stores = store.chunks_exact_mut(cache.room * 2 * width);
                for (store, fresh) in stores.zip(keys_values.chunks_exact(new * 2 * width)) {
                    store[first * 2 * width..][..fresh.len()].copy_from_slice(fresh);
                }
                keys_values = store;
            }
            let mut normed = normed;
            if place + 1 == form.layers && keep < new {
                sizes.asked = keep;
                normed = {
                    let asked = room(&mut kept.asked, sequences * keep * width);
                    take_last(normed, asked, new * width, keep * width);
                    asked
                };
                shift_last(&mut workspace.x, sequences, new * width, keep * width);
            }
            let count = sequences * sizes.asked * width;
            let begins = first + new - sizes.asked;
            let queries = room(&mut kept.queries, count);
            match shared {
                Some(shared) => {
                    let few = room(&mut workspace.wide, read * width);
                    layer.query.map(normed, few);
                    multiply_by(few, scale);
                    self.turn_heads(few, width, |row| shared.positions[row], 1.0);
                    shared.spread(few, queries, width);
                    shared.spread_here(&mut workspace.x, width);
                }
                None => {
                    layer.query.map(normed, queries);
                    multiply_by(queries, scale);
                    self.turn_heads(queries, width, |row| begins + row % sizes.asked, 1.0);
                }
            }
            attend(
                queries,
                keys_values,
                sizes,
                room(&mut kept.weights, sizes.weights()),
                room(&mut kept.mixed, count),
                &mut workspace.heads,
            );
            let x = &mut workspace.x[..count];
            if form.parallel {
                kept.mlp.of(x, &layer.mlp_norm, form.epsilon);
            }
            layer.output.add(&kept.mixed[..count], x);
            if !form.parallel {
                kept.mlp.of(x, &layer.mlp_norm, form.epsilon);
            }
            let many = count / width * form.inner;
            let inner = room(&mut kept.inner, many);
            layer.inner.map(&kept.mlp.y[..count], inner);
            let active = room(&mut workspace.wide, many);
            if form.exact {
                gelu_exact(inner, active);
            } else {
                gelu(inner, active);
            }
            layer.mlp_output.add(active, x);
        }
        if let Some(cache) = cache {
            cache.position += new;
        }
        let count = sequences * keep * width;
        workspace
            .last
            .of(&workspace.x[..count], &self.norm, form.epsilon);
        Ok(&workspace.last.y[..count])
    }

    /// Adds to the gradients of every weight what that of the hidden states (sequences, keep, width) comes to, for the
    /// tokens of the [`TransformerPass::forward`] just before on the same workspace.
    pub(crate) fn backward(
        &self,
        tokens: &[u32],
        new: usize,
        keep: usize,
        of_hidden: &[f32],
        workspace: &mut Workspace,
        gradients: &mut Gradients,
    ) {
        let form = self.form;
        let (width, head) = (form.width, form.head());
        let sequences = tokens.len() / new;
        let scale = 1.0 / (head as f32).sqrt();
        let mut asked = if form.layers == 0 { new } else { keep };
        let Workspace {
            layers,
            distinct,
            last,
            x: _,
            of_x,
            wide,
            of_wide,
            of_y,
            of_queries,
            of_keys_values,
            heads,
            panels,
            strip,
        } = workspace;
        let rows = sequences * new;
        room(of_x, rows * width).fill(0.0);
        last.back(
            of_hidden,
            &self.norm,
            &mut of_x[..of_hidden.len()],
            gradients,
        );
        for (place, (layer, kept)) in self.layers.iter().zip(layers).enumerate().rev() {
            let count = sequences * asked * width;
            let many = count / width * form.inner;
            let gradient = &mut of_x[..count];
            // The MLP.
            let (active, of_inner) = (room(wide, many), room(of_wide, many));
            multiply(gradient, &layer.mlp_output.back, Start::Zero, of_inner);
            if form.exact {
                gelu_exact_back(&kept.inner[..many], active, of_inner);
            } else {
                gelu_back(&kept.inner[..many], active, of_inner);
            }
            layer
                .mlp_output
                .learn(active, gradient, gradients, panels, strip);
            layer
                .inner
                .learn(&kept.mlp.y[..count], of_inner, gradients, panels, strip);
            let of_normed = room(of_y, rows * width);
            multiply(
                of_inner,
                &layer.inner.back,
                Start::Zero,
                &mut of_normed[..count],
            );
            // Where both parts read the same input, attention gets the gradient of the output, without the MLP's share.
            let of_mixed = room(of_wide, count);
            if form.parallel {
                multiply(gradient, &layer.output.back, Start::Zero, of_mixed);
                layer
                    .output
                    .learn(&kept.mixed[..count], gradient, gradients, panels, strip);
                kept.mlp
                    .back(&of_normed[..count], &layer.mlp_norm, gradient, gradients);
            } else {
                kept.mlp
                    .back(&of_normed[..count], &layer.mlp_norm, gradient, gradients);
                multiply(gradient, &layer.output.back, Start::Zero, of_mixed);
                layer
                    .output
                    .learn(&kept.mixed[..count], gradient, gradients, panels, strip);
            }
            // Attention.
            let sizes = Sizes {
                batch: sequences,
                asked,
                known: new,
                room: new,
                heads: form.heads,
                head,
            };
            let of_queries = room(of_queries, count);
            let of_keys_values = room(of_keys_values, rows * 2 * width);
            attend_back(
                &kept.queries[..count],
                &kept.keys_values[..rows * 2 * width],
                &kept.weights[..sizes.weights()],
                of_mixed,
                sizes,
                of_queries,
                of_keys_values,
                heads,
            );
            // Rows that were computed once have one gradient together.
            let shared = Some(&*distinct).filter(|some| place == 0 && some.count() < rows);
            let read = shared.map_or(rows, Distinct::count);
            let (of_queries, of_keys_values) = match shared {
                Some(shared) => {
                    shared.gather_here(of_queries, width);
                    shared.gather_here(of_keys_values, 2 * width);
                    shared.gather_here(&mut of_x[..rows * width], width);
                    let of_queries = &mut of_queries[..read * width];
                    let of_keys_values = &mut of_keys_values[..read * 2 * width];
                    self.turn_heads(of_queries, width, |row| shared.positions[row], -1.0);
                    self.turn_heads(of_keys_values, 2 * width, |row| shared.positions[row], -1.0);
                    (of_queries, of_keys_values)
                }
                None => {
                    self.turn_heads(of_queries, width, |row| new - asked + row % asked, -1.0);
                    self.turn_heads(of_keys_values, 2 * width, |row| row % new, -1.0);
                    (of_queries, of_keys_values)
                }
            };
            multiply_by(of_queries, scale);
            let normed = &kept.attention.y[..read * width];
            let queried = if asked < new {
                &kept.asked[..count]
            } else {
                normed
            };
            layer
                .query
                .learn(queried, of_queries, gradients, panels, strip);
            layer
                .key_value
                .learn(normed, of_keys_values, gradients, panels, strip);
            let of_normed = &mut of_normed[..read * width];
            multiply(
                of_keys_values,
                &layer.key_value.back,
                Start::Zero,
                of_normed,
            );
            if asked < new {
                let of_asked = room(of_wide, count);
                multiply(of_queries, &layer.query.back, Start::Zero, of_asked);
                let (whole, part) = (new * width, asked * width);
                for (to, from) in of_normed
                    .chunks_exact_mut(whole)
                    .zip(of_asked.chunks_exact(part))
                {
                    add(&mut to[whole - part..], from);
                }
                spread_last(of_x, sequences, whole, part);
                asked = new;
            } else {
                multiply(of_queries, &layer.query.back, Start::Sum, of_normed);
            }
            kept.attention.back(
                of_normed,
                &layer.attention_norm,
                &mut of_x[..read * width],
                gradients,
            );
        }
        let of_x = &of_x[..distinct.count() * width];
        for (row, &token) in of_x.chunks_exact(width).zip(&distinct.tokens) {
            add(
                &mut gradients[self.tokens_place][token as usize * width..][..width],
                row,
            );
        }
        if let Some((place, _)) = &self.positions {
            for (row, position) in of_x.chunks_exact(width).zip(&distinct.positions) {
                add(&mut gradients[*place][position * width..][..width], row);
            }
        }
    }
}

/// Copies the last `part` of every `whole` numbers.
fn take_last(from: &[f32], to: &mut [f32], whole: usize, part: usize) {
    for (to, from) in to.chunks_exact_mut(part).zip(from.chunks_exact(whole)) {
        to.copy_from_slice(&from[whole - part..]);
    }
}

/// Moves the last `part` of every `whole` numbers to the front, without gaps.
fn shift_last(numbers: &mut [f32], count: usize, whole: usize, part: usize) {
    for i in 0..count {
        let from = (i + 1) * whole - part;
        numbers.copy_within(from..from + part, i * part);
    }
}

/// Moves what stands at the front without gaps to where [`shift_last`] took it from; zeros come between.
fn spread_last(numbers: &mut [f32], count: usize, whole: usize, part: usize) {
    for i in (0..count).rev() {
        let to = (i + 1) * whole - part;
        numbers.copy_within(i * part..(i + 1) * part, to);
        numbers[i * whole..to].fill(0.0);
    }
}

/// Shows the numbers of a weight.
fn parameters_slice(variable: &candle_core::Var, see: &mut dyn FnMut(&[f32])) -> Result<()> {
    let (storage, layout) = variable.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else {
        bail!("a weight is not on the processor")
    };
    see(crate::learn::kernel::slice::<f32>(storage, layout)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;
    use crate::learn::kernel::vector::tests::at_every_level;
    use crate::learn::model::transformer::{Activation, Positions, Residual, Transformer};
    use crate::learn::model::{Contract, Dimensions};
    use crate::learn::random;

    const DIMENSIONS: Dimensions = Dimensions {
        vocabulary: 11,
        length: 21,
    };

    fn kinds() -> Vec<Transformer> {
        let plain = Transformer {
            layers: 3,
            width: 24,
            heads: 3,
            mlp: 2,
            ..Transformer::default()
        };
        let rotary = Transformer {
            positions: Positions::Rotary,
            ..plain.clone()
        };
        let neox = Transformer {
            residual: Residual::Parallel,
            rotary_share: 0.5,
            activation: Activation::Gelu,
            ..rotary.clone()
        };
        let wide = Transformer {
            layers: 2,
            width: 80,
            heads: 2,
            epsilon: 1e-3,
            ..plain.clone()
        };
        vec![plain, rotary, neox, wide]
    }

    /// Lively weights, as `f32` and as the same numbers in `f64`.
    fn weights(kind: &Transformer) -> (Parameters, Parameters) {
        let specification = kind.specification(DIMENSIONS);
        let make = |dtype| Parameters::initialise(&specification, 0, dtype, &Device::Cpu).unwrap();
        let (single, double) = (make(DType::F32), make(DType::F64));
        for ((name, a), (_, b)) in single.iter().zip(double.iter()) {
            let stream = &mut random::stream(1, name);
            let numbers = random::normals(stream, a.elem_count(), 0.3);
            let numbers = Tensor::from_vec(numbers, a.shape(), &Device::Cpu).unwrap();
            let numbers = (a.as_tensor().to_dtype(DType::F64).unwrap() + numbers).unwrap();
            a.set(&numbers.to_dtype(DType::F32).unwrap()).unwrap();
            b.set(&a.as_tensor().to_dtype(DType::F64).unwrap()).unwrap();
        }
        (single, double)
    }

    fn apart(ours: &[f32], theirs: &Tensor) -> f64 {
        let theirs = theirs.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1e-9, |most: f64, x| most.max(x.abs()));
        let pairs = ours.iter().zip(&theirs);
        pairs.fold(0.0f64, |most, (&a, b)| most.max((f64::from(a) - b).abs())) / largest
    }

    #[test]
    fn the_hand_written_pass_agrees_with_the_composed_one_in_value_and_gradient() {
        for kind in kinds() {
            let (single, double) = weights(&kind);
            let mut pass = kind.pass(DIMENSIONS, &single).unwrap().unwrap();
            pass.lay_out(&single, true).unwrap();
            let model = kind.assemble(DIMENSIONS, &double).unwrap();
            let mut workspace = Workspace::default();
            // The workspace is used again, by larger and by smaller passes.
            for (sequences, length, keep) in [(3, 21, 5), (2, 9, 9), (5, 17, 1), (1, 1, 1)] {
                let mut stream = random::stream(2, "tokens");
                let tokens: Vec<u32> = (0..sequences * length)
                    .map(|_| random::below(&mut stream, 11) as u32)
                    .collect();
                let hidden = pass
                    .forward(&tokens, length, keep, None, &mut workspace)
                    .unwrap();
                let shaped =
                    Tensor::from_slice(&tokens, (sequences, length), &Device::Cpu).unwrap();
                let expected = model.hidden(&shaped, keep).unwrap();
                assert!(
                    apart(hidden, &expected) < 2e-5,
                    "{kind:?}: {}",
                    apart(hidden, &expected)
                );

                let pull = random::normals(&mut stream, hidden.len(), 1.0);
                let of_hidden: Vec<f32> = pull.iter().map(|&x| x as f32).collect();
                let pull: Vec<f64> = of_hidden.iter().map(|&x| f64::from(x)).collect();
                let pull = Tensor::from_vec(pull, expected.shape(), &Device::Cpu).unwrap();
                let store = (expected * pull)
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .backward()
                    .unwrap();
                let counts = single.iter().map(|(_, v)| v.elem_count());
                let mut gradients: Vec<Vec<f32>> = counts.map(|count| vec![0.0; count]).collect();
                pass.backward(
                    &tokens,
                    length,
                    keep,
                    &of_hidden,
                    &mut workspace,
                    &mut gradients,
                );
                for ((name, variable), ours) in double.iter().zip(&gradients) {
                    let theirs = store.get(variable).unwrap();
                    // The last row of a bias of keys has no gradient but by rounding.
                    let distance = apart(ours, theirs);
                    assert!(
                        distance < 1e-4,
                        "{kind:?}: {name} is {distance} apart, {length} tokens"
                    );
                }
            }
        }
    }

    #[test]
    fn every_vector_unit_gives_the_same_bits() {
        for kind in kinds() {
            let (single, _) = weights(&kind);
            let tokens: Vec<u32> = (0..3 * 21).map(|i| i * 5 % 11).collect();
            let pass = || {
                let mut pass = kind.pass(DIMENSIONS, &single).unwrap().unwrap();
                pass.lay_out(&single, true).unwrap();
                let mut workspace = Workspace::default();
                let hidden = pass.forward(&tokens, 21, 4, None, &mut workspace).unwrap();
                let mut all = vec![hidden.to_vec()];
                let counts = single.iter().map(|(_, v)| v.elem_count());
                let mut gradients: Vec<Vec<f32>> = counts.map(|count| vec![0.0; count]).collect();
                let pull = all[0].clone();
                pass.backward(&tokens, 21, 4, &pull, &mut workspace, &mut gradients);
                all.extend(gradients);
                let bits = all.concat().into_iter().map(f32::to_bits);
                bits.collect::<Vec<_>>()
            };
            // A level is asked for on one thread.
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .build()
                .unwrap();
            let results = pool.install(|| at_every_level(pass));
            assert!(results.iter().all(|bits| *bits == results[0]), "{kind:?}");
        }
    }

    #[test]
    fn reading_on_with_a_cache_equals_reading_at_once() {
        for kind in kinds() {
            let (single, _) = weights(&kind);
            let mut pass = kind.pass(DIMENSIONS, &single).unwrap().unwrap();
            pass.lay_out(&single, true).unwrap();
            let (mut workspace, mut cache) = (Workspace::default(), Cache::with_room(12));
            let tokens: Vec<u32> = (0..2 * 12).map(|i| i * 7 % 11).collect();
            let whole = pass
                .forward(&tokens, 12, 12, None, &mut workspace)
                .unwrap()
                .to_vec();
            let mut read = 0;
            for new in [7, 1, 3, 1] {
                let part = |row: usize| tokens[row * 12 + read..row * 12 + read + new].to_vec();
                let part = [part(0), part(1)].concat();
                let hidden = pass
                    .forward(&part, new, 1, Some(&mut cache), &mut workspace)
                    .unwrap();
                read += new;
                for row in 0..2 {
                    let (a, b) = (
                        &hidden[row * kind.width()..][..kind.width()],
                        &whole[(row * 12 + read - 1) * kind.width()..],
                    );
                    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5));
                }
            }
            assert!(
                pass.forward(&tokens, 12, 1, Some(&mut cache), &mut workspace)
                    .is_err()
            );
            assert!(pass.forward(&[11], 1, 1, None, &mut workspace).is_err());
        }
    }
}
