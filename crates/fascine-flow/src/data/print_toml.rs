use super::field::Field;
use super::node::{Data, Node};

/// Why a flow cannot be written as TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: TOML has no {what}")]
#[non_exhaustive]
pub struct NotToml {
    /// The way to the field.
    pub field: String,
    /// What TOML does not have.
    pub what: &'static str,
}

pub(crate) fn print(root: &Node) -> Result<String, NotToml> {
    check(root, &Field::root())?;
    toml::to_string_pretty(root).map_err(|_| NotToml {
        field: String::new(),
        what: "such value",
    })
}

fn check(node: &Node, field: &Field) -> Result<(), NotToml> {
    let failed = |what| {
        let field = field.to_string();
        Err(NotToml { field, what })
    };
    match &node.data {
        Data::List(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(number, item)| check(item, &field.item(number)))
        }
        Data::Map(entries) => {
            let mut entries = entries.iter();
            entries.try_for_each(|(key, value)| check(value, &field.name(&key.name)))
        }
        Data::Null => failed("null"),
        Data::Number(number) if number.is_u64() && !number.is_i64() => {
            failed("integers beyond 63 bits")
        }
        _ => Ok(()),
    }
}
