//! NSS's verdict: `certutil -V`.

use etcd_pki_core::{KeyAlgorithm, Role};
use etcd_pki_tests::{
    each,
    nss::{self, Usage},
};

#[test]
fn verifies_every_certificate_for_the_usages_of_its_role() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        let client = nss::verify(&ca, leaf, Usage::Client);
        if certificates.algorithm() == KeyAlgorithm::Ed25519 {
            // Debian's NSS does not support Ed25519: it does not add the CA to its database.
            client.assert_refused(&what, "SEC_ERROR_ADDING_CERT");
            continue;
        }
        client.assert_accepted(&what);
        let server = nss::verify(&ca, leaf, Usage::Server);
        if role == Role::Member {
            server.assert_accepted(&what);
        } else {
            server.assert_refused(&what, "Certificate type not approved for application");
        }
    }
}
