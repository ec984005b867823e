mod history;
mod json;

use crate::harness::Options;

/// What a branch costs beside the model. Each part has a file.
pub(crate) fn run(options: &Options) {
    history::run(options);
    json::run(options);
}
