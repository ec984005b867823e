/// Why a request does not fit into a budget. It was not made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// It costs too much.
    #[error("of a budget of {max}, {spent} is spent, and the request costs {wanted} or more")]
    Cost {
        /// What may be spent, in the currency of the prices.
        max: f64,
        /// What is spent, with what is on its way.
        spent: f64,
        /// What it is estimated to cost.
        wanted: f64,
    },
    /// It is one too many.
    #[error("the budget of {max} requests is used up")]
    Requests {
        /// How many may be made.
        max: u64,
    },
    /// It is too long.
    #[error(
        "of a budget of {max} tokens, {spent} are spent, and the request takes {wanted} or more"
    )]
    Tokens {
        /// How many there may be.
        max: u64,
        /// How many are spent, with those on their way.
        spent: u64,
        /// How many it is estimated to take.
        wanted: u64,
    },
    /// Nobody knows what it costs.
    #[error("the price of model `{model}` is not known")]
    UnknownPrice {
        /// The model.
        model: String,
    },
}

/// A budget that is no amount of money.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the cost of a budget cannot be {max}")]
#[non_exhaustive]
pub struct InvalidBudget {
    /// What was given.
    pub max: f64,
}
