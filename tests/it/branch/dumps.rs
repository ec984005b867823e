use std::fs;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fascine::branch::{
    Branch, Dump, DumpError, History, LoadDump, LoadError, Prune, Turn, TurnId, TurnKind,
};
use fascine::http::Net;
use fascine::message::{
    Media, Message, MessageId, Part, Reasoning, Role, Timestamp, ToolCall, ToolResult,
};
use fascine::model::EchoModel;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::histories::{assert_whole, plain};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_branch_is_saved_and_loaded,
    a_file_that_is_no_dump_leaves_the_branch_as_it_was,
}

/// A directory of its own, gone at the end.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("fascine-dumps-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("branch.json")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn a_branch_is_saved_and_loaded(rt: Rt, _: Arc<dyn Net>) {
    let directory = Directory::new();
    let branch = Branch::builder(&rt, "b", EchoModel)
        .system("Be brief.")
        .prune(Prune::turns(2))
        .build();
    for text in ["x", "y", "z"] {
        branch.communicate(text).await.unwrap();
    }
    branch.save(directory.file()).await.unwrap();
    let again = Branch::builder(&rt, "other", EchoModel).build();
    again.load(directory.file()).await.unwrap();
    assert_eq!(
        (again.history(), again.archive()),
        (branch.history(), branch.archive())
    );
    assert_eq!(again.dump().system(), Some("Be brief."));
    assert_eq!(again.name(), "other", "a name is a handle's own");
    // It goes on with ids that were not given yet.
    again.communicate("more").await.unwrap();
    assert_whole(&again.history());
    assert_eq!(
        fs::read_dir(&directory.0).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

async fn a_file_that_is_no_dump_leaves_the_branch_as_it_was(rt: Rt, _: Arc<dyn Net>) {
    let directory = Directory::new();
    let branch = Branch::builder(&rt, "b", EchoModel)
        .system("s")
        .history(plain(2))
        .build();
    let before = branch.dump();
    let json = before.to_json().unwrap();
    for (content, expected) in [
        (&json[..json.len() / 2], "the dump ends too early"),
        ("{}", "this is no dump of a branch"),
        (
            &*json.replace("\"version\":1", "\"version\":2"),
            "is of version 2",
        ),
    ] {
        fs::write(directory.file(), content).unwrap();
        let error = branch.load(directory.file()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(branch.dump(), before);
    }
    fs::remove_file(directory.file()).unwrap();
    let error = branch.load(directory.file()).await.unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }), "{error}");
    assert_eq!(branch.dump(), before);
}

#[test]
fn no_prefix_of_a_dump_is_one_and_each_is_truncated() {
    let json = dump(plain(2)).to_json().unwrap();
    for end in 1..json.len() {
        let error = Dump::from_json(&json.as_bytes()[..end]).unwrap_err();
        assert!(
            matches!(error, LoadError::Truncated { .. }),
            "{end}: {error}"
        );
    }
    let error = Dump::from_json(b"").unwrap_err();
    assert!(matches!(error, LoadError::NotADump), "{error}");
}

#[test]
fn a_dump_that_was_written_by_a_later_version_says_so_whatever_it_has() {
    let newer =
        br#"{"format": "fascine.branch", "version": 7, "forks": [], "history": "elsewhere"}"#;
    let error = Dump::from_json(newer).unwrap_err();
    assert!(
        matches!(error, LoadError::Newer { found: 7, known: 1 }),
        "{error}"
    );
}

#[test]
fn what_is_broken_says_where() {
    let json = dump(plain(1)).to_json().unwrap();
    for (broken, is_so) in [
        (json.replace("\"user\"", "\"nobody\""), "malformed"),
        (
            json.replace("\"history\":[", "\"history\":[[],"),
            "malformed",
        ),
        (format!("{json}x"), "malformed"),
        (json.replacen('{', "{\"forks\":1,", 1), "malformed"),
        (json.replace("\"version\":1", "\"version\":0"), "invalid"),
        (json.replace("fascine.branch", "a.tree"), "foreign"),
        ("[1, 2]".to_owned(), "foreign"),
        ("hello".to_owned(), "malformed"),
    ] {
        let error = Dump::from_json(broken.as_bytes()).unwrap_err();
        let kind = match &error {
            LoadError::Malformed { .. } => "malformed",
            LoadError::InvalidField { field: "version" } => "invalid",
            LoadError::NotADump => "foreign",
            _ => "something else",
        };
        assert_eq!(kind, is_so, "{error}: {broken}");
    }
    let error =
        Dump::from_json(json.replacen("\"ids\":\"", "\"ids\":\"+", 1).as_bytes()).unwrap_err();
    assert!(
        matches!(error, LoadError::InvalidField { field: "ids" }),
        "{error}"
    );
}

#[test]
fn a_file_is_read_up_to_its_bound() {
    TestRuntime::run(|rt| async move {
        let directory = Directory::new();
        dump(plain(10)).save(&rt, directory.file()).await.unwrap();
        let size = fs::metadata(directory.file()).unwrap().len();
        let at_most = |bytes| LoadDump::new(directory.file()).with_max_bytes(bytes);
        Dump::load(&rt, at_most(size)).await.unwrap();
        let error = Dump::load(&rt, at_most(size - 1)).await.unwrap_err();
        assert!(
            matches!(error, LoadError::TooLarge { limit, .. } if limit == size - 1),
            "{error}"
        );
    });
}

#[test]
fn dumps_at_once_do_not_mix() {
    TestRuntime::run_seeds(4, |rt| async move {
        let directory = Directory::new();
        let dumps: Vec<Dump> = (1..20).map(|turns| dump(plain(turns * 20))).collect();
        let saved: Vec<_> = dumps
            .iter()
            .map(|dump| {
                let (rt, dump, path) = (rt.clone(), dump.clone(), directory.file());
                let own = rt.clone();
                rt.spawn(async move { dump.save(&own, path).await })
            })
            .collect();
        for saved in saved {
            saved.await.unwrap().unwrap();
        }
        let found = Dump::load(&rt, directory.file()).await.unwrap();
        assert!(dumps.contains(&found));
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
    });
}

/// Once for each number of polls, and not in 64 orders as well: each run waits for a disk.
#[test]
fn saving_and_loading_can_be_dropped_anywhere() {
    let (before, after) = (dump(plain(1)), dump(plain(2)));
    for polls in 1..8 {
        let (before, after) = (before.clone(), after.clone());
        TestRuntime::run(|rt| async move {
            let directory = Directory::new();
            fs::write(directory.file(), before.to_json().unwrap()).unwrap();
            let builder = Branch::builder(&rt, "b", EchoModel).dump(after.clone());
            let branch = builder.build();
            {
                let mut both = pin!(async {
                    branch.save(directory.file()).await.unwrap();
                    branch.take_over(dump(plain(3))).await;
                    branch.load(directory.file()).await.unwrap();
                });
                for _ in 0..polls {
                    if future::poll_once(&mut both).await.is_some() {
                        break;
                    }
                    rt.sleep(Duration::from_millis(1)).await;
                }
            }
            let found = Dump::load(&rt, directory.file()).await.unwrap();
            assert!([&before, &after].contains(&&found));
            assert!([2, 3].contains(&branch.history().turns().len()));
            branch.communicate("x").await.unwrap();
            assert_whole(&branch.history());
        });
    }
}

#[test]
fn a_dump_that_cannot_be_written_leaves_the_one_that_was_there() {
    TestRuntime::run(|rt| async move {
        let directory = Directory::new();
        let missing = directory.0.join("missing").join("branch.json");
        let error = dump(plain(1)).save(&rt, missing).await.unwrap_err();
        assert!(matches!(error, DumpError::Write { .. }), "{error}");
        // A directory is in its place.
        fs::create_dir(directory.file()).unwrap();
        dump(plain(1))
            .save(&rt, directory.file())
            .await
            .unwrap_err();
        assert_eq!(
            fs::read_dir(&directory.0).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    });
}

#[test]
fn what_would_not_be_read_again_is_not_written() {
    let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let of = |depth| {
        let part = Part::Other {
            provider: "p".to_owned(),
            value: nested(depth),
        };
        let message = Message::new(Role::Assistant, vec![part]);
        dump(
            [Turn::new(TurnId::from_u128(1), [message])]
                .into_iter()
                .collect(),
        )
    };
    let json = of(100).to_json().unwrap();
    assert_eq!(Dump::from_json(json.as_bytes()).unwrap(), of(100));
    let error = of(101).to_json().unwrap_err();
    assert!(
        matches!(error, DumpError::TooDeep { limit: 100, .. }),
        "{error}"
    );
}

#[test]
fn a_dump_is_of_one_moment_and_holds_no_turn_that_goes_on() {
    TestRuntime::run(|rt| async move {
        let branch = Branch::builder(&rt, "b", EchoModel)
            .history(plain(1))
            .build();
        let before = branch.dump();
        branch.communicate("x").await.unwrap();
        assert_eq!(before.history(), &plain(1));
        branch.take_over(before.clone()).await;
        assert_eq!(branch.dump(), before);
        assert_eq!(
            (before.name(), before.system(), before.archive().len()),
            ("b", None, 0)
        );
    });
}

fn dump(history: History) -> Dump {
    let rt = TestRuntime::new().rt();
    Branch::builder(&rt, "b", EchoModel)
        .history(history)
        .build()
        .dump()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_media() -> impl Strategy<Value = Media> {
    let source = prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(|bytes| Media::from_bytes("image/png", &bytes)),
        any::<(String, String)>().prop_map(|(kind, url)| Media::from_url(kind, url)),
        any::<(String, String)>().prop_map(|(kind, id)| Media::from_file_id(kind, id)),
    ];
    (source, option::of(any::<String>())).prop_map(|(media, name)| match name {
        Some(name) => media.with_name(name),
        None => media,
    })
}

fn any_reasoning() -> impl Strategy<Value = Reasoning> {
    let texts = any::<(String, String, String)>();
    let seals = any::<(Option<String>, Option<String>)>();
    (texts, seals).prop_map(|((text, id, provider), (signature, encrypted))| {
        let reasoning = Reasoning::new(text).with_id(id).with_provider(provider);
        let reasoning = signature
            .into_iter()
            .fold(reasoning, Reasoning::with_signature);
        encrypted
            .into_iter()
            .fold(reasoning, Reasoning::with_encrypted)
    })
}

/// A part of every kind that there is.
fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        any_media().prop_map(Part::Audio),
        option::of(any::<String>()).prop_map(|ttl| Part::CacheMark { ttl }),
        any_media().prop_map(Part::Document),
        any_media().prop_map(Part::Image),
        (any::<String>(), any_json()).prop_map(|(provider, value)| Part::Other { provider, value }),
        any_reasoning().prop_map(Part::Reasoning),
        any::<String>().prop_map(Part::text),
        any::<(String, String, String)>()
            .prop_map(|(id, name, arguments)| Part::ToolCall(ToolCall::new(id, name, arguments))),
        any::<(String, String, bool)>().prop_map(|(id, text, failed)| {
            Part::ToolResult(match failed {
                true => ToolResult::error(id, text),
                false => ToolResult::new(id, text),
            })
        }),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let role =
        proptest::sample::select(vec![Role::Assistant, Role::System, Role::Tool, Role::User]);
    let stamps = (any::<u128>(), option::of(any::<u64>()));
    (role, vec(any_part(), 0..5), stamps).prop_map(|(role, content, (id, at))| {
        let message = Message::new(role, content).with_id(MessageId::from_u128(id));
        match at {
            Some(at) => message.with_timestamp(Timestamp::from_unix_millis(at)),
            None => message,
        }
    })
}

fn any_turn() -> impl Strategy<Value = Turn> {
    let kind = prop_oneof![
        Just(TurnKind::Said),
        Just(TurnKind::Partial),
        vec(any::<u128>(), 0..4).prop_map(|of| TurnKind::Summary {
            of: of.into_iter().map(TurnId::from_u128).collect()
        }),
    ];
    (any::<u128>(), kind, any::<bool>(), vec(any_message(), 0..5)).prop_map(
        |(id, kind, pinned, messages)| {
            Turn::new(TurnId::from_u128(id), messages)
                .with_kind(kind)
                .with_pinned(pinned)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_read_is_what_was_written(
        turns in vec(any_turn(), 0..6),
        name in any::<String>(),
        system in option::of(any::<String>()),
        seed in any::<u64>(),
    ) {
        TestRuntime::run_seeds(1, |rt| {
            let builder = Branch::builder(&rt, name.clone(), EchoModel).seed(seed);
            let builder = system.clone().into_iter().fold(builder, |builder, system| builder.system(system));
            let builder = builder.history(turns.iter().cloned().collect());
            async move {
                let branch = builder.build();
                let dump = branch.dump();
                let json = dump.to_json().unwrap();
                let read = Dump::from_json(json.as_bytes()).unwrap();
                assert_eq!(read, dump);
                assert_eq!(read.to_json().unwrap(), json);
                let again = Branch::builder(&rt, "again", EchoModel).dump(read).build();
                let next = |branch: Branch| async move {
                    branch.clear().await;
                    branch.communicate("x").await.unwrap();
                    branch.history()
                };
                assert_eq!(next(again).await, next(branch).await, "the ids go on");
            }
        });
    }
}
