use crate::CircuitState;

/// All that the way through a closed breaker looks at, in one word.
///
/// From the lowest bit: how many calls succeeded since the last failure, as far as that matters (20 bits); the state
/// (4 bits); the generation, which is another one after every change of state (40 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

impl Word {
    pub(super) const fn new(state: CircuitState, generation: u64) -> Self {
        Self((generation << GENERATION) | ((state as u64) << STATE))
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> GENERATION
    }

    pub(super) const fn is(self, state: CircuitState) -> bool {
        (self.0 >> STATE) & 0xF == state as u64
    }

    pub(super) const fn successes(self) -> u64 {
        self.0 & SUCCESSES
    }

    /// With one success more; never asked beyond what fits.
    pub(super) const fn succeeded(self) -> Self {
        Self(self.0 + 1)
    }

    pub(super) const fn without_successes(self) -> Self {
        Self(self.0 & !SUCCESSES)
    }
}

const STATE: u32 = 20;
const GENERATION: u32 = 24;
const SUCCESSES: u64 = (1 << STATE) - 1;
// The largest window has to fit.
const _: () = assert!(super::settings::MAX_CALLS as u64 <= SUCCESSES);
