//! What an operation of the API is.

use std::future::Future;

use postrider_model::{ErrorClass, Fault};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};

use crate::service::{Caller, Service};

/// How an operation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It changes nothing; its fields stand in the query.
    Get,
    /// Its fields are a JSON object in the body.
    Post,
}

impl Method {
    /// The method's name in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What an answer is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JSON.
    Json,
    /// Octets as they are.
    Octets,
}

impl Media {
    /// Its name in HTTP.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Octets => "application/octet-stream",
        }
    }
}

/// What an operation answers, as it goes over the wire.
pub trait Answer: Sized {
    /// What it is written in.
    const MEDIA: Media;

    /// Writes it.
    ///
    /// # Errors
    /// None that this program knows how to bring about.
    fn encode(self) -> Result<Vec<u8>, Fault>;

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// Where it is no such answer: the daemon is of another version.
    fn decode(bytes: Vec<u8>) -> Result<Self, Fault>;

    /// Describes it.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: Serialize + DeserializeOwned + JsonSchema> Answer for T {
    const MEDIA: Media = Media::Json;

    fn encode(self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(&self)
            .map_err(|error| Fault::new(ErrorClass::Permanent, "write the answer", error.to_string()))
    }

    fn decode(bytes: Vec<u8>) -> Result<Self, Fault> {
        serde_json::from_slice(&bytes).map_err(|error| {
            Fault::new(ErrorClass::Permanent, "read the daemon's answer", error.to_string())
                .hint("the daemon may be of another version: restart it")
        })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// Octets that are no JSON: a message as the server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl Answer for Octets {
    const MEDIA: Media = Media::Octets;

    fn encode(self) -> Result<Vec<u8>, Fault> {
        Ok(self.0)
    }

    fn decode(bytes: Vec<u8>) -> Result<Self, Fault> {
        Ok(Self(bytes))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}

/// One operation. The type is its input; what its fields mean is told to others by their comments.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Sized {
    /// How it is asked for.
    const METHOD: Method;
    /// Where: a fixed path below `/v1`.
    const PATH: &'static str;
    /// What it does, in one line for whoever reads the description.
    const SUMMARY: &'static str;
    /// Whether it speaks to a server, which only the one syncer of a store may (I10).
    const NEEDS_SYNCER: bool = false;
    /// Whether its input may be as large as a message.
    const IS_LARGE: bool = false;
    /// What it answers.
    type Answer: Answer;

    /// Does it, in the caller's name.
    fn perform(
        self,
        service: &mut Service,
        caller: &Caller,
    ) -> impl Future<Output = Result<Self::Answer, Fault>>;
}
