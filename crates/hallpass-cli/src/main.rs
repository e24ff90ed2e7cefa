//! The binary `hallpass`; all of it is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    hallpass_cli::main()
}
