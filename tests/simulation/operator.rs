//! The real operator, in the world of a simulation.

use std::sync::Arc;

use rollcall::controllers::engine::Settings;
use rollcall::controllers::{self, Options, Outside, RunError};
use rollcall::domain::guard::Limits;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::connector::Places;
use crate::world::{Audit, World};

pub struct Operator {
    pub task: JoinHandle<Result<(), RunError>>,
    pub shutdown: CancellationToken,
}

impl Operator {
    /// Starts it. It knows nothing but what the cluster and the applications show.
    pub fn start(world: &World) -> Self {
        let overall = world.judge.company().overall;
        let options = Options {
            namespaces: Some(["people".to_owned()].into()),
            engine: Settings {
                installation: "acme".to_owned(),
                paused: false,
                limits: Limits {
                    most: None,
                    percent: overall.percent.try_into().unwrap(),
                    always: overall.always.try_into().unwrap(),
                },
            },
            listen: "127.0.0.1:0".parse().unwrap(),
            field_manager: "rollcall".to_owned(),
            election: None,
            notifications: None,
            client: api::client(&world.cluster),
            clock: world.wall.clone(),
            outside: Outside {
                open: Arc::new(Places(world.places.clone())),
                audit: Arc::new(Audit(world.findings.clone())),
            },
        };
        let shutdown = CancellationToken::new();
        Self {
            task: tokio::spawn(controllers::run(options, shutdown.clone())),
            shutdown,
        }
    }
}
