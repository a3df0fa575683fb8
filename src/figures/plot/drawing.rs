//! One drawing as SVG, PNG and PDF.

use std::sync::Arc;

use resvg::usvg::roxmltree::Document;
use resvg::usvg::{self, fontdb};

use super::{Metadata, metadata, pdf, png, text};
use crate::figures::table::Error;

/// A finished picture. The three forms show the same lines and letters.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    svg: String,
    metadata: Option<Metadata>,
}

/// What PNG and PDF are made of.
struct Parsed {
    tree: usvg::Tree,
    title: Option<String>,
}

impl Drawing {
    pub(super) fn new(svg: String) -> Self {
        Self {
            svg,
            metadata: None,
        }
    }

    /// The same picture, whose three forms also say where it comes from.
    pub fn with_metadata(self, metadata: Metadata) -> Self {
        Self {
            metadata: Some(metadata),
            ..self
        }
    }

    /// An SVG document with its text as text.
    pub fn svg(&self) -> String {
        match &self.metadata {
            Some(metadata) => metadata::into_svg(metadata, &self.svg),
            None => self.svg.clone(),
        }
    }

    /// A PNG image with `scale` pixels to a point (4 is 288 dots per inch).
    pub fn png(&self, scale: f64) -> Result<Vec<u8>, Error> {
        let Parsed { tree, title } = self.parsed()?;
        png::image(&tree, scale, title.as_deref(), self.metadata.as_ref())
    }

    /// A PDF page of exactly the figure's size, with its fonts inside.
    pub fn pdf(&self) -> Result<Vec<u8>, Error> {
        let Parsed { tree, title } = self.parsed()?;
        pdf::page(&tree, title, self.metadata.as_ref())
    }

    fn parsed(&self) -> Result<Parsed, Error> {
        let unsuitable = |error: &dyn std::fmt::Display| Error::Unsuitable(error.to_string());
        let document = Document::parse(&self.svg).map_err(|error| unsuitable(&error))?;
        let mut faces = fontdb::Database::new();
        for (_, _, face) in text::faces() {
            faces.load_font_source(fontdb::Source::Binary(Arc::new(face)));
        }
        faces.set_sans_serif_family("DejaVu Sans");
        let options = usvg::Options {
            // One unit a point, so that the page of the PDF has the right size.
            dpi: 72.0,
            font_family: "DejaVu Sans".to_owned(),
            fontdb: Arc::new(faces),
            ..usvg::Options::default()
        };
        let tree = usvg::Tree::from_xmltree(&document, &options);
        Ok(Parsed {
            tree: tree.map_err(|error| unsuitable(&error))?,
            title: metadata::title(&document),
        })
    }
}

#[cfg(test)]
mod tests {
    use ::png;

    use super::*;

    const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100.3pt\" height=\"50pt\" viewBox=\"0 0 100.3 50\">\n\
        <title>λ &amp; a</title>\n<rect width=\"100.3\" height=\"50\" fill=\"#0072b2\" fill-opacity=\"0.5\"/>\n\
        <text x=\"5\" y=\"20\" font-size=\"10\">plain <tspan font-style=\"oblique\">slanted</tspan></text>\n</svg>\n";

    fn drawing() -> Drawing {
        Drawing::new(SVG.to_owned()).with_metadata(Metadata {
            creator: "etude (plot 4)".to_owned(),
            key: "0123abcd".to_owned(),
        })
    }

    fn pixels(file: &[u8]) -> (png::Info<'static>, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        reader.finish().unwrap();
        (reader.info().clone(), pixels)
    }

    #[test]
    fn an_image_says_how_many_pixels_go_to_an_inch_and_what_it_is() {
        let (info, _) = pixels(&drawing().png(4.0).unwrap());
        assert_eq!((info.width, info.height), (401, 200));
        let dims = info.pixel_dims.unwrap();
        // 288 to an inch of 0.0254 m.
        assert_eq!((dims.xppu, dims.yppu), (11_339, 11_339));
        assert!(dims.unit == png::Unit::Meter);
        let [title] = &info.utf8_text[..] else {
            panic!("{:?}", info.utf8_text);
        };
        assert_eq!(title.keyword, "Title");
        assert_eq!(title.get_text().unwrap(), "λ & a");
        let texts = info.uncompressed_latin1_text.iter();
        let texts = texts.map(|chunk| (chunk.keyword.as_str(), chunk.text.as_str()));
        let texts: Vec<(&str, &str)> = texts.collect();
        assert_eq!(
            texts,
            [
                ("Software", "etude (plot 4)"),
                ("Description", "cache key 0123abcd"),
            ]
        );
    }

    #[test]
    fn what_is_half_transparent_lies_on_white() {
        let (info, pixels) = pixels(&drawing().png(1.0).unwrap());
        assert_eq!(info.color_type, png::ColorType::Rgb);
        let last = &pixels[pixels.len() - 6..pixels.len() - 3];
        assert_eq!(last, [127, 184, 216]);
    }

    #[test]
    fn a_page_has_the_size_the_fonts_and_the_texts_of_the_figure() {
        let pdf = drawing().pdf().unwrap();
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.starts_with("%PDF-1.5"));
        assert!(text.contains("/MediaBox[0 0 100.3 50]"), "{text}");
        // Each face is there, as a subset with its program.
        assert_eq!(text.matches("/FontFile").count(), 2, "{text}");
        for face in ["+DejaVuSans-Oblique", "+DejaVuSans/"] {
            assert!(text.contains(face), "{face}: {text}");
        }
    }

    #[test]
    fn a_document_says_what_it_is_and_not_when_it_was_made() {
        let pdf = drawing().pdf().unwrap();
        let text = String::from_utf8_lossy(&pdf);
        for part in [
            "/Creator(etude (plot 4))",
            "/Subject(cache key 0123abcd)",
            "<xmp:CreatorTool>etude (plot 4)</xmp:CreatorTool>",
            "λ &amp; a",
            "cache key 0123abcd</rdf:li>",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("Date"), "{text}");
    }

    #[test]
    fn what_nobody_tells_of_a_drawing_is_in_none_of_its_forms() {
        let plain = Drawing::new(SVG.replace("<title>λ &amp; a</title>\n", ""));
        assert!(!plain.svg().contains("metadata"));
        let (info, _) = pixels(&plain.png(1.0).unwrap());
        assert!(info.utf8_text.is_empty() && info.uncompressed_latin1_text.is_empty());
        let pdf = plain.pdf().unwrap();
        let text = String::from_utf8_lossy(&pdf);
        assert!(
            !text.contains("/Title") && !text.contains("/Creator"),
            "{text}"
        );
    }
}
