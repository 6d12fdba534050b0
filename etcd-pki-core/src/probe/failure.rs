//! Defines why a probe has no answer.

use std::{error, fmt, io, time::Duration};

use rustls::AlertDescription;

use crate::{cluster::Endpoint, text};

/// A question that has no answer: the endpoint, and the failure.
#[derive(Debug)]
pub struct ProbeError {
    endpoint: Endpoint,
    failure: Failure,
}

impl ProbeError {
    pub(super) fn new(endpoint: &Endpoint, failure: Failure) -> Self {
        Self {
            endpoint: endpoint.clone(),
            failure,
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What happened. Its text does not name the endpoint.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.endpoint, self.failure)
    }
}

impl error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.failure {
            Failure::Unreachable(error) => Some(error),
            _ => None,
        }
    }
}

/// What happened to a question.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// There is no connection: the name cannot be resolved, or no server listens.
    Unreachable(io::Error),
    /// The answer did not arrive within this limit.
    TimeLimit(Duration),
    /// The server sent more than this number of bytes.
    TooLarge(usize),
    /// The server speaks HTTP without TLS.
    PlainHttp,
    /// The server speaks neither TLS nor HTTP.
    NotTls,
    /// The server closed the connection without an answer.
    Closed,
    /// The server ended the handshake with an alert.
    Alert(Alert),
    /// The server violates TLS, or has only versions or algorithms that the probe lacks.
    Protocol(String),
    /// The certificate of the server cannot be read, or the server has no key for it.
    Certificate(String),
    /// The key of the client certificate cannot be used with this server.
    Key(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => {
                write!(
                    f,
                    "cannot be reached: {}",
                    text::excerpt(&error.to_string())
                )
            }
            Self::TimeLimit(limit) => {
                write!(f, "no complete answer within {} s", limit.as_secs_f32())
            }
            Self::TooLarge(limit) => write!(f, "the answer has more than {limit} bytes"),
            Self::PlainHttp => f.write_str("the server speaks http without TLS"),
            Self::NotTls => f.write_str("the server does not speak TLS"),
            Self::Closed => f.write_str("the server closed the connection without an answer"),
            Self::Alert(alert) => write!(f, "the server refused the handshake: {alert}"),
            Self::Protocol(reason) => write!(f, "no TLS connection: {}", text::excerpt(reason)),
            Self::Certificate(reason) => {
                write!(f, "the server's certificate: {}", text::excerpt(reason))
            }
            Self::Key(reason) => write!(f, "the client's key: {}", text::excerpt(reason)),
        }
    }
}

/// An alert of TLS (RFC 8446, section 6).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alert(u8);

impl Alert {
    /// The server has no version of TLS that it was asked for
    pub(super) const PROTOCOL_VERSION: Self = Self(70);

    pub(super) fn new(alert: AlertDescription) -> Self {
        Self(alert.into())
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The name in the standard, such as `unknown_ca`; `None` for an unknown number.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            _ => return None,
        })
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}

impl fmt::Debug for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alert({self})")
    }
}
