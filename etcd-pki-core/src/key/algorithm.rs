//! Kinds of keys, and the formats in which they are written.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    signing::{RSA_BITS, Scheme},
    words,
};

/// The keys that etcd-pki makes and signs with. Every etcd, etcdctl and kube-apiserver takes them all; kubeadm loads all but
/// Ed25519.
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
    /// RSA of another size between 2048 and 4096 bits: keys that exist are used (with the feature `rsa`), and none are made
    OtherRsa,
}

impl KeyAlgorithm {
    /// Those that are made, the default first.
    pub const ALL: [Self; 6] = [
        Self::EcP256,
        Self::EcP384,
        Self::Ed25519,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// Its name, as it is typed where a key is to be made. [`PublicKey::algorithm_name`](crate::PublicKey::algorithm_name) tells
    /// the size of an RSA key of whatever size.
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
        }
    }

    /// That of an RSA key of a size, if such keys are used.
    pub(crate) fn of_rsa(bits: usize) -> Option<Self> {
        match bits {
            2048 => Some(Self::Rsa2048),
            3072 => Some(Self::Rsa3072),
            4096 => Some(Self::Rsa4096),
            bits => RSA_BITS.contains(&bits).then_some(Self::OtherRsa),
        }
    }

    /// Whether a key that is there does where one of this kind is wanted: RSA keys of sizes that are not made do for the smallest
    /// that is.
    pub(crate) fn is_met_by(self, found: Self) -> bool {
        self == found || (self, found) == (Self::Rsa2048, Self::OtherRsa)
    }

    /// The kind that is made which a key of this kind does for.
    pub(crate) fn made(self) -> Self {
        match self {
            Self::OtherRsa => Self::Rsa2048,
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
        words::one_of(text, "key algorithm", &Self::ALL, Self::name)
    }
}

/// A format in which a private key is written.
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
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Pkcs8, Self::Pkcs1, Self::Sec1];

    /// Its name, as it is typed.
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
    }
}
