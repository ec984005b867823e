//! What steps did, to be counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fascine::flow::{Flow, Graph, GraphBuilder, MemoryCheckpoint, RunId};
use fascine::rt::Rt;

use crate::durations::ms;

/// How often each step was really run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects(Arc<Mutex<BTreeMap<String, u32>>>);

impl Effects {
    pub(crate) fn add(&self, step: &str) {
        *self.0.lock().unwrap().entry(step.to_owned()).or_default() += 1;
    }

    pub(crate) fn of(&self, step: &str) -> u32 {
        self.0.lock().unwrap().get(step).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> BTreeMap<String, u32> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

pub(crate) fn run_id(name: &str) -> RunId {
    RunId::new(name).unwrap()
}

/// A run of one step that was started and dropped midway.
pub(crate) async fn interrupted(rt: &Rt, graph: &Graph, store: &MemoryCheckpoint, name: &str) {
    let flow = Flow::new(rt).with_checkpoint(store.clone(), run_id(name));
    let run = rt.spawn(flow.start(graph));
    rt.sleep(ms(5)).await;
    drop(run);
}

/// `pay`, which takes a while, before `tell`.
pub(crate) fn paying(rt: &Rt, effects: &Effects, is_idempotent: bool) -> Graph {
    let mut graph = GraphBuilder::new();
    let (clock, seen) = (rt.clone(), effects.clone());
    let mut pay = graph.step("pay", move |context| {
        let (clock, seen) = (clock.clone(), seen.clone());
        async move {
            seen.add("pay");
            clock.sleep(ms(10)).await;
            Ok(context.idempotency_key().unwrap())
        }
    });
    if is_idempotent {
        pay = pay.idempotent();
    }
    let pay = pay.id();
    let seen = effects.clone();
    graph.then("tell", pay, move |_, key| {
        seen.add("tell");
        async move { Ok(key.to_string()) }
    });
    graph.build().unwrap()
}
