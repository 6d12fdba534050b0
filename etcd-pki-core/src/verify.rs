//! Decides whether etcd reads a file and accepts a certificate, by the rules of the Go version that
//! etcd is built with.

mod chain;
mod file;
mod host;
mod issuing;
mod name_constraints;
mod parse;
mod revocation;
mod strict;
mod verdict;

use std::{path::Path, time::SystemTime};

use crate::{
    error::{Error, Result},
    finding::Finding,
    pem,
    role::Role,
    time::clock,
    x509::{certificate::Certificate, extensions::ExtendedKeyUsage},
};

use self::{chain::Search, revocation::HeldList};
pub(crate) use self::{
    file::{Held, Use, held_bundle, held_certificates, held_key, refused_as_too_large},
    host::is_host_name,
    issuing::{SigningChain, Wishes, refused_as_root, unacceptable},
    revocation::{held_list, revoked},
};
pub use self::{
    file::{certificate_chain, key_pair, private_key, skipped_blocks, trusted_ca},
    host::Host,
    verdict::Verdict,
};

/// Verifies certificates as Go's `crypto/x509` does in etcd: chain, time, usages, host.
///
/// Go can verify some signatures that this crate cannot: those of keys on P-224, and of RSA keys
/// over 8192 bits. The verifier then accepts nothing and reports the reason.
///
/// Without a role, it checks no usages. Without a host, it checks no names.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Identity, Role, verify::{Host, Verifier}};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let member = ca.issue(Role::Member, Identity::new("etcd-1")?)?;
/// let verifier = Verifier::new([ca.certificate().clone()]).with_role(Role::Member);
///
/// assert!(verifier.clone().with_host("etcd-1".parse()?).verify(member.certificate()).is_accepted());
///
/// let verdict = verifier.with_host("10.0.0.11".parse()?).verify(member.certificate());
/// let reasons: Vec<_> = verdict.reasons().iter().map(ToString::to_string).collect();
/// assert_eq!(reasons, ["it is valid for etcd-1, localhost, 127.0.0.1 and ::1, not for 10.0.0.11"]);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Verifier {
    roots: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    at: Option<SystemTime>,
    usages: Vec<ExtendedKeyUsage>,
    host: Option<Host>,
    strict: bool,
    /// The reason why etcd does not read the file of trusted certificates
    refused: Option<Finding>,
    lists: Vec<HeldList>,
    /// The reasons why etcd cannot read a revocation list
    unusable_lists: Vec<Finding>,
}

impl Verifier {
    /// Trusts these certificates, as `ETCD_TRUSTED_CA_FILE` does.
    pub fn new(roots: impl IntoIterator<Item = Certificate>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
            intermediates: Vec::new(),
            at: None,
            usages: Vec::new(),
            host: None,
            strict: false,
            refused: None,
            lists: Vec::new(),
            unusable_lists: Vec::new(),
        }
    }

    /// Trusts the certificates of a file, as etcd does with `ETCD_TRUSTED_CA_FILE`. If etcd does
    /// not read the file, every verdict contains that reason, except for a DER file with the name
    /// of a DER file.
    ///
    /// # Errors
    ///
    /// Those of [`Certificate::all_from_bytes`] for a file that etcd-pki cannot read either.
    pub fn trusting(path: impl AsRef<Path>, file: &[u8]) -> Result<Self> {
        let (certificates, refused) = held_in(Use::TrustedCa, path.as_ref(), file)?;
        Ok(Self {
            refused,
            ..Self::new(certificates)
        })
    }

    /// Trusts the certificates of another file too, as [`Verifier::trusting`] does.
    ///
    /// # Errors
    ///
    /// As [`Verifier::trusting`].
    pub fn and_trusting(mut self, path: impl AsRef<Path>, file: &[u8]) -> Result<Self> {
        let (certificates, refused) = held_in(Use::TrustedCa, path.as_ref(), file)?;
        self.roots.extend(certificates);
        self.refused = self.refused.or(refused);
        Ok(self)
    }

    /// Adds intermediate certificates, such as those that follow the first one in etcd's
    /// certificate file.
    pub fn with_intermediates(
        mut self,
        intermediates: impl IntoIterator<Item = Certificate>,
    ) -> Self {
        self.intermediates.extend(intermediates);
        self
    }

    /// Sets the time of the verification; the default is now.
    pub fn at(mut self, instant: SystemTime) -> Self {
        self.at = Some(instant);
        self
    }

    /// Requires the usages of a role: serverAuth and clientAuth of a member, clientAuth of a node
    /// or client.
    pub fn with_role(mut self, role: Role) -> Self {
        self.usages = role.profile().extended_key_usages().to_vec();
        self
    }

    /// Requires these usages.
    pub(crate) fn with_usages(mut self, usages: Vec<ExtendedKeyUsage>) -> Self {
        self.usages = usages;
        self
    }

    /// Requires that the certificate is valid for a host that a client connects to.
    pub fn with_host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// Applies also the rules of RFC 5280 that Go does not check, as Python 3.13 and
    /// `openssl verify -x509_strict` do.
    pub fn with_strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Verifies the first certificate of a file; the others may be its issuers. If etcd does not
    /// read the file, that is the first reason, except for a DER file with the name of a DER file.
    ///
    /// # Errors
    ///
    /// Those of [`Certificate::all_from_bytes`] for a file that etcd-pki cannot read either.
    pub fn verify_file(&self, path: impl AsRef<Path>, file: &[u8]) -> Result<Verdict> {
        let (certificates, refused) = held_in(Use::Certificate, path.as_ref(), file)?;
        let mut certificates = certificates.into_iter();
        let leaf = certificates.next().ok_or(Error::MissingBlock {
            what: "certificate",
            found: Vec::new(),
        })?;
        let mut verdict = self.clone().with_intermediates(certificates).verify(&leaf);
        verdict.reasons.splice(0..0, refused);
        Ok(verdict)
    }

    /// Verifies a certificate.
    #[must_use]
    pub fn verify(&self, certificate: &Certificate) -> Verdict {
        let now = self.at.unwrap_or_else(clock::now);
        let mut reasons: Vec<Finding> = self.refused.iter().cloned().collect();
        let mut search = Search {
            verifier: self,
            now,
            signature_checks: 0,
            chains: Vec::new(),
            failure: None,
        };
        reasons.extend(check_time(certificate, now).err());
        reasons.extend(check_extensions(certificate).err());
        reasons.extend(self.revocations(certificate));
        if !self.roots.contains(certificate) {
            reasons.extend(chain::check_policies(certificate).err());
        }
        if let Some(host) = &self.host {
            reasons.extend(host.check(certificate).err());
        }
        search.run(certificate);
        // The chain with the fewest problems
        let judged = search
            .chains
            .into_iter()
            .map(|chain| (self.judge(&chain), chain));
        let Some((of_chain, chain)) = judged.min_by_key(|(reasons, _)| reasons.len()) else {
            reasons.extend(self.check_usages(std::slice::from_ref(certificate)));
            reasons.push(search.failure.unwrap_or_else(|| Finding::OtherCa {
                issuer: certificate.issuer(),
                ca: None,
                same_name: false,
            }));
            return Verdict {
                chain: Vec::new(),
                reasons,
            };
        };
        reasons.extend(of_chain);
        Verdict { chain, reasons }
    }

    /// Checks a whole chain: the usages that it allows and, if requested, the strict rules.
    fn judge(&self, chain: &[Certificate]) -> Vec<Finding> {
        let mut reasons = self.check_usages(chain);
        if self.strict {
            reasons.extend(strict::check(chain));
        }
        reasons
    }

    fn check_usages(&self, chain: &[Certificate]) -> Vec<Finding> {
        let usages = self.usages.iter();
        usages
            .filter_map(|usage| check_usage(chain, usage).err())
            .collect()
    }
}

/// The certificates of a file, and the reason if etcd does not read it.
fn held_in(of: Use, path: &Path, file: &[u8]) -> Result<(Vec<Certificate>, Option<Finding>)> {
    let (certificates, refused) = held_certificates(of, file);
    let refused = refused.filter(|_| !pem::is_der_by_name(path, file));
    let certificates = certificates.map_err(|error| error.in_file(path))?;
    Ok((certificates, refused.map(|finding| finding.in_file(path))))
}

fn check_time(certificate: &Certificate, now: SystemTime) -> std::result::Result<(), Finding> {
    if now < certificate.not_before() {
        Err(Finding::NotYetValid {
            subject: Some(certificate.subject()),
            not_before: certificate.not_before(),
        })
    } else if now > certificate.not_after() {
        Err(Finding::Expired {
            subject: Some(certificate.subject()),
            not_after: certificate.not_after(),
        })
    } else {
        Ok(())
    }
}

/// Checks whether Go reads the certificate and understands its critical extensions.
fn check_extensions(certificate: &Certificate) -> std::result::Result<(), Finding> {
    let subject = || certificate.subject();
    match parse::parse(certificate.as_der()) {
        Err(flaw) => Err(Finding::Malformed {
            subject: subject(),
            reason: flaw.to_string().into(),
        }),
        Ok(parsed) => match parsed.unknown_critical {
            Some(oid) => Err(Finding::UnknownExtension {
                subject: subject(),
                oid,
            }),
            None => Ok(()),
        },
    }
}

/// Usages nest: every certificate that lists usages must list this one (`checkChainForKeyUsage`).
fn check_usage(
    chain: &[Certificate],
    desired: &ExtendedKeyUsage,
) -> std::result::Result<(), Finding> {
    for certificate in chain {
        // An empty list means no restriction
        let allowed = certificate.extended_key_usages().unwrap_or_default();
        if allowed.is_empty() {
            continue;
        }
        if !allowed.contains(desired) && !allowed.contains(&ExtendedKeyUsage::Any) {
            return Err(Finding::Usage {
                subject: certificate.subject(),
                desired: desired.clone(),
                allowed: allowed.to_vec(),
            });
        }
    }
    Ok(())
}
