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
    if plan.is_empty() && plan.lacks.iter().any(|lack| matches!(lack, Lack::Changes { permitted: false })) {
        output::say(
            "the database has every table; the triggers by which it tells of changes have to be made by a role that may, and until then \
             sessions are not kept in memory",
        );
    } else if plan.is_empty() {
        output::say("the database has everything it needs");
    } else {
        output::data(plan.to_string().trim_end());
        output::say(if only_plan { "nothing was changed; run without --plan to do this" } else { "done" });
    }
    auth.store().close().await.map_err(chain)
}
