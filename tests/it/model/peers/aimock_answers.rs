//! Answers that are data, from `@copilotkit/aimock`.
//!
//! Of the schemas that are sent the provider's own way it reads those of chat completions, and no others; one that is in
//! the prompt it can tell over every API.

use std::sync::Mutex;

use fascine::branch::{
    AnswerOptions, Branch, BranchError, EventKind, Operate, OperateItem, OperateStream,
    SchemaDelivery, SnapshotItem,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::turns::branches;
use super::*;
use crate::calculator::{assert_usable, assert_whole};
use crate::turns::{Animal, Seen, results, spider, status};

on_real_runtimes! {
    a_schema_goes_the_way_of_the_provider,
    a_schema_goes_into_the_prompt_if_it_has_to,
    data_comes_whole_and_as_it_grows,
    a_list_comes_as_it_grows,
    a_sloppy_answer_is_mended_without_asking_again,
    an_answer_that_does_not_fit_is_asked_for_again,
    an_answer_that_never_fits_leaves_the_branch_as_it_was,
    a_refusal_of_the_second_answer_leaves_the_branch_as_it_was,
    a_tool_is_called_on_the_way_to_the_data,
}

async fn a_schema_goes_the_way_of_the_provider(rt: Rt, net: Arc<dyn Net>) {
    for (_, branch) in branches(&rt, &net)
        .iter()
        .filter(|(spoken, _)| *spoken == Spoken::OpenAi)
    {
        let native = AnswerOptions::default().with_delivery(SchemaDelivery::Native);
        let what = Operate::new("describe it by the schema").with_answer(native);
        let answer = branch.operate::<Animal>(what).await.unwrap();
        assert_eq!((answer.value, answer.reply.attempts), (spider(), 1));
        // The server refuses who asks for it without.
        let error = branch.communicate("describe it by the schema").await;
        assert_eq!(status(&error.unwrap_err(), "without"), 400);
    }
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Snake {
    name: String,
    venomous: bool,
}

async fn a_schema_goes_into_the_prompt_if_it_has_to(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let prompted = AnswerOptions::default().with_delivery(SchemaDelivery::Prompt);
        let what = Operate::new("describe a snake").with_answer(prompted);
        let answer = branch.operate::<Snake>(what).await.unwrap();
        assert!(answer.value.venomous, "{spoken:?}");
        assert_eq!(answer.reply.attempts, 1, "{spoken:?}");
        // The server refuses the schema anywhere else.
        let answer = branch.operate::<Snake>("describe a snake").await.unwrap();
        assert!(answer.value.venomous, "{spoken:?}");
        assert_eq!(
            (answer.reply.attempts, answer.re_asked),
            (2, 0),
            "{spoken:?}"
        );
        for turn in branch.history().turns() {
            assert_eq!(turn.messages()[0].text(), "describe a snake", "{spoken:?}");
        }
        assert_eq!(branch.history().len(), 4, "{spoken:?}");
    }
}

/// Follows a turn to its end: what was seen, and the data.
async fn grown<T: DeserializeOwned>(mut turn: OperateStream<T>) -> (Seen, T) {
    let mut seen = Seen::default();
    while let Some(item) = turn.item().await.unwrap() {
        match item {
            OperateItem::Turn(item) => seen.add(item),
            OperateItem::Answer(answer) => return (seen, answer.value),
        }
    }
    panic!("a stream ends with its answer: {seen:?}");
}

async fn data_comes_whole_and_as_it_grows(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "describe a spider";
        let answer = branch.operate::<Animal>(question).await.unwrap();
        assert_eq!((answer.value, answer.re_asked), (spider(), 0), "{spoken:?}");
        let (seen, animal) = grown(branch.operate_stream::<Animal>(question)).await;
        assert_eq!(animal, spider(), "{spoken:?}");
        assert!(seen.pieces > 1, "{spoken:?}: {seen:?}");
        assert_eq!(branch.history().len(), 4, "{spoken:?}");
    }
}

async fn a_list_comes_as_it_grows(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let stream = branch.operate_stream::<Vec<String>>("list two animals");
        let mut snapshots = stream.snapshots::<Vec<String>>();
        let (mut seen, mut whole) = (Vec::new(), Vec::new());
        while let Some(item) = snapshots.item().await.unwrap() {
            match item {
                SnapshotItem::Snapshot(list) => seen.push(list.len()),
                SnapshotItem::Answer(answer) => whole = answer.value,
                SnapshotItem::Turn(_) => {}
            }
        }
        assert_eq!(whole, ["cat", "dog"], "{spoken:?}");
        assert!(
            seen.is_sorted() && seen.contains(&1),
            "{spoken:?}: {seen:?}"
        );
        assert_eq!(seen.last(), Some(&2), "{spoken:?}");
    }
}

async fn a_sloppy_answer_is_mended_without_asking_again(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let mended = Arc::new(Mutex::new(0));
        let count = Arc::clone(&mended);
        let observation = branch.observe_kinds([EventKind::Repaired], move |_| {
            *count.lock().unwrap() += 1;
        });
        let answer = branch.operate::<Animal>("describe a sloppy spider").await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.value, answer.reply.attempts),
            (spider(), 1),
            "{spoken:?}"
        );
        let (seen, animal) = grown(branch.operate_stream("describe a sloppy spider")).await;
        assert_eq!((animal, seen.re_asked), (spider(), 0), "{spoken:?}");
        assert_eq!(*mended.lock().unwrap(), 2, "{spoken:?}");
        drop(observation);
    }
}

async fn an_answer_that_does_not_fit_is_asked_for_again(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "describe a legless spider";
        let answer = branch.operate::<Animal>(question).await.unwrap();
        assert_eq!((answer.value, answer.re_asked), (spider(), 1), "{spoken:?}");
        assert_eq!(answer.reply.requests.len(), 2, "{spoken:?}");
        let (seen, animal) = grown(branch.operate_stream::<Animal>(question)).await;
        assert_eq!((animal, seen.re_asked), (spider(), 1), "{spoken:?}");
        assert!(seen.text.contains("legs"), "{spoken:?}: {seen:?}");
        // The history has what fits, and nothing of the way there.
        assert_eq!(branch.history().len(), 4, "{spoken:?}");
    }
}

/// As [`branches`], with a system prompt that tells the server what to do.
fn told(rt: &Rt, net: &Arc<dyn Net>, system: &str) -> Vec<(Spoken, Branch)> {
    let fork = |branch: Branch| branch.fork_builder("told").system(system).build();
    let branches = branches(rt, net).into_iter();
    branches
        .map(|(spoken, branch)| (spoken, fork(branch)))
        .collect()
}

async fn an_answer_that_never_fits_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in told(&rt, &net, "Never fit.") {
        branch.communicate("say hello").await.unwrap();
        let before = branch.history();
        let error = branch
            .operate::<Animal>("describe a spider")
            .await
            .unwrap_err();
        assert_eq!(error.attempts(), 3, "{spoken:?}");
        let BranchError::Invalid { incomplete, .. } = error else {
            panic!("{spoken:?}: {error:?}")
        };
        assert_eq!(incomplete.value["name"], "spider", "{spoken:?}");
        assert_eq!(incomplete.missing[0].as_str(), "/legs", "{spoken:?}");
        assert_eq!(branch.history(), before, "{spoken:?}");
        assert_usable(&branch, "say hello").await;
    }
}

async fn a_refusal_of_the_second_answer_leaves_the_branch_as_it_was(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in told(&rt, &net, "Fail at the second.") {
        let question = "describe a legless spider";
        let error = branch.operate::<Animal>(question).await.unwrap_err();
        assert_eq!((status(&error, spoken), error.attempts()), (400, 2));
        let mut stream = branch.operate_stream::<Animal>(question);
        let error = loop {
            match stream.item().await {
                Ok(Some(OperateItem::Turn(_))) => {}
                Ok(other) => panic!("{spoken:?}: {other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(status(&error, spoken), 400);
        assert!(branch.history().is_empty(), "{spoken:?}");
        assert_usable(&branch, "say hello").await;
    }
}

async fn a_tool_is_called_on_the_way_to_the_data(rt: Rt, net: Arc<dyn Net>) {
    for (spoken, branch) in branches(&rt, &net) {
        let question = "add up its legs";
        let answer = branch.operate::<Animal>(question).await.unwrap();
        assert_eq!(
            (answer.value, answer.reply.attempts),
            (spider(), 2),
            "{spoken:?}"
        );
        let (seen, animal) = grown(branch.operate_stream::<Animal>(question)).await;
        assert_eq!(
            (animal, seen.called),
            (spider(), vec!["add".to_owned()]),
            "{spoken:?}"
        );
        assert_eq!(results(&branch)[0].text, "8", "{spoken:?}");
        assert_whole(&branch);
        assert_eq!(branch.history().len(), 8, "{spoken:?}");
    }
}
