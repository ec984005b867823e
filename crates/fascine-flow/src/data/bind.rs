use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field::Field;
use super::problem::Problem;
use super::spec::FlowSpec;
use super::spec_error::Complaints;

impl FlowSpec {
    /// The values of all parameters, those that were not given among them.
    pub(crate) fn bind(
        &self,
        mut given: BTreeMap<String, Value>,
        complaints: &mut Complaints,
    ) -> Value {
        let field = Field::root().name("parameters");
        let fields = given.iter().map(|(name, value)| {
            let value = (field.name(name), Some(value.clone()));
            (name.clone(), value)
        });
        self.check_given(fields.collect(), &field, complaints);
        let mut values = Map::new();
        for (name, parameter) in &self.parameters {
            let value = given.remove(name).or_else(|| parameter.default.clone());
            values.insert(name.clone(), value.unwrap_or_default());
        }
        Value::Object(values)
    }

    /// Checks what is given, as far as it is known: names always are.
    pub(crate) fn check_given(
        &self,
        mut given: BTreeMap<String, (Field, Option<Value>)>,
        field: &Field,
        complaints: &mut Complaints,
    ) {
        for (name, parameter) in &self.parameters {
            let kind = parameter.kind;
            match given.remove(name) {
                Some((field, Some(value))) if !kind.takes(&value) => {
                    let expected = format!("a value of the type {}", kind.as_str());
                    complaints.add(&field, Problem::unfit(expected, format!("{value:.40}")));
                }
                None if parameter.default.is_none() => {
                    let field = field.name(name);
                    let name = name.clone();
                    complaints.add(&field, Problem::MissingParameter { name, kind });
                }
                _ => {}
            }
        }
        for (name, (field, _)) in &given {
            let known = self.parameters.keys().map(String::as_str);
            complaints.unknown(field, "parameter", name, known);
        }
    }
}
