//! The stages of a pipeline and what flows between them, the sweep collapsed to one node a stage: as text, DOT and SVG.

use layout::backends::svg::SVGWriter;
use layout::core::base::Orientation;
use layout::core::color::Color;
use layout::core::geometry::Point;
use layout::core::style::{LineStyleKind, StyleAttr};
use layout::std_shapes::shapes::{Arrow, Element, LineEndKind, ShapeKind};
use layout::topo::layout::VisualGraph;
use petgraph::dot::{Config, Dot};
use petgraph::graph::DiGraph;

use crate::pipeline::{DeclaredStage, Pipeline};

/// A line a stage: name, kind, how many jobs over which axes, what it reads.
pub fn text(pipeline: &Pipeline) -> String {
    let rows: Vec<[String; 4]> = pipeline
        .stages
        .iter()
        .map(|stage| {
            let reads: Vec<_> = sources(pipeline, stage)
                .map(|(_, from)| from.name.as_str())
                .collect();
            let reads = match reads.is_empty() {
                true => String::new(),
                false => format!("← {}", reads.join(", ")),
            };
            [
                stage.name.clone(),
                stage.kind.name.to_string(),
                counts(stage),
                reads,
            ]
        })
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let (a, b, c) = (width(0), width(1), width(2));
    let line = |[name, kind, jobs, reads]: &[String; 4]| {
        let line = format!("{name:a$}  {kind:b$}  {jobs:c$}  {reads}");
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}

/// `9 jobs (method, seed)`.
fn counts(stage: &DeclaredStage) -> String {
    let count = match stage.instances.len() {
        1 => "1 job".to_string(),
        n => format!("{n} jobs"),
    };
    match stage.axes.is_empty() {
        true => count,
        false => format!("{count} ({})", stage.axes.join(", ")),
    }
}

/// The stages that a stage reads, with the port.
fn sources<'a>(
    pipeline: &'a Pipeline,
    stage: &'a DeclaredStage,
) -> impl Iterator<Item = (&'static str, &'a DeclaredStage)> {
    let inputs = stage.inputs.iter();
    inputs.flat_map(|input| {
        let stages = input.stages.iter();
        stages.map(|from| (input.port.name, &pipeline.stages[*from]))
    })
}

/// The graph in Graphviz' language.
pub fn dot(pipeline: &Pipeline) -> String {
    let mut graph = DiGraph::new();
    let label =
        |stage: &DeclaredStage| format!("{}\n{}\n{}", stage.name, stage.kind.name, counts(stage));
    let nodes: Vec<_> = pipeline
        .stages
        .iter()
        .map(|stage| graph.add_node(label(stage)))
        .collect();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for input in &stage.inputs {
            for from in &input.stages {
                graph.add_edge(nodes[*from], nodes[at], input.port.name);
            }
        }
    }
    let node = |_, _| "shape = box style = rounded".to_string();
    let edge = |_, _| String::new();
    Dot::with_attr_getters(&graph, &[] as &[Config], &edge, &node).to_string()
}

/// The graph as a picture.
pub fn svg(pipeline: &Pipeline) -> String {
    const SIZE: usize = 14;
    let mut graph = VisualGraph::new(Orientation::TopToBottom);
    let look = StyleAttr::new(Color::fast("black"), 1, Some(Color::fast("white")), 6, SIZE);
    let nodes: Vec<_> = pipeline
        .stages
        .iter()
        .map(|stage| {
            let lines = [
                stage.name.clone(),
                stage.kind.name.to_string(),
                counts(stage),
            ];
            let longest = lines
                .iter()
                .map(|line| line.chars().count())
                .max()
                .unwrap_or(0);
            let size = Point::new(longest as f64 * 8.5 + 24.0, 3.0 * 17.0 + 16.0);
            let shape = ShapeKind::new_box(&lines.join("\n"));
            graph.add_node(Element::create(
                shape,
                look.clone(),
                Orientation::TopToBottom,
                size,
            ))
        })
        .collect();
    for (at, stage) in pipeline.stages.iter().enumerate() {
        for input in &stage.inputs {
            for from in &input.stages {
                // The library's own arrows bring a second font size, and it writes its sizes in no fixed order.
                let arrow = Arrow::new(
                    LineEndKind::None,
                    LineEndKind::Arrow,
                    LineStyleKind::Normal,
                    "",
                    &look,
                    &None,
                    &None,
                );
                graph.add_edge(arrow, nodes[*from], nodes[at]);
            }
        }
    }
    let mut writer = SVGWriter::new();
    graph.do_it(false, false, false, &mut writer);
    let picture = writer.finalize();
    picture.replace("Times, serif", "'DejaVu Sans', Verdana, sans-serif")
}
