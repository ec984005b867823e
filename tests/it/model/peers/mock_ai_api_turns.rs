//! Whole turns of a branch against `mock-ai-api`.
//!
//! It goes by the name of the model alone: it calls its one tool, says its one sentence, or says back what it was told,
//! and a name that it does not know makes it do the last. So it cannot call tools in parallel, has no calls over the
//! Responses API, and reads no schemas. A model per request is how a turn gets beyond a call.

use std::sync::Mutex;

use fascine::branch::Communicate;
use fascine::branch::{
    AnswerOptions, Branch, BranchError, EventKind, FnTool, Operate, OperateItem, ToolSet,
    TurnLimits, TurnOptions, tool,
};
use fascine::message::Role;
use fascine::model::{ChunkStream, ModelError, Response};
use fascine::rt::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::calculator::{assert_usable, assert_whole};
use crate::turns::{Animal, Seen, failure, followed, results, spider, status};

on_real_runtimes! {
    a_tool_is_called_and_its_result_goes_back,
    arguments_that_are_no_json_are_told_to_the_model,
    a_model_that_calls_for_ever_is_stopped,
    a_failure_after_a_tool_leaves_the_branch_as_it_was,
    data_is_found_in_what_is_said_around_it,
    an_answer_that_never_fits_leaves_the_branch_as_it_was,
    a_stream_that_fails_leaves_the_branch_as_it_was,
}

const ALL: [Spoken; 3] = [Spoken::Anthropic, Spoken::OpenAi, Spoken::Responses];
/// A name that the server does not know.
const ECHO: &str = "mock-echo";

/// Asks one model until a tool has spoken in the turn, and another from then on.
#[derive(Debug)]
struct Shift {
    first: ModelService,
    then: ModelService,
}

impl Shift {
    fn now(&self, request: &Request) -> &ModelService {
        let last = request.messages.last().map(Message::role);
        if last == Some(Role::Tool) {
            &self.then
        } else {
            &self.first
        }
    }
}

impl Model for Shift {
    fn name(&self) -> &str {
        "shift"
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        self.now(&request).invoke(request)
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        self.now(&request).stream(request)
    }
}

/// Writes into a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(title = "Write")]
struct Write {
    path: String,
    contents: String,
}

/// The tool that the server calls; it gives out how many letters were written to where.
fn write() -> FnTool {
    tool(|write: Write| async move {
        let letters = write.contents.len();
        format!("{letters} letters in {}", write.path)
    })
}

const WRITTEN: &str = "11 letters in tmp/mock-file.txt";

/// A conversation whose turns begin with one model and end with another.
fn shifting(rt: &Rt, net: &Arc<dyn Net>, spoken: Spoken, first: &str, then: &str) -> Branch {
    let named = |scenario| named(rt, net, spoken, scenario);
    let (first, then) = (named(first), named(then));
    let branch = Branch::builder(rt, "b", Shift { first, then });
    branch.tools(ToolSet::new().with(write())).build()
}

async fn a_tool_is_called_and_its_result_goes_back(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, whole, in_pieces) in [
        (Spoken::Anthropic, "mock-tool-use", "mock-tool-stream"),
        (Spoken::OpenAi, "mock-tool-call", "mock-tool-stream"),
    ] {
        let branch = shifting(&rt, &net, spoken, whole, ECHO);
        let reply = branch.communicate("save it").await.unwrap();
        assert!(reply.text().contains("save it"), "{spoken:?}: {reply:?}");
        let results = results(&branch);
        assert_eq!((results.len(), results[0].text.as_str()), (1, WRITTEN));
        // Of a message of Anthropic's it says back the texts, and results are none.
        let is_back = reply.text().contains(WRITTEN);
        assert_eq!(is_back, spoken == Spoken::OpenAi, "{spoken:?}: {reply:?}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 4, "{spoken:?}");

        let branch = shifting(&rt, &net, spoken, in_pieces, ECHO);
        let (seen, reply) = followed(branch.stream("save it")).await;
        assert_eq!(seen.text, reply.text(), "{spoken:?}");
        assert_eq!(seen.called, ["Write"], "{spoken:?}");
        assert_eq!(seen.ended[0].text, WRITTEN, "{spoken:?}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 4, "{spoken:?}");
    }
}

async fn arguments_that_are_no_json_are_told_to_the_model(rt: Rt, net: Arc<dyn Net>) {
    let branch = shifting(&rt, &net, Spoken::OpenAi, "mock-bad-tool-json", ECHO);
    let reply = branch.communicate("save it").await.unwrap();
    let results = results(&branch);
    assert!(results[0].is_error, "{results:?}");
    assert!(reply.text().contains(&results[0].text), "{reply:?}");
    assert_whole(&branch);
}

async fn a_model_that_calls_for_ever_is_stopped(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, scenario) in [
        (Spoken::Anthropic, "mock-tool-use"),
        (Spoken::OpenAi, "mock-tool-call"),
    ] {
        let branch = shifting(&rt, &net, spoken, scenario, scenario);
        let limits = TurnLimits::default().with_tool_rounds(2);
        let turn = TurnOptions::default().with_limits(limits);
        let what = Communicate::new("save it").with_turn(turn);
        let error = branch.communicate(what).await.unwrap_err();
        assert!(
            matches!(error, BranchError::Limit { .. }),
            "{spoken:?}: {error:?}"
        );
        assert_eq!(error.attempts(), 3, "{spoken:?}");
        assert!(branch.history().is_empty(), "{spoken:?}");
    }
}

async fn a_failure_after_a_tool_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, scenario) in [
        (Spoken::Anthropic, "mock-tool-stream"),
        (Spoken::OpenAi, "mock-tool-stream"),
    ] {
        let branch = shifting(&rt, &net, spoken, scenario, "mock-503");
        for error in [
            branch.communicate("save it").await.unwrap_err(),
            branch.stream("save it").reply().await.unwrap_err(),
        ] {
            // One for the call, and two for what failed.
            assert_eq!((status(&error, spoken), error.attempts()), (503, 3));
        }
        assert!(branch.history().is_empty(), "{spoken:?}");
        let sound = named(&rt, &net, spoken, "mock-text");
        let fork = branch.fork_builder("fork").model(sound).build();
        assert_usable(&fork, "hello").await;
    }
}

async fn data_is_found_in_what_is_said_around_it(rt: Rt, net: Arc<dyn Net>) {
    for spoken in ALL {
        let branch = Branch::new(&rt, "b", named(&rt, &net, spoken, ECHO));
        let mended = Arc::new(Mutex::new(0));
        let count = Arc::clone(&mended);
        let observation = branch.observe_kinds([EventKind::Repaired], move |_| {
            *count.lock().unwrap() += 1;
        });
        let question = r#"a spider {'name': "spider", legs: 8,}"#;
        let answer = branch.operate::<Animal>(question).await.unwrap();
        assert_eq!(
            (answer.value, answer.reply.attempts),
            (spider(), 1),
            "{spoken:?}"
        );
        assert!(answer.reply.text().starts_with("Mock"), "{spoken:?}");

        let branch = branch
            .fork_builder("fork")
            .history(Default::default())
            .build();
        let mut stream = branch.operate_stream::<Animal>(question);
        let (mut seen, mut animal) = (Seen::default(), None);
        while let Some(item) = stream.item().await.unwrap() {
            match item {
                OperateItem::Turn(item) => seen.add(item),
                OperateItem::Answer(answer) => animal = Some(answer.value),
            }
        }
        assert_eq!((animal, seen.re_asked), (Some(spider()), 0), "{spoken:?}");
        assert_eq!(branch.history().len(), 2, "{spoken:?}");
        assert_eq!(*mended.lock().unwrap(), 1, "{spoken:?}");
        drop(observation);
    }
}

async fn an_answer_that_never_fits_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for spoken in ALL {
        let branch = Branch::new(&rt, "b", named(&rt, &net, spoken, "mock-text"));
        branch.communicate("hello").await.unwrap();
        let before = branch.history();
        let once = AnswerOptions::default().with_re_asks(1);
        let what = Operate::new("a spider").with_answer(once);
        let error = branch.operate::<Animal>(what).await.unwrap_err();
        assert_eq!(error.attempts(), 2, "{spoken:?}");
        let BranchError::Invalid { text, .. } = error else {
            panic!("{spoken:?}: {error:?}")
        };
        assert!(text.starts_with("Hello"), "{spoken:?}: {text}");
        assert_eq!(branch.history(), before, "{spoken:?}");
        assert_usable(&branch, "hello").await;
    }
}

async fn a_stream_that_fails_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    let model = named(&rt, &net, Spoken::Anthropic, "mock-stream-error");
    let branch = Branch::new(&rt, "b", model);
    let error = branch.stream("hello").reply().await.unwrap_err();
    failure(&error, "a stream");
    assert!(branch.history().is_empty());
    // Only its streams fail.
    assert_usable(&branch, "hello").await;
}
