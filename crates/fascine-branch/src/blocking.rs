use std::future::Future;
use std::pin::Pin;

use fascine_concurrency::IntoSource;
use fascine_model::Response;
use futures_core::Stream;
use futures_lite::StreamExt;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{
    Answer, Batch, BatchStream, Branch, BranchError, Chat, Communicate, HandleValidation,
    Interpret, Operate, OperateStream, Outcome, Parse, Parsed, React, ReactReport, ReactStream,
    Reply, Select, Selection, TurnStream,
};

/// The operations of a branch, for programs that are not async; made by [`Branch::blocking`].
///
/// Each does what the operation of the same name does, and blocks this thread until it is done, as
/// [`Rt::block_on`](fascine_rt::Rt::block_on) describes: on the runtime of the branch, which is driven meanwhile if it has
/// no threads of its own. Whatever else there is of the branch can be used from other threads and tasks at the same time.
///
/// # Panics
///
/// Every operation, when called from async code, where it would stall the executor.
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::EchoModel;
///
/// # let runtime = fascine_testing::TestRuntime::new();
/// # let rt = runtime.rt();
/// let branch = Branch::new(&rt, "echo", EchoModel);
/// assert_eq!(branch.blocking().communicate("Hello?").unwrap().text(), "Hello?");
/// assert_eq!(branch.history().len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Blocking {
    branch: Branch,
}

/// A stream for programs that are not async: each step blocks this thread. Dropping it drops the stream.
#[derive(Debug)]
#[must_use = "iterators do nothing unless they are used"]
pub struct BlockingStream<S> {
    branch: Branch,
    stream: Pin<Box<S>>,
}

impl Branch {
    /// The same operations, for programs that are not async.
    #[must_use]
    pub fn blocking(&self) -> Blocking {
        Blocking {
            branch: self.clone(),
        }
    }
}

impl Blocking {
    /// [`Branch::chat`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn chat(&self, what: impl Into<Chat>) -> Result<Response, BranchError> {
        self.block_on(self.branch.chat(what))
    }

    /// [`Branch::communicate`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn communicate(&self, what: impl Into<Communicate>) -> Result<Reply, BranchError> {
        self.block_on(self.branch.communicate(what))
    }

    /// [`Branch::stream`].
    #[track_caller]
    pub fn stream(&self, what: impl Into<Communicate>) -> BlockingStream<TurnStream> {
        self.iterate(self.branch.stream(what))
    }

    /// [`Branch::operate`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn operate<T>(&self, what: impl Into<Operate>) -> Result<Answer<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.block_on(self.branch.operate(what))
    }

    /// [`Branch::operate_as`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn operate_as<T>(
        &self,
        what: impl Into<Operate>,
        handle: HandleValidation,
    ) -> Result<Answer<Outcome<T>>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.block_on(self.branch.operate_as(what, handle))
    }

    /// [`Branch::operate_stream`].
    #[track_caller]
    pub fn operate_stream<T>(&self, what: impl Into<Operate>) -> BlockingStream<OperateStream<T>>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        self.iterate(self.branch.operate_stream(what))
    }

    /// [`Branch::parse`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn parse<T>(&self, what: impl Into<Parse>) -> Result<Parsed<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.block_on(self.branch.parse(what))
    }

    /// [`Branch::parse_as`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn parse_as<T>(
        &self,
        what: impl Into<Parse>,
        handle: HandleValidation,
    ) -> Result<Parsed<Outcome<T>>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.block_on(self.branch.parse_as(what, handle))
    }

    /// [`Branch::react`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn react<T>(&self, what: impl Into<React>) -> Result<ReactReport<T>, BranchError>
    where
        T: DeserializeOwned + JsonSchema,
    {
        self.block_on(self.branch.react(what))
    }

    /// [`Branch::react_stream`].
    #[track_caller]
    pub fn react_stream<T>(&self, what: impl Into<React>) -> BlockingStream<ReactStream<T>>
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
    {
        self.iterate(self.branch.react_stream(what))
    }

    /// [`Branch::interpret`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn interpret(&self, what: impl Into<Interpret>) -> Result<Response, BranchError> {
        self.block_on(self.branch.interpret(what))
    }

    /// [`Branch::select`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn select<C>(&self, what: Select<C>) -> Result<Selection<C>, BranchError> {
        self.block_on(self.branch.select(what))
    }

    /// [`Branch::batch`].
    #[track_caller]
    pub fn batch<'a, I>(
        &self,
        inputs: I,
        how: impl Into<Batch>,
    ) -> BlockingStream<BatchStream<'a, Reply, BranchError>>
    where
        I: IntoSource + 'a,
        I::Item: Into<Communicate> + Send + 'a,
        I::Source: Send,
    {
        self.iterate(self.branch.batch(inputs, how))
    }

    fn iterate<S>(&self, stream: S) -> BlockingStream<S> {
        BlockingStream {
            branch: self.branch.clone(),
            stream: Box::pin(stream),
        }
    }

    #[track_caller]
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.branch.rt().block_on(future)
    }
}

impl<S: Stream> Iterator for BlockingStream<S> {
    type Item = S::Item;

    #[track_caller]
    fn next(&mut self) -> Option<S::Item> {
        self.branch.rt().block_on(self.stream.next())
    }
}
