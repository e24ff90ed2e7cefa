use super::Failure;
use crate::{config, output};

/// `hallpass secret`
pub(super) fn run() -> Result<(), Failure> {
    output::data(&config::draw_secret());
    Ok(())
}
