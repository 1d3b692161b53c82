//! Wiring only: see [`rollcall::cli`] for what the program does and its exit codes.

use std::process::ExitCode;

/// Many small texts come and go for years: this allocator gives the memory of a storm back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_pages_small();
    // The one TLS provider of the process. An error only says that there is one already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    rollcall::cli::main()
}

/// Many small things live for long beside others that come and go with each listing: a huge page stays in memory as
/// long as any of them is in it. Without it the same work takes about a seventh less.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    // Where the kernel knows no huge pages there are none to be had.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn keep_pages_small() {}
