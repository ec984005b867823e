//! Conversations.

mod history;

use crate::harness::Options;

pub(crate) fn run(options: &Options) {
    history::run(options);
}
