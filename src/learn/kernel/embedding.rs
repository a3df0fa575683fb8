//! Rows of a table by their number.

use candle_core::{DType, Result, Tensor};

use super::on_card;

/// The most rows of a table that a card picks from by a product.
const SMALL: usize = 1024;

/// Picks rows: `table` (rows, width), `tokens` of any shape, whole numbers below the number of rows, to (shape of tokens,
/// width).
///
/// On a card, rows of a small table are picked by a product with ones and zeros: candle adds the gradients of picked rows one
/// after another, which takes longer there than a layer.
///
/// # Errors
/// A token that is no row; on a card it is a row of zeros.
pub fn embedding(table: &Tensor, tokens: &Tensor) -> Result<Tensor> {
    let (rows, width) = table.dims2()?;
    let shape = [tokens.dims(), &[width]].concat();
    let flat = tokens.flatten_all()?;
    let picked = if on_card(table) && rows <= SMALL {
        let numbers = Tensor::arange(0, rows as u32, table.device())?.unsqueeze(0)?;
        let places = flat.unsqueeze(1)?.broadcast_eq(&numbers)?; // (tokens, rows)
        places.to_dtype(DType::F32)?.matmul(table)?
    } else {
        table.index_select(&flat, 0)?
    };
    picked.reshape(shape)
}
