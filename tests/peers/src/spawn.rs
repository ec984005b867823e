use std::sync::Arc;

use fascine_rt::{Rt, Smol, Tokio};
use tokio::runtime::Runtime;

use crate::harness::{Options, Peer, peer};

const TASKS: u32 = 100;

/// What the seam costs: spawning and joining through [`Rt`], and on the bare runtime.
pub(crate) fn run(options: &Options) {
    let rt = Rt::new(Smol);
    options.compare(
        "rt/spawn_join/smol",
        TASKS,
        || Smol.block_on(through(&rt)),
        vec![bare_smol(TASKS)],
    );

    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
    else {
        return;
    };
    let runtime = Arc::new(runtime);
    let adapter = Tokio::of(&runtime);
    let rt = Rt::new(adapter.clone());
    options.compare(
        "rt/spawn_join/tokio",
        TASKS,
        || adapter.block_on(through(&rt)),
        vec![bare_tokio(&runtime, TASKS)],
    );
}

/// Tasks of smol alone, one joined after the other.
#[expect(clippy::disallowed_methods, reason = "the bare runtimes are the peers")]
pub(crate) fn bare_smol(count: u32) -> Peer<'static> {
    peer("smol::spawn", move || {
        smol::block_on(async {
            let tasks: Vec<_> = (0..count).map(|n| smol::spawn(async move { n })).collect();
            for task in tasks {
                task.await;
            }
        });
    })
}

/// Tasks of tokio alone, one joined after the other.
#[expect(clippy::disallowed_methods, reason = "the bare runtimes are the peers")]
pub(crate) fn bare_tokio(runtime: &Runtime, count: u32) -> Peer<'_> {
    peer("tokio::spawn", move || {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..count).map(|n| tokio::spawn(async move { n })).collect();
            for task in tasks {
                let _ = task.await;
            }
        });
    })
}

async fn through(rt: &Rt) {
    let tasks: Vec<_> = (0..TASKS).map(|n| rt.spawn(async move { n })).collect();
    for task in tasks {
        let _ = task.await;
    }
}
