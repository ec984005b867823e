use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::json;

/// What to measure, and how to tell.
pub(crate) struct Options {
    filter: String,
    quick: bool,
    json: bool,
    measured: Cell<usize>,
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            filter: String::new(),
            quick: false,
            json: false,
            measured: Cell::new(0),
        };
        for arg in args {
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                flag if flag.starts_with('-') => return Err(format!("unknown option `{flag}`")),
                name if options.filter.is_empty() => options.filter = name.to_owned(),
                other => return Err(format!("one name is enough, `{other}` is a second")),
            }
        }
        Ok(options)
    }

    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    pub(crate) fn measured(&self) -> usize {
        self.measured.get()
    }

    /// Measures both sides in alternating batches and prints the ratio of their medians.
    ///
    /// Each side does `units` units of work in one call; figures are nanoseconds to a unit.
    pub(crate) fn compare(
        &self,
        name: &str,
        peer: &str,
        units: u32,
        mut ours: impl FnMut(),
        mut theirs: impl FnMut(),
    ) {
        if !name.starts_with(&self.filter) {
            return;
        }
        self.measured.set(self.measured.get() + 1);
        let (batches, length) = match self.quick {
            true => (9, Duration::from_millis(10)),
            false => (31, Duration::from_millis(40)),
        };
        let (calls_ours, calls_theirs) =
            (calibrate(&mut ours, length), calibrate(&mut theirs, length));
        let (mut times_ours, mut times_theirs) = (Vec::new(), Vec::new());
        for _ in 0..batches {
            times_ours.push(batch(&mut ours, calls_ours));
            times_theirs.push(batch(&mut theirs, calls_theirs));
        }
        let per_unit = |mut times: Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2] / f64::from(units)
        };
        let (ours, theirs) = (per_unit(times_ours), per_unit(times_theirs));
        let ratio = ours / theirs;
        if self.json {
            let line = json!({
                "name": name, "ours": ours, "theirs": theirs, "ratio": ratio, "peer": peer,
            });
            println!("{line}");
        } else {
            println!(
                "{name:28} ours {ours:10.1} ns  theirs {theirs:10.1} ns  ratio {ratio:5.2}  {peer}"
            );
        }
    }
}

/// How many calls take about as long as a batch should.
fn calibrate(work: &mut impl FnMut(), length: Duration) -> u32 {
    let mut calls = 1;
    loop {
        let took = batch(work, calls) * f64::from(calls);
        if took >= length.as_nanos() as f64 || calls >= 1 << 24 {
            return calls;
        }
        calls *= 2;
    }
}

/// Nanoseconds to a call.
#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn batch(work: &mut impl FnMut(), calls: u32) -> f64 {
    let started = Instant::now();
    for _ in 0..calls {
        work();
    }
    started.elapsed().as_nanos() as f64 / f64::from(calls)
}
