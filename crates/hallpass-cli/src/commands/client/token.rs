use std::io::{self, IsTerminal};

use super::member::Member;
use crate::{commands::Failure, output};

/// `hallpass token`. The server is not asked: this runs before every request of somebody's script.
pub(super) async fn run(member: &Member, as_header: bool) -> Result<(), Failure> {
    let token = member.needed_token().await?;
    if as_header {
        output::data(&format!("authorization: Bearer {}", token.expose()));
    } else {
        output::data(token.expose());
    }
    if io::stdout().is_terminal() {
        output::say("note: whoever reads this token can act as you until you sign out");
    }
    Ok(())
}
