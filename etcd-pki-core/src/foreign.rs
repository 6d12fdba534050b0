//! What some bytes are, for the error of who expected something else
//! ([`Error::or_foreign`](crate::Error::or_foreign)).

use base64::Engine as _;
use der::Decode as _;
use x509_cert::{
    certificate::{CertificateInner, Raw},
    spki::SubjectPublicKeyInfoRef,
};
use zeroize::Zeroizing;

/// A kind of file that is neither PEM nor the DER of a key or certificate.
struct Format {
    /// Its name, as it follows "it is"
    name: &'static str,
    /// The command that converts it
    hint: &'static str,
    matches: fn(&[u8]) -> bool,
}

const FORMATS: [Format; 12] = [
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
        name: "a public key of OpenSSH",
        hint: "`ssh-keygen -e -m PKCS8 -f FILE` prints it as PEM, if it is RSA or ECDSA",
        matches: |bytes| OPENSSH.iter().any(|prefix| bytes.starts_with(prefix)),
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

/// The fields of what `cfssl gencert`, `cfssl genkey` and `cfssl selfsign` print
const CFSSL: [&[u8]; 3] = [b"\"cert\"", b"\"key\"", b"\"csr\""];
/// How JKS and JCEKS begin (`sun.security.provider.JavaKeyStore`)
const JAVA: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];
const OPENSSH: [&[u8]; 3] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-"];
/// The object identifiers below 1.2.840.113549.1.7, with their tag and length
const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// What the bytes are instead of what was expected.
pub(crate) enum Foreign {
    /// A file that is read nowhere here; the reason why, for [`hint`]
    Unreadable(String),
    /// Something else that is read here, with its article
    Kind(&'static str),
}

/// What the bytes are, if it can be recognized.
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

/// The command that converts what [`recognize`] has named.
pub(crate) fn hint(reason: &str) -> Option<&'static str> {
    let name = reason.strip_prefix("it is ")?;
    let format = FORMATS.iter().find(|format| format.name == name)?;
    Some(format.hint)
}

/// What some DER is.
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
    } else {
        None
    }
}

/// With a byte order mark, or PEM that has a zero byte at every other place.
fn is_utf16(bytes: &[u8]) -> bool {
    let dashes: Vec<u8> = b"-----BEGIN".iter().flat_map(|byte| [*byte, 0]).collect();
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || contains(bytes, &dashes)
}

/// Version 3, and an OID of PKCS#7 in a SEQUENCE, in a SEQUENCE (RFC 7292, section 4). Old tools
/// write lengths in BER.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let content = sequence(bytes).and_then(|content| content.strip_prefix(&[0x02, 0x01, 0x03]));
    let content = content.and_then(sequence);
    content.is_some_and(|content| content.starts_with(PKCS7))
}

fn is_pkcs7(bytes: &[u8]) -> bool {
    sequence(bytes).is_some_and(|content| content.starts_with(PKCS7))
}

/// What follows the tag and the length of a SEQUENCE, in BER.
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

/// What a file of nothing but base64 has in it.
fn unwrapped(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let symbols = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    let symbols: Zeroizing<Vec<u8>> = Zeroizing::new(symbols.copied().collect());
    let inner = base64::prelude::BASE64_STANDARD.decode(&symbols);
    inner.ok().map(Zeroizing::new)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_hint() {
        for format in &FORMATS {
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
