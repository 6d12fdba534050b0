//! Decides whether etcd reads a file. It is exactly as strict and as lenient as Go in etcd.
//!
//! etcd reads a trusted CA file with `NewCertPool` (`client/pkg/v3/tlsutil/tlsutil.go`), and a
//! certificate with its key with `tls.X509KeyPair` (`tlsutil.NewCert`).

mod asn1;
mod key;
mod pem;
mod refusal;

use x509_cert::certificate::Version;

pub(crate) use self::refusal::Use;
use self::{
    pem::{Block, Blocks},
    refusal::Cause,
};
use super::parse::{self, Curve, Key, reader::OBJECT_IDENTIFIER};
use crate::{
    der_writer::{self, NULL, SEQUENCE},
    finding::Finding,
    key::{Passphrase, PrivateKey, PublicKey},
    limits,
    x509::certificate::Certificate,
};

/// The certificates that etcd trusts with this file as `ETCD_TRUSTED_CA_FILE` or
/// `ETCD_PEER_TRUSTED_CA_FILE`.
///
/// etcd reads every PEM block as a certificate, whatever its label. It does not start if a block is
/// not a certificate. Blocks in which Go finds no PEM are skipped without an error: see
/// [`skipped_blocks`].
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, verify};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let pem = ca.certificate().to_pem();
/// assert!(verify::trusted_ca(pem.as_bytes()).is_ok());
///
/// let finding = verify::trusted_ca(format!("\u{feff}{pem}").as_bytes()).unwrap_err();
/// assert_eq!(finding.to_string(), "etcd does not read it: it begins with a byte order mark");
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
///
/// # Errors
///
/// [`Finding::NotReadByEtcd`] if etcd does not start with the file, or starts without a trusted CA
/// because the file has no PEM.
pub fn trusted_ca(file: &[u8]) -> Result<Vec<Certificate>, Finding> {
    let mut certificates = Vec::new();
    let refuse = |cause: Cause| cause.finding(Use::TrustedCa);
    for block in Blocks::new(file) {
        check_count(&block).map_err(refuse)?;
        let label_fits = block.label.ends_with("CERTIFICATE");
        certificates.push(read(&block, label_fits).map_err(refuse)?.0);
    }
    if certificates.is_empty() {
        return Err(refuse(Cause::no_pem(file)));
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
/// [`Finding::NotReadByEtcd`] if etcd does not load the file, or no Go program accepts the
/// certificates that it sends.
pub fn certificate_chain(file: &[u8]) -> Result<Vec<Certificate>, Finding> {
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
/// [`Finding::NotReadByEtcd`] if etcd does not load it.
pub fn private_key(file: &[u8]) -> Result<PublicKey, Finding> {
    let block = key_block(file)?;
    let key = public_half(&block)?;
    public_key(&key).ok_or_else(|| {
        let what = "its public key".to_owned();
        refuse_key(&block, |block, line| Cause::NotSupportedHere {
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
/// [`Finding::NotReadByEtcd`] or [`Finding::KeyMismatch`] for the first invalid file, in the order
/// in which Go reads them.
pub fn key_pair(certificate: &[u8], key: &[u8]) -> Result<(), Finding> {
    let blocks = certificate_blocks(certificate)?;
    let key_block = key_block(key)?;
    let leaf = leaf_key(&blocks)?;
    let key = public_half(&key_block)?;
    check_leaf_algorithm(&blocks, leaf.as_ref())?;
    if leaf != Some(key) {
        return Err(Finding::KeyMismatch { key: None });
    }
    read_all(&blocks).map(drop)
}

/// The blocks that etcd skips without an error, as [`Finding::SkippedBlocks`]: indented blocks,
/// blocks without an END line, and blocks that are not base64.
///
/// etcd has no certificate from such a block, although the file contains it.
#[must_use]
pub fn skipped_blocks(file: &[u8]) -> Option<Finding> {
    let lines = pem::skipped_lines(file);
    (!lines.is_empty()).then_some(Finding::SkippedBlocks { path: None, lines })
}

/// The content of a file, and the reason if etcd does not read it. etcd-pki may still read it.
pub(crate) type Held<T> = (crate::error::Result<T>, Option<Finding>);

/// The certificates that etcd reads from a file. If etcd does not read it, those that etcd-pki
/// reads.
pub(crate) fn held_certificates(of: Use, file: &[u8]) -> Held<Vec<Certificate>> {
    let is_leaf = of == Use::Certificate;
    let strict = match of {
        Use::TrustedCa => trusted_ca(file),
        Use::Certificate | Use::Key => certificate_chain(file),
    };
    match strict {
        Ok(certificates) => {
            let may_be_refused = is_leaf && may_be_refused_in_tls(&certificates, file);
            let refused = may_be_refused.then(|| refused_in_tls(file)).flatten();
            (Ok(certificates), refused)
        }
        Err(finding) => {
            let in_tls = || is_leaf.then(|| refused_in_tls(file)).flatten();
            let refused = refused(finding).or_else(in_tls);
            (Certificate::all_from_bytes(file), refused)
        }
    }
}

/// The certificates that etcd reads from a trust bundle. If etcd reads none or skips some, those
/// that etcd-pki reads.
pub(crate) fn held_bundle(file: &[u8]) -> Held<Vec<Certificate>> {
    let (read, refused) = held_certificates(Use::TrustedCa, file);
    let skipped = skipped_blocks(file).filter(|_| refused.is_none());
    if let (Ok(read), Some(skipped)) = (&read, skipped)
        && let Ok(all) = Certificate::all_from_bytes(file)
        && all.len() > read.len()
    {
        return (Ok(all), Some(skipped));
    }
    (read, refused)
}

/// The reason why no connection succeeds with the certificates of a file although Go parses it: the
/// first certificate is not the leaf, no connection uses its key, or all together are too large.
fn refused_in_tls(file: &[u8]) -> Option<Finding> {
    let blocks = certificate_blocks(file).ok()?;
    let cause = ca_before_leaf(&blocks)
        .or_else(|| unused_key(&blocks))
        .or_else(|| too_large(&blocks))?;
    Some(refuse_certificate(cause))
}

/// Whether [`refused_in_tls`] may have a reason. Most files need no second reading.
fn may_be_refused_in_tls(certificates: &[Certificate], file: &[u8]) -> bool {
    let [first, following @ ..] = certificates else {
        return false;
    };
    file.len() > limits::TLS_CERTIFICATES
        || (first.is_ca() && !following.is_empty())
        || first.public_key().algorithm().is_none()
}

/// Finds a leaf that follows its CA. etcd does not start with the leaf's key, because it compares
/// the key with the first certificate (`X509KeyPair` in `crypto/tls/tls.go`).
fn ca_before_leaf(blocks: &[Block]) -> Option<Cause> {
    let (first, following) = blocks.split_first()?;
    if following.is_empty() {
        return None;
    }
    let is_ca = |block: &Block| {
        let certificate = Certificate::from_der(&block.contents).ok()?;
        Some(certificate.is_ca())
    };
    if is_ca(first) != Some(true) {
        return None;
    }
    let mut following = following.iter();
    let leaf = following.find(|block| is_ca(block) == Some(false))?;
    Some(Cause::CaBeforeLeaf {
        block: leaf.number,
        line: leaf.line,
    })
}

/// Finds a key that no connection uses: TLS 1.3 has no P-224 (RFC 8446, section 4.2.3), and Go's
/// `crypto/rsa` does not use RSA keys below 1024 bits (`checkKeySize`).
fn unused_key(blocks: &[Block]) -> Option<Cause> {
    const MIN_RSA_BITS: usize = 1024;
    let name = match leaf_key(blocks).ok()?? {
        Key::Ec {
            curve: Curve::P224, ..
        } => "ECDSA on P-224".to_owned(),
        Key::Rsa { modulus, .. } => {
            let bits = bit_length(&modulus);
            if bits >= MIN_RSA_BITS {
                return None;
            }
            format!("RSA with {bits} bits")
        }
        _ => return None,
    };
    let leaf = blocks.first()?;
    Some(Cause::UnsupportedKey {
        block: leaf.number,
        line: leaf.line,
        name,
    })
}

/// Finds certificates that are too large for a TLS handshake.
fn too_large(blocks: &[Block]) -> Option<Cause> {
    larger_than_message(blocks.iter().map(|block| block.contents.len()))
}

/// The reason why no connection succeeds with certificates of these lengths in DER.
pub(crate) fn refused_as_too_large(lengths: impl Iterator<Item = usize>) -> Option<Finding> {
    larger_than_message(lengths).map(refuse_certificate)
}

/// Go does not read a larger Certificate message of TLS 1.3 (RFC 8446, section 4.4.2;
/// `maxHandshakeCertificateMsg` in crypto/tls).
fn larger_than_message(lengths: impl Iterator<Item = usize>) -> Option<Cause> {
    // The message has an empty context and the length of the list; each certificate has a length
    // and extensions
    const LIST: usize = 1 + 3;
    const ENTRY: usize = 3 + 2;
    let entries = lengths.map(|length| ENTRY + length);
    let bytes = LIST + entries.sum::<usize>();
    (bytes > limits::TLS_CERTIFICATES).then_some(Cause::TooLarge { bytes })
}

fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(zeros..).unwrap_or_default();
    let first = significant.first().copied().unwrap_or_default();
    (significant.len() * 8).saturating_sub(first.leading_zeros() as usize)
}

/// The private key that etcd reads from a file. If etcd does not read it, the one that etcd-pki
/// reads.
pub(crate) fn held_key(file: &[u8], passphrase: Option<&Passphrase>) -> Held<PrivateKey> {
    let strict = key_block(file).and_then(|block| {
        public_half(&block)?;
        Ok(PrivateKey::from_der(&block.contents).ok())
    });
    match strict {
        Ok(Some(key)) => (Ok(key), None),
        // etcd reads this key and etcd-pki does not support it; reading it again returns the error
        Ok(None) => (PrivateKey::from_bytes(file, passphrase), None),
        Err(finding) => (PrivateKey::from_bytes(file, passphrase), refused(finding)),
    }
}

/// Drops findings about keys that only etcd-pki does not support: etcd does not refuse them.
fn refused(finding: Finding) -> Option<Finding> {
    matches!(finding, Finding::NotReadByEtcd { .. }).then_some(finding)
}

/// Reads a block as a certificate, first with Go's rules and then with those of this crate.
fn read(block: &Block, label_fits: bool) -> Result<(Certificate, Option<Key>), Cause> {
    let (number, line) = (block.number, block.line);
    let parsed = parse::parse(&block.contents).map_err(|flaw| {
        if label_fits {
            Cause::Malformed {
                block: number,
                line,
                reason: flaw.to_string(),
            }
        } else {
            Cause::BlockIsNot {
                block: number,
                line,
                label: block.label.clone(),
            }
        }
    })?;
    let not_supported = |what| Cause::NotSupportedHere {
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
    // Go ignores extensions in a version without extensions; the rest of this crate uses them
    let content = certificate.as_x509().tbs_certificate();
    if content.version() != Version::V3 && content.extensions().is_some() {
        let what = "it has extensions, and a version that has none";
        return Err(not_supported(what.to_owned()));
    }
    Ok((certificate, parsed.key))
}

fn refuse_certificate(cause: Cause) -> Finding {
    cause.finding(Use::Certificate)
}

/// Refuses a file with more blocks than etcd-pki reads. Go has no such limit.
fn check_count(block: &Block) -> Result<(), Cause> {
    if block.number <= limits::PEM_BLOCKS {
        return Ok(());
    }
    Err(Cause::NotSupportedHere {
        block: block.number,
        line: block.line,
        what: format!("the file has more than {} blocks", limits::PEM_BLOCKS),
    })
}

fn certificate_blocks(file: &[u8]) -> Result<Vec<Block>, Finding> {
    let (mut blocks, mut others) = (Vec::new(), Vec::new());
    for block in Blocks::new(file) {
        check_count(&block).map_err(refuse_certificate)?;
        if block.label == "CERTIFICATE" {
            blocks.push(block);
        } else {
            others.push(block);
        }
    }
    if !blocks.is_empty() {
        return Ok(blocks);
    }
    Err(refuse_certificate(Cause::no_block(file, &others)))
}

/// The key of the first certificate; `None` for an algorithm that Go does not support.
fn leaf_key(blocks: &[Block]) -> Result<Option<Key>, Finding> {
    let Some(leaf) = blocks.first() else {
        return Ok(None);
    };
    parse::parse(&leaf.contents)
        .map(|parsed| parsed.key)
        .map_err(|flaw| {
            refuse_certificate(Cause::Malformed {
                block: leaf.number,
                line: leaf.line,
                reason: flaw.to_string(),
            })
        })
}

/// Checks that the key of a TLS server is RSA, ECDSA or Ed25519.
fn check_leaf_algorithm(blocks: &[Block], key: Option<&Key>) -> Result<(), Finding> {
    let (Some(leaf), None | Some(Key::Dsa)) = (blocks.first(), key) else {
        return Ok(());
    };
    let name = Certificate::from_der(&leaf.contents).map_or_else(
        |_| "an algorithm that Go does not know".to_owned(),
        |certificate| certificate.public_key().algorithm_name().to_owned(),
    );
    Err(refuse_certificate(Cause::UnsupportedKey {
        block: leaf.number,
        line: leaf.line,
        name,
    }))
}

fn read_all(blocks: &[Block]) -> Result<Vec<Certificate>, Finding> {
    let certificates = blocks.iter().map(|block| read(block, true));
    certificates
        .map(|certificate| certificate.map(|(certificate, _)| certificate))
        .collect::<Result<_, _>>()
        .map_err(refuse_certificate)
}

/// The first block that Go reads as a key.
fn key_block(file: &[u8]) -> Result<Block, Finding> {
    let mut others = Vec::new();
    for block in Blocks::new(file) {
        check_count(&block).map_err(|cause| cause.finding(Use::Key))?;
        if block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY") {
            return Ok(block);
        }
        others.push(block);
    }
    Err(Cause::no_block(file, &others).finding(Use::Key))
}

fn refuse_key(block: &Block, cause: impl FnOnce(usize, usize) -> Cause) -> Finding {
    cause(block.number, block.line).finding(Use::Key)
}

fn public_half(block: &Block) -> Result<Key, Finding> {
    key::public_half(&block.contents).map_err(|failure| {
        let is_open_ssh = block.label == "OPENSSH PRIVATE KEY";
        let is_encrypted = block.is_encrypted || key::is_encrypted(&block.contents);
        refuse_key(block, |block, line| match failure {
            key::Failure::NotSupportedHere(what) => Cause::NotSupportedHere {
                block,
                line,
                what: what.to_owned(),
            },
            key::Failure::Unsupported(name) => Cause::UnsupportedKey { block, line, name },
            key::Failure::Malformed if is_open_ssh => Cause::OpenSshKey { block, line },
            key::Failure::Malformed if is_encrypted => Cause::EncryptedKey { block, line },
            key::Failure::Malformed => Cause::Malformed {
                block,
                line,
                reason: "is no private key that Go reads, or is damaged".to_owned(),
            },
        })
    })
}

/// The `SubjectPublicKeyInfo` of a key (RFC 5280, section 4.1).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::CertificateAuthority;

    #[test]
    fn bits_of_a_number() {
        for (number, bits) in [
            (&[][..], 0),
            (&[0, 0], 0),
            (&[1], 1),
            (&[0xff], 8),
            (&[0, 1, 0], 9),
            (&[0x80, 0, 0], 24),
            (&[0x7f, 0, 0], 23),
        ] {
            assert_eq!(bit_length(number), bits, "{number:?}");
        }
    }

    /// A bundle has the certificates that etcd reads. If etcd skips one, it has those that etcd-pki
    /// reads.
    #[test]
    fn bundles() {
        let [one, two] = ["one", "two"].map(|name| CertificateAuthority::create(name).unwrap());
        let [one, two] = [one, two].map(|ca| ca.certificate().to_pem());
        let held = |text: String| {
            let (read, refused) = held_bundle(text.as_bytes());
            let kind = refused.map(|finding| match finding {
                Finding::SkippedBlocks { .. } => "skipped",
                Finding::NotReadByEtcd { .. } => "refused",
                other => panic!("{other:?}"),
            });
            (read.map_or(0, |all| all.len()), kind)
        };
        assert_eq!(held(one.clone()), (1, None));
        assert_eq!(held(format!("{one}{two}")), (2, None));
        assert_eq!(held(format!("{one} {two}")), (2, Some("skipped")));
        assert_eq!(held(format!(" {one}")), (1, Some("refused")));
        assert_eq!(held(format!("{one}-----BEGIN NOTHING-----\n")), (1, None));
        // A block that etcd-pki does not read either is not part of the bundle
        let other = " -----BEGIN X-----\nAAAA\n-----END X-----\n";
        assert_eq!(held(format!("{one}{other}")), (1, None));
        assert_eq!(held("notes".to_owned()), (0, Some("refused")));
        assert!(skipped_blocks(one.as_bytes()).is_none());
        assert!(skipped_blocks(format!("{one} {two}").as_bytes()).is_some());
    }

    #[test]
    fn what_is_not_supported_is_no_refusal() {
        let etcd = trusted_ca(b"notes").unwrap_err();
        assert_eq!(refused(etcd.clone()), Some(etcd));
        let here = Finding::NotSupported {
            subject: None,
            what: "P-224".to_owned(),
        };
        assert_eq!(refused(here), None);
    }

    #[cfg(feature = "rsa")]
    #[test]
    fn keys_that_tls_uses() {
        use crate::test_certificates::{self, Made};

        let params = || test_certificates::leaf("a");
        for made in [Made::root(params()), Made::rsa_root(params())] {
            let text = made.certificate.to_pem();
            assert_eq!(refused_in_tls(text.as_bytes()), None);
        }
    }

    /// A block with these contents. The number does not matter here.
    fn block(contents: &[u8]) -> Block {
        Block {
            label: "CERTIFICATE".to_owned(),
            is_encrypted: false,
            contents: contents.to_vec().into(),
            number: 1,
            line: 1,
        }
    }

    /// The largest certificates that Go reads: the list has four bytes, and each entry five.
    #[test]
    fn certificates_that_are_too_large() {
        let limit = limits::TLS_CERTIFICATES - 4;
        for (lengths, is_too_large) in [
            (&[limit - 5][..], false),
            (&[limit - 4], true),
            (&[limit - 110, 100], false),
            (&[limit - 109, 100], true),
            (&[limit, 100], true),
            (&[], false),
        ] {
            let blocks: Vec<_> = lengths
                .iter()
                .map(|length| block(&vec![0; *length]))
                .collect();
            assert_eq!(too_large(&blocks).is_some(), is_too_large, "{lengths:?}");
        }
        let blocks = [limit].map(|length| block(&vec![0; length]));
        assert!(matches!(
            too_large(&blocks),
            Some(Cause::TooLarge { bytes }) if bytes == limit + 9
        ));
    }

    #[test]
    fn too_many_blocks() {
        let count = |number| {
            check_count(&Block {
                number,
                ..block(&[])
            })
            .is_ok()
        };
        assert!(count(1) && count(limits::PEM_BLOCKS));
        assert!(!count(limits::PEM_BLOCKS + 1));
    }

    /// etcd compares the key of a leaf with the first certificate, so a CA must not come before
    /// a leaf.
    #[test]
    fn order_of_certificates() {
        use crate::{role::Role, x509::identity::Identity};

        let ca = CertificateAuthority::create("ca").unwrap();
        let leaf = ca.issue(Role::Client, Identity::new("a").unwrap()).unwrap();
        let [ca, leaf] = [ca.certificate(), leaf.certificate()].map(|one| one.as_der().to_vec());
        for (all, is_refused) in [
            (&[&leaf][..], false),
            (&[&leaf, &ca], false),
            (&[&leaf, &ca, &leaf], false),
            (&[&ca], false),
            (&[&ca, &ca], false),
            (&[&ca, &leaf], true),
            (&[&ca, &ca, &leaf], true),
        ] {
            let blocks: Vec<_> = all.iter().map(|one| block(one)).collect();
            assert_eq!(ca_before_leaf(&blocks).is_some(), is_refused);
            let text: String = all
                .iter()
                .map(|der| Certificate::from_der(der).unwrap().to_pem())
                .collect();
            assert_eq!(refused_in_tls(text.as_bytes()).is_some(), is_refused);
        }
        // In a trusted file, the order does not matter
        let [ca, leaf] = [ca, leaf].map(|der| Certificate::from_der(&der).unwrap());
        let text = [&ca, &leaf].map(Certificate::to_pem).concat();
        let trusted = crate::verify::Verifier::trusting("ca.pem", text.as_bytes()).unwrap();
        assert!(trusted.verify(&leaf).is_accepted());
    }
}
