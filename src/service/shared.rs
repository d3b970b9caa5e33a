//! What all use cases of one daemon share: the configuration that is in force, the store, the token services, the supervisor.
//!
//! Each call gets a [`Service`] of its own, over the files that are in force and over what the store holds at that moment, so that a
//! reload or an account that was just added holds for the very next call and no call waits for another.

use std::sync::{Arc, PoisonError, RwLock};

use postrider_model::Fault;
use postrider_store::Store;

use super::{Environment, Service, Supervisor, consent::TokenServices, strangers::Strangers};
use crate::{config::Config, world::World};

/// See above.
pub struct Shared {
    world: World,
    env: Environment,
    store: Store,
    files: RwLock<Arc<Config>>,
    tokens: Arc<TokenServices>,
    strangers: Arc<Strangers>,
    supervisor: RwLock<Option<Arc<dyn Supervisor>>>,
}

impl Shared {
    /// Over that configuration, as it was read from its files.
    pub fn new(world: World, env: Environment, store: Store, files: Config) -> Self {
        let files = RwLock::new(Arc::new(reaching(&world, files)));
        Self {
            world,
            env,
            store,
            files,
            tokens: Arc::default(),
            strangers: Arc::default(),
            supervisor: RwLock::default(),
        }
    }

    /// A configuration as it was read from its files, which knows what this world reaches.
    pub fn reaching(&self, files: Config) -> Config {
        reaching(&self.world, files)
    }

    /// What the process knows of its surroundings.
    pub const fn environment(&self) -> &Environment {
        &self.env
    }

    /// Who is to be asked for runs from now on.
    pub fn supervise(&self, supervisor: Option<Arc<dyn Supervisor>>) {
        *self.supervisor.write().unwrap_or_else(PoisonError::into_inner) = supervisor;
    }

    /// Puts another configuration in force.
    pub fn put_in_force(&self, files: Config) {
        let files = self.reaching(files);
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(files);
    }

    /// The configuration's files that are in force.
    pub fn files(&self) -> Arc<Config> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The use cases for one call.
    ///
    /// # Errors
    /// The store's, in words.
    pub fn service(&self) -> Result<Service, Fault> {
        let files = self.files();
        let mut service = Service {
            world: self.world.clone(),
            env: self.env.clone(),
            config: (*files).clone(),
            files,
            store: Some(self.store.clone()),
            tokens: self.tokens.clone(),
            strangers: self.strangers.clone(),
            supervisor: self.supervisor.read().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        service.merge_stored()?;
        Ok(service)
    }
}

fn reaching(world: &World, mut files: Config) -> Config {
    files.reach_items_of(world.items.kinds());
    files
}
