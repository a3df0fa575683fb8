//! The tokens of source text, as far as paths need them. Comments are none, and what literals say does not matter.

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    Mark(char),
    Literal,
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first place from `at` on whose character is another.
fn past(text: &[char], at: usize, is: impl Fn(char) -> bool) -> usize {
    let rest = text.iter().skip(at);
    at + rest.take_while(|c| is(**c)).count()
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let from = |at: usize| text.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match (text[at], from(at + 1)) {
            ('/', '/') => at = past(&text, at, |c| c != '\n'),
            ('/', '*') => at = comment_end(&text, at),
            ('"', _) => {
                at = string_end(&text, at + 1, None);
                tokens.push(Token::Literal);
            }
            ('\'', '\\') => {
                at = past(&text, at + 3, |c| c != '\'') + 1;
                tokens.push(Token::Literal);
            }
            ('\'', _) if from(at + 2) == '\'' => {
                at += 3;
                tokens.push(Token::Literal);
            }
            // A lifetime.
            ('\'', _) => at = past(&text, at + 1, is_word),
            (c, _) if is_word(c) => {
                let end = past(&text, at, is_word);
                let word: String = text[at..end].iter().collect();
                let quote = past(&text, end, |c| c == '#');
                at = end;
                match word.as_str() {
                    "r" | "br" | "cr" if from(quote) == '"' => {
                        at = string_end(&text, quote + 1, Some(quote - end));
                        tokens.push(Token::Literal);
                    }
                    // The literal follows, or a name that is else a keyword.
                    "b" | "c" if matches!(from(end), '"' | '\'') => {}
                    "r" if quote > end => at = quote,
                    _ if c.is_ascii_digit() => tokens.push(Token::Literal),
                    _ => tokens.push(Token::Word(word)),
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(c));
                }
                at += 1;
            }
        }
    }
    tokens
}

/// Where a comment that may hold others has ended.
fn comment_end(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Where a string has ended whose text begins at a place; a raw one ends with so many `#`.
fn string_end(text: &[char], mut at: usize, raw: Option<usize>) -> usize {
    while at < text.len() {
        match (text[at], raw) {
            ('\\', None) => at += 1,
            ('"', None) => return at + 1,
            ('"', Some(hashes)) if past(text, at + 1, |c| c == '#') - at > hashes => {
                return at + 1 + hashes;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// The tokens of what is compiled without tests.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let test = self::tokens("#[cfg(test)]");
    let mut left = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&test) {
            at = item_end(tokens, at + test.len());
        } else {
            left.push(tokens[at].clone());
            at += 1;
        }
    }
    left
}

/// Where an item has ended: behind its `;` or its braces, or before those of what it stands in.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') if depth == 0 => return at,
            Token::Mark('}') if depth == 1 => return at + 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            Token::Mark(';') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_and_literals_name_nothing() {
    let text = r##"
        // a::b
        /* a /* b */ c */
        let x<'y> = ("a\"b::c", r#"d"e"#, b"f", b'\'', '{', '\u{7D}', br"g", 1.5e3, r#type);
    "##;
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().filter_map(Token::word).collect();
    assert_eq!(words, ["let", "x", "type"]);
    let literals = tokens.iter().filter(|token| **token == Token::Literal);
    assert_eq!(literals.count(), 9);
}

#[test]
fn of_what_is_there_for_tests_only_the_item_itself_is_left_out() {
    let text = "
        a! { #[cfg(test)] b; c }
        #[cfg(test)]
        mod d { fn e() {} }
        #[cfg(test)]
        #[path = \"x.rs\"]
        mod f;
        #[cfg(unix)]
        fn g(h: [u8; 3]) {}
        #[cfg(test)]
        fn i(h: [u8; 3]) -> (j,) { k }
        l
    ";
    let tokens = without_tests(&tokens(text));
    let words: Vec<&str> = tokens.iter().filter_map(Token::word).collect();
    assert_eq!(words, ["a", "c", "cfg", "unix", "fn", "g", "h", "u8", "l"]);
}
