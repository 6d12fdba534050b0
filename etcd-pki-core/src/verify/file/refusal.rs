//! Explains why etcd does not read a file, and how to repair it: the text of the finding.

use super::pem::Block;
use crate::{finding::Finding, limits};

/// The use of a file in etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// `ETCD_TRUSTED_CA_FILE` and `ETCD_PEER_TRUSTED_CA_FILE`
    TrustedCa,
    /// `ETCD_CERT_FILE` and `ETCD_PEER_CERT_FILE`
    Certificate,
    /// `ETCD_KEY_FILE` and `ETCD_PEER_KEY_FILE`
    Key,
}

/// The problem of a file. Blocks and lines count from 1. Only blocks in which Go finds PEM are
/// counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Go finds no PEM in it.
    NoPem {
        /// The actual content
        found: Instead,
    },
    /// It has PEM blocks, but none of the kind that etcd reads.
    NoBlock {
        /// The labels of the first blocks
        labels: Vec<String>,
    },
    /// A block is not of the kind that every block must be.
    BlockIsNot {
        /// Its number
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The type in its BEGIN line
        label: String,
    },
    /// Go refuses the content of a block.
    Malformed {
        /// Its number
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The reason; it continues a sentence about the block
        reason: String,
    },
    /// The private key is encrypted, and etcd does not ask for a passphrase.
    EncryptedKey {
        /// The number of its block
        block: usize,
        /// The line on which it begins
        line: usize,
    },
    /// The private key is in OpenSSH's format, which Go's `crypto/tls` does not read.
    OpenSshKey {
        /// The number of its block
        block: usize,
        /// The line on which it begins
        line: usize,
    },
    /// Go does not support the algorithm or the curve of the key.
    UnsupportedKey {
        /// The number of its block
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The algorithm or the curve
        name: String,
    },
    /// A CA is first, and its leaf follows. The key must match the first certificate.
    CaBeforeLeaf {
        /// The number of the leaf's block
        block: usize,
        /// The line on which it begins
        line: usize,
    },
    /// The certificates are larger than the limit of Go's TLS handshake.
    TooLarge {
        /// Their size in a handshake, in bytes
        bytes: usize,
    },
    /// Go may read it, but etcd-pki cannot judge it.
    NotSupportedHere {
        /// The number of the block
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The part that etcd-pki cannot judge
        what: String,
    },
}

/// The content of a file in which Go finds no PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// It has no bytes, or only white space.
    Empty,
    /// It has only zero bytes, as after a crash.
    Zeros,
    /// It is DER.
    Der,
    /// It is text in UTF-16.
    Utf16,
    /// It begins with a byte order mark, so its first line is not a BEGIN line.
    ByteOrderMark,
    /// Its lines end with only a carriage return.
    CarriageReturns,
    /// Its BEGIN or END lines are indented, or share a line with other text.
    Displaced,
    /// A block has no END line: the file is truncated.
    NoEnd,
    /// The END line does not match the BEGIN line, or the text between them is not base64.
    Damaged,
    /// Other content.
    Other,
}

impl Cause {
    /// The finding about a file that is used in this way.
    pub(super) fn finding(self, of: Use) -> Finding {
        match self {
            Self::NotSupportedHere { block, line, what } => Finding::NotSupported {
                subject: None,
                what: format!("block {block} (line {line}): {what}"),
            },
            cause => Finding::NotReadByEtcd {
                path: None,
                fix: cause.fix(of),
                reason: cause.reason(of),
            },
        }
    }

    fn fix(&self, of: Use) -> &'static str {
        match (self, of) {
            (Self::NoPem { found }, _) => found.fix(),
            (Self::NoBlock { .. }, Use::Key) => {
                "put the private key into this file; certificate and key may have been swapped"
            }
            (Self::NoBlock { .. }, _) => {
                "put the certificate into this file; certificate and key may have been swapped"
            }
            (Self::BlockIsNot { .. }, _) => "remove that block from the file",
            (Self::Malformed { .. }, Use::Key) => {
                "restore the key from a backup, or make a new key and a new certificate"
            }
            (Self::EncryptedKey { .. }, _) => "store the key without a passphrase",
            (Self::OpenSshKey { .. }, _) => "convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`",
            (Self::UnsupportedKey { .. }, _) => {
                "make a new key of an algorithm that Go knows (ECDSA on P-256, P-384 or P-521, RSA, Ed25519), and a new certificate"
            }
            (Self::CaBeforeLeaf { .. }, _) => {
                "put the certificate of the key first, and after it the CAs above it"
            }
            (Self::TooLarge { .. }, _) => {
                "leave out of the file what is not the certificate's chain, or issue it with fewer names"
            }
            // `NotSupportedHere` has another finding, with its own text
            (Self::Malformed { .. } | Self::NotSupportedHere { .. }, _) => {
                "restore the certificate from a backup, or issue a new one"
            }
        }
    }

    fn reason(&self, of: Use) -> String {
        match self {
            Self::NoPem { found } => found.text().to_owned(),
            Self::NoBlock { labels } => {
                let what = match of {
                    Use::Key => "private key",
                    Use::Certificate | Use::TrustedCa => "certificate",
                };
                let labels: Vec<_> = labels.iter().map(|label| shown(label)).collect();
                format!("it has no {what}, only {}", labels.join(", "))
            }
            Self::BlockIsNot { block, line, label } => format!(
                "block {block} (line {line}) is {}, and every block of a trusted CA file must be a certificate",
                shown(label)
            ),
            Self::Malformed {
                block,
                line,
                reason,
            } => format!("block {block} (line {line}) {reason}"),
            Self::EncryptedKey { block, line } => {
                format!("the private key in block {block} (line {line}) is encrypted")
            }
            Self::OpenSshKey { block, line } => {
                format!("the key in block {block} (line {line}) is in OpenSSH's format")
            }
            Self::UnsupportedKey { block, line, name } => format!(
                "the key in block {block} (line {line}) is of {name}, which Go does not use for TLS"
            ),
            Self::CaBeforeLeaf { block, line } => format!(
                "it has a CA first, and Go takes the first certificate for that of the key: the leaf is block {block} (line {line})"
            ),
            Self::TooLarge { bytes } => format!(
                "its certificates take {bytes} bytes of a TLS handshake, and Go refuses more than {}",
                limits::TLS_CERTIFICATES
            ),
            Self::NotSupportedHere { what, .. } => what.clone(),
        }
    }
}

/// A label with its article. A file may contain anything, so the label is shortened, and characters
/// that move the cursor are escaped.
fn shown(label: &str) -> String {
    let mut text: String = label
        .chars()
        .take(40)
        .flat_map(char::escape_debug)
        .collect();
    if text.is_empty() {
        return "a block without a label".to_owned();
    }
    if label.chars().count() > 40 {
        text.push_str("...");
    }
    let vowels = ["A", "E", "I", "O", "RSA ", "X509 "];
    let article = if vowels.iter().any(|vowel| text.starts_with(vowel)) {
        "an"
    } else {
        "a"
    };
    format!("{article} {text}")
}

impl Cause {
    /// The cause for a file without blocks.
    pub(super) fn no_pem(file: &[u8]) -> Self {
        Self::NoPem {
            found: Instead::of(file),
        }
    }

    /// The cause for a file without a block of the right kind.
    pub(super) fn no_block(file: &[u8], others: &[Block]) -> Self {
        if others.is_empty() {
            return Self::no_pem(file);
        }
        let labels = others.iter().take(3).map(|block| block.label.clone());
        Self::NoBlock {
            labels: labels.collect(),
        }
    }
}

impl Instead {
    fn of(file: &[u8]) -> Self {
        let has = |wanted: &[u8]| file.windows(wanted.len()).any(|window| window == wanted);
        let (has_begin, has_end) = (has(b"-----BEGIN "), has(b"-----END "));
        if file.iter().all(u8::is_ascii_whitespace) {
            Self::Empty
        } else if file.iter().all(|byte| *byte == 0) {
            Self::Zeros
        } else if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
            Self::Utf16
        } else if !has_begin {
            if file.first() == Some(&0x30) {
                Self::Der
            } else {
                Self::Other
            }
        } else if !has_end {
            Self::NoEnd
        } else if file.contains(&b'\r') && !has(b"\n") {
            Self::CarriageReturns
        } else if file.starts_with("\u{feff}-----BEGIN ".as_bytes()) {
            Self::ByteOrderMark
        } else if file.split(|byte| *byte == b'\n').any(is_displaced) {
            Self::Displaced
        } else {
            Self::Damaged
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Empty => "it is empty",
            Self::Zeros => "it has only zero bytes",
            Self::Der => "it is DER, not PEM",
            Self::Utf16 => "it is text in UTF-16",
            Self::ByteOrderMark => "it begins with a byte order mark",
            Self::CarriageReturns => "its lines end in carriage returns alone",
            Self::Displaced => "a BEGIN or END line is indented or has other text on it",
            Self::NoEnd => "its block has no END line",
            Self::Damaged => {
                "its END line does not match its BEGIN line, or its contents are not base64"
            }
            Self::Other => "it has no BEGIN line, so it is not PEM",
        }
    }

    fn fix(self) -> &'static str {
        match self {
            Self::Empty | Self::Zeros | Self::NoEnd | Self::Damaged | Self::Other => {
                "restore the file from a backup, or make it again"
            }
            Self::Der => "convert the file to PEM",
            Self::Utf16 => "save the file as ASCII text",
            Self::ByteOrderMark => "save the file as ASCII text, without a byte order mark",
            Self::CarriageReturns => "end each line with a line feed",
            Self::Displaced => {
                "put each BEGIN and END line on a line of its own, with nothing before it"
            }
        }
    }
}

/// Whether a line contains a BEGIN or END line, and other text before or after it.
fn is_displaced(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let mark = ["-----BEGIN ", "-----END "];
    mark.iter().any(|mark| {
        text.find(mark).is_some_and(|at| {
            let label = &text[at + mark.len()..];
            at > 0 || label.find("-----").is_some_and(|end| end + 5 < label.len())
        })
    })
}
