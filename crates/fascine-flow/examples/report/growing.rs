use std::time::Duration;

use fascine_flow::{Each, Flow, FlowReport, Graph, GraphBuilder, Question, Repeat, Round};
use fascine_rt::Rt;

use crate::refused;

/// Pages are read, many at once; their digest is improved in rounds of a draft and a review; then somebody is asked, and
/// the run is suspended.
pub(crate) async fn run(rt: Rt, pages: usize) -> (Graph, FlowReport) {
    let graph = graph(&rt, pages).build().expect("the names are unique");
    let flow = Flow::new(&rt).suspend_when_waiting();
    let report = flow.run(&graph).await;
    (graph, report)
}

fn graph(rt: &Rt, pages: usize) -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    let list = graph.step("list pages", move |_| async move {
        Ok((0..pages as u64).collect::<Vec<u64>>())
    });
    let list = list.id();
    let clock = rt.clone();
    let read = graph.map_settled("read", list, Each::concurrent(), move |_, page| {
        let clock = clock.clone();
        async move {
            let time = 200 + 97 * (page * 7 % 11);
            clock.sleep(Duration::from_millis(time)).await;
            if page % 9 == 4 {
                Err(refused().into())
            } else {
                Ok(time)
            }
        }
    });
    let read = read.id();
    let clock = rt.clone();
    let round = Repeat::at_most(5);
    let improve = graph.repeat("improve <the digest>", round, move |context, before| {
        let clock = clock.clone();
        async move {
            let number = before.unwrap_or(0) + 1;
            context.run(&draft(&clock)?).await?;
            Ok(if number < 3 {
                Round::Again(number)
            } else {
                Round::Done(number)
            })
        }
    });
    let improve = improve.id();
    graph.edge(read, improve);
    let ask = graph.ask("may it be mailed?", improve, |_, _| async {
        Ok(Question::<bool>::new("May it be mailed?"))
    });
    let ask = ask.id();
    graph.then("mail", ask, |_, _| async { Ok(()) });
    graph
}

fn draft(rt: &Rt) -> Result<Graph, fascine_flow::GraphError> {
    let mut graph = GraphBuilder::new();
    for (name, time) in [("draft", 400), ("review", 150)] {
        let clock = rt.clone();
        graph.step(name, move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_millis(time)).await;
                Ok(())
            }
        });
    }
    graph.edge("draft", "review");
    graph.build()
}
