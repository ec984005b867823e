//! Whole turns of a branch against `@copilotkit/aimock`: tools, streams, and what breaks off.
//!
//! The server answers a question by what the tools said, so an answer proves that their results came back.

use bytes::Bytes;
use fascine::branch::{Branch, StreamItem, TurnItem};
use fascine::http::Transport;
use serde_json::Value;

use super::*;
use crate::calculator::{Add, assert_usable, assert_whole, said};
use crate::turns::{failure, followed, results, status};

on_real_runtimes! {
    a_tool_computes_and_its_result_makes_the_answer,
    a_result_may_lead_to_the_next_call,
    the_results_of_parallel_calls_all_go_back,
    a_wrong_call_is_told_to_the_model_beside_a_right_one,
    a_refusal_after_a_tool_leaves_the_branch_as_it_was,
    a_stream_that_breaks_off_leaves_the_branch_as_it_was,
    a_stream_that_is_dropped_leaves_the_branch_as_it_was,
}

/// A conversation over each API, with a tool that adds.
pub(super) fn branches(rt: &Rt, net: &Arc<dyn Net>) -> Vec<(Spoken, Branch)> {
    let branch = |spoken, service| Branch::builder(rt, format!("{spoken:?}"), service);
    services(rt, net)
        .map(|(spoken, service)| (spoken, branch(spoken, service).tools(Add::alone()).build()))
        .collect()
}

async fn a_tool_computes_and_its_result_makes_the_answer(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "What is 20011 plus 21942?";
        let reply = branch.communicate(question).await.unwrap();
        assert_eq!(reply.text(), "The sum is 41953.", "{spoken:?}");
        assert_eq!((reply.attempts, reply.requests.len()), (2, 2), "{spoken:?}");
        assert_eq!(results(&branch)[0].text, "41953", "{spoken:?}");
        // Again, with the first turn before it, and in pieces.
        let (seen, reply) = followed(branch.stream(question)).await;
        assert_eq!(reply.text(), "The sum is 41953.", "{spoken:?}");
        assert_eq!(seen.text, reply.text(), "{spoken:?}");
        assert!(seen.pieces > 1, "{spoken:?}");
        assert_eq!(
            (seen.called, seen.ended),
            (vec!["add".to_owned()], results(&branch))
        );
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 8, "{spoken:?}: {:?}", said(&branch));
    }
}

async fn a_result_may_lead_to_the_next_call(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "What is 700 plus 77 plus 1000?";
        for reply in [
            branch.communicate(question).await,
            branch.stream(question).reply().await,
        ] {
            let reply = reply.unwrap();
            assert_eq!(reply.text(), "All three make 1777.", "{spoken:?}");
            assert_eq!(reply.attempts, 3, "{spoken:?}");
        }
        let sums: Vec<_> = results(&branch).into_iter().map(|sum| sum.text).collect();
        assert_eq!(sums, ["777", "1777"], "{spoken:?}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 12, "{spoken:?}");
    }
}

async fn the_results_of_parallel_calls_all_go_back(rt: Rt, net: Arc<dyn Net>) {
    let root = url("FASCINE_AIMOCK");
    for spoken in ALL {
        // Its name tells its requests from those of everybody else.
        let name = format!("model-{:x}", fastrand::u64(..));
        let service = service(&rt, &net, spoken, &root, &name);
        let branch = Branch::builder(&rt, "b", service)
            .tools(Add::alone())
            .build();
        let (seen, reply) = followed(branch.stream("Do two sums at once.")).await;
        assert_eq!(reply.text(), "Both are done.", "{spoken:?}");
        assert_eq!(seen.called, ["add", "add"], "{spoken:?}");
        let sums: Vec<_> = results(&branch).into_iter().map(|sum| sum.text).collect();
        assert_eq!(sums, ["3333", "9999"], "{spoken:?}");
        assert_whole(&branch);

        let requests = journal(&rt, &net, &root, &name).await;
        assert_eq!(requests.len(), 2, "{spoken:?}");
        let messages = requests[1]["messages"].as_array().unwrap();
        let understood = messages.iter().filter(|message| message["role"] == "tool");
        let understood: Vec<_> = understood
            .map(|message| message["content"].to_string())
            .collect();
        assert_eq!(understood.len(), 2, "{spoken:?}: {understood:?}");
        assert!(understood[0].contains("3333"), "{spoken:?}: {understood:?}");
        assert!(understood[1].contains("9999"), "{spoken:?}: {understood:?}");
    }
}

/// The requests to a model, as the server understood them.
async fn journal(rt: &Rt, net: &Arc<dyn Net>, root: &str, model: &str) -> Vec<Value> {
    let request = http::Request::get(format!("{root}/__aimock/journal"));
    let request = request.body(Bytes::new()).unwrap();
    let response = H1Transport::new(rt, Arc::clone(net)).send(request).await;
    let body = response
        .unwrap()
        .into_body()
        .collect(1 << 24)
        .await
        .unwrap();
    let entries: Vec<Value> = serde_json::from_slice(&body).unwrap();
    let bodies = entries.into_iter().map(|mut entry| entry["body"].take());
    bodies.filter(|body| body["model"] == model).collect()
}

async fn a_wrong_call_is_told_to_the_model_beside_a_right_one(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let reply = branch.communicate("Do one sum and two mistakes.").await;
        let reply = reply.unwrap();
        assert_eq!(
            reply.text(),
            "There is nothing that subtracts.",
            "{spoken:?}"
        );
        let results = results(&branch);
        let failed: Vec<_> = results.iter().map(|result| result.is_error).collect();
        assert_eq!(failed, [false, true, true], "{spoken:?}: {results:?}");
        assert_eq!(results[0].text, "3333", "{spoken:?}");
        assert_whole(&branch);
    }
}

async fn a_refusal_after_a_tool_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        branch.communicate("say hello").await.unwrap();
        let before = branch.history();
        let question = "fail after the sum";
        let error = branch.communicate(question).await.unwrap_err();
        assert_eq!(status(&error, spoken), 400);
        assert_eq!(error.attempts(), 2, "{spoken:?}");
        let error = branch.stream(question).reply().await.unwrap_err();
        assert_eq!(status(&error, spoken), 400);
        assert_eq!(branch.history(), before, "{spoken:?}");
        assert_usable(&branch, "say hello").await;
    }
}

async fn a_stream_that_breaks_off_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "break off after the sum";
        let error = branch.stream(question).reply().await.unwrap_err();
        assert!(
            failure(&error, spoken).is_retryable(),
            "{spoken:?}: {error:?}"
        );
        assert!(branch.history().is_empty(), "{spoken:?}");
        for question in ["be malformed", "hang up"] {
            let error = branch.communicate(question).await.unwrap_err();
            failure(&error, spoken);
            assert!(branch.history().is_empty(), "{spoken:?}");
        }
        assert_usable(&branch, "say hello").await;
    }
}

async fn a_stream_that_is_dropped_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let mut turn = branch.stream("be slow");
        let first = turn.item().await.unwrap();
        let is_piece = matches!(first, Some(StreamItem::Turn(TurnItem::Chunk(_))));
        assert!(is_piece, "{spoken:?}: {first:?}");
        drop(turn);
        assert!(branch.history().is_empty(), "{spoken:?}");
        assert_usable(&branch, "say hello").await;
    }
}
