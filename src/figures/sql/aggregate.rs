//! Functions that turn many rows into one value.
//!
//! All but COUNT leave missing values out; NaN among the values makes the result NaN, so that it is told and never wins.

use super::function::Fault;
use super::kind::Kind;

/// The aggregates there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// COUNT(*): rows.
    Rows,
    /// COUNT(x): values.
    Count,
    /// COUNT_IF(x): how often it is true.
    CountIf,
    /// The sum.
    Sum,
    /// The product.
    Product,
    /// The mean.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The value in the middle, or the mean of the two.
    Median,
    /// A quantile, interpolated.
    QuantileCont,
    /// A quantile that is one of the values.
    QuantileDisc,
    /// The standard deviation; with `true`, of a sample.
    Deviation(bool),
    /// The variance; with `true`, of a sample.
    Variance(bool),
    /// The correlation of two.
    Correlation,
    /// The covariance of two; with `true`, of a sample.
    Covariance(bool),
    /// The first value.
    First,
    /// The last value.
    Last,
    /// Any value that is there.
    Any,
    /// The most frequent value, of several the first.
    Mode,
    /// The texts one after another.
    Join,
    /// Whether all are true.
    And,
    /// Whether one is true.
    Or,
    /// The first value where a second one is greatest (`true`) or least.
    ArgOf(bool),
    /// Half the width of the interval of a mean over runs.
    Interval,
    /// The mean over runs of their means.
    RunMean,
    /// How many runs there are.
    Runs,
    /// An end of Wilson's interval of a share of runs; with `true`, the upper.
    Wilson(bool),
    /// An end of Clopper and Pearson's interval of a share of runs; with `true`, the upper.
    ClopperPearson(bool),
    /// The run of a group that is of one run: what its rows hand on.
    Run,
}

/// The aggregates by name, in lower case, with how many values each takes.
const ROSTER: &[(&str, What, usize)] = &[
    ("count", What::Count, 1),
    ("count_if", What::CountIf, 1),
    ("countif", What::CountIf, 1),
    ("sum", What::Sum, 1),
    ("product", What::Product, 1),
    ("avg", What::Mean, 1),
    ("mean", What::Mean, 1),
    ("min", What::Min, 1),
    ("max", What::Max, 1),
    ("median", What::Median, 1),
    ("quantile_cont", What::QuantileCont, 2),
    ("quantile_disc", What::QuantileDisc, 2),
    ("stddev", What::Deviation(true), 1),
    ("stddev_samp", What::Deviation(true), 1),
    ("stddev_pop", What::Deviation(false), 1),
    ("variance", What::Variance(true), 1),
    ("var_samp", What::Variance(true), 1),
    ("var_pop", What::Variance(false), 1),
    ("corr", What::Correlation, 2),
    ("covar_samp", What::Covariance(true), 2),
    ("covar_pop", What::Covariance(false), 2),
    ("first", What::First, 1),
    ("last", What::Last, 1),
    ("any_value", What::Any, 1),
    ("mode", What::Mode, 1),
    ("string_agg", What::Join, 2),
    ("bool_and", What::And, 1),
    ("bool_or", What::Or, 1),
    ("arg_max", What::ArgOf(true), 2),
    ("max_by", What::ArgOf(true), 2),
    ("arg_min", What::ArgOf(false), 2),
    ("min_by", What::ArgOf(false), 2),
    ("ci95", What::Interval, 1),
    ("run_mean", What::RunMean, 1),
    ("runs", What::Runs, 0),
    ("wilson95_low", What::Wilson(false), 1),
    ("wilson95_high", What::Wilson(true), 1),
    ("clopper_pearson95_low", What::ClopperPearson(false), 1),
    ("clopper_pearson95_high", What::ClopperPearson(true), 1),
];

/// The aggregate of this name, in lower case, and how many values it takes.
pub(super) fn named(name: &str) -> Option<(What, usize)> {
    let found = ROSTER.iter().find(|(known, ..)| *known == name)?;
    Some((found.1, found.2))
}

/// The names there are.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROSTER.iter().map(|(name, ..)| *name)
}

impl What {
    /// Whether it counts runs.
    pub(super) fn counts_runs(self) -> bool {
        matches!(
            self,
            Self::Interval | Self::RunMean | Self::Runs | Self::Wilson(_) | Self::ClopperPearson(_)
        )
    }

    /// Whether it averages the rows of a run first, and leaves out runs without a value.
    pub(super) fn is_over_runs(self) -> bool {
        self.counts_runs() && self != Self::Runs
    }

    /// Whether its result depends on the order of the rows.
    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::First | Self::Last | Self::Join | Self::Any)
    }

    /// The type of the result.
    pub(super) fn kind(self, name: &str, args: &[Kind]) -> Result<Kind, Fault> {
        let first = args.first().copied().unwrap_or(Kind::Unknown);
        let numbers = |truth: bool| match args
            .iter()
            .find(|kind| !(kind.may_be_number() || truth && **kind == Kind::Bool))
        {
            Some(kind) => Err(format!("`{name}` takes numbers, not {kind}")),
            None => Ok(()),
        };
        let of = |wanted: Kind| match first.with(wanted) {
            Some(_) => Ok(()),
            None => Err(format!("`{name}` takes {wanted}, not {first}")),
        };
        Ok(match self {
            Self::Rows | Self::Count | Self::Runs | Self::Run => Kind::Int,
            Self::CountIf => {
                of(Kind::Bool)?;
                Kind::Int
            }
            Self::Sum => {
                numbers(true)?;
                match first {
                    Kind::Unknown => Kind::Unknown,
                    Kind::Int | Kind::Bool | Kind::Null => Kind::Int,
                    _ => Kind::Float,
                }
            }
            Self::Product
            | Self::Mean
            | Self::Median
            | Self::QuantileCont
            | Self::Deviation(_)
            | Self::Variance(_)
            | Self::Correlation
            | Self::Covariance(_)
            | Self::Interval
            | Self::RunMean
            | Self::Wilson(_)
            | Self::ClopperPearson(_) => {
                numbers(true)?;
                Kind::Float
            }
            Self::Min
            | Self::Max
            | Self::QuantileDisc
            | Self::First
            | Self::Last
            | Self::Any
            | Self::Mode
            | Self::ArgOf(_) => first,
            Self::Join => Kind::Text,
            Self::And | Self::Or => {
                of(Kind::Bool)?;
                Kind::Bool
            }
        })
    }
}
