//! The daemon asked over its socket, as the command line does.
//!
//! It gives no rights and decides none: the daemon knows who asks by the socket.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{
    Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST},
};
use postrider_model::{ErrorClass, Fault};
use postrider_net::http::{HttpLimits, ask_over};
use tokio::net::UnixStream;

use super::{
    AS_HEADER,
    operation::{Answer, Media, Method, Operation},
    operations::status::{Daemon, DaemonView},
    refusal::Refused,
};
use crate::{config::ApiSettings, service::Environment};

/// An hour and more of a first load is waited for; messages are as large as they are.
const LIMITS: HttpLimits = HttpLimits {
    request: 128 << 20,
    answer: 1 << 30,
    head: Duration::from_secs(7 * 86_400),
    idle: Duration::from_secs(120),
    whole: Duration::from_secs(7 * 86_400),
};
/// What a daemon takes to say who it is.
const GREETING: Duration = Duration::from_secs(10);

/// The way to one daemon.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    as_user: Option<String>,
}

/// Where a daemon with these settings has its socket.
pub fn socket_of(env: &Environment, settings: &ApiSettings) -> PathBuf {
    settings.socket.clone().unwrap_or_else(|| env.default_socket.clone())
}

impl Client {
    /// The way to the daemon of that socket, in another user's name where one is given.
    pub fn new(socket: impl Into<PathBuf>, as_user: Option<String>) -> Self {
        Self { socket: socket.into(), as_user }
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Which daemon is there; `None` where nobody answers, or takes longer than ten seconds to.
    ///
    /// # Errors
    /// What the daemon answers instead: that the caller may not ask.
    pub async fn daemon(&self) -> Result<Option<DaemonView>, Fault> {
        if UnixStream::connect(&self.socket).await.is_err() {
            return Ok(None);
        }
        match tokio::time::timeout(GREETING, self.call(&Daemon {})).await {
            Ok(answer) => answer.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Has the daemon perform that operation.
    ///
    /// # Errors
    /// What the daemon says; `NotPermitted` where it is not there, since nobody else may do it for the caller.
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<O::Answer, Fault> {
        let request = self.request(operation)?;
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| self.not_there(&error))?;
        let response = ask_over(stream, "ask the daemon", &LIMITS, request).await?;
        match response.status() {
            StatusCode::OK => O::Answer::decode(response.into_body()),
            _ => Err(refused(&response)),
        }
    }

    fn request<O: Operation>(&self, operation: &O) -> Result<Request<Vec<u8>>, Fault> {
        let unwritable =
            |error: String| Fault::new(ErrorClass::Permanent, format!("ask for {}", O::PATH), error);
        let (path, body) = match O::METHOD {
            Method::Get => {
                let query = serde_html_form::to_string(operation).map_err(|e| unwritable(e.to_string()))?;
                (format!("{}?{query}", O::PATH), Vec::new())
            }
            Method::Post => {
                let body = serde_json::to_vec(operation).map_err(|e| unwritable(e.to_string()))?;
                (O::PATH.to_owned(), body)
            }
        };
        let mut request = Request::builder()
            .method(O::METHOD.name())
            .uri(path)
            .header(HOST, "localhost")
            .header(ACCEPT, O::Answer::MEDIA.name())
            .header(CONTENT_TYPE, Media::Json.name())
            .header(CONTENT_LENGTH, body.len());
        if let Some(user) = &self.as_user {
            request = request.header(AS_HEADER, user);
        }
        request.body(body).map_err(|error| unwritable(error.to_string()))
    }

    fn not_there(&self, error: &io::Error) -> Fault {
        let cause = format!("nobody answers at {} ({error})", self.socket.display());
        Fault::new(ErrorClass::NotPermitted, "ask the daemon", cause)
            .hint("the store is another user's, who alone opens it: start the daemon, or ask its owner")
    }
}

fn refused(response: &Response<Vec<u8>>) -> Fault {
    match serde_json::from_slice::<Refused>(response.body()) {
        Ok(refused) => refused.error.into(),
        Err(_) => Fault::new(
            ErrorClass::Permanent,
            "read the daemon's answer",
            format!("it is no answer of a postrider ({})", response.status()),
        ),
    }
}
