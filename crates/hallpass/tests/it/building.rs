//! What is refused before anything runs, with a sentence that says what to change.

use hallpass::{
    Bearer, Builder, Hallpass,
    options::{
        AdditionalField, AdvancedOptions, IpAddressOptions, RateLimitOptions, RateLimitStorage, SessionOptions, Span,
        UserOptions,
    },
    store::MemoryStore,
};

fn refused(configure: impl FnOnce(Builder) -> Builder) -> String {
    let builder = Hallpass::builder().secret("a secret of at least thirty-two characters").store(MemoryStore::new());
    configure(builder).build().unwrap_err().to_string()
}

/// A boolean field of this name would let whoever signs up declare their address verified.
#[test]
fn a_field_over_a_core_column() {
    for name in ["emailVerified", "email", "id", "createdAt"] {
        let fields = [(name.to_owned(), AdditionalField::default())];
        let said = refused(|it| {
            it.user(UserOptions { additional_fields: fields.into_iter().collect(), ..UserOptions::default() })
        });
        assert_eq!(
            said,
            format!("user.additional_fields: `{name}` is a column of the user table already; choose another name")
        );
    }
    let fields = [("token".to_owned(), AdditionalField::default())].into_iter().collect();
    let said = refused(|it| it.session(SessionOptions { additional_fields: fields, ..SessionOptions::default() }));
    assert!(said.starts_with("session.additional_fields: `token`"), "{said}");
}

#[test]
fn a_disabled_path_that_matches_nothing() {
    for path in ["sign-up/email", "/sign-up/email/", ""] {
        let said = refused(|it| it.disabled_paths([path]));
        assert!(said.starts_with(&format!("disabled_paths: `{path}` matches nothing")), "{said}");
    }
}

#[test]
fn what_is_missing_or_makes_no_sense() {
    let secretless = Hallpass::builder().store(MemoryStore::new()).build().unwrap_err().to_string();
    assert!(secretless.contains("secret is required"), "{secretless}");
    let storeless = Hallpass::builder().secret("x").build().unwrap_err().to_string();
    assert!(storeless.contains("store is required"), "{storeless}");
    let proxies = IpAddressOptions { trusted_proxies: vec!["10.0.0.0/99".into()], ..IpAddressOptions::default() };
    for (said, hint) in [
        (refused(|it| it.base_url("ftp://x")), "http:// or https://"),
        (refused(|it| it.base_path("/a\"b")), "base_path"),
        (
            refused(|it| {
                let storage = Some(RateLimitStorage::SecondaryStorage);
                it.rate_limit(RateLimitOptions { storage, ..RateLimitOptions::default() })
            }),
            "rate_limit.storage",
        ),
        (refused(|it| it.plugin(Bearer::new()).plugin(Bearer::new())), "added twice"),
        (
            refused(|it| it.advanced(AdvancedOptions { ip_address: proxies, ..AdvancedOptions::default() })),
            "trusted_proxies",
        ),
        (
            refused(|it| {
                it.session(SessionOptions {
                    expires_in: Some(Span::from_secs(34_560_001)),
                    ..SessionOptions::default()
                })
            }),
            "400 days",
        ),
    ] {
        assert!(said.contains(hint), "{said}");
    }
}
