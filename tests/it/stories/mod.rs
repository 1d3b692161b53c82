//! The main job, told as stories: each with an operator, a namespace and real SCIM servers of its own.

mod drift;
mod joiner;
mod kit_a;
mod leaver;
mod mover;
mod policy;
mod random_order;
