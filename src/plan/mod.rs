//! The plan, pure: the ordered operations that turn what a target shows into what policy desires.

pub mod operation;
