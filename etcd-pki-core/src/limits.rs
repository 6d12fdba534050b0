//! Limits on the amount of input that is read.
//!
//! Any host may give a CA a file to read. Therefore the work for a file is proportional to its
//! bytes, and every count in it has a limit. The limits allow a specification of 10,000 hosts, the
//! certificate of Kubespray's profile that names them all, and the trust bundle of an operating
//! system, which has about 150 certificates.

use der::{Reader as _, SliceReader, asn1::AnyRef};

use crate::error::{Error, Result};

/// The blocks of a PEM file: one certificate for each of 10,000 hosts. With the smallest
/// certificates, not many more fit into 16 MiB, the largest file that is read.
pub(crate) const PEM_BLOCKS: usize = 10_000;

/// The bytes of the certificates in a TLS handshake. Go refuses more (`maxHandshakeCertificateMsg`
/// in `crypto/tls/common.go`).
pub(crate) const TLS_CERTIFICATES: usize = 256 * 1024;

/// The characters of a PEM block's label. The longest label in use, `NEW CERTIFICATE REQUEST`, has
/// 23.
pub(crate) const PEM_LABEL: usize = 64;

/// The extensions of a certificate or a request. RFC 5280 defines 17, and public certificates have
/// about 10.
pub(crate) const EXTENSIONS: usize = 100;

/// The alternative names of a certificate or a request: ten for each of 10,000 hosts. Go's TLS
/// refuses a message with more than 256 KiB of certificates (`maxHandshakeCertificateMsg` in
/// `crypto/tls/common.go`), and fewer names fit into that.
pub(crate) const NAMES: usize = 100_000;

/// The shared names of a specification, counted in all of its certificates. This allows a list of
/// 300 names, those of 100 members of Kubespray's profile, in each certificate of 10,000 hosts, and
/// more. A list that reaches the limit with 10,000 members is useless: their certificates are
/// larger than Go's TLS allows (see [`NAMES`]; older versions allow 64 KiB, `maxHandshake`, which
/// is enough for about 3,000 names).
pub(crate) const SHARED_NAMES: usize = 5_000_000;

/// The attributes of a request. The requests of OpenSSL, certtool and Windows have at most about 5.
pub(crate) const ATTRIBUTES: usize = 100;

/// The extended key usages of a certificate or a request. Public certificates have at most about
/// 10.
pub(crate) const USAGES: usize = 100;

/// The parts of a subject or an issuer. Public certificates have at most about 10.
pub(crate) const SUBJECT_PARTS: usize = 100;

/// The bytes of a serial number. RFC 5280, section 4.1.2.2, allows 20, but Go and OpenSSL read
/// longer ones.
pub(crate) const SERIAL_BYTES: usize = 1_000;

/// The certificates in a revocation list: more than a list of 16 MiB, the largest file that is
/// read, can have with the serial numbers of etcd-pki.
pub(crate) const REVOKED: usize = 500_000;

/// The certificates in a revocation list that this crate writes: five for each of 10,000 hosts.
/// The file in PEM, which also describes them, is then half as large as the largest file that is
/// read.
#[cfg(feature = "store")]
pub(crate) const LISTED: usize = 50_000;

/// The comparisons of names with the name constraints of one CA. This is the limit of Go's
/// `crypto/x509` before 1.26 (`maxConstraintComparisons` in `verify.go`), and etcd 3.4 to 3.6 are
/// built with these versions.
pub(crate) const NAME_COMPARISONS: usize = 250_000;

/// The values of a specification. A host has at most about 30, and is described at most three
/// times.
#[cfg(feature = "yaml")]
pub(crate) const YAML_VALUES: usize = 1_000_000;

/// The values that all aliases of a specification repeat. A few lines of aliases could repeat
/// billions.
#[cfg(feature = "yaml")]
pub(crate) const YAML_ALIASED: usize = 100_000;

/// The nesting levels of a specification. A valid one has five.
#[cfg(feature = "yaml")]
pub(crate) const YAML_NESTING: usize = 32;

/// The bytes of a value in an openssl.conf after its variables are replaced. This is OpenSSL's
/// limit (`MAX_CONF_VALUE_LENGTH` in `crypto/conf/conf_def.c`).
pub(crate) const OPENSSL_VALUE: usize = 65_536;

/// The bytes that replace all variables of an openssl.conf. This equals the largest file that is
/// read.
pub(crate) const OPENSSL_REPLACED: usize = 16 * 1024 * 1024;

/// The levels of directories below a host's folder in an exchange directory. Every layout has at
/// most one. Eight of the longest names fit into a path of the system (PATH_MAX, 4096 bytes).
pub(crate) const EXCHANGE_DEPTH: usize = 8;

/// The directories below a host's folder in an exchange directory.
pub(crate) const EXCHANGE_FOLDERS: usize = 1_000;

/// The requests of a folder that are refused by name because they belong to no pair.
pub(crate) const EXCHANGE_STRAYS: usize = 100;

/// The CA certificates that a host reads from its folder. The trust bundle of an operating system
/// has about 150.
pub(crate) const EXCHANGE_CAS: usize = 200;

/// The certificates after the leaf in a file that a host installs. Public chains have at most about
/// 5. etcd sends all of them in each handshake, and Go refuses more than 256 KiB
/// (`maxHandshakeCertificateMsg` in `crypto/tls/common.go`).
pub(crate) const EXCHANGE_CHAIN: usize = 10;

/// The bytes of a line in a record of issued certificates. A line with the names of 1,000 hosts has
/// about 50,000. The names of a longer line are left out.
#[cfg(feature = "store")]
pub(crate) const RECORD_LINE: usize = 1024 * 1024;

/// The bytes of a record of issued certificates. The certificates of 10,000 hosts add about 20 MB
/// when all are issued.
#[cfg(feature = "store")]
pub(crate) const RECORD: u64 = 1024 * 1024 * 1024;

/// The bytes at the end of a record that are searched for its last entry. An interrupted write
/// leaves less than one batch of lines.
#[cfg(feature = "store")]
pub(crate) const RECORD_END: usize = 64 * 1024 * 1024;

/// The damaged places of a record that are listed.
#[cfg(feature = "store")]
pub(crate) const RECORD_DAMAGE: usize = 100;

/// Refuses an input with more items than the limit.
pub(crate) fn check(
    what: &'static str,
    count: usize,
    limit: usize,
    things: &'static str,
) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::malformed(
        what,
        format_args!("it has more than {limit} {things}"),
    ))
}

/// The number of elements in a SEQUENCE. The elements are not decoded.
pub(crate) fn elements(der: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(der)?;
    let sequence: AnyRef<'_> = reader.decode()?;
    let mut elements = SliceReader::new(sequence.value())?;
    let mut count = 0;
    while !elements.is_finished() {
        elements.decode::<AnyRef<'_>>()?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        assert!(check("file", 10, 10, "blocks").is_ok());
        let error = check("file", 11, 10, "blocks").unwrap_err().to_string();
        assert_eq!(error, "not a valid file: it has more than 10 blocks");
    }

    #[test]
    fn elements_are_counted_without_their_contents() {
        assert_eq!(elements(&[0x30, 0]).unwrap(), 0);
        let nested = [0x30, 6, 0x30, 2, 2, 0, 5, 0];
        assert_eq!(elements(&nested).unwrap(), 2);
        assert!(elements(&[0x30, 2, 5]).is_err());
    }
}
