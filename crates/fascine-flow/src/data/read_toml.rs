use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Data, Key, Node, Place};
use super::problem::Problem;
use super::read_json::{float, integer};
use super::source::{DEPTH, Source};

/// Reads TOML, and finds as many mistakes as its reader does.
pub(crate) fn read(source: &Source<'_>) -> Result<Node, Vec<(Place, Problem)>> {
    let (table, errors) = DeTable::parse_recoverable(source.text);
    if !errors.is_empty() {
        let errors = errors.iter().map(|error| {
            let at = error.span().map_or(source.text.len(), |span| span.start);
            let mut message = format!("this is no TOML: {}", error.message());
            // The reader says that a name is there twice, but not which.
            let named = error.span().filter(|_| message.ends_with("duplicate key"));
            if let Some(name) = named.and_then(|span| source.text.get(span)) {
                message.push_str(&format!(" `{name}`"));
            }
            (source.place(at), Problem::Syntax { message })
        });
        return Err(errors.collect());
    }
    let mut reading = Reading {
        source,
        errors: Vec::new(),
    };
    let data = reading.table(table.get_ref(), 0);
    if !reading.errors.is_empty() {
        return Err(reading.errors);
    }
    Ok(Node {
        at: Place::START,
        data,
    })
}

struct Reading<'s, 'a> {
    source: &'s Source<'a>,
    errors: Vec<(Place, Problem)>,
}

impl Reading<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Data {
        // They come in the order of the alphabet.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let at = self.source.place(key.span().start);
            let name = key.get_ref().to_string();
            (Key { at, name }, self.node(value, depth + 1))
        });
        Data::Map(entries.collect())
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Node {
        let at = self.source.place(value.span().start);
        if depth > DEPTH {
            self.errors.push((at, Problem::too_deep()));
            return Node {
                at,
                data: Data::Null,
            };
        }
        let data = match value.get_ref() {
            DeValue::Array(items) => {
                let items = items.iter();
                Data::List(items.map(|item| self.node(item, depth + 1)).collect())
            }
            DeValue::Boolean(value) => Data::Bool(*value),
            // JSON has no dates: they are what is written.
            DeValue::Datetime(value) => Data::Text(value.to_string()),
            DeValue::Float(value) => self.number(at, float(value.as_str())),
            DeValue::Integer(value) => self.number(at, integer(value.as_str(), value.radix())),
            DeValue::String(text) => Data::Text(text.to_string()),
            DeValue::Table(table) => self.table(table, depth),
        };
        Node { at, data }
    }

    fn number(&mut self, at: Place, number: Result<serde_json::Number, Problem>) -> Data {
        match number {
            Ok(number) => Data::Number(number),
            Err(problem) => {
                self.errors.push((at, problem));
                Data::Null
            }
        }
    }
}
