//! Branches in programs that are not async.

use std::time::Duration;

use fascine::branch::{Branch, Choices, HandleValidation, Select, StreamItem};
use fascine::concurrency::at_most;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use fascine_testing::conformance::Host;

use crate::branch::calculator::{Add, adding};
use crate::runtimes::TestHost;

/// A conversation with timers in it, outside of async code.
fn talk(rt: &Rt) {
    let model = ScriptedModel::new(rt)
        .with_delay(Duration::from_millis(2))
        .with_rule("legs", r#"{"answer": 8}"#)
        .with_rule("choose", "two")
        .with_line(adding("1", 1, 1))
        .with_answer("It is two.")
        .with_answer("a b c");
    let branch = Branch::builder(rt, "b", model).tools(Add::alone()).build();
    let blocking = branch.blocking();
    assert_eq!(blocking.communicate("1 + 1?").unwrap().text(), "It is two.");
    assert_eq!(blocking.operate::<u32>("legs").unwrap().value, 8);
    let outcome = blocking.operate_as::<u32>("legs", HandleValidation::ReturnNone);
    assert!(outcome.unwrap().value.is_valid());
    let what = Select::new("choose", Choices::texts(["one", "two"]));
    assert_eq!(blocking.select(what).unwrap().selected, ["two"]);
    assert_eq!(blocking.parse::<u32>("8").unwrap().value, 8);
    assert_eq!(blocking.chat("legs").unwrap().text(), r#"{"answer": 8}"#);
    let items: Vec<_> = blocking.stream("?").map(Result::unwrap).collect();
    assert!(matches!(items.last(), Some(StreamItem::Reply(_))));
    let inputs = vec!["legs"; 3];
    let replies = blocking.batch(inputs, at_most(2).unwrap());
    assert_eq!(replies.filter(Result::is_ok).count(), 3);
    assert_eq!(branch.history().turns().len(), 5);
}

fn talk_on(host: impl Host) {
    talk(&host.rt());
    // From a thread of the program's own, too.
    let rt = host.rt();
    std::thread::spawn(move || talk(&rt)).join().unwrap();
}

#[test]
fn a_program_without_async_talks_on_the_test_runtime() {
    talk_on(TestHost(TestRuntime::new()));
}

#[cfg(feature = "smol")]
#[test]
fn a_program_without_async_talks_on_smol() {
    talk_on(crate::runtimes::SmolHost);
}

#[cfg(feature = "async-std")]
#[test]
fn a_program_without_async_talks_on_async_std() {
    talk_on(crate::runtimes::AsyncStdHost);
}

#[cfg(feature = "tokio")]
#[test]
fn a_program_without_async_talks_on_tokio() {
    talk_on(crate::runtimes::TokioHost::current_thread());
    talk_on(crate::runtimes::TokioHost::multi_thread());
}

#[cfg(feature = "async-executor")]
#[test]
fn a_program_without_async_talks_on_an_embedded_executor() {
    talk_on(crate::runtimes::EmbeddedHost::new());
    talk_on(crate::runtimes::HostThreads::new());
}

#[test]
#[should_panic(expected = "block_on was called from async code")]
fn blocking_inside_async_code_is_refused() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let _ = branch.blocking().communicate("?");
    });
}

#[test]
fn blocking_work_may_block_on_a_branch() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::new(&rt, "b", EchoModel);
        let blocking = branch.blocking();
        let reply = rt.unblock(move || blocking.communicate("?").unwrap().text());
        assert_eq!(reply.await.unwrap(), "?");
        assert_eq!(branch.history().len(), 2);
    });
}
