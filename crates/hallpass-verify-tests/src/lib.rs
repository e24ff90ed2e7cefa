//! Nothing: the tests are in `tests/it`. They run hallpass-verify against hallpass, the npm package, Redis, axum and tonic.
