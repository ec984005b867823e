use std::sync::Arc;

use fascine_concurrency::TaskGroup;
use fascine_rt::{Rt, Smol, Tokio};

use crate::harness::Options;
use crate::spawn::{bare_smol, bare_tokio};

/// Not more: a thousand tasks are more than glibc keeps of a heap, and what is measured then is how it gives memory back
/// and takes it again, which depends on whether a task has 128 bytes or the next size.
const TASKS: u32 = 100;

/// What a group costs above the runtime that its children run on.
pub(crate) fn run(options: &Options) {
    let rt = Rt::new(Smol);
    options.compare(
        "group/spawn_join/smol",
        TASKS,
        || Smol.block_on(grouped(&rt)),
        vec![bare_smol(TASKS)],
    );

    // One thread first: there nothing that a group adds can hide behind another core.
    let one = tokio::runtime::Builder::new_current_thread().build();
    let many = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build();
    for (name, runtime) in [
        ("group/spawn_join/tokio", one),
        ("group/spawn_join/tokio_threads", many),
    ] {
        let Ok(runtime) = runtime else { continue };
        let runtime = Arc::new(runtime);
        let adapter = Tokio::of(&runtime);
        let rt = Rt::new(adapter.clone());
        options.compare(
            name,
            TASKS,
            || adapter.block_on(grouped(&rt)),
            vec![bare_tokio(&runtime, TASKS)],
        );
    }
}

async fn grouped(rt: &Rt) {
    let group = TaskGroup::new(rt);
    for n in 0..TASKS {
        group.spawn(async move { Ok::<_, ()>(n) });
    }
    let _ = std::hint::black_box(group.join().await);
}
