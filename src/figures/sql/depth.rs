//! How deep the syntax tree of a piece of SQL can be, told from its words before it is parsed.
//!
//! Whatever walks over a tree takes some of the stack for each of its levels, and the parser tries some words twice. What is
//! deeper than any query has to be is refused here, with its place. What is long and not deep, such as a list of ten thousand
//! values, is no matter.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::problem::SqlError;

/// So many brackets, CASE … END, NOT and signs may stand in each other.
const NESTED: usize = 200;

/// So many operators, set operations or joins may follow each other.
pub(super) const CHAINED: usize = 5_000;

/// So many brackets behind NOT, CAST and the like may stand in each other: where the SQL is wrong, the parser tries each of
/// them as the name of a function too, and all in it once more; those behind POSITION twice more.
const TRIED: usize = 16;

/// So many dots may stand in a name: the parser takes each of them apart anew.
const DOTS: usize = 16;

/// What has no more levels than this can be walked over on any stack.
const LEVELS: usize = 16;

/// Whether the tree of these words may be deep; an error where it is too deep.
pub(super) fn is_deep(tokens: &[TokenWithSpan]) -> Result<bool, SqlError> {
    let mut scan = Scan {
        levels: vec![Level::default()],
        before: Before::Nothing,
        last: Keyword::NoKeyword,
        is_star: false,
        signs: 0,
        dots: 0,
    };
    for token in tokens {
        if !matches!(token.token, Token::Whitespace(_) | Token::EOF) {
            scan.take(&token.token);
            scan.check(token.span.start)?;
        }
    }
    let end = tokens.last().map(|token| token.span.start);
    while scan.levels.len() > 1 {
        scan.close();
    }
    scan.check(end.unwrap_or(Location { line: 1, column: 1 }))?;
    Ok(scan.top().depth() > LEVELS)
}

/// What stands before a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The beginning, an opening bracket, a comma, or a word that begins a clause.
    Nothing,
    /// A value.
    Value,
    /// An operator, which a value has to follow.
    Operator,
    /// A dot, which the rest of a name follows.
    Dot,
}

/// What stands between two brackets, or between CASE and END.
#[derive(Default)]
struct Level {
    is_case: bool,
    /// How many levels it stands in, and how many of them the parser tries twice.
    nested: usize,
    tried: usize,
    /// Set operations, joins, and what WITH binds: each stands above all before it.
    joined: usize,
    is_with: bool,
    is_from: bool,
    /// What is between two commas or clauses, and the deepest of those before.
    now: Chain,
    deepest: usize,
}

/// Operators in a row: each stands above those before it that bind as tightly.
#[derive(Default)]
struct Chain {
    ors: usize,
    ands: Row,
    others: Row,
    /// The deepest of the brackets in it.
    inner: usize,
    /// Those that take all that follows for their right side, up to the next AND or OR, and beyond.
    nots: usize,
    takes_all: usize,
}

/// A count, and how high it ever was.
#[derive(Default)]
struct Row {
    now: usize,
    most: usize,
}

impl Row {
    fn add(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }
}

impl Chain {
    fn depth(&self) -> usize {
        self.ors + self.ands.most + self.others.most + self.inner
    }
}

impl Level {
    fn depth(&self) -> usize {
        self.joined + self.deepest.max(self.now.depth())
    }

    fn next(&mut self) {
        self.deepest = self.deepest.max(self.now.depth());
        self.now = Chain::default();
    }
}

struct Scan {
    levels: Vec<Level>,
    before: Before,
    /// The word before, if it is a keyword, and whether a `*` stands there.
    last: Keyword,
    is_star: bool,
    /// How many operators and signs stand one behind the other.
    signs: usize,
    /// How many dots the name has in which the last word stands.
    dots: usize,
}

impl Scan {
    fn top(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the first level stays")
    }

    fn check(&mut self, place: Location) -> Result<(), SqlError> {
        let (signs, dots) = (self.signs, self.dots);
        let top = self.top();
        let nested = top.nested + top.now.nots + top.now.takes_all + signs;
        let (what, most, help) = if dots > DOTS {
            let help = "a column is named as table.column";
            ("dots in one name", DOTS, help)
        } else if nested > NESTED {
            let help = "give parts of it a name: WITH x AS (SELECT …)";
            ("brackets, CASE, NOT and signs in each other", NESTED, help)
        } else if top.tried > TRIED {
            let help = "compute the inner ones in a subquery";
            ("NOT (…), CAST (…) and the like in each other", TRIED, help)
        } else if top.depth() > CHAINED {
            let help = "write x IN (…) for many comparisons, and many rows into a table";
            ("operators, joins or set operations in a row", CHAINED, help)
        } else {
            return Ok(());
        };
        let message = format!("here this SQL has more than {most} {what}");
        Err(SqlError::at(place, message, help))
    }

    fn open(&mut self, is_case: bool) {
        let tried = match self.last {
            _ if is_case => 0,
            Keyword::POSITION => 2,
            last => usize::from(is_tried(last)),
        };
        let above = self.top();
        let level = Level {
            is_case,
            nested: above.nested + above.now.nots + above.now.takes_all + 1,
            tried: above.tried + tried,
            ..Level::default()
        };
        self.levels.push(level);
        self.before = Before::Nothing;
        self.signs = 0;
    }

    fn close(&mut self) {
        self.before = Before::Value;
        self.signs = 0;
        // One bracket too many is for the parser to tell.
        if self.levels.len() > 1
            && let Some(level) = self.levels.pop()
        {
            let depth = level.depth() + 1;
            let above = self.top();
            if above.is_with {
                above.joined += depth;
            } else {
                above.now.inner = above.now.inner.max(depth);
            }
        }
    }

    fn value(&mut self) {
        self.before = Before::Value;
        self.signs = 0;
    }

    fn operator(&mut self) {
        self.before = Before::Operator;
        self.signs += 1;
        self.top().now.others.add();
    }

    /// What follows is another part of a list, or another clause.
    fn next(&mut self) {
        self.before = Before::Nothing;
        self.signs = 0;
        self.top().next();
    }

    fn take(&mut self, token: &Token) {
        let last = match token {
            Token::Word(word) => word.keyword,
            _ => Keyword::NoKeyword,
        };
        if self.before != Before::Dot && *token != Token::Period {
            self.dots = 0;
        }
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => self.open(false),
            Token::RParen | Token::RBracket | Token::RBrace => self.close(),
            Token::Comma => {
                let top = self.top();
                top.joined += usize::from(top.is_from);
                self.next();
            }
            Token::SemiColon => self.next(),
            Token::Period => {
                self.dots += 1;
                self.before = Before::Dot;
            }
            Token::Word(_) if self.before == Before::Dot => self.value(),
            Token::Word(word) => self.word(word.keyword),
            Token::Mul if self.may_be_all() => self.value(),
            Token::Arrow => {
                self.operator();
                self.top().now.takes_all += 1;
            }
            token if is_constant(token) => self.value(),
            _ => self.operator(),
        }
        self.last = last;
        self.is_star = *token == Token::Mul;
    }

    /// Whether a `*` here stands for all columns.
    fn may_be_all(&self) -> bool {
        let begins = matches!(
            self.last,
            Keyword::NoKeyword | Keyword::SELECT | Keyword::ALL | Keyword::DISTINCT
        );
        self.before == Before::Dot || self.before == Before::Nothing && begins
    }

    fn word(&mut self, word: Keyword) {
        let before = self.before;
        match word {
            Keyword::CASE => self.open(true),
            Keyword::END if self.top().is_case => self.close(),
            Keyword::NOT => {
                self.operator();
                let is_sign = before != Before::Value && self.last != Keyword::IS;
                self.top().now.nots += usize::from(is_sign);
            }
            Keyword::DISTINCT if matches!(self.last, Keyword::IS | Keyword::NOT) => {
                self.operator();
                self.top().now.takes_all += 1;
            }
            Keyword::LAMBDA => {
                self.operator();
                self.top().now.takes_all += 1;
            }
            Keyword::INTERVAL | Keyword::PRIOR | Keyword::BINARY => {
                self.operator();
                self.before = Before::Nothing;
            }
            Keyword::FROM if self.last == Keyword::DISTINCT => self.operator(),
            // All columns; else what is multiplied could be called that.
            Keyword::FROM if self.is_star && !self.top().is_from => self.clause(word),
            // A word that could mean more is a name where a value has to stand.
            _ if before == Before::Operator => self.value(),
            Keyword::AND | Keyword::OR => self.joint(word),
            _ if begins_clause(word) => self.clause(word),
            _ if before == Before::Value && is_infix(word) => self.operator(),
            Keyword::NOTNULL => {
                self.operator();
                self.value();
            }
            _ => self.value(),
        }
    }

    fn joint(&mut self, word: Keyword) {
        self.before = Before::Operator;
        self.signs += 1;
        let chain = &mut self.top().now;
        (chain.nots, chain.others.now) = (0, 0);
        match word {
            Keyword::OR => {
                chain.ands.now = 0;
                chain.ors += 1;
            }
            _ => chain.ands.add(),
        }
    }

    fn clause(&mut self, word: Keyword) {
        self.next();
        let top = self.top();
        match word {
            Keyword::WITH => top.is_with = true,
            Keyword::FROM => top.is_from = true,
            Keyword::JOIN => top.joined += 1,
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => {
                top.joined += 1;
                top.is_from = false;
            }
            Keyword::SELECT => (top.is_with, top.is_from) = (false, false),
            Keyword::ON | Keyword::USING => {}
            _ => top.is_from = false,
        }
    }
}

fn is_constant(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
    )
}

fn begins_clause(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::SELECT
            | Keyword::FROM
            | Keyword::WHERE
            | Keyword::HAVING
            | Keyword::GROUP
            | Keyword::ORDER
            | Keyword::BY
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::QUALIFY
            | Keyword::WINDOW
            | Keyword::WITH
            | Keyword::ON
            | Keyword::USING
            | Keyword::JOIN
            | Keyword::UNION
            | Keyword::EXCEPT
            | Keyword::INTERSECT
            | Keyword::MINUS
            | Keyword::VALUES
            | Keyword::WHEN
            | Keyword::THEN
            | Keyword::ELSE
    )
}

fn is_infix(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::IS
            | Keyword::IN
            | Keyword::BETWEEN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::MATCH
            | Keyword::SIMILAR
            | Keyword::MEMBER
            | Keyword::OVERLAPS
            | Keyword::OPERATOR
            | Keyword::DIV
            | Keyword::XOR
            | Keyword::AT
            | Keyword::COLLATE
            | Keyword::ESCAPE
    )
}

/// Words that the parser takes for more than the name of a function, and for that where it finds something wrong.
fn is_tried(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::NOT
            | Keyword::CASE
            | Keyword::CAST
            | Keyword::TRY_CAST
            | Keyword::SAFE_CAST
            | Keyword::CONVERT
            | Keyword::TRY_CONVERT
            | Keyword::EXTRACT
            | Keyword::CEIL
            | Keyword::FLOOR
            | Keyword::SUBSTR
            | Keyword::SUBSTRING
            | Keyword::OVERLAY
            | Keyword::INTERVAL
            | Keyword::ARRAY
            | Keyword::MATCH
            | Keyword::MAP
            | Keyword::LAMBDA
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_DATE
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
            | Keyword::CIRCLE
            | Keyword::BOX
            | Keyword::PATH
            | Keyword::LINE
            | Keyword::LSEG
            | Keyword::POINT
            | Keyword::POLYGON
    )
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::GenericDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::*;

    fn told(sql: &str) -> String {
        let tokens = Tokenizer::new(&GenericDialect, sql).tokenize_with_location();
        match is_deep(&tokens.unwrap()) {
            Ok(is_deep) => if is_deep { "deep" } else { "shallow" }.to_owned(),
            Err(problem) => problem.to_string(),
        }
    }

    fn around(open: &str, inner: &str, close: &str, n: usize) -> String {
        format!("SELECT {}{inner}{}", open.repeat(n), close.repeat(n))
    }

    #[test]
    fn what_is_long_is_not_deep() {
        let list = around("", "x IN (0", ", 1", 20_000) + ") FROM t";
        assert_eq!(told(&list), "shallow");
        let columns = around("x - 1 AS a, ", "x", "", 20_000);
        assert_eq!(told(&columns), "shallow");
        let cases = format!(
            "SELECT CASE {} END",
            "WHEN x = 1 AND y = 2 THEN 3 ".repeat(9_000)
        );
        assert_eq!(told(&cases), "shallow");
        for rows in ["x IS NOT NULL OR ", "value OR ", "x = 1 AND y < 2 OR "] {
            assert_eq!(told(&around(rows, "x", "", 3_000)), "deep", "{rows}");
        }
    }

    #[test]
    fn what_is_deeper_than_any_query_is_refused_with_its_place() {
        let nested = [
            ("(", ")"),
            ("f(", ")"),
            ("[", "]"),
            ("NOT ", ""),
            ("- ", ""),
            ("x = NOT ", ""),
            ("x IS DISTINCT FROM ", ""),
            ("x -> ", ""),
            ("CASE WHEN x THEN 1 ELSE ", " END"),
            ("(SELECT ", ")"),
            ("INTERVAL ", ""),
        ];
        for (open, close) in nested {
            assert_eq!(told(&around(open, "x", close, 90)), "deep", "{open}");
            for n in [300, 20_000] {
                let said = told(&around(open, "x", close, n));
                assert!(said.contains("more than 200 brackets"), "{open}: {said}");
            }
        }
        let said = told(&around("(", "x", ")", 201));
        assert!(said.ends_with("(line 1, column 208)"), "{said}");
        for tried in ["NOT (", "CAST(", "POSITION("] {
            let said = told(&around(tried, "x", ")", 30));
            assert!(said.contains("more than 16 NOT"), "{said}");
        }
        let chains = ["x + ", "x = 1 OR ", "x AND ", "1 UNION ALL SELECT "];
        let postfix = [" IS NULL", "::INT", " BETWEEN 1 AND 2", " + on", " * from"];
        let joins = [" FROM t JOIN t ON x = y", " FROM t, t"];
        let chains = chains.map(|open| around(open, "x", "", 20_000));
        let postfix = postfix.into_iter().chain(joins);
        let postfix = postfix.map(|close| around("", "x", close, 20_000));
        for chain in postfix.chain(chains) {
            let said = told(&chain);
            assert!(said.contains("more than 5000 operators"), "{said}");
        }
        let said = told(&format!("SELECT {}b FROM t", "a.".repeat(20_000)));
        assert!(said.contains("more than 16 dots in one name"), "{said}");
        assert_eq!(
            told(&"a.b, 1.5, ".repeat(90).replace("a.b", "t.a")),
            "shallow"
        );
        for all in ["*", "t.*", "DISTINCT *", "DISTINCT ON (x) *"] {
            let said = told(&format!("SELECT {all} FROM t{}", ", t".repeat(20_000)));
            assert!(said.contains("more than 5000 operators"), "{all}: {said}");
        }
        let bound = "a AS (SELECT 1 + 1 + 1), ".repeat(2_000);
        let said = told(&format!("WITH {bound} b AS (SELECT 1) SELECT 1"));
        assert!(said.contains("more than 5000 operators"), "{said}");
    }
}
