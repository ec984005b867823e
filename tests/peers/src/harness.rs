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

/// Somebody else's way to do the same work.
pub(crate) type Peer<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Makes a [`Peer`].
pub(crate) fn peer<'a>(name: &'static str, work: impl FnMut() + 'a) -> Peer<'a> {
    (name, Box::new(work))
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

    /// Runs a suite whole if it is the one that was asked for; its figures one by one otherwise.
    pub(crate) fn suite(&mut self, name: &str, run: impl FnOnce(&Self)) {
        let filter = self.filter.clone();
        if filter == name {
            self.filter.clear();
        }
        run(self);
        self.filter = filter;
    }

    pub(crate) fn measured(&self) -> usize {
        self.measured.get()
    }

    /// Whether a figure is asked for; for those that are expensive to prepare.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.starts_with(&self.filter)
    }

    /// Whether some figure whose name begins so may be asked for.
    pub(crate) fn wants_some_of(&self, beginning: &str) -> bool {
        beginning.starts_with(&self.filter) || self.filter.starts_with(beginning)
    }

    #[cfg(any(feature = "flow", feature = "model"))]
    pub(crate) fn is_quick(&self) -> bool {
        self.quick
    }

    /// Measures all sides in alternating batches and prints the ratio of our median to that of the best peer.
    ///
    /// Each side does `units` units of work in one call; figures are nanoseconds to a unit.
    pub(crate) fn compare(&self, name: &str, units: u32, ours: impl FnMut(), peers: Vec<Peer<'_>>) {
        if !self.wants(name) {
            return;
        }
        let (batches, length) = match self.quick {
            true => (9, Duration::from_millis(10)),
            false => (31, Duration::from_millis(30)),
        };
        let mut sides: Vec<Side<'_>> = vec![Side::new("ours", Box::new(ours), length)];
        sides.extend(
            peers
                .into_iter()
                .map(|(peer, work)| Side::new(peer, work, length)),
        );
        for _ in 0..batches {
            sides.iter_mut().for_each(Side::measure);
        }
        let mut medians = sides
            .into_iter()
            .map(|side| (side.name, side.median() / f64::from(units)));
        let Some((_, ours)) = medians.next() else {
            return;
        };
        let best = medians.min_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((peer, theirs)) = best else {
            return;
        };
        self.report(name, "ns", ours, theirs, peer);
    }

    /// Prints a figure that was measured by other means than a stopwatch.
    pub(crate) fn report(&self, name: &str, unit: &str, ours: f64, theirs: f64, peer: &str) {
        if !self.wants(name) {
            return;
        }
        self.measured.set(self.measured.get() + 1);
        let ratio = ours / theirs;
        if self.json {
            let line = json!({
                "name": name, "ours": ours, "theirs": theirs, "ratio": ratio, "peer": peer,
            });
            println!("{line}");
        } else {
            println!(
                "{name:28} ours {ours:10.2} {unit}  theirs {theirs:10.2} {unit}  ratio {ratio:5.2}  {peer}"
            );
        }
    }
}

struct Side<'a> {
    name: &'static str,
    work: Box<dyn FnMut() + 'a>,
    calls: u32,
    times: Vec<f64>,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, mut work: Box<dyn FnMut() + 'a>, length: Duration) -> Self {
        let calls = calibrate(&mut work, length);
        Self {
            name,
            work,
            calls,
            times: Vec::new(),
        }
    }

    fn measure(&mut self) {
        self.times.push(batch(&mut self.work, self.calls));
    }

    fn median(mut self) -> f64 {
        self.times.sort_by(f64::total_cmp);
        self.times[self.times.len() / 2]
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
