//! `claim`: a sentence, held against every row of a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use polars::prelude::DataFrame;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{frames, runs};
use crate::figures::sql::{Condition, hyphens_told};
use crate::figures::table;
use crate::pipeline::{
    ArtifactType, Cardinality, ColumnShape, Context, Input, Judged, ParamError, Port, PortSyntax,
    Stage, Stop, TableShape, Verdict,
};

/// Checks whether a statement holds in a table.
///
/// A condition must be true on every row that the claim speaks of, and on at least one. The verdict is one of three:
///
/// - `reproduced`: it holds on all these rows.
/// - `not reproduced`: on some row it does not hold. That is a result, and not an error.
/// - `cannot be judged`: no row contradicts it, but there is no such row, or a value that would tell is missing, or a job that it
///   rests on failed. This verdict is never the expected one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim in words.
    #[schemars(length(min = 1))]
    says: String,
    /// Which rows it speaks of, as an SQL condition; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "where")]
    rows: Option<String>,
    /// What must be true on each of them, as an SQL condition.
    #[schemars(length(min = 1))]
    holds: String,
    /// Where the claim comes from, e.g. a paper and a section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Whether it is expected to hold; `false` for a claim that is known not to reproduce here, with the reason in `note`.
    /// A verdict other than expected is what `etude check` and `etude run --strict` fail on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<bool>,
    /// What there is to say of a verdict, e.g. why a claim does not reproduce here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// How many rows that speak against a claim a verdict names.
const NAMED: usize = 5;

impl Claim {
    fn conditions(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let rows = self.rows.iter().map(|text| ("where", text));
        rows.chain([("holds", &self.holds)])
    }
}

impl Stage for Claim {
    const KIND: &'static str = "claim";
    const VERSION: u32 = 2;
    const OUTPUT: ArtifactType = ArtifactType::Verdict;
    const PORTS: &'static [Port] = &[Port {
        name: "from",
        cardinality: Cardinality::All,
        accepts: &[ArtifactType::Table],
        syntax: PortSyntax::One,
        doc: "the table to hold it against",
    }];

    fn param_errors(&self) -> Vec<ParamError> {
        let conditions = self.conditions();
        let mut param_errors: Vec<ParamError> = conditions
            .filter_map(|(name, text)| frames::condition(name, text).err())
            .collect();
        if self.expected == Some(false) && self.note.as_deref().unwrap_or("").trim().is_empty() {
            let why = "a claim that is known not to reproduce here needs the reason";
            let help = "say it in `note`, e.g. `note = \"trained for 1/10 of the steps\"`";
            param_errors.push(ParamError::new("expected", why).help(help));
        }
        param_errors
    }

    fn columns(&self, inputs: &[TableShape]) -> Result<Option<Vec<ColumnShape>>, Vec<ParamError>> {
        let mut param_errors = Vec::new();
        for (name, text) in self.conditions() {
            let (Ok(condition), [table]) = (Condition::parse(text), inputs) else {
                continue;
            };
            let columns = runs::info(table).columns;
            let problems = condition.problems(columns.as_deref());
            let problems = hyphens_told(text, problems).into_iter();
            param_errors.extend(problems.map(|problem| frames::param_error(name, problem)));
        }
        if param_errors.is_empty() {
            Ok(None)
        } else {
            Err(param_errors)
        }
    }

    fn files(&self, _output: Option<&str>) -> Option<Vec<String>> {
        Some(vec![Verdict::FILE.into()])
    }

    /// All: a verdict names the rows that speak against it with everything known of them.
    fn columns_read(&self) -> Option<BTreeSet<String>> {
        None
    }

    fn erase_stage_names(&self, parameters: &mut Json, _names: &BTreeMap<String, String>) {
        for (name, text) in self.conditions() {
            if let Ok(condition) = Condition::parse(text) {
                parameters[name] = json!(condition.canonical());
            }
        }
    }

    fn run(&self, job: &Context<'_>) -> Result<(), Stop> {
        let inputs: Vec<&Input> = job.all("from").iter().collect();
        let own = frames::read(&inputs, "table.parquet")?;
        let (rows, notes) = frames::stacked_and_notes(&inputs, own, None)?;
        job.warn(&notes)?;
        let spoken_of = match &self.rows {
            Some(text) => Condition::parse(text)?.evaluate(&rows)?,
            None => vec![Some(true); rows.height()],
        };
        let holds = Condition::parse(&self.holds)?.evaluate(&rows)?;
        let (mut meant, mut held) = (0, 0);
        let (mut against, mut unknown) = (Vec::new(), Vec::new());
        for (row, (spoken_of, holds)) in spoken_of.into_iter().zip(holds).enumerate() {
            meant += usize::from(spoken_of == Some(true));
            match (spoken_of, holds) {
                (Some(false), _) => {}
                (Some(true), Some(true)) => held += 1,
                (Some(true), Some(false)) => against.push(row),
                (Some(true), None) | (None, _) => unknown.push(row),
            }
        }
        let named = |some: &[usize]| -> Result<Vec<String>, Stop> {
            let some = some.iter().take(NAMED);
            some.map(|row| in_words(&rows, *row)).collect()
        };
        let mut missing = named(&unknown)?;
        missing.extend(job.holes.iter().cloned());
        let complete = meant > 0 && missing.is_empty();
        let verdict = Verdict {
            says: self.says.clone(),
            verdict: match (against.is_empty(), complete) {
                (false, _) => Judged::NotReproduced,
                (true, true) => Judged::Reproduced,
                (true, false) => Judged::Unknown,
            },
            rows: meant,
            held,
            unknown: unknown.len(),
            source: self.source.clone(),
            expected: self.expected,
            note: self.note.clone(),
            against: named(&against)?,
            missing,
        };
        let text = serde_json::to_vec_pretty(&verdict)?;
        fs::write(job.out.join(Verdict::FILE), text)?;
        Ok(())
    }
}

/// A row as `column = value, …`.
fn in_words(rows: &DataFrame, row: usize) -> Result<String, Stop> {
    let mut words = Vec::new();
    for name in table::column_names(rows) {
        let texts = table::texts(table::column(rows, &name)?)?;
        let text = texts[row].as_deref().unwrap_or("null");
        words.push(format!("{name} = {text}"));
    }
    Ok(words.join(", "))
}
