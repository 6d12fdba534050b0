//! Tests of revocation lists.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::Decode as _;

use super::*;
use crate::{
    ca::{CertificateAuthority, Signer},
    key::{KeyAlgorithm, PrivateKey, PublicKey},
    limits,
    profile::Profile,
    role::Role,
    x509::identity::Identity,
};

fn ca(name: &str) -> CertificateAuthority {
    CertificateAuthority::create(name).unwrap()
}

fn client(ca: &CertificateAuthority, name: &str) -> Certificate {
    let bundle = ca.issue(Role::Client, Identity::new(name).unwrap());
    bundle.unwrap().certificate().clone()
}

fn instant(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

/// Every entry is read with its issuer, although an entry has it only where it changes.
#[test]
fn the_issuers_of_an_indirect_list() {
    let (own, other, third) = (ca("etcd-ca"), ca("etcd-peer-ca"), ca("old-ca"));
    let certificates = [
        client(&other, "a"),
        client(&own, "b"),
        client(&third, "c"),
        client(&other, "d"),
        client(&own, "e"),
    ];
    let entries = certificates.iter().enumerate().map(|(place, one)| {
        let entry = Revoked::at(one, instant(100 - place as u64)).unwrap();
        match place {
            0 => entry.with_reason(RevocationReason::KeyCompromise),
            _ => entry,
        }
    });
    let content = NewRevocationList::new(entries.clone()).indirect();
    let list = own.sign_revocation_list(&content).unwrap();
    list.check_issued_by(own.certificate()).unwrap();
    assert!(list.check_issued_by(other.certificate()).is_err());
    assert!(list.is_indirect());
    let read = RevocationList::from_bytes(list.to_pem().as_bytes()).unwrap();
    assert_eq!(read, list);
    assert_eq!(read.entries().len(), 5);
    for (place, one) in certificates.iter().enumerate() {
        let entry = read.revoked(one).unwrap();
        assert_eq!(entry.issuer(), one.issuer(), "{place}");
        assert_eq!(entry.revoked_at(), instant(100 - place as u64));
        assert_eq!(read.revoked_serial(one.serial_number()), Some(entry));
    }
    let reasons = read.entries().iter().filter_map(Revoked::reason);
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [RevocationReason::KeyCompromise]
    );
    // The order does not depend on that of the caller
    let reversed: Vec<_> = entries.collect::<Vec<_>>().into_iter().rev().collect();
    let content = NewRevocationList::new(reversed).indirect();
    let again = own.sign_revocation_list(&content).unwrap();
    assert_eq!(again.entries(), list.entries());
    // A plain list has only the certificates of its CA
    let plain = NewRevocationList::new([Revoked::now(&certificates[0]).unwrap()]);
    assert!(own.sign_revocation_list(&plain).is_err());
    assert!(!other.sign_revocation_list(&plain).unwrap().is_indirect());
}

/// The same serial number of another CA is another certificate, except for etcd.
#[test]
fn a_serial_number_of_another_ca() {
    let (own, other) = (ca("etcd-ca"), ca("etcd-peer-ca"));
    let certificate = client(&own, "a");
    let serial = certificate.serial_number().clone();
    let entry = Revoked::serial_at(serial, other.certificate(), instant(0)).unwrap();
    let content = NewRevocationList::new([entry]).indirect();
    let list = own.sign_revocation_list(&content).unwrap();
    assert!(list.revoked(&certificate).is_none());
    assert!(list.revoked_serial(certificate.serial_number()).is_some());
}

#[test]
fn every_algorithm_signs_a_list() {
    let generated = |algorithm: &KeyAlgorithm| cfg!(feature = "rsa") || !algorithm.is_rsa();
    for algorithm in KeyAlgorithm::ALL.into_iter().filter(generated) {
        let profile = Profile::ca().with_algorithm(algorithm);
        let ca = CertificateAuthority::create_with("etcd-ca", profile).unwrap();
        let entry = Revoked::now(&client(&ca, "a")).unwrap();
        let list = ca.sign_revocation_list(&NewRevocationList::new([entry]));
        list.unwrap().check_issued_by(ca.certificate()).unwrap();
    }
}

/// A list that another process signs is verified before it is used.
#[test]
fn a_signer_signs_a_list() {
    let own = ca("etcd-ca");
    let key = || PrivateKey::from_pem(own.key().unwrap().to_secret_pem().as_bytes()).unwrap();
    let list = NewRevocationList::new([]);
    let signed = |signer: Token| {
        let certificates = vec![own.certificate().clone()];
        let ca = CertificateAuthority::from_signer(certificates, signer).unwrap();
        ca.sign_revocation_list(&list)
    };
    let good = signed(Token(key(), false)).unwrap();
    good.check_issued_by(own.certificate()).unwrap();
    assert!(matches!(
        signed(Token(key(), true)),
        Err(Error::Signature { .. })
    ));
}

/// A key elsewhere, which may sign other bytes than it is given.
struct Token(PrivateKey, bool);

impl Signer for Token {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.0.sign(if self.1 { b"other" } else { message })
    }
}

#[test]
fn a_list_without_entries_has_no_field_for_them() {
    let ca = ca("etcd-ca");
    let list = ca
        .sign_revocation_list(&NewRevocationList::new([]))
        .unwrap();
    assert_eq!(list.entries(), []);
    let parsed =
        x509_cert::crl::CertificateList::<x509_cert::certificate::Raw>::from_der(list.as_der());
    assert_eq!(parsed.unwrap().tbs_cert_list.revoked_certificates, None);
    let life = list
        .next_update()
        .unwrap()
        .duration_since(list.this_update());
    assert!(life.unwrap() >= Duration::from_secs(90 * 86_400));
    assert_eq!(
        list.authority_key_identifier(),
        ca.certificate().subject_key_identifier()
    );
}

#[test]
fn a_number_only_rises() {
    let ca = ca("etcd-ca");
    let sign = |content: NewRevocationList| ca.at(instant(0)).sign_revocation_list(&content);
    let empty = || NewRevocationList::new([]);
    let first = sign(empty()).unwrap();
    assert_eq!(first.number(), Some(&SerialNumber::from(1_800_000_000)));
    let second = sign(empty().following(&first)).unwrap();
    assert_eq!(second.number(), Some(&SerialNumber::from(1_800_000_001)));
    let content = empty().following(&second).following(&first);
    assert_eq!(
        sign(content).unwrap().number(),
        Some(&SerialNumber::from(1_800_000_002))
    );
    for number in [5, 1_800_000_001] {
        let error = sign(empty().following(&second).with_number(number)).unwrap_err();
        assert!(error.to_string().contains("is not above"), "{error}");
    }
}

/// The outside of a list with this content.
fn framed(content: &[u8], key: &PrivateKey) -> Vec<u8> {
    let signature = key.sign(content).unwrap();
    signing::signed(content, key.scheme(), &signature).unwrap()
}

#[test]
fn what_go_does_not_read() {
    let ca = ca("etcd-ca");
    let list = ca
        .sign_revocation_list(&NewRevocationList::new([]))
        .unwrap();
    let der = list.as_der();
    let key = ca.key().unwrap();
    let content = Signed::from_der(der).unwrap().content;
    assert_eq!(
        content[2 + usize::from(content[1] > 0x80)..][..3],
        [2, 1, 1]
    );
    let without_version = || {
        let mut bytes = content.to_vec();
        let at = 2 + usize::from(content[1] > 0x80);
        bytes.drain(at..at + 3);
        bytes[at - 1] -= 3;
        bytes
    };
    let mut version_3 = content.to_vec();
    let at = 4 + usize::from(content[1] > 0x80);
    version_3[at] = 2;
    for (bytes, reason) in [
        (framed(&without_version(), key), "version 1"),
        (framed(&version_3, key), "version is not 2"),
        (der[..der.len() - 1].to_vec(), ""),
        ([der, b"\n"].concat(), ""),
        (Vec::new(), ""),
        (ca.certificate().as_der().to_vec(), ""),
    ] {
        let error = RevocationList::from_der(&bytes).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let error = RevocationList::from_der(list.to_pem().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("revocation list"), "{error}");
}

/// Reading takes time in proportion to the length, and has a limit.
#[test]
fn many_entries() {
    let ca = ca("etcd-ca");
    let entries = |count: u64| {
        let one =
            |serial| Revoked::serial_at(SerialNumber::from(serial), ca.certificate(), instant(0));
        (0..count).map(move |serial| one(serial).unwrap())
    };
    let list = ca.sign_revocation_list(&NewRevocationList::new(entries(100_000)));
    let list = list.unwrap();
    assert_eq!(list.entries().len(), 100_000);
    assert!(list.revoked_serial(&SerialNumber::from(99_999)).is_some());
    let error =
        ca.sign_revocation_list(&NewRevocationList::new(entries(limits::REVOKED as u64 + 1)));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("more than 500000"), "{error}");
}

#[test]
fn reasons_by_name() {
    for reason in RevocationReason::ALL {
        assert_eq!(reason.name().parse::<RevocationReason>().unwrap(), reason);
        assert_eq!(RevocationReason::from_code(&[reason.code()]), Some(reason));
    }
    for text in ["key-compromise", "KEYCOMPROMISE", "key_compromise"] {
        let reason = text.parse::<RevocationReason>().unwrap();
        assert_eq!(reason, RevocationReason::KeyCompromise);
    }
    for text in ["", "removeFromCRL", "stolen"] {
        assert!(text.parse::<RevocationReason>().is_err(), "{text}");
    }
}
