//! Recognizes the format of a file for the error about an unexpected one
//! ([`Error::or_foreign`](crate::Error::or_foreign)).

use base64::Engine as _;
use der::Decode as _;
use x509_cert::{
    certificate::{CertificateInner, Raw},
    crl::CertificateList,
    spki::SubjectPublicKeyInfoRef,
};
use zeroize::Zeroizing;

/// A kind of file that is neither PEM nor the DER of a key or certificate.
struct Format {
    /// The name of the format; it follows "it is"
    name: &'static str,
    /// The command that converts a file
    hint: &'static str,
    matches: fn(&[u8]) -> bool,
}

const FORMATS: &[Format] = &[
    Format {
        name: "text in UTF-32",
        hint: "convert it with `iconv -f UTF-32 -t UTF-8 FILE`",
        matches: is_utf32,
    },
    Format {
        name: "text in UTF-16",
        hint: "convert it with `iconv -f UTF-16 -t UTF-8 FILE`; PowerShell writes PEM with `Set-Content -Encoding ascii`",
        matches: is_utf16,
    },
    Format {
        name: "PKCS#12 (.p12, .pfx)",
        hint: "`openssl pkcs12 -in FILE -nodes -out FILE.pem` writes its key and its certificates as PEM",
        matches: is_pkcs12,
    },
    Format {
        name: "PKCS#7 (.p7b)",
        hint: "`openssl pkcs7 -inform DER -in FILE -print_certs -out FILE.pem` writes its certificates as PEM",
        matches: is_pkcs7,
    },
    Format {
        name: PKCS7_IN_PEM,
        hint: "`openssl pkcs7 -in FILE -print_certs -out FILE.pem` writes its certificates as PEM",
        matches: is_pkcs7_in_pem,
    },
    Format {
        name: "a Kubernetes Secret in JSON",
        hint: "`jq -r '.data[\"tls.crt\"]' FILE | base64 -d` prints its certificate, and tls.key and ca.crt the other files; from a \
               cluster, `kubectl get secret NAME -o jsonpath='{.data.tls\\.crt}' | base64 -d` does",
        matches: |bytes| {
            is_json(bytes) && contains(bytes, b"\"kind\"") && contains(bytes, b"\"Secret\"")
        },
    },
    Format {
        name: "a Kubernetes Secret in YAML",
        hint: "`sed -n 's/^ *tls.crt: *//p' FILE | base64 -d` prints its certificate, and tls.key and ca.crt the other files; from a \
               cluster, `kubectl get secret NAME -o jsonpath='{.data.tls\\.crt}' | base64 -d` does",
        matches: |bytes| {
            has_line(bytes, |line| {
                line == b"kind: Secret" || line == b"kind: \"Secret\""
            })
        },
    },
    Format {
        name: "a kubeconfig",
        hint: "`sed -n 's/^ *client-certificate-data: *//p' FILE | base64 -d` prints its certificate, and client-key-data and \
               certificate-authority-data its key and its CA",
        matches: |bytes| {
            let is_part = |line: &[u8]| KUBECONFIG.iter().any(|field| line.starts_with(field));
            has_line(bytes, is_part)
        },
    },
    Format {
        name: "PEM with \\n instead of line ends",
        hint: "`printf '%b' \"$(cat FILE)\"` prints it with line ends",
        matches: |bytes| {
            !is_json(bytes) && contains(bytes, b"-----BEGIN ") && contains(bytes, b"-----\\n")
        },
    },
    Format {
        name: "the JSON of cfssl",
        hint: "`cfssljson -bare NAME < FILE` writes NAME.pem and NAME-key.pem; `jq -r .cert FILE` prints one of them",
        matches: |bytes| is_json(bytes) && CFSSL.iter().any(|field| contains(bytes, field)),
    },
    Format {
        name: "JSON",
        hint: "take the PEM out of it, such as with `jq -r .NAME FILE`",
        matches: is_json,
    },
    Format {
        name: "PEM in base64, as in a Kubernetes Secret",
        hint: "`base64 -d FILE` prints the PEM",
        matches: |bytes| unwrapped(bytes).is_some_and(|inner| contains(&inner, b"-----BEGIN ")),
    },
    Format {
        name: "base64 without the lines -----BEGIN and -----END",
        hint: "`base64 -d FILE > FILE.der` writes the DER that is in it",
        matches: |bytes| unwrapped(bytes).is_some_and(|inner| inner.first() == Some(&0x30)),
    },
    Format {
        name: "a certificate of OpenSSH",
        hint: "etcd takes X.509 certificates, and this is none: `ssh-keygen -L -f FILE` shows it, `etcd-pki cert issue` makes one for etcd",
        matches: |bytes| {
            let first = bytes
                .split(u8::is_ascii_whitespace)
                .next()
                .unwrap_or_default();
            first.ends_with(b"-cert-v01@openssh.com")
        },
    },
    Format {
        name: "a public key of OpenSSH on a security token",
        hint: "its private key stays in the token; `etcd-pki key new` makes a key for etcd",
        matches: |bytes| bytes.starts_with(b"sk-ssh-") || bytes.starts_with(b"sk-ecdsa-"),
    },
    Format {
        name: "a public key of OpenSSH",
        hint: "`ssh-keygen -e -m PKCS8 -f FILE` prints it as PEM, if it is RSA or ECDSA",
        matches: |bytes| OPENSSH.iter().any(|prefix| bytes.starts_with(prefix)),
    },
    Format {
        name: "compressed by gzip",
        hint: "`gzip -dc FILE > OTHER` writes what is in it",
        matches: |bytes| bytes.starts_with(&[0x1f, 0x8b]),
    },
    Format {
        name: "compressed by xz",
        hint: "`xz -dc FILE > OTHER` writes what is in it",
        matches: |bytes| bytes.starts_with(b"\xfd7zXZ\0"),
    },
    Format {
        name: "compressed by bzip2",
        hint: "`bzip2 -dc FILE > OTHER` writes what is in it",
        matches: |bytes| bytes.starts_with(b"BZh"),
    },
    Format {
        name: "compressed by zstd",
        hint: "`zstd -dc FILE > OTHER` writes what is in it",
        matches: |bytes| bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
    },
    Format {
        name: "a ZIP archive",
        hint: "`unzip FILE` writes the files that are in it",
        matches: |bytes| bytes.starts_with(b"PK\x03\x04"),
    },
    Format {
        name: "a tar archive",
        hint: "`tar -xf FILE` writes the files that are in it",
        matches: |bytes| bytes.get(257..262) == Some(b"ustar"),
    },
    Format {
        name: "a web page",
        hint: "fetch the file itself: this is HTML, such as the page of an error or of a login",
        matches: |bytes| {
            let text = bytes.trim_ascii_start();
            let begins = |tag: &str| {
                let head = text.get(..tag.len()).unwrap_or_default();
                head.eq_ignore_ascii_case(tag.as_bytes())
            };
            begins("<!doctype html") || begins("<html")
        },
    },
    Format {
        name: "a public key of SSH (RFC 4716)",
        hint: "`ssh-keygen -i -f FILE > KEY` and `ssh-keygen -e -m PKCS8 -f KEY` print it as PEM, if it is RSA or ECDSA",
        matches: |bytes| bytes.starts_with(b"---- BEGIN SSH2 PUBLIC KEY ----"),
    },
    Format {
        name: "a key of PuTTY (.ppk)",
        hint: "`puttygen FILE -O private-openssh -o KEY` and `ssh-keygen -p -m PKCS8 -f KEY` write it as PEM",
        matches: |bytes| bytes.starts_with(b"PuTTY-User-Key-File-"),
    },
    Format {
        name: "a Java key store (JKS)",
        hint: "`keytool -importkeystore -srckeystore FILE -destkeystore FILE.p12 -deststoretype PKCS12` writes PKCS#12, and \
               `openssl pkcs12 -in FILE.p12 -nodes` prints that as PEM",
        matches: |bytes| JAVA.iter().any(|magic| bytes.starts_with(magic)),
    },
    Format {
        name: "encrypted by Ansible Vault",
        hint: "`ansible-vault decrypt FILE` writes what is in it",
        matches: |bytes| bytes.starts_with(b"$ANSIBLE_VAULT;"),
    },
];

const PKCS7_IN_PEM: &str = "PKCS#7 in PEM (.p7b)";
/// The labels of PKCS#7 and its successor that OpenSSL reads (`include/openssl/pem.h`)
const PKCS7_LABELS: [&str; 3] = ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"];
/// The fields of a kubeconfig that contain PEM in base64
const KUBECONFIG: [&[u8]; 3] = [
    b"certificate-authority-data:",
    b"client-certificate-data:",
    b"client-key-data:",
];
/// The fields in the output of `cfssl gencert`, `cfssl genkey` and `cfssl selfsign`
const CFSSL: [&[u8]; 3] = [b"\"cert\"", b"\"key\"", b"\"csr\""];
/// The first bytes of JKS and JCEKS files (`sun.security.provider.JavaKeyStore`)
const JAVA: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];
const OPENSSH: [&[u8]; 3] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-"];
/// The object identifiers below 1.2.840.113549.1.7, with their tag and length
const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// The recognized format of bytes that are not of the expected kind.
pub(crate) enum Foreign {
    /// A format that etcd-pki does not read, with the reason. [`hint`] needs the reason
    Unreadable(String),
    /// Another kind that etcd-pki reads, with its article
    Kind(&'static str),
}

/// Recognizes the format of the bytes, if it is known.
pub(crate) fn recognize(bytes: &[u8]) -> Option<Foreign> {
    let unreadable = |reason: &str| Some(Foreign::Unreadable(reason.to_owned()));
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return unreadable("it is empty");
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return unreadable("it has only zero bytes, as after a crash");
    }
    let format = FORMATS.iter().find(|format| (format.matches)(bytes));
    match format {
        Some(format) => Some(Foreign::Unreadable(format!("it is {}", format.name))),
        None => kind(bytes).map(Foreign::Kind),
    }
}

/// The format of a PEM block with this label, if it contains certificates in another format.
pub(crate) fn of_label(label: &str) -> Option<String> {
    let is_known = PKCS7_LABELS.contains(&label);
    is_known.then(|| format!("it is {PKCS7_IN_PEM}"))
}

/// Whether a file has a block of PKCS#7 in PEM.
pub(crate) fn is_pkcs7_in_pem(bytes: &[u8]) -> bool {
    let begins = |label| contains(bytes, format!("-----BEGIN {label}-----").as_bytes());
    PKCS7_LABELS.into_iter().any(begins)
}

/// The command that converts the format that [`recognize`] found.
pub(crate) fn hint(reason: &str) -> Option<&'static str> {
    let name = reason.strip_prefix("it is ")?;
    let format = FORMATS.iter().find(|format| format.name == name)?;
    Some(format.hint)
}

/// The kind of some DER.
fn kind(der: &[u8]) -> Option<&'static str> {
    let is_private_key = || {
        pkcs8::PrivateKeyInfoRef::from_der(der).is_ok()
            || pkcs1::RsaPrivateKeyRef::from_der(der).is_ok()
            || sec1::EcPrivateKey::from_der(der).is_ok()
            || pkcs8::EncryptedPrivateKeyInfoRef::from_der(der).is_ok()
    };
    if CertificateInner::<Raw>::from_der(der).is_ok() {
        Some("a certificate")
    } else if x509_cert::request::CertReq::from_der(der).is_ok() {
        Some("a certificate request")
    } else if is_private_key() {
        Some("a private key")
    } else if SubjectPublicKeyInfoRef::from_der(der).is_ok() {
        Some("a public key")
    } else if CertificateList::<Raw>::from_der(der).is_ok() {
        Some("a revocation list")
    } else {
        None
    }
}

/// Whether the text has a byte order mark of UTF-32, or is PEM with three zero bytes before or
/// after each character.
fn is_utf32(bytes: &[u8]) -> bool {
    let dashes: Vec<u8> = b"-----BEGIN"
        .iter()
        .flat_map(|byte| [*byte, 0, 0, 0])
        .collect();
    bytes.starts_with(&[0xff, 0xfe, 0, 0])
        || bytes.starts_with(&[0, 0, 0xfe, 0xff])
        || contains(bytes, &dashes)
}

/// Whether the text has a byte order mark of UTF-16, or is PEM with a zero byte at every second
/// position.
fn is_utf16(bytes: &[u8]) -> bool {
    let dashes: Vec<u8> = b"-----BEGIN".iter().flat_map(|byte| [*byte, 0]).collect();
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || contains(bytes, &dashes)
}

/// Whether the bytes are version 3 and an OID of PKCS#7 in a SEQUENCE, in a SEQUENCE (RFC 7292,
/// section 4). Old tools write lengths in BER.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let content = sequence(bytes).and_then(|content| content.strip_prefix(&[0x02, 0x01, 0x03]));
    let content = content.and_then(sequence);
    content.is_some_and(|content| content.starts_with(PKCS7))
}

fn is_pkcs7(bytes: &[u8]) -> bool {
    sequence(bytes).is_some_and(|content| content.starts_with(PKCS7))
}

/// The contents of a SEQUENCE, in BER.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.strip_prefix(&[0x30])?.split_first()?;
    match length {
        0x81..=0x84 => rest.get(usize::from(length - 0x80)..),
        _ => Some(rest),
    }
}

fn is_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii();
    (bytes.starts_with(b"{") && bytes.ends_with(b"}"))
        || (bytes.starts_with(b"[") && bytes.ends_with(b"]"))
}

/// Decodes a file that contains only base64.
fn unwrapped(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let symbols = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    let symbols: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.copied().collect());
    let inner = base64::prelude::BASE64_STANDARD.decode(&symbols);
    inner.ok().map(Zeroizing::new)
}

/// Whether a line, without white space around it, fulfils a condition.
fn has_line(bytes: &[u8], is_so: impl Fn(&[u8]) -> bool) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    lines.any(|line| is_so(line.trim_ascii()))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_hint() {
        for format in FORMATS {
            assert_eq!(hint(&format!("it is {}", format.name)), Some(format.hint));
        }
        assert_eq!(hint("it is damaged"), None);
    }

    #[test]
    fn what_has_no_name() {
        for bytes in [
            &b"neither"[..],
            &[0x30],
            &[0x30, 0x84],
            &[0xff],
            b"{",
            b"[1",
        ] {
            assert!(recognize(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn what_has_nothing_in_it() {
        for (bytes, expected) in [
            (&b""[..], "it is empty"),
            (b" \r\n", "it is empty"),
            (&[0; 227], "it has only zero bytes, as after a crash"),
        ] {
            let found = recognize(bytes);
            assert!(
                matches!(&found, Some(Foreign::Unreadable(reason)) if reason == expected),
                "{bytes:?}"
            );
        }
    }
}
