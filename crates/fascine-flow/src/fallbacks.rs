use std::collections::HashMap;

use crate::blocks::Blocks;
use crate::edge::{Condition, Edge, EdgeMore};
use crate::names::Names;
use crate::output::OutputType;
use crate::step::Step;
use crate::{GraphError, OnError};

/// Looks up which step stands in for which, as pairs of the one that may fail and the other. What stands in gives what
/// is missing.
pub(crate) fn find(names: &Names<'_>, steps: &Blocks<Step>) -> Result<Vec<(u32, u32)>, GraphError> {
    let mut found = Vec::new();
    for (number, step) in (0..).zip(steps) {
        let Some(more) = &step.settings.more else {
            continue;
        };
        match &more.on_error {
            OnError::Fallback(output) => check(step, output.output_type())?,
            OnError::FallbackStep(key) => {
                let role = format!("run in place of `{}`", step.name);
                for other in names.all(std::slice::from_ref(key), &role)? {
                    check(step, (steps[other as usize].output)())?;
                    found.push((number, other));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn check(step: &Step, fallback: OutputType) -> Result<(), GraphError> {
    let gives = (step.output)();
    if gives == fallback {
        return Ok(());
    }
    Err(GraphError::WrongFallback {
        step: step.name.to_string(),
        gives: gives.name.to_owned(),
        fallback: fallback.name.to_owned(),
    })
}

/// Joins the pairs by edges. Gives what each fallback step is there for.
pub(crate) fn join(
    steps: &mut Blocks<Step>,
    edges: &mut Vec<Edge>,
    pairs: Vec<(u32, u32)>,
) -> Result<HashMap<u32, u32>, GraphError> {
    let mut rescues = HashMap::with_capacity(pairs.len());
    for (from, to) in pairs {
        if rescues.insert(to, from).is_some() {
            let step = steps[to as usize].name.to_string();
            return Err(GraphError::DuplicateFallback { step });
        }
        steps[from as usize].settings.more().rescuer = Some(to);
        edges.push(Edge {
            from,
            to,
            more: Some(Box::new(EdgeMore {
                label: Some("on failure".into()),
                condition: Condition::OnFailure,
            })),
        });
    }
    Ok(rescues)
}
