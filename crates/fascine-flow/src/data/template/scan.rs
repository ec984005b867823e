use std::iter::Peekable;
use std::str::CharIndices;

use super::filters::{FILTERS, TESTS};
use crate::data::similar::similar;

/// What a template speaks of: `steps.load` is the name `load` of `steps`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) root: String,
    pub(crate) name: Option<String>,
}

/// What can be known of a template without giving it values.
#[derive(Debug, Default)]
pub(crate) struct Scan<'t> {
    /// Its expression, if it is one expression and nothing else.
    pub(crate) sole_expression: Option<&'t str>,
    pub(crate) references: Vec<Reference>,
}

/// The names whose fields are looked up when a flow is read: what they are called decides what is behind them.
const ROOTS: [&str; 4] = ["errors", "params", "state", "steps"];

/// How large a template may be, in bytes.
pub(crate) const SIZE: usize = 256 * 1024;

/// How many products there may be in a template: a text can be multiplied, and takes room.
const PRODUCTS: usize = 8;

impl<'t> Scan<'t> {
    pub(crate) fn of_expression(code: &'t str) -> Result<Self, String> {
        check_size(code)?;
        let mut scan = Self::default();
        let tokens = tokens(code, None)?.0;
        scan.code(&tokens)?;
        scan.roots(&super::engine::names_of_expression(code)?);
        Ok(scan)
    }

    pub(crate) fn of_template(text: &'t str) -> Result<Self, String> {
        check_size(text)?;
        let mut scan = Self::default();
        let (mut rest, mut segments, mut sole) = (text, 0, None);
        while let Some(begin) = rest.find('{') {
            let (before, code) = (&rest[..begin], &rest[begin + 1..]);
            let end = match code.as_bytes().first() {
                Some(b'{') => "}}",
                Some(b'%') => "%}",
                Some(b'#') => {
                    let Some(end) = code.find("#}") else {
                        return Err("a comment has no end".to_owned());
                    };
                    rest = &code[end + 2..];
                    segments += 1;
                    continue;
                }
                _ => {
                    rest = code;
                    continue;
                }
            };
            let (tokens, length) = tokens(&code[1..], Some(end))?;
            if end == "%}" {
                check_statement(&tokens)?;
            }
            scan.code(&tokens)?;
            rest = &code[1 + length + 2..];
            segments += 1;
            let is_whole = before.len() == text.len() - code.len() - 1 && before.is_empty();
            if end == "}}" && is_whole && rest.is_empty() {
                sole = Some(&code[1..=length]);
            }
        }
        if segments == 1 {
            let marks = ['-', '+'];
            sole = sole.map(|code| code.strip_prefix('-').unwrap_or(code));
            sole = sole.map(|code| code.strip_suffix(marks).unwrap_or(code));
            scan.sole_expression = sole;
        }
        match scan.sole_expression {
            Some(code) => scan.roots(&super::engine::names_of_expression(code)?),
            None => scan.roots(&super::engine::names_of_template(text)?),
        }
        Ok(scan)
    }

    /// Adds the names that stand for themselves.
    fn roots(&mut self, names: &[String]) {
        let names = names.iter().filter(|name| !ROOTS.contains(&&***name));
        self.references.extend(names.map(|name| Reference {
            root: name.clone(),
            name: None,
        }));
    }

    fn code(&mut self, tokens: &[Token<'_>]) -> Result<(), String> {
        let products = tokens.iter().filter(|token| **token == Token::Symbol('*'));
        if products.count() > PRODUCTS {
            return Err(format!("there are more than {PRODUCTS} products"));
        }
        for (number, token) in tokens.iter().enumerate() {
            let Token::Name(name) = token else {
                continue;
            };
            let before = number.checked_sub(1).map(|before| &tokens[before]);
            let behind = &tokens[number + 1..];
            match before {
                Some(Token::Symbol('|')) => {
                    check_name("filter", name, FILTERS)?;
                    continue;
                }
                Some(Token::Symbol('.')) => {
                    if behind.first() == Some(&Token::Symbol('(')) {
                        return Err(format!(
                            "nothing can be called, as `{name}` is: there are filters"
                        ));
                    }
                    continue;
                }
                Some(Token::Name("is")) if *name != "not" => check_name("test", name, TESTS)?,
                Some(Token::Name("not")) if is_negated_test(&tokens[..number]) => {
                    check_name("test", name, TESTS)?;
                }
                _ => {}
            }
            if ROOTS.contains(name) {
                self.references.push(Reference {
                    root: (*name).to_owned(),
                    name: match behind {
                        [Token::Symbol('.'), Token::Name(name), ..] => Some((*name).to_owned()),
                        [
                            Token::Symbol('['),
                            Token::Text(name),
                            Token::Symbol(']'),
                            ..,
                        ] => Some(name.clone()),
                        _ => None,
                    },
                });
            }
        }
        Ok(())
    }
}

fn is_negated_test(before: &[Token<'_>]) -> bool {
    matches!(before, [.., Token::Name("is"), Token::Name("not")])
}

fn check_size(text: &str) -> Result<(), String> {
    match text.len() {
        0..=SIZE => Ok(()),
        _ => Err(format!("a template has at most {SIZE} bytes")),
    }
}

/// Variables that can be set again would let a small template grow without bounds.
fn check_statement(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut names = tokens.iter().filter_map(|token| match token {
        Token::Name(name) => Some(*name),
        _ => None,
    });
    match names.next() {
        Some("for" | "endfor" | "if" | "elif" | "else" | "endif") => Ok(()),
        Some(other) => Err(format!(
            "there is no statement `{other}`: there are `if` and `for`"
        )),
        None => Err("a statement is empty".to_owned()),
    }
}

fn check_name(what: &str, name: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&name) {
        return Ok(());
    }
    Err(match similar(name, known.iter().copied()) {
        Some(similar) => format!("there is no {what} `{name}`; did you mean `{similar}`?"),
        None => format!(
            "there is no {what} `{name}`; there are {}",
            known.join(", ")
        ),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    Name(&'t str),
    Symbol(char),
    Text(String),
}

/// Cuts code into tokens, up to `end`, and tells how long it is. Numbers are left out: nobody asks for them.
fn tokens<'t>(code: &'t str, end: Option<&str>) -> Result<(Vec<Token<'t>>, usize), String> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut chars = code.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if depth == 0 && end.is_some_and(|end| code[at..].starts_with(end)) {
            return Ok((tokens, at));
        }
        match c {
            '"' | '\'' => tokens.push(Token::Text(quoted(&mut chars, c)?)),
            c if c.is_whitespace() => {}
            c if c.is_alphanumeric() || c == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let length = code[at..].find(|c| !is_part(c)).unwrap_or(code.len() - at);
                while chars.next_if(|(next, _)| *next < at + length).is_some() {}
                if !c.is_numeric() {
                    tokens.push(Token::Name(&code[at..at + length]));
                }
            }
            _ => {
                match c {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                tokens.push(Token::Symbol(c));
            }
        }
    }
    match end {
        Some(end) => Err(format!("there is no `{end}`")),
        None => Ok((tokens, code.len())),
    }
}

fn quoted(chars: &mut Peekable<CharIndices<'_>>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    while let Some((_, c)) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(|(_, c)| c)),
            c if c == quote => return Ok(text),
            c => text.push(c),
        }
    }
    Err("a quoted text has no end".to_owned())
}
