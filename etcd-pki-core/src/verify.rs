//! The verdict that etcd would give on a certificate, with the reason.

mod chain;
pub(crate) mod file;
mod host;
mod name_constraints;
mod parse;
mod strict;
mod verdict;

use std::time::SystemTime;

use crate::{certificate::Certificate, clock, extensions::ExtendedKeyUsage, role::Role};

use self::chain::Search;
pub use self::{
    file::{
        EtcdFile, FileReason, FileRefusal, InsteadOfPem,
        certificate_chain as etcd_reads_certificate_chain, key_pair as etcd_reads_key_pair,
        private_key as etcd_reads_private_key, skipped_blocks as etcd_skips_blocks,
        trusted_ca as etcd_reads_trusted_ca,
    },
    host::Host,
    verdict::{Reason, Verdict},
};

/// Judges certificates as Go's `crypto/x509` does, which decides in etcd: chain, time, usages, host.
///
/// Where ring cannot check a signature that Go could (RSA-PSS, RSA under 2048 bits, P-224 and P-521, ECDSA with SHA-512), it says so and
/// accepts nothing.
///
/// Without a role, no usage is asked for; without a host, no name.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Host, Identity, Role, Verifier};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let member = ca.issue(Role::Member, Identity::new("etcd-1")?)?;
/// let verifier = Verifier::new([ca.certificate().clone()]).role(Role::Member);
///
/// assert!(verifier.clone().host("etcd-1".parse()?).verify(member.certificate()).is_accepted());
///
/// let verdict = verifier.host("10.0.0.11".parse()?).verify(member.certificate());
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
        }
    }

    /// Adds certificates that may stand between, such as those behind the first in etcd's certificate file.
    pub fn intermediates(mut self, intermediates: impl IntoIterator<Item = Certificate>) -> Self {
        self.intermediates.extend(intermediates);
        self
    }

    /// Judges at another time than now.
    pub fn at(mut self, instant: SystemTime) -> Self {
        self.at = Some(instant);
        self
    }

    /// Asks for the usages of a role: serverAuth and clientAuth of a member, clientAuth of a node or client.
    pub fn role(mut self, role: Role) -> Self {
        self.usages = role.profile().extended_key_usages().to_vec();
        self
    }

    /// Asks for the host that is dialled.
    pub fn host(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// Asks also for what RFC 5280 demands and Go does not, as Python 3.13 and `openssl verify -x509_strict` do.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The verdict on a certificate.
    #[must_use]
    pub fn verify(&self, certificate: &Certificate) -> Verdict {
        let now = self.at.unwrap_or_else(clock::now);
        let mut reasons = Vec::new();
        let mut search = Search {
            verifier: self,
            now,
            signature_checks: 0,
            chains: Vec::new(),
            failure: None,
        };
        reasons.extend(check_time(certificate, now).err());
        reasons.extend(check_extensions(certificate).err());
        if let Some(host) = &self.host {
            reasons.extend(host.check(certificate).err());
        }
        search.run(certificate);
        // The chain that the least speaks against
        let judged = search
            .chains
            .into_iter()
            .map(|chain| (self.judge(&chain), chain));
        let Some((of_chain, chain)) = judged.min_by_key(|(reasons, _)| reasons.len()) else {
            reasons.extend(self.check_usages(std::slice::from_ref(certificate)));
            reasons.push(search.failure.unwrap_or_else(|| Reason::UnknownAuthority {
                issuer: certificate.issuer(),
            }));
            return Verdict {
                chain: Vec::new(),
                reasons,
            };
        };
        reasons.extend(of_chain);
        Verdict { chain, reasons }
    }

    /// What speaks against a whole chain: usages that it does not allow, and what strict verifiers mind.
    fn judge(&self, chain: &[Certificate]) -> Vec<Reason> {
        let mut reasons = self.check_usages(chain);
        if self.strict {
            reasons.extend(strict::check(chain));
        }
        reasons
    }

    fn check_usages(&self, chain: &[Certificate]) -> Vec<Reason> {
        let usages = self.usages.iter();
        usages
            .filter_map(|usage| check_usage(chain, usage).err())
            .collect()
    }
}

fn check_time(certificate: &Certificate, now: SystemTime) -> Result<(), Reason> {
    if now < certificate.not_before() {
        Err(Reason::NotYetValid {
            subject: certificate.subject(),
            not_before: certificate.not_before(),
        })
    } else if now > certificate.not_after() {
        Err(Reason::Expired {
            subject: certificate.subject(),
            not_after: certificate.not_after(),
        })
    } else {
        Ok(())
    }
}

/// What makes Go refuse to read a certificate, or to verify a chain with it.
fn check_extensions(certificate: &Certificate) -> Result<(), Reason> {
    let subject = || certificate.subject();
    match parse::parse(certificate.as_der()) {
        Err(flaw) => Err(Reason::Malformed {
            subject: subject(),
            reason: flaw.words(),
        }),
        Ok(parsed) => match parsed.unknown_critical {
            Some(oid) => Err(Reason::UnknownExtension {
                subject: subject(),
                oid,
            }),
            None => Ok(()),
        },
    }
}

/// Usages nest: each certificate that lists any must list this one (`checkChainForKeyUsage`).
fn check_usage(chain: &[Certificate], wanted: &ExtendedKeyUsage) -> Result<(), Reason> {
    for certificate in chain {
        // An empty list limits nothing
        let allowed = certificate.extended_key_usages().unwrap_or_default();
        if allowed.is_empty() {
            continue;
        }
        if !allowed.contains(wanted) && !allowed.contains(&ExtendedKeyUsage::Any) {
            return Err(Reason::Usage {
                subject: certificate.subject(),
                wanted: wanted.clone(),
                allowed: allowed.to_vec(),
            });
        }
    }
    Ok(())
}
