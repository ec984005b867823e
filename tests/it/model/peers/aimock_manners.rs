//! Turns of a branch in which `@copilotkit/aimock` does more than answer: it thinks, it talks while it calls, it is cut off.

use fascine::branch::{Branch, BranchError, CallOptions, Communicate, OperateItem, ToolSet, tool};
use fascine::message::Part;
use fascine::model::{Effort, FinishReason};

use super::turns::branches;
use super::*;
use crate::calculator::{assert_usable, assert_whole};
use crate::turns::{Animal, followed, results, spider};

on_real_runtimes! {
    what_was_thought_before_a_call_goes_back_with_it,
    what_is_said_beside_a_call_stays_in_the_turn,
    what_is_said_between_calls_stays_in_the_turn,
    a_call_without_arguments_and_a_null_result_are_whole,
    letters_of_any_size_come_in_pieces,
    an_answer_that_is_cut_off_is_asked_for_again,
    an_answer_that_is_filtered_is_no_data,
}

/// A question to a model that thinks; the server holds Anthropic's to the rule that thoughts come back with their calls.
fn thinking(spoken: Spoken, question: &str) -> Communicate {
    let effort = match spoken {
        Spoken::Anthropic => Effort::Budget(1024),
        _ => Effort::Low,
    };
    let request = Request::default().with_effort(effort);
    Communicate::new(question).with_call(CallOptions::default().with_request(request))
}

/// What was thought in the last turn.
fn thoughts(branch: &Branch) -> Vec<String> {
    let history = branch.history();
    let messages = history.last().unwrap().messages().iter();
    let parts = messages.flat_map(|message| message.content());
    parts
        .filter_map(|part| match part {
            Part::Reasoning(reasoning) => Some(reasoning.text.clone()),
            _ => None,
        })
        .collect()
}

async fn what_was_thought_before_a_call_goes_back_with_it(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = || thinking(spoken, "think before the sum");
        let reply = branch.communicate(question()).await;
        let reply = reply.unwrap_or_else(|error| panic!("{spoken:?}: {error:?}"));
        assert_eq!(reply.text(), "On reflection it is 33.", "{spoken:?}");
        let whole = thoughts(&branch);
        let (seen, reply) = followed(branch.stream(question())).await;
        assert_eq!(reply.text(), "On reflection it is 33.", "{spoken:?}");
        assert_eq!(seen.text, reply.text(), "{spoken:?}");
        assert_eq!(thoughts(&branch), whole, "{spoken:?}");
        let expected: &[&str] = match spoken {
            // The server has another name for thoughts than Ollama.
            Spoken::Ollama => &[],
            _ => &["Sums are for the tool.", "That was easy."],
        };
        assert_eq!(whole, expected, "{spoken:?}");
        assert_eq!(results(&branch)[0].text, "33", "{spoken:?}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 8, "{spoken:?}");
    }
}

async fn what_is_said_beside_a_call_stays_in_the_turn(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "talk before the sum";
        branch.communicate(question).await.unwrap();
        let (seen, reply) = followed(branch.stream(question)).await;
        assert_eq!(reply.text(), "As I said: 44.", "{spoken:?}");
        assert_eq!(seen.text, "I will add them.As I said: 44.", "{spoken:?}");
        for turn in branch.history().turns() {
            let texts: Vec<_> = turn.messages().iter().map(|said| said.text()).collect();
            let expected = [question, "I will add them.", "", "As I said: 44."];
            assert_eq!(texts, expected, "{spoken:?}");
        }
        assert_whole(&branch);
    }
}

async fn what_is_said_between_calls_stays_in_the_turn(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "call before you talk";
        let reply = branch.communicate(question).await.unwrap();
        assert_eq!(reply.text(), "55 and 66.", "{spoken:?}");
        let (seen, reply) = followed(branch.stream(question)).await;
        assert_eq!(reply.text(), "55 and 66.", "{spoken:?}");
        assert_eq!(seen.text, "That is on its way.55 and 66.", "{spoken:?}");
        for turn in branch.history().turns() {
            let said = &turn.messages()[1];
            assert_eq!(said.text(), "That is on its way.", "{spoken:?}");
            assert_eq!(said.tool_calls().count(), 2, "{spoken:?}");
        }
        assert_whole(&branch);
    }
}

async fn a_call_without_arguments_and_a_null_result_are_whole(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let nothing = tool(|(): ()| async {}).named("nothing");
        let tools = ToolSet::new().with(nothing.described("Does nothing."));
        let branch = branch.fork_builder("fork").tools(tools).build();
        let reply = branch.communicate("call with nothing").await;
        let reply = reply.unwrap_or_else(|error| panic!("{spoken:?}: {error:?}"));
        assert_eq!(reply.text(), "It is void.", "{spoken:?}");
        let (_, reply) = followed(branch.stream("call with nothing")).await;
        assert_eq!(reply.text(), "It is void.", "{spoken:?}");
        assert!(!results(&branch)[0].is_error, "{spoken:?}");
        assert_whole(&branch);
    }
}

async fn letters_of_any_size_come_in_pieces(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let answer = branch.operate::<Animal>("draw a spider").await.unwrap();
        let mut stream = branch.operate_stream::<Animal>("draw a spider");
        let streamed = loop {
            match stream.item().await {
                Ok(Some(OperateItem::Answer(answer))) => break answer.value,
                Ok(Some(OperateItem::Turn(_))) => {}
                other => panic!("{spoken:?}: {other:?}"),
            }
        };
        assert_eq!(answer.value, streamed, "{spoken:?}");
        assert_eq!(streamed.name, "🕷 Spinne – größer", "{spoken:?}");
    }
}

async fn an_answer_that_is_cut_off_is_asked_for_again(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "be cut off at the length";
        let reply = branch.communicate(question).await.unwrap();
        // It says that it came to its end over Ollama's API, and gives no reason over the Responses API.
        let expected = match spoken {
            Spoken::Ollama => FinishReason::Stop,
            Spoken::Responses => FinishReason::Other("incomplete".into()),
            _ => FinishReason::Length,
        };
        assert_eq!(reply.finish_reason, expected, "{spoken:?}");
        let answer = branch.operate::<Animal>(question).await.unwrap();
        assert_eq!((answer.value, answer.re_asked), (spider(), 1), "{spoken:?}");
    }
}

async fn an_answer_that_is_filtered_is_no_data(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = match spoken {
            // Its word for a filter is none of Anthropic's.
            Spoken::Anthropic => "be refused",
            // It has none for Ollama, and tells the Responses API of a failure.
            Spoken::Ollama | Spoken::Responses => continue,
            _ => "be filtered",
        };
        let error = branch.operate::<Animal>(question).await.unwrap_err();
        let is_withheld = matches!(error, BranchError::Withheld { .. });
        assert!(is_withheld, "{spoken:?}: {error:?}");
        assert!(branch.history().is_empty(), "{spoken:?}");
        assert_usable(&branch, "say hello").await;
    }
}
