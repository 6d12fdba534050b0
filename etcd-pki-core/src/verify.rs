//! The verdict that etcd would give on a certificate, with the reason.

mod chain;
mod host;
mod name_constraints;
mod strict;
mod verdict;

use std::time::SystemTime;

use crate::{certificate::Certificate, clock, extensions::ExtendedKeyUsage, role::Role};

use self::chain::Search;
pub use self::{
    host::Host,
    verdict::{Reason, Verdict},
};

/// Judges certificates as Go's `crypto/x509` does, which decides in etcd: chain, time, usages, host.
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
            failure: None,
        };
        reasons.extend(check_time(certificate, now).err());
        reasons.extend(check_extensions(certificate).err());
        if let Some(host) = &self.host {
            reasons.extend(host.check(certificate).err());
        }
        let chain = search.chain(vec![certificate.clone()]);
        if let Some(chain) = &chain {
            let usages = self.usages.iter();
            reasons.extend(usages.filter_map(|usage| check_usage(chain, usage).err()));
            if self.strict {
                reasons.extend(strict::check(chain));
            }
        } else {
            let own = std::slice::from_ref(certificate);
            let usages = self.usages.iter();
            reasons.extend(usages.filter_map(|usage| check_usage(own, usage).err()));
            reasons.push(search.failure.unwrap_or_else(|| Reason::UnknownAuthority {
                issuer: certificate.issuer(),
            }));
        }
        Verdict {
            chain: chain.unwrap_or_default(),
            reasons,
        }
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

fn check_extensions(certificate: &Certificate) -> Result<(), Reason> {
    match certificate.extensions().unknown_critical.first() {
        None => Ok(()),
        Some(oid) => Err(Reason::UnknownExtension {
            subject: certificate.subject(),
            oid: oid.clone(),
        }),
    }
}

/// Usages nest: each certificate that lists any must list this one (`checkChainForKeyUsage`).
fn check_usage(chain: &[Certificate], wanted: &ExtendedKeyUsage) -> Result<(), Reason> {
    for certificate in chain {
        let Some(allowed) = certificate.extended_key_usages() else {
            continue;
        };
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
