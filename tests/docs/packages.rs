//! The dependencies of the packages: no OpenSSL, no argument parser for users of the library, and
//! the stated version of Rust.
use std::{collections::BTreeSet, env, process::Command};

use etcd_pki_tests::run;
use serde_json::Value;

/// Crates that are OpenSSL, contain it, or need a similar C library.
const OPENSSL: [&str; 5] = [
    "aws-lc-sys",
    "boring-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
];

fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap());
    cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .args(["--locked", "--offline"]);
    run(&mut cargo).expect_success().stdout().to_owned()
}

/// The platform for which Rust builds here. Packages for other platforms need not be available.
fn host() -> String {
    let version = run(Command::new("rustc").arg("-vV")).expect_success();
    let line = version
        .stdout()
        .lines()
        .find_map(|line| line.strip_prefix("host: "));
    line.unwrap().to_owned()
}

/// The names and versions of all dependencies of a package.
fn dependencies(package: &str) -> BTreeSet<(String, String)> {
    dependencies_with(package, &[])
}

/// The names and versions of all dependencies of a package with these options for its features.
fn dependencies_with(package: &str, features: &[&str]) -> BTreeSet<(String, String)> {
    let tree = [
        "tree",
        "--package",
        package,
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = cargo(&[&tree, features].concat());
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let version = words.next()?.trim_start_matches('v').to_owned();
        Some((name, version))
    };
    tree.lines().filter_map(parse).collect()
}

#[test]
fn no_openssl_anywhere() {
    for package in ["etcd-pki-core", "etcd-pki"] {
        for (name, version) in dependencies(package) {
            assert!(
                !OPENSSL.contains(&name.as_str()),
                "{package} is built from {name} {version}"
            );
        }
    }
}

#[test]
fn the_library_brings_no_argument_parser() {
    let names: BTreeSet<_> = dependencies("etcd-pki-core")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for name in ["clap", "clap_builder"] {
        assert!(!names.contains(name), "etcd-pki-core is built from {name}");
    }
    assert!(names.contains("ring"));
}

/// A user who only issues certificates gets no crates for files and threads.
#[test]
fn the_library_without_files() {
    let names = |features: &[&str]| -> BTreeSet<String> {
        let all = dependencies_with("etcd-pki-core", features).into_iter();
        all.map(|(name, _)| name).collect()
    };
    let (whole, small) = (names(&[]), names(&["--no-default-features"]));
    for name in [
        "nix",
        "rayon",
        "rustix",
        "serde",
        "serde-saphyr",
        "serde_json",
        "tempfile",
    ] {
        assert!(
            whole.contains(name),
            "etcd-pki-core is not built from {name}"
        );
        assert!(
            !small.contains(name),
            "without store it is built from {name}"
        );
    }
    assert!(small.contains("ring"));
}

/// Only a user who asks running members gets TLS, without C, threads or a runtime.
#[test]
fn the_library_without_connections() {
    let names = |features: &[&str]| -> BTreeSet<String> {
        let all = dependencies_with("etcd-pki-core", features).into_iter();
        all.map(|(name, _)| name).collect()
    };
    let (usual, probing) = (names(&[]), names(&["--features", "probe"]));
    assert!(!usual.contains("rustls"));
    assert!(probing.contains("rustls"));
    for name in OPENSSL
        .into_iter()
        .chain(["aws-lc-rs", "log", "tokio", "futures"])
    {
        assert!(!probing.contains(name), "a probe is built from {name}");
    }
}

#[test]
fn the_oldest_rust_is_what_the_dependencies_ask_for() {
    let metadata: Value = serde_json::from_str(&cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        &host(),
    ]))
    .unwrap();
    let all = metadata["packages"].as_array().unwrap();
    let used = dependencies("etcd-pki");
    let version = |package: &Value| -> (u32, u32) {
        let text = package["rust_version"].as_str().unwrap_or("1.0");
        let mut numbers = text.split('.').map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    };
    let text = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
    let is_ours = |package: &Value| text(package, "name").starts_with("etcd-pki");
    let asked = all
        .iter()
        .filter(|package| !is_ours(package))
        .filter(|package| used.contains(&(text(package, "name"), text(package, "version"))))
        .map(|package| (version(package), text(package, "name")))
        .max()
        .unwrap();
    for package in all.iter().filter(|package| is_ours(package)) {
        assert_eq!(
            version(package),
            asked.0,
            "{} against {}",
            text(package, "name"),
            asked.1
        );
    }
}
