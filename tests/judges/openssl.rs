//! OpenSSL's verdict: `verify`, `verify -x509_strict`, `req -verify`, and the bytes of the
//! extensions.

use std::fs;

use etcd_pki_core::{Certificate, Role};
use etcd_pki_tests::{
    Scratch,
    command::etcd_pki_in,
    each,
    openssl::{self, Purpose},
};

/// id-kp-serverAuth and id-kp-clientAuth, and only the latter, as DER
const SERVER_AND_CLIENT: &str = "301406082B0601050507030106082B06010505070302";
const CLIENT: &str = "300A06082B06010505070302";

#[test]
fn verifies_every_certificate_strictly() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        openssl::verify(&ca, leaf, Purpose::Client).assert_accepted(&what);
        openssl::verify_strict(&ca, leaf, Purpose::Client).assert_accepted(&what);
        let server = openssl::verify_strict(&ca, leaf, Purpose::Server);
        if role == Role::Member {
            server.assert_accepted(&what);
            for host in [
                "etcd-1",
                "etcd-1.lan",
                "10.0.0.11",
                "fd00::11",
                "127.0.0.1",
                "::1",
            ] {
                openssl::verify_host(&ca, leaf, host).assert_accepted(format!("{what}: {host}"));
            }
            openssl::verify_host(&ca, leaf, "10.0.0.12")
                .assert_refused(&what, "IP address mismatch");
        } else {
            server.assert_refused(&what, "unsuitable certificate purpose");
        }
    }
}

#[test]
fn verifies_every_request() {
    for (what, role, certificates) in each() {
        openssl::request_verify(&certificates.request(role)).assert_accepted(what);
    }
}

/// Kubernetes, Go and rustls read extensions in any order. Our order is fixed, so that certificates
/// can be compared.
#[test]
fn sees_the_extensions_of_the_role_in_their_order() {
    for (what, role, certificates) in each() {
        let extensions = openssl::asn1parse_extensions(&certificates.pair(role).certificate);
        let names: Vec<_> = extensions
            .iter()
            .map(|extension| (extension.name.as_str(), extension.critical))
            .collect();
        assert_eq!(
            names,
            [
                ("X509v3 Basic Constraints", true),
                ("X509v3 Key Usage", true),
                ("X509v3 Extended Key Usage", false),
                ("X509v3 Subject Key Identifier", false),
                ("X509v3 Authority Key Identifier", false),
                ("X509v3 Subject Alternative Name", false),
            ],
            "{what}"
        );
        let rsa = certificates.algorithm().name().starts_with("rsa");
        let expected = [
            // Not a CA: this is the default, which DER omits (X.690, section 11.5)
            "3000",
            // digitalSignature, and keyEncipherment for RSA: bits 0 and 2
            if rsa { "030205A0" } else { "03020780" },
            if role == Role::Member {
                SERVER_AND_CLIENT
            } else {
                CLIENT
            },
        ];
        for (extension, expected) in extensions.iter().zip(expected) {
            assert_eq!(extension.value, expected, "{what}: {}", extension.name);
        }
        if role != Role::Member {
            // Only IP 0.0.0.0
            assert_eq!(extensions[5].value, "3006870400000000", "{what}");
        }
    }
}

#[test]
fn sees_the_extensions_of_a_ca() {
    for certificates in etcd_pki_tests::certificates() {
        let what = certificates.algorithm();
        let extensions = openssl::asn1parse_extensions(&certificates.ca());
        let values: Vec<_> = extensions
            .iter()
            .map(|extension| {
                (
                    extension.name.as_str(),
                    extension.critical,
                    extension.value.as_str(),
                )
            })
            .collect();
        let [constraints, usage, (identifier, false, _)] = values[..] else {
            panic!("{what}: {values:?}");
        };
        // CA:TRUE, pathlen 1
        assert_eq!(
            constraints,
            ("X509v3 Basic Constraints", true, "30060101FF020101"),
            "{what}"
        );
        // keyCertSign and cRLSign: bits 5 and 6
        assert_eq!(usage, ("X509v3 Key Usage", true, "03020106"), "{what}");
        assert_eq!(identifier, "X509v3 Subject Key Identifier", "{what}");
    }
}

#[test]
fn refuses_another_ca() {
    let [one, other, ..] = etcd_pki_tests::certificates() else {
        panic!("fewer than two CAs");
    };
    let leaf = &one.pair(Role::Client).certificate;
    openssl::verify(&other.ca(), leaf, Purpose::Client)
        .assert_refused("another CA's", "unable to get local issuer certificate");
}

/// Zeros that only DER requires, negative numbers, and numbers that are longer than RFC 5280
/// allows: CAs have written all of them.
#[test]
fn prints_serial_numbers_as_we_do() {
    let scratch = Scratch::new("serial");
    let folder = scratch.path();
    let long = format!("0x9c{}", "ab".repeat(20));
    let longer = format!("0x{}", "7f".repeat(60));
    for serial in [
        "0",
        "1",
        "0x7f",
        "0x80",
        "0x9c50b73086b94fb9bcd89795b91720c1",
        "-1",
        "-0x80",
        "-0x1234",
        &long,
        &longer,
    ] {
        let line = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c.pem -days 9 -subj /CN=x -set_serial {serial}"
        );
        let _ = openssl::call(folder, &line);
        let theirs = openssl::call(folder, "x509 -in c.pem -noout -serial").expect_success();
        let theirs = theirs
            .stdout()
            .trim_end()
            .trim_start_matches("serial=")
            // openssl breaks long numbers
            .replace("\\\n", "");
        let certificate = Certificate::from_pem(fs::read(folder.join("c.pem")).unwrap()).unwrap();
        assert_eq!(certificate.serial_number().to_string(), theirs, "{serial}");
        assert_eq!(
            certificate.serial_number().is_negative(),
            serial.starts_with('-')
        );
        let shown = etcd_pki_in(folder, "cert show c.pem --field serial").expect_success();
        assert_eq!(shown.stdout().trim_end(), theirs);
        let all = etcd_pki_in(folder, "cert show c.pem --json").expect_success();
        let all: serde_json::Value = serde_json::from_str(all.stdout()).unwrap();
        assert_eq!(all["certificates"][0]["serial"], theirs.as_str());
    }
}
