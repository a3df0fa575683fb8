//! What a mark says of itself.

/// One of the two axes, and what a mark needs there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Side {
    /// Numbers or categories, as the column has them.
    Any,
    /// Categories, even for numbers.
    Category,
    /// Numbers.
    Number,
    /// Nothing: the mark computes it.
    Computed,
    /// A column may be left out.
    Optional,
}

/// What a mark is.
#[derive(Debug)]
pub(in crate::figures::plot) struct About {
    /// Its name in a pipeline.
    pub name: &'static str,
    /// One sentence for people.
    pub doc: &'static str,
    /// What its horizontal axis is.
    pub x: Side,
    /// What its vertical axis is.
    pub y: Side,
    /// The parameters it takes beside `x` and `y`.
    pub takes: &'static [&'static str],
    /// Those of them that it needs.
    pub needs: &'static [&'static str],
    /// The axes whose intervals it draws.
    pub intervals: &'static [&'static str],
    /// Whether the axis along which it reaches starts at zero.
    pub zero: bool,
    /// Which rows make one mark together.
    pub unit: Unit,
    /// What becomes of values outside the domain.
    pub outside: Outside,
    /// The title of an axis that it computes.
    pub computed: &'static str,
}

impl About {
    /// Whether it draws intervals around the parameter `x` or `y`, or may do so, where it is not said whether it is horizontal.
    pub(in crate::figures::plot) fn draws_interval(
        &self,
        parameter: &str,
        horizontal: Option<bool>,
    ) -> bool {
        let other = if parameter == "x" { "y" } else { "x" };
        match horizontal {
            Some(true) => self.intervals.contains(&other),
            None if self.takes.contains(&"horizontal") => !self.intervals.is_empty(),
            _ => self.intervals.contains(&parameter),
        }
    }
}

/// What a mark is, unless it says otherwise.
pub(in crate::figures::plot) const USUAL: About = About {
    name: "",
    doc: "",
    x: Side::Any,
    y: Side::Any,
    takes: &[],
    needs: &[],
    intervals: &[],
    zero: false,
    unit: Unit::Row,
    outside: Outside::Hidden,
    computed: "",
};

/// Which rows make one mark together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Unit {
    /// Each row for itself.
    Row,
    /// Those of one series at one place along `x`: their mean is drawn.
    Place,
    /// Those of one cell.
    Cell,
    /// Those of one series at one place, drawn as a distribution.
    Sample,
}

/// What becomes of values outside the domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::figures::plot) enum Outside {
    /// They are not drawn.
    Hidden,
    /// What is drawn ends at the edge.
    Cut,
    /// They have the colour of the nearest value inside.
    Coloured,
}
