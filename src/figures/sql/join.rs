//! Joins and set operations over rows.

use std::collections::HashMap;

use super::function::in_one_piece;
use super::function::{Fault, as_kind, internal, kind_of};
use super::kind::Kind;
use super::plan::{Expr, JoinKind, SetKind};
use super::ranks::{Classes, groups, keys};
use super::run::{Rows, Runner};

/// So many pairs of rows are looked at once where a join has no equal columns.
const PAIRS: usize = 1 << 20;

impl Runner<'_> {
    pub(super) fn join(
        &self,
        left: &Rows,
        right: &Rows,
        kind: JoinKind,
        equal: &[(Expr, Expr)],
        on: Option<&Expr>,
    ) -> Result<Rows, Fault> {
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let mut keep = |candidates: Vec<(usize, usize)>| -> Result<(), Fault> {
            let Some(on) = on else {
                pairs.extend(candidates);
                return Ok(());
            };
            let both = left
                .only(candidates.iter().map(|pair| pair.0))?
                .beside(right.only(candidates.iter().map(|pair| pair.1))?);
            let truths = self.truths(on, &both)?;
            let kept = candidates.into_iter().zip(truths);
            pairs.extend(
                kept.filter(|(_, truth)| *truth == Some(true))
                    .map(|(pair, _)| pair),
            );
            Ok(())
        };
        if equal.is_empty() {
            let at_once = (PAIRS / right.height.max(1)).max(1);
            for from in (0..left.height).step_by(at_once) {
                let some = from..(from + at_once).min(left.height);
                keep(
                    some.flat_map(|l| (0..right.height).map(move |r| (l, r)))
                        .collect(),
                )?;
            }
        } else {
            let mut columns = Vec::new();
            for (ours, theirs) in equal {
                let (ours, theirs) = (self.value(ours, left)?, self.value(theirs, right)?);
                let kind = kind_of(&ours)
                    .with(kind_of(&theirs))
                    .unwrap_or(Kind::Unknown);
                let mut both = as_kind(&ours, kind)?;
                both.append(&as_kind(&theirs, kind)?).map_err(internal)?;
                columns.push(Classes::of(&in_one_piece(&both))?);
            }
            let (keys, _) = keys(&columns, left.height + right.height);
            let comparable = |row: usize| columns.iter().all(|classes| classes.is_comparable(row));
            let mut there: HashMap<usize, Vec<usize>> = HashMap::new();
            for row in (0..right.height).filter(|row| comparable(left.height + row)) {
                there.entry(keys[left.height + row]).or_default().push(row);
            }
            let mut candidates = Vec::new();
            for l in (0..left.height).filter(|row| comparable(*row)) {
                candidates.extend(there.get(&keys[l]).into_iter().flatten().map(|r| (l, *r)));
                if candidates.len() >= PAIRS {
                    keep(std::mem::take(&mut candidates))?;
                }
            }
            keep(candidates)?;
        }
        let mut has_left = vec![false; left.height];
        let mut has_right = vec![false; right.height];
        for (l, r) in &pairs {
            has_left[*l] = true;
            has_right[*r] = true;
        }
        match kind {
            JoinKind::Semi => return left.only((0..left.height).filter(|row| has_left[*row])),
            JoinKind::Anti => return left.only((0..left.height).filter(|row| !has_left[*row])),
            _ => {}
        }
        let mut of: Vec<(Option<usize>, Option<usize>)> =
            pairs.into_iter().map(|(l, r)| (Some(l), Some(r))).collect();
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            of.extend(
                (0..left.height)
                    .filter(|row| !has_left[*row])
                    .map(|row| (Some(row), None)),
            );
            // The rows of the left in their order.
            of.sort_by_key(|(l, _)| *l);
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            of.extend(
                (0..right.height)
                    .filter(|row| !has_right[*row])
                    .map(|row| (None, Some(row))),
            );
        }
        let (l, r): (Vec<_>, Vec<_>) = of.into_iter().unzip();
        Ok(left.take(&l)?.beside(right.take(&r)?))
    }

    pub(super) fn set(
        &self,
        left: Rows,
        right: Rows,
        kind: SetKind,
        kinds: &[Kind],
    ) -> Result<Rows, Fault> {
        let n = left.height;
        let mut columns = Vec::with_capacity(kinds.len());
        for ((ours, theirs), kind) in left.columns.iter().zip(&right.columns).zip(kinds) {
            let mut both = as_kind(ours, *kind)?;
            both.append(&as_kind(theirs, *kind)?).map_err(internal)?;
            columns.push(in_one_piece(&both));
        }
        let all = Rows {
            columns,
            height: n + right.height,
        };
        if kind == SetKind::UnionAll {
            return Ok(all);
        }
        let classes = all.columns.iter().map(Classes::of);
        let classes: Vec<Classes> = classes.collect::<Result<_, Fault>>()?;
        let (keys, count) = keys(&classes, all.height);
        let groups = groups(&keys, count);
        let kept = groups.iter().filter(|rows| {
            let (ours, theirs) = (rows[0] < n, rows.last().is_some_and(|row| *row >= n));
            match kind {
                SetKind::Intersect => ours && theirs,
                SetKind::Except => ours && !theirs,
                _ => true,
            }
        });
        all.only(kept.map(|rows| rows[0]))
    }
}
