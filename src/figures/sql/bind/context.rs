//! Where an expression stands, and what it may read there.

use sqlparser::ast::Expr as Ast;

use super::super::kind::Kind;
use super::super::plan::{Aggregate, Expr, Window};
use super::schema::Schema;

/// Where an expression stands, and what may stand there.
pub(super) struct Context<'s> {
    /// The columns it sees.
    pub schema: &'s Schema,
    /// The names that the SELECT gives.
    pub aliases: &'s [(String, &'s Ast)],
    /// The keys of the groups, where rows are grouped.
    pub keys: Option<Vec<(Expr, Kind)>>,
    /// The aggregates found so far, where there may be some.
    pub aggregates: Option<Vec<Aggregate>>,
    /// The windows found so far, where there may be some.
    pub windows: Option<Vec<Window>>,
    /// The clause, for messages.
    pub clause: &'static str,
}

impl<'s> Context<'s> {
    /// One row of a relation.
    pub(super) fn of_rows(schema: &'s Schema, clause: &'static str) -> Self {
        Self {
            schema,
            aliases: &[],
            keys: None,
            aggregates: None,
            windows: None,
            clause,
        }
    }

    /// Groups of rows.
    pub(super) fn of_groups(schema: &'s Schema, keys: Vec<(Expr, Kind)>) -> Self {
        Self {
            keys: Some(keys),
            aggregates: Some(Vec::new()),
            ..Self::of_rows(schema, "SELECT")
        }
    }

    pub(super) fn aliased(mut self, aliases: &'s [(String, &'s Ast)]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) fn windowed(mut self) -> Self {
        self.windows = Some(Vec::new());
        self
    }

    /// The same place, where the names that SELECT gives mean nothing.
    pub(super) fn without_aliases(&mut self) -> Unaliased<'_, 's> {
        let aliases = std::mem::take(&mut self.aliases);
        Unaliased {
            context: self,
            aliases,
        }
    }
}

/// A context that gets its aliases back.
pub(super) struct Unaliased<'c, 's> {
    context: &'c mut Context<'s>,
    aliases: &'s [(String, &'s Ast)],
}

impl<'s> std::ops::Deref for Unaliased<'_, 's> {
    type Target = Context<'s>;

    fn deref(&self) -> &Context<'s> {
        self.context
    }
}

impl std::ops::DerefMut for Unaliased<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.context
    }
}

impl Drop for Unaliased<'_, '_> {
    fn drop(&mut self) {
        self.context.aliases = self.aliases;
    }
}

/// An expression and its type.
pub(super) type Typed = (Expr, Kind);

/// In the place of what was refused.
pub(super) const UNKNOWN: Typed = (Expr::Unknown, Kind::Unknown);
