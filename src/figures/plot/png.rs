//! The form for slides and web pages: pixels, and how many go to an inch.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::Tree;

use super::Metadata;
use crate::figures::table::Error;

/// The most pixels a PNG may have along one side.
const MOST_PIXELS: f64 = 30_000.0;

/// Points to a metre: 72 to an inch of 25.4 mm.
const POINTS_PER_METRE: f64 = 72.0 / 0.0254;

/// An image with `scale` pixels to a point.
pub(super) fn image(
    tree: &Tree,
    scale: f64,
    title: Option<&str>,
    metadata: Option<&Metadata>,
) -> Result<Vec<u8>, Error> {
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
    pixels.fill(Color::WHITE);
    let transform = Transform::from_scale(scale as f32, scale as f32);
    resvg::render(tree, transform, &mut pixels.as_mut());
    encoded(&pixels, scale, title, metadata).map_err(|error| Error::Unsuitable(error.to_string()))
}

/// Every pixel is opaque, so none needs its alpha.
fn encoded(
    pixels: &Pixmap,
    scale: f64,
    title: Option<&str>,
    metadata: Option<&Metadata>,
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (scale * POINTS_PER_METRE).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    // Not every program reads the kind of text that takes all languages.
    let mut say = |keyword: &str, text: String| {
        let keyword = keyword.to_owned();
        if text.is_ascii() {
            encoder.add_text_chunk(keyword, text)
        } else {
            encoder.add_itxt_chunk(keyword, text)
        }
    };
    if let Some(title) = title {
        say("Title", title.to_owned())?;
    }
    if let Some(metadata) = metadata {
        say("Software", metadata.creator.clone())?;
        say("Description", metadata.description())?;
    }
    let mut writer = encoder.write_header()?;
    let colours = pixels.data().chunks_exact(4);
    let colours: Vec<u8> = colours
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    writer.write_image_data(&colours)?;
    writer.finish()?;
    Ok(file)
}
