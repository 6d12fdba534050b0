//! The key of a certificate or request: an existing key, or a new one.

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::{
    KeyAlgorithm, Passphrase, PrivateKey, Store, internal::read_private_key, key::KeyFormat,
    role::Compatibility,
};
use zeroize::Zeroizing;

use super::{AlgorithmParser, one_of};
use crate::{
    failure::Failure,
    files::is_same,
    input::{Input, is_standard},
};

/// The algorithm of a new key.
#[derive(Args)]
#[command(next_help_heading = "Key")]
pub(crate) struct AlgorithmOption {
    /// The algorithm of the new key [default: ec-p256, with --profile kubespray rsa-2048]
    #[arg(long, value_parser = AlgorithmParser)]
    algorithm: Option<KeyAlgorithm>,
}

impl AlgorithmOption {
    pub(crate) fn generate(&self, habits: Compatibility) -> Result<PrivateKey, Failure> {
        let habit = habits.ca().algorithm();
        Ok(PrivateKey::generate_with(self.algorithm.unwrap_or(habit))?)
    }
}

/// The purpose of a key. In a directory of keys and certificates, this decides who may own it.
#[derive(Clone, Copy)]
pub(crate) enum KeyUse<'a> {
    Request,
    Leaf(Option<&'a Store>),
    Ca(Option<&'a Store>),
}

/// An existing key, or the algorithm of a new one.
#[derive(Args)]
#[command(next_help_heading = "Key")]
pub(crate) struct KeyOptions {
    /// Use this key instead of a new one
    #[arg(long = "key", value_name = "FILE", conflicts_with_all = ["algorithm", "key_out"])]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    algorithm: AlgorithmOption,
}

impl KeyOptions {
    /// Whether the key is generated.
    pub(crate) fn is_new(&self) -> bool {
        self.file.is_none()
    }

    /// The requested algorithm.
    pub(crate) fn algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm.algorithm
    }

    /// Whether the key is already in the file at this path.
    pub(crate) fn is_in_place(&self, path: &Path) -> bool {
        self.file.as_ref().is_some_and(|file| is_same(file, path))
    }

    /// The files that are written: the certificate or request, and the key if it is new.
    pub(crate) fn files<'a>(&self, out: &'a Path, key_out: &'a Path) -> Vec<&'a Path> {
        if self.is_new() {
            vec![out, key_out]
        } else {
            vec![out]
        }
    }

    /// Reads the key, or generates it.
    pub(crate) fn obtain(
        &self,
        habits: Compatibility,
        input: &Input,
        passphrase: Option<&Passphrase>,
        of: KeyUse<'_>,
    ) -> Result<PrivateKey, Failure> {
        let Some(file) = &self.file else {
            return self.algorithm.generate(habits);
        };
        Ok(match of {
            KeyUse::Leaf(Some(store)) if !is_standard(file) => store.key_for_leaf(file, passphrase),
            KeyUse::Ca(Some(store)) if !is_standard(file) => store.key_for_ca(file, passphrase),
            KeyUse::Leaf(None) | KeyUse::Ca(None) if !is_standard(file) => {
                read_private_key(file, passphrase)
            }
            _ => input.private_key(file, passphrase),
        }?)
    }
}

/// The output format of a key.
#[derive(Args, Default)]
#[command(next_help_heading = "Key")]
pub(crate) struct FormatOption {
    /// PKCS#8, or the formats of other tools: PKCS#1 for RSA, SEC1 for elliptic curves
    #[arg(
        long,
        alias = "to",
        default_value = "pkcs8",
        value_parser = one_of::<KeyFormat>(KeyFormat::ALL.map(KeyFormat::name))
    )]
    format: KeyFormat,
}

impl FormatOption {
    /// The key as text in this format, encrypted if there is a passphrase.
    pub(crate) fn write(
        &self,
        key: &PrivateKey,
        passphrase: Option<&Passphrase>,
    ) -> Result<Zeroizing<String>, Failure> {
        match passphrase {
            None => Ok(key.to_secret_pem_as(self.format)?),
            Some(passphrase) if self.format == KeyFormat::Pkcs8 => {
                Ok(key.to_encrypted_pem(passphrase)?.into())
            }
            Some(_) => Err(Failure::usage(
                format!("{} is written without encryption", self.format.name()),
                "leave out --format, or the passphrase",
            )),
        }
    }
}
