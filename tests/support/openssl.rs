//! OpenSSL's command as a judge.

use std::{
    io::Write as _,
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use etcd_pki_core::cluster::Endpoint;

use crate::{
    etcd::ports::free_port,
    output::{Output, run},
    tool::Tool,
    verdict::Verdict,
};

/// The purpose of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A TLS server
    Server,
    /// A TLS client
    Client,
}

/// Runs an `openssl` line in a directory, without quotes; it must succeed.
#[track_caller]
pub fn call(directory: &Path, line: &str) -> Output {
    run(Tool::OPENSSL
        .command()
        .args(line.split_whitespace())
        .current_dir(directory))
    .expect_success()
}

/// Runs such a line, and returns whether it succeeds.
pub fn accepts(directory: &Path, line: &str) -> bool {
    run(Tool::OPENSSL
        .command()
        .args(line.split_whitespace())
        .current_dir(directory))
    .success()
}

/// `openssl verify`
pub fn verify(ca: &Path, certificate: &Path, purpose: Purpose) -> Verdict {
    verify_with(ca, certificate, purpose, &[])
}

/// `openssl verify -x509_strict`: also checks what RFC 5280 requires and a chain does not need
pub fn verify_strict(ca: &Path, certificate: &Path, purpose: Purpose) -> Verdict {
    verify_with(ca, certificate, purpose, &["-x509_strict"])
}

/// `openssl verify -verify_hostname`, or `-verify_ip` for an address
pub fn verify_host(ca: &Path, certificate: &Path, host: &str) -> Verdict {
    let option = match host.parse::<std::net::IpAddr>() {
        Ok(_) => "-verify_ip",
        Err(_) => "-verify_hostname",
    };
    verify_with(ca, certificate, Purpose::Server, &[option, host])
}

fn verify_with(ca: &Path, certificate: &Path, purpose: Purpose, options: &[&str]) -> Verdict {
    let purpose = match purpose {
        Purpose::Server => "sslserver",
        Purpose::Client => "sslclient",
    };
    run(Tool::OPENSSL
        .command()
        .args(["verify", "-purpose", purpose])
        .args(options)
        // Certificates that the machine trusts have no effect.
        .args(["-no-CApath", "-no-CAstore", "-CAfile"])
        .arg(ca)
        .arg(certificate))
    .verdict()
}

/// `openssl req -verify`: the signature of a request by its own key
pub fn request_verify(request: &Path) -> Verdict {
    let output = run(Tool::OPENSSL
        .command()
        .args(["req", "-verify", "-noout", "-in"])
        .arg(request));
    // OpenSSL 1.1 and 3.0 exit with 0 even if the signature is bad.
    if output.success() && !output.stderr().contains("verify OK") {
        return Verdict::Refused(output.stderr().to_owned());
    }
    output.verdict()
}

/// `openssl dgst -mac HMAC`: HMAC-SHA256 of a message; the key and the answer are hexadecimal
/// digits
#[must_use]
pub fn hmac_sha256(key: &str, message: &[u8]) -> String {
    let mut child = Tool::OPENSSL
        .command()
        .args(["dgst", "-r", "-sha256", "-mac", "HMAC", "-macopt"])
        .arg(format!("hexkey:{key}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl starts");
    let mut input = child.stdin.take().expect("its standard input is a pipe");
    input.write_all(message).expect("openssl reads it all");
    drop(input);
    let output = child.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl dgst failed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// An extension, as `openssl asn1parse` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// OpenSSL's long name for it
    pub name: String,
    /// Whether it is marked critical
    pub critical: bool,
    /// The DER of its value, in upper-case hex
    pub value: String,
}

/// The extensions of a certificate in their order, read from `openssl asn1parse`.
#[must_use]
pub fn asn1parse_extensions(certificate: &Path) -> Vec<Extension> {
    let output = run(Tool::OPENSSL
        .command()
        .args(["asn1parse", "-in"])
        .arg(certificate))
    .expect_success();
    // In TBSCertificate they are the element with the tag [3], at its end (RFC 5280, section 4.1).
    let lines = output
        .stdout()
        .lines()
        .skip_while(|line| !line.contains(":d=2 ") || !line.contains("cont [ 3 ]"))
        .take_while(|line| !line.contains(":d=1 "));
    let mut extensions: Vec<Extension> = Vec::new();
    for line in lines {
        // `  289:d=5  hl=2 l=   3 prim: OBJECT            :X509v3 Basic Constraints`
        if let Some((_, name)) = line.split_once("prim: OBJECT            :") {
            extensions.push(Extension {
                name: name.trim_end().to_owned(),
                critical: false,
                value: String::new(),
            });
        } else if let Some(extension) = extensions.last_mut() {
            if line.contains("prim: BOOLEAN           :255") {
                extension.critical = true;
            } else if let Some((_, value)) = line.split_once("[HEX DUMP]:") {
                value.trim_end().clone_into(&mut extension.value);
            }
        }
    }
    extensions
}

/// A TLS server, which ends when it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    url: String,
}

/// Serves a page with the first certificate of a file, followed by those of another file, and its
/// key.
///
/// # Panics
///
/// If the server does not start within ten seconds.
#[must_use]
pub fn serve(certificate: &Path, chain: &Path, key: &Path) -> Server {
    let address = format!("127.0.0.1:{}", free_port());
    let child = Tool::OPENSSL
        .server()
        .args(["s_server", "-www", "-quiet", "-accept", &address, "-cert"])
        .arg(certificate)
        .arg("-cert_chain")
        .arg(chain)
        .arg("-key")
        .arg(key)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    Server::listening(child, &address)
}

/// Runs `openssl s_server` with the options of this line in a directory. It answers HTTP requests
/// with a page.
///
/// # Panics
///
/// If the server does not start within ten seconds.
#[must_use]
pub fn s_server(directory: &Path, line: &str) -> Server {
    let address = format!("127.0.0.1:{}", free_port());
    let child = Tool::OPENSSL
        .server()
        .current_dir(directory)
        .args(["s_server", "-www", "-quiet", "-accept", &address])
        .args(line.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl starts");
    Server::listening(child, &address)
}

impl Server {
    /// Waits until the server listens.
    fn listening(child: Child, address: &str) -> Self {
        let server = Self {
            child,
            url: format!("https://{address}/"),
        };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < end, "openssl s_server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// The host and the port.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let address = self.url.trim_start_matches("https://");
        let address = address.trim_end_matches('/').parse();
        address.expect("a host and a port")
    }

    /// The URL of its page.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
