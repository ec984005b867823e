use std::fmt;
use std::sync::Arc;

use fascine_branch::Branch;
use fascine_flow::StepContext;
use serde_json::{Value, json};

/// Something to ask a branch, and what has to be known first.
///
/// Its output is an object with the `text` of the answer and its `usage`.
#[derive(Clone)]
pub struct Operation {
    instruction: String,
    branch: Option<String>,
    inherits_context: bool,
    pub(crate) dependencies: Vec<(String, Option<Condition>)>,
}

pub(crate) type Condition = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Operation {
    /// Says `instruction` to the branch.
    pub fn communicate(instruction: impl Into<String>) -> Self {
        let instruction = instruction.into();
        Self {
            instruction,
            branch: None,
            inherits_context: false,
            dependencies: Vec::new(),
        }
    }

    /// Uses the branch of that name instead of the session's default.
    #[must_use]
    pub fn on_branch(mut self, name: impl Into<String>) -> Self {
        self.branch = Some(name.into());
        self
    }

    /// Waits for the operation of that name.
    #[must_use]
    pub fn depends_on(mut self, operation: impl Into<String>) -> Self {
        self.dependencies.push((operation.into(), None));
        self
    }

    /// Waits for the operation of that name, and is only to run because of it if `condition` says so of its answer.
    #[must_use]
    pub fn depends_on_when(
        mut self,
        operation: impl Into<String>,
        condition: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.dependencies
            .push((operation.into(), Some(Arc::new(condition))));
        self
    }

    /// Puts the answers of the operations it waited for under the instruction.
    #[must_use]
    pub fn inherit_context(mut self) -> Self {
        self.inherits_context = true;
        self
    }

    pub(crate) fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Runs it on a branch of its own.
    pub(crate) async fn run(
        self,
        branch: Branch,
        context: StepContext,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let asked = branch.communicate(self.prompt(&context)).await;
        let attempts = match &asked {
            Ok(reply) => reply.attempts,
            Err(error) => error.attempts(),
        };
        context.record_attempts(attempts);
        let reply = asked?;
        Ok(json!({
            "text": reply.text(),
            "usage": {
                "prompt_tokens": reply.usage.prompt_tokens,
                "completion_tokens": reply.usage.completion_tokens,
            },
        }))
    }

    fn prompt(&self, context: &StepContext) -> String {
        let mut prompt = self.instruction.clone();
        if self.inherits_context {
            // In the order they were asked for: the same answers make the same prompt.
            for (name, _) in &self.dependencies {
                if let Some(answer) = context.input_json(name) {
                    prompt.push_str(&format!("\n\n# {name}\n\n{}", text_of(&answer)));
                }
            }
        }
        prompt
    }
}

/// The text in the output of an operation.
pub(crate) fn text_of(output: &Value) -> &str {
    output
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dependencies: Vec<_> = self.dependencies.iter().map(|(name, _)| name).collect();
        f.debug_struct("Operation")
            .field("instruction", &self.instruction)
            .field("branch", &self.branch)
            .field("dependencies", &dependencies)
            .finish_non_exhaustive()
    }
}
