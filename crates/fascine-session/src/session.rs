use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_branch::Branch;
use fascine_flow::{Flow, FlowReport, FlowRun, Graph, StepContext, StepResult};
use fascine_rt::Rt;
use serde::de::DeserializeOwned;

use crate::branches::Branches;
use crate::compile::Compiler;
use crate::functions::{Function, Functions};
use crate::{
    BranchId, BranchKey, BranchesError, DuplicateFunction, OperationGraph, OperationOutput,
    OperationStream, SessionError,
};

/// Branches by id and by name, one of them the default, functions by name, and the flows over them.
///
/// A clone is the same session. Everything can be done from anywhere at once: a run goes on with the branches and
/// functions that were there when its graph was [compiled](Self::compile).
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::EchoModel;
/// use fascine_session::{BranchesError, Session};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let session = Session::new(&rt, Branch::new(&rt, "writer", EchoModel));
/// let reviewer = session.add_branch(Branch::new(&rt, "reviewer", EchoModel))?;
/// assert_eq!(session.branch(reviewer), session.branch("reviewer"));
/// session.set_default(reviewer)?;
/// session.remove_branch("writer")?;
/// let twice = session.add_branch(Branch::new(&rt, "reviewer", EchoModel));
/// assert!(matches!(twice, Err(BranchesError::Duplicate { .. })));
/// # Ok::<_, BranchesError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rt: Rt,
    /// Held for moments, and never while something foreign is called or dropped.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    branches: Branches,
    functions: Functions,
}

impl Session {
    /// Makes a session whose flows run on `rt`, with its default branch.
    #[must_use]
    pub fn new(rt: &Rt, default: Branch) -> Self {
        Self(Arc::new(Inner {
            rt: rt.clone(),
            state: Mutex::new(State {
                branches: Branches::new(default),
                functions: Functions::default(),
            }),
        }))
    }

    /// Adds a branch: as [`add_branch`](Self::add_branch), for who does not want its id.
    ///
    /// # Errors
    ///
    /// [`BranchesError::Duplicate`] if there is one of the same name.
    pub fn with_branch(self, branch: Branch) -> Result<Self, BranchesError> {
        self.add_branch(branch)?;
        Ok(self)
    }

    /// Adds a branch.
    ///
    /// # Errors
    ///
    /// [`BranchesError::Duplicate`] if there is one of the same name.
    pub fn add_branch(&self, branch: Branch) -> Result<BranchId, BranchesError> {
        self.lock().branches.add(branch)
    }

    /// Takes a branch out and gives it back. Runs that were begun with it go on with it.
    ///
    /// # Errors
    ///
    /// [`BranchesError::Unknown`] if it is not there, [`BranchesError::Default`] if it is the default.
    pub fn remove_branch(&self, branch: impl Into<BranchKey>) -> Result<Branch, BranchesError> {
        let key = branch.into();
        self.lock().branches.remove(key)
    }

    /// Adds a fork of a branch, by this name.
    ///
    /// # Errors
    ///
    /// [`BranchesError::Unknown`] if it is not there, [`BranchesError::Duplicate`] if there is one of that name.
    pub fn split(
        &self,
        branch: impl Into<BranchKey>,
        name: impl Into<String>,
    ) -> Result<BranchId, BranchesError> {
        let key = branch.into();
        let branch = self.branch(key.clone());
        let branch = branch.ok_or(BranchesError::Unknown { key })?;
        self.add_branch(branch.fork(name))
    }

    /// The branch of that id or name.
    #[must_use]
    pub fn branch(&self, branch: impl Into<BranchKey>) -> Option<Branch> {
        let key = branch.into();
        self.lock().branches.find(&key).cloned()
    }

    /// All branches with their ids, in the order in which they were added.
    #[must_use]
    pub fn branches(&self) -> Vec<(BranchId, Branch)> {
        let state = self.lock();
        let branches = state.branches.iter();
        branches.map(|(id, branch)| (id, branch.clone())).collect()
    }

    /// The branch that operations use which ask for no other.
    #[must_use]
    pub fn default_branch(&self) -> Branch {
        self.lock().branches.default().clone()
    }

    /// Sets which branch is the default.
    ///
    /// # Errors
    ///
    /// [`BranchesError::Unknown`] if it is not there.
    pub fn set_default(&self, branch: impl Into<BranchKey>) -> Result<(), BranchesError> {
        let key = branch.into();
        self.lock().branches.set_default(key)
    }

    /// Registers a function that operations can call by its name. It gets the fork of the branch, what is known, and the
    /// parameters of the operation, which are checked when the graph is compiled.
    ///
    /// # Errors
    ///
    /// [`DuplicateFunction`] if there is one of the same name.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::Branch;
    /// use fascine_model::EchoModel;
    /// use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
    /// use serde::Deserialize;
    /// use serde_json::json;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// #[derive(Deserialize)]
    /// struct Greeting {
    ///     name: String,
    /// }
    ///
    /// let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
    /// session.register("greet", |branch, _, greeting: Greeting| async move {
    ///     Ok(branch.communicate(format!("Hello, {}!", greeting.name)).await?)
    /// })?;
    /// let graph = OperationGraph::new()
    ///     .add_operation("hello", Operation::registered("greet", json!({ "name": "Ada" })));
    /// let report = session.flow(&graph).await?;
    /// assert_eq!(OperationOutput::of(&report, "hello").unwrap().text, "Hello, Ada!");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn register<P, F, Fut, T>(
        &self,
        name: impl Into<String>,
        function: F,
    ) -> Result<(), DuplicateFunction>
    where
        P: DeserializeOwned,
        F: Fn(Branch, StepContext, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: Into<OperationOutput>,
    {
        let (name, function) = (name.into(), Function::new(function));
        self.lock().functions.add(name, function)
    }

    /// Forgets a registered function; false if there is none of that name. Graphs that were compiled with it have it.
    pub fn unregister(&self, name: &str) -> bool {
        // It is dropped when nothing is locked.
        let removed = self.lock().functions.remove(name);
        removed.is_some()
    }

    /// The names of the registered functions, in order.
    #[must_use]
    pub fn registered(&self) -> Vec<String> {
        let state = self.lock();
        state.functions.names().map(str::to_owned).collect()
    }

    /// Runs the operations as a [`Flow`] with its defaults would, and keeps all outputs.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when they cannot be run. How each of them ended is in the report.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the operations that are running. The branches are as they were, but for what completed
    /// operations were told to keep.
    pub async fn flow(&self, graph: &OperationGraph) -> Result<FlowReport, SessionError> {
        Ok(self.start(&Flow::new(self.rt()).keep_all(), graph)?.await)
    }

    /// As [`flow`](Self::flow), but keeps the outputs of these operations alone. The others are gone as soon as nothing
    /// waits for them any more. Those that an operation runs are named by their paths, such as `looks/1`.
    ///
    /// # Errors
    ///
    /// As for [`flow`](Self::flow), and [`SessionError::UnknownOperation`] when one of these is not in the graph, nor in
    /// what an operation of the graph might run.
    ///
    /// # Cancel safety
    ///
    /// As for [`flow`](Self::flow).
    pub async fn flow_with_cleanup(
        &self,
        graph: &OperationGraph,
        keep_only: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<FlowReport, SessionError> {
        let kept: Vec<String> = keep_only.into_iter().map(Into::into).collect();
        let graph = self.compile(graph)?;
        let names: HashSet<&str> = graph.step_names().collect();
        let is_known = |kept: &&String| {
            let outermost = || outermost(kept);
            names.contains(kept.as_str()) || outermost().is_some_and(|name| names.contains(&*name))
        };
        if let Some(unknown) = kept.iter().find(|kept| !is_known(kept)) {
            let operation = unknown.clone();
            return Err(SessionError::UnknownOperation { operation });
        }
        Ok(Flow::new(self.rt()).keep_only(kept).run(&graph).await)
    }

    /// Runs the operations as [`flow`](Self::flow) does, and tells of each as it begins and ends.
    ///
    /// # Errors
    ///
    /// As for [`flow`](Self::flow).
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::Branch;
    /// use fascine_model::EchoModel;
    /// use fascine_session::{Operation, OperationGraph, Session};
    /// use futures_lite::StreamExt;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
    /// let graph = OperationGraph::new().add_operation("hello", Operation::communicate("Hello!"));
    /// let mut stream = session.flow_stream(&graph)?;
    /// while let Some(told) = stream.next().await {
    ///     if let Some(output) = told.output {
    ///         assert_eq!((&*told.event.step, output.text.as_str()), ("hello", "Hello!"));
    ///     }
    /// }
    /// assert!(stream.finish().await.is_success());
    /// # Ok::<_, fascine_session::SessionError>(())
    /// # }).unwrap();
    /// ```
    pub fn flow_stream(&self, graph: &OperationGraph) -> Result<OperationStream, SessionError> {
        let flow = Flow::new(self.rt()).keep_all();
        Ok(OperationStream::new(flow.stream(&self.compile(graph)?)))
    }

    /// Prepares a run that can be watched and cancelled.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the operations cannot be run.
    pub fn start(&self, flow: &Flow, graph: &OperationGraph) -> Result<FlowRun, SessionError> {
        Ok(flow.start(&self.compile(graph)?))
    }

    /// Makes the graph that runs the operations: to look at, or to run with a [`Flow`] any number of times.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the operations cannot be run.
    pub fn compile(&self, operations: &OperationGraph) -> Result<Graph, SessionError> {
        let (branches, functions) = {
            let state = self.lock();
            (state.branches.clone(), state.functions.clone())
        };
        let compiler = Compiler {
            session: self.clone(),
            default: branches.default().clone(),
            is_nested: false,
            branches,
            functions,
            budgets: Vec::new(),
        };
        Ok(compiler.compile(operations)?.build()?)
    }

    pub(crate) fn check_free(&self, name: &str) -> Result<(), BranchesError> {
        self.lock().branches.check_free(name)
    }

    fn rt(&self) -> &Rt {
        &self.0.rt
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the step that runs the one with this path, if one does. A `/`, `[` or `\` in it has a `\` before it.
fn outermost(path: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = path.chars();
    loop {
        match rest.next()? {
            '/' | '[' => return Some(name),
            '\\' => name.push(rest.next()?),
            other => name.push(other),
        }
    }
}
