//! Files that are neither PEM nor DER: the error names their format and the command that converts
//! it.
use std::{fs, process::Command};

use base64::Engine as _;
use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Error, Identity, Passphrase, PrivateKey,
    PublicKey, Result, Role,
};
use etcd_pki_tests::{Scratch, command::etcd_pki_in, openssl};

type Reader = fn(&[u8]) -> Result<()>;

/// All functions that read a file, and the file that each expects.
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
fn text_in_utf_32() {
    for (pem, _) in samples() {
        for marked in [format!("\u{feff}{pem}"), pem] {
            for to_bytes in [u32::to_le_bytes, u32::to_be_bytes] {
                let bytes: Vec<u8> = marked
                    .chars()
                    .flat_map(|letter| to_bytes(u32::from(letter)))
                    .collect();
                assert_named(&bytes, "text in UTF-32", "iconv -f UTF-32");
            }
        }
    }
}

/// Runs the command of a hint on a file, and returns its output.
#[track_caller]
fn converted(bytes: &[u8], prepare: impl Fn(&str) -> String) -> Vec<u8> {
    let scratch = Scratch::new("convert");
    let file = scratch.path().join("FILE");
    fs::write(&file, bytes).unwrap();
    let error = Certificate::from_bytes(bytes).unwrap_err();
    let hint = error.hint().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    let output = Command::new("sh")
        .args(["-c", &prepare(command)])
        .current_dir(scratch.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    output.stdout
}

/// The commands of the hints produce certificates that can be read.
#[test]
fn the_commands_convert() {
    let (pem, der) = &samples()[0];
    let engine = base64::prelude::BASE64_STANDARD;
    let secret = secret_in_yaml(&engine.encode(pem));
    let kubeconfig = format!(
        "users:\n- name: a\n  user:\n    client-certificate-data: {}\n",
        engine.encode(pem)
    );
    let utf32: Vec<u8> = format!("\u{feff}{pem}")
        .chars()
        .flat_map(|letter| u32::from(letter).to_le_bytes())
        .collect();
    let print = |command: &str| command.to_owned();
    for (bytes, prepare) in [
        (secret.into_bytes(), print as fn(&str) -> String),
        (kubeconfig.into_bytes(), print),
        (pem.replace('\n', "\\n").into_bytes(), print),
        (engine.encode(pem).into_bytes(), print),
        (utf32, print),
        (utf16(&format!("\u{feff}{pem}"), u16::to_le_bytes), print),
        (compressed(pem), |command| format!("{command}; cat OTHER")),
        (pkcs7(pem, "PEM"), |command| {
            format!("{command}; cat FILE.pem")
        }),
        (pkcs7(pem, "DER"), |command| {
            format!("{command}; cat FILE.pem")
        }),
    ] {
        let output = converted(&bytes, prepare);
        let read = Certificate::from_bytes(&output);
        assert_eq!(read.unwrap().as_der(), der);
    }
}

fn compressed(text: &str) -> Vec<u8> {
    let scratch = Scratch::new("gzip");
    fs::write(scratch.path().join("x"), text).unwrap();
    let output = Command::new("gzip")
        .args(["-c", "x"])
        .current_dir(scratch.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

fn pkcs7(certificate: &str, form: &str) -> Vec<u8> {
    let scratch = Scratch::new("pkcs7");
    fs::write(scratch.path().join("x"), certificate).unwrap();
    let line = format!("crl2pkcs7 -nocrl -certfile x -outform {form} -out out");
    let _ = openssl::call(scratch.path(), &line);
    fs::read(scratch.path().join("out")).unwrap()
}

fn secret_in_yaml(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: etcd\ntype: kubernetes.io/tls\ndata:\n  tls.crt: {value}\n  tls.key: {value}\n"
    )
}

#[test]
fn files_of_kubernetes() {
    for (pem, _) in samples() {
        let value = base64::prelude::BASE64_STANDARD.encode(&pem);
        let yaml = secret_in_yaml(&value);
        let name = "a Kubernetes Secret in YAML";
        assert_named(yaml.as_bytes(), name, "jsonpath='{.data.tls\\.crt}'");
        assert_named(yaml.replace('\n', "\r\n").as_bytes(), name, "base64 -d");
        let json = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"ca.crt": value, "tls.crt": value},
        });
        for text in [
            json.to_string(),
            serde_json::to_string_pretty(&json).unwrap(),
        ] {
            let name = "a Kubernetes Secret in JSON";
            assert_named(text.as_bytes(), name, "jq -r '.data[\"tls.crt\"]'");
        }
        let user = format!("users:\n- user:\n    client-key-data: {value}\n");
        assert_named(user.as_bytes(), "a kubeconfig", "base64 -d");
    }
}

#[test]
fn pem_on_one_line() {
    for (pem, _) in samples() {
        let line = pem.trim_end().replace('\n', "\\n");
        let name = "PEM with \\n instead of line ends";
        assert_named(line.as_bytes(), name, "printf '%b'");
    }
}

#[test]
fn pkcs7_in_pem() {
    let (pem, _) = &samples()[0];
    let file = String::from_utf8(pkcs7(pem, "PEM")).unwrap();
    let name = "PKCS#7 in PEM (.p7b)";
    for label in ["PKCS7", "PKCS #7 SIGNED DATA", "CMS"] {
        let file = file.replace("PKCS7", label);
        assert_named(file.as_bytes(), name, "openssl pkcs7 -in");
        assert_named(format!("text\n{file}").as_bytes(), name, "-print_certs");
    }
    // After a certificate, it is another block
    assert!(Certificate::from_bytes(format!("{file}{pem}").as_bytes()).is_ok());
}

/// The command names the format, whichever command reads the file.
#[test]
fn wherever_the_command_reads_a_file() {
    let scratch = Scratch::new("named");
    let folder = scratch.path();
    let done = |line: &str| etcd_pki_in(folder, line).expect_success();
    let _ = done("ca new -d p");
    let _ = done("cert issue client c -d p");
    let pem = fs::read_to_string(folder.join("p/ca.pem")).unwrap();
    let secret = secret_in_yaml(&base64::prelude::BASE64_STANDARD.encode(&pem));
    for (bytes, name) in [
        (pkcs7(&pem, "PEM"), "PKCS#7"),
        (pkcs7(&pem, "DER"), "PKCS#7"),
        (compressed(&pem), "gzip"),
        (secret.into_bytes(), "a Kubernetes Secret"),
    ] {
        fs::write(folder.join("x.pem"), &bytes).unwrap();
        for line in [
            "cert show x.pem",
            "csr show x.pem",
            "key show x.pem",
            "ca show x.pem",
            "cert verify x.pem --ca p/ca.pem",
            "cert verify p/client-c.pem --ca x.pem",
            "cert match x.pem p/client-c-key.pem",
            "cert match p/client-c.pem x.pem",
            "cert renew x.pem -d p",
            "cert issue client a --ca x.pem --ca-key p/ca-key.pem -o a.pem",
            "cert issue client a --ca p/ca.pem --ca-key x.pem -o a.pem",
            "cert issue client a --key x.pem -d p",
            "cert sign x.pem --role client --name a -d p",
            "csr new --name a --key x.pem -o a.csr",
            "key public x.pem",
            "key convert x.pem -o b.pem",
            "ca new --key x.pem -o b.pem",
            "check x.pem",
        ] {
            let refused = etcd_pki_in(folder, line);
            assert!(!refused.success(), "{line}: {refused:?}");
            let text = format!("{}{}", refused.stdout(), refused.stderr());
            assert!(text.contains(name), "{line}: {refused:?}");
        }
        let ca = folder.join("p/ca.pem");
        fs::write(&ca, &bytes).unwrap();
        for line in [
            "check p",
            "ca show -d p",
            "cert issue client a -d p",
            "cert renew -d p",
            "ca renew -d p",
        ] {
            let refused = etcd_pki_in(folder, line);
            assert!(!refused.success(), "{line}: {refused:?}");
            let text = format!("{}{}", refused.stdout(), refused.stderr());
            assert!(text.contains(name), "{line}: {refused:?}");
        }
        fs::write(&ca, &pem).unwrap();
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
    // Old tools write it with a length that is not known before (X.690, section 8.1.3.6)
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
            b"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQ me\n",
            "a certificate of OpenSSH",
            "etcd-pki cert issue",
        ),
        (
            b"ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA me\n",
            "a certificate of OpenSSH",
            "ssh-keygen -L",
        ),
        (
            b"ecdsa-sha2-nistp256 AAAA me\n",
            "a public key of OpenSSH",
            "ssh-keygen -e -m PKCS8",
        ),
        (
            b"sk-ssh-ed25519@openssh.com AAAA me\n",
            "a public key of OpenSSH on a security token",
            "etcd-pki key new",
        ),
        (
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
            "compressed by gzip",
            "gzip -dc",
        ),
        (b"\xfd7zXZ\0\0\x04", "compressed by xz", "xz -dc"),
        (b"BZh91AY&SY", "compressed by bzip2", "bzip2 -dc"),
        (b"\x28\xb5\x2f\xfd\x24", "compressed by zstd", "zstd -dc"),
        (b"PK\x03\x04\x14\0", "a ZIP archive", "unzip"),
        (b"\n<!DOCTYPE HTML><html>", "a web page", "fetch the file"),
        (
            b"$ANSIBLE_VAULT;1.1;AES256\n6238\n",
            "encrypted by Ansible Vault",
            "ansible-vault decrypt",
        ),
    ] {
        assert_named(text, name, command);
    }
}
