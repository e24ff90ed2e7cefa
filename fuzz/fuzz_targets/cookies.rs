//! Any text as a Cookie header: what is set is found again, whatever was there before.
#![no_main]

use hallpass::cookie::RequestCookies;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    let mut cookies = RequestCookies::from_header(header);
    let before = cookies.well_formed();
    let _ = (cookies.get("better-auth.session_token"), cookies.chunks_of("better-auth.session_data"));
    cookies.set("better-auth.session_token", "token.signature=".into());
    assert_eq!(cookies.get("better-auth.session_token").as_deref(), Some("token.signature="));
    for (name, value) in before.iter().filter(|(name, _)| *name != "better-auth.session_token") {
        assert_eq!(cookies.get(name).as_deref(), Some(&**value));
    }
});
