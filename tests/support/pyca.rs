//! pyca/cryptography as a judge.

use std::path::Path;

use crate::{output::run, python::script, tool::Tool, verdict::Verdict};

/// `PolicyBuilder().build_server_verifier(host)`
pub fn verify_server(ca: &Path, certificate: &Path, host: &str) -> Verdict {
    judge("server", certificate, Some(ca), Some(host))
}

/// `PolicyBuilder().build_client_verifier()`
pub fn verify_client(ca: &Path, certificate: &Path) -> Verdict {
    judge("client", certificate, Some(ca), None)
}

/// `load_pem_x509_csr` and `is_signature_valid`
pub fn request(request: &Path) -> Verdict {
    judge("request", request, None, None)
}

/// `load_der_x509_crl` or `load_pem_x509_crl`, and `is_signature_valid` with the CA's key
pub fn revocation_list(list: &Path, ca: &Path) -> Verdict {
    judge("crl", list, Some(ca), None)
}

fn judge(question: &str, file: &Path, ca: Option<&Path>, host: Option<&str>) -> Verdict {
    let mut command = Tool::PYTHON.command();
    command
        .arg("-I")
        .arg(script("judge_pyca.py"))
        .arg(question)
        .arg(file);
    if let Some(ca) = ca {
        command.arg("--ca").arg(ca);
    }
    if let Some(host) = host {
        command.args(["--host", host]);
    }
    Verdict::from_json(&run(&mut command).expect_success().json())
}
