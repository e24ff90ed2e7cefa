use hallpass::{Hallpass, store::Mode};

use super::{Failure, chain};
use crate::output;

/// `hallpass migrate [--plan]`
pub(super) async fn run(auth: &Hallpass, only_plan: bool) -> Result<(), Failure> {
    let mode = if only_plan { Mode::Plan } else { Mode::Apply };
    let plan = auth.migrate(mode).await.map_err(chain)?;
    if plan.is_empty() {
        output::say("the database has everything it needs");
    } else {
        output::data(plan.to_string().trim_end());
        output::say(if only_plan { "nothing was changed; run without --plan to do this" } else { "done" });
    }
    auth.store().close().await.map_err(chain)
}
