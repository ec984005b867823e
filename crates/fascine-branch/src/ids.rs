use fascine_message::MessageId;

use crate::TurnId;

/// Where a branch's ids come from: the same seed gives the same ids.
#[derive(Debug)]
pub(crate) struct Ids(fastrand::Rng);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A seed that follows from a name, by FNV-1a.
    pub(crate) fn seed_of(name: &str) -> u64 {
        name.bytes().fold(0xcbf2_9ce4_8422_2325, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// What gives, to [`new`](Self::new), the ids that come next.
    pub(crate) fn state(&self) -> u64 {
        self.0.get_seed()
    }

    /// A seed for ids of somebody else.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.u64(..)
    }

    pub(crate) fn message(&mut self) -> MessageId {
        MessageId::from_u128(self.next())
    }

    pub(crate) fn turn(&mut self) -> TurnId {
        TurnId::from_u128(self.next())
    }

    /// A UUID of version 8, RFC 9562, whose free bits come from the seed.
    fn next(&mut self) -> u128 {
        let version = 0x8 << 76;
        let variant = 0x2 << 62;
        let free = self.0.u128(..) & !(0xF << 76) & !(0x3 << 62);
        free | version | variant
    }
}
