use crate::{config, output};

/// `hallpass secret`
pub(super) fn run() {
    output::data(&config::draw_secret());
}
