//! What the program needs around its work: clock, election, endpoints.

pub mod clock;
