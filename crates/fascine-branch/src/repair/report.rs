use crate::{Repair, RepairKind};

/// The repairs so far. What is not listed is counted.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) list: Vec<Repair>,
    pub(super) unlisted: usize,
    pub(super) cut_off: bool,
    limit: usize,
}

impl Report {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            unlisted: 0,
            cut_off: false,
            limit,
        }
    }

    pub(super) fn add(&mut self, at: usize, kind: RepairKind) {
        if kind == RepairKind::CutOff {
            if self.cut_off {
                return;
            }
            self.cut_off = true;
        }
        match self.list.len() < self.limit {
            true => self.list.push(Repair { at, kind }),
            false => self.unlisted += 1,
        }
    }

    /// Takes back what turned out to be something else.
    pub(super) fn forget(&mut self, kind: RepairKind) {
        self.list.retain(|repair| repair.kind != kind);
    }
}
