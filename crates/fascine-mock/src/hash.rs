/// FNV-1a, which is short and the same everywhere; the end is stirred so that neighbours differ in every bit.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let hash = text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

/// A number in 0..1 that depends on the seed and the text.
pub(crate) fn share(seed: u64, text: &str) -> f64 {
    (hash(seed, text) >> 11) as f64 / (1_u64 << 53) as f64
}
