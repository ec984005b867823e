use super::field::Field;
use super::node::{Data, Key, Node};
use super::problem::Problem;
use super::spec_error::Complaints;

/// The fields of one table, while they are read. Every mistake is complained of, and reading goes on.
pub(crate) struct Fields<'n, 'c> {
    field: Field,
    is_table: bool,
    entries: &'n [(Key, Node)],
    complaints: &'c mut Complaints,
    known: Vec<&'static str>,
}

impl<'n, 'c> Fields<'n, 'c> {
    /// Of this node, which has to be a table.
    pub(crate) fn of(node: &'n Node, field: Field, complaints: &'c mut Complaints) -> Self {
        let entries = match &node.data {
            Data::Map(entries) => Some(&**entries),
            _ => {
                complaints.add(&field, Problem::unfit("a table", node.kind()));
                None
            }
        };
        Self {
            is_table: entries.is_some(),
            field,
            entries: entries.unwrap_or_default(),
            complaints,
            known: Vec::new(),
        }
    }

    /// The field of that name, and the way to it.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<(&'n Node, Field)> {
        self.known.push(name);
        let mut entries = self.entries.iter().rev();
        let (_, node) = entries.find(|(key, _)| key.name == name)?;
        Some((node, self.field.name(name)))
    }

    /// What `read` makes of a field, if it is there and is right.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'n Node) -> Result<T, Problem>,
    ) -> Option<T> {
        let (node, field) = self.take(name)?;
        match read(node) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.complaints.add(&field, problem);
                None
            }
        }
    }

    /// As [`read`](Self::read), but the field has to be there.
    pub(crate) fn require<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'n Node) -> Result<T, Problem>,
    ) -> Option<T> {
        let is_there = self.entries.iter().any(|(key, _)| key.name == name);
        if !is_there {
            self.missing(name);
        }
        self.read(name, read)
    }

    pub(crate) fn missing(&mut self, name: &'static str) {
        // Of what is no table it was said already.
        if self.is_table {
            self.complaints
                .add(&self.field, Problem::MissingField { name });
        }
    }

    /// The fields of the table of that name, whatever they are called.
    pub(crate) fn table(&mut self, name: &'static str) -> Vec<(&'n Key, &'n Node, Field)> {
        match self.take(name) {
            Some((node, field)) => table(node, &field, self.complaints),
            None => Vec::new(),
        }
    }

    /// The items of the list of that name.
    pub(crate) fn list(&mut self, name: &'static str, hint: &str) -> Vec<(&'n Node, Field)> {
        let Some((node, field)) = self.take(name) else {
            return Vec::new();
        };
        match &node.data {
            Data::List(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(number, item)| (item, field.item(number)))
                    .collect()
            }
            _ => {
                let expected = format!("a list such as {hint}");
                self.complaints
                    .add(&field, Problem::unfit(expected, node.kind()));
                Vec::new()
            }
        }
    }

    pub(crate) fn complaints(&mut self) -> &mut Complaints {
        self.complaints
    }

    pub(crate) fn field(&self) -> &Field {
        &self.field
    }

    /// Complains of the fields that were not asked for.
    pub(crate) fn finish(self) {
        for (key, _) in self.entries {
            if self.known.contains(&&*key.name) {
                continue;
            }
            let similar = self
                .complaints
                .similar(&key.name, self.known.iter().copied());
            let problem = Problem::UnknownField {
                name: key.name.clone(),
                similar,
                known: self.known.iter().map(|name| (*name).to_owned()).collect(),
            };
            self.complaints.add(&self.field.name(&key.name), problem);
        }
    }
}

/// The entries of a table whose names are free. Of a name that is there twice the last entry counts.
pub(crate) fn table<'n>(
    node: &'n Node,
    field: &Field,
    complaints: &mut Complaints,
) -> Vec<(&'n Key, &'n Node, Field)> {
    let Data::Map(entries) = &node.data else {
        complaints.add(field, Problem::unfit("a table", node.kind()));
        return Vec::new();
    };
    let entries = entries.iter();
    let entries = entries.map(|(key, node)| (key, node, field.name(&key.name)));
    entries.collect()
}

pub(crate) fn text(node: &Node) -> Result<String, Problem> {
    match &node.data {
        Data::Text(text) => Ok(text.clone()),
        _ => Err(Problem::unfit("text", node.kind())),
    }
}

/// A text that is not empty.
pub(crate) fn name(node: &Node) -> Result<String, Problem> {
    match text(node)? {
        name if name.is_empty() => Err(Problem::unfit("a name", "empty text")),
        name => Ok(name),
    }
}

pub(crate) fn boolean(node: &Node) -> Result<bool, Problem> {
    match &node.data {
        Data::Bool(value) => Ok(*value),
        _ => Err(Problem::unfit("true or false", node.kind())),
    }
}

/// A whole number of the wanted type, which is described as `expected`.
pub(crate) fn integer<T: TryFrom<i128>>(node: &Node, expected: &str) -> Result<T, Problem> {
    let Data::Number(number) = &node.data else {
        return Err(Problem::unfit(expected, node.kind()));
    };
    let signed = number.as_i64().map(i128::from);
    let whole = signed.or_else(|| number.as_u64().map(i128::from));
    let fits = whole.and_then(|whole| T::try_from(whole).ok());
    fits.ok_or_else(|| Problem::unfit(expected, number.to_string()))
}

/// A time that is more than nothing.
pub(crate) fn duration(node: &Node) -> Result<std::time::Duration, Problem> {
    let expected = "a time with its unit, such as \"500ms\", \"1.5s\", \"2m\" or \"1h\"";
    match &node.data {
        Data::Text(text) => match super::duration::parse(text) {
            Some(time) if time.is_zero() => Err(Problem::unfit("a time above zero", text)),
            Some(time) => Ok(time),
            None => Err(Problem::unfit(expected, format!("\"{text:.40}\""))),
        },
        Data::Number(number) => Err(Problem::unfit(expected, format!("{number} without a unit"))),
        _ => Err(Problem::unfit(expected, node.kind())),
    }
}
