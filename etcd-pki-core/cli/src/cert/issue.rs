//! `etcd-pki cert issue`

use std::path::Path;

use clap::Args;
use etcd_pki_core::{
    Bundle, CaKind, CertificateAuthority, Identity, Role, Store, layout::PairPaths, store::Issuance,
};

use crate::{
    facts::in_words,
    failure::{Failure, Message, Outcome},
    files::{self, File, Replacing, spare_ca},
    input::Input,
    options::{
        self, CaOptions, ForceOption, IdentityOptions, JsonOption, KeyOptions, KeyUse,
        PairOutOptions, ProfileOptions, ValidityOptions,
    },
    output,
    report::Report,
    time,
};

/// Create a key and a certificate for it
///
/// With -d alone both are written to the directory, under the names of its layout. With -o they are
/// written to files, and -d only finds the CA. With neither, they are printed, the certificate
/// first.
///
/// With RBAC, the common name is the user, and etcd's JSON gateway (/v3/...) refuses every client
/// certificate that has one, also with a valid token. Issue its clients with --no-cn and --org, and
/// send a token from /v3/auth/authenticate with each request.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert issue member etcd-1 --san etcd-1.lan --san 10.0.0.11 -d /etc/ssl/etcd/ssl
  etcd-pki cert issue node kube-1 -d /etc/ssl/etcd/ssl
  etcd-pki cert issue client backup --days 90 --ca ca.pem --ca-key ca-key.pem -o backup.pem
  etcd-pki cert issue client proxy --no-cn --org etcd-proxy -d /etc/ssl/etcd/ssl
  etcd-pki cert issue client patroni --no-cn --org etcd-gateway -d /etc/ssl/etcd/ssl

Exit codes:
  0  the certificate is issued
  1  failed or refused, such as an invalid name, or an existing file without --force
  2  the arguments are not understood, such as an unknown role")]
pub(crate) struct Issue {
    /// The role of the certificate
    #[arg(value_parser = options::role())]
    role: Role,
    /// The name of the host or user. Its common name is the role's prefix and this name; a member
    /// also has it as a DNS name
    #[arg(required_unless_present_any = ["cn", "no_cn"])]
    name: Option<String>,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    profile: ProfileOptions,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    ca: CaOptions,
    #[command(flatten)]
    out: PairOutOptions,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Issue {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self.ca.directory.store() {
            Some(store) if self.out.out.is_none() => self.run_in(&store, input),
            _ => self.run_to_files(input),
        }
    }

    fn run_in(&self, store: &Store, input: &Input) -> Outcome {
        let pairs = self.pairs(store)?;
        let paths: Vec<_> = pairs
            .iter()
            .map(|pair| pair.below(store.directory()))
            .collect();
        let mut report = Report::new(&self.json);
        let ca = self.ca.load(input)?;
        self.check_trusted_by(store, &ca)?;
        // A key of the directory is read under the lock, because another process may replace it
        let in_place: Vec<&Path> = paths
            .iter()
            .filter(|pair| self.key.is_in_place(&pair.key))
            .map(|pair| &*pair.certificate)
            .collect();
        let locked = (!in_place.is_empty()).then(|| files::lock(&in_place));
        let locked = locked.transpose()?;
        let bundles = pairs.iter().map(|_| self.make(&ca, input));
        let bundles: Vec<Bundle> = bundles.collect::<Result<_, _>>()?;
        let mut new = Vec::new();
        let mut written = Vec::new();
        for ((bundle, pair), paths) in bundles.iter().zip(&pairs).zip(&paths) {
            if self.key.is_in_place(&paths.key)
                && let Some(locked) = &locked
            {
                let certificate = bundle.to_pem();
                let file = File::public(&paths.certificate, &certificate);
                let record = || {
                    let issuance = Issuance::new(bundle.certificate(), &ca);
                    self.ca.record(issuance)
                };
                let replacing = self.force.replacing();
                let _ = report.write_locked(&[file], replacing, locked, &record)?;
            } else {
                new.push((bundle, pair));
                written.push(paths);
            }
        }
        drop(locked);
        if !new.is_empty() {
            let files: Vec<_> = paths
                .iter()
                .flat_map(|pair| [&*pair.certificate, &*pair.key])
                .collect();
            report.while_replacing(&files, || {
                let locked = store.lock_with(|| output::waiting_for(store.directory()))?;
                let locked = if self.ca.is_named() {
                    // Its record may be elsewhere
                    for (bundle, _) in &new {
                        let issuance = Issuance::new(bundle.certificate(), &ca);
                        self.ca.record(issuance)?;
                    }
                    locked.without_record()
                } else {
                    self.ca.record.applied_to(locked)
                };
                if self.force.replacing() == Replacing::Files {
                    for ((bundle, _), paths) in new.iter().zip(&written) {
                        let key = bundle.key().public_key();
                        spare_ca(&File::secret(&paths.key, "", key))?;
                    }
                }
                Ok(locked.write_pairs(&new, self.force.replacing().overwrite())?)
            })?;
        }
        for ((bundle, pair), paths) in bundles.iter().zip(&pairs).zip(&paths) {
            let is_new = new.iter().any(|(_, new)| *new == pair);
            let key = is_new.then_some(&*paths.key);
            self.tell(&mut report, bundle, &paths.certificate, key);
            if is_new {
                report.check_layout(store.layout(), bundle.key().algorithm());
            }
        }
        self.finish(report, &ca)
    }

    /// Refuses to write a certificate of another CA next to the directory's own CA: no member would
    /// trust it.
    fn check_trusted_by(&self, store: &Store, ca: &CertificateAuthority) -> Result<(), Failure> {
        if store.trusts(ca)? != Some(false) {
            return Ok(());
        }
        let subject = ca.certificate().subject();
        Err(Failure::Failed(Message {
            text: format!(
                "{} does not trust the CA that would sign: {}",
                store.ca_paths(CaKind::Client).certificate.display(),
                in_words::subject(&subject)
            ),
            hint: Some(
                "nothing was written; leave out --ca and --ca-key to sign with the directory's CA, or write elsewhere \
                 with -o FILE"
                    .to_owned(),
            ),
        }))
    }

    fn run_to_files(&self, input: &Input) -> Outcome {
        let (out, key_out) = self.out.files()?;
        let mut report = Report::on(&self.key.files(&out, &key_out), &self.json)?;
        let ca = self.ca.load(input)?;
        let locked = files::lock(&self.key.files(&out, &key_out))?;
        let bundle = self.make(&ca, input)?;

        let certificate = bundle.to_pem();
        let key = bundle.to_secret_pem();
        let key_out = self.key.is_new().then_some(&*key_out);
        let mut files = vec![File::public(&out, &certificate)];
        files.extend(key_out.map(|path| File::secret(path, &key, bundle.key().public_key())));
        let record = || {
            let issuance = Issuance::new(bundle.certificate(), &ca);
            self.ca.record(issuance)
        };
        let _ = report.write_locked(&files, self.force.replacing(), &locked, &record)?;
        self.tell(&mut report, &bundle, &out, key_out);
        self.finish(report, &ca)
    }

    /// The paths that the layout has for the pairs of this name.
    fn pairs(&self, store: &Store) -> Result<Vec<PairPaths>, Failure> {
        if self.out.key_out.is_some() {
            return Err(Failure::usage(
                "--key-out names a file, and -d puts the key into the directory",
                "give -o FILE too, so that -d only finds the CA",
            ));
        }
        match &self.name {
            Some(name) => Ok(store.layout().pairs(self.role, name)?),
            None => Err(Failure::usage(
                "no name to call the files in the directory by",
                format!("give one, such as `cert issue {} backup`", self.role),
            )),
        }
    }

    fn make(&self, ca: &CertificateAuthority, input: &Input) -> Result<Bundle, Failure> {
        let identity = match &self.name {
            Some(name) => Identity::new(name)?,
            None => Identity::anonymous(),
        };
        let identity = self.identity.refine(identity, self.role)?;
        let profile = self.validity.apply(self.profile.of(self.role))?;
        let passphrase = self.ca.passphrase.read(input)?;
        let store = self.ca.directory.store();
        let key = KeyUse::Leaf(store.as_ref());
        let key = self
            .key
            .obtain(self.profile.habits, input, passphrase.as_ref(), key)?;
        Ok(ca.at(time::now()).issue_for(key, profile, identity)?)
    }

    fn tell(&self, report: &mut Report, bundle: &Bundle, certificate: &Path, key: Option<&Path>) {
        let name = self.name.as_deref();
        report.leaf(certificate, bundle.certificate(), self.role, name);
        if let Some(path) = key {
            report.key(path, bundle.key());
        }
        if self.validity.is_asked_for() {
            report.validity_cut(bundle.requested_end(), bundle.certificate());
        }
        let store = self.ca.directory.store();
        report.warn_of_peer_port(bundle.certificate(), store.as_ref());
    }

    fn finish(&self, mut report: Report, ca: &CertificateAuthority) -> Outcome {
        report.check_ca(ca);
        self.ca.warn(&mut report);
        report.finish()
    }
}
