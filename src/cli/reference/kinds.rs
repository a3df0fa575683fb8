//! All kinds, from their schemas: the same facts as `etude kinds KIND` prints.

use super::table;
use super::tables::columns;
use crate::cli::kinds::{blocks, grouped, resources, tables, takes};
use crate::cli::schema::{Parameter, own, parameters, same_keys};
use crate::pipeline::Kind;
use crate::stages::registry;

/// A list of all kinds by purpose, then a section for each.
pub fn text() -> String {
    let registry = registry();
    let groups = grouped(&registry);
    let mut text = String::new();
    for (purpose, kinds) in &groups {
        text.push_str(&format!("- {}: ", purpose.heading()));
        let links = kinds.iter().map(|kind| format!("[{0}](#{0})", kind.name));
        text.push_str(&links.collect::<Vec<_>>().join(", "));
        text.push_str(".\n");
    }
    for kind in groups.iter().flat_map(|(_, kinds)| kinds) {
        text.push('\n');
        text.push_str(&section(kind));
    }
    text
}

fn section(kind: &Kind) -> String {
    let leaves = if kind.declares_outputs {
        "what its `outputs` declare"
    } else {
        kind.output.noun()
    };
    let mut text = format!("## {}\n\n{}\n", kind.name, paragraphs(kind.doc()));
    text.push_str(&format!(
        "It leaves {leaves}. Its version is {}.\n",
        kind.version
    ));
    if !kind.ports.is_empty() {
        let rows = kind.ports.iter().map(|port| {
            [
                format!("`{}`", port.name),
                takes(port),
                port.doc.to_string(),
            ]
        });
        text.push_str(&format!("\n{}", table(["input", "takes", "meaning"], rows)));
    }
    let own = parameters(&kind.schema);
    if !own.is_empty() {
        text.push_str("\nParameters:\n\n");
        push_parameters(&mut text, &own, &[], 0);
    }
    for of in tables(kind) {
        let name = match of.suffix {
            "" => "The table".to_string(),
            suffix => format!("The table `…{suffix}`"),
        };
        text.push_str(&format!("\n{name}: a row is {}.\n", kind.row(of)));
        let fixed = kind.columns_of(of);
        if !fixed.is_empty() {
            text.push_str(&format!("\n{}", columns(fixed)));
        }
    }
    text.push_str(&format!("\nIts {}.", resources(kind)));
    if kind.uses_device {
        text.push_str(" It takes `device`: `auto` (default), `cpu` or `cuda`.");
    }
    text.push('\n');
    text
}

/// Documentation as Markdown, with an empty line between paragraphs and around lists.
fn paragraphs(doc: &str) -> String {
    let mut text = String::new();
    let blocks = blocks(doc);
    for (at, block) in blocks.iter().enumerate() {
        let is_item = |block: &String| block.starts_with("- ");
        let next = blocks.get(at + 1);
        let goes_on = is_item(block) && next.is_some_and(is_item);
        text.push_str(block);
        text.push_str(if goes_on { "\n" } else { "\n\n" });
    }
    text.trim_end().to_string() + "\n"
}

/// A list, with what a parameter may hold as lists inside it.
/// What the table around it has as well is only named.
fn push_parameters(text: &mut String, all: &[Parameter], outer: &[Parameter], depth: usize) {
    let space = "  ".repeat(depth);
    let (own, same) = own(all, outer);
    let within = if outer.is_empty() { all } else { outer };
    for (at, parameter) in own.iter().enumerate() {
        let Parameter {
            name,
            takes,
            default,
            ..
        } = parameter;
        let doc = blocks(&parameter.doc).join(" ");
        text.push_str(&format!("{space}- `{name}`: {takes}, {default}. {doc}\n"));
        for choice in &parameter.choices {
            let doc = blocks(&choice.doc).join(" ");
            text.push_str(&format!("{space}  - kind `{}`: {doc}\n", choice.name));
            push_parameters(text, &choice.inner, within, depth + 2);
        }
        let earlier = own[..at].iter().copied();
        match same_keys(parameter, earlier.chain(outer)) {
            Some(other) => {
                text.push_str(&format!("{space}  - the same keys as `{}`\n", other.name));
            }
            None => push_parameters(text, &parameter.inner, within, depth + 1),
        }
    }
    if !same.is_empty() {
        let names = same.iter().map(|parameter| format!("`{}`", parameter.name));
        let names = names.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("{space}- as above: {names}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_section_with_its_parameters() {
        let text = text();
        for kind in registry().iter() {
            assert!(
                text.contains(&format!("\n## {}\n", kind.name)),
                "{}",
                kind.name
            );
        }
        assert!(text.contains("\n- `path_length`: integer from 2 to 10000, required. Nodes from"));
        assert!(text.contains("\n  - kind `mamba`: A selective state space model"));
        assert!(text.contains("\n    - `state`: integer from 1 to 256, default 16."));
        assert!(text.contains("| `edge_share` | numbers | share of its steps that are edges |"));
    }

    #[test]
    fn a_list_has_empty_lines_around_it_and_none_inside() {
        let doc = "One\ntwo.\n\n- three\n  four\n- five\n\nsix";
        assert_eq!(paragraphs(doc), "One two.\n\n- three four\n- five\n\nsix\n");
    }
}
