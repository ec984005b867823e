use hashbrown::HashMap;

use super::header::FORMAT;
use super::{CheckpointError, Done, Entry, Header, Point, Record, RunId, StepRecord};
use crate::Fingerprint;
use crate::OpenQuestion;

/// What is recorded of a run.
///
/// Reading it runs nothing: a program can look at the runs of another one.
#[derive(Clone, Debug)]
pub struct Journal {
    run: RunId,
    header: Header,
    entries: Vec<Entry>,
    torn: u64,
}

impl Journal {
    /// Of a header and records, as a store has them, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Format`] if they are of another version.
    pub fn new(run: RunId, header: Header, entries: Vec<Entry>) -> Result<Self, CheckpointError> {
        if header.format != FORMAT {
            let format = header.format;
            return Err(CheckpointError::Format { run, format });
        }
        Ok(Self {
            run,
            header,
            entries,
            torn: 0,
        })
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// What it began with.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Says that so many bytes at the end of what is stored are no whole record.
    #[must_use]
    pub fn with_torn(mut self, bytes: u64) -> Self {
        self.torn = bytes;
        self
    }

    /// How many bytes at the end of what is stored were cut off: somebody was killed while writing them, and was never
    /// told that they are written.
    #[must_use]
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// What is known of the step with that path. It reads the whole journal: to look at many steps there is
    /// [`steps`](Self::steps).
    #[must_use]
    pub fn step(&self, path: &str) -> StepRecord {
        let view = self.view(u64::MAX);
        view.steps
            .get(path)
            .map_or(StepRecord::NotStarted, Last::record)
    }

    /// The steps that were started or have ended, by their paths, in the order in which they were last recorded.
    #[must_use]
    pub fn steps(&self) -> Vec<(String, StepRecord)> {
        let view = self.view(u64::MAX);
        let mut steps: Vec<_> = view.steps.iter().collect();
        steps.sort_unstable_by_key(|(_, last)| last.at);
        let record = |(path, last): (&&str, &Last<'_>)| ((*path).to_owned(), last.record());
        steps.into_iter().map(record).collect()
    }

    /// The questions that wait for an answer, in the order they were asked. [`Resume::answer`](crate::Resume::answer)
    /// answers them.
    #[must_use]
    pub fn open_questions(&self) -> Vec<OpenQuestion> {
        let view = self.view(u64::MAX);
        let mut open: Vec<_> = view.questions.values().collect();
        open.sort_unstable_by_key(|(sequence, _)| *sequence);
        let open = open.into_iter();
        open.map(|(_, question)| (*question).clone()).collect()
    }

    /// The moment after its last record.
    #[must_use]
    pub fn end(&self) -> Point {
        self.point(self.records())
    }

    /// The moments at which steps had ended, with their paths, from the first to the last, also of what counts no longer.
    pub fn points(&self) -> impl Iterator<Item = (Point, &str)> {
        self.entries.iter().filter_map(|entry| match &entry.record {
            Record::Done(done) => Some((self.point(entry.sequence + 1), &*done.step)),
            _ => None,
        })
    }

    /// The moment after the step with that path had last ended.
    #[must_use]
    pub fn after(&self, path: &str) -> Option<Point> {
        let mut points: Vec<_> = self.points().collect();
        points.reverse();
        points
            .into_iter()
            .find_map(|(point, step)| (step == path).then_some(point))
    }

    /// The moment before the step with that path was last recorded.
    #[must_use]
    pub fn before(&self, path: &str) -> Option<Point> {
        let view = self.view(u64::MAX);
        let last = view.steps.get(path)?;
        let started = match last.what {
            What::Done(done) => done.started,
            What::Started { .. } => None,
        };
        let sequence = self.entries[last.at].sequence;
        Some(self.point(started.unwrap_or(sequence)))
    }

    pub(crate) fn records(&self) -> u64 {
        self.entries.last().map_or(0, |last| last.sequence + 1)
    }

    fn point(&self, records: u64) -> Point {
        Point::new(self.run.clone(), records)
    }

    /// Adds what is appended to the stored journal.
    pub(crate) fn extend(&mut self, records: Vec<Record>) {
        let entries = (self.records()..).zip(records);
        let entries = entries.map(|(sequence, record)| Entry::new(sequence, record));
        self.entries.extend(entries);
    }

    /// What counts after so many records.
    pub(crate) fn view(&self, records: u64) -> View<'_> {
        let mut view = View {
            header: &self.header,
            steps: HashMap::new(),
            nested: HashMap::new(),
            questions: HashMap::new(),
        };
        // Back from the end: a replay leads to where it began.
        let mut end = records;
        let mut parts = Vec::new();
        loop {
            let count = self.before_number(end);
            let turn = self.entries[..count].iter().rposition(|entry| {
                matches!(entry.record, Record::Replayed { .. } | Record::Changed(_))
            });
            let part = turn.map_or(0, |turn| turn + 1)..count;
            match turn.map(|turn| &self.entries[turn].record) {
                Some(Record::Replayed { from }) => {
                    parts.push((part, true));
                    end = *from;
                }
                Some(Record::Changed(header)) => {
                    view.header = header;
                    parts.push((part, false));
                    break;
                }
                _ => {
                    parts.push((part, false));
                    break;
                }
            }
        }
        view.steps
            .reserve(parts.iter().map(|(part, _)| part.len()).sum());
        for (part, is_replay) in parts.into_iter().rev() {
            if is_replay {
                view.forget_started();
            }
            part.for_each(|at| view.add(at, &self.entries[at]));
        }
        view
    }

    /// Gives away the result that is the entry at that place.
    pub(crate) fn take_done(&mut self, at: usize) -> Option<Box<Done>> {
        let record = &mut self.entries.get_mut(at)?.record;
        match std::mem::replace(record, Record::Resumed {}) {
            Record::Done(done) => Some(done),
            other => {
                *record = other;
                None
            }
        }
    }

    /// How many entries have a number below this one.
    fn before_number(&self, number: u64) -> usize {
        self.entries
            .partition_point(|entry| entry.sequence < number)
    }
}

/// What counts of a journal.
pub(crate) struct View<'a> {
    pub(crate) header: &'a Header,
    pub(crate) steps: HashMap<&'a str, Last<'a>>,
    /// The graphs that steps run.
    pub(crate) nested: HashMap<&'a str, Fingerprint>,
    /// What waits for an answer, and since which record.
    pub(crate) questions: HashMap<&'a str, (u64, &'a OpenQuestion)>,
}

/// The last that is recorded of a step.
pub(crate) struct Last<'a> {
    /// Which of the entries it is.
    pub(super) at: usize,
    pub(crate) what: What<'a>,
}

pub(crate) enum What<'a> {
    Done(&'a Done),
    Started {
        is_idempotent: bool,
        /// The run was given up since.
        is_over: bool,
    },
}

impl<'a> View<'a> {
    fn add(&mut self, at: usize, entry: &'a Entry) {
        let (step, what) = match &entry.record {
            Record::Asked(question) => {
                let asked = (entry.sequence, &**question);
                self.questions.insert(&question.step, asked);
                return;
            }
            Record::Done(done) => {
                self.questions.remove(&*done.step);
                (&*done.step, What::Done(done))
            }
            Record::Started { step, idempotent } => {
                let what = What::Started {
                    is_idempotent: *idempotent,
                    is_over: false,
                };
                (&**step, what)
            }
            Record::Rerun { step } => {
                self.steps.remove(&**step);
                return;
            }
            Record::Closed {} | Record::Resumed {} => {
                for last in self.steps.values_mut() {
                    if let What::Started { is_over, .. } = &mut last.what {
                        *is_over = true;
                    }
                }
                return;
            }
            Record::Nested { step, graph } => {
                self.nested.insert(step, *graph);
                return;
            }
            Record::Changed(_) | Record::Replayed { .. } => return,
        };
        self.steps.insert(step, Last { at, what });
    }

    /// What was running at the moment where a replay begins is run again by it.
    pub(crate) fn forget_started(&mut self) {
        self.questions.clear();
        self.steps
            .retain(|_, last| matches!(last.what, What::Done(_)));
    }

    /// The results, in the order in which they were recorded.
    pub(crate) fn done(&self) -> Vec<&'a Done> {
        let steps = self.steps.values();
        let done = steps.filter_map(|last| match last.what {
            What::Done(done) => Some((last.at, done)),
            What::Started { .. } => None,
        });
        let mut done: Vec<_> = done.collect();
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, done)| done).collect()
    }
}

impl Last<'_> {
    /// It has ended, and does not run again by itself.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.what, What::Done(done) if !done.is_open)
    }

    fn record(&self) -> StepRecord {
        match &self.what {
            What::Done(done) => StepRecord::of(done),
            What::Started { is_over: true, .. } => StepRecord::OutcomeUnknown,
            What::Started { is_over: false, .. } => StepRecord::Started,
        }
    }
}
