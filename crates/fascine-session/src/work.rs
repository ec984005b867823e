use std::sync::Arc;

use fascine_branch::{Branch, BranchBuilder, BranchError, Budget, History};
use fascine_flow::{StepContext, StepResult};
use serde_json::Value;

use crate::OperationOutput;
use crate::compile::Compiler;
use crate::functions::Function;
use crate::given::{Answers, Given};
use crate::keep::Keep;
use crate::nest::Nest;
use crate::operation::{ForkSetting, Hears};
use crate::operation_output::Conversation;
use crate::verb::{Does, Grows, Says};

/// An operation for which everything was looked up: what its step does.
pub(crate) struct Work {
    pub(crate) branch: Branch,
    pub(crate) action: Action,
    /// The names of what it waits for, in its order.
    pub(crate) dependencies: Vec<String>,
    pub(crate) hears: Hears,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) forks: Vec<ForkSetting>,
    pub(crate) keep: Keep,
    /// Whether another operation may go on from its conversation.
    pub(crate) is_continued: bool,
    /// Whether it commits into the fork of the operation that runs it.
    pub(crate) tells_commit: bool,
}

/// What is done with the fork.
pub(crate) enum Action {
    Call(Function, Arc<Value>),
    Do(Arc<Does>),
    Grow(Arc<Grows>, Box<Compiler>),
    Say(Arc<Says>),
}

impl Work {
    /// Does it once, on a fork that is made for it.
    pub(crate) async fn run(self: Arc<Self>, context: StepContext) -> StepResult<OperationOutput> {
        self.keep.check()?;
        let names = self.dependencies.iter().map(String::as_str);
        let given = Given::collect(&context, names);
        let continued = match &self.hears {
            Hears::Context(of) => given.conversation(of.as_deref()),
            Hears::Answers | Hears::Nothing => None,
        };
        let fork = self.fork(continued.map(|(_, history)| history), &context.path());
        // What an operation goes on from is as new to the branch as what it says.
        let known = match continued {
            Some(_) => self.branch.history(),
            None => fork.history(),
        };
        let before = context.attempt().saturating_sub(1);
        let acted = self
            .act(fork.clone(), context.clone(), &given, continued)
            .await;
        if let Some(attempts) = attempts_of(&acted) {
            context.record_attempts(before.saturating_add(attempts));
        }
        let mut output = acted?;
        if self.is_continued {
            output.conversation = Some(Conversation(fork.history()));
        }
        let committed = self.keep.keep(&fork, &known).await?;
        if self.tells_commit {
            output.committed = Some(Conversation(committed));
        }
        Ok(output)
    }

    fn fork(&self, continued: Option<&History>, path: &str) -> Branch {
        let name = self.keep.name().unwrap_or(self.branch.name());
        // A run that is resumed makes other forks first: turns of the two must not be taken for each other.
        let mut fork = self
            .branch
            .fork_builder(name)
            .salt(path)
            .inherit_observers();
        if let Some(history) = continued {
            fork = fork.history(history.clone());
        }
        let budgets = self.budgets.iter().cloned();
        let fork = budgets.fold(fork, BranchBuilder::budget);
        let fork = self.forks.iter().fold(fork, |fork, build| build(fork));
        fork.build()
    }

    async fn act(
        &self,
        fork: Branch,
        context: StepContext,
        given: &Given,
        continued: Option<(usize, &History)>,
    ) -> StepResult<OperationOutput> {
        match &self.action {
            Action::Call(function, parameters) => function.call(fork, context, parameters).await,
            Action::Do(does) => does(fork, context).await,
            Action::Grow(grows, compiler) => grows(Nest::new(compiler, fork, context, given)).await,
            Action::Say(says) => {
                let answers = match &self.hears {
                    Hears::Nothing => Answers::default(),
                    Hears::Answers | Hears::Context(_) => given.answers(continued),
                };
                says(fork, answers).await
            }
        }
    }
}

/// How many requests were made, if that is known.
fn attempts_of(acted: &StepResult<OperationOutput>) -> Option<u32> {
    match acted {
        Ok(output) => output.attempts,
        Err(error) => error
            .downcast_ref::<BranchError>()
            .map(BranchError::attempts),
    }
}
