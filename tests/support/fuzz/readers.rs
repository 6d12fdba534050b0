//! Targets for files: PEM, certificates, requests, private keys, and Go's answer about them.

use std::sync::OnceLock;

use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Error, Passphrase, PrivateKey,
    PublicKey, Role,
    finding::Finding,
    verify::{self, Host, Verifier},
    x509::{NewRevocationList, RevocationList},
};

use super::bounds::{check_error, check_finding, check_text, read};

/// The CA that signs lists again
static CA: OnceLock<CertificateAuthority> = OnceLock::new();

/// Any file in PEM: every reader returns a result, and a file that is read and written reads as the
/// same again.
pub(super) fn pem(data: &[u8]) {
    let all = read(Certificate::all_from_bytes(data)).unwrap_or_default();
    for certificate in &all {
        let pem = certificate.to_pem();
        assert_eq!(&Certificate::from_pem(pem).unwrap(), certificate);
    }
    if let Some(one) = read(Certificate::from_pem(data)) {
        assert_eq!(all, [one]);
    }
    if let Some(key) = read(PublicKey::from_pem(data)) {
        assert_eq!(PublicKey::from_pem(key.to_pem()).unwrap(), key);
        assert_eq!(PublicKey::from_der(key.as_der()).unwrap(), key);
        check_text(key.algorithm_name());
    }
    let _ = read(CertificateRequest::from_pem(data));
    let _ = read(PrivateKey::from_pem(data));
    // Two copies are read as two, however the file ends
    if let Some(chain) =
        read(Certificate::all_from_bytes(data)).filter(|_| data.ends_with(b"-----\n"))
    {
        let twice = Certificate::all_from_bytes(&[data, data].concat());
        assert_eq!(
            twice.map_or(chain.len() * 2, |all| all.len()),
            chain.len() * 2
        );
    }
}

/// Revocation lists, in DER or PEM: all their properties. A list that is signed again has the same
/// entries.
pub(super) fn revocation_list(data: &[u8]) {
    let Some(lists) = read(RevocationList::all_from_bytes(data)) else {
        return;
    };
    let ca = CA.get_or_init(|| CertificateAuthority::create("etcd-ca").unwrap());
    for list in lists {
        assert_eq!(RevocationList::from_der(list.as_der()).unwrap(), list);
        assert_eq!(RevocationList::from_pem(list.to_pem()).unwrap(), list);
        let _ = (list.issuer(), list.number(), list.signature_algorithm());
        let _ = (list.this_update(), list.next_update(), list.is_indirect());
        let _ = read(list.check_issued_by(ca.certificate()));
        for entry in list.entries() {
            assert!(list.revoked_serial(entry.serial_number()).is_some());
            let _ = (entry.issuer(), entry.reason(), entry.revoked_at());
        }
        let content = NewRevocationList::new(list.entries().to_vec());
        let content = content.following(&list).indirect();
        if let Some(again) = read(ca.sign_revocation_list(&content)) {
            assert!(again.number() > list.number());
            for entry in list.entries() {
                let mut same = again.entries().iter();
                assert!(same.any(|one| one.serial_number() == entry.serial_number()
                    && one.issuer() == entry.issuer()));
            }
        }
    }
}

/// One certificate, in DER or PEM: all its properties, and its verification.
pub(super) fn certificate(data: &[u8]) {
    let Some(certificate) = read(Certificate::from_bytes(data)) else {
        return;
    };
    let again = Certificate::from_der(certificate.as_der()).unwrap();
    assert_eq!(again, certificate);
    assert_eq!(again.subject(), certificate.subject());
    assert_eq!(again.serial_number(), certificate.serial_number());
    assert_eq!(
        Certificate::from_pem(certificate.to_pem()).unwrap(),
        certificate
    );
    let _ = (
        certificate.subject(),
        certificate.issuer(),
        certificate.common_name(),
        certificate.organizations(),
    );
    let _ = (
        certificate.dns_names(),
        certificate.ip_addresses(),
        certificate.uris(),
        certificate.other_names(),
    );
    let _ = (
        certificate.not_before(),
        certificate.not_after(),
        certificate.role(),
        certificate.path_length(),
    );
    let _ = (
        certificate.key_usages(),
        certificate.extended_key_usages(),
        certificate.signature_algorithm(),
    );
    let _ = (
        certificate.subject_key_identifier(),
        certificate.authority_key_identifier(),
    );
    assert_eq!(certificate.fingerprint_sha256().len(), 64);
    assert!(certificate.serial_number().to_string().len() <= 2 * 1_000 + 1);
    let _ = read(certificate.check_issued_by(&certificate));
    let host: Host = "etcd-1".parse().unwrap();
    let verifier = Verifier::new([certificate.clone()])
        .with_role(Role::Member)
        .with_host(host)
        .with_strict();
    let verdict = verifier.verify(&certificate);
    verdict.reasons().iter().for_each(check_finding);
}

/// A request: if it is read, its signature is valid, and its claims can be read.
pub(super) fn request(data: &[u8]) {
    let Some(request) = read(CertificateRequest::from_bytes(data)) else {
        return;
    };
    let again = CertificateRequest::from_pem(request.to_pem()).unwrap();
    assert_eq!(again.as_der(), request.as_der());
    assert_eq!(
        CertificateRequest::from_der(request.as_der())
            .unwrap()
            .claims(),
        request.claims()
    );
    let _ = (request.subject(), request.public_key().fingerprint_sha256());
    if let Some(identity) = read(request.claimed()) {
        // Claims that are granted can be written into a certificate
        let names = identity.alternative_names().unwrap_or_default();
        assert!(names.len() <= 100_000);
    }
}

/// A private key, in any form: it signs, and every form in which it is written reads as the same
/// key.
pub(super) fn private_key(data: &[u8]) {
    let passphrase = Passphrase::new("correct horse");
    // An encrypted key costs as much work as its file demands, so the file decides whether it is
    // decrypted
    let passphrase = data.len().is_multiple_of(8).then_some(&passphrase);
    let key = match PrivateKey::from_bytes(data, passphrase) {
        Ok(key) => key,
        Err(error) => {
            check_error(&error);
            assert_no_secret(&error, data);
            return;
        }
    };
    let signature = key.sign(b"a message").unwrap();
    assert!(!signature.is_empty());
    let public = key.public_key();
    let der = PrivateKey::from_der(&key.to_secret_der()).unwrap();
    assert_eq!(der.public_key(), public);
    let pem = PrivateKey::from_pem(key.to_secret_pem()).unwrap();
    assert_eq!(pem.public_key(), public);
    // etcd can read this output
    let written = key.to_secret_pem();
    assert_eq!(
        verify::private_key(written.as_bytes()).ok().as_ref(),
        Some(public)
    );
}

/// Checks that an error contains no line of a key file.
fn assert_no_secret(error: &Error, data: &[u8]) {
    let said = error.to_string();
    let lines = data
        .split(|byte| *byte == b'\n')
        .filter(|line| line.len() >= 40);
    for line in lines {
        if let Ok(line) = std::str::from_utf8(line)
            && line
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        {
            assert!(
                !said.contains(line),
                "an error repeats a line of a private key"
            );
        }
    }
}

/// Go's answer about a file. If etcd reads it, etcd-pki reads it too, with the same contents.
pub(super) fn strict(data: &[u8]) {
    if let Some(finding) = verify::skipped_blocks(data) {
        check_finding(&finding);
    }
    if let Some(certificates) = accepted(verify::trusted_ca(data)) {
        assert!(!certificates.is_empty());
        for certificate in &certificates {
            let der = certificate.as_der();
            assert_eq!(&Certificate::from_der(der).unwrap(), certificate);
        }
        let verifier = Verifier::trusting("ca.pem", data).unwrap();
        let verdict = verifier.verify(&certificates[0]);
        let refused = verdict
            .reasons()
            .iter()
            .any(|reason| matches!(reason, Finding::NotReadByEtcd { .. }));
        assert!(!refused, "a file that etcd reads is refused");
        assert_contained(data, &certificates);
    }
    if let Some(chain) = accepted(verify::certificate_chain(data)) {
        assert!(!chain.is_empty());
        assert_contained(data, &chain);
    }
    if let Some(public) = accepted(verify::private_key(data)) {
        match PrivateKey::from_bytes(data, None) {
            Ok(key) => assert_eq!(key.public_key(), &public),
            // etcd reads smaller RSA keys, and uses the first of several keys. The error names a
            // file that only etcd reads
            Err(error) => check_error(&error),
        }
    }
    if let Err(finding) = verify::key_pair(data, data) {
        check_finding(&finding);
    }
}

/// Checks that the lenient reader finds the certificates that etcd reads, if the file has labels
/// that it knows and no block that Go skips.
fn assert_contained(data: &[u8], certificates: &[Certificate]) {
    if verify::skipped_blocks(data).is_some() {
        return;
    }
    match Certificate::all_from_bytes(data) {
        Ok(all) => {
            let known = all.len() >= certificates.len();
            assert!(
                !known || certificates.iter().all(|one| all.contains(one)),
                "the readers differ"
            );
        }
        Err(error) => check_error(&error),
    }
}

fn accepted<T>(answer: Result<T, Finding>) -> Option<T> {
    answer.inspect_err(check_finding).ok()
}
