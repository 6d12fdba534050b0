//! A TCP connection that is bounded in time and bytes.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use super::{Limit, failure::Failure};
use crate::cluster::Endpoint;

/// The most bytes that a server may send. Go refuses more than 256 KiB of certificates, and the
/// list of CAs in a handshake has at most 64 KiB
const MOST_BYTES: usize = 1024 * 1024;
/// The most addresses of a name that are tried
const MOST_ADDRESSES: usize = 8;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    limit: Limit,
    received: usize,
}

impl Connection {
    /// Connects to the first address that accepts.
    pub(super) fn open(endpoint: &Endpoint, limit: Limit) -> Result<Self, Failure> {
        let addresses = addresses(endpoint, &limit)?;
        let mut last = Failure::Unreachable(ErrorKind::AddrNotAvailable.into());
        for (index, address) in addresses.iter().enumerate() {
            // The other addresses get their share of the time if this one does not answer
            let others = u32::try_from(addresses.len() - index).unwrap_or(1);
            let left = limit.left()?;
            match TcpStream::connect_timeout(address, left / others) {
                Ok(stream) => {
                    // Each side sends small messages and waits for the other, so none may be
                    // delayed
                    let _ = stream.set_nodelay(true);
                    return Ok(Self {
                        stream,
                        limit,
                        received: 0,
                    });
                }
                Err(error) if is_timeout(error.kind()) => last = limit.passed(),
                Err(error) => last = Failure::Unreachable(error),
            }
        }
        Err(last)
    }

    /// Reads the next bytes. No bytes mean the end of the connection.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        loop {
            self.stream
                .set_read_timeout(Some(self.limit.left()?))
                .map_err(Failure::Unreachable)?;
            match self.stream.read(buffer) {
                Ok(length) => {
                    self.received += length;
                    if self.received > MOST_BYTES {
                        return Err(Failure::TooLarge(MOST_BYTES));
                    }
                    return Ok(length);
                }
                Err(error)
                    if is_timeout(error.kind()) || error.kind() == ErrorKind::Interrupted => {}
                // The system resets the connection if a server closes it with unread bytes
                Err(error) if is_end(error.kind()) => return Ok(0),
                Err(error) => return Err(Failure::Unreachable(error)),
            }
        }
    }

    /// Writes all of it. The error is [`Failure::Closed`] if the server no longer reads.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            self.stream
                .set_write_timeout(Some(self.limit.left()?))
                .map_err(Failure::Unreachable)?;
            match self.stream.write(bytes) {
                Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
                Err(error)
                    if is_timeout(error.kind()) || error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_end(error.kind()) => return Err(Failure::Closed),
                Err(error) => return Err(Failure::Unreachable(error)),
            }
        }
        Ok(())
    }

    /// Reads the first bytes, at most `length` of them. They are fewer at the end of the
    /// connection.
    pub(super) fn first(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut first = Vec::with_capacity(length);
        let mut byte = [0];
        while first.len() < length && self.read(&mut byte)? > 0 {
            first.extend_from_slice(&byte);
        }
        Ok(first)
    }
}

/// The addresses of an endpoint. The system sets no limit in time for resolving a name, so a thread
/// does that.
fn addresses(endpoint: &Endpoint, limit: &Limit) -> Result<Vec<SocketAddr>, Failure> {
    let port = endpoint.port();
    if let Some(address) = endpoint.address() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::channel();
    let host = endpoint.host().to_owned();
    thread::Builder::new()
        .name("etcd-pki resolver".to_owned())
        .spawn(move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            let addresses =
                addresses.map(|addresses| addresses.take(MOST_ADDRESSES).collect::<Vec<_>>());
            // After the limit, the receiver no longer exists
            let _ = sender.send(addresses);
        })
        .map_err(Failure::Unreachable)?;
    match receiver.recv_timeout(limit.left()?) {
        Ok(addresses) => addresses.map_err(Failure::Unreachable),
        Err(RecvTimeoutError::Timeout) => Err(limit.passed()),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Failure::Unreachable(ErrorKind::AddrNotAvailable.into()))
        }
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

/// Whether the other side has ended the connection.
fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    )
}
