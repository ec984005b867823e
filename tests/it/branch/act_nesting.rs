//! Tools that ask models.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fascine::branch::{
    Act, ActOptions, Branch, ToolContext, ToolError, ToolSet, blocking_tool_with_context, tool,
    tool_with_context,
};
use fascine::http::Net;
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;

use super::act::{branch, call};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_tool_that_asks_the_branch_that_waits_for_it_is_told,
    a_tool_may_ask_a_fork,
}

const TOLD: &str = "branch `b` was asked by a tool for which its turn waits; ask a fork";

/// A branch whose tools know it.
fn knows_itself(rt: &Rt) -> Branch {
    let itself: Arc<OnceLock<Branch>> = Arc::default();
    let ask = |itself: &Arc<OnceLock<Branch>>| itself.get().cloned().unwrap();
    let (one, two, three) = (
        Arc::clone(&itself),
        Arc::clone(&itself),
        Arc::clone(&itself),
    );
    let inside = tool(move |(): ()| {
        let branch = ask(&one);
        async move { branch.communicate("x").await.map(|reply| reply.text()) }
    });
    let spawned = tool_with_context(move |(): (), context: ToolContext| {
        let branch = ask(&two);
        async move {
            let asks = async move { branch.communicate("x").await.map(|reply| reply.text()) };
            let task = context.rt.spawn(context.within(asks));
            task.await
                .map_err(ToolError::failed)?
                .map_err(ToolError::failed)
        }
    });
    let blocking = blocking_tool_with_context(move |(): (), _: ToolContext| {
        let branch = ask(&three);
        future::block_on(branch.communicate("x")).map(|reply| reply.text())
    });
    let tools = [
        inside.named("inside"),
        spawned.named("spawned"),
        blocking.named("blocking"),
    ];
    let branch = branch(rt, tools);
    itself.set(branch.clone()).unwrap();
    branch
}

async fn a_tool_that_asks_the_branch_that_waits_for_it_is_told(rt: Rt, _: Arc<dyn Net>) {
    let branch = knows_itself(&rt);
    for name in ["inside", "spawned", "blocking"] {
        let result = &branch
            .act(Act::new([call(1, name, "")]).kept())
            .await
            .unwrap()[0];
        assert!(result.is_error, "{name}");
        assert_eq!(result.text, format!("the tool failed: {TOLD}"), "{name}");
    }
    // Outside of a turn nobody waits.
    for name in ["inside", "spawned"] {
        let result = &branch.act(call(1, name, "")).await.unwrap()[0];
        assert_eq!(result.text, "x", "{name}");
    }
}

async fn a_tool_may_ask_a_fork(rt: Rt, _: Arc<dyn Net>) {
    let asks = |(): (), context: ToolContext| async move {
        let fork = context
            .fork("inner")
            .ok_or_else(|| ToolError::failed("no branch"))?;
        let reply = fork.communicate("from within").await;
        reply.map(|reply| reply.text()).map_err(ToolError::failed)
    };
    let asks = tool_with_context(asks).named("asks");
    let branch = branch(&rt, [asks]);
    let result = &branch
        .act(Act::new([call(1, "asks", "")]).kept())
        .await
        .unwrap()[0];
    assert_eq!(result.text, "from within");
}

#[test]
fn a_ring_of_branches_that_ask_each_other_is_found() {
    TestRuntime::run(|rt| async move {
        let first: Arc<OnceLock<Branch>> = Arc::default();
        let back = Arc::clone(&first);
        let asks_first = tool(move |(): ()| {
            let first = back.get().cloned().unwrap();
            async move { first.communicate("x").await.map(|reply| reply.text()) }
        });
        let second = branch(&rt, [asks_first.named("back")]);
        let asks_second = tool(move |(): ()| {
            let second = second.clone();
            async move {
                let act = second.act(Act::new([call(1, "back", "")]).kept()).await;
                act.map(|results| results[0].text.clone())
            }
        });
        let branch = branch(&rt, [asks_second.named("there")]);
        first.set(branch.clone()).unwrap();
        let results = branch.act(Act::new([call(1, "there", "")]).kept()).await;
        assert_eq!(results.unwrap()[0].text, format!("the tool failed: {TOLD}"));
    });
}

#[test]
fn somebody_else_who_asks_meanwhile_waits_for_the_turn() {
    TestRuntime::run_seeds(8, |rt| async move {
        let sleeps = |(): (), context: ToolContext| async move {
            context.rt.sleep(Duration::from_secs(1)).await;
        };
        let branch = branch(&rt, [tool_with_context(sleeps).named("sleeps")]);
        let acts = branch.act(Act::new([call(1, "sleeps", "")]).kept());
        let asks = async {
            rt.sleep(Duration::from_millis(500)).await;
            branch.communicate("x").await
        };
        let (acted, asked) = future::zip(acts, asks).await;
        acted.unwrap();
        asked.unwrap();
        assert_eq!(branch.history().turns().len(), 2);
    });
}

#[test]
fn tools_may_call_each_other_only_so_deep() {
    TestRuntime::run(|rt| async move {
        let deeper = |(): (), context: ToolContext| async move {
            let fork = context
                .fork("deeper")
                .ok_or_else(|| ToolError::failed("no branch"))?;
            let options = ActOptions::default().with_max_depth(NonZeroUsize::new(4).unwrap());
            let what = Act::new([call(1, "deeper", "")])
                .with_options(options)
                .kept();
            // A box, because the future contains itself.
            let acted: std::pin::Pin<Box<dyn Future<Output = _> + Send>> =
                Box::pin(async move { fork.act(what).await });
            let results = acted.await.map_err(ToolError::failed)?;
            Ok::<_, ToolError>(format!("{}, {}", context.depth, results[0].text))
        };
        let tools = ToolSet::new().try_with(tool_with_context(deeper).named("deeper"));
        let branch = Branch::builder(&rt, "b", EchoModel).tools(tools.unwrap());
        let results = branch.build().act(call(1, "deeper", "")).await.unwrap();
        let last = "the tool was not called: tools may call each other 4 levels deep";
        assert_eq!(results[0].text, format!("1, 2, 3, 4, {last}"));
    });
}
