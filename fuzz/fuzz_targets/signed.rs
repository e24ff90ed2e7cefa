//! What was signed verifies, and nothing else does.
#![no_main]

use hallpass_verify::SigningKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, String)| {
    let (value, other) = input;
    let key = SigningKey::new("better-auth-contract-secret-00000000");
    let signed = key.sign(&value);
    assert_eq!(key.verify(&signed).is_some(), !value.is_empty());
    assert!(key.verify(&other).is_none(), "the fuzzer has found a signature");
    if let Some((_, signature)) = signed.rsplit_once('.')
        && other != value
    {
        assert!(key.verify(&format!("{other}.{signature}")).is_none());
    }
});
