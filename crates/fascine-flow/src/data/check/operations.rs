use crate::data::field::Field;
use crate::data::operations::Operations;
use crate::data::problem::Problem;
use crate::data::spec::FlowSpec;
use crate::data::spec_error::Complaints;
use crate::data::template::Template;

/// Checks that what is named is there, and takes what it is given as far as that is known.
pub(crate) fn check_operations(
    spec: &FlowSpec,
    operations: &Operations,
    complaints: &mut Complaints,
) {
    for (key, reducer) in &spec.reducers {
        if operations.reducer(reducer).is_none() {
            let field = Field::root().name("reducers").name(key);
            complaints.unknown(&field, "reducer", reducer, operations.reducer_names());
        }
    }
    for step in &spec.steps {
        let Some(operation) = operations.find(&step.operation) else {
            let field = step.field().name("operation");
            complaints.unknown(&field, "operation", &step.operation, operations.names());
            continue;
        };
        let field = step.field().name("with");
        let with = match &step.with {
            None => None,
            Some(with) => {
                let template = Template::new(with, &field, &mut Vec::new(), &mut Vec::new());
                match template.as_literal() {
                    Some(literal) => Some(literal),
                    // What it will be is not known yet.
                    None => continue,
                }
            }
        };
        if let Err(misfit) = operation.check(with) {
            let problem = Problem::Parameters {
                operation: step.operation.clone(),
                message: misfit.inner().to_string(),
            };
            complaints.add(&field.and(misfit.path()), problem);
        }
    }
}
