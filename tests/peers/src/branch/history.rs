use std::hint::black_box;

use fascine_branch::{Branch, History, Turn, TurnId};
use fascine_message::{Message, Part, Role, ToolCall};
use fascine_model::{Delivery, EchoModel, OpenAi, Provider, Request};
use fascine_rt::{Rt, Smol};

use crate::harness::{Options, peer};

/// Forks, and what is sent of a long conversation.
pub(super) fn run(options: &Options) {
    forks(options);
    render(options);
}

fn forks(options: &Options) {
    let rt = Rt::new(Smol);
    let branch = |messages: usize| {
        let history = conversation(messages).into_iter().collect::<History>();
        Branch::builder(&rt, "main", EchoModel)
            .history(history)
            .build()
    };
    let (long, short) = (branch(10_000), branch(10));
    assert_eq!((long.history().len(), short.history().len()), (10_000, 10));
    options.compare(
        "branch/fork/10000",
        1,
        || drop(black_box(long.fork("fork"))),
        vec![peer("itself at 10 messages", || {
            drop(black_box(short.fork("fork")))
        })],
    );
    let allocated = |branch: &Branch| {
        let used = allocation_counter::measure(|| drop(black_box(branch.fork("fork"))));
        (used.count_total as f64, used.bytes_total as f64)
    };
    let (ours, theirs) = (allocated(&long), allocated(&short));
    let peer_name = "itself at 10 messages";
    options.report(
        "branch/fork_allocs/10000",
        "allocs",
        ours.0,
        theirs.0,
        peer_name,
    );
    options.report("branch/fork_bytes/10000", "B", ours.1, theirs.1, peer_name);

    // What a branch copies that keeps its messages in a list, as text and not behind a counter.
    let list: Vec<Said> = long.history().iter().map(Said::of).collect();
    options.compare(
        "branch/fork_vs_clone",
        1,
        || drop(black_box(long.fork("fork"))),
        vec![peer("a Vec of the same messages", || {
            drop(black_box(list.clone()))
        })],
    );
    let list: Vec<Message> = long.history().iter().cloned().collect();
    options.compare(
        "branch/fork_vs_clone_of_handles",
        1,
        || drop(black_box(long.fork("fork"))),
        vec![peer("a Vec of handles of the same messages", || {
            drop(black_box(list.clone()));
        })],
    );
}

/// A message without anything shared.
#[derive(Clone)]
#[expect(dead_code, reason = "it is copied and dropped")]
struct Said {
    role: Role,
    content: Vec<Part>,
}

impl Said {
    fn of(message: &Message) -> Self {
        Self {
            role: message.role(),
            content: message.content().to_vec(),
        }
    }
}

/// From a history to the bytes that are sent.
fn render(options: &Options) {
    if !options.wants("branch/render/1000") {
        return;
    }
    let provider = OpenAi::new("http://localhost/v1", "model").expect("the URL is one");
    let history: History = conversation(1_000).into_iter().collect();
    let messages: Vec<Message> = history.iter().cloned().collect();
    let ours = || {
        let request = Request::new(history.iter().cloned());
        let sent = provider.request(&request, Delivery::Whole);
        black_box(sent.expect("it can be sent"));
    };
    let theirs = || {
        black_box(serde_json::to_vec(&messages).expect("it is JSON"));
    };
    options.compare(
        "branch/render/1000",
        1_000,
        ours,
        vec![peer("serde_json", theirs)],
    );
}

/// So many messages: questions, calls of tools, results, answers.
fn conversation(messages: usize) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut left = messages;
    while left > 0 {
        let number = turns.len() as u128 + 1;
        let said = |text: &str| text.repeat(4);
        let call = ToolCall::new(
            "call_1",
            "look_up",
            r#"{"species":"Araneus diadematus","limit":10}"#,
        );
        let turn = [
            Message::user(said("How many legs has a spider, and why \"eight\"?\n")),
            Message::new(Role::Assistant, vec![Part::ToolCall(call)]),
            Message::tool("call_1", said("{\"legs\": 8, \"eyes\": [6, 8]}, ")),
            Message::assistant(said("Eight: four pairs on the front part of its body. ")),
        ];
        let turn: Vec<Message> = match left {
            2 => [&turn[0], &turn[3]].map(Clone::clone).to_vec(),
            _ => turn.to_vec(),
        };
        left = left.saturating_sub(turn.len());
        turns.push(Turn::new(TurnId::from_u128(number), turn));
    }
    turns
}
