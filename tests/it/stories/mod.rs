//! What a company lives through, each story on a real API server and real SCIM servers.

mod kit_b;

mod bad_input;
mod converged;
mod credentials;
mod deletion;
mod dry_run;
mod killed;
mod names;
mod outage;
mod own_pages;
mod stolen;
