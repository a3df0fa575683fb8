//! Scales and their labels in Vega-Lite.

use serde_json::{Map, Value, json};

use super::table::{number, rounded};
use super::unicode::unicode;
use crate::figures::plot::axis::Axis;
use crate::figures::plot::number::power;
use crate::figures::plot::scale::{Scale, Spread, Tick};
use crate::figures::plot::shades::Shades;
use crate::figures::plot::spec::{FormatName, PaletteName};

/// The type of what stands along a scale.
pub(super) fn kind(scale: &Scale) -> &'static str {
    match scale.spread {
        Spread::Category => "nominal",
        Spread::Time => "temporal",
        _ => "quantitative",
    }
}

/// A value as the scale has it: the name of a category, a number, or milliseconds since 1970.
pub(super) fn value(scale: &Scale, value: Option<f64>) -> Value {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return Value::Null;
    };
    match scale.spread {
        Spread::Category => {
            let name = scale.names.get(value.round() as usize);
            name.map_or(Value::Null, |name| unicode(name).into())
        }
        Spread::Time => number(value * 1000.0),
        // What has no place on our axis is not shown there either.
        _ if scale.place(value).is_none() => Value::Null,
        _ => number(value),
    }
}

/// How values spread, without their domain.
fn spread(scale: &Scale) -> Map<String, Value> {
    let mut found = Map::new();
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    match scale.spread {
        Spread::Linear => put("type", "linear".into()),
        Spread::Log(base) => {
            put("type", "log".into());
            put("base", number(base));
        }
        Spread::Symlog(near) => {
            put("type", "symlog".into());
            put("constant", number(near));
        }
        Spread::Sqrt => put("type", "sqrt".into()),
        Spread::Time => put("type", "utc".into()),
        Spread::Category => put("type", "band".into()),
    }
    found
}

/// The scale of an axis. Of categories `padding` is the share between their marks; an axis of numbers ends where ours ends, unless
/// each facet has its own.
pub(super) fn positional(scale: &Scale, padding: f64, free: bool) -> Value {
    let mut found = spread(scale);
    let mut put = |name: &str, value: Value| {
        found.insert(name.to_owned(), value);
    };
    if scale.named() {
        let names = scale.names.iter().map(|name| unicode(name).into());
        put("domain", Value::Array(names.collect()));
        put("paddingInner", number(padding));
        put("paddingOuter", number(padding / 2.0));
    } else {
        let (low, high) = scale.ends();
        if !free {
            put(
                "domain",
                json!([value(scale, Some(low)), value(scale, Some(high))]),
            );
            put("nice", false.into());
        }
        if scale.spread != Spread::Time && !scale.is_log() {
            put("zero", false.into());
        }
    }
    if scale.reverse {
        put("reverse", true.into());
    }
    Value::Object(found)
}

/// The scale of colours by number.
pub(super) fn colored(shades: &Shades) -> Value {
    let scale = &shades.scale;
    let mut found = spread(scale);
    let (low, high) = scale.ends();
    found.insert("domain".to_owned(), json!([number(low), number(high)]));
    // Beyond the domain is the colour of its end.
    found.insert("clamp".to_owned(), true.into());
    if shades.palette == PaletteName::Diverging {
        found.insert("domainMid".to_owned(), number(shades.middle));
        found.insert("scheme".to_owned(), "redblue".into());
        found.insert("reverse".to_owned(), true.into());
    } else {
        found.insert("scheme".to_owned(), "viridis".into());
    }
    Value::Object(found)
}

/// The values that get a label, and how they are written: what an axis and a legend of numbers share.
pub(super) fn labels(axis: &Axis, format: Option<FormatName>) -> Map<String, Value> {
    let scale = &axis.scale;
    let ticks: Vec<(&Tick, &str)> = axis
        .ticks
        .iter()
        .filter_map(|tick| Some((tick, tick.label.as_deref()?)))
        .collect();
    let values = ticks
        .iter()
        .map(|(tick, _)| value(scale, Some(rounded(tick.value))));
    let values: Vec<Value> = values.collect();
    let mut found = Map::new();
    let texts: Vec<&str> = ticks.iter().map(|(_, label)| *label).collect();
    let all = texts.len() == axis.ticks.len();
    let broken = texts.iter().any(|text| text.contains('\n'));
    if scale.named() && all && !broken {
        return found;
    }
    found.insert("values".to_owned(), Value::Array(values.clone()));
    found.insert("labelOverlap".to_owned(), false.into());
    let number_format = numbers(&texts, format);
    match (axis.power, number_format) {
        _ if scale.named() || scale.spread == Spread::Time => {
            found.insert("labelExpr".to_owned(), looked_up(scale, &values, &texts));
        }
        (Some(exponent), Some(format)) => {
            let expression = format!("format(datum.value / 1e{exponent}, '{format}')");
            found.insert("labelExpr".to_owned(), expression.into());
        }
        (None, Some(format)) => {
            found.insert("format".to_owned(), format.into());
        }
        _ => {
            found.insert("labelExpr".to_owned(), looked_up(scale, &values, &texts));
        }
    }
    found
}

/// What all labels are times, to stand behind the title.
pub(super) fn times(axis: &Axis) -> Option<String> {
    let exponent = axis.power?;
    Some(format!(" (×{})", unicode(&power(10.0, exponent))))
}

/// The format of d3 that writes numbers as these labels are, if there is one.
fn numbers(texts: &[&str], format: Option<FormatName>) -> Option<String> {
    if format == Some(FormatName::Si) {
        return Some("~s".to_owned());
    }
    let percent = format == Some(FormatName::Percent);
    let mut digits = None;
    for text in texts {
        let text = text.strip_prefix('\u{2212}').unwrap_or(text);
        let text = if percent {
            text.strip_suffix('%')?
        } else {
            text
        };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(part) {
            return None;
        }
        if digits.is_some_and(|own| own != part.len()) {
            return None;
        }
        digits = Some(part.len());
    }
    let sign = if percent { '%' } else { 'f' };
    Some(format!(".{}{sign}", digits?))
}

/// An expression that gives each value its label.
fn looked_up(scale: &Scale, values: &[Value], texts: &[&str]) -> Value {
    let text = |text: &&str| {
        let lines: Vec<String> = text.lines().map(unicode).collect();
        match lines.as_slice() {
            [one] => json!(one),
            lines => json!(lines),
        }
    };
    let texts = Value::Array(texts.iter().map(text).collect());
    let values = Value::Array(values.to_vec());
    let own = if scale.spread == Spread::Time {
        "time(datum.value)"
    } else {
        "datum.value"
    };
    format!("{texts}[indexof({values}, {own})]").into()
}

/// The axis beside a panel, whose lines are `hidden` where marks fill it.
pub(super) fn axis(axis: &Axis, format: Option<FormatName>, free: bool, hidden: bool) -> Value {
    let mut found = if free && !axis.named() {
        own_format(format)
    } else {
        labels(axis, format)
    };
    if hidden {
        found.insert("domain".to_owned(), false.into());
        found.insert("grid".to_owned(), false.into());
    }
    if axis.angle > 0.0 {
        found.insert("labelAngle".to_owned(), number(-axis.angle));
        found.insert("labelAlign".to_owned(), "right".into());
    } else if axis.named() {
        found.insert("labelAngle".to_owned(), 0.into());
    }
    Value::Object(found)
}

/// How Vega-Lite writes numbers whose ticks it chooses.
fn own_format(format: Option<FormatName>) -> Map<String, Value> {
    let format = match format {
        None => return Map::new(),
        Some(FormatName::Plain) => "~f",
        Some(FormatName::Percent) => "~%",
        Some(FormatName::Si) => "~s",
        Some(FormatName::Power) => "~e",
    };
    Map::from_iter([("format".to_owned(), format.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_a_format_writes_have_it() {
        let found = |texts: &[&str], format| numbers(texts, format);
        assert_eq!(
            found(&["0.00", "\u{2212}0.25"], None).as_deref(),
            Some(".2f")
        );
        assert_eq!(found(&["0", "10"], None).as_deref(), Some(".0f"));
        let percent = Some(FormatName::Percent);
        assert_eq!(found(&["0%", "25%"], percent).as_deref(), Some(".0%"));
        assert_eq!(found(&["1k"], Some(FormatName::Si)).as_deref(), Some("~s"));
        assert_eq!(found(&["10^{3}"], None), None);
        assert_eq!(found(&["0.1", "0.25"], None), None);
    }
}
