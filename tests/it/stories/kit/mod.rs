//! What the stories are told with.

mod company;
mod conditions;
mod json;
mod log;
mod manifests;
mod neighbours;
mod story;
mod targets;
mod witness;
mod wrong;

pub use company::{Company, company};
pub use conditions::{approval, is, message, says, tells};
pub use json::{account, condition, condition_says, is_observed, is_ready, is_true, stands, step};
pub use log::{begins, begins_listing, cycles, lines_of_writes, position, since, writes};
pub use manifests::{
    californian, clerk, connector, connector_to, connector_with, day, employee, everyone, template,
    username,
};
pub use neighbours::Neighbours;
pub use story::Story;
pub use targets::{group_id, id_of, user_id, usernames};
pub use witness::Witness;
pub use wrong::{Told, Wrong, wrong};
