//! The real world behind the seams: the machine's clock, its randomness, its network, its threads.
//!
//! The only place that asks for wall time or randomness. A simulation brings a world of its own.

use std::{io, path::Path, sync::Arc};

use async_trait::async_trait;
use postrider_model::{Clock, Entropy, ErrorClass, Fault, Timestamp};
use postrider_net::{Dialer, Listener, LoopbackListener, TcpDialer};
use postrider_remote::{CalendarRemote, ContactRemote};
use postrider_store::{Executor, StoreError, ThreadExecutor, Writer};

use crate::{
    access::UnixUsers,
    config::{ItemServer, ProviderKind},
    sync::{Compute, Disk, Room, ThreadCompute},
};

/// All that is not deterministic.
#[derive(Clone)]
pub struct World {
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Every connection.
    pub dialer: Arc<dyn Dialer>,
    /// The one kind of connection that comes in.
    pub loopback: Arc<dyn Loopback>,
    /// Room on disks.
    pub disk: Arc<dyn Disk>,
    /// Threads.
    pub threads: Arc<dyn Threads>,
    /// Who a uid is.
    pub unix_users: Arc<dyn UnixUsers>,
    /// Servers of contacts and activities.
    pub items: Arc<dyn ItemServers>,
}

impl World {
    /// This machine.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            dialer: Arc::new(TcpDialer),
            loopback: Arc::new(TcpLoopback),
            disk: Arc::new(SystemDisk),
            threads: Arc::new(RealThreads),
            unix_users: Arc::new(SystemUsers),
            items: Arc::new(NoItemServers),
        }
    }
}

/// Through whom contacts and activities of accounts are reached.
pub trait ItemServers: Send + Sync {
    /// The kinds of servers that are reached; accounts of the others may ask for neither.
    fn kinds(&self) -> &[ProviderKind];

    /// An account's contacts.
    ///
    /// # Errors
    /// A kind that is not reached; a login that is missing.
    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault>;

    /// An account's calendars and task lists.
    ///
    /// # Errors
    /// As [`contacts`](Self::contacts).
    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault>;
}

/// Nobody is reached: this version has no provider of contacts or activities yet.
#[derive(Debug)]
pub struct NoItemServers;

impl NoItemServers {
    fn refuse(server: &ItemServer) -> Fault {
        let action = format!("reach the contacts and calendars of {}", server.account);
        let cause = match server.kind {
            ProviderKind::Imap => "its provider is of type imap, which has mail alone",
            ProviderKind::Exchange => "this version does not reach Exchange servers yet",
            ProviderKind::Google => "this version does not speak Google's People and Calendar APIs yet",
        };
        Fault::new(ErrorClass::Config, action, cause).hint("turn import and export off in its file")
    }
}

impl ItemServers for NoItemServers {
    fn kinds(&self) -> &[ProviderKind] {
        &[]
    }

    fn contacts(&self, server: &ItemServer) -> Result<Box<dyn ContactRemote>, Fault> {
        Err(Self::refuse(server))
    }

    fn calendars(&self, server: &ItemServer) -> Result<Box<dyn CalendarRemote>, Fault> {
        Err(Self::refuse(server))
    }
}

/// Where a person's browser brings a consent back to (RFC 8252, section 7.3).
#[async_trait]
pub trait Loopback: Send + Sync {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// Where the operating system gives none; a consent can still be pasted.
    async fn listen(&self) -> io::Result<Box<dyn Listener>>;
}

/// For worlds without browsers: nobody listens.
#[derive(Debug)]
pub struct NoLoopback;

#[async_trait]
impl Loopback for NoLoopback {
    async fn listen(&self) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[derive(Debug)]
struct TcpLoopback;

#[async_trait]
impl Loopback for TcpLoopback {
    async fn listen(&self) -> io::Result<Box<dyn Listener>> {
        Ok(Box::new(LoopbackListener::bind().await?))
    }
}

/// For worlds in which no disk is ever full.
#[derive(Debug)]
pub struct EndlessDisk;

impl Disk for EndlessDisk {
    fn room(&self, _dir: &Path) -> io::Result<Room> {
        Ok(Room { free: u64::MAX, size: u64::MAX })
    }
}

#[derive(Debug)]
struct SystemDisk;

impl Disk for SystemDisk {
    fn room(&self, dir: &Path) -> io::Result<Room> {
        let stat = rustix::fs::statvfs(dir)?;
        let octets = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Ok(Room { free: octets(stat.f_bavail), size: octets(stat.f_blocks) })
    }
}

/// Where the work of a run is done.
pub trait Threads: Send + Sync {
    /// Puts the store's writer to work.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    fn store(&self, writer: Writer) -> Result<Arc<dyn Executor>, StoreError>;

    /// Somewhere to parse and compress.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    fn compute(&self) -> io::Result<Arc<dyn Compute>>;

    /// Somewhere for the search index, beside the load.
    ///
    /// # Errors
    /// Where the operating system gives no thread.
    fn index(&self) -> io::Result<Arc<dyn Compute>> {
        self.compute()
    }
}

#[derive(Debug)]
struct RealThreads;

impl Threads for RealThreads {
    fn store(&self, writer: Writer) -> Result<Arc<dyn Executor>, StoreError> {
        Ok(Arc::new(ThreadExecutor::start(writer)?))
    }

    fn compute(&self) -> io::Result<Arc<dyn Compute>> {
        Ok(Arc::new(ThreadCompute::start("compute")?))
    }

    fn index(&self) -> io::Result<Arc<dyn Compute>> {
        Ok(Arc::new(ThreadCompute::start("index")?))
    }
}

/// For worlds in which the store's owner is alone.
#[derive(Debug)]
pub struct NoUnixUsers;

impl UnixUsers for NoUnixUsers {
    fn uid_of(&self, _name: &str) -> io::Result<Option<u32>> {
        Ok(None)
    }
}

/// The users that the system's name services know (getpwnam(3)).
#[derive(Debug)]
struct SystemUsers;

impl UnixUsers for SystemUsers {
    fn uid_of(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(nix::unistd::User::from_name(name)?.map(|user| user.uid.as_raw()))
    }
}

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one clock behind the seam")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is a broken clock; the epoch is as wrong as any other answer and the safest to sort by.
        Timestamp(since_epoch.map_or(0, |elapsed| i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)))
    }
}

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness no nonce is safe: nothing may go on.
        if getrandom::fill(buffer).is_err() {
            std::process::abort();
        }
    }
}
