use std::sync::Arc;
use std::thread;

use fascine::http::{H1Transport, Net, TokioNet, Transport};
use fascine::rt::{Rt, Tokio};
use futures_lite::{AsyncWriteExt, future};

use super::server::{Server, get, read_request};

#[test]
fn tokio_sockets_work_under_another_executor() {
    for builder in [
        tokio::runtime::Builder::new_current_thread,
        tokio::runtime::Builder::new_multi_thread,
    ] {
        let runtime = Arc::new(builder().enable_all().build().unwrap());
        let net: Arc<dyn Net> = Arc::new(TokioNet::new(runtime.handle().clone()));
        let rt = Rt::new(Tokio::new(runtime.handle().clone()));
        let foreign = thread::spawn(move || {
            future::block_on(async {
                let server = Server::start(&rt, &net, |mut socket| async move {
                    read_request(&mut socket).await;
                    let _ = socket
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
                        .await;
                })
                .await;
                let sent = H1Transport::new(&rt, Arc::clone(&net))
                    .send(get(&server.url))
                    .await;
                sent.unwrap().into_body().collect(10).await.unwrap()
            })
        });
        // A runtime with one thread makes progress only while somebody drives it.
        runtime.block_on(async {
            while !foreign.is_finished() {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(foreign.join().unwrap(), "hi");
    }
}
