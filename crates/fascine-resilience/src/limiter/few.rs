use std::fmt;
use std::ops::{Deref, DerefMut};

/// A number for each quota of a limiter, in the order of its quotas: for up to four without memory of its own.
#[derive(Clone)]
pub(crate) enum Few {
    Inline([u64; INLINE], u8),
    Many(Box<[u64]>),
}

impl Few {
    #[inline]
    pub(crate) fn zeros(len: usize) -> Self {
        if len <= INLINE {
            Self::Inline([0; INLINE], len as u8)
        } else {
            Self::Many(vec![0; len].into())
        }
    }
}

impl Deref for Few {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        match self {
            Self::Inline(numbers, len) => &numbers[..usize::from(*len).min(INLINE)],
            Self::Many(numbers) => numbers,
        }
    }
}

impl DerefMut for Few {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u64] {
        match self {
            Self::Inline(numbers, len) => &mut numbers[..usize::from(*len).min(INLINE)],
            Self::Many(numbers) => numbers,
        }
    }
}

impl fmt::Debug for Few {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

const INLINE: usize = 4;
