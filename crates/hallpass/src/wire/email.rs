use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An e-mail address by the wire's grammar (CONTRACT §2.3), in lower case, as it is stored and looked up.
///
/// ```
/// use hallpass::EmailAddress;
/// let email: EmailAddress = "Ann@Example.COM".parse().unwrap();
/// assert_eq!(email.as_str(), "ann@example.com");
/// assert!("ann@localhost".parse::<EmailAddress>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, with = "String", extend("format" = "email"))]
pub struct EmailAddress(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

impl EmailAddress {
    /// The address, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmail;
    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        if is_address(text) { Ok(Self(text.to_ascii_lowercase())) } else { Err(NotAnEmail) }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnEmail;
    fn try_from(text: String) -> Result<Self, NotAnEmail> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !text.starts_with('.') && !text.contains("..") && is_local_part(local) && is_domain(domain)
}

fn is_local_part(local: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_'+-.".contains(&byte);
    let last = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte);
    local.bytes().all(inner) && local.bytes().next_back().is_some_and(last)
}

fn is_domain(domain: &str) -> bool {
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && label.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
    };
    top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic()) && labels.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_2_3_accepted_and_refused() {
        let long = format!("{}@ex.com", "a".repeat(65));
        for good in [
            "a@b.co",
            "A@EX.COM",
            "-a@ex.com",
            "a-@ex.com",
            "_a@ex.com",
            "a'b@ex.com",
            "a@ex-.com",
            &long,
            "a.b+c@x.y.zz",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "a@b",
            "a@b.c",
            "a@-ex.com",
            "a@ex.c0m",
            ".a@ex.com",
            "a.@ex.com",
            "a'@ex.com",
            "a..b@ex.com",
            "a@ex..com",
            "\"a\"@ex.com",
            "a@[1.1.1.1]",
            "a@1.1.1.1",
            "a_b@ex_a.com",
            "a!b@ex.com",
            " a@ex.com",
            "a@ex.com ",
            "ä@ex.com",
            "a@ex.com\n",
            "a@b@ex.com",
            "@ex.com",
            "",
            "a@.com",
        ] {
            assert!(!is_address(bad), "{bad:?}");
        }
    }
}
