use serde::{Deserialize, Serialize};

/// The accounts that outside providers know users by (`account` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountOptions {
    /// Hands browsers their account at the provider, tokens included, in an encrypted cookie (CONTRACT §5.4).
    pub store_account_cookie: bool,
}
