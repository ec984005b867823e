use std::path::Path;
use std::sync::Arc;

use fascine_flow::{Durability, Flow, Graph, GraphBuilder, RunId, SqliteCheckpoint};
use fascine_rt::Rt;
use rusqlite::Connection;
use tokio::runtime::Runtime;

use super::stopwatch::{compare, timed};
use crate::harness::Options;

/// Taking up a run of 10,000 recorded steps, to its report; and reading the rows that it reads.
pub(crate) fn run(options: &Options, runtime: &Arc<Runtime>, rt: &Rt) {
    let name = "flow/resume/10000";
    if !options.wants(name) {
        return;
    }
    let folder = std::env::temp_dir().join(format!("fascine-peers-{}", std::process::id()));
    let made = std::fs::create_dir_all(&folder).map_err(Error::from);
    let path = folder.join("runs.sqlite");
    let measured = made.and_then(|()| measure(options, name, runtime, rt, &path));
    let _ = std::fs::remove_dir_all(&folder);
    if let Err(error) = measured {
        panic!("{name} cannot be measured: {error}");
    }
}

type Error = Box<dyn std::error::Error>;

fn measure(
    options: &Options,
    name: &str,
    runtime: &Runtime,
    rt: &Rt,
    path: &Path,
) -> Result<(), Error> {
    let (graph, id) = (fan_out()?, RunId::new("resumed")?);
    let flow = Flow::new(rt);
    let opened = SqliteCheckpoint::open_with(rt, path, Durability::Process);
    let store = runtime.block_on(opened)?;
    let recorded = flow.clone().with_checkpoint(store.clone(), id.clone());
    let report = runtime.block_on(recorded.run(&graph));
    if let Some(error) = report.checkpoint_error {
        return Err(error.to_string().into());
    }
    let connection = Connection::open(path)?;
    let ours = Box::new(|| {
        timed(|| {
            runtime.block_on(async {
                let resumed = flow.resume(store.clone(), id.clone()).start(&graph).await;
                match resumed {
                    Ok(run) => assert!(run.await.is_success(), "all of it is recorded"),
                    Err(error) => panic!("{error}"),
                }
            });
        })
    });
    let theirs = Box::new(|| {
        timed(|| {
            let rows = read(&connection);
            assert!(rows.is_ok_and(|rows| rows.len() == STEPS as usize));
        })
    });
    compare(options, name, STEPS, ours, vec![("rusqlite", theirs)]);
    Ok(())
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<(i64, String, String)>> {
    let mut select =
        connection.prepare("select number, step, text from records order by run, number")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

fn fan_out() -> Result<Graph, Error> {
    let mut graph = GraphBuilder::new();
    for number in 0..STEPS {
        graph.step(format!("step {number}"), move |_| async move { Ok(number) });
        if number > 0 {
            graph.edge("step 0", format!("step {number}"));
        }
    }
    Ok(graph.build()?)
}

const STEPS: u32 = 10_000;
