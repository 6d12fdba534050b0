//! A TLS handshake over a bounded connection, and one request after it.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, Error, ProtocolVersion, SupportedProtocolVersion,
    client::Resumption,
    crypto::ring,
    pki_types::{IpAddr, ServerName},
};

use super::{
    HTTP,
    answer::TlsVersion,
    connection::Connection,
    failure::{Alert, Failure},
    observer::Observer,
};
use crate::cluster::Endpoint;

/// The types of the records with which a server may begin: an alert, or a handshake message (RFC
/// 8446, section 5.1)
const FIRST_TYPES: [u8; 2] = [0x15, 0x16];

/// A TLS connection to a server, with an observer of the handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    connection: Connection,
    tls: ClientConnection,
    /// Whether the server has sent the beginning of a TLS record
    is_tls: bool,
    /// Whether the server has sent data after the handshake
    is_answered: bool,
}

impl Handshake {
    pub(super) fn new(
        connection: Connection,
        observer: &Arc<Observer>,
        versions: &[&'static SupportedProtocolVersion],
        endpoint: &Endpoint,
    ) -> Result<Self, Failure> {
        let protocol = |error: Error| Failure::Protocol(error.to_string());
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .map_err(protocol)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(observer) as _)
            .with_client_cert_resolver(Arc::clone(observer) as _);
        // In a resumed session the server does not show its certificate
        config.resumption = Resumption::disabled();
        Ok(Self {
            connection,
            tls: ClientConnection::new(Arc::new(config), server_name(endpoint))
                .map_err(protocol)?,
            is_tls: false,
            is_answered: false,
        })
    }

    /// Exchanges messages until this side has finished the handshake.
    pub(super) fn complete(&mut self) -> Result<(), Failure> {
        self.send()?;
        while self.tls.is_handshaking() {
            self.receive()?;
            self.send()?;
        }
        Ok(())
    }

    /// Sends a request, and waits until an answer begins.
    pub(super) fn request(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.tls
            .writer()
            .write_all(request)
            .map_err(|error| Failure::Protocol(error.to_string()))?;
        self.send()?;
        while !self.is_answered {
            self.receive()?;
        }
        Ok(())
    }

    /// The version of TLS. It is TLS 1.2 until the server has chosen one.
    pub(super) fn version(&self) -> TlsVersion {
        match self.tls.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            _ => TlsVersion::Tls12,
        }
    }

    /// Ends the connection as TLS requires. The other side may have ended it already.
    pub(super) fn close(mut self) {
        self.tls.send_close_notify();
        let _ = self.write();
    }

    /// Sends the pending bytes. A server that no longer reads may have sent its reason.
    fn send(&mut self) -> Result<(), Failure> {
        match self.write() {
            Err(Failure::Closed) => loop {
                self.receive()?;
            },
            result => result,
        }
    }

    fn write(&mut self) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            // Writing to a Vec cannot fail
            let _ = self.tls.write_tls(&mut bytes);
        }
        self.connection.write(&bytes)
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 4096];
        let length = self.connection.read(&mut buffer)?;
        let mut bytes = buffer.get(..length).unwrap_or_default();
        match bytes.first() {
            None => return Err(Failure::Closed),
            Some(first) if self.is_tls || FIRST_TYPES.contains(first) => self.is_tls = true,
            Some(_) => return Err(self.other_protocol(bytes.to_vec())),
        }
        while !bytes.is_empty() {
            self.tls
                .read_tls(&mut bytes)
                .map_err(|error| Failure::Protocol(error.to_string()))?;
            self.process()?;
        }
        Ok(())
    }

    fn process(&mut self) -> Result<(), Failure> {
        let state = match self.tls.process_new_packets() {
            Ok(state) => state,
            Err(error) => {
                // The server learns the reason if it still reads
                let _ = self.write();
                return Err(match error {
                    Error::AlertReceived(alert) => Failure::Alert(Alert::new(alert)),
                    error => Failure::Protocol(error.to_string()),
                });
            }
        };
        if state.plaintext_bytes_to_read() > 0 {
            self.is_answered = true;
            let mut answer = vec![0; state.plaintext_bytes_to_read()];
            // The content of the answer does not matter
            let _ = self.tls.reader().read(&mut answer);
        } else if state.peer_has_closed() && !self.is_answered {
            return Err(Failure::Closed);
        }
        Ok(())
    }

    /// The failure for a server that begins with other bytes than TLS.
    fn other_protocol(&mut self, mut first: Vec<u8>) -> Failure {
        if first.len() < HTTP.len() && HTTP.starts_with(&first) {
            let rest = self.connection.first(HTTP.len() - first.len());
            first.extend(rest.unwrap_or_default());
        }
        if first.starts_with(HTTP) {
            Failure::PlainHttp
        } else {
            Failure::NotTls
        }
    }
}

/// The name for the extension server_name. Addresses are not sent in it (RFC 6066, section 3), and
/// neither is a name that TLS does not allow.
fn server_name(endpoint: &Endpoint) -> ServerName<'static> {
    let unspecified = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    match endpoint.address() {
        Some(address) => ServerName::IpAddress(IpAddr::from(address)),
        None => ServerName::try_from(endpoint.host().to_owned())
            .unwrap_or_else(|_| ServerName::IpAddress(IpAddr::from(unspecified))),
    }
}
