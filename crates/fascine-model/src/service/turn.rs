//! Waiting until a request may be sent.
//!
//! Thousands may wait here at a time. None of these is an `async fn`, which has room for its arguments twice.

#![expect(clippy::manual_async_fn, reason = "smaller")]

use std::pin::pin;

use bytes::Bytes;
use fascine_resilience::{
    Bulkhead, BulkheadPermit, CircuitOpen, CircuitState, LimitError, Reservation,
};

use super::admission::Admission;
use super::cost::Cost;
use super::inner::Inner;
use super::stage::Stage;
use crate::{ModelFailure, Provider};

/// What an attempt has when it is its turn.
pub(crate) struct Turn {
    pub(crate) reserved: Reservation,
    /// Room among the requests that are on their way.
    pub(crate) place: Option<BulkheadPermit>,
}

/// What a request finds when it comes.
enum Found {
    Nothing,
    /// The limits do not allow it yet.
    Room(Option<BulkheadPermit>),
    Turn(Turn),
}

impl Inner {
    /// Waits until a request may be sent: for room, then for the limits, so that what is reserved is sent at once.
    ///
    /// A request that has to wait is written to see whether it can be, and again when it is its turn: what waits keeps
    /// no bytes.
    pub(crate) fn turn<'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        write: &'a impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
    ) -> impl Future<Output = Result<Turn, ModelFailure>> {
        async move {
            // Boxed, as few wait and all have room for it otherwise.
            let found = match self.look(admission, cost)? {
                Found::Turn(turn) => {
                    admission.reserve_cost(cost)?;
                    return Ok(turn);
                }
                Found::Room(place) => Ok(place),
                Found::Nothing => Err(Box::pin(self.wait_for_room(admission, cost, write))),
            };
            let place = match found {
                Ok(place) => place,
                Err(waits) => waits.await?,
            };
            let reserved = Box::pin(self.wait_for_limits(admission, cost, write)).await?;
            admission.reserve_cost(cost)?;
            Ok(Turn { reserved, place })
        }
    }

    fn look(&self, admission: &Admission, cost: &Cost) -> Result<Found, ModelFailure> {
        self.spending.check(&admission.model, cost)?;
        let place = match self.bulkhead.as_ref().map(Bulkhead::try_acquire) {
            None => None,
            Some(Ok(place)) => Some(place),
            Some(Err(_)) => return Ok(Found::Nothing),
        };
        match self.limiter.try_acquire(cost) {
            Ok(reserved) => Ok(Found::Turn(Turn { reserved, place })),
            Err(LimitError::WouldWait { .. }) => Ok(Found::Room(place)),
            Err(error) => Err(ModelFailure::Limited(error)),
        }
    }

    fn wait_for_room<'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        write: &'a impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
    ) -> impl Future<Output = Result<Option<BulkheadPermit>, ModelFailure>> {
        async move {
            let Some(bulkhead) = &self.bulkhead else {
                return Ok(None);
            };
            let begin = || {
                drop(write(&*self.provider)?);
                self.check_limits(cost)?;
                self.check_breaker()?;
                Ok(Stage::Concurrency)
            };
            let room = pin!(bulkhead.acquire());
            let room = admission.wait(room, begin).await?;
            room.map(Some).map_err(ModelFailure::Concurrency)
        }
    }

    fn wait_for_limits<'a>(
        &'a self,
        admission: &'a Admission,
        cost: &'a Cost,
        write: &'a impl Fn(&dyn Provider) -> Result<http::Request<Bytes>, ModelFailure>,
    ) -> impl Future<Output = Result<Reservation, ModelFailure>> {
        async move {
            let begin = || {
                drop(write(&*self.provider)?);
                self.check_breaker()?;
                Ok(Stage::Limiter {
                    number: self.limiter.join_line(),
                    cost: *cost,
                })
            };
            let turn = pin!(self.limiter.acquire(cost));
            let reserved = admission.wait(turn, begin).await?;
            reserved.map_err(ModelFailure::Limited)
        }
    }

    /// What can never be sent does not wait for room first.
    fn check_limits(&self, cost: &Cost) -> Result<(), ModelFailure> {
        let cost = cost.named(self.limiter.there());
        let checked = self.limiter.limiter().check(cost.as_slice());
        checked.map_err(ModelFailure::Limited)
    }

    /// Nobody queues for a provider that is down.
    fn check_breaker(&self) -> Result<(), ModelFailure> {
        let Some(breaker) = &self.breaker else {
            return Ok(());
        };
        if !matches!(
            breaker.state(),
            CircuitState::Open | CircuitState::ForcedOpen
        ) {
            return Ok(());
        }
        // It says for how long, unless its time is over: then this call may be the one that finds out.
        let asked: Result<_, CircuitOpen> = breaker.try_acquire();
        asked
            .map(|permit| permit.ignored())
            .map_err(ModelFailure::CircuitOpen)
    }
}
