//! How clients reach the server: wires in memory, and real TCP for other people's clients.
//!
//! Rules: the tasks that serve live in a set that the dialer owns, and die with it; on a runtime of one thread nothing
//! here depends on time or chance. A real socket fires time-outs at once under paused time: simulate with
//! [`FakeDialer`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use postrider_net::{Dialer, Endpoint, Io};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::core::Server;
use crate::faults::FaultPlan;
use crate::imap::{Outcome, serve};

/// Octets that a wire holds in each direction before its writer waits.
const WIRE: usize = 64 * 1024;

/// Dials wires in memory to servers by endpoint; clones share them.
#[derive(Clone, Debug, Default)]
pub struct FakeDialer(Arc<Mutex<Net>>);

#[derive(Debug, Default)]
struct Net {
    hosts: BTreeMap<Endpoint, Host>,
    tasks: JoinSet<io::Result<Outcome>>,
}

#[derive(Debug)]
struct Host {
    server: Server,
    dialled: usize,
    refuses: bool,
    /// By number of the connection, from 1.
    plans: BTreeMap<usize, FaultPlan>,
    every: FaultPlan,
    /// Its connections, of which some may have ended.
    served: Vec<AbortHandle>,
}

impl FakeDialer {
    /// A net without hosts.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a server at an endpoint.
    pub fn add(&self, at: Endpoint, server: &Server) {
        let host = Host {
            server: server.clone(),
            dialled: 0,
            refuses: false,
            plans: BTreeMap::new(),
            every: FaultPlan::none(),
            served: Vec::new(),
        };
        self.lock().hosts.insert(at, host);
    }

    /// The faults of the n-th connection to an endpoint, counted from 1 since [`Self::add`].
    pub fn plan(&self, at: &Endpoint, nth: usize, plan: FaultPlan) {
        if let Some(host) = self.lock().hosts.get_mut(at) {
            host.plans.insert(nth, plan);
        }
    }

    /// The faults of every connection to an endpoint that has no plan of its own.
    pub fn plan_every(&self, at: &Endpoint, plan: FaultPlan) {
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

    /// Cuts every connection to an endpoint, as a server that is stopped.
    pub fn cut(&self, at: &Endpoint) {
        if let Some(host) = self.lock().hosts.get_mut(at) {
            host.served.drain(..).for_each(|served| served.abort());
        }
    }

    /// A wire to the server at an endpoint. Must be called within a runtime, which drives the server's side.
    ///
    /// # Errors
    /// `NotFound` for an unknown host, `ConnectionRefused` for one that refuses.
    pub fn connect(&self, to: &Endpoint) -> io::Result<DuplexStream> {
        let mut net = self.lock();
        while net.tasks.try_join_next().is_some() {}
        let host =
            net.hosts.get_mut(to).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "unknown host"))?;
        host.dialled += 1;
        if host.refuses {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused"));
        }
        let plan = host.plans.get(&host.dialled).unwrap_or(&host.every).clone();
        let server = host.server.clone();
        let (client, side) = tokio::io::duplex(WIRE);
        let served = net.tasks.spawn(async move { serve(&server, side, plan).await });
        if let Some(host) = net.hosts.get_mut(to) {
            host.served.retain(|one| !one.is_finished());
            host.served.push(served);
        }
        Ok(client)
    }
}

#[async_trait]
impl Dialer for FakeDialer {
    async fn dial(&self, to: &Endpoint) -> io::Result<Box<dyn Io>> {
        Ok(Box::new(self.connect(to)?))
    }
}

/// Serves real clients on a listener until the future is dropped; all connections share the plan.
///
/// # Errors
/// What accepting a connection reports.
pub async fn listen(server: &Server, listener: &TcpListener, plan: &FaultPlan) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        while tasks.try_join_next().is_some() {}
        let (server, plan) = (server.clone(), plan.clone());
        tasks.spawn(async move { serve(&server, stream, plan).await });
    }
}
