use std::fmt;
use std::path::Path;
use std::sync::Arc;

use fascine_rt::{BoxFuture, Rt};

use crate::canonical::semantic;
use crate::scripted::{pieces, stream_of};
use crate::{ChunkStream, Delivery, Model, ModelError, ModelFailure, Request, Response};

mod book;
mod entry;
mod error;
mod file;
mod nearest;
mod recording;
mod redaction;

use book::Book;
use entry::Answer;
pub use error::RecordError;
use recording::Recording;
use redaction::Redaction;

/// A model whose answers stand in a file: made once with a live model, replayed from then on, without a network.
///
/// A request is known if its [canonical form](crate::CanonicalRequest) is; the model's identity does not matter. What was
/// answered as a stream is replayed with its chunks. What was asked only whole can be replayed as a stream, and the other
/// way round.
///
/// # The file
///
/// JSON lines. The first is `{"fascine_recording":1,"model":".."}`; each other is an answer: `delivery` (`whole` or
/// `stream`), `request` in its canonical form, and the `response`, or the `chunks` and how many `attempts` they took.
/// It may be edited by hand. Each new answer is added at the end. A last line that was cut off, because the program or
/// the machine went down while it was written, is left out when the file is read, and overwritten by the next answer.
/// Only answers that came to their end are recorded, no errors.
///
/// Keys of services are not in it: they are no part of a request. Text in fields that are called like one (`api_key`,
/// `authorization`, `password` and so on) is written as `[redacted]`, and so is any text that is
/// [named as a secret](Self::with_secret); what is redacted makes no difference between requests.
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Model, RecordedModel, Request, ScriptedModel};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// # let folder = std::env::temp_dir().join(format!("fascine-recorded-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("legs.jsonl");
/// let request = Request::new([Message::user("Legs?")]);
///
/// let live = ScriptedModel::new(&rt).with_answer("Eight.");
/// let model = RecordedModel::record(&rt, live, &path).await?;
/// model.invoke(request.clone()).await?;
///
/// let model = RecordedModel::replay(&rt, &path).await?;
/// assert_eq!(model.invoke(request).await?.text(), "Eight.");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RecordedModel {
    book: Arc<Book>,
    redaction: Redaction,
    /// Who is asked what is not known.
    live: Option<Arc<dyn Model>>,
}

impl RecordedModel {
    /// Records what `model` answers into the file at `path`. What is in it already is given from there.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when there is a file that is not a recording, or cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn record(
        rt: &Rt,
        model: impl Model,
        path: impl AsRef<Path>,
    ) -> Result<Self, RecordError> {
        let new = Some(model.identity());
        Ok(Self {
            book: Arc::new(Book::open(rt, path.as_ref(), new).await?),
            redaction: Redaction::default(),
            live: Some(Arc::new(model)),
        })
    }

    /// Replays what stands in the file at `path`.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when there is no such file, or it is not a recording.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn replay(rt: &Rt, path: impl AsRef<Path>) -> Result<Self, RecordError> {
        Ok(Self {
            book: Arc::new(Book::open(rt, path.as_ref(), None).await?),
            redaction: Redaction::default(),
            live: None,
        })
    }

    /// Writes `[redacted]` wherever this text stands in a request or an answer.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.redaction.add(secret.into());
        self
    }

    /// How many answers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.book.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes what has not been written, because the call that brought it was dropped or could not write it.
    ///
    /// # Errors
    ///
    /// [`RecordError::Io`] when the file cannot be written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it open what is written. The file is whole in any case.
    pub async fn save(&self) -> Result<(), RecordError> {
        self.book.save().await
    }

    /// What is known of a request, or whom to ask and how to write down the answer.
    fn find(&self, request: &Request, delivery: Delivery) -> Result<Found, ModelError> {
        let mut asked = semantic(request);
        self.redaction.apply(&mut asked);
        if let Some(answer) = self.book.find(&asked, delivery) {
            return Ok(Found::Known(answer));
        }
        match &self.live {
            Some(live) => Ok(Found::Unknown(
                Arc::clone(live),
                Recording {
                    book: Arc::clone(&self.book),
                    redaction: self.redaction.clone(),
                    asked,
                },
            )),
            None => Err(failed(self.book.not_recorded(&asked))),
        }
    }
}

enum Found {
    Known(Answer),
    Unknown(Arc<dyn Model>, Recording),
}

impl Model for RecordedModel {
    fn name(&self) -> &str {
        match &self.live {
            Some(live) => live.name(),
            None => self.book.model(),
        }
    }

    fn identity(&self) -> String {
        match &self.live {
            Some(live) => live.identity(),
            None => self.book.model().to_owned(),
        }
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            match this.find(&request, Delivery::Whole)? {
                Found::Known(answer) => Ok(answer.into_response()),
                Found::Unknown(live, recording) => {
                    let response = live.invoke(request).await?;
                    let answer = Answer::Whole {
                        response: response.clone(),
                    };
                    recording.keep(answer).await.map_err(failed)?;
                    Ok(response)
                }
            }
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            match this.find(&request, Delivery::Stream)? {
                Found::Known(Answer::Whole { response }) => Ok(pieces(&response)),
                Found::Known(Answer::Stream { attempts, chunks }) => {
                    Ok(stream_of(chunks, attempts))
                }
                Found::Unknown(live, recording) => {
                    Ok(recording.around(live.stream(request).await?))
                }
            }
        })
    }
}

fn failed(error: RecordError) -> ModelError {
    ModelError::new(ModelFailure::Recording(error), 1)
}

impl fmt::Debug for RecordedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedModel")
            .field("book", &self.book)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}
