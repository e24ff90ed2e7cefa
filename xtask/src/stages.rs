//! What there is to run, in this order: what fails fastest comes first.

use std::path::PathBuf;

use crate::{
    run::{
        Outcome, Tally, check, command, count_cargo_test, count_conformance, count_soak, counted, root, say,
        succeeds_quietly,
    },
    tools::{cargo_tool, exists, postgres, python_with, system},
};

/// One part of the tests.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Outcome,
}

/// All parts.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "format", about: "the formatter has nothing to change", run: || outcome(format()) },
    Stage { name: "clippy", about: "no lint complains", run: || outcome(clippy()) },
    Stage { name: "docs", about: "the documentation builds without a warning", run: || outcome(docs()) },
    Stage {
        name: "deny",
        about: "licences, sources and versions of dependencies are as decided",
        run: || outcome(deny()),
    },
    Stage { name: "rust", about: "unit, route, store and documentation tests", run: || outcome(rust()) },
    Stage { name: "build", about: "the binary, as released", run: || outcome(build()) },
    Stage {
        name: "faults",
        about: "stores fail and hallpass is killed under load, and no answer is wrong",
        run: || outcome(faults()),
    },
    Stage {
        name: "flows",
        about: "written flows, answered as the npm package answers them",
        run: || conformance(&["flows"]),
    },
    Stage {
        name: "generated",
        about: "generated requests, likewise",
        run: || conformance(&["generated", "--count", "5000"]),
    },
    Stage { name: "client", about: "the official JavaScript client", run: || conformance(&["client"]) },
    Stage { name: "shared", about: "one database, two servers", run: || conformance(&["shared"]) },
    Stage {
        name: "migrations",
        about: "databases of the npm package, taken over by hallpass",
        run: || outcome(migrations()),
    },
    Stage {
        name: "stores",
        about: "a share of all that on Postgres, MariaDB and Redis; all of it with HALLPASS_SOAK=1",
        run: || outcome(stores()),
    },
    Stage {
        name: "side-by-side",
        about: "both servers at once on one store of each kind, 2,000 random operations on each",
        run: || outcome(side_by_side()),
    },
    Stage {
        name: "openapi",
        about: "the OpenAPI document is valid, and fuzzing by it finds no failure",
        run: || outcome(openapi()),
    },
    Stage { name: "self-test", about: "the comparison notices differences", run: || outcome(self_test()) },
    Stage { name: "browser", about: "the playground in a real browser", run: || outcome(browser()) },
    Stage {
        name: "example",
        about: "the example application in a real browser, with the links of its mails",
        run: || outcome(example()),
    },
    Stage {
        name: "web",
        about: "the React page in a real browser, at another origin than its API",
        run: || outcome(web()),
    },
    Stage {
        name: "gateways",
        about: "nginx, Caddy and Envoy ask hallpass before a request passes",
        run: || outcome(gateways()),
    },
    Stage {
        name: "examples",
        about: "the lines to paste for each example do what is shown",
        run: || outcome(examples()),
    },
    Stage {
        name: "book",
        about: "the book: what it shows is what happens, and its links lead somewhere",
        run: || outcome(book()),
    },
    Stage { name: "fuzz", about: "a short fuzz of everything strangers send", run: || outcome(fuzz()) },
];

fn outcome(result: Result<Tally, String>) -> Outcome {
    result.map_or_else(Outcome::Could, Outcome::Ran)
}

fn cargo(arguments: &[&str]) -> std::process::Command {
    command(env!("CARGO"), arguments, ".")
}

fn format() -> Result<Tally, String> {
    check(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<Tally, String> {
    check(&mut cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))
}

fn docs() -> Result<Tally, String> {
    let mut doc = cargo(&["doc", "--quiet", "--workspace", "--all-features", "--no-deps", "--document-private-items"]);
    check(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny() -> Result<Tally, String> {
    let deny = cargo_tool("cargo-deny", "0.20.2")?;
    // Advisories come from a server that not every machine reaches; they are looked up by hand before a release.
    check(&mut command(
        deny,
        &["--all-features", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"],
        ".",
    ))
}

fn rust() -> Result<Tally, String> {
    // Tests that need what is missing say so; where everything has to run, they fail.
    let prepared = [
        npm_packages("crates/hallpass-mail/tests/smtp-server", &[]),
        prepare_node(),
        system("redis-server", "redis-server"),
        postgres(),
        system("/usr/sbin/pgbouncer", "pgbouncer"),
        system("/usr/sbin/mariadbd", "mariadb-server"),
        system("/usr/bin/gnome-keyring-daemon", "gnome-keyring"),
        system("/usr/bin/dbus-run-session", "dbus-daemon"),
    ];
    for reason in prepared.into_iter().filter_map(Result::err) {
        say(&reason);
    }
    counted(&mut cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]), count_cargo_test)
}

fn build() -> Result<Tally, String> {
    check(&mut cargo(&["build", "--quiet", "--release", "-p", "hallpass-cli"]))
}

/// How long each store is tried in the gate, and how often hallpass is killed.
const SOAK_SECONDS: &str = "20";
const KILLS: &str = "100";

fn faults() -> Result<Tally, String> {
    let failing = soak(&["--seconds".to_owned(), SOAK_SECONDS.to_owned()])?;
    Ok(failing.plus(soak(&["--kills".to_owned(), KILLS.to_owned()])?))
}

/// Runs hallpass, as released, while its stores fail or while it is killed itself.
pub(crate) fn soak(arguments: &[String]) -> Result<Tally, String> {
    for missing in [system("redis-server", "redis-server"), postgres(), system("/usr/sbin/mariadbd", "mariadb-server")]
    {
        missing?;
    }
    // With the features of everything, so that nothing is compiled again that the tests have compiled.
    let program = check(&mut cargo(&["build", "--quiet", "--workspace", "--all-features", "--bin", "hallpass-soak"]))?;
    if program.failed > 0 {
        return Ok(program);
    }
    if !target_folder().join("release/hallpass").exists() {
        let built = build()?;
        if built.failed > 0 {
            return Ok(built);
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = command(target_folder().join("debug/hallpass-soak"), &arguments, ".");
    counted(&mut with_binary(run)?, count_soak)
}

fn conformance(arguments: &[&str]) -> Outcome {
    outcome(node(arguments))
}

fn node(arguments: &[&str]) -> Result<Tally, String> {
    prepare_node()?;
    let arguments: Vec<&str> = std::iter::once("run.mjs").chain(arguments.iter().copied()).collect();
    counted(&mut with_binary(command("node", &arguments, "conformance"))?, count_conformance)
}

/// Compares dumps, which the databases' own programs write.
fn migrations() -> Result<Tally, String> {
    services()?;
    system("sqlite3", "sqlite3")?;
    node(&["migrations"])
}

/// What the stages before do on SQLite, on the other stores: one flow in six, the same ones every time, unless all are wanted.
fn stores() -> Result<Tally, String> {
    services()?;
    let everything = std::env::var_os("HALLPASS_SOAK").is_some();
    let mut tally = Tally::default();
    for store in ["postgres", "mariadb", "redis"] {
        let share = if everything { "1" } else { "6" };
        tally = tally.plus(node(&["flows", "--store", store, "--share", share, "--seed", "1"])?);
        tally = tally.plus(node(&["client", "--store", store])?);
        // The rounds of generated requests begin with rows in a database.
        if store != "redis" {
            let count = if everything { "5000" } else { "1000" };
            tally = tally.plus(node(&["generated", "--store", store, "--count", count])?);
        }
        if everything {
            tally = tally.plus(node(&["shared", "--store", store])?);
        }
    }
    Ok(tally)
}

fn side_by_side() -> Result<Tally, String> {
    services()?;
    node(&["side-by-side", "--count", "2000"])
}

/// The databases of the conformance runs, which start what is not named by `HALLPASS_TEST_…`.
fn services() -> Result<(), String> {
    system("redis-server", "redis-server")?;
    postgres()?;
    system("/usr/sbin/mariadbd", "mariadb-server")
}

/// The comparison has to fail where the two sides are configured differently.
fn self_test() -> Result<Tally, String> {
    let noticed = node(&["self-test"])?;
    let flipped =
        command("node", &["run.mjs", "generated", "--count", "200", "--flip-require-signature"], "conformance");
    // Its differences are wanted.
    let agrees = succeeds_quietly(with_binary(flipped)?.stderr(std::process::Stdio::null()))?;
    Ok(noticed.plus(if agrees { Tally::failure() } else { Tally::success() }))
}

/// Validates the OpenAPI document and fuzzes the server by it, with programs from PyPI at fixed versions.
fn openapi() -> Result<Tally, String> {
    let python = python_with("python", &root().join("conformance/openapi/requirements.txt"))?;
    let check = command(python, &["openapi/check.py", "20"], "conformance");
    counted(&mut with_binary(check)?, count_conformance)
}

fn browser() -> Result<Tally, String> {
    system("/usr/bin/chromium", "chromium")?;
    node(&["browser"])
}

fn example() -> Result<Tally, String> {
    walk("example")
}

fn web() -> Result<Tally, String> {
    npm_packages("examples/web", &[])?;
    walk("web")
}

/// Walks a page that uses the example application.
fn walk(page: &str) -> Result<Tally, String> {
    system("/usr/bin/chromium", "chromium")?;
    prepare_node()?;
    let built = build_examples()?;
    if built.failed > 0 {
        return Ok(built);
    }
    let mut walk = command("node", &["run.mjs", page], "conformance");
    let walked = counted(walk.env("EXAMPLE_BIN", target_folder().join("debug/example-axum-api")), count_conformance)?;
    Ok(built.plus(walked))
}

/// Runs the gateways with the configurations that the documentation shows.
fn gateways() -> Result<Tally, String> {
    system("/usr/sbin/nginx", "nginx")?;
    system("/usr/bin/caddy", "caddy")?;
    let python = python_with("envoy", &root().join("conformance/gateways/requirements.txt"))?;
    prepare_node()?;
    let mut run = with_binary(command("node", &["run.mjs", "gateways"], "conformance"))?;
    counted(run.env("ENVOY_BIN", python.with_file_name("envoy")), count_conformance)
}

/// Builds the examples, for development as whoever copies one would. Always all of them: with one less the features of what they depend on would be
/// others, and all that would be compiled again.
fn build_examples() -> Result<Tally, String> {
    let programs = ["axum-api", "plain-hyper", "cli-login", "native-client", "actix-api", "tonic-service"];
    let packages = programs.map(|name| format!("example-{name}"));
    let selected = packages.iter().flat_map(|package| ["-p", package]);
    check(&mut cargo(&["build", "--quiet"].into_iter().chain(selected).collect::<Vec<_>>()))
}

/// Does what the page of the examples says.
fn examples() -> Result<Tally, String> {
    let built = build_examples()?;
    if built.failed > 0 {
        return Ok(built);
    }
    prepare_node()?;
    let mut run = with_binary(command("node", &["run.mjs", "examples"], "conformance"))?;
    Ok(built.plus(counted(run.env("EXAMPLES_DIR", target_folder().join("debug")), count_conformance)?))
}

/// Does what the book says, and builds it. Its Rust is tested with everybody's, in the stage `rust`.
fn book() -> Result<Tally, String> {
    let mdbook = cargo_tool("mdbook", "0.5.4")?;
    for program in ["curl", "openssl", "python3"] {
        system(program, program)?;
    }
    // With the features of everything, so that nothing is compiled again that the tests have compiled.
    let built = check(&mut cargo(&["build", "--quiet", "--workspace", "--all-features", "--example", "add-to-axum"]))?;
    if built.failed > 0 {
        return Ok(built);
    }
    let mut read = command("node", &["run.mjs", "book"], "conformance");
    read.env("MDBOOK_BIN", mdbook).env("BOOK_EXAMPLE_BIN", target_folder().join("debug/examples/add-to-axum"));
    prepare_node()?;
    Ok(built.plus(counted(&mut with_binary(read)?, count_conformance)?))
}

/// What the comparison needs. One of the packages is compiled on the spot.
fn prepare_node() -> Result<(), String> {
    npm_packages("conformance", &["g++", "make", "python3"])
}

/// Node, and the npm packages of a folder at their locked versions, with the programs that it takes to install them.
fn npm_packages(folder: &str, programs: &[&str]) -> Result<(), String> {
    if !exists("node") || !exists("npm") {
        return Err("Node 20 or later with npm is needed".into());
    }
    let at = root().join(folder);
    let age = |path: PathBuf| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if age(at.join("node_modules/.package-lock.json")) >= age(at.join("package-lock.json")) {
        return Ok(());
    }
    for program in programs {
        system(program, program)?;
    }
    match check(&mut command("npm", &["ci", "--no-audit", "--no-fund"], folder))?.failed {
        0 => Ok(()),
        _ => Err(format!("`npm ci` failed in {folder}/")),
    }
}

fn with_binary(mut command: std::process::Command) -> Result<std::process::Command, String> {
    let binary = target_folder().join("release/hallpass");
    if !binary.exists() {
        return Err("the binary is not built; run the stage `build` first".into());
    }
    command.env("HALLPASS_BIN", binary);
    Ok(command)
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// How long each target is fuzzed in the gate, in seconds.
const FUZZ_SECONDS: &str = "15";

fn fuzz() -> Result<Tally, String> {
    let fuzz = cargo_tool("cargo-fuzz", "0.13.2")?;
    system("/usr/bin/clang", "clang").or_else(|_| system("g++", "g++"))?;
    let mut tally = Tally::default();
    for target in ["authorization", "cookies", "signed", "body", "redirect"] {
        let seconds = format!("-max_total_time={FUZZ_SECONDS}");
        let arguments =
            ["fuzz", "run", target, "--sanitizer", "none", "--", &seconds, "-verbosity=0", "-print_final_stats=1"];
        tally = tally.plus(check(&mut command(&fuzz, &arguments, "."))?);
    }
    Ok(tally)
}
