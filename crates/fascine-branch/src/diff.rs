use std::collections::HashMap;

use crate::{Branch, History, Turn, TurnId};

/// How two histories differ. Turns are compared by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// With how many turns both begin.
    pub common: usize,
    /// The turns that only the first has, oldest first.
    pub left: Vec<Turn>,
    /// The turns that only the second has, oldest first.
    pub right: Vec<Turn>,
    /// The turns that both have, and that are not the same in both: pinned in one of them, say.
    pub changed: Vec<TurnId>,
}

impl Diff {
    /// Returns whether both have the same turns. Their order may differ.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.left.is_empty() && self.right.is_empty() && self.changed.is_empty()
    }
}

impl History {
    /// Says how `other` differs from this history.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Diff {
        let (ours, theirs) = (self.by_id(), other.by_id());
        let only_here = |history: &Self, there: &HashMap<TurnId, &Turn>| -> Vec<Turn> {
            let turns = history.turns();
            let only = turns.filter(|turn| !there.contains_key(&turn.id()));
            only.cloned().collect()
        };
        let changed = self.turns().filter(|turn| {
            let other = theirs.get(&turn.id());
            other.is_some_and(|other| other != turn)
        });
        Diff {
            common: self.common_prefix(other),
            left: only_here(self, &theirs),
            right: only_here(other, &ours),
            changed: changed.map(Turn::id).collect(),
        }
    }

    /// With how many turns both begin.
    pub(crate) fn common_prefix(&self, other: &Self) -> usize {
        let both = self.turns().zip(other.turns());
        both.take_while(|(one, two)| one.id() == two.id()).count()
    }

    pub(crate) fn by_id(&self) -> HashMap<TurnId, &Turn> {
        self.turns().map(|turn| (turn.id(), turn)).collect()
    }
}

impl Branch {
    /// Says how `other` differs from this branch, turns that still go on left out.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_branch::Branch;
    /// use fascine_model::EchoModel;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let branch = Branch::new(&rt, "main", EchoModel);
    /// branch.communicate("shared").await.unwrap();
    /// let fork = branch.fork("fork");
    /// fork.communicate("mine").await.unwrap();
    /// let diff = branch.diff(&fork);
    /// assert_eq!((diff.common, diff.left.len(), diff.right.len()), (1, 0, 1));
    /// # });
    /// ```
    #[must_use]
    pub fn diff(&self, other: &Self) -> Diff {
        self.history().diff(&other.history())
    }
}
