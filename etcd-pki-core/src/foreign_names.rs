//! Recognizes file names of tools without a layout, and explains how to adopt the files.

use std::path::Path;

/// The file names of a tool.
struct Tool {
    name: &'static str,
    /// Whether only this tool uses a path, given relative to the directory
    is_one: fn(&[&str]) -> bool,
    advice: &'static str,
}

/// Files of a tool without a layout, and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignNames {
    /// The tool that uses these names
    pub(crate) tool: &'static str,
    /// The first file, relative to the directory
    pub(crate) file: String,
    /// The number of files
    pub(crate) count: usize,
    /// The advice, a sentence without a period
    pub(crate) advice: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "RKE",
        is_one: |path| matches!(path, [.., file] if file.starts_with("kube-etcd-") || matches!(*file, "kube-ca.pem" | "kube-ca-key.pem")),
        advice: "`rke cert rotate` renews them where cluster.rkestate is; to leave RKE, copy kube-ca.pem to ca.pem, kube-ca-key.pem \
                 to ca-key.pem, and kube-etcd-ADDRESS.pem and its key to member-HOST.pem and member-HOST-key.pem in another \
                 directory, and adopt that",
    },
    Tool {
        name: "kops' etcd-manager",
        is_one: |path| {
            matches!(
                path,
                [
                    ..,
                    "clients",
                    "ca.crt" | "ca.key" | "server.crt" | "server.key"
                ] | [.., "peers", "ca.crt" | "ca.key" | "me.crt" | "me.key"]
            ) || matches!(path, [.., file] if ["etcd-clients-ca.", "etcd-peers-ca.", "etcd-manager-ca."]
                    .iter()
                    .any(|prefix| file.starts_with(prefix)))
        },
        advice: "etcd-manager makes new ones when it starts, so restart it on one master after the other; to leave it, copy clients/ \
                 and peers/ into the files of a layout, with `ca: {peers: separate}`, for peers have a CA of their own",
    },
    Tool {
        name: "easy-rsa",
        is_one: |path| {
            matches!(path, [.., "issued", file] if has_ending(file, "crt"))
                || matches!(path, [.., "private", file] if has_ending(file, "key"))
                || matches!(path, [.., "reqs", file] if has_ending(file, "req"))
        },
        advice: "copy ca.crt to ca.pem, private/ca.key to ca-key.pem, and issued/NAME.crt and private/NAME.key to member-NAME.pem and \
                 member-NAME-key.pem (client-NAME.pem for a client) in another directory, and adopt that; `etcd-pki key convert` \
                 removes the passphrase of the CA's key",
    },
    Tool {
        name: "step-ca",
        is_one: |path| {
            matches!(path, [.., file] if matches!(*file,
                "root_ca.crt" | "intermediate_ca.crt" | "root_ca_key" | "intermediate_ca_key"))
        },
        advice: "`step ca renew` renews what step-ca has issued; to leave it, copy certs/intermediate_ca.crt and certs/root_ca.crt, one \
                 after the other, to ca.pem, and secrets/intermediate_ca_key to ca-key.pem in another directory, with what was \
                 issued as member-HOST.pem and member-HOST-key.pem, and adopt that",
    },
    Tool {
        name: "OpenSSL's CA.pl",
        is_one: |path| {
            matches!(
                path,
                [.., "private", "cakey.pem"] | [.., "demoCA", "cacert.pem"]
            ) || matches!(path, [.., "newcerts", file] if has_ending(file, "pem"))
        },
        advice: "copy cacert.pem to ca.pem, private/cakey.pem to ca-key.pem, and what was issued to member-HOST.pem and \
                 member-HOST-key.pem (client-NAME.pem for a client) in another directory, and adopt that",
    },
    Tool {
        name: "OpenShift",
        is_one: |path| {
            matches!(path, [.., file] if has_ending(file, "crt") || has_ending(file, "key"))
                && matches!(path, [.., file] if file.starts_with("etcd-serving-") || file.starts_with("etcd-peer-"))
        },
        advice: "OpenShift's operator of etcd renews them by itself; leave them to it",
    },
    Tool {
        name: "cert-manager, as a Secret has them",
        is_one: |path| matches!(path, [.., "tls.crt" | "tls.key"]),
        advice: "cert-manager renews them by itself; `etcd-pki check` watches them where they are mounted",
    },
];

/// Finds the tool that uses the names of most of these files, if there is one. Paths are relative
/// to the directory.
pub(crate) fn recognize<'a>(files: impl IntoIterator<Item = &'a Path>) -> Option<ForeignNames> {
    let mut found: Vec<Option<ForeignNames>> = vec![None; TOOLS.len()];
    for file in files {
        let parts: Option<Vec<&str>> = file.iter().map(|part| part.to_str()).collect();
        let Some(parts) = parts else { continue };
        for (tool, found) in TOOLS.iter().zip(&mut found) {
            if (tool.is_one)(&parts) {
                let found = found.get_or_insert_with(|| ForeignNames {
                    tool: tool.name,
                    file: file.display().to_string(),
                    count: 0,
                    advice: tool.advice,
                });
                found.count += 1;
            }
        }
    }
    // If several tools have as many files, the first in the table counts
    let found = found.into_iter().rev().flatten();
    found.max_by_key(|found| found.count)
}

fn has_ending(file: &str, ending: &str) -> bool {
    Path::new(file)
        .extension()
        .is_some_and(|found| found == ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    fn tool(files: &[&str]) -> Option<&'static str> {
        recognize(files.iter().map(Path::new)).map(|found| found.tool)
    }

    #[test]
    fn each_tool_by_its_names() {
        for (files, expected) in [
            (
                &[
                    "kube-ca.pem",
                    "kube-etcd-10-0-0-1.pem",
                    "kube-etcd-10-0-0-1-key.pem",
                ][..],
                "RKE",
            ),
            (
                &["etcd-clients-ca.crt", "etcd-manager-ca.key"],
                "kops' etcd-manager",
            ),
            (
                &["pki/x/clients/server.crt", "pki/x/peers/me.key"],
                "kops' etcd-manager",
            ),
            (
                &["ca.crt", "private/ca.key", "issued/a.crt", "reqs/a.req"],
                "easy-rsa",
            ),
            (
                &["pki/issued/a.crt", "pki/private/a.key", "pki/index.txt"],
                "easy-rsa",
            ),
            (
                &["certs/root_ca.crt", "secrets/intermediate_ca_key"],
                "step-ca",
            ),
            (&["root_ca.crt", "intermediate_ca.crt"], "step-ca"),
            (
                &["cacert.pem", "private/cakey.pem", "newcerts/01.pem"],
                "OpenSSL's CA.pl",
            ),
            (&["etcd-serving-m1.crt", "etcd-peer-m1.key"], "OpenShift"),
            (
                &["tls.crt", "tls.key", "ca.crt"],
                "cert-manager, as a Secret has them",
            ),
        ] {
            assert_eq!(tool(files), Some(expected), "{files:?}");
        }
        for files in [
            &[][..],
            &["a.txt"],
            &["ca.pem", "a.pem"],
            &["issued", "private/readme"],
        ] {
            assert_eq!(tool(files), None, "{files:?}");
        }
    }

    #[test]
    fn no_layout_is_foreign() {
        for layout in Layout::ALL {
            for role in crate::role::Role::ALL {
                for pair in layout.pairs(role, "a").unwrap() {
                    assert_eq!(recognize([pair.certificate.as_path(), &pair.key]), None);
                }
            }
            let ca = layout.ca(crate::layout::CaKind::Client);
            assert_eq!(recognize([ca.certificate.as_path(), &ca.key]), None);
        }
    }

    #[test]
    fn files_are_counted_and_the_first_is_named() {
        let found = recognize(["issued/a.crt", "issued/b.crt", "tls.crt"].map(Path::new)).unwrap();
        assert_eq!((found.file.as_str(), found.count), ("issued/a.crt", 2));
        for tool in TOOLS {
            assert!(
                !tool.advice.ends_with('.') && tool.advice.len() > 40,
                "{}",
                tool.name
            );
        }
    }
}
