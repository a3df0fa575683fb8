//! The form for papers: one page of the figure's size, with text as text.

use krilla::configure::{Configuration, ConfigurationBuilder, PdfVersion};
use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla::{Document, SerializeSettings, metadata};
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::usvg::Tree;

use super::Metadata;
use crate::figures::table::Error;

/// The newest version that pdfTeX includes without a warning.
const VERSION: PdfVersion = PdfVersion::Pdf15;

/// A document of one page.
pub(super) fn page(
    tree: &Tree,
    title: Option<String>,
    metadata: Option<&Metadata>,
) -> Result<Vec<u8>, Error> {
    let (width, height) = (tree.size().width(), tree.size().height());
    let refuse = || {
        Error::Unsuitable(format!(
            "a page of {width} × {height} points cannot be made"
        ))
    };
    let settings = PageSettings::from_wh(width, height).ok_or_else(refuse)?;
    let size = Size::from_wh(width, height).ok_or_else(refuse)?;

    let mut document = Document::new_with(SerializeSettings {
        // A figure becomes part of a page, whose tags say what it shows.
        enable_tagging: false,
        configuration: configuration(),
        ..SerializeSettings::default()
    });
    document.set_metadata(info(title, metadata));
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    let drawn = surface.draw_svg(tree, size, SvgSettings::default());
    surface.finish();
    page.finish();
    drawn.ok_or_else(|| Error::Unsuitable("the figure cannot be drawn as PDF".to_owned()))?;
    let file = document.finish();
    file.map_err(|error| Error::Unsuitable(error.to_string()))
}

fn configuration() -> Configuration {
    let version = ConfigurationBuilder::new().with_version(VERSION).finish();
    version.expect("every version can be written where no standard is asked for")
}

/// No date: the same figure is the same bytes.
fn info(title: Option<String>, metadata: Option<&Metadata>) -> metadata::Metadata {
    let mut info = metadata::Metadata::new().title(title.unwrap_or_default());
    if let Some(metadata) = metadata {
        info = info
            .creator(metadata.creator.clone())
            .description(metadata.description());
    }
    info
}
