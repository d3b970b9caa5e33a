//! The consent on another device (RFC 8628): a short code that a person types where there is a browser, and patience here.

use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::StatusCode;
use oauth2::{
    AsyncHttpClient, DeviceAuthorizationUrl, HttpRequest, HttpResponse, Scope,
    StandardDeviceAuthorizationResponse,
};
use postrider_model::{ErrorClass, Fault};
use tokio::time::{Instant, sleep, timeout};

use crate::{Client, Result, Tokens, fault::refused, wire::Http};

/// No code is waited for longer, whatever the server says.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// A consent that waits for a person at another device.
pub struct DeviceConsent(StandardDeviceAuthorizationResponse);

impl fmt::Debug for DeviceConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceConsent").field("page", &self.page()).finish_non_exhaustive()
    }
}

impl DeviceConsent {
    /// What the person types.
    pub fn user_code(&self) -> &str {
        self.0.user_code().secret()
    }

    /// The page on which they type it.
    pub fn page(&self) -> &str {
        self.0.verification_uri().as_str()
    }

    /// The same page with the code in it already, where the server has one.
    pub fn page_with_code(&self) -> Option<&str> {
        self.0.verification_uri_complete().map(|page| page.secret().as_str())
    }

    /// For how long it waits.
    pub fn expires_in(&self) -> Duration {
        self.0.expires_in().min(LONGEST)
    }
}

impl Client {
    /// Asks for a code to show (RFC 8628, section 3.1).
    ///
    /// # Errors
    /// The provider has no device authorization endpoint (`Config`); the server refuses, or is not reached.
    pub async fn begin_on_device(&self) -> Result<DeviceConsent> {
        let action = format!("ask {} for a device code", self.server());
        let Some(url) = self.0.device_url.clone() else {
            return Err(Fault::new(ErrorClass::Config, action, "the provider has no `device_url`")
                .hint("consent in a browser, and paste the address that it shows in the end"));
        };
        let raw = self.raw().set_device_authorization_url(DeviceAuthorizationUrl::from_url(url));
        let details: StandardDeviceAuthorizationResponse = raw
            .exchange_device_code()
            .add_scopes(self.0.settings.scopes.iter().cloned().map(Scope::new))
            .request_async(&self.0.http)
            .await
            .map_err(|why| refused(&action, why, &self.secrets(&[])))?;
        if details.interval() > LONGEST {
            let cause = format!("the server wants to be asked every {} s", details.interval().as_secs());
            return Err(Fault::new(ErrorClass::Permanent, action, cause));
        }
        Ok(DeviceConsent(details))
    }

    /// Waits until the person has consented, said no, or let the code expire. Asks as seldom as the server wants, and goes on through
    /// a server that is busy or out of reach (RFC 8628, section 3.5).
    ///
    /// # Errors
    /// Of class `Login`: refused or expired. Else what the server says.
    pub async fn finish_on_device(&self, consent: &DeviceConsent) -> Result<Tokens> {
        let action = format!("wait for the consent at {}", self.server());
        let (started, started_at) = (Instant::now(), self.0.clock.now());
        // The library measures by wall time; what has passed is counted by the timer, which no one sets.
        let now = move || {
            let passed_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
            chrono::DateTime::from_timestamp_micros(started_at.0.saturating_add(passed_us))
                .unwrap_or_default()
        };
        let patient = Patient { http: &self.0.http, hopeless: Mutex::new(None) };
        let raw = self.raw();
        let polling = raw
            .exchange_device_access_token(&consent.0)
            .set_time_fn(now)
            .request_async(&patient, sleep, None);
        let outcome = timeout(consent.expires_in(), polling).await;
        if let Some(fault) = patient.hopeless.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(fault);
        }
        let answer = match outcome {
            Ok(outcome) => outcome.map_err(|why| {
                let mut secrets = self.secrets(&[]);
                secrets.push(consent.0.device_code().secret());
                refused(&action, why, &secrets)
            })?,
            Err(_) => return Err(expired(&action)),
        };
        self.first_tokens(&action, &answer, self.0.clock.now())
    }
}

/// Asks on through trouble. To the library a fault is a reason to ask again, sooner even than the server wants where that is more than
/// ten seconds; so trouble that may pass becomes the server's own wish to be asked less often, and any other ends the asking.
struct Patient<'a> {
    http: &'a Http,
    hopeless: Mutex<Option<Fault>>,
}

impl<'c> AsyncHttpClient<'c> for Patient<'_> {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let fault = match self.http.call(request).await {
                Ok(response) => return Ok(response),
                Err(fault) => fault,
            };
            let may_pass = matches!(fault.class, ErrorClass::Transient | ErrorClass::Throttled);
            tracing::debug!(%fault, may_pass, "asking for a device's consent failed");
            let said = if may_pass { r#"{"error":"slow_down"}"# } else { r#"{"error":"invalid_request"}"# };
            if !may_pass {
                *self.hopeless.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
            }
            let mut response = HttpResponse::new(said.as_bytes().to_vec());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            Ok(response)
        })
    }
}

fn expired(action: &str) -> Fault {
    Fault::new(ErrorClass::Login, action, "nobody consented before the code expired")
        .hint("begin anew by `postrider account login`")
}
