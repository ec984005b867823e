/// A step that can start, as it compares with others: the highest priority is greatest, then the costliest chain that
/// begins with it, then the step that was added first.
///
/// One number, as a queue of many is compared all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ready(u128);

impl Ready {
    pub(crate) fn new(priority: i32, remaining: u64, step: u32) -> Self {
        // The lowest priority becomes 0.
        let priority = priority.cast_unsigned() ^ (1 << 31);
        Self(u128::from(priority) << 96 | u128::from(remaining) << 32 | u128::from(!step))
    }

    pub(crate) fn priority(self) -> i32 {
        ((self.0 >> 96) as u32 ^ (1 << 31)).cast_signed()
    }

    pub(crate) fn step(self) -> u32 {
        !(self.0 as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_decides() {
        let mut falling = Vec::new();
        for priority in [i32::MAX, 1, 0, -1, i32::MIN] {
            for remaining in [u64::MAX, 1 << 40, 1, 0] {
                for step in [0, 1, u32::MAX] {
                    let ready = Ready::new(priority, remaining, step);
                    assert_eq!((ready.priority(), ready.step()), (priority, step));
                    falling.push(ready);
                }
            }
        }
        assert!(falling.is_sorted_by(|one, next| one > next));
    }
}
