use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use crate::process::{Done, Failed, cargo, has_cargo_command, now};
use crate::rows::{ROWS, Row};
use crate::test_output::{Counts, Runner};

/// Runs one row, or all of them, and ends with a table and a line that counts.
pub(crate) fn run(only: Option<Row>) -> Done {
    let nextest = has_cargo_command("nextest");
    let rows: Vec<Row> = ROWS
        .into_iter()
        .filter(|row| only.is_none_or(|only| only == *row))
        .collect();
    let mut table = Vec::new();
    for row in rows {
        println!("== test {}", row.name);
        let started = now();
        let counts = run_row(row, nextest);
        table.push((row, counts, started.elapsed().as_secs_f64()));
    }
    let mut total = Counts::default();
    println!(
        "\n{:10} {:>7} {:>7} {:>8}",
        "row", "passed", "failed", "seconds"
    );
    for (row, counts, seconds) in table {
        println!(
            "{:10} {:>7} {:>7} {seconds:>8.1}",
            row.name, counts.passed, counts.failed
        );
        total.add(counts);
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 {
        Err(Failed(format!("{} tests or rows failed", total.failed)))
    } else if total.passed == 0 {
        Err(Failed("no test was run".to_owned()))
    } else {
        Ok(())
    }
}

fn run_row(row: Row, nextest: bool) -> Counts {
    // Without the examples: they are run below, for both runners alike.
    let (runner, command): (_, &[&str]) = match nextest {
        true => (
            Runner::Nextest,
            &["nextest", "run", "--locked", "--no-fail-fast"],
        ),
        false => (
            Runner::Libtest,
            &["test", "--locked", "--no-fail-fast", "--all-targets"],
        ),
    };
    let mut counts = run_counted(runner, cargo(command).args(row.selection()));
    if let Some(selection) = row.doc_selection() {
        let docs = &["test", "--locked", "--no-fail-fast", "--doc"];
        counts.add(run_counted(Runner::Libtest, cargo(docs).args(selection)));
    }
    counts
}

/// Runs a command, shows what it says, and adds up its closing lines. A command that fails without a failed test, by
/// not compiling for example, counts as one failure.
fn run_counted(runner: Runner, command: &mut Command) -> Counts {
    let none = Counts {
        passed: 0,
        failed: 1,
    };
    let mut child = match command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(error) => {
            eprintln!("xtask: cannot run {command:?}: {error}");
            return none;
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let out = thread::spawn(move || {
        out.map_or_else(Counts::default, |out| show_and_count(runner, out, false))
    });
    let mut counts = err.map_or_else(Counts::default, |err| show_and_count(runner, err, true));
    counts.add(out.join().unwrap_or(none));
    match child.wait() {
        Ok(status) if status.success() => {}
        _ => counts.failed = counts.failed.max(1),
    }
    counts
}

fn show_and_count(runner: Runner, from: impl Read, is_error: bool) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if is_error {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
        counts.add(Counts::read(runner, &line).unwrap_or_default());
    }
    counts
}
