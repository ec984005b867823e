use std::sync::Arc;

use fascine_message::Usage;
use fascine_model::{EstimatedTokens, Model, ModelError, Request, Response, TokenCounter};

use crate::glob::Glob;
use crate::{Budget, BudgetError, BudgetReservation, ToolSet};

/// What a branch may do: which tools it may have called, which models it may ask, what it may spend.
///
/// A fork may do what the branch may that it was made of; whatever is [set](crate::BranchBuilder::allow_tools) for it
/// comes on top. So it never may do more, unless it is built anew.
///
/// # Defaults
///
/// - everything is allowed
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Each list allows what one of its patterns fits; all of them have to.
    tools: Vec<Arc<[Glob]>>,
    models: Vec<Arc<[Glob]>>,
    budgets: Vec<Budget>,
}

/// A request that may be made.
#[derive(Debug)]
pub(crate) struct Admission {
    model: String,
    reserved: Vec<BudgetReservation>,
}

/// Why a request may not be made.
#[derive(Debug)]
pub(crate) enum Refused {
    Budget(BudgetError),
    Model(String),
}

impl Capabilities {
    /// Whether this tool may be called.
    #[must_use]
    pub fn permits_tool(&self, name: &str) -> bool {
        permits(&self.tools, name)
    }

    /// Whether this model may be asked.
    #[must_use]
    pub fn permits_model(&self, name: &str) -> bool {
        permits(&self.models, name)
    }

    /// What is spent from with every request, the oldest branch's first.
    #[must_use]
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }

    /// Those of the tools that may be called.
    pub(crate) fn permitted(&self, tools: ToolSet) -> ToolSet {
        if self.tools.is_empty() {
            return tools;
        }
        tools.only(|name| self.permits_tool(name))
    }

    pub(crate) fn narrow_tools(&mut self, patterns: Arc<[Glob]>) {
        self.tools.push(patterns);
    }

    pub(crate) fn narrow_models(&mut self, patterns: Arc<[Glob]>) {
        self.models.push(patterns);
    }

    pub(crate) fn add_budget(&mut self, budget: Budget) {
        self.budgets.push(budget);
    }

    /// Asks whether a request may be made, and takes what it is estimated to cost.
    pub(crate) fn admit(&self, model: &dyn Model, request: &Request) -> Result<Admission, Refused> {
        let asked = request.model.as_deref();
        for name in [Some(model.name()), asked].into_iter().flatten() {
            if !self.permits_model(name) {
                return Err(Refused::Model(name.to_owned()));
            }
        }
        let name = asked.unwrap_or_else(|| model.name());
        let estimate = if self.budgets.iter().any(Budget::needs_estimate) {
            let answer = request.max_tokens.map_or(0, u64::from);
            Usage::new(EstimatedTokens.count_request(request), answer)
        } else {
            Usage::default()
        };
        let mut reserved = Vec::with_capacity(self.budgets.len());
        for budget in &self.budgets {
            match budget.reserve(name, estimate) {
                Ok(reservation) => reserved.push(reservation),
                Err(error) => {
                    reserved
                        .into_iter()
                        .for_each(|reservation| reservation.fail(0));
                    return Err(Refused::Budget(error));
                }
            }
        }
        let model = name.to_owned();
        Ok(Admission { model, reserved })
    }
}

impl Admission {
    /// Puts what the call cost in the place of what was estimated.
    pub(crate) fn settle(self, asked: &Result<Response, ModelError>) {
        for reservation in self.reserved {
            match asked {
                Ok(response) => {
                    reservation.settle(&self.model, response.attempts, response.usage);
                }
                Err(error) => reservation.fail(error.attempts()),
            }
        }
    }
}

fn permits(lists: &[Arc<[Glob]>], name: &str) -> bool {
    let fits = |list: &Arc<[Glob]>| list.iter().any(|pattern| pattern.matches(name));
    lists.iter().all(fits)
}
