use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The accounts that outside providers know users by (`account` in the npm package; CONTRACT §11.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct AccountOptions {
    /// The table's name in the database; `account`. Nothing that is there is renamed: rename the table of a database in use yourself first.
    pub model_name: Option<String>,
    /// Names of columns in the database, by the names they have here: `userId = "user_id"`.
    pub fields: IndexMap<String, String>,
    /// Keeps the tokens that a provider gives at each sign-in, in place of those of the sign-in before; on.
    pub update_account_on_sign_in: bool,
    /// Encrypts access and refresh tokens in the database. Those that were stored before stay readable.
    pub encrypt_oauth_tokens: bool,
    /// Hands browsers their account at the provider, tokens included, in an encrypted cookie (CONTRACT §5.4).
    pub store_account_cookie: bool,
    /// Where it is kept what somebody who is at the provider came for.
    pub store_state_strategy: StateStrategy,
    /// Lets browsers come back from a provider without the cookie they left with. Whoever can make somebody else follow a link can
    /// then sign them in as themselves.
    pub skip_state_cookie_check: bool,
    /// When an account at a provider becomes a user's.
    pub account_linking: AccountLinkingOptions,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            model_name: None,
            fields: IndexMap::new(),
            update_account_on_sign_in: true,
            encrypt_oauth_tokens: false,
            store_account_cookie: false,
            store_state_strategy: StateStrategy::Database,
            skip_state_cookie_check: false,
            account_linking: AccountLinkingOptions::default(),
        }
    }
}

/// Where a sign-in under way is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateStrategy {
    /// In the table `verification`, from where it is taken once.
    #[default]
    Database,
    /// In an encrypted cookie. The provider alone sees to it then that a code is used once.
    Cookie,
}

/// When an account at a provider becomes a user's (`account.accountLinking` in the npm package).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the npm package's")]
pub struct AccountLinkingOptions {
    /// Whether accounts are linked at all; on.
    pub enabled: bool,
    /// Links only when a user asks for it, never because addresses are the same.
    pub disable_implicit_linking: bool,
    /// Links by address only to users who have verified theirs; on. Without it, whoever signs up with somebody else's address first
    /// shares the account with them later.
    pub require_local_email_verified: bool,
    /// Providers whose word on an address counts even if they do not call it verified.
    pub trusted_providers: Vec<String>,
    /// Lets users link accounts of other addresses than their own.
    pub allow_different_emails: bool,
    /// Lets users unlink the last account they have, and with it themselves out.
    pub allow_unlinking_all: bool,
    /// Takes name and picture from an account when it is linked.
    pub update_user_info_on_link: bool,
}

impl Default for AccountLinkingOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            disable_implicit_linking: false,
            require_local_email_verified: true,
            trusted_providers: Vec::new(),
            allow_different_emails: false,
            allow_unlinking_all: false,
            update_user_info_on_link: false,
        }
    }
}
