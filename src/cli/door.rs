//! Who does what a command says: this process, on the store, or the daemon that is asked for it (F6.3, F7.5).
//!
//! The store's owner works on the store. What speaks to servers is the daemon's where one keeps this very store, since there is one
//! syncer a store. Whoever does not own the store asks the daemon for everything, and is let in or not.

use std::path::{Path, PathBuf};

use postrider_model::{ErrorClass, Fault};

use crate::{
    api::{Client, Operation, socket_of},
    service::{Caller, Environment, Service},
    world::World,
};

/// Where a daemon of the system has its socket.
const SYSTEM_SOCKET: &str = "/run/postrider/api.sock";

/// See above.
pub(super) enum Door {
    /// This process, as the store's owner.
    Here(Box<Here>),
    /// A daemon, for whoever does not own the store.
    Daemon(Client),
}

/// The store's owner at work.
pub(super) struct Here {
    pub service: Service,
    pub caller: Caller,
    /// The way to the daemon that keeps this store, once it was looked for.
    daemon: Looked,
    socket: PathBuf,
    as_user: Option<String>,
}

enum Looked {
    NotYet,
    For(Option<Client>),
}

impl Here {
    fn new(service: Service, env: &Environment, as_user: Option<String>) -> Result<Self, Fault> {
        let owner = service.owner();
        let caller = match &as_user {
            Some(user) => service.act_as(&owner, user)?,
            None => owner,
        };
        let socket = socket_of(env, &service.config().settings.api);
        Ok(Self { service, caller, daemon: Looked::NotYet, socket, as_user })
    }

    /// The daemon that keeps this store, where there is one.
    async fn daemon(&mut self) -> Option<&Client> {
        if matches!(self.daemon, Looked::NotYet) {
            let client = Client::new(&self.socket, self.as_user.clone());
            let own = self.service.store_id();
            let keeps_it = match client.daemon().await {
                Ok(Some(daemon)) => own.is_some() && daemon.store == own,
                Ok(None) | Err(_) => false,
            };
            self.daemon = Looked::For(keeps_it.then_some(client));
        }
        match &self.daemon {
            Looked::For(client) => client.as_ref(),
            Looked::NotYet => None,
        }
    }
}

impl Door {
    /// Whoever it is that does what this process is asked for.
    pub async fn open(world: World, env: Environment, as_user: Option<String>) -> Result<Self, Fault> {
        match Service::open(world, env.clone()) {
            Ok(service) if service.is_new() => match find(&[Path::new(SYSTEM_SOCKET)], &as_user).await {
                Some(Ok(client)) => Ok(Self::Daemon(client)),
                Some(Err(_)) | None => Ok(Self::Here(Box::new(Here::new(service, &env, as_user)?))),
            },
            Ok(service) => Ok(Self::Here(Box::new(Here::new(service, &env, as_user)?))),
            Err(fault) if fault.class == ErrorClass::NotPermitted || Service::is_anothers(&env) => {
                match find(&[&env.default_socket, Path::new(SYSTEM_SOCKET)], &as_user).await {
                    Some(found) => found.map(Self::Daemon),
                    None => Err(nobody(&fault)),
                }
            }
            Err(fault) => Err(fault),
        }
    }

    /// Has that done.
    pub async fn call<O: Operation>(&mut self, operation: O) -> Result<O::Answer, Fault> {
        match self {
            Self::Daemon(client) => client.call(&operation).await,
            Self::Here(here) => {
                if O::NEEDS_SYNCER
                    && let Some(client) = here.daemon().await
                {
                    return client.call(&operation).await;
                }
                operation.perform(&mut here.service, &here.caller).await
            }
        }
    }

    /// The store's owner, who may do here and now what is not asked of the daemon. `action` is what would be done.
    pub fn here(&mut self, action: &str) -> Result<&mut Here, Fault> {
        match self {
            Self::Here(here) => Ok(here),
            Self::Daemon(_) => {
                let cause = "the daemon cannot do it for you";
                Err(Fault::new(ErrorClass::NotPermitted, action, cause)
                    .hint("ask the store's owner, at whose terminal it works"))
            }
        }
    }

    /// The store's owner, where no daemon keeps the store: who may then speak to servers.
    pub async fn syncer(&mut self) -> Option<&mut Here> {
        match self {
            Self::Here(here) => match here.daemon().await.is_some() {
                true => None,
                false => Some(here),
            },
            Self::Daemon(_) => None,
        }
    }

    /// The daemon, where one answers.
    pub async fn daemon(&mut self) -> Option<&Client> {
        match self {
            Self::Here(here) => here.daemon().await,
            Self::Daemon(client) => Some(client),
        }
    }

    /// Waits for what must not be lost; answers with what was.
    pub async fn settle(&self) -> Vec<Fault> {
        match self {
            Self::Here(here) => here.service.settle().await,
            Self::Daemon(_) => Vec::new(),
        }
    }
}

/// The first daemon that answers, or what it says instead of letting the caller in.
async fn find(sockets: &[&Path], as_user: &Option<String>) -> Option<Result<Client, Fault>> {
    for socket in sockets {
        let client = Client::new(*socket, as_user.clone());
        match client.daemon().await {
            Ok(Some(_)) => return Some(Ok(client)),
            Ok(None) => {}
            Err(fault) => return Some(Err(fault)),
        }
    }
    None
}

fn nobody(why: &Fault) -> Fault {
    let cause = format!("the store is another user's, and no daemon answers ({why})");
    Fault::new(ErrorClass::NotPermitted, "work on the store", cause)
        .hint("start the daemon, which lets in whom users.toml names, or run this as the store's owner")
}
