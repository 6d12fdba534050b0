//! Files that are neither PEM nor DER: each is called by its name, with the command that converts it.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;

use base64::Engine as _;
use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Error, Identity, Passphrase, PrivateKey,
    PublicKey, Result, Role,
};
use etcd_pki_tests::{Scratch, openssl};

type Reader = fn(&[u8]) -> Result<()>;

/// Everything that reads a file, and what it expects.
fn readers() -> [(&'static str, Reader); 6] {
    [
        ("certificate", |bytes| {
            Certificate::from_bytes(bytes).map(drop)
        }),
        ("certificate", |bytes| {
            Certificate::all_from_bytes(bytes).map(drop)
        }),
        ("certificate request", |bytes| {
            CertificateRequest::from_bytes(bytes).map(drop)
        }),
        ("private key", |bytes| {
            PrivateKey::from_bytes(bytes, None).map(drop)
        }),
        ("private key", |bytes| {
            PrivateKey::from_bytes(bytes, Some(&Passphrase::new("x"))).map(drop)
        }),
        ("public key", |bytes| PublicKey::from_pem(bytes).map(drop)),
    ]
}

#[track_caller]
fn assert_named(bytes: &[u8], name: &str, command: &str) {
    for (what, read) in readers() {
        let error = read(bytes).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{what}: {error}");
        let message = error.to_string();
        assert_eq!(message, format!("not a valid {what}: it is {name}"));
        let hint = error.hint().unwrap();
        assert!(hint.contains(command), "{what}: {hint}");
    }
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

/// A certificate, its key and its request, each in PEM and in DER.
fn samples() -> Vec<(String, Vec<u8>)> {
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let key = ca.key().unwrap();
    let request =
        CertificateRequest::create(key, Role::Client, Identity::new("app").unwrap()).unwrap();
    let certificate = ca.certificate();
    vec![
        (certificate.to_pem(), certificate.as_der().to_vec()),
        (
            key.to_secret_pem().to_string(),
            key.to_secret_der().to_vec(),
        ),
        (request.to_pem(), request.as_der().to_vec()),
        (
            key.public_key().to_pem(),
            key.public_key().as_der().to_vec(),
        ),
    ]
}

#[test]
fn text_in_another_encoding() {
    for (pem, _) in samples() {
        let marked = format!("\u{feff}{pem}");
        for bytes in [
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&pem, u16::to_le_bytes),
            utf16(&pem, u16::to_be_bytes),
        ] {
            assert_named(&bytes, "text in UTF-16", "iconv");
        }
    }
}

#[test]
fn base64_of_anything() {
    let engine = base64::prelude::BASE64_STANDARD;
    for (pem, der) in samples() {
        let inner = engine.encode(&der);
        let wrapped = inner
            .as_bytes()
            .chunks(64)
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]);
        for bytes in [inner.as_bytes(), &wrapped] {
            let name = "base64 without the lines -----BEGIN and -----END";
            assert_named(bytes, name, "base64 -d");
        }
        let secret = engine.encode(&pem);
        let name = "PEM in base64, as in a Kubernetes Secret";
        assert_named(secret.as_bytes(), name, "base64 -d");
        assert_named(format!("{secret}\n").as_bytes(), name, "base64 -d");
    }
}

#[test]
fn json() {
    let (certificate, _) = &samples()[0];
    let (key, _) = &samples()[1];
    for value in [
        serde_json::json!({"cert": certificate, "csr": "", "key": key}),
        serde_json::json!({"cert": certificate}),
        serde_json::json!({"csr": "", "key": key}),
    ] {
        for text in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap() + "\n",
        ] {
            assert_named(text.as_bytes(), "the JSON of cfssl", "cfssljson");
        }
    }
    let secret = serde_json::json!({"data": {"tls.crt": certificate}}).to_string();
    assert_named(secret.as_bytes(), "JSON", "jq");
}

#[test]
fn containers_of_openssl() {
    let scratch = Scratch::new("containers");
    let directory = scratch.path();
    let call = |line: &str| openssl::call(directory, line);
    let _ = call("genrsa -out key 2048");
    let _ = call("req -x509 -new -key key -subj /CN=x -out certificate");
    for options in [
        "-passout pass:x",
        "-passout pass:",
        "-nokeys -passout pass:x",
    ] {
        let _ = call(&format!(
            "pkcs12 -export -in certificate -inkey key -out out {options}"
        ));
        let bytes = fs::read(directory.join("out")).unwrap();
        assert_named(&bytes, "PKCS#12 (.p12, .pfx)", "openssl pkcs12");
    }
    // As old tools write it, with a length that is not known before (X.690, section 8.1.3.6)
    let bytes = fs::read(directory.join("out")).unwrap();
    let indefinite = [&[0x30, 0x80], &bytes[4..], &[0, 0]].concat();
    assert_named(&indefinite, "PKCS#12 (.p12, .pfx)", "openssl pkcs12");
    let _ = call("crl2pkcs7 -nocrl -certfile certificate -outform DER -out out");
    let bytes = fs::read(directory.join("out")).unwrap();
    assert_named(&bytes, "PKCS#7 (.p7b)", "openssl pkcs7");
}

#[test]
fn other_tools() {
    for (text, name, command) in [
        (
            &b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG me@host\n"[..],
            "a public key of OpenSSH",
            "ssh-keygen -e -m PKCS8",
        ),
        (
            b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n",
            "a public key of SSH (RFC 4716)",
            "ssh-keygen -i",
        ),
        (
            b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n",
            "a key of PuTTY (.ppk)",
            "puttygen",
        ),
        (
            b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01",
            "a Java key store (JKS)",
            "keytool",
        ),
        (
            b"$ANSIBLE_VAULT;1.1;AES256\n6238\n",
            "encrypted by Ansible Vault",
            "ansible-vault decrypt",
        ),
    ] {
        assert_named(text, name, command);
    }
}
