//! Keys and certificates of all algorithms, created by openssl.

use std::{fs, sync::OnceLock};

use etcd_pki_tests::{Scratch, openssl};

use super::mutation::Random;

pub(crate) struct Material {
    pub(crate) certificates: Vec<(String, String)>,
    pub(crate) keys: Vec<(String, String)>,
    pairs: Vec<(String, String)>,
}

/// Names of keys, and the openssl commands that generate them.
const KEYS: [(&str, &str); 14] = [
    (
        "ec-p224",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-224",
    ),
    (
        "ec-p256",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ),
    (
        "ec-p384",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
    ),
    (
        "ec-p521",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
    ),
    (
        "ec-secp256k1",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
    ),
    (
        "ec-brainpool",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1",
    ),
    (
        "ec-explicit",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
    ),
    ("ed25519", "genpkey -algorithm ED25519"),
    ("ed448", "genpkey -algorithm ED448"),
    (
        "rsa-1024",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
    ),
    (
        "rsa-2048",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    ),
    (
        "rsa-2049",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2049",
    ),
    (
        "rsa-three-primes",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3",
    ),
    (
        "rsa-pss",
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
    ),
];

impl Material {
    /// Returns the same material for every test of the process.
    pub(crate) fn get() -> &'static Self {
        static MATERIAL: OnceLock<Material> = OnceLock::new();
        MATERIAL.get_or_init(Self::new)
    }

    fn new() -> Self {
        let scratch = Scratch::new("go-files");
        let call = |line: &str| openssl::call(scratch.path(), line);
        let read = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap();
        let mut material = Self {
            certificates: Vec::new(),
            keys: Vec::new(),
            pairs: Vec::new(),
        };
        fs::write(
            scratch.path().join("extensions"),
            "basicConstraints=critical,CA:TRUE,pathlen:3\nkeyUsage=critical,keyCertSign,cRLSign\n\
             extendedKeyUsage=serverAuth,clientAuth\nsubjectKeyIdentifier=hash\n\
             authorityKeyIdentifier=keyid,issuer\ncertificatePolicies=1.2.3.4,1.2.3.5\n\
             subjectAltName=DNS:etcd-1,IP:10.0.0.1,IP:fd00::1,URI:spiffe://etcd/a?b#c,email:a@b.c\n\
             nameConstraints=critical,permitted;DNS:etcd-1,permitted;IP:10.0.0.0/255.0.0.0,excluded;email:x.y\n\
             crlDistributionPoints=URI:http://etcd/crl\nauthorityInfoAccess=OCSP;URI:http://etcd/\n\
             policyConstraints=requireExplicitPolicy:3,inhibitPolicyMapping:1\ninhibitAnyPolicy=2\n",
        )
        .unwrap();
        call("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca-key");
        call("req -x509 -new -key ca-key -subj /CN=etcd-ca -days 3650 -out ca");
        for (name, command) in KEYS {
            call(&format!("{command} -out key"));
            call("pkey -in key -pubout -out public");
            // Signed by a CA, so that the key itself need not sign
            call(&format!(
                "x509 -new -force_pubkey public -subj /O=etcd/CN={name} -CA ca -CAkey ca-key -days 3650 \
                 -extfile extensions -out certificate"
            ));
            material.add_key(name, &read("key"));
            let pair = (read("certificate"), read("key"));
            material
                .certificates
                .push((name.to_owned(), pair.0.clone()));
            material.pairs.push(pair);
            for (form, command) in [
                ("PKCS#1 or SEC 1", "pkey -in key -traditional -out other"),
                (
                    "encrypted",
                    "pkey -in key -aes128 -passout pass:abcd -out other",
                ),
            ] {
                if form.starts_with("PKCS#1") && (name.starts_with("ed") || name == "rsa-pss") {
                    continue;
                }
                call(command);
                material.add_key(&format!("{name}, {form}"), &read("other"));
            }
            if name.starts_with("ec") && !name.contains("explicit") {
                call("ec -in key -out other");
                material.add_key(&format!("{name}, SEC 1"), &read("other"));
                call("ec -in key -no_public -out other");
                material.add_key(&format!("{name}, without its point"), &read("other"));
                call("ec -in key -conv_form compressed -out other");
                material.add_key(&format!("{name}, compressed"), &read("other"));
                call("ec -in key -aes128 -passout pass:abcd -out other");
                material.add_key(&format!("{name}, Proc-Type"), &read("other"));
                call("ec -in key -param_enc explicit -out other");
                material.add_key(&format!("{name}, explicit"), &read("other"));
                call("ecparam -name prime256v1 -out parameters");
                let parameters = read("parameters");
                material.add_key(
                    &format!("{name}, parameters first"),
                    &format!("{parameters}{}", read("key")),
                );
            }
        }
        // A version 1 certificate, a request, a revocation list
        call("req -new -key ca-key -subj /CN=old -out request");
        call("x509 -req -in request -signkey ca-key -days 3650 -out old");
        call("x509 -in ca -trustout -addtrust serverAuth -out trusted");
        call("x509 -in ca -text -out text");
        for name in ["ca", "old", "request", "trusted", "text"] {
            material.certificates.push((name.to_owned(), read(name)));
        }
        material.pairs.push((read("ca"), read("ca-key")));
        material
    }

    fn add_key(&mut self, name: &str, pem: &str) {
        self.keys.push((name.to_owned(), pem.to_owned()));
    }

    pub(crate) fn certificate(&self, name: &str) -> &str {
        &self
            .certificates
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
    }

    pub(crate) fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// A certificate and its key.
    pub(crate) fn pair(&self, random: &mut Random) -> (&str, &str) {
        let (certificate, key) = random.choice(&self.pairs);
        (certificate, key)
    }
}
