//! Asks running members what they serve: the CAs that they trust, and their certificates.
//!
//! etcd reads its trusted CAs when it starts, and names them in each TLS handshake. So a [`Probe`]
//! can find out whether a member was restarted since a CA was added to its file. It needs no login
//! and no certificate. A probe blocks. It has limits in time and bytes, and changes nothing.
//!
//! ```no_run
//! use etcd_pki_core::{Cluster, probe::Probe};
//!
//! let cluster = Cluster::from_yaml("members: [{name: etcd-1, addresses: [10.0.0.11]}]")?;
//! for member in cluster.endpoints() {
//!     match Probe::new().ask(&member.client) {
//!         Ok(answer) => println!("{}: {:?}", member.name, answer.advertised()),
//!         Err(error) => println!("{error}"),
//!     }
//! }
//! # Ok::<(), etcd_pki_core::Error>(())
//! ```

mod answer;
mod connection;
mod failure;
mod handshake;
mod observer;

use std::time::{Duration, Instant};

use rustls::{
    SupportedProtocolVersion,
    version::{TLS12, TLS13},
};

pub use self::{
    answer::{Acceptance, Answer, TlsVersion},
    failure::{Alert, Failure, ProbeError},
};
use self::{connection::Connection, handshake::Handshake, observer::Observer};
use crate::{cluster::Endpoint, x509::bundle::Bundle};

/// The limit for a question, unless the caller sets another one
const USUAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Every etcd server answers this request, also on its peer port (`HandleVersion` in
/// `server/etcdserver/api/etcdhttp`)
const REQUEST_PATH: &str = "/version";

/// The first bytes of an answer in HTTP
const HTTP: &[u8] = b"HTTP/";

/// Asks members over TLS.
///
/// It accepts every certificate of a server, since it only reports what the server has. The server
/// must still prove that it has the key of its certificate.
///
/// Each question opens one connection for each version of TLS that it needs, and one more without
/// TLS if the server closes the first one without an answer. A question without a certificate
/// leaves a line in etcd's log for each connection.
#[derive(Clone, Debug)]
#[must_use]
pub struct Probe {
    timeout: Duration,
}

impl Default for Probe {
    /// Creates a probe that waits for five seconds
    fn default() -> Self {
        Self {
            timeout: USUAL_TIMEOUT,
        }
    }
}

impl Probe {
    /// Creates a probe that waits for five seconds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limit for a whole question: the resolution of the name, connections and answers.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout }
    }

    /// Asks without a certificate: which certificates the server presents, and which CAs it
    /// advertises.
    ///
    /// It asks in TLS 1.2, in which every etcd names its CAs. It asks again in TLS 1.3 if the
    /// server refuses TLS 1.2, or requests a client certificate without a list of CAs.
    ///
    /// # Errors
    ///
    /// [`ProbeError`]. Its [`failure`](ProbeError::failure) distinguishes a server that cannot be
    /// reached, one that takes too long, and one that does not speak TLS.
    pub fn ask(&self, endpoint: &Endpoint) -> Result<Answer, ProbeError> {
        let limit = self.limit();
        let answer = match ask_in(&TLS12, endpoint, &limit) {
            Ok(answer) if answer.requests_certificate() && answer.advertised().is_none() => {
                match ask_in(&TLS13, endpoint, &limit) {
                    Ok(other) if other.advertised().is_some() => Ok(other),
                    _ => Ok(answer),
                }
            }
            Err(first @ (Failure::Alert(_) | Failure::Protocol(_))) => {
                match ask_in(&TLS13, endpoint, &limit) {
                    // The version was not the reason for the first refusal
                    Err(Failure::Alert(alert)) if alert == Alert::PROTOCOL_VERSION => Err(first),
                    other => other,
                }
            }
            Err(Failure::Closed) => Err(closed(endpoint, &limit)),
            other => other,
        };
        answer.map_err(|failure| ProbeError::new(endpoint, failure))
    }

    /// Asks with a certificate: whether the server accepts it.
    ///
    /// The certificate and its chain are presented even if the server advertises other CAs. In TLS
    /// 1.3 a server refuses a certificate only after the handshake. So the probe sends a request
    /// over HTTP after the handshake.
    ///
    /// # Errors
    ///
    /// [`ProbeError`], as [`Probe::ask`]; also [`Failure::Key`] for a key that cannot be used in
    /// TLS. A refused certificate is no error.
    pub fn offer(&self, endpoint: &Endpoint, bundle: &Bundle) -> Result<Acceptance, ProbeError> {
        let limit = self.limit();
        let acceptance = match offer(endpoint, bundle, &limit) {
            Err(Failure::Closed) => Err(closed(endpoint, &limit)),
            other => other,
        };
        acceptance.map_err(|failure| ProbeError::new(endpoint, failure))
    }

    fn limit(&self) -> Limit {
        Limit {
            timeout: self.timeout,
            began: Instant::now(),
        }
    }
}

/// The limit in time of a question.
#[derive(Clone, Copy, Debug)]
struct Limit {
    timeout: Duration,
    began: Instant,
}

impl Limit {
    /// The time that is left.
    fn left(&self) -> Result<Duration, Failure> {
        let left = self.timeout.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return Err(self.passed());
        }
        Ok(left)
    }

    fn passed(&self) -> Failure {
        Failure::TimeLimit(self.timeout)
    }
}

/// Asks in one version of TLS, without a certificate.
fn ask_in(
    version: &'static SupportedProtocolVersion,
    endpoint: &Endpoint,
    limit: &Limit,
) -> Result<Answer, Failure> {
    let observer = Observer::anonymous();
    let connection = Connection::open(endpoint, *limit)?;
    let mut handshake = Handshake::new(connection, &observer, &[version], endpoint)?;
    let result = handshake.complete();
    let seen = observer.seen()?;
    // A server that requires a certificate refuses this client after it has shown everything
    match result {
        Ok(()) => {
            let version = handshake.version();
            handshake.close();
            seen.answer(version)
        }
        Err(Failure::Alert(_) | Failure::Closed) if seen.is_complete() => {
            seen.answer(handshake.version())
        }
        Err(failure) => Err(failure),
    }
}

fn offer(endpoint: &Endpoint, bundle: &Bundle, limit: &Limit) -> Result<Acceptance, Failure> {
    let observer = Observer::with_certificate(bundle)?;
    let connection = Connection::open(endpoint, *limit)?;
    let versions = observer.versions();
    let mut handshake = Handshake::new(connection, &observer, versions, endpoint)?;
    let result = handshake.complete();
    let seen = observer.seen()?;
    match result {
        Ok(()) if !seen.requests_certificate() => {
            handshake.close();
            return Ok(Acceptance::NotRequested);
        }
        Ok(()) => {}
        Err(failure) => return refused(failure, seen.requests_certificate()),
    }
    let request = format!(
        "GET {REQUEST_PATH} HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: etcd-pki\r\nConnection: close\r\n\r\n"
    );
    match handshake.request(request.as_bytes()) {
        Ok(()) => {
            handshake.close();
            Ok(Acceptance::Accepted)
        }
        Err(failure) => refused(failure, true),
    }
}

/// The answer to a certificate, if the server has seen it and then ends the connection.
fn refused(failure: Failure, was_presented: bool) -> Result<Acceptance, Failure> {
    match failure {
        Failure::Alert(alert) if was_presented => Ok(Acceptance::Refused { alert: Some(alert) }),
        Failure::Closed if was_presented => Ok(Acceptance::Refused { alert: None }),
        failure => Err(failure),
    }
}

/// Finds out why a server closes a connection without an answer in TLS. etcd does so on a port for
/// plain HTTP, so the probe asks again in HTTP.
fn closed(endpoint: &Endpoint, limit: &Limit) -> Failure {
    let answer = Connection::open(endpoint, *limit).and_then(|mut connection| {
        let request =
            format!("GET {REQUEST_PATH} HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\n\r\n");
        connection.write(request.as_bytes())?;
        connection.first(HTTP.len())
    });
    match answer {
        Ok(first) if first == HTTP => Failure::PlainHttp,
        _ => Failure::Closed,
    }
}
