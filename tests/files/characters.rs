//! Characters that control a terminal or are invisible, in the names of certificates, requests and
//! files: no command prints any of them.
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use etcd_pki_core::Cluster;
use etcd_pki_tests::{Scratch, Tool, command::etcd_pki};
use serde_json::Value;

/// A change of the writing direction, blanks without width, an isolate, a byte order mark, a tag, a
/// colour, and a line that looks like one of another program.
const EVIL: &str = "a\u{202e}b\u{200b}c\u{2066}d\u{feff}e\u{e0041}f\u{1b}[31m\u{9b}\nFORGED";

/// Whether a character must not be printed: the members of Unicode's categories Cc and Cf that
/// occur in [`EVIL`] or have similar codes.
fn is_hidden(letter: char) -> bool {
    (letter.is_control() && letter != '\n')
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

struct Place(Scratch);

impl Place {
    /// Creates a directory with Kubespray's file names and with such names in every certificate,
    /// and a request and a file next to it.
    fn create() -> Self {
        let place = Self(Scratch::new("hidden"));
        fs::create_dir(place.path().join("ssl")).unwrap();
        let ca = [
            "-x509",
            "-newkey",
            "ec",
            "-keyout",
            "ssl/ca-key.pem",
            "-out",
            "ssl/ca.pem",
            "-days",
            "99",
        ];
        place.openssl(&ca, &["-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
        for name in ["member-etcd-1", "client-app"] {
            let (key, request) = (format!("ssl/{name}-key.pem"), format!("{name}.csr"));
            place.openssl(
                &["-newkey", "ec", "-keyout", &key, "-out", &request],
                &[
                    "-addext",
                    "subjectAltName=DNS:x\\nFORGED,URI:y\\nFORGED,email:z\\nFORGED",
                ],
            );
            let certificate = format!("ssl/{name}.pem");
            let line = [
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                "ssl/ca.pem",
                "-CAkey",
                "ssl/ca-key.pem",
                "-set_serial",
                "-5",
                "-out",
                &certificate,
                "-copy_extensions",
                "copy",
                "-days",
                "9",
            ];
            let output = Tool::OPENSSL
                .command()
                .current_dir(place.path())
                .args(line)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let odd = format!("ssl/{EVIL}.pem");
        fs::copy(
            place.path().join("ssl/client-app.pem"),
            place.path().join(odd),
        )
        .unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn openssl(&self, line: &[&str], rest: &[&str]) {
        let output = Tool::OPENSSL
            .command()
            .current_dir(self.path())
            .args([
                "req",
                "-new",
                "-nodes",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-utf8",
            ])
            .args(line)
            .args(rest)
            .arg("-subj")
            .arg(format!("/O={EVIL}/CN={EVIL}"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(etcd_pki())
            .current_dir(self.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs a command and returns both outputs. They contain no hidden character.
    #[track_caller]
    fn seen(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let mut all = String::new();
        for printed in [output.stdout, output.stderr] {
            let printed = String::from_utf8(printed).unwrap();
            let hidden: Vec<char> = printed
                .chars()
                .filter(|letter| is_hidden(*letter))
                .collect();
            assert!(
                hidden.is_empty(),
                "{arguments:?} prints {hidden:?}:\n{printed:?}"
            );
            let forged = printed
                .lines()
                .find(|line| line.trim_start().starts_with("FORGED"));
            assert_eq!(forged, None, "{arguments:?}");
            all += &printed;
        }
        assert!(!all.is_empty(), "{arguments:?} prints nothing");
        all
    }
}

#[test]
fn no_command_prints_them() {
    let place = Place::create();
    let odd = format!("ssl/{EVIL}.pem");
    let odd = odd.as_str();
    fs::write(
        place.path().join("cluster.yaml"),
        "members: [{name: etcd-1, addresses: [10.0.0.1]}]\nclients: [app]\n",
    )
    .unwrap();
    let conf = format!("[alt_names]\nDNS.1 = \"{}\"\n", EVIL.replace('\n', "\\n"));
    fs::write(place.path().join("openssl.conf"), conf).unwrap();
    let yaml = format!(
        "members: [{{name: \"{}\"}}]\n",
        EVIL.escape_unicode()
            .to_string()
            .replace("\\u{", "\\U000")
            .replace('}', "")
    );
    fs::write(place.path().join("odd.yaml"), yaml).unwrap();
    for arguments in [
        &["cert", "show", "ssl/member-etcd-1.pem"][..],
        &["cert", "show", "ssl/ca.pem", odd],
        &["cert", "show", odd, "--json"],
        &["cert", "show", "ssl/ca.pem", "--field", "subject"],
        &["cert", "show", "ssl/ca.pem", "--field", "common-name"],
        &["cert", "show", "ssl/client-app.pem", "--field", "san"],
        &["cert", "verify", odd, "--ca", "ssl/ca.pem"],
        &["cert", "verify", odd, "--ca", "ssl/ca.pem", "--json"],
        &[
            "cert",
            "verify",
            odd,
            "--ca",
            "ssl/ca.pem",
            "--host",
            "etcd-1",
        ],
        &["cert", "verify", "ssl/ca.pem", "--ca", odd],
        &["cert", "match", odd, "ssl/client-app-key.pem"],
        &["cert", "match", odd, "ssl/ca-key.pem"],
        &["cert", "renew", odd, "-d", "ssl"],
        &["cert", "issue", "client", "b", "-d", "ssl"],
        &["cert", "issue", "client", EVIL, "-d", "ssl"],
        &["cert", "issue", "client", "c", "--cn", EVIL, "-d", "ssl"],
        &["cert", "issue", "client", "c", "--san", EVIL, "-d", "ssl"],
        &[
            "cert",
            "sign",
            "client-app.csr",
            "--role",
            "client",
            "-d",
            "ssl",
            "-o",
            "out.pem",
        ],
        &[
            "cert",
            "sign",
            "client-app.csr",
            "--role",
            "client",
            "--cn",
            "d",
            "-d",
            "ssl",
            "-o",
            "out.pem",
        ],
        &[
            "cert",
            "sign",
            "client-app.csr",
            "--role",
            "client",
            "--accept-claims",
            "-d",
            "ssl",
            "-o",
            "out2.pem",
        ],
        &["csr", "show", "client-app.csr"],
        &["csr", "show", "client-app.csr", "--json"],
        &["csr", "show", "client-app.csr", "--field", "names"],
        &["csr", "show", odd],
        &["ca", "show", "-d", "ssl"],
        &["key", "show", odd],
        &["key", "public", odd],
        &["check", "ssl"],
        &["check", "ssl", "--json"],
        &["check", "ssl", "--format", "nagios"],
        &["check", "ssl", "--format", "prometheus"],
        &["check", odd],
        &["check", EVIL],
        &["env", "etcd", "--host", "etcd-1", "-d", "ssl"],
        &["env", "etcdctl", "--client", "app", "-d", "ssl"],
        &["env", "etcdctl", "--client", EVIL, "-d", "ssl"],
        &["env", "etcd", "--host", "etcd-1", "-d", "ssl", "--json"],
        &["adopt", "ssl"],
        &["adopt", "ssl", "--json"],
        &["adopt", EVIL],
        &["plan", "-f", "cluster.yaml", "-d", "ssl"],
        &["plan", "-f", "cluster.yaml", "-d", "ssl", "--json"],
        &["plan", "-f", "odd.yaml", "-d", "ssl"],
        &["plan", "-f", EVIL, "-d", EVIL],
        &["apply", "-f", "cluster.yaml", "-d", "ssl", "--prune"],
        &["kubespray", "-f", "openssl.conf", "-d", "ssl"],
        &[
            "export",
            "--host",
            EVIL,
            "-f",
            "cluster.yaml",
            "-d",
            "ssl",
            "-o",
            "exported",
        ],
        &["ca", "renew", "-d", "ssl"],
    ] {
        place.seen(arguments);
    }
}

#[test]
fn programs_read_the_names_as_they_are() {
    let place = Place::create();
    let json = place.seen(&["cert", "show", "ssl/ca.pem", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["certificates"][0]["common_name"], EVIL);
    assert_eq!(json["certificates"][0]["organization"][0], EVIL);
    let request = place.seen(&["csr", "show", "client-app.csr", "--json"]);
    let request: Value = serde_json::from_str(&request).unwrap();
    let name = request["requests"][0]["names"][0].as_str().unwrap();
    assert!(name.starts_with("x\nFORGED"), "{name:?}");
    assert_eq!(request["requests"][0]["common_name"], EVIL);
}

#[test]
fn the_settings_are_lines_of_their_own() {
    let place = Place::create();
    let output = place.run(&["env", "etcd", "--host", "etcd-1", "-d", "ssl"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    assert!(lines.contains("ETCD_PEER_CERT_FILE"), "{lines}");
    // The other members are not known
    assert!(!lines.contains("ETCD_PEER_CERT_ALLOWED_CN"), "{lines}");
    for line in lines.lines() {
        assert!(
            line.starts_with("ETCD_") || line.starts_with("# "),
            "{line}"
        );
    }
}

/// Some names contain such characters for a good reason: joiners, and blanks of other widths.
#[test]
fn a_specification_is_read_as_it_was_written() {
    let place = Place(Scratch::new("hidden"));
    let name = "a\u{200d}b\u{a0}c";
    place.seen(&["ca", "new", "-d", "p"]);
    place.seen(&["cert", "issue", "client", name, "-d", "p"]);
    let yaml = place.seen(&["adopt", "p"]);
    assert!(
        yaml.contains("\\U0000200D") && yaml.contains("\\U000000A0"),
        "{yaml}"
    );
    assert_eq!(
        Cluster::from_yaml(&yaml).unwrap().spec().clients[0].name,
        name
    );
}
