//! Signs a request, with a name that the signer chooses.
//!
//! `cargo run --example sign_request -- DIR app.csr backup`
//!
//! The certificate goes to standard output. The claims that are not granted go to standard error.

use std::error::Error;

use etcd_pki_core::{
    CaKind, CertificateRequest, Identity, Layout, Role, Store, Validity, internal::read_file,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, request, name] = arguments.as_slice() else {
        return Err("give the CA's directory, a request and a name".into());
    };
    let ca = Store::new(directory, Layout::Kubespray).ca(CaKind::Client, None)?;
    let request = CertificateRequest::from_bytes(&read_file(request.as_ref())?)?;

    let profile = Role::Client.profile().with_validity(Validity::days(90));
    let issued = ca.sign(&request, profile, Identity::new(name)?)?;
    for claim in issued.denied_claims() {
        eprintln!("not granted: {claim}");
    }
    print!("{}", issued.to_pem());
    Ok(())
}
