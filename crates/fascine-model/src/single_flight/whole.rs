use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fascine_concurrency::unscoped;
use fascine_message::Usage;
use fascine_rt::BoxFuture;

use crate::single_flight::flights::{FlightKey, Flights};
use crate::single_flight::rider::Rider;
use crate::single_flight::shared_future::SharedFuture;
use crate::single_flight::waker_set::WakerSet;
use crate::{ModelError, ModelFailure, Response};

/// A call for a whole answer, and those who wait for it.
#[derive(Debug)]
pub(crate) struct WholeFlight {
    future: SharedFuture<Result<Response, ModelError>>,
    is_paid: AtomicBool,
    /// The number of the call that began it, if it has one.
    begun_by: Option<u64>,
}

/// One of them.
struct Passenger {
    flight: Arc<WholeFlight>,
    place: u64,
}

impl Drop for Passenger {
    fn drop(&mut self) {
        self.flight.future.wakers().leave(self.place);
    }
}

pub(crate) async fn invoke(
    flights: &Arc<Flights<WholeFlight>>,
    key: FlightKey,
    rider: Option<&Rider>,
    call: impl FnOnce() -> BoxFuture<Result<Response, ModelError>> + Send + 'static,
) -> Result<Response, ModelError> {
    let flight = flights.join(key, |leave| {
        let call = async move {
            let _leave = leave;
            call().await
        };
        WholeFlight {
            future: SharedFuture::new(Arc::new(WakerSet::default()), Box::pin(unscoped(call))),
            is_paid: AtomicBool::new(false),
            begun_by: rider.map(Rider::number),
        }
    });
    if let Some(rider) = rider {
        rider.takes_part(flight.begun_by);
    }
    let place = flight.future.wakers().enter();
    let passenger = Passenger { flight, place };
    let flight = &passenger.flight;
    let answered = poll_fn(|cx| flight.future.poll(place, cx)).await;
    let mut response =
        answered.unwrap_or_else(|| Err(ModelError::new(ModelFailure::Panicked, 1)))?;
    if flight.is_paid.swap(true, Ordering::Relaxed) {
        response.attempts = 0;
        response.usage = Usage::default();
    }
    Ok(response)
}
