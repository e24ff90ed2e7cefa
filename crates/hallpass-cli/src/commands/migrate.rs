use hallpass::{
    Hallpass,
    store::{Lack, Mode},
};

use super::{Failure, chain};
use crate::output;

/// `hallpass migrate [--plan]`
pub(super) async fn run(auth: &Hallpass, only_plan: bool) -> Result<(), Failure> {
    let mode = if only_plan { Mode::Plan } else { Mode::Apply };
    let plan = auth.migrate(mode).await.map_err(chain)?;
    let is_silent = plan.lacks.iter().any(|lack| matches!(lack, Lack::Changes { permitted: false }));
    if !plan.is_empty() {
        output::data(plan.to_string().trim_end());
        output::say(if only_plan { "nothing was changed; run without --plan to do this" } else { "done" });
    } else if !is_silent {
        output::say("the database has everything it needs");
    }
    if is_silent {
        output::say(
            "the triggers by which the database tells of changes have to be made by a role that may; until then everything works, and sessions \
             are not kept in memory",
        );
    }
    auth.store().close().await.map_err(chain)
}
