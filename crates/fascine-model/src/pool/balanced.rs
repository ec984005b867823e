use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fascine_rt::BoxFuture;

use crate::pool::holding::Holding;
use crate::{ChunkStream, Model, ModelError, Request, Response};

/// Several services of one model, such as one for each key, among which the calls are spread.
///
/// A call goes to one of them and stays there: put a [`FallbackModel`](crate::FallbackModel) around several balanced
/// models to go elsewhere after a failure.
///
/// # Defaults
///
/// - the member with the fewest calls in flight; of those with equally few, each in its turn
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{BalancedModel, Model, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let [one, two] = ["one", "two"].map(|key| ScriptedModel::new(&rt).with_rule("", key));
/// let model = BalancedModel::new(one).and(two);
/// let ask = || model.invoke(Request::new([Message::user("Who are you?")]));
/// assert_eq!(ask().await.unwrap().text(), "one");
/// assert_eq!(ask().await.unwrap().text(), "two");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct BalancedModel {
    members: Vec<Arc<Member>>,
    balance: Balance,
    turn: Arc<AtomicUsize>,
}

/// How calls are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balance {
    /// To the member with the fewest calls in flight: best where some calls take longer than others.
    #[default]
    LeastInFlight,
    /// To each in its turn.
    RoundRobin,
}

#[derive(Debug)]
struct Member {
    model: Box<dyn Model>,
    in_flight: AtomicUsize,
}

/// A call of a member: counts until it is dropped.
struct InFlight(Arc<Member>);

impl InFlight {
    fn new(member: &Arc<Member>) -> Self {
        member.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(member))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl BalancedModel {
    /// Sends all calls to `model`, as long as there is no other.
    pub fn new(model: impl Model) -> Self {
        let alone = Self {
            members: Vec::new(),
            balance: Balance::default(),
            turn: Arc::default(),
        };
        alone.and(model)
    }

    /// Adds a member. What is counted stays shared with clones that were made before.
    #[must_use]
    pub fn and(mut self, model: impl Model) -> Self {
        self.members.push(Arc::new(Member {
            model: Box::new(model),
            in_flight: AtomicUsize::new(0),
        }));
        self
    }

    /// Sets how calls are spread.
    #[must_use]
    pub fn with_balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// How many calls and streams each member has in flight, in the order in which they were added.
    #[must_use]
    pub fn in_flight(&self) -> Vec<usize> {
        let count = |member: &Arc<Member>| member.in_flight.load(Ordering::Relaxed);
        self.members.iter().map(count).collect()
    }

    fn choose(&self) -> InFlight {
        let count = self.members.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % count;
        let in_turn = (turn..count).chain(0..turn);
        let load = |index: &usize| self.members[*index].in_flight.load(Ordering::Relaxed);
        let chosen = match self.balance {
            Balance::LeastInFlight => in_turn.min_by_key(load).unwrap_or(turn),
            Balance::RoundRobin => turn,
        };
        InFlight::new(&self.members[chosen])
    }
}

impl Model for BalancedModel {
    fn name(&self) -> &str {
        self.members[0].model.name()
    }

    fn identity(&self) -> String {
        let mut all: Vec<String> = Vec::new();
        for member in &self.members {
            let identity = member.model.identity();
            if !all.contains(&identity) {
                all.push(identity);
            }
        }
        all.join(" or ")
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let chosen = this.choose();
            chosen.0.model.invoke(request).await
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            let chosen = this.choose();
            let stream = chosen.0.model.stream(request).await?;
            Ok(Holding::around(stream, chosen))
        })
    }
}
