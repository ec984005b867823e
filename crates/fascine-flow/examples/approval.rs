//! A run that waits for somebody's yes, in a process that does not.
//!
//! ```sh
//! cargo run -p fascine-flow --example approval -- FOLDER          # drafts a letter, asks, and ends
//! cargo run -p fascine-flow --example approval -- FOLDER          # says what it waits for
//! cargo run -p fascine-flow --example approval -- FOLDER yes      # sends it, days later
//! ```
//!
//! The runtime is the one for tests; in a program there stands `Smol.block_on(..)` or the like.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::Path;

use fascine_flow::{
    Checkpoint, CheckpointError, FileCheckpoint, Flow, FlowReport, Graph, GraphBuilder, GraphError,
    Question, RunId,
};
use fascine_rt::Rt;
use fascine_testing::TestRuntime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("a folder is missing")?;
    let answer = args.next();
    TestRuntime::run(|rt| async move { turn(&rt, folder.as_ref(), answer.as_deref()).await })
}

/// What one process does.
async fn turn(rt: &Rt, folder: &Path, answer: Option<&str>) -> Result<(), Box<dyn Error>> {
    let (store, run) = (
        FileCheckpoint::open(rt, folder).await?,
        RunId::new("letter")?,
    );
    let flow = Flow::new(rt).suspend_when_waiting();
    let begun = match store.load(run.clone()).await {
        Ok(_) => true,
        Err(CheckpointError::UnknownRun { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let graph = graph()?;
    let report = match answer {
        Some(answer) if begun => {
            let resume = flow.resume(store, run).answer("approve", answer);
            resume.start(&graph).await?.await
        }
        _ if begun => flow.resume(store, run).start(&graph).await?.await,
        _ => flow.with_checkpoint(store, run).run(&graph).await,
    };
    tell(&report);
    Ok(())
}

fn graph() -> Result<Graph, GraphError> {
    let mut graph = GraphBuilder::new();
    let draft = graph.step("draft", |_| async {
        println!("drafting");
        Ok("Dear customer, it is on its way.".to_owned())
    });
    let draft = draft.id();
    let approve = graph.ask("approve", draft, |_, draft| async move {
        let question = Question::<String>::new("May this be sent?").with_details(&*draft);
        Ok(question.with_choices(["yes", "no"].map(str::to_owned)))
    });
    let approve = approve.id();
    graph.step("send", |_| async {
        println!("sending");
        Ok(())
    });
    graph
        .edge(approve, "send")
        .when(|seen| seen.json() == "yes");
    graph.build()
}

fn tell(report: &FlowReport) {
    for question in &report.questions {
        println!("{}: {} {}", question.step, question.text, question.details);
    }
    if !report.suspended {
        println!("done");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_drafted_once_and_sent_after_the_yes() {
        let folder = std::env::temp_dir().join(format!("fascine-letter-{}", std::process::id()));
        let path = folder.clone();
        let turns = [None, None, Some("yes"), None];
        TestRuntime::run(|rt| async move {
            for answer in turns {
                turn(&rt, &path, answer).await.unwrap();
            }
            let store = FileCheckpoint::open(&rt, &path).await.unwrap();
            let journal = store.load(RunId::new("letter").unwrap()).await.unwrap();
            assert!(journal.open_questions().is_empty());
            assert!(matches!(
                journal.step("send"),
                fascine_flow::StepRecord::Done(_)
            ));
            let twice = turn(&rt, &path, Some("no")).await.unwrap_err();
            assert_eq!(twice.to_string(), "an answer cannot be taken");
        });
        std::fs::remove_dir_all(folder).unwrap();
    }
}
