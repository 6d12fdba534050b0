//! `etcd-pki cert sign`

use std::path::PathBuf;

use clap::Args;
use etcd_pki_core::{CertificateRequest, Identity, Role, request::Claim, store::Issuance};

use crate::{
    failure::{Failure, Outcome},
    files::{self, File},
    input::Input,
    options::{
        self, CaOptions, ForceOption, IdentityOptions, JsonOption, OutOption, ProfileOptions,
        ValidityOptions,
    },
    output,
    report::Report,
    time,
};

/// Sign a certificate request
///
/// The usages come from the role, the subject and the names from the options. The names in the
/// request are only claims of the requester: they are used with --accept-claims, and an option
/// overrides them. Claims that are not granted are reported.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert sign app.csr --role client --cn backup -d /etc/ssl/etcd/ssl -o app.pem
  etcd-pki cert sign etcd-1.csr --role member --name etcd-1 --san 10.0.0.11 -d pki -o etcd-1.pem
  etcd-pki cert sign app.csr --role client --accept-claims --ca ca.pem --ca-key ca-key.pem

Exit codes:
  0  the request is signed
  1  failed or refused, such as a request with an invalid signature, or an existing file
  2  the arguments are not understood, or neither name the identity nor accept the claims")]
pub(crate) struct Sign {
    /// File of a certificate request, PEM or DER
    #[arg(value_name = "CSR")]
    request: PathBuf,
    /// The role of the certificate
    #[arg(long, value_parser = options::role())]
    role: Role,
    /// The name of the host or user. Its common name is the role's prefix and this name; a member
    /// also has it as a DNS name
    #[arg(long)]
    name: Option<String>,
    /// Use the subject and the names that the request claims
    #[arg(long)]
    accept_claims: bool,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    profile: ProfileOptions,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    ca: CaOptions,
    #[command(flatten)]
    out: OutOption,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Sign {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        let out = &self.out.path;
        let mut report = Report::on(&[out], &self.json)?;
        let request = input.request(&self.request)?;
        let identity = self.identity(&request)?;
        let profile = self.validity.apply(self.profile.of(self.role))?;
        let ca = self.ca.load(input)?;
        let issued = ca.at(time::now()).sign(&request, profile, identity)?;

        let certificate = issued.to_pem();
        let issuance = || {
            let issuance = Issuance::new(issued.certificate(), &ca);
            match request.subject() {
                subject if subject.is_empty() => issuance,
                subject => issuance.with_requester(subject),
            }
        };
        let files = [File::public(out, &certificate)];
        let locked = files::lock(&[out])?;
        let record = || self.ca.record(issuance());
        let _ = report.write_locked(&files, self.force.replacing(), &locked, &record)?;
        let name = self.name.as_deref();
        report.leaf(out, issued.certificate(), self.role, name);
        report.refused(issued.denied_claims(), self.accept_claims);
        if self.validity.is_asked_for() {
            report.validity_cut(issued.requested_end(), issued.certificate());
        }
        let store = self.ca.directory.store();
        report.warn_of_peer_port(issued.certificate(), store.as_ref());
        report.check_ca(&ca);
        self.ca.warn(&mut report);
        report.finish()
    }

    /// The identity to sign: the options, and the accepted claims of the request that no option
    /// overrides.
    fn identity(&self, request: &CertificateRequest) -> Result<Identity, Failure> {
        if self.name.is_none() && !self.identity.say_who() && !self.accept_claims {
            return Err(unaccepted(request.claims()));
        }
        let claimed = request.claimed_where(|claim| self.accepts(claim))?;
        let identity = match &self.name {
            Some(name) => named(name, &claimed)?,
            None => claimed,
        };
        self.identity.refine(identity, self.role)
    }

    /// Whether a claim is accepted. An option overrides it.
    fn accepts(&self, claim: &Claim) -> bool {
        let is_named = matches!(claim, Claim::CommonName(_)) && self.name.is_some();
        self.accept_claims && !is_named && !self.identity.go_over(claim)
    }
}

/// An identity with this name, and with the organization and the alternative names of another one.
fn named(name: &str, other: &Identity) -> Result<Identity, Failure> {
    let alternative_names = other.alternative_names().unwrap_or_default();
    let identity = Identity::new(name)?.with_alternative_names(alternative_names.iter().cloned());
    match other.organization() {
        Some(organization) => Ok(identity.with_organization(organization)?),
        None => Ok(identity),
    }
}

/// The error if no option confirms any claim of the request.
fn unaccepted(claims: &[Claim]) -> Failure {
    let claims: Vec<_> = claims.iter().map(ToString::to_string).collect();
    let claims = match &claims[..] {
        [] => "nothing".to_owned(),
        claims => output::few(claims),
    };
    Failure::usage(
        format!("no name is given; the request claims {claims}"),
        "say it with --name or --cn and --san, or take the request's word with --accept-claims",
    )
}
