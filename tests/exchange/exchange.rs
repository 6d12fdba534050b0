//! Requests of other tools: etcd-pki reads their claims and checks their signatures.
use std::{fs, process::Command};

use etcd_pki_core::{CertificateAuthority, CertificateRequest, Error, Identity, Role};
use etcd_pki_tests::{Scratch, Tool, command::etcd_pki, go, openssl, run};
use serde_json::json;

const P256: &str = "ecparam -name prime256v1 -genkey -noout -out key";

/// A request that openssl created in a scratch folder.
fn made(key: &str, request: &str, configuration: &str) -> Vec<u8> {
    let scratch = Scratch::new("request");
    openssl::call(scratch.path(), key);
    let whole = format!("[req]\ndistinguished_name=dn\nprompt=no\n{configuration}");
    fs::write(scratch.path().join("configuration"), whole).unwrap();
    openssl::call(
        scratch.path(),
        &format!("req -new -key key -config configuration -out request {request}"),
    );
    fs::read(scratch.path().join("request")).unwrap()
}

fn claims(request: &[u8]) -> Vec<String> {
    let request = CertificateRequest::from_bytes(request).unwrap();
    request.claims().iter().map(ToString::to_string).collect()
}

#[test]
fn of_every_key_and_digest() {
    for (key, options) in [
        ("genrsa -out key 2048", "-sha256"),
        ("genrsa -out key 3072", "-sha384"),
        ("genrsa -out key 2048", "-sha512"),
        (P256, "-sha256"),
        (P256, "-sha384"),
        ("ecparam -name secp384r1 -genkey -noout -out key", "-sha384"),
        ("ecparam -name secp384r1 -genkey -noout -out key", "-sha256"),
        ("genpkey -algorithm ED25519 -out key", ""),
        (P256, "-newhdr"),
        (P256, "-outform DER"),
    ] {
        let request = made(key, options, "[dn]\nCN=app\n");
        assert_eq!(claims(&request), ["common name app"], "{key} {options}");
    }
}

#[test]
fn as_kubeadm_makes_them() {
    let server = json!({
        "Subject": {"CommonName": "node-1", "Organization": ["system:masters"]},
        "DNSNames": ["node-1", "localhost"],
        "IPAddresses": ["10.0.0.11", "127.0.0.1", "::1"],
    });
    let client = json!({"Subject": {"CommonName": "kube-apiserver-etcd-client"}});
    for key in ["rsa-2048", "ec-p256", "ed25519"] {
        let request = go::create_request(key, &server);
        assert_eq!(
            claims(request.as_bytes()),
            [
                "organization system:masters",
                "common name node-1",
                "DNS name node-1",
                "DNS name localhost",
                "address 10.0.0.11",
                "address 127.0.0.1",
                "address ::1",
            ],
            "{key}"
        );
        let request = CertificateRequest::from_pem(request).unwrap();
        assert_eq!(request.public_key().algorithm_name(), key);

        let request = go::create_request(key, &client);
        let expected = ["common name kube-apiserver-etcd-client"];
        assert_eq!(claims(request.as_bytes()), expected, "{key}");
    }
}

#[test]
fn as_cfssl_makes_them() {
    // Two organizations are one multi-valued part of the subject; after the names, the request asks
    // to be a CA
    let template = json!({
        "Subject": {
            "Country": ["CH"],
            "Organization": ["system:masters", "ops"],
            "OrganizationalUnit": ["Zürich"],
            "CommonName": "etcd",
        },
        "DNSNames": ["etcd-1", "*.etcd.local"],
        "EmailAddresses": ["ops@etcd.local"],
        "IPAddresses": ["10.0.0.11", "fd00::11"],
        "URIs": [{"Scheme": "spiffe", "Host": "etcd.local", "Path": "/etcd-1"}],
        "ExtraExtensions": [{"Id": [2, 5, 29, 19], "Critical": true, "Value": "MAMBAf8="}],
    });
    let request = go::create_request("ec-p256", &template);
    assert_eq!(
        claims(request.as_bytes()),
        [
            "subject C=CH",
            "organization ops",
            "organization system:masters",
            "subject OU=Zürich",
            "common name etcd",
            "basicConstraints CA:TRUE",
            "DNS name etcd-1",
            "DNS name *.etcd.local",
            "address 10.0.0.11",
            "address fd00::11",
            "URI spiffe://etcd.local/etcd-1",
            "e-mail ops@etcd.local",
        ]
    );
}

#[test]
fn everything_that_is_claimed_is_told() {
    let configuration = "req_extensions=ext\nattributes=attributes\n\
        [dn]\nC=DE\nO=system:masters\nOU=ops\nCN=root\n\
        [attributes]\nchallengePassword=unused\n\
        [ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,digitalSignature\n\
        extendedKeyUsage=serverAuth,clientAuth,1.2.3.4\n\
        subjectAltName=DNS:etcd-1,DNS:*.x,IP:10.0.0.1,IP:::1,URI:spiffe://a/b,email:a@b.example\n\
        1.2.3.5=ASN1:NULL\n";
    let request = made(P256, "", configuration);
    assert_eq!(
        claims(&request),
        [
            "subject C=DE",
            "organization system:masters",
            "subject OU=ops",
            "common name root",
            "basicConstraints CA:TRUE",
            "key usage digitalSignature",
            "key usage keyCertSign",
            "extended key usage serverAuth",
            "extended key usage clientAuth",
            "extended key usage 1.2.3.4",
            "DNS name etcd-1",
            "DNS name *.x",
            "address 10.0.0.1",
            "address ::1",
            "URI spiffe://a/b",
            "e-mail a@b.example",
            "extension 1.2.3.5",
        ]
    );

    let request = CertificateRequest::from_bytes(&request).unwrap();
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let refused = |identity: Identity| -> Vec<String> {
        let issued = ca.sign(&request, Role::Client, identity).unwrap();
        assert!(!issued.certificate().is_ca());
        issued
            .denied_claims()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    // The signer chooses the names: only the usages that a client has anyway are granted
    assert_eq!(refused(Identity::new("backup").unwrap()).len(), 15);
    // The names of the request: claims that no role grants are refused nevertheless
    assert_eq!(
        refused(request.claimed().unwrap()),
        [
            "subject C=DE",
            "subject OU=ops",
            "basicConstraints CA:TRUE",
            "key usage keyCertSign",
            "extended key usage serverAuth",
            "extended key usage 1.2.3.4",
            "e-mail a@b.example",
            "extension 1.2.3.5",
        ]
    );
}

#[test]
fn names_that_cannot_be_granted() {
    for name in ["a..b", "10.0.0.9", "-a"] {
        let configuration =
            format!("req_extensions=ext\n[dn]\nCN=x\n[ext]\nsubjectAltName=DNS:{name}\n");
        let request = CertificateRequest::from_bytes(&made(P256, "", &configuration)).unwrap();
        let error = request.claimed().unwrap_err();
        assert!(
            matches!(error, Error::InvalidAlternativeName { .. }),
            "{error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_common_name_that_is_too_long() {
    let request = CertificateRequest::from_pem(of_too_long_a_name()).unwrap();
    assert!(matches!(
        request.claimed(),
        Err(Error::CommonNameLength { .. })
    ));
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let issued = ca
        .sign(&request, Role::Client, Identity::new("backup").unwrap())
        .unwrap();
    let refused = issued.denied_claims()[0].to_string();
    assert_eq!(
        refused,
        format!("common name {} (of 65 characters)", "a".repeat(65))
    );
}

/// A request with a name that is too long. openssl refuses to write one; pyca can be configured to
/// do it.
fn of_too_long_a_name() -> String {
    let script = "\
import sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
name = x509.NameAttribute(x509.NameOID.COMMON_NAME, 'a' * 65, _validate=False)
request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([name]))
request = request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
print(request.public_bytes(serialization.Encoding.PEM).decode())
";
    let printed = run(Tool::PYTHON.command().args(["-c", script])).expect_success();
    printed.stdout().to_owned()
}

#[test]
fn what_an_option_says_need_not_be_a_claim_that_can_be_granted() {
    let configuration = "req_extensions=ext\n[dn]\nO=ops\nCN=app\n[ext]\nsubjectAltName=DNS:a..b\n";
    let names = made(P256, "", configuration);
    let scratch = Scratch::new("claims");
    let sign = |options: &str| {
        let mut command = Command::new(etcd_pki());
        command.current_dir(scratch.path());
        run(command.args(options.split_whitespace()))
    };
    let _ = sign("ca new -d .").expect_success();
    fs::write(scratch.path().join("names"), &names).unwrap();
    fs::write(scratch.path().join("long"), of_too_long_a_name()).unwrap();

    let accepted = "-d . --role client --accept-claims --force -o out.pem";
    for (request, options, subject, told) in [
        ("names", "--san 10.0.0.1", "CN=app,O=ops", "DNS name a..b"),
        ("names", "--san none", "CN=app,O=ops", "DNS name a..b"),
        ("long", "--cn backup", "CN=backup", "(of 65 characters)"),
        ("long", "--name backup", "CN=backup", "(of 65 characters)"),
        ("long", "--no-cn --org ops", "O=ops", "(of 65 characters)"),
    ] {
        assert!(!sign(&format!("cert sign {request} {accepted}")).success());
        let signed = sign(&format!("cert sign {request} {accepted} {options}")).expect_success();
        assert!(signed.stderr().contains(told), "{}", signed.stderr());
        let shown = sign("cert show out.pem --field subject").expect_success();
        assert_eq!(shown.stdout().trim_end(), subject, "{request} {options}");
    }
}

#[test]
fn without_attributes() {
    // RFC 2986 requires the field, and some tools omit it: the content is only [version, subject,
    // key]
    let scratch = Scratch::new("attributes");
    openssl::call(scratch.path(), "genpkey -algorithm ED25519 -out key");
    openssl::call(
        scratch.path(),
        "req -new -key key -subj /CN=x -outform DER -out request",
    );
    let request = fs::read(scratch.path().join("request")).unwrap();
    // SEQUENCE { SEQUENCE { ..., [0] {} }, algorithm, signature }: the outer length takes two
    // bytes, the inner ones one
    let length = usize::from(request[4]);
    let mut content = request[3..5 + length].to_vec();
    assert_eq!(content.split_off(content.len() - 2), [0xa0, 0x00]);
    content[1] -= 2;
    fs::write(scratch.path().join("content"), &content).unwrap();
    openssl::call(
        scratch.path(),
        "pkeyutl -sign -inkey key -rawin -in content -out signature",
    );
    let signature = fs::read(scratch.path().join("signature")).unwrap();
    let algorithm = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    let body = [&content[..], &algorithm, &[0x03, 0x41, 0x00], &signature].concat();
    let whole = [&[0x30, 0x81, u8::try_from(body.len()).unwrap()][..], &body].concat();
    assert_eq!(claims(&whole), ["common name x"]);
}

#[test]
fn signatures_that_do_not_hold() {
    let request = made(P256, "-outform DER", "[dn]\nCN=app\n");
    let mut changed = request.clone();
    let at = changed
        .windows(3)
        .position(|bytes| bytes == b"app")
        .unwrap();
    changed[at] = b'b';
    let error = CertificateRequest::from_der(&changed).unwrap_err();
    assert!(matches!(error, Error::Signature { .. }), "{error}");

    let weak = made("genrsa -out key 2048", "-sha1", "[dn]\nCN=app\n");
    let error = CertificateRequest::from_bytes(&weak).unwrap_err();
    assert!(
        error.to_string().contains("it is signed with SHA-1"),
        "{error}"
    );

    let other = made(
        "ecparam -name secp224r1 -genkey -noout -out key",
        "",
        "[dn]\nCN=app\n",
    );
    let error = CertificateRequest::from_bytes(&other).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("ec-p224"), "{error}");
}
