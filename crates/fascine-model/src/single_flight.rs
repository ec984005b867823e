use std::sync::Arc;

use fascine_rt::BoxFuture;

use crate::{CacheUse, ChunkStream, Model, ModelError, Request, Response};

mod chunk_log;
mod flights;
mod rider;
mod shared_future;
mod sharing;
mod streamed;
mod waker_set;
mod whole;

pub(crate) use rider::Rider;
pub(crate) use sharing::Sharing;

/// A model that is asked once by all who ask the same at the same time.
///
/// Two requests are the same if their [`CanonicalRequest`](crate::CanonicalRequest) is. Whole answers and streams are
/// shared among themselves.
///
/// - Nobody leads: whoever polls drives the call for all, without a task of its own. Who is dropped leaves the others
///   as they are; the call is aborted when the last one is. No deadline and no cancelling of one of them reaches it.
/// - An error is everybody's: the model was asked, with its retries, and said no. The next call asks anew.
/// - Who comes late to a stream reads it from the beginning. What came is kept until the last one has read it, so a
///   slow reader holds up nobody; an answer that is larger than the bound ends for all with
///   [`ModelFailure::TooLarge`](crate::ModelFailure::TooLarge) as the cause.
/// - One of them is given what the answer cost: of a stream, the first. For the others it took no
///   [attempts](Response::attempts) and has no usage, so that sums are right.
///
/// A request with [`CacheUse::Bypass`] is asked for itself alone.
///
/// # Defaults
///
/// - 32 MiB for each stream
///
/// # Examples
///
/// ```
/// use fascine_concurrency::gather;
/// use fascine_message::Message;
/// use fascine_model::{Model, Request, ScriptedModel, SingleFlightModel};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let script = ScriptedModel::new(&rt).with_delay(Duration::from_secs(1)).with_answer("Eight.");
/// let model = SingleFlightModel::new(script.clone());
/// let request = Request::new([Message::user("Legs?")]);
/// let answers = gather((0..100).map(|_| model.invoke(request.clone()))).await.unwrap();
/// assert!(answers.iter().all(|answer| answer.text() == "Eight."));
/// assert_eq!(script.requests().len(), 1);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct SingleFlightModel {
    model: Arc<dyn Model>,
    sharing: Sharing,
}

impl SingleFlightModel {
    /// Shares the calls of `model`, among all clones of this.
    pub fn new(model: impl Model) -> Self {
        Self {
            sharing: Sharing::new(model.identity()),
            model: Arc::new(model),
        }
    }

    /// Sets how much is kept of a stream, in bytes of its chunks, for those who read slower or come later.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.sharing.max_bytes = bytes;
        self
    }

    /// How many calls are being made.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.sharing.whole.len() + self.sharing.streams.len()
    }
}

impl Model for SingleFlightModel {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn identity(&self) -> String {
        self.model.identity()
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        if request.cache == CacheUse::Bypass {
            return self.model.invoke(request);
        }
        let model = Arc::clone(&self.model);
        self.sharing
            .invoke(request, move |_, request| model.invoke(request))
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        if request.cache == CacheUse::Bypass {
            return self.model.stream(request);
        }
        let model = Arc::clone(&self.model);
        self.sharing
            .stream(request, move |_, request| model.stream(request))
    }
}
