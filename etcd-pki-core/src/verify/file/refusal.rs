//! Why etcd does not read a file, and how to repair it.

use std::{error, fmt};

use super::pem::Block;

/// The use that etcd makes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EtcdFile {
    /// `ETCD_TRUSTED_CA_FILE` and `ETCD_PEER_TRUSTED_CA_FILE`
    TrustedCa,
    /// `ETCD_CERT_FILE` and `ETCD_PEER_CERT_FILE`
    Certificate,
    /// `ETCD_KEY_FILE` and `ETCD_PEER_KEY_FILE`
    Key,
}

/// Why etcd does not read a file.
///
/// Its text names the block and the line. [`FileRefusal::fix`] is the way to repair the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRefusal {
    /// What etcd uses the file for
    pub file: EtcdFile,
    /// What is wrong with it
    pub reason: FileReason,
}

/// What is wrong with a file. Blocks and lines count from 1; only blocks in which Go finds PEM are
/// counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileReason {
    /// Go finds no PEM in it.
    NoPem {
        /// What it is instead
        found: InsteadOfPem,
    },
    /// It has PEM blocks, and none of the kind that etcd looks for.
    NoBlock {
        /// The labels of the first blocks
        labels: Vec<String>,
    },
    /// A block is something else than every block has to be.
    BlockIsNot {
        /// Its number
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The type in its BEGIN line
        label: String,
        /// What etcd reads it as
        expected: &'static str,
    },
    /// Go refuses what a block holds.
    Malformed {
        /// Its number
        block: usize,
        /// The line on which it begins
        line: usize,
        /// What is wrong; it continues a sentence about the block
        reason: String,
    },
    /// The private key is encrypted: etcd asks for no passphrase.
    EncryptedKey {
        /// The number of its block
        block: usize,
        /// The line on which it begins
        line: usize,
    },
    /// The key is of an algorithm or on a curve that Go does not know.
    UnsupportedKey {
        /// The number of its block
        block: usize,
        /// The line on which it begins
        line: usize,
        /// The algorithm or the curve
        name: String,
    },
    /// The key belongs to another certificate.
    KeyMismatch,
    /// Go may read it, but etcd-pki cannot judge it.
    NotSupportedHere {
        /// The number of the block
        block: usize,
        /// The line on which it begins
        line: usize,
        /// What etcd-pki cannot judge
        what: String,
    },
}

/// What a file is in which Go finds no PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InsteadOfPem {
    /// It has no bytes, or white space only.
    Empty,
    /// It has only zero bytes, as after a crash.
    Zeros,
    /// It is DER.
    Der,
    /// It is text in UTF-16.
    Utf16,
    /// It begins with a byte order mark, so its first line is no BEGIN line.
    ByteOrderMark,
    /// Its lines end in carriage returns alone.
    CarriageReturns,
    /// Its BEGIN or END lines are indented, or share a line with something else.
    Displaced,
    /// A block has no END line: the file is truncated.
    NoEnd,
    /// Its END line does not fit its BEGIN line, or what is between them is not base64.
    Damaged,
    /// Something else.
    Other,
}

impl FileRefusal {
    pub(super) fn new(file: EtcdFile, reason: FileReason) -> Self {
        Self { file, reason }
    }

    /// How to repair the file, as a sentence without a period at its end.
    #[must_use]
    pub fn fix(&self) -> String {
        let fix = match &self.reason {
            FileReason::NoPem { found } => found.fix(),
            FileReason::NoBlock { .. } if self.file == EtcdFile::Key => {
                "put the private key into this file; certificate and key may have been swapped"
            }
            FileReason::NoBlock { .. } => {
                "put the certificate into this file; certificate and key may have been swapped"
            }
            FileReason::BlockIsNot { block, .. } => {
                return format!("remove block {block} from the file");
            }
            FileReason::Malformed { .. } if self.file == EtcdFile::Key => {
                "restore the key from a backup, or make a new key and a new certificate"
            }
            FileReason::Malformed { .. } => {
                "restore the certificate from a backup, or issue a new one"
            }
            FileReason::EncryptedKey { .. } => "store the key without a passphrase",
            FileReason::UnsupportedKey { .. } => {
                "make a new key of an algorithm that Go knows (ECDSA on P-256, P-384 or P-521, RSA, Ed25519), and a new certificate"
            }
            FileReason::KeyMismatch => {
                "install the key and the certificate that belong together, or issue a new certificate for the key"
            }
            FileReason::NotSupportedHere { .. } => {
                "ask etcd itself: etcd-pki cannot judge this file"
            }
        };
        fix.to_owned()
    }
}

impl fmt::Display for FileRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            FileReason::NoPem { found } => f.write_str(found.text()),
            FileReason::NoBlock { labels } => {
                let wanted = match self.file {
                    EtcdFile::Key => "private key",
                    EtcdFile::Certificate | EtcdFile::TrustedCa => "certificate",
                };
                let labels: Vec<_> = labels.iter().map(|label| shown(label)).collect();
                write!(f, "it has no {wanted}, only {}", labels.join(", "))
            }
            FileReason::BlockIsNot {
                block,
                line,
                label,
                expected,
            } => write!(
                f,
                "block {block} (line {line}) is {}: etcd reads every block of a trusted CA file as a {expected}",
                shown(label)
            ),
            FileReason::Malformed {
                block,
                line,
                reason,
            } => write!(f, "block {block} (line {line}) {reason}"),
            FileReason::EncryptedKey { block, line } => write!(
                f,
                "the private key in block {block} (line {line}) is encrypted: etcd asks for no passphrase"
            ),
            FileReason::UnsupportedKey { block, line, name } => write!(
                f,
                "the key in block {block} (line {line}) is of {name}, which Go does not use for TLS"
            ),
            FileReason::KeyMismatch => f.write_str("the key is not the one of the certificate"),
            FileReason::NotSupportedHere { block, line, what } => write!(
                f,
                "etcd-pki does not support block {block} (line {line}) and does not know whether etcd reads it: {what}"
            ),
        }
    }
}

impl error::Error for FileRefusal {}

/// A label with its article. A file may have anything in it, so nothing that moves the cursor is
/// shown, nor much of it.
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

impl FileReason {
    /// For a file without blocks.
    pub(super) fn no_pem(file: &[u8]) -> Self {
        Self::NoPem {
            found: InsteadOfPem::of(file),
        }
    }

    /// For a file with no block of the right kind.
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

impl InsteadOfPem {
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
            Self::Der => "it is DER, and etcd reads only PEM",
            Self::Utf16 => "it is text in UTF-16, in which etcd finds no PEM",
            Self::ByteOrderMark => "it begins with a byte order mark, so etcd finds no PEM in it",
            Self::CarriageReturns => {
                "its lines end in carriage returns alone, so etcd finds no PEM in it"
            }
            Self::Displaced => {
                "a BEGIN or END line is indented or has other text on it, so etcd finds no PEM in the file"
            }
            Self::NoEnd => "its block has no END line, so etcd finds no PEM in it",
            Self::Damaged => {
                "its END line does not fit its BEGIN line, or its contents are not base64, so etcd finds no PEM in it"
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

/// Whether a line holds a BEGIN or END line, and more before or after it.
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
