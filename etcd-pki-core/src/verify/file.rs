//! Does etcd read this file? Exactly as strict as etcd's Go, and as lenient.
//!
//! etcd reads a trusted CA file by `NewCertPool` (`client/pkg/v3/tlsutil/tlsutil.go`) and a
//! certificate with its key by `tls.X509KeyPair` (`tlsutil.NewCert`).

mod asn1;
mod key;
mod pem;
mod refusal;
mod rsa;

use x509_cert::certificate::Version;

use self::pem::{Block, Blocks};
pub use self::refusal::{EtcdFile, FileReason, FileRefusal, InsteadOfPem};
use super::parse::{self, Curve, Key, reader::OBJECT_IDENTIFIER};
use crate::{
    certificate::Certificate,
    der_writer::{self, NULL, SEQUENCE},
    key::PublicKey,
};

/// The certificates that etcd trusts with this file as `ETCD_TRUSTED_CA_FILE` or
/// `ETCD_PEER_TRUSTED_CA_FILE`.
///
/// etcd reads every PEM block as a certificate, whatever its label, and does not start if one is
/// none. Blocks in which Go finds no PEM are skipped without an error:
/// [`etcd_skips_blocks`](skipped_blocks) has their lines.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, etcd_reads_trusted_ca};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let pem = ca.certificate().to_pem()?;
/// assert!(etcd_reads_trusted_ca(pem.as_bytes()).is_ok());
///
/// let refusal = etcd_reads_trusted_ca(format!("\u{feff}{pem}").as_bytes()).unwrap_err();
/// assert!(refusal.to_string().contains("byte order mark"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
///
/// # Errors
///
/// A [`FileRefusal`] if etcd does not start with the file, or starts without a trusted CA because
/// the file has no PEM.
pub fn trusted_ca(file: &[u8]) -> Result<Vec<Certificate>, FileRefusal> {
    let mut certificates = Vec::new();
    let refuse = |reason| FileRefusal::new(EtcdFile::TrustedCa, reason);
    for block in Blocks::new(file) {
        let label_fits = block.label.ends_with("CERTIFICATE");
        certificates.push(read(&block, label_fits).map_err(refuse)?.0);
    }
    if certificates.is_empty() {
        return Err(refuse(FileReason::no_pem(file)));
    }
    Ok(certificates)
}

/// The certificates that etcd sends with this file as `ETCD_CERT_FILE` or `ETCD_PEER_CERT_FILE`,
/// its own first.
///
/// Blocks with another label than `CERTIFICATE` are skipped. etcd itself parses only the first
/// certificate; the other side of a connection parses all of them and refuses the connection if one
/// is malformed (`crypto/tls`, `verifyServerCertificate`).
///
/// # Errors
///
/// A [`FileRefusal`] if etcd does not load the file, or no Go program accepts what it sends.
pub fn certificate_chain(file: &[u8]) -> Result<Vec<Certificate>, FileRefusal> {
    let blocks = certificate_blocks(file)?;
    let leaf_key = leaf_key(&blocks)?;
    check_leaf_algorithm(&blocks, leaf_key.as_ref())?;
    read_all(&blocks)
}

/// The public half of the key that etcd loads from this file as `ETCD_KEY_FILE` or
/// `ETCD_PEER_KEY_FILE`.
///
/// The key is the first block with a label that ends in `PRIVATE KEY`.
///
/// # Errors
///
/// A [`FileRefusal`] if etcd does not load it.
pub fn private_key(file: &[u8]) -> Result<PublicKey, FileRefusal> {
    let block = key_block(file)?;
    let key = public_half(&block)?;
    public_key(&key).ok_or_else(|| {
        let what = "its public key".to_owned();
        refuse_key(&block, |block, line| FileReason::NotSupportedHere {
            block,
            line,
            what,
        })
    })
}

/// Whether etcd loads a certificate file and a key file as one pair.
///
/// # Errors
///
/// A [`FileRefusal`] for the first of the two files that is wrong, in the order in which Go looks
/// at them.
pub fn key_pair(certificate: &[u8], key: &[u8]) -> Result<(), FileRefusal> {
    let blocks = certificate_blocks(certificate)?;
    let key_block = key_block(key)?;
    let leaf = leaf_key(&blocks)?;
    let key = public_half(&key_block)?;
    check_leaf_algorithm(&blocks, leaf.as_ref())?;
    if leaf != Some(key) {
        return Err(FileRefusal::new(EtcdFile::Key, FileReason::KeyMismatch));
    }
    read_all(&blocks).map(drop)
}

/// The lines on which blocks begin that etcd skips without an error: indented ones, those without
/// an END line, those that are not base64.
///
/// What such a block holds is missing in etcd, though the file has it.
#[must_use]
pub fn skipped_blocks(file: &[u8]) -> Vec<usize> {
    pem::skipped_lines(file)
}

/// Reads a block as a certificate, by Go's rules first and then by ours.
fn read(block: &Block, label_fits: bool) -> Result<(Certificate, Option<Key>), FileReason> {
    let (number, line) = (block.number, block.line);
    let parsed = parse::parse(&block.contents).map_err(|flaw| {
        if label_fits {
            FileReason::Malformed {
                block: number,
                line,
                reason: flaw.to_string(),
            }
        } else {
            FileReason::BlockIsNot {
                block: number,
                line,
                label: block.label.clone(),
                expected: "certificate",
            }
        }
    })?;
    let not_supported = |what| FileReason::NotSupportedHere {
        block: number,
        line,
        what,
    };
    let certificate =
        Certificate::from_der(&block.contents).map_err(|error| not_supported(error.to_string()))?;
    if let Some(Key::Ec { curve, .. }) = &parsed.key
        && *curve == Curve::P224
    {
        return Err(not_supported(key::P224.to_owned()));
    }
    // Go does not look at what an older version cannot have, and everything here does
    let content = certificate.as_x509().tbs_certificate();
    if content.version() != Version::V3 && content.extensions().is_some() {
        let what = "it has extensions, and a version that has none";
        return Err(not_supported(what.to_owned()));
    }
    Ok((certificate, parsed.key))
}

fn refuse_certificate(reason: FileReason) -> FileRefusal {
    FileRefusal::new(EtcdFile::Certificate, reason)
}

fn certificate_blocks(file: &[u8]) -> Result<Vec<Block>, FileRefusal> {
    let (blocks, others): (Vec<_>, Vec<_>) =
        Blocks::new(file).partition(|block| block.label == "CERTIFICATE");
    if !blocks.is_empty() {
        return Ok(blocks);
    }
    Err(refuse_certificate(FileReason::no_block(file, &others)))
}

/// The key of the first certificate; `None` for an algorithm that Go does not know.
fn leaf_key(blocks: &[Block]) -> Result<Option<Key>, FileRefusal> {
    let Some(leaf) = blocks.first() else {
        return Ok(None);
    };
    parse::parse(&leaf.contents)
        .map(|parsed| parsed.key)
        .map_err(|flaw| {
            refuse_certificate(FileReason::Malformed {
                block: leaf.number,
                line: leaf.line,
                reason: flaw.to_string(),
            })
        })
}

/// A TLS server has an RSA, ECDSA or Ed25519 key.
fn check_leaf_algorithm(blocks: &[Block], key: Option<&Key>) -> Result<(), FileRefusal> {
    let (Some(leaf), None | Some(Key::Dsa)) = (blocks.first(), key) else {
        return Ok(());
    };
    let name = Certificate::from_der(&leaf.contents).map_or_else(
        |_| "an algorithm that Go does not know".to_owned(),
        |certificate| certificate.public_key().algorithm_name().to_owned(),
    );
    Err(refuse_certificate(FileReason::UnsupportedKey {
        block: leaf.number,
        line: leaf.line,
        name,
    }))
}

fn read_all(blocks: &[Block]) -> Result<Vec<Certificate>, FileRefusal> {
    let certificates = blocks.iter().map(|block| read(block, true));
    certificates
        .map(|certificate| certificate.map(|(certificate, _)| certificate))
        .collect::<Result<_, _>>()
        .map_err(refuse_certificate)
}

/// The first block that Go takes for a key.
fn key_block(file: &[u8]) -> Result<Block, FileRefusal> {
    let mut others = Vec::new();
    for block in Blocks::new(file) {
        if block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY") {
            return Ok(block);
        }
        others.push(block);
    }
    let reason = FileReason::no_block(file, &others);
    Err(FileRefusal::new(EtcdFile::Key, reason))
}

fn refuse_key(block: &Block, reason: impl FnOnce(usize, usize) -> FileReason) -> FileRefusal {
    FileRefusal::new(EtcdFile::Key, reason(block.number, block.line))
}

fn public_half(block: &Block) -> Result<Key, FileRefusal> {
    key::public_half(&block.contents).map_err(|failure| {
        let is_encrypted = block.is_encrypted || key::is_encrypted(&block.contents);
        refuse_key(block, |block, line| match failure {
            key::Failure::NotSupportedHere(what) => FileReason::NotSupportedHere {
                block,
                line,
                what: what.to_owned(),
            },
            key::Failure::Unsupported(name) => FileReason::UnsupportedKey { block, line, name },
            key::Failure::Malformed if is_encrypted => FileReason::EncryptedKey { block, line },
            key::Failure::Malformed => FileReason::Malformed {
                block,
                line,
                reason: "is no private key that Go reads, or is damaged".to_owned(),
            },
        })
    })
}

/// A `SubjectPublicKeyInfo` (RFC 5280, section 4.1) of a key.
fn public_key(key: &Key) -> Option<PublicKey> {
    let oid = |der: &mut Vec<u8>, oid| der_writer::push(der, OBJECT_IDENTIFIER, oid);
    let mut der = Vec::new();
    der_writer::nest(&mut der, SEQUENCE, |der| {
        let algorithm = |der: &mut Vec<u8>, algorithm, parameters: &dyn Fn(&mut Vec<u8>)| {
            der_writer::nest(der, SEQUENCE, |der| {
                oid(der, algorithm);
                parameters(der);
            });
        };
        match key {
            Key::Rsa { modulus, exponent } => {
                algorithm(der, parse::RSA, &|der| der.extend_from_slice(NULL));
                let mut bits = Vec::new();
                der_writer::nest(&mut bits, SEQUENCE, |der| {
                    der_writer::push_unsigned(der, modulus);
                    der_writer::push_unsigned(der, &exponent.to_be_bytes());
                });
                der_writer::push_bits(der, &bits);
            }
            Key::Ec { curve, point } => {
                algorithm(der, parse::EC_PUBLIC_KEY, &|der| oid(der, curve.oid()));
                der_writer::push_bits(der, point);
            }
            Key::Ed25519(bits) => {
                algorithm(der, parse::ED25519, &|_| ());
                der_writer::push_bits(der, bits);
            }
            Key::Dsa => return None,
        }
        Some(())
    })?;
    PublicKey::from_der(&der).ok()
}
