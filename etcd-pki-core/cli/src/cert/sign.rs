//! `etcd-pki cert sign`

use std::path::PathBuf;

use clap::Args;
use etcd_pki_core::{CertificateRequest, Identity, Role, request::Claim};

use crate::{
    failure::{Failure, Outcome},
    files::File,
    input::Input,
    options::{
        self, AuthorityOptions, ForceOption, IdentityOptions, JsonOption, OutOption,
        ProfileOptions, ValidityOptions,
    },
    output,
    report::Report,
    time,
};

/// Sign a certificate request
///
/// The usages come from the role, and the subject and the names from the options. What the request says of them is a claim of its
/// maker: it is taken only with --accept-claims, and an option goes over it. What was claimed and not granted is told.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert sign app.csr --role client --cn backup -d /etc/ssl/etcd/ssl -o app.pem
  etcd-pki cert sign etcd-1.csr --role member --name etcd-1 --san 10.0.0.11 -d pki -o etcd-1.pem
  etcd-pki cert sign app.csr --role client --accept-claims --ca ca.pem --ca-key ca-key.pem

Exit codes:
  0  the request is signed
  1  failed or refused, such as a request whose signature is bad, or a file that exists
  2  the arguments are not understood, or neither say who it is nor accept the claims")]
pub(crate) struct Sign {
    /// File of a certificate request, PEM or DER
    #[arg(value_name = "CSR")]
    request: PathBuf,
    /// What the certificate is for
    #[arg(long, value_parser = options::role())]
    role: Role,
    /// The host or user: its common name is this behind the role's prefix, and a member answers by it
    #[arg(long)]
    name: Option<String>,
    /// Take the subject and the names that the request claims
    #[arg(long)]
    accept_claims: bool,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    profile: ProfileOptions,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    authority: AuthorityOptions,
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
        let ca = self.authority.load(input)?;
        let issued = ca.at(time::now()).sign(&request, profile, identity)?;

        let certificate = issued.to_pem();
        report.write(&[File::public(out, &certificate)], self.force.replacing())?;
        let name = self.name.as_deref();
        report.leaf(out, issued.certificate(), self.role, name);
        report.refused(issued.denied_claims(), self.accept_claims);
        if self.validity.is_asked_for() {
            report.validity_cut(issued.requested_end(), issued.certificate());
        }
        let store = self.authority.directory.store();
        report.warn_of_peer_port(issued.certificate(), store.as_ref());
        report.check_authority(&ca);
        self.authority.warn(&mut report);
        report.finish()
    }

    /// Who it is: what the options say, over what the request claims if that is accepted.
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

    /// Whether a claim is taken: no option goes over it.
    fn accepts(&self, claim: &Claim) -> bool {
        let is_named = matches!(claim, Claim::CommonName(_)) && self.name.is_some();
        self.accept_claims && !is_named && !self.identity.go_over(claim)
    }
}

/// Somebody of this name, whose organization and alternative names are another identity's.
fn named(name: &str, other: &Identity) -> Result<Identity, Failure> {
    let alternative_names = other.alternative_names().unwrap_or_default();
    let identity = Identity::new(name)?.with_alternative_names(alternative_names.iter().cloned());
    match other.organization() {
        Some(organization) => Ok(identity.with_organization(organization)?),
        None => Ok(identity),
    }
}

/// The error for a request of which nothing was said to be true.
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
