//! What comes with the client.

use std::process::Command;

#[test]
fn no_server_and_no_openssl_come_with_the_client() {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--package",
        "hallpass-client",
        "--all-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    let output = tree.args(["--format", "{p}"]).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let (names, noise) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{noise}");
    let names: Vec<&str> = names.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"hallpass-client") && names.contains(&"rustls"), "{names:?}");
    let unwanted = |name: &&str| {
        name.starts_with("hallpass") && *name != "hallpass-client"
            || ["native-tls", "openssl-sys", "axum", "rusqlite"].contains(name)
    };
    assert_eq!(names.into_iter().find(unwanted), None);
}
