use std::cell::Cell;

/// Which of `len` futures, of which a set can have so many, is polled first this time.
///
/// A Weyl sequence by the golden ratio: each is first equally often, without a pattern that the caller's own could
/// resonate with, and without a source of randomness.
pub(crate) fn next_turn(len: usize) -> u32 {
    // A thread that is going away has no turns any more.
    let turn = TURN
        .try_with(|turn| turn.replace(turn.get().wrapping_add(STEP)))
        .unwrap_or(0);
    ((u128::from(turn) * len as u128) >> 64) as u32
}

thread_local! {
    static TURN: Cell<u64> = const { Cell::new(0) };
}

/// 2⁶⁴ over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
