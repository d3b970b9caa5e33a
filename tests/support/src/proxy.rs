//! A wire with properties: a TCP proxy on loopback that adds latency, counts bytes, cuts, and falls
//! silent. Latency delays what passes and does not slow it: bytes on the way do not wait for each other, as
//! on a long line. A connection costs one round trip before its first byte passes, as TCP's own does. Its
//! threads are joined when it is dropped.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Chunks that may be on the way at once; with 64 KiB each far more than any latency here needs.
const CHUNKS_ON_THE_WAY: usize = 1024;
const CHUNK: usize = 64 * 1024;

/// What befalls each connection, counted in bytes from server to client since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Both ends are closed after this many bytes; what came before is delivered.
    CutAfter(u64),
    /// Nothing passes any more, in neither direction, after this many bytes; the connection stays open.
    SilentAfter(u64),
}

#[derive(Debug, Default)]
struct Control {
    fault: Fault,
    silent: bool,
    refuse: bool,
    ended: bool,
    /// Both sockets of each open connection, so that they can be closed from outside.
    open: HashMap<u64, [TcpStream; 2]>,
}

#[derive(Debug, Default)]
struct Shared {
    control: Mutex<Control>,
    changed: Condvar,
    to_server: AtomicU64,
    to_client: AtomicU64,
    connections: AtomicU64,
}

impl Shared {
    fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy in front of one server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a port of its own and passes everything to `server`; `round_trip` is added to what the
    /// wire itself takes.
    ///
    /// # Errors
    /// Where it cannot listen.
    pub fn start(server: SocketAddr, round_trip: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("the proxy cannot listen")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let for_acceptor = Arc::clone(&shared);
        let acceptor = thread::Builder::new()
            .name("proxy".into())
            .spawn(move || accept(&listener, server, round_trip, &for_acceptor))?;
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Bytes passed on to the server since the start or the last reset.
    pub fn to_server(&self) -> u64 {
        self.shared.to_server.load(Ordering::SeqCst)
    }

    /// Bytes passed on to the client since the start or the last reset.
    pub fn to_client(&self) -> u64 {
        self.shared.to_client.load(Ordering::SeqCst)
    }

    /// Connections accepted since the start or the last reset.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Sets the counters to zero.
    pub fn reset(&self) {
        for counter in [&self.shared.to_server, &self.shared.to_client, &self.shared.connections] {
            counter.store(0, Ordering::SeqCst);
        }
    }

    /// What befalls connections from now on, open ones too.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.control().fault = fault;
    }

    /// Whether nothing passes, on any connection; what was held back passes when this ends.
    pub fn set_silent(&self, silent: bool) {
        self.shared.control().silent = silent;
        self.shared.changed.notify_all();
    }

    /// Whether new connections are closed at once.
    pub fn set_refuse(&self, refuse: bool) {
        self.shared.control().refuse = refuse;
    }

    /// Closes every open connection.
    pub fn cut(&self) {
        for [client, server] in self.shared.control().open.values() {
            close(client);
            close(server);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.control().ended = true;
        self.cut();
        self.shared.changed.notify_all();
        // Wakes the acceptor, which looks whether it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn close(stream: &TcpStream) {
    // It may be closed already.
    let _ = stream.shutdown(Shutdown::Both);
}

fn accept(listener: &TcpListener, server: SocketAddr, round_trip: Duration, shared: &Arc<Shared>) {
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    for (id, client) in (0..).zip(listener.incoming()) {
        let Ok(client) = client else { continue };
        if shared.control().ended {
            break;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let for_worker = Arc::clone(shared);
        let worker = thread::Builder::new()
            .name(format!("proxy-{id}"))
            .spawn(move || connect(id, client, server, round_trip, &for_worker));
        workers.extend(worker);
        workers.retain(|worker| !worker.is_finished());
    }
    for worker in workers {
        let _ = worker.join();
    }
}

fn connect(id: u64, client: TcpStream, server: SocketAddr, round_trip: Duration, shared: &Arc<Shared>) {
    if shared.control().refuse {
        return;
    }
    thread::sleep(round_trip);
    let Ok(server) = TcpStream::connect(server) else { return };
    let (Ok(client_copy), Ok(server_copy)) = (client.try_clone(), server.try_clone()) else { return };
    {
        let mut control = shared.control();
        if control.ended {
            return;
        }
        control.open.insert(id, [client_copy, server_copy]);
    }
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let mute = AtomicBool::new(false);
    let delay = round_trip / 2;
    thread::scope(|scope| {
        let up = Direction { from: &client, to: &server, mute: &mute, downstream: false };
        let down = Direction { from: &server, to: &client, mute: &mute, downstream: true };
        scope.spawn(move || up.pass(scope, delay, shared));
        down.pass(scope, delay, shared);
    });
    shared.control().open.remove(&id);
}

/// A chunk and when it is due at the other end.
type Chunk = (Instant, Vec<u8>);

/// One direction of one connection.
#[derive(Clone, Copy)]
struct Direction<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    /// This connection has fallen silent.
    mute: &'a AtomicBool,
    downstream: bool,
}

impl<'a> Direction<'a> {
    fn pass<'scope>(
        self,
        scope: &'scope thread::Scope<'scope, '_>,
        delay: Duration,
        shared: &'scope Arc<Shared>,
    ) where
        'a: 'scope,
    {
        let (sender, receiver) = sync_channel(CHUNKS_ON_THE_WAY);
        let writer = scope.spawn(move || self.deliver(&receiver, shared));
        self.collect(&sender, delay);
        drop(sender);
        let _ = writer.join();
    }

    fn collect(self, sender: &SyncSender<Chunk>, delay: Duration) {
        let mut from = self.from;
        let mut buffer = vec![0; CHUNK];
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..size).unwrap_or_default().to_vec();
            if sender.send((Instant::now() + delay, bytes)).is_err() {
                return;
            }
        }
    }

    /// Delivers until the other side ends, then passes the end on.
    fn deliver(self, receiver: &Receiver<Chunk>, shared: &Shared) {
        let mut passed = 0;
        while let Ok((due, bytes)) = receiver.recv() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !self.write(&bytes, &mut passed, shared) {
                close(self.from);
                close(self.to);
                return;
            }
        }
        let _ = self.to.shutdown(Shutdown::Write);
    }

    /// Writes what the fault lets through; false: this connection is over.
    fn write(self, bytes: &[u8], passed: &mut u64, shared: &Shared) -> bool {
        if !self.wait_while_silent(shared) {
            return false;
        }
        let fault = shared.control().fault;
        let limit = match fault {
            Fault::CutAfter(limit) | Fault::SilentAfter(limit) if self.downstream => limit,
            _ => u64::MAX,
        };
        let room = usize::try_from(limit.saturating_sub(*passed)).unwrap_or(usize::MAX);
        let part = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        let mut to = self.to;
        if to.write_all(part).is_err() {
            return false;
        }
        *passed += part.len() as u64;
        let counter = if self.downstream { &shared.to_client } else { &shared.to_server };
        counter.fetch_add(part.len() as u64, Ordering::SeqCst);
        if *passed < limit {
            return true;
        }
        if matches!(fault, Fault::SilentAfter(_)) {
            self.mute.store(true, Ordering::SeqCst);
            return self.wait_while_silent(shared);
        }
        false
    }

    /// Blocks as long as nothing is to pass; false: the proxy or the connection ends meanwhile.
    fn wait_while_silent(self, shared: &Shared) -> bool {
        let mut control = shared.control();
        while !control.ended && (control.silent || self.mute.load(Ordering::SeqCst)) {
            control = shared.changed.wait(control).unwrap_or_else(PoisonError::into_inner);
        }
        !control.ended
    }
}
