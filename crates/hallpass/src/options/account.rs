use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What users sign in with: passwords, and accounts at outside providers (`account` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountOptions {
    /// The table's name in the database; `account`.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `userId = "user_id"`.
    pub fields: IndexMap<String, String>,
    /// Hands browsers their account at the provider, tokens included, in an encrypted cookie (CONTRACT §5.4).
    pub store_account_cookie: bool,
}
