//! GnuTLS's verdict: `certtool --verify`.

use etcd_pki_core::Role;
use etcd_pki_tests::{each, gnutls};

#[test]
fn verifies_every_certificate_for_the_usages_of_its_role() {
    for (what, role, certificates) in each() {
        let (ca, leaf) = (certificates.ca(), &certificates.pair(role).certificate);
        gnutls::verify(&ca, leaf, gnutls::CLIENT, None).assert_accepted(&what);
        let server = gnutls::verify(&ca, leaf, gnutls::SERVER, Some("etcd-1.lan"));
        if role == Role::Member {
            server.assert_accepted(&what);
            gnutls::verify(&ca, leaf, gnutls::SERVER, Some("etcd-2.lan")).assert_refused(
                &what,
                "The name in the certificate does not match the expected",
            );
        } else {
            server.assert_refused(&what, "does not match the intended purpose");
        }
    }
}
