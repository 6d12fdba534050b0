//! The openssl.conf of Kubespray's script: the command reads it as OpenSSL does. The names that
//! `openssl req` writes into a request are the reference.
use std::{fs, path::Path, process::Command};

use etcd_pki_core::{CertificateRequest, kubespray::KubesprayScript, request::Claim};
use etcd_pki_tests::{Scratch, Tool, command::etcd_pki, openssl};
use proptest::prelude::*;

/// The sections that `openssl req` needs in addition to the names.
const REQUEST: &str = "\n[req]\ndistinguished_name = dn\nreq_extensions = v3\n[dn]\n[v3]\nsubjectAltName = @alt_names\n";

/// The names that OpenSSL reads from a file, or `None` if it refuses the file.
fn by_openssl(folder: &Path, text: &str) -> Option<Vec<String>> {
    let config = folder.join("openssl.conf");
    fs::write(&config, text).unwrap();
    let output = Tool::OPENSSL
        .command()
        .env("LIST", "env.example")
        .args([
            "req",
            "-new",
            "-subj",
            "/CN=x",
            "-key",
            "key.pem",
            "-config",
            "openssl.conf",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    if !output.status.success() {
        return None;
    }
    let request = CertificateRequest::from_pem(&output.stdout).unwrap();
    let names = request.claims().iter().filter_map(|claim| match claim {
        Claim::DnsName(name) => Some(name.clone()),
        Claim::IpAddress(address) => Some(address.to_string()),
        Claim::Uri(uri) => Some(uri.clone()),
        _ => None,
    });
    Some(names.collect())
}

/// The names that the command reads from it, with a separate environment.
fn by_us(folder: &Path, text: &str) -> Result<Vec<String>, String> {
    let config = folder.join("openssl.conf");
    fs::write(&config, text).unwrap();
    let directory = folder.join("ssl");
    let _ = fs::remove_dir_all(&directory);
    let output = Command::new(etcd_pki())
        .env("MASTERS", "node1")
        .env("LIST", "env.example")
        .args(["kubespray", "--algorithm", "ec-p256", "-f"])
        .arg(&config)
        .arg("-d")
        .arg(&directory)
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let certificate = fs::read(directory.join("member-node1.pem")).unwrap();
    let certificate = etcd_pki_core::Certificate::from_pem(certificate).unwrap();
    let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
    let names = certificate.dns_names().iter().cloned();
    Ok(names
        .chain(addresses)
        .chain(certificate.uris().iter().cloned())
        .collect())
}

/// The names in our notation, without duplicates; the order of different kinds does not matter.
fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

fn folder() -> Scratch {
    let scratch = Scratch::new("openssl-conf");
    let key = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
    let _ = openssl::call(scratch.path(), key.trim_start_matches("openssl "));
    scratch
}

#[test]
fn files_that_people_have() {
    let scratch = folder();
    for names in [
        "DNS.1 = \"localhost\"",
        "DNS.1 = 'a'.`b`.\"c\"",
        "DNS.1 = local\\\nhost",
        "DNS.1 = local\\\r\nhost\r",
        "DNS.1 = a\\\n\\\nb",
        "IP.1 = $base.1",
        "IP.1 = ${base}.1",
        "IP.1 = $(base).1",
        "IP.1 = ${default::base}.1",
        "IP.1 = $default::base.1",
        "IP.1 = ${nowhere::base}.1",
        "DNS.1 = ${ENV::LIST}",
        "DNS.1 = $ENV::LIST",
        "own = a\nDNS.1 = b",
        "DNS.1 = a # a comment",
        "DNS.1 = \"a\" # \"quoted\" # twice",
        "DNS.1 = a\\#b",
        "DNS.1 = a;b",
        "DNS.1 = a'#'b",
        "# DNS.1 = x \\\nDNS.2 = y\nDNS.3 = z",
        "DNS.1=a\n[alt_names]\nDNS.2=b",
        "DNS.1=a\n[other]\nalt_names::DNS.2=b",
        "[ other ] # no name\nDNS.2=b\n[ alt_names ]\nDNS.3 = c",
        "DNS.1=a\n   \n\t\nDNS.2 =\tb  \t",
        "DNS.1 = a\\tb",
        "DNS.1 = $undefined",
        "DNS.1 = ${base",
        "DNS.1 = $",
        "DNS 1 = a",
        "DNS.1 a",
        "[alt_names",
        "[alt(names]\nDNS.1 = a",
    ] {
        let text = format!("base = 10.0.0\n[alt_names]\nURI.1 = spiffe://a/b\n{names}\n{REQUEST}");
        agree(scratch.path(), &text);
    }
    let marked = format!("\u{feff}[alt_names]\nDNS.1 = a\n{REQUEST}");
    agree(scratch.path(), &marked);
}

/// Both must read the same names, or both must refuse the file. We also refuse names that no host
/// can have, although OpenSSL writes them.
#[track_caller]
fn agree(folder: &Path, text: &str) {
    compare(text, by_openssl(folder, text), by_us(folder, text));
}

#[track_caller]
fn compare(text: &str, theirs: Option<Vec<String>>, ours: Result<Vec<String>, String>) {
    match (theirs, ours) {
        (Some(theirs), Ok(ours)) => assert_eq!(sorted(theirs), sorted(ours), "{text}"),
        (None, Err(_)) => {}
        (None, Ok(ours)) => {
            assert!(
                ours.is_empty(),
                "openssl refuses this, and we read {ours:?}:\n{text}"
            );
        }
        (Some(theirs), Err(error)) => {
            let is_of_a_name = error.contains("is not one:") || error.contains("etcd looks at");
            assert!(
                is_of_a_name,
                "openssl reads {theirs:?}, and we say {error}\n{text}"
            );
            let names = theirs.iter().filter(|name| !name.starts_with("spiffe:"));
            // OpenSSL keeps blanks around a name
            let is_name = |name: &String| {
                name.trim() == name && name.parse::<etcd_pki_core::x509::AlternativeName>().is_ok()
            };
            assert!(
                !names.clone().all(is_name),
                "openssl reads {theirs:?}, and we say {error}\n{text}"
            );
        }
    }
}

#[test]
fn what_it_includes_is_refused_by_name() {
    let scratch = folder();
    for line in [
        ".include other.conf",
        ".include = other.conf",
        ".pragma dollarid:on",
    ] {
        let text = format!("{line}\n[alt_names]\nDNS.1 = a\n");
        let error = KubesprayScript::from_openssl_conf(&text).unwrap_err();
        let word = line.split(' ').next().unwrap();
        assert!(
            error
                .to_string()
                .starts_with(&format!("line 1, column 1: {word}: ")),
            "{error}"
        );
        let said = by_us(scratch.path(), &text).unwrap_err();
        assert!(said.contains("is not followed here"), "{said}");
    }
}

/// A part of a value, as it is written in the file.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,3}",
        1 => "\"[a-z]{1,2}\"",
        1 => "'[a-z#]{1,2}'",
        1 => "\\\\[a-z#$\"'\\\\]",
        1 => Just("$base".to_owned()),
        1 => Just("${base}".to_owned()),
        1 => Just("$(x::own)".to_owned()),
        1 => Just("${ENV::LIST}".to_owned()),
        1 => Just("${none::own}".to_owned()),
        1 => Just("\\\n".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("#".to_owned()),
        1 => Just("-".to_owned()),
        1 => Just(".".to_owned()),
    ]
}

/// A line of a file, in which `%` is a different number each time.
fn line() -> impl Strategy<Value = String> {
    let value = || prop::collection::vec(piece(), 1..4).prop_map(|pieces| pieces.concat());
    let begin = prop_oneof![
        Just("[alt_names]"),
        Just("[ alt_names ]"),
        Just("[\talt_names\t] # a comment"),
        Just("  [alt_names] rest"),
        Just("[other]"),
        Just("[ x ]"),
        Just("[alt_names"),
        Just("[alt${default::none}_names]"),
        Just("[${x::section}]"),
        Just("[\"alt_names\"]"),
        Just("[alt\\_names]"),
    ];
    prop_oneof![
        3 => begin.prop_map(str::to_owned),
        6 => value().prop_map(|value| format!("DNS.% = {value}")),
        1 => Just("IP.% = 10.0.0.%".to_owned()),
        1 => Just("IP.%=fd00::%".to_owned()),
        1 => Just("\tIP.%\t=\t${base}%.1".to_owned()),
        2 => value().prop_map(|value| format!("alt_names::DNS.% = {value}")),
        1 => value().prop_map(|value| format!("x::own = {value}")),
        1 => value().prop_map(|value| format!("own = {value}")),
        1 => Just("DNS.% = $own".to_owned()),
        1 => Just("DNS.% = ${x::own}$x::own$(default::base)".to_owned()),
        1 => Just("DNS.% = ${own}.${none}".to_owned()),
        1 => Just("# a comment \\".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just("DNS.% = a \\ ".to_owned()),
        1 => Just("DNS.% = a\\\\".to_owned()),
        1 => Just("DNS.% == a".to_owned()),
        1 => Just("DNS.% a".to_owned()),
        1 => Just(";DNS.% = a".to_owned()),
        1 => Just("DNS.% = a;b".to_owned()),
    ]
}

/// The names that the library reads from a file, without an environment.
fn by_library(text: &str) -> Result<Vec<String>, String> {
    let script = KubesprayScript::from_openssl_conf(text).map_err(|error| error.to_string())?;
    Ok(script.names().iter().map(ToString::to_string).collect())
}

proptest! {
    #[test]
    fn any_file(
        lines in prop::collection::vec((line(), prop::sample::select(vec!["\n", "\r\n", " \n", "\n\n"])), 1..12),
        is_marked: bool,
    ) {
        thread_local! {
            static FOLDER: Scratch = folder();
        }
        let mark = if is_marked { "\u{feff}" } else { "" };
        let lines = lines.iter().zip(11..).map(|((line, end), number)| {
            let line = line.replace('%', &number.to_string());
            format!("{}{end}", line.replace("ENV::LIST", "x::own"))
        });
        let text = format!(
            "{mark}base = 10.0.\n[x]\nown = o\nsection = alt_names\n[alt_names]\nURI.1 = spiffe://a/b\n{}\n{REQUEST}",
            lines.collect::<String>()
        );
        FOLDER.with(|folder| compare(&text, by_openssl(folder.path(), &text), by_library(&text)));
    }

    #[test]
    fn any_value(values in prop::collection::vec(prop::collection::vec(piece(), 1..5), 1..4)) {
        thread_local! {
            static FOLDER: Scratch = folder();
        }
        let lines = values.iter().zip(1..).map(|(pieces, number)| format!("DNS.{number} = {}\n", pieces.concat()));
        let text = format!(
            "base = b.example\n[x]\nown = o\n[alt_names]\nURI.1 = spiffe://a/b\n{}{REQUEST}",
            lines.collect::<String>()
        );
        FOLDER.with(|folder| agree(folder.path(), &text));
    }
}
