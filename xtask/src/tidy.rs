use crate::process::{Done, Failed, now};
use crate::{tidy_docs, tidy_sources, tidy_trees};

/// Checks the invariants that no compiler checks; prints each breach with its place.
pub(crate) fn run() -> Done {
    println!("== tidy");
    let started = now();
    let mut breaches = tidy_sources::check();
    breaches.extend(tidy_docs::check());
    breaches.extend(tidy_trees::check()?);
    for breach in &breaches {
        eprintln!("{breach}");
    }
    println!("== tidy: {:.1} s", started.elapsed().as_secs_f64());
    match breaches.len() {
        0 => Ok(()),
        count => Err(Failed(format!("tidy found {count} breaches"))),
    }
}
