//! NSS's certutil as a judge.

use std::path::Path;

use crate::{
    output::{Output, run},
    scratch::Scratch,
    tool::Tool,
    verdict::Verdict,
};

/// The usage for which certutil checks a certificate, with its letter.
#[derive(Clone, Copy, Debug)]
pub enum Usage {
    /// An SSL client
    Client,
    /// An SSL server
    Server,
}

/// `certutil -V` in a new database that trusts only the CA.
pub fn verify(ca: &Path, certificate: &Path, usage: Usage) -> Verdict {
    let scratch = Scratch::new("nss");
    let database = Database(scratch.path());
    database.call(&["-N", "--empty-password"]).expect_success();
    for (name, trust, file) in [("ca", "CT,,", ca), ("leaf", ",,", certificate)] {
        let file = file.to_str().expect("a path in UTF-8");
        let added = database.call(&["-A", "-n", name, "-t", trust, "-i", file]);
        if !added.success() {
            return added.verdict();
        }
    }
    let letter = match usage {
        Usage::Client => "C",
        Usage::Server => "V",
    };
    // -e: also checks the signature, which certutil does not do by default
    database
        .call(&["-V", "-e", "-n", "leaf", "-u", letter])
        .verdict()
}

struct Database<'a>(&'a Path);

impl Database<'_> {
    fn call(&self, arguments: &[&str]) -> Output {
        run(Tool::CERTUTIL
            .command()
            .args(arguments)
            .arg("-d")
            .arg(format!("sql:{}", self.0.display())))
    }
}
