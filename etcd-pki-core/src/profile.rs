//! Defines profiles: the content of a certificate of a role.

use crate::{
    error::{Error, Result},
    key::KeyAlgorithm,
    limits,
    role::{Compatibility, Role},
    time::validity::Validity,
    x509::{
        extensions::{ExtendedKeyUsage, KeyUsage},
        identity::{AlternativeName, Identity, each_once},
    },
};

const LEAF_VALIDITY: Validity = Validity::years(1);
const CA_VALIDITY: Validity = Validity::years(10);
/// Kubespray's `certificates_duration`
const KUBESPRAY_VALIDITY: Validity = Validity::days(36_500);

/// The content of a certificate of a role: usages, alternative names, validity, and the algorithm
/// of its key.
///
/// Functions that take a profile also take a [`Role`]:
///
/// ```
/// use etcd_pki_core::{KeyAlgorithm, Role, Validity};
///
/// let profile = Role::Client.profile().with_algorithm(KeyAlgorithm::Ed25519).with_validity(Validity::days(90));
/// # let _ = profile;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    role: Role,
    compatibility: Compatibility,
    /// The algorithm that was requested
    algorithm: Option<KeyAlgorithm>,
    /// The validity that was requested
    validity: Option<Validity>,
    member_common_name_allowed: bool,
    names_as_given: bool,
}

impl Profile {
    /// The profile of a CA.
    #[must_use]
    pub const fn ca() -> CaProfile {
        CaProfile {
            algorithm: KeyAlgorithm::EcP256,
            validity: CA_VALIDITY,
        }
    }

    /// Sets the algorithm of a generated key.
    #[must_use]
    pub const fn with_algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self {
            algorithm: Some(algorithm),
            ..self
        }
    }

    /// Sets how long the certificate is valid. It never outlives the CA.
    #[must_use]
    pub const fn with_validity(self, validity: Validity) -> Self {
        Self {
            validity: Some(validity),
            ..self
        }
    }

    /// Allows a node or client the common name of a member, or one with the prefix of members.
    /// etcd's option `--peer-cert-allowed-cn` may then accept it as a member.
    #[must_use]
    pub const fn with_member_common_name_allowed(self) -> Self {
        Self {
            member_common_name_allowed: true,
            ..self
        }
    }

    /// Adds no alternative names to those of a member: neither its own name nor the loopback names.
    pub(crate) const fn names_as_given(self) -> Self {
        Self {
            names_as_given: true,
            ..self
        }
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The algorithm of a generated key.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlgorithm {
        match (self.algorithm, self.compatibility) {
            (Some(algorithm), _) => algorithm,
            (None, Compatibility::Strict) => KeyAlgorithm::EcP256,
            (None, Compatibility::Kubespray) => KeyAlgorithm::Rsa2048,
        }
    }

    /// The requested algorithm. `None` is the default, which never replaces an existing key.
    pub(crate) const fn requested_algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm
    }

    pub(crate) const fn validity(&self) -> Validity {
        match (self.validity, self.compatibility) {
            (Some(validity), _) => validity,
            (None, Compatibility::Strict) => LEAF_VALIDITY,
            (None, Compatibility::Kubespray) => KUBESPRAY_VALIDITY,
        }
    }

    /// The requested validity.
    pub(crate) const fn asked_validity(&self) -> Option<Validity> {
        self.validity
    }

    /// Whether a member's common name is granted.
    pub(crate) fn may_have_member_common_name(&self) -> bool {
        self.role == Role::Member || self.member_common_name_allowed
    }

    /// The key usages. Only RSA keys encrypt, so only they have keyEncipherment (RFC 5280, section
    /// 4.2.1.3; RFC 8813, section 3).
    pub(crate) const fn key_usages(&self, rsa: bool) -> &'static [KeyUsage] {
        if rsa {
            &[KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment]
        } else {
            &[KeyUsage::DigitalSignature]
        }
    }

    /// Whether an existing certificate may keep its key usages. Kubespray's certificates have none,
    /// which allows all.
    pub(crate) fn accepts_key_usages(&self, found: Option<&[KeyUsage]>, rsa: bool) -> bool {
        match found {
            None => self.compatibility == Compatibility::Kubespray,
            Some(found) => {
                let wanted = self.key_usages(rsa);
                // kubeadm and cfssl give elliptic curve keys keyEncipherment too, and no verifier
                // checks it
                let is_known =
                    |usage| wanted.contains(usage) || *usage == KeyUsage::KeyEncipherment;
                wanted.iter().all(|usage| found.contains(usage)) && found.iter().all(is_known)
            }
        }
    }

    pub(crate) const fn extended_key_usages(&self) -> &'static [ExtendedKeyUsage] {
        match (self.role, self.compatibility) {
            (Role::Member, _) | (_, Compatibility::Kubespray) => {
                &[ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth]
            }
            (Role::Node | Role::Client, Compatibility::Strict) => &[ExtendedKeyUsage::ClientAuth],
        }
    }

    pub(crate) fn common_name(&self, identity: &Identity) -> Result<Option<String>> {
        let common_name = identity.common_name(|name| {
            let name = match self.compatibility {
                // Clients keep dots: `root.backup` must not become the user `root`
                Compatibility::Kubespray if self.role != Role::Client => {
                    name.split('.').next().unwrap_or(name)
                }
                _ => name,
            };
            [self.role.common_name_prefix(), name].concat()
        })?;
        match common_name {
            Some(common_name)
                if !self.may_have_member_common_name()
                    && common_name.starts_with(Role::Member.common_name_prefix()) =>
            {
                Err(Error::MemberCommonName { common_name })
            }
            None if identity.organization().is_none() => Err(Error::NoSubject),
            common_name => Ok(common_name),
        }
    }

    /// The names and addresses that clients connect to. A role that accepts no connections has the
    /// unspecified address if no names or addresses are given: etcd's peer port immediately refuses
    /// a client's certificate with only this address (`checkCertSAN` in
    /// `client/pkg/transport/listener_tls.go`), but accepts one without alternative names.
    pub(crate) fn alternative_names<'a>(
        &self,
        identity: &'a Identity,
    ) -> Result<Vec<&'a AlternativeName>> {
        let given = identity.alternative_names();
        let count = given.map_or(0, <[_]>::len);
        limits::check("list of names", count, limits::NAMES, "alternative names")?;
        if self.role != Role::Member {
            let mut names: Vec<_> = given.unwrap_or_default().iter().collect();
            let is_host = |name: &&AlternativeName| !matches!(name, AlternativeName::Uri(_));
            if given.is_some() && !names.iter().any(is_host) {
                names.push(AlternativeName::unspecified());
            }
            return Ok(names);
        }
        let (host, loopback) = if self.names_as_given {
            (None, &[][..])
        } else {
            (identity.host()?, AlternativeName::loopback())
        };
        let given = given.unwrap_or_default();
        if host.is_none() && given.is_empty() {
            return Err(Error::NoAlternativeName);
        }
        Ok(each_once(
            host.into_iter().chain(given).chain(loopback).collect(),
        ))
    }
}

impl From<Role> for Profile {
    fn from(role: Role) -> Self {
        role.profile()
    }
}

impl Role {
    /// The default profile of this role.
    #[must_use]
    pub const fn profile(self) -> Profile {
        Profile {
            role: self,
            compatibility: Compatibility::Strict,
            algorithm: None,
            validity: None,
            member_common_name_allowed: false,
            names_as_given: false,
        }
    }
}

impl Compatibility {
    /// The profile of a role that is compatible with this tool.
    #[must_use]
    pub const fn profile(self, role: Role) -> Profile {
        let strict = role.profile();
        match self {
            Self::Strict => strict,
            Self::Kubespray => Profile {
                compatibility: self,
                ..strict
            },
        }
    }

    /// The profile of a CA that is compatible with this tool.
    #[must_use]
    pub const fn ca(self) -> CaProfile {
        match self {
            Self::Strict => Profile::ca(),
            Self::Kubespray => CaProfile {
                algorithm: KeyAlgorithm::Rsa2048,
                validity: KUBESPRAY_VALIDITY,
            },
        }
    }
}

/// The profile of a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaProfile {
    algorithm: KeyAlgorithm,
    validity: Validity,
}

impl CaProfile {
    /// Sets the algorithm of a generated key.
    #[must_use]
    pub const fn with_algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Sets how long the CA is valid.
    #[must_use]
    pub const fn with_validity(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }

    /// The algorithm of a generated key.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The validity of the CA.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// It allows one CA below it, for the link certificate of a CA rotation. It signs certificates
    /// and revocation lists.
    pub(crate) const PATH_LENGTH: u8 = 1;
    pub(crate) const KEY_USAGES: &'static [KeyUsage] = &[KeyUsage::KeyCertSign, KeyUsage::CrlSign];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(profile: Profile, identity: &Identity) -> Vec<String> {
        let names = profile.alternative_names(identity).unwrap();
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_member_answers_by_its_name_and_on_loopback() {
        let identity = Identity::new("etcd-1")
            .unwrap()
            .with_names(["10.0.0.1", "::1"])
            .unwrap();
        assert_eq!(
            names(Role::Member.profile(), &identity),
            ["etcd-1", "10.0.0.1", "::1", "localhost", "127.0.0.1"]
        );
        let nameless = Identity::from_common_name("x").unwrap();
        assert!(matches!(
            Role::Member.profile().alternative_names(&nameless),
            Err(Error::NoAlternativeName)
        ));
    }

    #[test]
    fn a_hundred_thousand_names_and_no_more() {
        let named = |count: u32| {
            let names = (0..count).map(|n| AlternativeName::Ip(std::net::Ipv4Addr::from(n).into()));
            Identity::new("a").unwrap().with_alternative_names(names)
        };
        let most = limits::NAMES as u32;
        for profile in Role::ALL.map(Role::profile) {
            assert!(profile.alternative_names(&named(most)).is_ok());
            let identity = named(most + 1);
            let error = profile.alternative_names(&identity).unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("more than 100000 alternative names"),
                "{error}"
            );
        }
    }

    #[test]
    fn who_only_dials_is_no_host() {
        let identity = Identity::new("kube-1").unwrap();
        assert_eq!(names(Role::Node.profile(), &identity), ["0.0.0.0"]);
        assert_eq!(
            names(
                Role::Client.profile(),
                &identity.clone().without_alternative_names()
            ),
            [""; 0]
        );
        // etcd ignores URIs here
        let of_a_mesh = identity.clone().with_names(["URI:spiffe://c/n"]).unwrap();
        for role in [Role::Node, Role::Client] {
            let names = names(role.profile(), &of_a_mesh);
            assert_eq!(names, ["spiffe://c/n", "0.0.0.0"]);
        }
        let serving = identity.with_names(["10.0.0.1"]).unwrap();
        assert_eq!(names(Role::Client.profile(), &serving), ["10.0.0.1"]);
    }

    #[test]
    fn a_client_is_no_member_by_accident() {
        let identity = Identity::new("etcd-member-etcd-1").unwrap();
        let profile = Role::Client.profile();
        assert!(matches!(
            profile.common_name(&identity),
            Err(Error::MemberCommonName { .. })
        ));
        let allowed = profile
            .with_member_common_name_allowed()
            .common_name(&identity);
        assert_eq!(allowed.unwrap().as_deref(), Some("etcd-member-etcd-1"));
        assert!(Role::Member.profile().common_name(&identity).is_ok());
    }

    #[test]
    fn kubespray_cuts_at_the_first_dot() {
        let identity = Identity::new("a.dc1.example").unwrap();
        let cut = Compatibility::Kubespray
            .profile(Role::Node)
            .common_name(&identity);
        assert_eq!(cut.unwrap().as_deref(), Some("etcd-node-a"));
        let user = Compatibility::Kubespray
            .profile(Role::Client)
            .common_name(&identity);
        assert_eq!(user.unwrap().as_deref(), Some("a.dc1.example"));
        let whole = Role::Node.profile().common_name(&identity);
        assert_eq!(whole.unwrap().as_deref(), Some("etcd-node-a.dc1.example"));
    }
}
