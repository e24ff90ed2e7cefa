//! Any bytes as an Authorization header: the reader answers, and what it admits is what was signed.
#![no_main]

use hallpass_verify::{SigningKey, bearer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &[u8]| {
    let key = SigningKey::new("better-auth-contract-secret-00000000");
    if let Some(admitted) = bearer::parse(header).and_then(|credential| credential.admit(&key, true)) {
        // With signatures required nobody gets in who cannot sign: the fuzzer does not know the secret.
        let (value, signature) = admitted.cookie().split_once('.').expect("a signed token has a dot");
        assert!(key.verify_leniently(value, signature.split('.').next().unwrap_or_default()));
    }
    let mut with_scheme = b"Bearer ".to_vec();
    with_scheme.extend(header);
    if let Some(credential) = bearer::parse(&with_scheme) {
        if let Some(admitted) = credential.admit(&key, false) {
            assert_eq!(admitted.token(), key.verify(admitted.cookie()), "one check stands for both readers");
        }
    }
});
