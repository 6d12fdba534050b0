//! The documentation, executed: the test types each command after `$` in README and docs, and
//! compares its output with the text below.
use std::{env, fs, path::Path, process::Command};

use etcd_pki_core::{Layout, Role, finding::Finding};
use etcd_pki_tests::{
    Credentials, Scratch, Tool,
    command::etcd_pki,
    etcd::{Cluster, Member, Version},
    kubespray::Kubespray,
    run,
};
use regex::Regex;

/// The directory in which the documentation places its reader
const HERE: &str = "/srv";

/// A command and its expected output.
struct Step {
    line: usize,
    command: String,
    expected: String,
}

/// The commands in the `console` blocks of a page.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step {
                line: number + 1,
                command: command.to_owned(),
                expected: String::new(),
            });
        } else if let Some(step) = steps.last_mut().filter(|_| inside && !line.is_empty()) {
            step.expected += line;
            step.expected.push('\n');
        }
    }
    steps
}

/// Runs a command in a shell, in a directory; returns its whole output, and its exit code if that
/// is not 0.
fn typed(command: &str, directory: &Path) -> String {
    let programs = [
        etcd_pki().parent().unwrap().to_owned(),
        Tool::OPENSSL.path().parent().unwrap().to_owned(),
    ];
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(programs.into_iter().chain(env::split_paths(&path))).unwrap();
    let output = Command::new("sh")
        .current_dir(directory)
        .env("PATH", path)
        .args(["-c", &format!("exec 2>&1; {command}")])
        .output()
        .unwrap();
    let mut printed = String::from_utf8(output.stdout).unwrap();
    // openssl shows its progress as dots
    printed = printed
        .lines()
        .filter(|line| !line.starts_with(['.', '+', '-', '*']))
        .map(|line| format!("{line}\n"))
        .collect();
    if printed.contains("hint: ") || output.status.success() {
        return printed;
    }
    format!("{printed}[exit code {}]\n", output.status.code().unwrap())
}

/// Replaces what differs at each run: days, instants and numbers, and the first certificate that is
/// due if several were issued in one second.
fn normal(text: &str, directory: &Path) -> String {
    let text = text.replace(directory.to_str().unwrap(), HERE);
    let varying = [
        (r"in \d+\.\d\d s", "in TIME"),
        (r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", "DAY"),
        (
            r"next renewal DAY \([a-z0-9.-]+\)",
            "next renewal DAY (FILE)",
        ),
        ("[0-9A-F]{64}", "SHA"),
        ("[0-9A-F]{40}", "SERIAL"),
        (r"(number +)\d{10}", "${1}NUMBER"),
        // The time in the name of a rotated CA
        (r"@\d{10}", "@TIME"),
    ];
    varying.into_iter().fold(text, |text, (pattern, word)| {
        let pattern = Regex::new(pattern).unwrap();
        pattern.replace_all(&text, word).into_owned()
    })
}

fn page(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(name)).unwrap()
}

fn run_page(name: &str, directory: &Path) {
    let steps = steps(&page(name));
    assert!(!steps.is_empty(), "{name} has no commands");
    for Step {
        line,
        command,
        expected,
    } in steps
    {
        let printed = typed(&command, directory);
        assert_eq!(
            normal(&printed, directory),
            normal(&expected, directory),
            "{name}:{line}: {command}"
        );
    }
}

#[test]
fn readme() {
    let scratch = Scratch::new("readme");
    specify("README.md", scratch.path());
    run_page("README.md", scratch.path());
}

#[test]
fn new_cluster() {
    let scratch = Scratch::new("new-cluster");
    specify("docs/guides/new-cluster.md", scratch.path());
    run_page("docs/guides/new-cluster.md", scratch.path());
}

/// Writes the specification of the page where the reader has it.
fn specify(name: &str, directory: &Path) {
    let text = page(name);
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    let (specification, _) = rest.split_once("```").unwrap();
    fs::write(directory.join("cluster.yaml"), specification).unwrap();
}

#[test]
fn replace_openssl() {
    let scratch = Scratch::new("guide");
    let kubespray = Kubespray::create(&["node1"], &["node1"]);
    fs::rename(kubespray.path(), scratch.path().join("ssl")).unwrap();
    run_page("docs/guides/replace-openssl.md", scratch.path());
}

#[test]
fn kubespray() {
    let scratch = Scratch::new("drop-in");
    let kubespray = Kubespray::create(&["node1"], &["node1"]);
    let directory = scratch.path().join("ssl");
    fs::rename(kubespray.path(), &directory).unwrap();
    fs::rename(
        directory.join("openssl.conf"),
        scratch.path().join("openssl.conf"),
    )
    .unwrap();
    run_page("docs/guides/kubespray.md", scratch.path());
}

#[test]
fn keys_stay() {
    let scratch = Scratch::new("keys-stay");
    specify("docs/guides/keys-stay.md", scratch.path());
    run_page("docs/guides/keys-stay.md", scratch.path());
}

#[test]
fn revoke() {
    let scratch = Scratch::new("revoke");
    specify("docs/guides/revoke.md", scratch.path());
    run_page("docs/guides/revoke.md", scratch.path());
}

#[test]
fn rotate_ca() {
    let scratch = Scratch::new("rotate-ca");
    specify("docs/guides/rotate-ca.md", scratch.path());
    run_page("docs/guides/rotate-ca.md", scratch.path());
}

#[test]
fn monitoring() {
    let scratch = Scratch::new("monitoring");
    run_page("docs/guides/monitoring.md", scratch.path());
}

#[test]
fn take_over() {
    let scratch = Scratch::new("take-over");
    let names = ["DNS:node1", "IP:10.0.0.11"];
    let kubespray = Kubespray::create_with(&["node1"], &["node1"], &names);
    fs::rename(kubespray.path(), scratch.path().join("ssl")).unwrap();
    run_page("docs/guides/take-over.md", scratch.path());
}

#[test]
fn reference_of_the_command() {
    let scratch = Scratch::new("reference");
    specify("docs/reference/command.md", scratch.path());
    run_page("docs/reference/command.md", scratch.path());
}

/// Sends a request to etcd's JSON gateway and returns its status and body.
fn gateway(url: &str, client: &Credentials, path: &str, body: &str, token: &str) -> String {
    const SCRIPT: &str = "\
import http.client, ssl, sys
url, ca, certificate, key, path, body, token = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
connection = http.client.HTTPSConnection(url.removeprefix('https://'), context=context, timeout=30)
connection.request('POST', path, body, {'Authorization': token} if token else {})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
";
    let pair = client.pair.as_ref().unwrap();
    let files = [&client.ca, &pair.certificate, &pair.key];
    let mut command = Tool::PYTHON.command();
    command.args(["-I", "-c", SCRIPT, url]).args(files);
    let output = run(command.args([path, body, token])).expect_success();
    output.stdout().trim().to_owned()
}

/// The statements of the page about roles on etcd's JSON gateway with RBAC, with the client that it
/// shows.
#[test]
fn the_json_gateway_with_rbac() {
    let text = page("docs/concepts/roles.md");
    let command = Regex::new("(?m)^ +(etcd-pki cert issue .+)$").unwrap();
    let refusal = Regex::new("(?m)^ +400 (.+)$").unwrap();
    let [command, refusal] =
        [command, refusal].map(|line| line.captures(&text).unwrap()[1].to_owned());
    let scratch = Scratch::new("gateway");
    let directory = scratch.path().join("pki");
    for line in [
        "etcd-pki ca new -d pki",
        "etcd-pki cert issue member etcd-1 --san 127.0.0.1 -d pki",
        "etcd-pki cert issue client root -d pki",
        &command,
    ] {
        let printed = typed(line, scratch.path());
        assert!(!printed.contains("exit code"), "{line}: {printed}");
    }
    let credentials = |role, name: &str| {
        let pair = Layout::Kubespray.pairs(role, name).unwrap()[0].below(&directory);
        Credentials::new(directory.join("ca.pem"), pair)
    };
    let root = credentials(Role::Client, "root");
    let nameless = credentials(Role::Client, "gateway");
    let member = Member::with_pair("etcd-1", &credentials(Role::Member, "etcd-1"));
    let key = r#"{"key": "Zm9v"}"#;
    let token_field = Regex::new(r#""token":"([^"]+)""#).unwrap();
    for version in Version::ALL {
        let cluster = Cluster::start(version, std::slice::from_ref(&member), &root);
        let url = cluster.client_url(0);
        let read = |client, token: &str| gateway(url, client, "/v3/kv/range", key, token);
        assert!(read(&root, "").starts_with("200 "));
        for arguments in [
            "user add root:secret",
            "user grant-role root root",
            "auth enable",
        ] {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let _ = cluster.etcdctl(&root, &arguments).expect_success();
        }
        let login = r#"{"name": "root", "password": "secret"}"#;
        let token = gateway(url, &nameless, "/v3/auth/authenticate", login, "");
        let token = token_field.captures(&token).unwrap()[1].to_owned();
        for token in ["", &token] {
            assert_eq!(read(&root, token), format!("400 {refusal}"), "{version:?}");
        }
        let without = read(&nameless, "");
        assert!(!without.starts_with("200 "), "{version:?}: {without}");
        let with = read(&nameless, &token);
        assert!(with.starts_with("200 "), "{version:?}: {with}");
        // etcdctl needs no token
        let _ = cluster.etcdctl(&root, &["get", "foo"]).expect_success();
    }
}

/// The reference lists exactly the fields that the parser knows, and its example is a valid
/// specification.
#[test]
fn reference_of_the_specification() {
    let text = page("docs/reference/specification.md");
    let fields = Regex::new(r"(?s)pub struct \w+Spec \{\n(.*?)\n\}").unwrap();
    // A field with another name in YAML has an attribute
    let field = Regex::new(r#"rename = "(\w+)"[^/]*?pub \w+:|pub (\w+):"#).unwrap();
    let mut known = 0;
    let source = page("etcd-pki-core/src/cluster/spec.rs");
    for spec in fields.captures_iter(&source) {
        for name in field.captures_iter(&spec[1]) {
            let name = name.get(1).or(name.get(2)).unwrap().as_str();
            assert!(text.contains(&format!("`{name}`")), "{name}");
            known += 1;
        }
    }
    assert!(known > 30, "{known}");
    let (_, shown) = text.split_once("```yaml\n").unwrap();
    etcd_pki_core::Cluster::from_yaml(shown.split_once("```").unwrap().0).unwrap();
}

/// The Rust code of the READMEs compiles and runs unchanged, as a separate program in a separate
/// directory.
#[test]
fn rust_in_the_readmes() {
    for name in ["README.md", "etcd-pki-core/README.md"] {
        let text = page(name);
        let (_, rest) = text.split_once("```rust\n").unwrap();
        let (program, _) = rest.split_once("```").unwrap();
        let scratch = Scratch::new("program");
        fs::create_dir(scratch.path().join("src")).unwrap();
        fs::write(scratch.path().join("src/main.rs"), program).unwrap();
        let core = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .join("etcd-pki-core");
        let manifest = format!(
            "[package]\nname = \"readme-program\"\nedition = \"2024\"\n[workspace]\n[dependencies]\netcd-pki-core = {{ path = {core:?} }}\n"
        );
        fs::write(scratch.path().join("Cargo.toml"), manifest).unwrap();
        // The same versions as in the tests
        fs::copy(
            core.join("../Cargo.lock"),
            scratch.path().join("Cargo.lock"),
        )
        .unwrap();
        // Most of it is built there already
        let target = etcd_pki().parent().and_then(Path::parent).unwrap();
        let built = Command::new(env::var_os("CARGO").unwrap())
            .current_dir(scratch.path())
            .env("CARGO_TARGET_DIR", target)
            .args(["run", "--quiet"])
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&built.stderr)
        );
        for file in [
            "ca.pem",
            "ca-key.pem",
            "member-etcd-1.pem",
            "client-backup-key.pem",
        ] {
            assert!(
                scratch.path().join("pki").join(file).is_file(),
                "{name}: {file}"
            );
        }
    }
}

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let link = Regex::new(r"\]\(([^)#]+)\)").unwrap();
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/concepts/roles.md",
        "docs/glossary.md",
        "docs/guides/new-cluster.md",
        "docs/guides/keys-stay.md",
        "docs/guides/kubespray.md",
        "docs/guides/replace-openssl.md",
        "docs/guides/take-over.md",
        "docs/guides/monitoring.md",
        "docs/guides/rotate-ca.md",
        "docs/guides/python.md",
        "docs/guides/ansible.md",
        "docs/reference/README.md",
        "docs/reference/command.md",
        "docs/reference/findings.md",
        "docs/reference/specification.md",
        "etcd-pki-core/README.md",
        "etcd-pki-py/README.md",
    ] {
        let text = page(name);
        for found in link.captures_iter(&text) {
            let target = &found[1];
            let path = root.join(name).parent().unwrap().join(target);
            assert!(
                target.starts_with("https://") || path.exists(),
                "{name}: {target}"
            );
        }
    }
}

/// The reference lists exactly the findings of the library, with the same texts.
#[test]
fn every_finding_is_in_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = fs::read_to_string(root.join("docs/reference/findings.md")).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| EP"))
        .collect();
    let expected: Vec<String> = Finding::TABLE
        .iter()
        .map(|entry| {
            let facts = match entry.facts {
                [] => "none".to_owned(),
                facts => facts.join(", "),
            };
            format!(
                "| {} | `{}` | {} | {facts} | {} | {} |",
                entry.code, entry.kind, entry.severity, entry.meaning, entry.fix
            )
        })
        .collect();
    assert_eq!(rows, expected);
}

/// SECURITY.md names tests for each promise, and these tests exist.
#[test]
fn every_promise_has_its_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(tests.join("../SECURITY.md")).unwrap();
    let promises = page.split_once("## Promises").unwrap().1;
    let promises = promises.split_once("\n## ").unwrap().0;
    let begin = Regex::new(r"(?m)^\d+\. ").unwrap();
    let named = Regex::new(r"`([\w:]+)::(\w+)`").unwrap();
    let mut count = 0;
    for promise in begin.split(promises).skip(1) {
        let mut has_test = false;
        for test in named.captures_iter(promise) {
            let (file, function) = (test[1].replace("::", "/"), &test[2]);
            let text = fs::read_to_string(tests.join(format!("{file}.rs"))).unwrap_or_default();
            // A macro creates the functions of the fuzz targets
            let is_test = text.contains(&format!("#[test]\nfn {function}()"))
                || file == "fuzz" && text.contains(&format!("    {function},\n"));
            assert!(
                is_test,
                "SECURITY.md names the test {file}::{function}, which does not exist"
            );
            has_test = true;
        }
        assert!(has_test, "this promise names no test: {promise}");
        count += 1;
    }
    assert!(count >= 16, "{count} promises");
}
