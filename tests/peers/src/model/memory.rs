//! What a request holds while it waits, each side in a process of its own.

use std::process::Command;
use std::time::Duration;

use fascine_model::Model;
use fascine_rt::{Rt, Smol};
use futures_lite::future::yield_now;

use super::ours;
use super::peers::openai_question;
use super::server::Server;
use super::service::runtime;
use crate::harness::Options;

const IN_FLIGHT: usize = 2000;
const QUEUED: usize = 10_000;

pub(super) fn run(options: &Options, server: &Server) {
    let figures = [
        ("service/rss_in_flight", "ours", "reqwest"),
        ("service/queued_bytes", "ours-queued", "async-openai-queued"),
    ];
    for (name, ours, theirs) in figures {
        if !options.wants(name) {
            continue;
        }
        let bytes = |side: &str| {
            let runs = if options.is_quick() { 1 } else { 3 };
            let mut bytes: Vec<f64> = (0..runs).map(|_| in_process(side, server.port())).collect();
            bytes.sort_by(f64::total_cmp);
            bytes[runs / 2]
        };
        options.report(name, "B", bytes(ours), bytes(theirs), theirs);
    }
}

fn in_process(side: &str, port: u16) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["hold", side, &port.to_string()])
        .output()
        .expect("this program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let parsed = text.trim().parse();
    parsed.unwrap_or_else(|_| panic!("{side}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Holds many requests open and prints what each takes, in bytes.
pub(crate) fn hold(side: &str, port: u16) {
    let base = format!("http://127.0.0.1:{port}/hold/v1");
    let bytes = match side {
        "ours" => ours_in_flight(&base),
        "reqwest" => reqwest_in_flight(&base),
        "ours-queued" => ours_queued(&base),
        "async-openai-queued" => async_openai_queued(&base),
        other => panic!("no side is named {other}"),
    };
    println!("{bytes}");
}

fn ours_in_flight(base: &str) -> f64 {
    let rt = Rt::new(Smol);
    let service = ours::at(base, &rt, ours::transport_on_smol());
    let service = service.build().expect("sound settings");
    let executor = smol::LocalExecutor::new();
    let before = resident();
    let calls: Vec<_> = (0..IN_FLIGHT)
        .map(|_| executor.spawn(service.invoke(ours::question())))
        .collect();
    smol::block_on(executor.run(settle_smol()));
    assert!(calls.iter().all(|call| !call.is_finished()), "all are held");
    (resident() - before) / IN_FLIGHT as f64
}

fn reqwest_in_flight(base: &str) -> f64 {
    let tokio = runtime();
    let client = reqwest::Client::new();
    let url = format!("{base}/chat/completions");
    tokio.block_on(async {
        let before = resident();
        let calls: Vec<_> = (0..IN_FLIGHT)
            .map(|_| {
                let sent = client.post(&url).bearer_auth("k").body(BODY).send();
                tokio::spawn(async move { sent.await.expect("an answer").bytes().await })
            })
            .collect();
        tokio::time::sleep(SETTLE).await;
        assert!(calls.iter().all(|call| !call.is_finished()), "all are held");
        (resident() - before) / IN_FLIGHT as f64
    })
}

fn ours_queued(base: &str) -> f64 {
    let rt = Rt::new(Smol);
    let service = ours::queueing(&rt, ours::transport_on_smol(), base, QUEUED);
    let executor = smol::LocalExecutor::new();
    // One goes ahead, the others wait for their turn.
    let first = executor.spawn(service.invoke(ours::question()));
    smol::block_on(executor.run(settle_smol()));
    let before = resident();
    let calls: Vec<_> = (0..QUEUED)
        .map(|_| executor.spawn(service.invoke(ours::question())))
        .collect();
    smol::block_on(executor.run(settle_smol()));
    assert!(!first.is_finished() && calls.iter().all(|call| !call.is_finished()));
    (resident() - before) / QUEUED as f64
}

fn async_openai_queued(base: &str) -> f64 {
    let tokio = runtime();
    let config = async_openai::config::OpenAIConfig::new()
        .with_api_base(base)
        .with_api_key("k");
    let client = async_openai::Client::with_config(config);
    let semaphore = std::sync::Arc::new(tokio::sync::Semaphore::new(1));
    let call = || {
        let (client, semaphore) = (client.clone(), semaphore.clone());
        tokio::spawn(async move {
            let _permit = semaphore.acquire().await.expect("an open semaphore");
            client.chat().create(openai_question()).await
        })
    };
    tokio.block_on(async {
        let first = call();
        tokio::time::sleep(SETTLE).await;
        let before = resident();
        let calls: Vec<_> = (0..QUEUED).map(|_| call()).collect();
        tokio::time::sleep(SETTLE).await;
        assert!(!first.is_finished() && calls.iter().all(|call| !call.is_finished()));
        (resident() - before) / QUEUED as f64
    })
}

async fn settle_smol() {
    yield_now().await;
    smol::Timer::after(SETTLE).await;
}

/// What the process holds of the machine's memory, in bytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.expect("the kernel says it") * 1024.0
}

const SETTLE: Duration = Duration::from_secs(3);
const BODY: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"Hello!"}]}"#;
