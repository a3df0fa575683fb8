//! One drawing as SVG, PNG and PDF.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use super::pdf;
use crate::figures::table::Error;

/// The most pixels a PNG may have along one side.
const MOST_PIXELS: f64 = 30_000.0;

/// A finished picture. The three forms show the same lines and letters.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    svg: String,
}

impl Drawing {
    pub(super) fn new(svg: String) -> Self {
        Self { svg }
    }

    /// An SVG document with its text as text.
    pub fn svg(&self) -> String {
        self.svg.clone()
    }

    /// A PNG image with `scale` pixels to a point (4 is 288 dots per inch).
    pub fn png(&self, scale: f64) -> Result<Vec<u8>, Error> {
        let tree = self.tree()?;
        let size = tree.size();
        let width = (f64::from(size.width()) * scale).round();
        let height = (f64::from(size.height()) * scale).round();
        let fits = |side: f64| (1.0..=MOST_PIXELS).contains(&side);
        if !(fits(width) && fits(height)) {
            return Err(Error::Unsuitable(format!(
                "an image of {width} × {height} pixels cannot be made"
            )));
        }
        let refuse = || Error::Unsuitable("the image is too large".to_owned());
        let mut pixels = Pixmap::new(width as u32, height as u32).ok_or_else(refuse)?;
        let transform = Transform::from_scale(scale as f32, scale as f32);
        resvg::render(&tree, transform, &mut pixels.as_mut());
        pixels
            .encode_png()
            .map_err(|error| Error::Unsuitable(error.to_string()))
    }

    /// A PDF page of exactly the figure's size, with its fonts inside.
    pub fn pdf(&self) -> Result<Vec<u8>, Error> {
        let pdf = svg2pdf::to_pdf(
            &self.tree()?,
            svg2pdf::ConversionOptions::default(),
            svg2pdf::PageOptions { dpi: 72.0 },
        )
        .map_err(|error| Error::Unsuitable(error.to_string()))?;
        pdf::settled(&pdf)
            .ok_or_else(|| Error::Unsuitable("the PDF does not have the expected form".to_owned()))
    }

    fn tree(&self) -> Result<usvg::Tree, Error> {
        let mut faces = fontdb::Database::new();
        for face in [
            dejavu::sans::regular(),
            dejavu::sans::oblique(),
            dejavu::sans::bold(),
            dejavu::sans::bold_oblique(),
        ] {
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
        usvg::Tree::from_str(&self.svg, &options)
            .map_err(|error| Error::Unsuitable(error.to_string()))
    }
}
