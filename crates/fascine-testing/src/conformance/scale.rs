use futures_lite::future::yield_now;

use super::Host;

pub fn a_hundred_thousand_tasks_end(host: impl Host) {
    let rt = host.rt();
    let tasks: Vec<_> = (0..100_000_u64)
        .map(|n| {
            rt.spawn(async move {
                yield_now().await;
                n
            })
        })
        .collect();
    let mut sum = 0;
    host.block_on(async {
        for task in tasks {
            sum += task.await.unwrap();
        }
    });
    assert_eq!(sum, 100_000 * 99_999 / 2);
}

pub fn a_long_chain_of_tasks_ends(host: impl Host) {
    let rt = host.rt();
    let mut last = rt.spawn(async { 0_u32 });
    for _ in 0..1000 {
        let before = last;
        last = rt.spawn(async move { before.await.unwrap() + 1 });
    }
    assert_eq!(host.block_on(last).unwrap(), 1000);
}
