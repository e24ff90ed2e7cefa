use std::io::{self, BufRead};

use hallpass::{
    Hallpass,
    store::{Account, Batch, Filter, Order, Query, Record, Row, User},
};
use serde_json::json;

use super::{Failure, chain, find_user};
use crate::{cli::UserCommand, output};

/// `hallpass user …`
pub(super) async fn run(auth: &Hallpass, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::List { limit, json } => list(auth, limit, json).await,
        UserCommand::Show { user, json } => show(auth, &user, json).await,
        UserCommand::Delete { user, yes } => delete(auth, &user, yes).await,
    }
}

async fn list(auth: &Hallpass, limit: u32, json: bool) -> Result<(), Failure> {
    let query = Query::table(User::TABLE).order_by("createdAt", Order::Descending).limit(limit);
    let users: Vec<User> = read(auth.store().find(auth.schema(), query).await.map_err(chain)?)?;
    if json {
        output::data(&output::json(&users)?);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|user| {
            let verified = if user.email_verified { "yes" } else { "no" };
            vec![
                user.id.to_string(),
                user.email.clone(),
                user.name.clone(),
                verified.into(),
                user.created_at.to_string(),
            ]
        })
        .collect();
    output::data(&output::table(&["id", "email", "name", "verified", "created"], &rows));
    Ok(())
}

async fn show(auth: &Hallpass, named: &str, json: bool) -> Result<(), Failure> {
    let user = find_user(auth, named).await?;
    let of_user = Query::table(Account::TABLE).filter(Filter::eq("userId", &user.id));
    let accounts: Vec<Account> = read(auth.store().find(auth.schema(), of_user).await.map_err(chain)?)?;
    let methods: Vec<&str> = accounts.iter().map(|account| &*account.provider_id).collect();
    if json {
        output::data(&output::json(&json!({ "user": user, "signInMethods": methods }))?);
        return Ok(());
    }
    let serde_json::Value::Object(fields) = serde_json::to_value(&user)? else { return Ok(()) };
    for (name, value) in fields {
        let value = value.as_str().map_or_else(|| value.to_string(), Into::into);
        output::data(&output::harmless(&format!("{name}: {value}")));
    }
    output::data(&format!("signInMethods: {}", methods.join(", ")));
    Ok(())
}

async fn delete(auth: &Hallpass, named: &str, yes: bool) -> Result<(), Failure> {
    let user = find_user(auth, named).await?;
    if !yes {
        output::say(&format!(
            "Delete {} ({}) with all sessions? Type the e-mail address to go on:",
            user.email, user.id
        ));
        let typed = io::stdin().lock().lines().next().transpose()?.unwrap_or_default();
        if typed.trim() != user.email {
            return Err("not deleted".into());
        }
    }
    // Sessions first, then what a user signs in with, links that were sent to them, then the user (CONTRACT §13.2).
    let batch = Batch::new()
        .delete("session", Filter::eq("userId", &user.id))
        .delete("account", Filter::eq("userId", &user.id))
        .delete("verification", Filter::eq("value", &user.id))
        .delete("user", Filter::eq("id", &user.id));
    auth.store().write(auth.schema(), batch).await.map_err(chain)?;
    output::say(&format!("deleted {}", user.email));
    Ok(())
}

fn read<R: Record>(rows: Vec<Row>) -> Result<Vec<R>, Failure> {
    rows.into_iter().map(|row| R::from_row(row).map_err(chain)).collect()
}
