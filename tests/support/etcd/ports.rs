//! Ports for members that know each other's ports before they start.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Below the ports that the kernel gives to outgoing connections (32768 and up), which could take a
/// port between its choice and its use.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// Returns a port of 127.0.0.1 on which no process listens, and which no other call has returned.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Parallel test runs begin with other ports.
    let start = process::id().wrapping_mul(97);
    (0..COUNT)
        .map(|_| start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)))
        .map(|number| u16::try_from(FIRST + number % COUNT).expect("a port is below 65536"))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of 20,000 ports is free")
}
