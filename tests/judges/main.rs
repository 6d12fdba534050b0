//! Issued certificates, judged by OpenSSL, Go, GnuTLS, NSS, webpki, CPython, linters and etcd.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod ca;
mod etcd;
mod formats;
mod gnutls;
mod go;
mod go_files;
mod import;
mod issuing;
mod lint;
mod nss;
mod openssl;
mod peer_port;
mod profiles;
mod properties;
mod python;
mod rsa_numbers;
mod signatures;
mod verdict;
mod webpki;
