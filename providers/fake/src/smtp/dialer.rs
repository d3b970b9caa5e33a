//! Wires in memory to SMTP servers, beside whatever else is dialled: a whole program has one dialer.
//!
//! Rules: the tasks that serve live in a set that the dialer owns, and die with it; on a runtime of one thread nothing
//! here depends on time or chance.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use postrider_net::{Dialer, Endpoint, Io};
use tokio::io::DuplexStream;
use tokio::task::JoinSet;

use super::connection::{SmtpOutcome, serve};
use super::faults::SmtpPlan;
use super::server::SmtpServer;

/// Octets that a wire holds in each direction before its writer waits.
const WIRE: usize = 64 * 1024;

/// Dials wires in memory to SMTP servers by endpoint, and hands on what is no such endpoint; clones share them.
#[derive(Clone, Debug, Default)]
pub struct SmtpDialer {
    net: Arc<Mutex<Net>>,
    others: Option<Arc<dyn Dialer>>,
}

#[derive(Debug, Default)]
struct Net {
    hosts: BTreeMap<Endpoint, Host>,
    tasks: JoinSet<io::Result<SmtpOutcome>>,
}

#[derive(Debug)]
struct Host {
    server: SmtpServer,
    dialled: usize,
    refuses: bool,
    /// By number of the connection, from 1.
    plans: BTreeMap<usize, SmtpPlan>,
    every: SmtpPlan,
}

impl SmtpDialer {
    /// A net without hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A net without hosts, on top of another that reaches all other endpoints.
    pub fn over(others: Arc<dyn Dialer>) -> Self {
        Self { net: Arc::default(), others: Some(others) }
    }

    fn lock(&self) -> MutexGuard<'_, Net> {
        self.net.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a server at an endpoint.
    pub fn add(&self, at: Endpoint, server: &SmtpServer) {
        let host = Host {
            server: server.clone(),
            dialled: 0,
            refuses: false,
            plans: BTreeMap::new(),
            every: SmtpPlan::none(),
        };
        self.lock().hosts.insert(at, host);
    }

    /// The faults of the n-th connection to an endpoint, counted from 1 since [`Self::add`].
    pub fn plan(&self, at: &Endpoint, nth: usize, plan: SmtpPlan) {
        if let Some(host) = self.lock().hosts.get_mut(at) {
            host.plans.insert(nth, plan);
        }
    }

    /// The faults of every connection to an endpoint that has no plan of its own.
    pub fn plan_every(&self, at: &Endpoint, plan: SmtpPlan) {
        if let Some(host) = self.lock().hosts.get_mut(at) {
            host.every = plan;
        }
    }

    /// Whether the endpoint refuses connections.
    pub fn refuse(&self, at: &Endpoint, refuses: bool) {
        if let Some(host) = self.lock().hosts.get_mut(at) {
            host.refuses = refuses;
        }
    }

    /// How many connections were dialled to an endpoint, refused ones included.
    pub fn dialled(&self, at: &Endpoint) -> usize {
        self.lock().hosts.get(at).map_or(0, |host| host.dialled)
    }

    /// Cuts every connection, as a network that goes down.
    pub fn cut_all(&self) {
        // Aborted tasks drop their end of the wire; they leave the set at the next dial.
        self.lock().tasks.abort_all();
    }

    /// A wire to the server at an endpoint, if there is one. Must be called within a runtime, which drives the server's side.
    pub fn connect(&self, to: &Endpoint) -> Option<io::Result<DuplexStream>> {
        let mut net = self.lock();
        while net.tasks.try_join_next().is_some() {}
        let host = net.hosts.get_mut(to)?;
        host.dialled += 1;
        if host.refuses {
            return Some(Err(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")));
        }
        let plan = host.plans.get(&host.dialled).unwrap_or(&host.every).clone();
        let server = host.server.clone();
        let (client, side) = tokio::io::duplex(WIRE);
        net.tasks.spawn(async move { serve(&server, side, plan).await });
        Some(Ok(client))
    }
}

#[async_trait]
impl Dialer for SmtpDialer {
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>> {
        match (self.connect(to), &self.others) {
            (Some(outcome), _) => Ok(Box::new(outcome?)),
            (None, Some(others)) => others.dial(to).await,
            (None, None) => Err(io::Error::new(io::ErrorKind::NotFound, "unknown host")),
        }
    }
}
