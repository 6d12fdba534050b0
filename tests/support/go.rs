//! Go as a judge: etcd decides as Go does.

use std::path::Path;

use serde_json::Value;

use crate::{
    credentials::Credentials,
    output::{Output, run, run_with_input},
    tool::Tool,
    verdict::Verdict,
};

/// `tls.X509KeyPair`: whether etcd could load the pair.
pub fn key_pair(certificate: &Path, key: &Path) -> Verdict {
    judge(
        "pair",
        &[
            ("-cert", certificate.as_os_str()),
            ("-key", key.as_os_str()),
        ],
    )
    .0
}

/// A question to `x509.Verify`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verify<'a> {
    ca: &'a Path,
    certificate: &'a Path,
    name: Option<&'a str>,
    at: Option<&'a str>,
}

/// Prepares a question about a certificate. [`Verify::server`] and [`Verify::client`] ask it.
pub fn verify<'a>(ca: &'a Path, certificate: &'a Path) -> Verify<'a> {
    Verify {
        ca,
        certificate,
        name: None,
        at: None,
    }
}

impl<'a> Verify<'a> {
    /// Also checks this DNS name or address (`Certificate.VerifyHostname`).
    pub fn host(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets the time, in RFC 3339. The default is now.
    pub fn at(mut self, instant: &'a str) -> Self {
        self.at = Some(instant);
        self
    }

    /// Asks for `ExtKeyUsageServerAuth`.
    pub fn server(&self) -> Verdict {
        self.ask("server")
    }

    /// Asks for `ExtKeyUsageClientAuth`.
    pub fn client(&self) -> Verdict {
        self.ask("client")
    }

    fn ask(&self, usage: &str) -> Verdict {
        judge(
            "verify",
            &[
                ("-ca", self.ca.as_os_str()),
                ("-cert", self.certificate.as_os_str()),
                ("-usage", usage.as_ref()),
                ("-name", self.name.unwrap_or_default().as_ref()),
                ("-at", self.at.unwrap_or_default().as_ref()),
            ],
        )
        .0
    }
}

/// `x509.ParseCertificateRequest` and `CheckSignature`.
pub fn request(request: &Path) -> Verdict {
    judge("request", &[("-in", request.as_os_str())]).0
}

/// `x509.ParseRevocationList` and `CheckSignatureFrom`: the serial numbers of a list in DER, as etcd
/// reads it.
pub fn revocation_list(list: &Path, ca: &Path) -> (Verdict, Vec<String>) {
    lists(&[("-in", list.as_os_str()), ("-ca", ca.as_os_str())])
}

/// Reads the lists of a PEM file, as [`revocation_list`] does.
pub fn revocation_lists_in_pem(path: &Path, ca: &Path) -> (Verdict, Vec<String>) {
    lists(&[
        ("-in", path.as_os_str()),
        ("-ca", ca.as_os_str()),
        ("-pem", "yes".as_ref()),
    ])
}

fn lists(flags: &[(&str, &std::ffi::OsStr)]) -> (Verdict, Vec<String>) {
    let (verdict, output) = judge("crl", flags);
    let serials = body(&output.json());
    (verdict, serials.lines().map(str::to_owned).collect())
}

/// `x509.CreateCertificateRequest` for a new key of an algorithm: returns a request in PEM with the
/// contents of `template`, which is Go's `x509.CertificateRequest` in JSON.
pub fn create_request(key: &str, template: &Value) -> String {
    let template = template.to_string();
    let flags = [("-key", key.as_ref()), ("-template", template.as_ref())];
    let (verdict, output) = judge("create", &flags);
    verdict.assert_accepted(&template);
    body(&output.json())
}

/// The answer of a server: its HTTP status and page, if there was a connection.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether there was an answer
    pub verdict: Verdict,
    /// The HTTP status, 0 without an answer
    pub status: u64,
    /// The page
    pub body: String,
}

/// Gets a page over TLS, as a Go client does. The server must have the name `name`, or that of the
/// URL.
#[must_use]
pub fn dial(url: &str, credentials: &Credentials, name: Option<&str>) -> Answer {
    let mut flags = vec![
        ("-url", url.as_ref()),
        ("-ca", credentials.ca.as_os_str()),
        ("-name", name.unwrap_or_default().as_ref()),
    ];
    if let Some(pair) = &credentials.pair {
        flags.push(("-cert", pair.certificate.as_os_str()));
        flags.push(("-key", pair.key.as_os_str()));
    }
    let (verdict, output) = judge("dial", &flags);
    let answer = output.json();
    Answer {
        verdict,
        status: answer["status"].as_u64().unwrap_or_default(),
        body: body(&answer),
    }
}

/// A question to [`files`]: whether Go can read these contents as etcd uses them.
#[derive(Clone, Debug)]
pub enum Files {
    /// Every block of a trusted CA file goes through `x509.ParseCertificate`.
    TrustedCa(Vec<u8>),
    /// The certificate side of `tls.X509KeyPair`, and the certificates that the other side of a
    /// connection parses
    Certificate(Vec<u8>),
    /// The key side of `tls.X509KeyPair`
    Key(Vec<u8>),
    /// A certificate and its key
    Pair(Vec<u8>, Vec<u8>),
}

/// Asks Go about many files in one run.
pub fn files(questions: &[Files]) -> Vec<Verdict> {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let mut input = String::new();
    for question in questions {
        let line = match question {
            Files::TrustedCa(file) => format!("ca {}\n", hex(file)),
            Files::Certificate(file) => format!("certificate {}\n", hex(file)),
            Files::Key(file) => format!("key {}\n", hex(file)),
            Files::Pair(certificate, key) => format!("pair {} {}\n", hex(certificate), hex(key)),
        };
        input.push_str(&line);
    }
    let output = run_with_input(Tool::GO_JUDGE.command().arg("files"), input);
    let lines = output.expect_success();
    let verdicts = lines.stdout().lines().map(|line| {
        let answer = serde_json::from_str(line).expect("the judge prints JSON");
        Verdict::from_json(&answer)
    });
    verdicts.collect()
}

fn body(answer: &Value) -> String {
    answer["body"].as_str().unwrap_or_default().to_owned()
}

fn judge(question: &str, flags: &[(&str, &std::ffi::OsStr)]) -> (Verdict, Output) {
    let mut command = Tool::GO_JUDGE.command();
    command.arg(question);
    for (flag, value) in flags {
        command.arg(flag).arg(value);
    }
    let output = run(&mut command).expect_success();
    (Verdict::from_json(&output.json()), output)
}
