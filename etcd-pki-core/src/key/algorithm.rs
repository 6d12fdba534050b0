//! Defines algorithms of keys, and the formats of key files.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    signing::{RSA_BITS, Scheme},
    words,
};

/// The algorithms of keys that etcd-pki signs with. It generates those in [`KeyAlgorithm::ALL`].
/// Every etcd, etcdctl and kube-apiserver accepts them all; kubeadm loads all but Ed25519.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256 with SHA-256: `ec-p256`
    #[default]
    EcP256,
    /// ECDSA on NIST P-384 with SHA-384: `ec-p384`
    EcP384,
    /// Ed25519: `ed25519`
    Ed25519,
    /// RSA of 2048 bits, signing PKCS#1 v1.5 with SHA-256: `rsa-2048`
    Rsa2048,
    /// RSA of 3072 bits: `rsa-3072`
    Rsa3072,
    /// RSA of 4096 bits: `rsa-4096`
    Rsa4096,
    /// RSA of another size between 2048 and 8192 bits: existing keys are used (with the feature
    /// `rsa`), but none are generated
    OtherRsa,
    /// ECDSA on NIST P-521 with SHA-512: existing keys are used, but none are generated
    EcP521,
}

impl KeyAlgorithm {
    /// The algorithms that can be generated, the default first.
    pub const ALL: [Self; 6] = [
        Self::EcP256,
        Self::EcP384,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// Its name in options and files.
    /// [`PublicKey::algorithm_name`](crate::PublicKey::algorithm_name) has the size of every RSA
    /// key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcP256 => "ec-p256",
            Self::EcP384 => "ec-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::OtherRsa => "rsa",
            Self::EcP521 => "ec-p521",
        }
    }

    /// The algorithm of an RSA key of this size, if etcd-pki supports it.
    pub(crate) fn of_rsa(bits: usize) -> Option<Self> {
        match bits {
            2048 => Some(Self::Rsa2048),
            3072 => Some(Self::Rsa3072),
            4096 => Some(Self::Rsa4096),
            bits => RSA_BITS.contains(&bits).then_some(Self::OtherRsa),
        }
    }

    /// Whether an existing key may stay if this algorithm is required. An RSA key of an unusual
    /// size meets the smallest usual size, and a P-521 key meets both smaller curves: a default
    /// never replaces a key that etcd-pki would not generate.
    pub(crate) fn is_met_by(self, found: Self) -> bool {
        self == found
            || matches!(
                (self, found),
                (Self::Rsa2048, Self::OtherRsa) | (Self::EcP256 | Self::EcP384, Self::EcP521)
            )
    }

    /// The algorithm for a key that replaces one of this algorithm: the nearest one that can be
    /// generated.
    pub(crate) fn made(self) -> Self {
        match self {
            Self::OtherRsa => Self::Rsa2048,
            Self::EcP521 => Self::EcP384,
            made => made,
        }
    }

    pub(crate) fn is_rsa(self) -> bool {
        self.scheme() == Scheme::Rsa
    }

    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::EcP256 => Scheme::EcdsaP256,
            Self::EcP384 => Scheme::EcdsaP384,
            Self::EcP521 => Scheme::EcdsaP521,
            Self::Ed25519 => Scheme::Ed25519,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 | Self::OtherRsa => Scheme::Rsa,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == Self::EcP521.name() {
            return Err(not_made(text));
        }
        words::one_of(text, "key algorithm", &Self::ALL, Self::name)
    }
}

/// The error for generating a key of an algorithm that is supported only for existing keys.
pub(super) fn not_made(name: &str) -> Error {
    Error::unsupported(
        format!("making a key of {name}"),
        "existing keys of it are used; for a new one choose ec-p384, which every etcd accepts as well",
    )
}

/// The format of a private key in PEM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFormat {
    /// `PRIVATE KEY` (RFC 5958), for every algorithm
    #[default]
    Pkcs8,
    /// `RSA PRIVATE KEY` (RFC 8017, appendix A.1.2), as kubeadm and OpenSSL 1 write RSA keys
    Pkcs1,
    /// `EC PRIVATE KEY` (RFC 5915), as kubeadm and k3s write elliptic curve keys
    Sec1,
}

impl KeyFormat {
    /// All formats, the default first.
    pub const ALL: [Self; 3] = [Self::Pkcs8, Self::Pkcs1, Self::Sec1];

    /// Its name in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 => "pkcs8",
            Self::Pkcs1 => "pkcs1",
            Self::Sec1 => "sec1",
        }
    }
}

impl FromStr for KeyFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "key format", &Self::ALL, Self::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(algorithm.name().parse::<KeyAlgorithm>().unwrap(), algorithm);
        }
        assert!("EC-P256".parse::<KeyAlgorithm>().is_err());
        let error = "ec-p521".parse::<KeyAlgorithm>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "making a key of ec-p521 is not supported"
        );
    }

    /// A key that etcd-pki cannot generate stays if its substitute or the default is required.
    #[test]
    fn keys_that_are_not_made_are_kept() {
        let kept = [
            (KeyAlgorithm::OtherRsa, &[KeyAlgorithm::Rsa2048][..]),
            (
                KeyAlgorithm::EcP521,
                &[KeyAlgorithm::EcP256, KeyAlgorithm::EcP384],
            ),
        ];
        for (found, required) in kept {
            assert!(!KeyAlgorithm::ALL.contains(&found));
            assert!(required.contains(&found.made()));
            for algorithm in KeyAlgorithm::ALL {
                let is_met = algorithm.is_met_by(found);
                assert_eq!(is_met, required.contains(&algorithm), "{algorithm}");
            }
        }
        assert!(KeyAlgorithm::default().is_met_by(KeyAlgorithm::EcP521));
    }
}
