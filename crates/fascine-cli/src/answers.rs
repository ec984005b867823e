//! What the embedded server answers to the prompts of the job, so that the demonstration reads like one.

/// Pairs of words that stand in a prompt and the answer to it.
pub(crate) const ANSWERS: [(&str, &str); 5] = [
    (
        "Check these hourly readings",
        "Ten complete hours, 08:00 to 17:00; every row has requests, errors and p95 latency. \
         No gaps and no impossible values. The 14:00 row stands out and is kept.",
    ),
    (
        "Give the key statistics",
        "21,830 requests and 113 errors: an error rate of 0.52 %. Median hourly p95 latency 244 ms, \
         worst 611 ms at 14:00. Busiest hour 15:00 with 2,740 requests.",
    ),
    (
        "Describe the patterns",
        "Load follows office hours with peaks at 11:00 and 15:00, and latency rises with load. \
         14:00 breaks the pattern: latency more than doubles at an ordinary load.",
    ),
    (
        "Name the risks",
        "One: the 14:00 spike (41 errors, 1.6 % of its requests) has no explanation in the load. \
         The next hour was normal, so it recovered unaided.\nseverity: moderate",
    ),
    (
        "Write the report",
        "The service answered 21,830 requests in ten hours with 0.52 % errors. Load and latency follow \
         office hours. One hour, 14:00, is unlike the others: 611 ms p95 and 1.6 % errors at an \
         ordinary load, over by 15:00. Find what ran at 14:00 before it comes back; nothing else needs \
         attention.",
    ),
];
