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

use crate::pipeline::DeclaredStage;
use crate::plan::Plan;

/// A stage of the plan: its place in the pipeline and how many jobs it has.
struct Node<'a> {
    stage: &'a DeclaredStage,
    jobs: usize,
}

impl Node<'_> {
    /// `9 jobs (method, seed)`.
    fn counts(&self) -> String {
        let count = match self.jobs {
            1 => "1 job".to_string(),
            n => format!("{n} jobs"),
        };
        if self.stage.axes.is_empty() {
            count
        } else {
            format!("{count} ({})", self.stage.axes.join(", "))
        }
    }

    fn lines(&self) -> [String; 3] {
        [
            self.stage.name.clone(),
            self.stage.kind.name.to_string(),
            self.counts(),
        ]
    }
}

/// The stages that have jobs, in the order of the file; and who reads whom at which port, by place among them.
fn collapsed(plan: &Plan) -> (Vec<Node<'_>>, Vec<(usize, usize, &'static str)>) {
    let jobs = |at: usize| plan.jobs.iter().filter(|job| job.stage == at).count();
    let stages = plan.pipeline.stages.iter().enumerate();
    let present: Vec<usize> = stages
        .map(|(at, _)| at)
        .filter(|at| jobs(*at) > 0)
        .collect();
    let place = |stage: usize| present.iter().position(|at| *at == stage);
    let mut edges = Vec::new();
    for (to, at) in present.iter().enumerate() {
        for input in &plan.pipeline.stages[*at].inputs {
            for from in input.reads.iter().filter_map(|from| place(from.stage)) {
                edges.push((from, to, input.port.name));
            }
        }
    }
    let nodes = present.iter().map(|at| Node {
        stage: &plan.pipeline.stages[*at],
        jobs: jobs(*at),
    });
    (nodes.collect(), edges)
}

/// A line a stage: name, kind, how many jobs over which axes, what it reads.
pub fn text(plan: &Plan) -> String {
    let (nodes, edges) = collapsed(plan);
    let rows: Vec<[String; 4]> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let reads = edges.iter().filter(|(_, to, _)| *to == at);
            let reads: Vec<_> = reads
                .map(|(from, _, _)| nodes[*from].stage.name.as_str())
                .collect();
            let reads = if reads.is_empty() {
                String::new()
            } else {
                format!("← {}", reads.join(", "))
            };
            let [name, kind, counts] = node.lines();
            [name, kind, counts, reads]
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

/// The graph in Graphviz' language.
pub fn dot(plan: &Plan) -> String {
    let (nodes, edges) = collapsed(plan);
    let mut graph = DiGraph::new();
    let indices: Vec<_> = nodes
        .iter()
        .map(|node| graph.add_node(node.lines().join("\n")))
        .collect();
    for (from, to, port) in edges {
        graph.add_edge(indices[from], indices[to], port);
    }
    let node = |_, _| "shape = box style = rounded".to_string();
    let edge = |_, _| String::new();
    Dot::with_attr_getters(&graph, &[] as &[Config], &edge, &node).to_string()
}

/// The graph as a picture.
pub fn svg(plan: &Plan) -> String {
    const SIZE: usize = 14;
    let mut graph = VisualGraph::new(Orientation::TopToBottom);
    let look = StyleAttr::new(Color::fast("black"), 1, Some(Color::fast("white")), 6, SIZE);
    let (nodes, edges) = collapsed(plan);
    let handles: Vec<_> = nodes
        .iter()
        .map(|node| {
            let lines = node.lines();
            let longest = lines.iter().map(|line| line.chars().count()).max();
            let width = longest.unwrap_or(0) as f64 * 8.5 + 24.0;
            let shape = ShapeKind::new_box(&lines.join("\n"));
            let size = Point::new(width, 3.0 * 17.0 + 16.0);
            graph.add_node(Element::create(
                shape,
                look.clone(),
                Orientation::TopToBottom,
                size,
            ))
        })
        .collect();
    for (from, to, _) in edges {
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
        graph.add_edge(arrow, handles[from], handles[to]);
    }
    let mut writer = SVGWriter::new();
    graph.do_it(false, false, false, &mut writer);
    let picture = writer.finalize();
    picture.replace("Times, serif", "'DejaVu Sans', Verdana, sans-serif")
}
