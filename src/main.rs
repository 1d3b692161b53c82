//! Wiring only: see [`rollcall::cli`] for what the program does and its exit codes.

use std::process::ExitCode;

/// Many small texts come and go for years: this allocator gives the memory of a storm back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The one TLS provider of the process. An error only says that there is one already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    rollcall::cli::main()
}
