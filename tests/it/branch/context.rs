use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fascine::branch::{
    Branch, BranchError, BranchEvent, Context, ContextError, ContextProvider, EventKind,
    EventRecord, OnContextError, ToolSet, tool,
};
use fascine::concurrency::{fail_after, join_all};
use fascine::http::Net;
use fascine::message::ToolCall;
use fascine::model::{EchoModel, Line, ScriptedModel};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::{ms, seconds};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_providers_say_reaches_the_model_in_order,
}

/// Says how often it was asked, a second later, or fails as often as it is told to.
#[derive(Clone, Debug)]
struct Counter {
    rt: Rt,
    asked: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
}

impl Counter {
    fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            asked: Arc::default(),
            failures: Arc::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn fail(&self, times: usize) {
        self.failures.store(times, Ordering::SeqCst);
    }
}

impl ContextProvider for Counter {
    fn title(&self) -> &str {
        "Asked"
    }

    fn info(&self) -> BoxFuture<Result<String, Box<dyn Error + Send + Sync>>> {
        let this = self.clone();
        Box::pin(async move {
            let number = this.asked.fetch_add(1, Ordering::SeqCst) + 1;
            this.rt.sleep(seconds(1)).await;
            let left = this.failures.load(Ordering::SeqCst);
            if left > 0 {
                this.failures.store(left - 1, Ordering::SeqCst);
                return Err(io::Error::other("the database is down").into());
            }
            Ok(number.to_string())
        })
    }
}

/// A branch whose model hears what `context` says, and what it heard.
fn branch(rt: &Rt, context: impl Into<Context>) -> (Branch, ScriptedModel) {
    let model = ScriptedModel::new(rt).with_rule("", "a");
    let branch = Branch::builder(rt, "b", model.clone());
    let branch = branch.register_context_provider("counter", context);
    (branch.build(), model)
}

fn heard(model: &ScriptedModel) -> Vec<String> {
    let requests = model.requests();
    let first = requests.iter().map(|request| request.messages[0].text());
    first.collect()
}

async fn what_providers_say_reaches_the_model_in_order(rt: Rt, _: Arc<dyn Net>) {
    let model = ScriptedModel::new(&rt).with_rule("", "a");
    let slow = rt.clone();
    let branch = Branch::builder(&rt, "b", model.clone())
        .register_context_provider(
            "slow",
            Context::new("Slow", move || {
                let rt = slow.clone();
                async move {
                    rt.sleep(ms(5)).await;
                    "1"
                }
            }),
        )
        .register_context_provider("fast", Context::from_fn("Fast", || Ok::<_, io::Error>("2")))
        .build();
    branch.communicate("x").await.unwrap();
    assert_eq!(heard(&model), ["Slow:\n1\n\nFast:\n2"]);
}

#[test]
fn they_are_asked_at_the_same_time_and_once_for_a_turn() {
    TestRuntime::run(|rt| async move {
        let model = ScriptedModel::new(&rt).with_rule("", "a");
        let (one, two) = (Counter::new(&rt), Counter::new(&rt));
        let branch = Branch::builder(&rt, "b", model.clone())
            .register_context_provider("one", one.clone())
            .register_context_provider("two", two.clone())
            .build();
        let started = rt.now();
        branch.communicate("x").await.unwrap();
        assert_eq!(rt.now() - started, seconds(1));
        assert_eq!((one.asked(), two.asked()), (1, 1));
        branch.communicate("y").await.unwrap();
        assert_eq!((one.asked(), two.asked()), (2, 2));
        assert_eq!(branch.history().len(), 4, "what they say is not stored");
    });
}

#[test]
fn a_turn_of_several_requests_asks_them_once() {
    TestRuntime::run(|rt| async move {
        let counter = Counter::new(&rt);
        let now = tool(|(): ()| async { "noon" }).named("now");
        let call = Line::tool_calls([ToolCall::new("1", "now", "{}")]);
        let model = ScriptedModel::new(&rt).with_line(call).with_answer("a");
        let branch = Branch::builder(&rt, "b", model.clone())
            .tools(ToolSet::new().with(now))
            .register_context_provider("counter", counter.clone())
            .build();
        branch.communicate("When?").await.unwrap();
        assert_eq!((counter.asked(), model.requests().len()), (1, 2));
        assert_eq!(heard(&model), ["Asked:\n1", "Asked:\n1"]);
    });
}

#[test]
fn what_is_kept_is_asked_again_when_its_time_has_come_and_not_before() {
    TestRuntime::run(|rt| async move {
        let counter = Counter::new(&rt);
        let (branch, model) = branch(&rt, Context::from(counter.clone()).with_ttl(seconds(60)));
        branch.communicate("x").await.unwrap();
        rt.sleep(seconds(60) - ms(1)).await;
        branch.communicate("x").await.unwrap();
        assert_eq!(counter.asked(), 1);
        rt.sleep(ms(1)).await;
        branch.communicate("x").await.unwrap();
        assert_eq!(heard(&model), ["Asked:\n1", "Asked:\n1", "Asked:\n2"]);
    });
}

#[test]
fn many_turns_at_once_share_one_answer_and_one_failure() {
    TestRuntime::run_seeds(16, |rt| async move {
        let counter = Counter::new(&rt);
        let (branch, model) = branch(&rt, Context::from(counter.clone()).with_cache());
        let forks: Vec<_> = (0..20).map(|n| branch.fork(n.to_string())).collect();
        let ask_all = || join_all(forks.iter().map(|fork| fork.communicate("x")));
        counter.fail(1);
        for refused in ask_all().await {
            let error = refused.unwrap_err();
            assert!(matches!(error, BranchError::Prompt { .. }), "{error:?}");
            let chain: Vec<_> = std::iter::successors(error.source(), |error| (*error).source())
                .map(ToString::to_string)
                .collect();
            let expected = [
                "the system prompt lacks `counter`",
                "the context provider failed",
                "the database is down",
            ];
            assert_eq!(chain, expected);
        }
        assert_eq!((counter.asked(), model.requests().len()), (1, 0));
        for answer in ask_all().await {
            answer.unwrap();
        }
        assert_eq!(counter.asked(), 2);
        assert!(heard(&model).iter().all(|text| text == "Asked:\n2"));
    });
}

#[test]
fn what_is_invalidated_is_asked_again_even_if_it_is_being_asked() {
    TestRuntime::run_seeds(16, |rt| async move {
        let counter = Counter::new(&rt);
        let (branch, model) = branch(&rt, Context::from(counter.clone()).with_cache());
        let (early, late) = (branch.fork("early"), branch.fork("late"));
        let asked = async {
            early.communicate("x").await.unwrap();
        };
        let invalidated = async {
            rt.sleep(ms(500)).await;
            branch.context_provider("counter").unwrap().invalidate();
            late.communicate("x").await.unwrap();
        };
        future::zip(asked, invalidated).await;
        let mut texts = heard(&model);
        texts.sort();
        assert_eq!(texts, ["Asked:\n1", "Asked:\n2"]);
        branch.communicate("x").await.unwrap();
        assert_eq!(counter.asked(), 2, "the later answer is kept");
    });
}

#[test]
fn the_deadline_of_the_turn_that_asks_is_not_that_of_the_others() {
    TestRuntime::run_seeds(16, |rt| async move {
        let counter = Counter::new(&rt);
        let (branch, _) = branch(&rt, Context::from(counter.clone()).with_cache());
        let (hasty, patient) = (branch.fork("hasty"), branch.fork("patient"));
        let (cut, answered) = future::zip(
            fail_after(&rt, ms(500), hasty.communicate("x")),
            patient.communicate("x"),
        )
        .await;
        assert!(cut.is_err());
        answered.unwrap();
        hasty.communicate("x").await.unwrap();
        assert!(counter.asked() <= 2);
    });
}

#[test]
fn a_provider_may_fail_be_left_out_or_be_taken_at_its_last_word() {
    TestRuntime::run(|rt| async move {
        for (policy, expected) in [
            (OnContextError::Fail, None),
            (OnContextError::LastGood, Some("Asked:\n1")),
            (OnContextError::Skip, Some("x")),
        ] {
            let counter = Counter::new(&rt);
            let (branch, model) = branch(&rt, Context::from(counter.clone()).with_on_error(policy));
            let told: Arc<Mutex<Vec<BranchEvent>>> = Arc::default();
            let telling = Arc::clone(&told);
            branch
                .observe_kinds([EventKind::ContextSkipped], move |record: &EventRecord| {
                    telling.lock().unwrap().push(record.event.clone());
                })
                .detach();
            branch.communicate("x").await.unwrap();
            counter.fail(1);
            let asked = branch.communicate("x").await;
            let told = told.lock().unwrap();
            let Some(expected) = expected else {
                assert_eq!(asked.unwrap_err().attempts(), 0);
                assert!(told.is_empty());
                assert_eq!(branch.history().len(), 2);
                continue;
            };
            let turn = asked.unwrap().turn;
            assert_eq!(heard(&model)[1], expected);
            let event = BranchEvent::ContextSkipped {
                turn: Some(turn),
                provider: "counter".into(),
                reason: "the context provider failed: the database is down".into(),
            };
            assert_eq!(*told, [event]);
        }
    });
}

#[test]
fn without_a_last_word_the_turn_fails() {
    TestRuntime::run(|rt| async move {
        let counter = Counter::new(&rt);
        counter.fail(1);
        let context = Context::from(counter).with_on_error(OnContextError::LastGood);
        let (branch, _) = branch(&rt, context);
        assert!(branch.communicate("x").await.is_err());
        branch.communicate("x").await.unwrap();
    });
}

#[test]
fn a_slow_provider_is_cut_and_a_panicking_one_is_caught() {
    TestRuntime::run(|rt| async move {
        let (branch, _) = branch(&rt, Context::from(Counter::new(&rt)).with_timeout(ms(300)));
        let started = rt.now();
        let error = branch.communicate("x").await.unwrap_err();
        assert_eq!(rt.now() - started, ms(300));
        assert!(error.is_retryable());
        let BranchError::Prompt { source, .. } = error else {
            panic!("{error:?}")
        };
        assert!(matches!(source.source, ContextError::TimedOut { limit } if limit == ms(300)));

        let panicking = Context::from_fn("P", || -> String { panic!("no such row") });
        let branch = Branch::builder(&rt, "b", EchoModel);
        let branch = branch.register_context_provider("p", panicking).build();
        let error = branch.communicate("x").await.unwrap_err();
        let BranchError::Prompt { source, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            source.source.to_string(),
            "the context provider panicked: no such row"
        );
        assert!(branch.communicate("x").await.is_err(), "the branch goes on");
    });
}

#[test]
fn dropped_at_any_poll_the_next_turn_asks_again() {
    drop_after_every_poll(|rt, cut| async move {
        let counter = Counter::new(&rt);
        let (branch, _) = branch(&rt, Context::from(counter.clone()).with_cache());
        let (one, other) = (branch.fork("one"), branch.fork("other"));
        let (ended, answered) =
            future::zip(cut.apply(one.communicate("x")), other.communicate("x")).await;
        answered.unwrap();
        assert_eq!(one.history().len(), if ended.is_some() { 2 } else { 0 });
        one.communicate("y").await.unwrap();
        assert!(counter.asked() <= 2);
    });
}
