//! What the files of a figure say of it beside the picture.
//!
//! The title is that of the figure, as the SVG has it. The rest comes from the
//! caller, who gives only what the picture itself depends on: a figure that
//! named its pipeline or its job would be wrong once they are renamed.

use resvg::usvg::roxmltree::Document;

use super::canvas::escaped;

/// Where a figure comes from. SVG, PNG and PDF carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What made it, such as `etude (plot 4)`.
    pub creator: String,
    /// The cache key of the job that made it.
    pub key: String,
}

impl Metadata {
    /// The line that PNG and PDF have for people.
    pub(super) fn description(&self) -> String {
        format!("cache key {}", self.key)
    }
}

/// The title of an SVG document, if it has one.
pub(super) fn title(document: &Document<'_>) -> Option<String> {
    let root = document.root_element();
    let title = root.children().find(|node| node.has_tag_name("title"))?;
    title.text().map(str::to_owned)
}

/// Adds metadata to an SVG document, in the Dublin Core terms that Inkscape and
/// matplotlib write too.
pub(super) fn into_svg(metadata: &Metadata, svg: &str) -> String {
    let end = svg.rfind("</svg>").unwrap_or(svg.len());
    let (head, tail) = svg.split_at(end);
    let title = Document::parse(svg).ok().and_then(|svg| title(&svg));
    let title = title.map_or_else(String::new, |title| {
        format!("<dc:title>{}</dc:title>\n", escaped(&title))
    });
    format!(
        "{head}<metadata>\n\
         <rdf:RDF xmlns:cc=\"http://creativecommons.org/ns#\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <cc:Work rdf:about=\"\">\n\
         <dc:type rdf:resource=\"http://purl.org/dc/dcmitype/StillImage\"/>\n\
         <dc:format>image/svg+xml</dc:format>\n\
         {title}\
         <dc:creator><cc:Agent><dc:title>{}</dc:title></cc:Agent></dc:creator>\n\
         <dc:identifier>{}</dc:identifier>\n\
         </cc:Work>\n</rdf:RDF>\n</metadata>\n{tail}",
        escaped(&metadata.creator),
        escaped(&metadata.key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DC: &str = "http://purl.org/dc/elements/1.1/";

    fn texts(svg: &str) -> Vec<(String, String)> {
        let document = Document::parse(svg).unwrap();
        let nodes = document.descendants();
        let nodes = nodes.filter(|node| node.tag_name().namespace() == Some(DC));
        let texts = nodes.filter_map(|node| Some((node.tag_name().name(), node.text()?.trim())));
        let texts = texts.filter(|(_, text)| !text.is_empty());
        texts
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    fn with_metadata(title: &str) -> String {
        let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\">\n{title}<g/>\n</svg>\n");
        let metadata = Metadata {
            creator: "etude (plot <4>)".to_owned(),
            key: "k&y".to_owned(),
        };
        into_svg(&metadata, &svg)
    }

    #[test]
    fn an_svg_says_its_title_what_made_it_and_its_key() {
        let svg = with_metadata("<title>a &lt; b</title>\n");
        let expected = [
            ("format", "image/svg+xml"),
            ("title", "a < b"),
            ("title", "etude (plot <4>)"),
            ("identifier", "k&y"),
        ];
        assert_eq!(
            texts(&svg),
            expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
        assert!(svg.ends_with("</metadata>\n</svg>\n"), "{svg}");
    }

    #[test]
    fn a_figure_without_a_title_gets_none() {
        let names: Vec<String> = texts(&with_metadata(""))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        // The one title is that of what made it.
        assert_eq!(names, ["format", "title", "identifier"]);
    }
}
