//! What tokens cost.

mod builtin;

use std::collections::HashMap;
use std::fmt;

use fascine_message::Usage;

/// Says what an answer costs.
///
/// [`PriceTable`] is one; so is a function from a model's name and a usage to an amount.
pub trait Prices: Send + Sync + 'static {
    /// What `usage` costs with `model`, in any currency; `None` if that is not known.
    fn cost(&self, model: &str, usage: Usage) -> Option<f64>;
}

/// What a million tokens of each kind cost.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Price {
    /// Of what is sent.
    pub input: f64,
    /// Of what is sent and was in the provider's cache.
    pub cached_input: f64,
    /// Of what is sent and written to the provider's cache.
    pub cache_write: f64,
    /// Of what is answered.
    pub output: f64,
}

/// Prices by model.
///
/// A model is looked up by its name and, if that is not there, by the longest name in the table that it goes on from
/// with `-`, `:`, `@` or a space: dated and tagged models cost what their family does. What stands before the last `/`
/// is a router's matter and does not count.
///
/// ```
/// use fascine_message::Usage;
/// use fascine_model::{Price, PriceTable, Prices};
///
/// let table = PriceTable::new()
///     .with("gpt-4o", Price::new(2.5, 10.0))
///     .with("gpt-4o-mini", Price::new(0.15, 0.6));
/// let usage = Usage::new(1_000_000, 100_000);
/// assert_eq!(table.cost("openai/gpt-4o-2024-08-06", usage), Some(3.5));
/// assert_eq!(table.cost("gpt-4o-mini", Usage::new(2_000_000, 0)), Some(0.3));
/// assert_eq!(table.cost("gpt-4omni", usage), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceTable {
    prices: HashMap<String, Price>,
}

impl Price {
    /// Sets what a million tokens cost, sent and answered; caches make no difference.
    #[must_use]
    pub const fn new(input: f64, output: f64) -> Self {
        Self {
            input,
            cached_input: input,
            cache_write: input,
            output,
        }
    }

    /// Sets what a million tokens cost that the provider reads from its cache.
    #[must_use]
    pub const fn with_cached_input(mut self, price: f64) -> Self {
        self.cached_input = price;
        self
    }

    /// Sets what a million tokens cost that the provider writes to its cache.
    #[must_use]
    pub const fn with_cache_write(mut self, price: f64) -> Self {
        self.cache_write = price;
        self
    }

    /// What a usage costs.
    #[must_use]
    pub fn cost(&self, usage: Usage) -> f64 {
        let plain = usage
            .prompt_tokens
            .saturating_sub(usage.cached_tokens)
            .saturating_sub(usage.cache_write_tokens);
        let parts = [
            (plain, self.input),
            (usage.cached_tokens, self.cached_input),
            (usage.cache_write_tokens, self.cache_write),
            (usage.completion_tokens, self.output),
        ];
        let parts = parts.map(|(tokens, price)| tokens as f64 * price);
        parts.iter().sum::<f64>() / 1e6
    }
}

impl PriceTable {
    /// Makes an empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The list prices of well-known models in US dollars, as far as they were known when this version was made.
    /// Providers change them: bring a table of your own where it matters.
    #[must_use]
    pub fn builtin() -> Self {
        let rows = builtin::ROWS.iter();
        Self {
            prices: rows
                .map(|(name, price)| ((*name).to_owned(), *price))
                .collect(),
        }
    }

    /// Sets the price of a model and its family.
    #[must_use]
    pub fn with(mut self, model: impl Into<String>, price: Price) -> Self {
        self.prices.insert(model.into(), price);
        self
    }

    /// The price of a model.
    #[must_use]
    pub fn price(&self, model: &str) -> Option<Price> {
        let own = model.rsplit('/').next().unwrap_or(model);
        let cuts = own.rmatch_indices(['-', ':', '@', ' ']);
        let families = cuts.map(|(cut, _)| &own[..cut]);
        [model, own]
            .into_iter()
            .chain(families)
            .find_map(|name| self.prices.get(name))
            .copied()
    }
}

impl Prices for PriceTable {
    fn cost(&self, model: &str, usage: Usage) -> Option<f64> {
        Some(self.price(model)?.cost(usage))
    }
}

impl<F> Prices for F
where
    F: Fn(&str, Usage) -> Option<f64> + Send + Sync + 'static,
{
    fn cost(&self, model: &str, usage: Usage) -> Option<f64> {
        self(model, usage)
    }
}

impl fmt::Debug for dyn Prices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prices(..)")
    }
}
