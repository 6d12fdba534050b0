//! The target for name constraints: the input is the value of this extension in a CA that signed
//! certificates with many kinds of names.

use std::sync::OnceLock;

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, PrivateKey, Role, verify::Verifier,
};

use super::{
    bounds::{check_finding, read},
    der::{Node, element},
};

/// `id-ce-nameConstraints` (RFC 5280, section 4.2.1.10), as an element
const NAME_CONSTRAINTS: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x1e];
/// `TRUE`
const CRITICAL: [u8; 3] = [0x01, 0x01, 0xff];

const NAMES: [&str; 8] = [
    "etcd-1.lan",
    "*.example.com",
    "a.b.c.example.com",
    "10.0.0.11",
    "fd00::11",
    "::ffff:10.0.0.12",
    "URI:spiffe://example.com/etcd",
    "URI:https://a.example.com:2379/",
];

/// A CA in DER, its key, and certificates that it signed.
struct Pki {
    ca: Vec<u8>,
    key: PrivateKey,
    leaves: Vec<Certificate>,
}

impl Pki {
    fn new() -> Self {
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let identity = Identity::new("etcd-1").unwrap();
        let named = identity.clone().with_names(NAMES).unwrap();
        let issue = |identity: &Identity| {
            ca.issue(Role::Member, identity)
                .unwrap()
                .certificate()
                .clone()
        };
        Self {
            ca: ca.certificate().as_der().to_vec(),
            key: PrivateKey::from_der(&ca.key().unwrap().to_secret_der()).unwrap(),
            leaves: vec![issue(&named), issue(&identity)],
        }
    }

    /// The CA with this value of its name constraints.
    fn constrained(&self, value: &[u8]) -> Vec<u8> {
        let mut certificate = Node::read_all(&self.ca).unwrap().remove(0);
        let parts = certificate.children().unwrap();
        let tbs = parts[0].children().unwrap();
        let extensions = tbs.last_mut().unwrap().children().unwrap()[0]
            .children()
            .unwrap();
        let value = element(0x04, value);
        let extension = element(0x30, &[&NAME_CONSTRAINTS[..], &CRITICAL, &value].concat());
        extensions.push(Node::read_all(&extension).unwrap().remove(0));
        let tbs = parts[0].write();
        let signature = self.key.sign(&tbs).unwrap();
        let signature = element(0x03, &[&[0][..], &signature].concat());
        element(0x30, &[tbs, parts[1].write(), signature].concat())
    }
}

pub(super) fn constraints(data: &[u8]) {
    static PKI: OnceLock<Pki> = OnceLock::new();
    let pki = PKI.get_or_init(Pki::new);
    let Some(ca) = read(Certificate::from_der(&pki.constrained(data))) else {
        return;
    };
    let verifier = Verifier::new([ca.clone()]).with_role(Role::Member);
    for leaf in &pki.leaves {
        let verdict = verifier.verify(leaf);
        verdict.reasons().iter().for_each(check_finding);
        // The order of certificates does not matter
        let between = Verifier::new([ca.clone()])
            .with_intermediates([ca.clone()])
            .with_role(Role::Member);
        assert_eq!(between.verify(leaf).is_accepted(), verdict.is_accepted());
    }
}
