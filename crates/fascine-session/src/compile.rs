use std::collections::HashSet;
use std::sync::Arc;

use fascine_branch::{Branch, Budget};
use fascine_flow::GraphBuilder;

use crate::branches::Branches;
use crate::functions::Functions;
use crate::keep::{Keep, KeepRule};
use crate::operation::Hears;
use crate::operation_graph::OperationGraph;
use crate::verb::Verb;
use crate::work::{Action, Work};
use crate::{BranchKey, Operation, Session, SessionError};

/// Makes steps of operations, with what there is in a session at one moment.
#[derive(Clone)]
pub(crate) struct Compiler {
    pub(crate) session: Session,
    pub(crate) branches: Branches,
    /// The branch of operations that ask for no other.
    pub(crate) default: Branch,
    /// Whether that is the fork of the operation that runs these.
    pub(crate) is_nested: bool,
    pub(crate) functions: Functions,
    /// What the operation spends from that runs these: its fork does anyway, other branches have to be told.
    pub(crate) budgets: Vec<Budget>,
}

impl Compiler {
    /// Puts their graph together.
    pub(crate) fn compile(
        &self,
        operations: &OperationGraph,
    ) -> Result<GraphBuilder, SessionError> {
        if let Some(operation) = operations.without_sources.first() {
            let operation = operation.clone();
            return Err(SessionError::NoSources { operation });
        }
        let continued = continued(operations);
        let mut graph = GraphBuilder::new();
        for (name, operation) in &operations.operations {
            let mut work = self.work(name, operation, &operations.budgets)?;
            work.is_continued = continued.contains(name.as_str());
            let work = Arc::new(work);
            for dependency in &operation.dependencies {
                dependency.add_to(&mut graph, name);
            }
            let mut step = graph.step(name.as_str(), move |context| Arc::clone(&work).run(context));
            if matches!(operation.verb, Verb::Grows(_)) {
                // It asks nobody itself: a run that is resumed goes into it again.
                step = step.idempotent();
            }
            operation.steps.iter().fold(step, |step, set| set(step));
        }
        for add in &operations.more {
            add(&mut graph);
        }
        Ok(graph)
    }

    fn work(
        &self,
        name: &str,
        operation: &Operation,
        budgets: &[Budget],
    ) -> Result<Work, SessionError> {
        let branch = match &operation.branch {
            Some(key) => self.branch(name, key)?,
            None => &self.default,
        };
        let dependencies = operation.dependencies.iter();
        let dependencies: Vec<_> = dependencies.map(|before| before.on.clone()).collect();
        if let Hears::Context(Some(other)) = &operation.hears
            && !dependencies.contains(other)
        {
            return Err(SessionError::NotDependent {
                operation: name.to_owned(),
                other: other.clone(),
            });
        }
        let budgets: Vec<_> = budgets.iter().chain(&operation.budgets).cloned().collect();
        let around = match &operation.branch {
            Some(_) => self.budgets.as_slice(),
            None => &[],
        };
        let keep = self.keep(name, branch, &operation.keep)?;
        let commits_here = matches!(&keep, Keep::Commit(branch) if *branch == self.default);
        Ok(Work {
            branch: branch.clone(),
            action: self.action(name, &operation.verb, &budgets)?,
            budgets: around.iter().cloned().chain(budgets).collect(),
            dependencies,
            hears: operation.hears.clone(),
            forks: operation.forks.clone(),
            keep,
            is_continued: false,
            tells_commit: self.is_nested && commits_here,
        })
    }

    fn action(&self, name: &str, verb: &Verb, budgets: &[Budget]) -> Result<Action, SessionError> {
        let (function, parameters) = match verb {
            Verb::Says(says) => return Ok(Action::Say(Arc::clone(says))),
            Verb::Does(does) => return Ok(Action::Do(Arc::clone(does))),
            Verb::Grows(grows) => {
                let mut compiler = Box::new(self.clone());
                compiler.budgets.extend_from_slice(budgets);
                return Ok(Action::Grow(Arc::clone(grows), compiler));
            }
            Verb::Registered {
                function,
                parameters,
            } => (function, parameters),
        };
        let unknown = || SessionError::UnknownFunction {
            operation: name.to_owned(),
            function: function.clone(),
        };
        let found = self.functions.get(function).ok_or_else(unknown)?;
        found
            .check(parameters)
            .map_err(|source| SessionError::Parameters {
                operation: name.to_owned(),
                function: function.clone(),
                source,
            })?;
        Ok(Action::Call(found.clone(), Arc::clone(parameters)))
    }

    fn keep(&self, name: &str, own: &Branch, rule: &KeepRule) -> Result<Keep, SessionError> {
        Ok(match rule {
            KeepRule::Nothing => Keep::Nothing,
            KeepRule::Commit(None) => Keep::Commit(own.clone()),
            KeepRule::Commit(Some(key)) => Keep::Commit(self.branch(name, key)?.clone()),
            KeepRule::Branch(kept) => {
                let free = self.branches.check_free(kept);
                free.map_err(|source| SessionError::Keep {
                    operation: name.to_owned(),
                    source,
                })?;
                Keep::Branch(self.session.clone(), kept.clone())
            }
        })
    }

    fn branch(&self, operation: &str, key: &BranchKey) -> Result<&Branch, SessionError> {
        let unknown = || SessionError::UnknownBranch {
            operation: operation.to_owned(),
            branch: key.clone(),
        };
        self.branches.find(key).ok_or_else(unknown)
    }
}

/// The operations from whose conversations others may go on: the others need not remember theirs.
fn continued(operations: &OperationGraph) -> HashSet<&str> {
    let operations = operations.operations.iter();
    let before = operations.flat_map(|(_, operation)| {
        let dependencies = operation.dependencies.iter();
        dependencies.filter(|dependency| match &operation.hears {
            Hears::Context(None) => true,
            Hears::Context(Some(other)) => *other == dependency.on,
            Hears::Answers | Hears::Nothing => false,
        })
    });
    before.map(|dependency| dependency.on.as_str()).collect()
}
