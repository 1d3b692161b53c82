//! The controllers: gather, decide by the pure core, hand over, write status.
//!
//! One task owns everything that is known ([`world::World`]) and one file does one thing with it. See
//! `docs/architecture.md`.

pub mod app_connector;
pub mod employee;
pub mod engine;
pub mod notice;
pub mod role_template;
pub mod text;
pub mod watch;
pub mod world;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use kube::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::LogSink;
use crate::dispatch::DispatchMetrics;
use crate::runtime::clock::WallClock;
use crate::runtime::events::Notices;
use crate::runtime::http::{self, Health};
use crate::runtime::metrics::{self, Metrics};
use crate::runtime::status_writer::{self, StatusWriter};
use engine::{Engine, Inbox, Ports};

/// Changes from Kubernetes that may wait to be taken in.
const CHANGES: usize = 1024;

