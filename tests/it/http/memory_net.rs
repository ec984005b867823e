use std::io::ErrorKind;
use std::sync::Arc;

use fascine::http::Net;
use fascine::rt::Rt;
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};

use crate::runtimes::on_every_runtime;

// Every network keeps these, the one in memory and the real ones alike.
on_every_runtime! {
    bytes_go_both_ways_and_end,
    a_port_that_nobody_listens_at_refuses,
    a_port_in_use_is_refused_and_freed_when_it_is_dropped,
    a_slow_reader_holds_the_writer_back,
}

async fn bytes_go_both_ways_and_end(_: Rt, net: Arc<dyn Net>) {
    let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut near = net.connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    near.write_all(b"ping").await.unwrap();
    let mut four = [0; 4];
    far.read_exact(&mut four).await.unwrap();
    assert_eq!(&four, b"ping");
    far.write_all(b"pong").await.unwrap();
    far.close().await.unwrap();
    let mut all = Vec::new();
    near.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"pong");
}

async fn a_port_that_nobody_listens_at_refuses(_: Rt, net: Arc<dyn Net>) {
    let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = net.connect(address).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

async fn a_port_in_use_is_refused_and_freed_when_it_is_dropped(_: Rt, net: Arc<dyn Net>) {
    let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    assert_eq!(
        net.listen(address).await.err().unwrap().kind(),
        ErrorKind::AddrInUse
    );
    drop(listener);
    assert!(net.listen(address).await.is_ok());
}

async fn a_slow_reader_holds_the_writer_back(_: Rt, net: Arc<dyn Net>) {
    let listener = net.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut near = net.connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let much = vec![1; 20_000_000];
    let mut writing = Box::pin(near.write_all(&much));
    assert!(
        future::poll_once(&mut writing).await.is_none(),
        "it swallowed everything"
    );
    let mut all = vec![0; much.len()];
    let (written, read) = future::zip(writing, far.read_exact(&mut all)).await;
    written.unwrap();
    read.unwrap();
    assert!(all == much);
}
