//! Processes that are killed at any moment, and others that take their runs up.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fascine::flow::{
    Checkpoint, CheckpointError, Durability, FileCheckpoint, Flow, FlowRun, Graph, Header, Journal,
    Record, ResumeError, Round, RunId, SqliteCheckpoint,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::effects::run_id;
use super::shapes::{SHAPES, World, expected, is_idempotent, is_quiet, shape};
use super::stores::Folder;

/// How many processes are killed.
const KILLS: usize = 200;

/// Names the folder to a process that may be killed.
const FOLDER: &str = "FASCINE_IT_KILLED";

#[test]
fn a_run_survives_two_hundred_kills_and_does_nothing_twice() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut kills, mut places) = (0, BTreeMap::<usize, u32>::new());
    let mut life = 0;
    while kills < KILLS {
        let (shape, store) = (life % SHAPES, ["files", "sqlite"][life / SHAPES % 2]);
        life += 1;
        let folder = Folder::new();
        let mut process = 0;
        loop {
            process += 1;
            assert!(process < 1000, "it comes to no end");
            // Most processes come less far than this.
            let marks = random.usize(1..60);
            let mut child = start(folder.path(), shape, store);
            let ended = wait_for(&mut child, marks);
            if ended {
                let status = child.wait().unwrap();
                assert!(
                    status.success(),
                    "shape {shape}, {store}, process {process}"
                );
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            *places.entry(marks).or_default() += 1;
        }
        check(folder.path(), shape, &format!("shape {shape}, {store}"));
    }
    assert!(places.len() > 30, "they are killed at different moments");
}

/// The process itself: without a folder it is never killed, and is held to the same.
#[test]
fn a_process_that_may_be_killed() {
    match std::env::var_os(FOLDER) {
        Some(folder) => {
            let settings = std::env::var("FASCINE_IT_SHAPE").unwrap();
            let (shape, store) = settings.split_once(' ').unwrap();
            live(Path::new(&folder), shape.parse().unwrap(), store);
        }
        None => {
            for number in 0..SHAPES {
                for store in ["files", "sqlite"] {
                    let folder = Folder::new();
                    live(folder.path(), number, store);
                    check(folder.path(), number, store);
                }
            }
        }
    }
}

fn start(folder: &Path, shape: usize, store: &str) -> Child {
    let module = module_path!();
    let module = module.split_once("::").map_or(module, |(_, module)| module);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            &format!("{module}::a_process_that_may_be_killed"),
            "--exact",
        ])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env("FASCINE_IT_SHAPE", format!("{shape} {store}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Reads so many marks; true if the process ends before.
fn wait_for(child: &mut Child, marks: usize) -> bool {
    let mut left = marks;
    let output = child.stdout.as_mut().unwrap();
    let mut buffer = [0; 1];
    while left > 0 {
        match output.read(&mut buffer).unwrap() {
            0 => return true,
            _ if buffer[0] == MARK => left -= 1,
            _ => {}
        }
    }
    false
}

fn mark() {
    let mut output = std::io::stdout().lock();
    output.write_all(&[MARK]).unwrap();
    output.flush().unwrap();
}

const MARK: u8 = 1;

/// Goes on with the run in the folder, or begins it.
fn live(folder: &Path, number: usize, store: &str) {
    TestRuntime::run(|rt| async move {
        let store = open(&rt, folder, store).await;
        let world = Arc::new(Disk(folder.to_owned()));
        let graph = shape(number, &rt, world.clone() as Arc<dyn World>);
        let flow = Flow::new(&rt).keep_all();
        let run = match store.load(run_id("one")).await {
            Err(CheckpointError::UnknownRun { .. }) => {
                let flow = flow.with_checkpoint(store, run_id("one"));
                flow.start(&graph)
            }
            Ok(_) => take_up(&flow, &store, &graph, &world).await,
            Err(error) => panic!("{error}"),
        };
        let report = run.await;
        assert!(report.is_success(), "{:?}", report.errors);
        assert!(report.checkpoint_error.is_none());
        let mut results = BTreeMap::new();
        for step in &report.steps {
            results.insert(step.name.to_string(), step.json());
        }
        results.insert("state".to_owned(), report.state.get("sum").cloned());
        let draft = folder.join("results.draft");
        fs::write(&draft, serde_json::to_vec(&results).unwrap()).unwrap();
        fs::rename(draft, folder.join("results")).unwrap();
    });
}

/// Looks for itself what became of steps that nobody knows the end of.
async fn take_up(flow: &Flow, store: &Watched, graph: &Graph, world: &Disk) -> FlowRun {
    let resume = || flow.resume(store.clone(), run_id("one"));
    let steps = match resume().start(graph).await {
        Ok(run) => return run,
        Err(ResumeError::Undecided { steps }) => steps,
        Err(error) => panic!("{error}"),
    };
    let mut decided = resume();
    for step in steps {
        decided = match world.times(&step) {
            0 => decided.rerun(step),
            _ => {
                let value = json!(expected(&step));
                let value = match step.starts_with("improve[") {
                    true => serde_json::to_value(Round::Again(value)).unwrap(),
                    false => value,
                };
                decided.assume_done(step, value)
            }
        };
    }
    decided.start(graph).await.unwrap()
}

async fn open(rt: &Rt, folder: &Path, store: &str) -> Watched {
    // The end of a process takes nothing that was written from the system.
    let durability = Durability::Process;
    if store == "files" {
        let store = FileCheckpoint::open(rt, folder).await.unwrap();
        return Watched(Arc::new(store.with_durability(durability)));
    }
    let path = folder.join("runs.sqlite");
    let store = SqliteCheckpoint::open_with(rt, path, durability).await;
    Watched(Arc::new(store.unwrap()))
}

/// What came of it all.
fn check(folder: &Path, number: usize, about: &str) {
    let results = fs::read(folder.join("results")).unwrap();
    let results: BTreeMap<String, Option<Value>> = serde_json::from_slice(&results).unwrap();
    let rt = TestRuntime::new();
    let undisturbed = rt.block_on(async {
        let world = Arc::new(Nowhere);
        let graph = shape(number, &rt.rt(), world);
        Flow::new(&rt.rt()).keep_all().run(&graph).await
    });
    for step in &undisturbed.steps {
        assert_eq!(
            results[step.name.as_str()],
            step.json(),
            "{about}: {}",
            step.path
        );
    }
    assert_eq!(
        results["state"].as_ref(),
        undisturbed.state.get("sum"),
        "{about}"
    );
    let world = Disk(folder.to_owned());
    for step in undisturbed.all_steps() {
        let times = world.times(&step.path);
        let ran = usize::from(step.attempts > 0 && !is_quiet(&step.path));
        assert!(times >= ran, "{about}: `{}` has no effect", step.path);
        if !is_idempotent(&step.path) {
            assert_eq!(times, ran, "{about}: `{}`", step.path);
        }
    }
}

/// Effects in a file, each by one write.
struct Disk(PathBuf);

impl Disk {
    fn times(&self, path: &str) -> usize {
        let text = fs::read_to_string(self.0.join("effects")).unwrap_or_default();
        let line = format!("{path:?}");
        text.lines().filter(|other| *other == line).count()
    }
}

impl World for Disk {
    fn effect(&self, path: &str) {
        mark();
        let mut options = OpenOptions::new();
        let file: std::io::Result<File> = options
            .create(true)
            .append(true)
            .open(self.0.join("effects"));
        file.unwrap()
            .write_all(format!("{path:?}\n").as_bytes())
            .unwrap();
        mark();
    }
}

struct Nowhere;

impl World for Nowhere {
    fn effect(&self, _: &str) {}
}

/// A store that tells when it begins to write, and when it has written.
#[derive(Clone, Debug)]
struct Watched(Arc<dyn Checkpoint>);

impl Checkpoint for Watched {
    fn begin(
        &self,
        run: RunId,
        header: Header,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        watched(self.0.begin(run, header, records))
    }

    fn append(
        &self,
        run: RunId,
        at: u64,
        records: Vec<Record>,
    ) -> BoxFuture<Result<(), CheckpointError>> {
        watched(self.0.append(run, at, records))
    }

    fn load(&self, run: RunId) -> BoxFuture<Result<Journal, CheckpointError>> {
        watched(self.0.load(run))
    }

    fn list(&self) -> BoxFuture<Result<Vec<RunId>, CheckpointError>> {
        watched(self.0.list())
    }

    fn remove(&self, run: RunId) -> BoxFuture<Result<(), CheckpointError>> {
        watched(self.0.remove(run))
    }
}

fn watched<T: Send + 'static>(future: BoxFuture<T>) -> BoxFuture<T> {
    Box::pin(async move {
        mark();
        let done = future.await;
        mark();
        done
    })
}
